//! The zones, and the record sets that each of their nameservers must answer with.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use super::absence::{IN_TURN, absent, mark_existing};
use super::document::{Node, distinct};
use super::environment::Environment;
use super::hosts::Nameserver;
use super::name;
use super::problem::{Rejection, reject};
use super::records::{self, Expected, RecordSet, TYPES};
use super::zone_file;

/// Queries in one round, all addresses together. With 2.8 KB each, if one nameserver has them all, they fit
/// into the memory limit of the service; and at the default pace, into the default interval.
const MOST_QUERIES: usize = 15_000;

/// Names of nameservers that a problem lists.
const SUGGESTED: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The apex, absolute.
    pub name: Name,
    /// Indices into [`Config::nameservers`](super::Config::nameservers); never empty.
    pub nameservers: Vec<usize>,
    /// Its zone file.
    pub file: Option<PathBuf>,
    /// The expected record sets, those of the file included; each name and type once.
    pub records: Vec<Arc<RecordSet>>,
    /// What must not exist: queried in turn, except for a name that must not exist at all.
    pub absent: Vec<Arc<RecordSet>>,
    /// Whether it is looked at from the roots; `None`: unless its name is a private one.
    pub world: Option<bool>,
}

/// File names are relative to `folder`.
pub(super) fn zones<'a>(
    root: &Node<'a>,
    folder: &Path,
    nameservers: &[Nameserver],
    environment: Environment<'_>,
) -> Vec<Zone> {
    let next = "write a table [[zone]] for each zone, with its name";
    let tables = root.require("zone", next).tables("name nameservers file records world", next);
    let cuts: HashSet<Name> = tables.iter().filter_map(|table| apex_of(table)).collect();
    let numbered = nameservers.iter().enumerate();
    let numbers = numbered.rev().map(|(n, server)| (server.name.as_str(), n)).collect();
    let addresses = nameservers.iter().map(|server| server.addresses.len()).sum();
    let (mut zones, mut seen, mut load) = (Vec::new(), HashMap::new(), Load::default());
    for table in tables {
        let apex = apex(&table, &mut seen);
        // Without a name of the zone, its records are still checked: every name is below the root.
        let name = apex.clone().unwrap_or_else(Name::root);
        let mut records = record_sets(&table.get("records"), &name);
        let mut only_in_file = None;
        let node = table.get("file");
        let file = node.text("example.net.zone", |text| {
            let path = folder.join(text);
            let next = "write the important record sets into records = [ … ] instead";
            let content = environment.content(&path, next)?;
            let file = path.display().to_string();
            match apex.map(|apex| zone_file::read(&file, &content, &apex, &records, &cuts)) {
                Some(Ok((more, absent))) => {
                    records.extend(more);
                    only_in_file = Some(absent);
                }
                Some(Err(problems)) => node.note(problems),
                None => {} // nothing to compare it with
            }
            Ok(path)
        });
        mark_existing(&name, &mut records);
        let absent = absent(&name, &records, only_in_file);
        let listed = served_by(&table.get("nameservers"), &numbers);
        let of = |listed: &Vec<usize>| listed.iter().map(|&n| nameservers[n].addresses.len()).sum();
        let queries = records.iter().filter(counted).count() + absent.len().min(IN_TURN + 1);
        let world = table.get("world").flag();
        load.add(table, queries, listed.as_ref().map_or(addresses, of));
        let all = || (0..nameservers.len()).collect();
        // A file with too many queries is rejected, so no more of it is kept.
        let (nameservers, records, absent) = match load.all {
            0..=MOST_QUERIES => (listed.unwrap_or_else(all), records, absent),
            _ => (Vec::new(), Vec::new(), Vec::new()),
        };
        zones.push(Zone { name, nameservers, file, records, absent, world });
    }
    if load.all > MOST_QUERIES {
        load.reject();
    } else if !zones.is_empty() {
        reject_idle(&root.get("nameserver"), nameservers.len(), &zones);
    }
    zones
}

