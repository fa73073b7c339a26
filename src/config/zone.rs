//! The zones, and the record sets that each of their nameservers must answer with.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use super::document::{Node, distinct};
use super::environment::{Environment, LARGEST_FILE, unreadable};
use super::hosts::Nameserver;
use super::name;
use super::problem::{Rejection, reject};
use super::records::{self, Expected, RecordSet, TYPES};
use super::zone_file;

/// Queries in one round, all addresses together. With 2.8 KB each, if one nameserver has them all, they fit
/// into the memory limit of the service; and at the default pace, into the default interval.
const MOST_QUERIES: usize = 15_000;

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
}

/// File names are relative to `folder`.
pub(super) fn zones(
    root: &Node<'_>,
    folder: &Path,
    nameservers: &[Nameserver],
    environment: Environment<'_>,
) -> Vec<Zone> {
    let next = "write a table [[zone]] for each zone, with its name";
    let mut zones: Vec<Zone> = Vec::new();
    let tables = root.require("zone", next).tables("name nameservers file records", next);
    let names: HashSet<Name> = tables.iter().filter_map(|table| apex_of(table)).collect();
    for table in tables {
        let key = table.require("name", "write name = \"…\", such as \"example.net\"");
        let apex = key.text("example.net", |text| {
            let apex = name::zone_name(text)?;
            match zones.iter().position(|zone| zone.name == apex) {
                Some(i) => {
                    reject(format!("is already zone[{i}]"), "put its records into one [[zone]]")
                }
                None => Ok(apex),
            }
        });
        // Without a name of the zone, its records are still checked: every name is below the root.
        let name = apex.clone().unwrap_or_else(Name::root);
        let nameservers = served_by(&table.get("nameservers"), nameservers);
        let mut records = record_sets(&table.get("records"), &name);
        let node = table.get("file");
        let file = node.text("example.net.zone", |text| {
            let path = folder.join(text);
            let content = content(&path, environment)?;
            let file = path.display().to_string();
            match apex.map(|apex| zone_file::read(&file, &content, &apex, &records, &names)) {
                Some(Ok(more)) => records.extend(more),
                Some(Err(problems)) => node.note(problems),
                None => {} // nothing to compare it with
            }
            Ok(path)
        });
        zones.push(Zone { name, nameservers, file, records });
    }
    limit_queries(&root.get("zone"), nameservers, &zones);
    let idle = |n: &usize| !zones.iter().any(|zone| zone.nameservers.contains(n));
    for n in (0..nameservers.len()).filter(|n| !zones.is_empty() && idle(n)) {
        let next = "add it to the nameservers of a zone, or remove it";
        let node = root.get("nameserver").item(n);
        node.inspect(|node| node.absent().reject("serves no zone of this file", next));
    }
    zones
}

/// The name of a zone, if it is right.
fn apex_of(table: &Node<'_>) -> Option<Name> {
    name::zone_name(table.get("name").as_str()?).ok()
}

fn content(path: &Path, environment: Environment<'_>) -> Result<Vec<u8>, Rejection> {
    let content = (environment.read)(path).map_err(|error| unreadable(&error))?;
    if content.len() > LARGEST_FILE {
        return reject(
            format!("is larger than {} MB", LARGEST_FILE >> 20),
            "write the important record sets into records = [ … ] instead",
        );
    }
    Ok(content)
}

fn limit_queries(key: &Node<'_>, nameservers: &[Nameserver], zones: &[Zone]) {
    // SOA over UDP and TCP, NS, and each other record set.
    let queries = |zone: &Zone| {
        let others = |set: &&Arc<RecordSet>| !matches!(set.rtype, RecordType::SOA | RecordType::NS);
        zone.records.iter().filter(others).count() + 3
    };
    let of_zone = |zone: &Zone| {
        let addresses = zone.nameservers.iter().map(|&index| nameservers[index].addresses.len());
        queries(zone) * addresses.sum::<usize>()
    };
    let all: usize = zones.iter().map(of_zone).sum();
    if all > MOST_QUERIES {
        let largest = (0..zones.len()).max_by_key(|&n| queries(&zones[n]));
        let reason = format!(
            "leads to {all} queries in each round, all addresses together; {MOST_QUERIES} is the limit"
        );
        let next = "this zone has the most: write its important record sets into records instead of using \
                    its file, or let another pilotlight watch some of the zones or nameservers";
        let node = largest.and_then(|n| key.item(n));
        node.inspect(|node| node.absent().reject(reason, next));
    }
}

/// Indices into `all`.
fn served_by(key: &Node<'_>, all: &[Nameserver]) -> Vec<usize> {
    key.reject_empty("name one or more, or leave the key out for all");
    let find = |text: &str| {
        let wanted = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        all.iter().position(|server| server.name == wanted).ok_or_else(|| {
            let known = all.iter().filter(|server| !server.name.is_empty());
            let known: String = known.map(|server| format!(", or write {}", server.name)).collect();
            let next = format!("add a [[nameserver]] of that name{known}");
            Rejection::new("is not a nameserver of this file", next)
        })
    };
    key.texts("ns1.example.net", find).map_or_else(|| (0..all.len()).collect(), distinct)
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
    known.ok_or_else(|| Rejection::new("is not a type that this version compares", next()))
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
    let key = table.require("values", "write values = [\"…\"], with every record of the answer");
    let values = key.texts(records::example(rtype), |text| records::parse(rtype, text, apex))?;
    if rtype == RecordType::CNAME {
        for (second, _) in values.iter().skip(1) {
            let next = "keep the one that the zone has";
            second.reject("is a second CNAME, but a name has one CNAME", next);
        }
    }
    Some(Expected::Records(distinct(values)))
}
