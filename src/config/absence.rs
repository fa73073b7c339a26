//! What must not exist in a zone, as far as the configuration shows it.
//!
//! A zone file is the whole zone. Of a zone without a file only the listed record sets are known: a name that has one
//! exists, and so does every name above it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use super::records::{Expected, RecordSet};

/// So many of a zone's names are queried in one hour, in turn.
pub const IN_TURN: usize = 8;

fn query(name: Name, rtype: RecordType, expected: Expected) -> Arc<RecordSet> {
    Arc::new(RecordSet { name, rtype, expected })
}

/// The queries for a zone with these record sets: names that exist without records (empty non-terminals), and names
/// that have A or AAAA but not both. `file` has what only a zone file shows.
pub(super) fn absent(
    apex: &Name,
    records: &[Arc<RecordSet>],
    file: Option<Vec<Arc<RecordSet>>>,
) -> Vec<Arc<RecordSet>> {
    let exists = || records.iter().filter(|set| !set.expected.is_empty());
    let other = if file.is_some() { Expected::NoData } else { Expected::Exists };
    let mut absent = file.unwrap_or_default();
    absent.extend(nonterminals(apex, exists().map(|set| &set.name)));
    let mut types: HashMap<&Name, [bool; 2]> = HashMap::new();
    let families = [RecordType::A, RecordType::AAAA];
    for set in records {
        let family = families.iter().position(|family| *family == set.rtype);
        if let Some(family) = family {
            types.entry(&set.name).or_default()[family] = true;
        }
    }
    for set in exists() {
        let missing = match types.get(&set.name) {
            Some([true, false]) if set.rtype == RecordType::A => RecordType::AAAA,
            Some([false, true]) if set.rtype == RecordType::AAAA => RecordType::A,
            _ => continue,
        };
        absent.push(query(set.name.clone(), missing, other.clone()));
    }
    let mut known = HashSet::new();
    absent.retain(|set| known.insert((set.name.clone(), set.rtype)));
    absent
}

/// Queries for the names between the apex and these names that are not among them.
pub(super) fn nonterminals<'a>(
    apex: &Name,
    names: impl Iterator<Item = &'a Name> + Clone,
) -> Vec<Arc<RecordSet>> {
    let owners: HashSet<&Name> = names.clone().collect();
    let mut found = HashSet::new();
    let mut absent = Vec::new();
    for name in names {
        let mut at = name.base_name();
        while apex.zone_of(&at) && at != *apex && !at.is_wildcard() {
            if !owners.contains(&at) && found.insert(at.clone()) {
                absent.push(query(at.clone(), RecordType::A, Expected::Exists));
            }
            at = at.base_name();
        }
    }
    absent
}

/// The query for a name that nobody has given.
pub(super) fn made_up(name: Name) -> Arc<RecordSet> {
    query(name, RecordType::A, Expected::Nothing)
}