/// Notes the nameservers without a zone.
fn reject_idle(key: &Node<'_>, count: usize, zones: &[Zone]) {
    let mut idle = vec![true; count];
    for &n in zones.iter().flat_map(|zone| &zone.nameservers) {
        idle[n] = false;
    }
    let idle = (0..count).filter(|&n| idle[n]).filter_map(|n| key.item(n));
    for node in idle {
        let next = "add it to the nameservers of a zone, or remove it";
        node.absent().reject("serves no zone of this file", next);
    }
}

/// The name of a zone; `seen` has those before it.
fn apex(table: &Node<'_>, seen: &mut HashMap<Name, String>) -> Option<Name> {
    let key = table.require("name", "write name = \"…\", such as \"example.net\"");
    key.text("example.net", |text| {
        let apex = name::zone_name(text)?;
        let place = seen.entry(apex.clone()).or_insert_with(|| table.path.clone());
        if *place == table.path {
            return Ok(apex);
        }
        reject(format!("is already {place}"), "put its records into one [[zone]]")
    })
}

/// The name of a zone, if it is right.
fn apex_of(table: &Node<'_>) -> Option<Name> {
    name::zone_name(table.get("name").as_str()?).ok()
}

/// The queries of one round.
#[derive(Default)]
struct Load<'a> {
    /// To all addresses.
    all: usize,
    /// The zone with the most, and their number to one address.
    largest: Option<(usize, Node<'a>)>,
}

impl<'a> Load<'a> {
    /// Adds those of a zone, and SOA over UDP and TCP and NS, to so many addresses.
    fn add(&mut self, zone: Node<'a>, queries: usize, addresses: usize) {
        let queries = queries + 3;
        self.all += queries * addresses;
        if self.largest.as_ref().is_none_or(|(most, _)| queries >= *most) {
            self.largest = Some((queries, zone));
        }
    }

    fn reject(&self) {
        let all = self.all;
        let reason = format!(
            "leads to {all} queries in each round, all addresses together; {MOST_QUERIES} is the limit"
        );
        let next = "this zone has the most: write its important record sets into records instead of using \
                    its file, or let another pilotlight watch some of the zones or nameservers";
        self.largest.iter().for_each(|(_, zone)| zone.absent().reject(reason.clone(), next));
    }
}

/// Whether [`Load::add`] does not count it anyway.
fn counted(set: &&Arc<RecordSet>) -> bool {
    !matches!(set.rtype, RecordType::SOA | RecordType::NS)
}

/// The nameservers listed here, by their `numbers`.
fn served_by(key: &Node<'_>, numbers: &HashMap<&str, usize>) -> Option<Vec<usize>> {
    key.reject_empty("name one or more, or leave the key out for all");
    let find = |text: &str| {
        let wanted = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        numbers.get(&*wanted).copied().ok_or_else(|| {
            let mut known: Vec<_> = numbers.iter().filter(|(name, _)| !name.is_empty()).collect();
            known.sort_by_key(|(_, number)| **number);
            let known = known.iter().take(SUGGESTED).map(|(name, _)| format!(", or write {name}"));
            let next = format!("add a [[nameserver]] of that name{}", known.collect::<String>());
            Rejection::new("is not a nameserver of this file", next)
        })
    };
    key.texts("ns1.example.net", find).map(distinct)
}

fn record_sets(key: &Node<'_>, apex: &Name) -> Vec<Arc<RecordSet>> {
    let next =
        "write a list: records = [{ name = \"@\", type = \"A\", values = [\"192.0.2.80\"] }]";
    let mut sets = Vec::new();
    let mut taken = Taken::new();
    for table in key.tables("name type values", next) {
        let name = table.require("name", "write name = \"@\" for the zone itself, or \"www\"");
        let name = name.text("www", |text| owner(text, apex));
        let rtype = table.require("type", &format!("write type = \"…\": {}", types()));
        let rtype = rtype.text("A", record_type);
        let expected = rtype.and_then(|rtype| expected(&table, rtype, apex));
        let (Some(name), Some(rtype)) = (name, rtype) else { continue };
        if let Err(why) = may_stand(&name, rtype, apex, &taken) {
            table.reject_as("", why);
            continue;
        }
        // With its values rejected, it still occupies its name and type.
        let expected = expected.unwrap_or(Expected::Some);
        taken.entry(name.clone()).or_default().push((rtype, table.path));
        sets.push(Arc::new(RecordSet { name, rtype, expected }));
    }
    sets
}

