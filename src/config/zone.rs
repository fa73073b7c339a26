//! The zones: what every one of their nameservers must answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::problem::{Wrong, wrong};
use super::spec::{Node, Table};
use super::{Expected, Nameserver, RecordSet, Zone, name, records, zone_file};

const ZONE: &[&str] = &["name", "nameservers", "file", "records"];
const RECORD: &[&str] = &["name", "type", "values"];

/// The types that [`records::read`] reads, and SOA.
pub(super) const TYPES: [RecordType; 12] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::NS,
    RecordType::TXT,
    RecordType::SRV,
    RecordType::CAA,
    RecordType::PTR,
    RecordType::TLSA,
    RecordType::SSHFP,
    RecordType::SOA,
];

/// Questions of a round, all addresses together. With 2.8 KB each, where one nameserver has them all, they
/// fit into the memory that the service may take; and at the default pace, into the default interval.
const MOST_QUESTIONS: usize = 15_000;

/// Files are taken from `folder`.
pub(super) fn zones(root: &Table<'_>, folder: &Path, nameservers: &[Nameserver]) -> Vec<Zone> {
    let next = "write a table [[zone]] for each zone, with its name";
    root.require("zone", next);
    let mut zones: Vec<Zone> = Vec::new();
    for table in root.tables("zone", ZONE, next) {
        table.require("name", "write name = \"…\", such as \"example.net\"");
        let apex = table.text("name", "example.net", |text| {
            let apex = name::absolute(text)?.to_lowercase();
            match zones.iter().position(|zone| zone.name == apex) {
                Some(i) => {
                    Err(wrong(format!("is already zone[{i}]"), "put its records into one [[zone]]"))
                }
                None => Ok(apex),
            }
        });
        // Without its name the records are still worth reading: below the root every name is welcome.
        let name = apex.clone().unwrap_or_else(Name::root);
        let nameservers = served_by(&table, nameservers);
        let mut records = record_sets(&table, &name);
        let file = table.get("file").and_then(|node| {
            let path = folder.join(node.text("example.net.zone")?);
            // A zone without its name has no file that it could be held against.
            records.extend(from_file(&node, &path, apex.as_ref()?, &records));
            Some(path)
        });
        zones.push(Zone { name, nameservers, file, records });
    }
    bound(root, nameservers, &zones);
    let idle = |n: &usize| !zones.iter().any(|zone| zone.nameservers.contains(n));
    for n in (0..nameservers.len()).filter(|n| !zones.is_empty() && idle(n)) {
        // Nothing would ever be known of it, whatever its lamp and its issue said before.
        let next = "name it in the nameservers of a zone, or take it out";
        root.refuse_nth("nameserver", n, wrong("serves no zone of this file", next));
    }
    zones
}

/// What the file of a zone has beside the `inline` records.
fn from_file(
    node: &Node<'_>,
    path: &Path,
    apex: &Name,
    inline: &[Arc<RecordSet>],
) -> Vec<Arc<RecordSet>> {
    let text = match zone_file::load(path) {
        Ok(text) => text,
        Err(wrong) => {
            node.refuse(wrong);
            return Vec::new();
        }
    };
    zone_file::read(&text, apex, inline).unwrap_or_else(|faults| {
        for (line, value, wrong) in faults {
            node.refuse_in(path, line, &value, wrong);
        }
        Vec::new()
    })
}

/// Notes more questions than a round can hold.
fn bound(root: &Table<'_>, nameservers: &[Nameserver], zones: &[Zone]) {
    // SOA over UDP and TCP, NS, and each other record set.
    let of = |zone: &Zone| {
        let others = |set: &&Arc<RecordSet>| !matches!(set.rtype, RecordType::SOA | RecordType::NS);
        zone.records.iter().filter(others).count() + 3
    };
    let questions: Vec<(&Zone, usize)> = zones.iter().map(|zone| (zone, of(zone))).collect();
    let at = |(index, server): (usize, &Nameserver)| {
        let served = questions.iter().filter(|(zone, _)| zone.nameservers.contains(&index));
        served.map(|(_, questions)| questions).sum::<usize>() * server.addresses.len()
    };
    let all: usize = nameservers.iter().enumerate().map(at).sum();
    if all > MOST_QUESTIONS {
        let biggest = questions.iter().enumerate().max_by_key(|(_, (_, questions))| *questions);
        let reason = format!(
            "makes {all} questions a round, all addresses together, and {MOST_QUESTIONS} is the most that \
             fits"
        );
        let next = "this zone has the most: list in records what matters of it, in place of its file; or \
                    let another pilotlight watch some of the zones or nameservers";
        root.refuse_nth("zone", biggest.map_or(0, |(n, _)| n), wrong(reason, next));
    }
}