/// Of sets that must be empty, those whose name exists: it has other records, or names below it.
pub(super) fn mark_existing(apex: &Name, records: &mut [Arc<RecordSet>]) {
    let owners: Vec<Name> =
        records.iter().filter(|set| !set.expected.is_empty()).map(|set| set.name.clone()).collect();
    for set in records.iter_mut().filter(|set| set.expected == Expected::Nothing) {
        if set.name == *apex || owners.iter().any(|owner| set.name.zone_of(owner)) {
            *set = query(set.name.clone(), set.rtype, Expected::NoData);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Environment, TEXT_ONLY};

    /// What is queried about this zone that must not exist, without the zone's name.
    fn absent(records: &str, file: Option<&str>, beside: &str) -> Vec<String> {
        let named = if file.is_some() { "file = \"zone\"\n" } else { "" };
        let text = format!(
            "[[nameserver]]\nname = \"ns1\"\naddresses = [\"127.0.0.1\"]\n{beside}[[zone]]\nname = \
             \"example.net\"\n{named}records = [{records}]\n"
        );
        let zone =
            format!("@ SOA ns1 hostmaster 0 1 1 1 1\n@ NS ns1\n{}", file.unwrap_or_default());
        let read = |_: &std::path::Path| Ok(zone.clone().into_bytes());
        let environment = Environment { read: &read, ..TEXT_ONLY };
        let config = Config::parse_in(environment, "test.toml", &text).unwrap();
        let mut shown: Vec<String> = config.zones[config.zones.len() - 1]
            .absent
            .iter()
            .map(|set| {
                let name = set.name.to_ascii().replace(".example.net.", "");
                format!("{name} {} {:?}", set.rtype, set.expected)
            })
            .collect();
        shown.sort();
        shown
    }

    fn a(name: &str) -> String {
        format!("{{ name = {name:?}, type = \"A\", values = [\"192.0.2.1\"] }},")
    }

    #[test]
    fn listed_records_show_which_names_exist_and_nothing_more() {
        let listed =
            a("www") + &a("host.a.b") + "{ name = \"b\", type = \"TXT\", values = [\"x\"] }";
        assert_eq!(
            absent(&listed, None, ""),
            ["a.b A Exists", "host.a.b AAAA Exists", "www AAAA Exists"]
        );
        let both = a("www") + "{ name = \"www\", type = \"AAAA\", values = [\"::1\"] }";
        assert_eq!(absent(&both, None, ""), [""; 0]);
        // A set that must be empty is queried in each round, and shows no name.
        let none = a("www") + "{ name = \"www\", type = \"AAAA\", values = [] }";
        assert_eq!(absent(&none, None, ""), [""; 0]);
        assert_eq!(absent("{ name = \"x.y\", type = \"A\", values = [] }", None, ""), [""; 0]);
    }

    #[test]
    fn a_zone_file_shows_everything_that_does_not_exist() {
        for (file, expected) in [
            ("www A 192.0.2.1", &["pilotlight0 A Nothing", "www AAAA NoData"][..]),
            ("www AAAA ::1\nftp CNAME www", &["pilotlight0 A Nothing", "www A NoData"]),
            ("_sip._tcp SRV 0 5 5060 www", &["_tcp A Exists", "pilotlight0 A Nothing"]),
            ("pilotlight0 TXT x\npilotlight1.x TXT x", &["pilotlight1 A Nothing", "x A Exists"]),
            // A wildcard at the apex covers every other name; one below it does not.
            ("* TXT x", &[]),
            ("* NS ns1", &[]),
            (
                "*.sub A 192.0.2.1",
                &["pilotlight0 A Nothing", "pilotlight0.sub AAAA NoData", "sub A Exists"],
            ),
            // Of a delegation the file shows the names above it, and nothing below it.
            ("a.sub NS ns1\nx.y.a.sub A 192.0.2.1", &["pilotlight0 A Nothing", "sub A Exists"]),
            ("sub DNAME example.org.\nx.y.sub A 192.0.2.1", &["pilotlight0 A Nothing"]),
            ("@ DNAME example.org.", &[]),
            (
                "x.y NSEC3 1 0 0 - 00\nx.y RRSIG A 8 2 1 20260101000000 20260101000000 1 x AA==",
                &["pilotlight0 A Nothing"],
            ),
        ] {
            assert_eq!(absent("", Some(file), ""), expected, "{file}");
        }
        let cut =
            "[[zone]]\nname = \"sub.example.net\"\n[[zone]]\nname = \"pilotlight0.example.net\"\n";
        assert_eq!(absent("", Some("x.sub TXT x\n"), cut), ["pilotlight1 A Nothing"]);
    }

    #[test]
    fn an_empty_set_at_a_name_that_exists_must_not_be_denied() {
        let of = |records: &str| {
            let text = format!(
                "[[nameserver]]\nname = \"ns1\"\naddresses = [\"127.0.0.1\"]\n[[zone]]\nname = \
                 \"example.net\"\nrecords = [{{ name = \"NAME\", type = \"MX\", values = [] }}, {records}]\n"
            );
            let expected = |name: &str| {
                let config = Config::parse("test.toml", &text.replace("NAME", name)).unwrap();
                format!("{:?}", config.zones[0].records[0].expected)
            };
            ["@", "www", "b"].map(expected).join(" ")
        };
        assert_eq!(of(""), "NoData Nothing Nothing");
        assert_eq!(of(&(a("www") + &a("a.b"))), "NoData NoData NoData");
    }
}