/// The types at each name so far, each with its place in the file.
type Taken = HashMap<Name, Vec<(RecordType, String)>>;

fn owner(text: &str, apex: &Name) -> Result<Name, Rejection> {
    let name = name::within(text, apex)?.to_lowercase();
    if apex.zone_of(&name) {
        return Ok(name);
    }
    let apex = apex.to_ascii();
    reject(
        format!("is not in {apex}"),
        format!("write a name at or below {apex}, or remove the dot at the end"),
    )
}

fn types() -> String {
    TYPES.map(|rtype| rtype.to_string()).join(", ")
}

fn record_type(text: &str) -> Result<RecordType, Rejection> {
    let known = TYPES.into_iter().find(|&rtype| text == <&str>::from(rtype));
    let next = || format!("write one of {}", types());
    let upper = TYPES.into_iter().find(|rtype| text.eq_ignore_ascii_case((*rtype).into()));
    known.ok_or_else(|| match upper {
        Some(rtype) => Rejection::new("is not in capital letters", format!("write \"{rtype}\"")),
        None => Rejection::new("is not a type that this version compares", next()),
    })
}

/// Whether a set of this type may stand at `name`, beside those before it (RFC 1034, section 3.6.2).
fn may_stand(name: &Name, rtype: RecordType, apex: &Name, taken: &Taken) -> Result<(), Rejection> {
    let at = name.to_ascii();
    match rtype {
        RecordType::CNAME if name == apex => {
            return reject(
                "is a CNAME at the apex, but a CNAME cannot be beside SOA and NS",
                "write the A and AAAA records that the apex answers with",
            );
        }
        RecordType::SOA | RecordType::NS if name != apex => {
            return reject(
                format!(
                    "expects {rtype} below the apex, but only at the apex is such an answer authoritative"
                ),
                format!("make {at} a [[zone]] of its own, or remove this"),
            );
        }
        _ => {}
    }
    for (other, path) in taken.get(name).into_iter().flatten() {
        if *other == rtype {
            return reject(
                format!("is {at} {rtype}, which is already {path}"),
                "put all values into one of them",
            );
        }
        if *other == RecordType::CNAME || rtype == RecordType::CNAME {
            return reject(
                format!("is {at} {rtype}, beside {path}, a {other}: a CNAME must be alone"),
                "keep the one that the zone has",
            );
        }
    }
    Ok(())
}

fn expected(table: &Node<'_>, rtype: RecordType, apex: &Name) -> Option<Expected> {
    if rtype == RecordType::SOA {
        let values = table.get("values");
        if values.exists() {
            let reason = "cannot be compared for SOA, because the serial changes at every edit";
            values.reject(reason, "remove values: any SOA is right");
        }
        return Some(Expected::Some);
    }
    let key = table.get("values");
    if !key.exists() {
        key.reject(
            "is missing",
            "write values = [\"…\"], with every record of the answer, or [] for none",
        );
    }
    let values = key.texts(records::example(rtype), |text| records::parse(rtype, text, apex))?;
    if rtype == RecordType::CNAME {
        for (second, _) in values.iter().skip(1) {
            let next = "keep the one that the zone has";
            second.reject("is a second CNAME, but a name has one CNAME", next);
        }
    }
    if !values.is_empty() {
        return Some(Expected::Records(distinct(values)));
    }
    if rtype == RecordType::NS {
        key.reject_empty("name the zone's nameservers, or remove this");
    }
    Some(Expected::Nothing)
}