/// Indices into `all`.
fn served_by(table: &Table<'_>, all: &[Nameserver]) -> Vec<usize> {
    table.require_items("nameservers", "name one or more, or leave the key out for all");
    let find = |text: &str| {
        let wanted = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let index = all.iter().position(|server| server.name == wanted);
        index.ok_or_else(|| {
            let mut next = "add a [[nameserver]] of that name".to_owned();
            for server in all.iter().filter(|server| !server.name.is_empty()) {
                next.push_str(", or write ");
                next.push_str(&server.name);
            }
            wrong("is not a nameserver of this file", next)
        })
    };
    let Some(list) = table.texts("nameservers", "ns1.example.net", find) else {
        return (0..all.len()).collect();
    };
    let mut indices = Vec::new();
    for (node, index) in list {
        match index {
            Some(index) if indices.contains(&index) => {
                node.refuse(wrong("stands here twice", "take one of the two out"));
            }
            index => indices.extend(index),
        }
    }
    indices
}

fn record_sets(zone: &Table<'_>, apex: &Name) -> Vec<Arc<RecordSet>> {
    let next =
        "write a list: records = [{ name = \"@\", type = \"A\", values = [\"192.0.2.80\"] }]";
    let mut sets = Vec::new();
    let mut taken = Taken::new();
    let next_type = format!("write type = \"…\": {}", types());
    for table in zone.tables("records", RECORD, next) {
        table.require("name", "write name = \"@\" for the zone itself, or \"www\"");
        table.require("type", &next_type);
        let name = table.text("name", "www", |text| owner(text, apex));
        let rtype = table.text("type", "A", record_type);
        let expected = rtype.and_then(|rtype| expected(&table, rtype, apex));
        let (Some(name), Some(rtype)) = (name, rtype) else {
            continue;
        };
        if let Err(misplaced) = may_stand(&name, rtype, apex, &taken) {
            table.refuse(misplaced);
        }
        // Without values worth having, it still occupies its name and type.
        let expected = expected.unwrap_or(Expected::Some);
        let here = taken.entry(name.clone()).or_default();
        here.push((rtype, table.path().to_owned()));
        sets.push(Arc::new(RecordSet { name, rtype, expected }));
    }
    sets
}

/// What stands at each name so far: the types, each with its place in the file.
type Taken = HashMap<Name, Vec<(RecordType, String)>>;

fn owner(text: &str, apex: &Name) -> Result<Name, Wrong> {
    let name = name::within(text, apex)?.to_lowercase();
    if apex.zone_of(&name) {
        return Ok(name);
    }
    let apex = apex.to_ascii();
    Err(wrong(
        format!("is not in {apex}"),
        format!("write a name at or below {apex}, or take the dot at the end away"),
    ))
}

fn types() -> String {
    TYPES.map(|rtype| rtype.to_string()).join(", ")
}

fn record_type(text: &str) -> Result<RecordType, Wrong> {
    let known = TYPES.into_iter().find(|&rtype| text == <&str>::from(rtype));
    known.ok_or_else(|| {
        wrong("is not a type that this version compares", format!("write one of {}", types()))
    })
}

/// Whether a set of this type may stand at `name`, beside those before it (RFC 1034, section 3.6.2).
fn may_stand(name: &Name, rtype: RecordType, apex: &Name, taken: &Taken) -> Result<(), Wrong> {
    let at = || name.to_ascii();
    match rtype {
        RecordType::CNAME if name == apex => {
            return Err(wrong(
                "is a CNAME at the apex, beside its SOA and NS, where no CNAME can be",
                "write the A and AAAA records that the apex answers with",
            ));
        }
        RecordType::SOA | RecordType::NS if name != apex => {
            return Err(wrong(
                format!("asks for {rtype} below the apex, and only the apex has one that is AA"),
                format!("make {} a [[zone]] of its own, or take this out", at()),
            ));
        }
        _ => {}
    }
    for (other, path) in taken.get(name).into_iter().flatten() {
        if *other == rtype {
            return Err(wrong(
                format!("is {} {rtype}, which is already {path}", at()),
                "put all values into one of them",
            ));
        }
        if *other == RecordType::CNAME || rtype == RecordType::CNAME {
            return Err(wrong(
                format!("is {} {rtype}, beside {path}, a {other}: a CNAME stands alone", at()),
                "keep the one that the zone has",
            ));
        }
    }
    Ok(())
}

fn expected(table: &Table<'_>, rtype: RecordType, apex: &Name) -> Option<Expected> {
    if rtype == RecordType::SOA {
        if let Some(values) = table.get("values") {
            values.refuse_as(
                String::new(),
                wrong(
                    "cannot stand with SOA, whose serial changes at every edit",
                    "take values out: any SOA will do",
                ),
            );
        }
        return Some(Expected::Some);
    }
    table.require("values", "write values = [\"…\"], all that the answer must hold");
    let read = |text| records::parse(rtype, text, apex);
    let mut expected: Vec<RData> = Vec::new();
    for (i, (node, rdata)) in
        table.texts("values", records::example(rtype), read)?.into_iter().enumerate()
    {
        match rdata {
            Some(rdata) if expected.contains(&rdata) => node.refuse(wrong(
                "stands here twice, and an answer holds each record once",
                "take one of the two out",
            )),
            Some(_) if rtype == RecordType::CNAME && i > 0 => node.refuse(wrong(
                "is a second CNAME, and a name has one",
                "keep the one that the zone has",
            )),
            rdata => expected.extend(rdata),
        }
    }
    Some(Expected::Records(expected))
}
