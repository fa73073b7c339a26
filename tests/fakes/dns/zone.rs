//! An authoritative zone in memory: built from zone-file lines, changed while it is being served,
//! asked one question at a time. Nothing here knows of messages or of sockets.

use std::sync::{Arc, Mutex, MutexGuard};

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::txt::Parser;

use super::nameserver::lock;

/// TTL of the records that [`ZoneData::set`] puts where there were none.
const DEFAULT_TTL: u32 = 300;

/// How many CNAMEs are followed before a chain is taken for a loop.
const MAX_CHAIN: usize = 8;

/// One zone. Clones share the records, as a primary and its up-to-date secondaries do.
#[derive(Clone, Debug)]
pub struct ZoneData {
    origin: Name,
    records: Arc<Mutex<Vec<Record>>>,
}

/// What a zone has to say about one question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// NOERROR or NXDOMAIN.
    pub code: ResponseCode,
    /// False for a referral below a zone cut.
    pub authoritative: bool,
    /// The answer section, a CNAME chain in order.
    pub answers: Vec<Record>,
    /// The SOA of a negative answer, or the NS records of a referral.
    pub authorities: Vec<Record>,
    /// The addresses this zone knows for the names in the sections above.
    pub additionals: Vec<Record>,
}

impl ZoneData {
    /// Builds a zone from zone-file lines such as `www 300 A 192.0.2.80`. Every line names its owner;
    /// indentation means nothing. Relative names, in owner names and record data alike, are below
    /// `origin`; `@` stands for it as an owner (in record data, write it out). The root zone's
    /// origin is `.`.
    ///
    /// # Panics
    /// On a line that does not parse, and without exactly one SOA at the origin.
    pub fn parse(origin: &str, text: &str) -> Self {
        let origin = absolute(origin, &Name::root());
        let records = parse_lines(&origin, text);
        let soas = records
            .iter()
            .filter(|record| record.record_type() == RecordType::SOA && record.name == origin);
        assert_eq!(soas.count(), 1, "zone {origin} needs one SOA");
        Self { origin, records: Arc::new(Mutex::new(records)) }
    }

    /// The root zone, as far as a round asks an anchor for it.
    pub fn root() -> Self {
        let text = "@ 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400
                    @ 86400 NS a.root-servers.net.";
        Self::parse(".", text)
    }

    /// The name at the top of the zone.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// Replaces the records of one name and type by `values` (record data as a zone file writes it),
    /// keeping their TTL; no values removes them. Does not touch the SOA serial.
    ///
    /// # Panics
    /// On a name or a value that does not parse.
    pub fn set(&self, name: &str, record_type: RecordType, values: &[&str]) {
        let owner = match name {
            "@" => self.origin.clone(),
            name => absolute(name, &self.origin),
        };
        let mut records = self.lock();
        let same = |record: &Record| record.name == owner && record.record_type() == record_type;
        let ttl =
            records.iter().find(|record| same(record)).map_or(DEFAULT_TTL, |record| record.ttl);
        let lines: String =
            values.iter().map(|value| format!("{name} {ttl} {record_type} {value}\n")).collect();
        let fresh = parse_lines(&self.origin, &lines);
        records.retain(|record| !same(record));
        records.extend(fresh);
    }

    /// The SOA as it stands in a negative answer, that is with the negative TTL; none if a test
    /// removed it.
    pub fn negative_soa(&self) -> Option<Record> {
        View(&self.origin, &self.lock()).negative_soa()
    }

    /// Answers a question about a name at or below the origin, as an authoritative server does:
    /// wildcards, empty non-terminals, zone cuts, and CNAMEs followed while they stay in the zone.
    pub fn answer(&self, name: &Name, record_type: RecordType) -> Answer {
        View(&self.origin, &self.lock()).answer(name, record_type)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        lock(&self.records)
    }
}

/// The records of a zone while they are looked through: its origin, and all of them.
struct View<'a>(&'a Name, &'a [Record]);

impl View<'_> {
    fn answer(&self, name: &Name, record_type: RecordType) -> Answer {
        let mut out = Answer {
            code: ResponseCode::NoError,
            authoritative: true,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        };
        let mut name = name.clone();
        for _ in 0..MAX_CHAIN {
            let cut = self.cut_above(&name, record_type);
            if !cut.is_empty() {
                // AA is about the first owner name, which a CNAME before the cut has answered.
                out.authoritative = !out.answers.is_empty();
                out.additionals = self.addresses_of(&cut);
                out.authorities = cut;
                return out;
            }
            let Some(here) = self.at(&name) else {
                out.code = ResponseCode::NXDomain;
                out.authorities.extend(self.negative_soa());
                return out;
            };
            let wanted = |record: &&Record| {
                record_type == RecordType::ANY || record.record_type() == record_type
            };
            let found: Vec<_> = here.iter().filter(wanted).cloned().collect();
            if !found.is_empty() {
                out.additionals = self.addresses_of(&found);
                out.answers.extend(found);
                return out;
            }
            let alias = here.into_iter().find_map(|record| match &record.data {
                RData::CNAME(target) => Some((target.0.clone(), record)),
                _ => None,
            });
            let Some((target, record)) = alias else {
                out.authorities.extend(self.negative_soa());
                return out;
            };
            out.answers.push(record);
            if !self.0.zone_of(&target) {
                return out;
            }
            name = target;
        }
        out
    }

    /// The records at a name, their owner spelt as in the question; `None` if there is no such name.
    fn at(&self, name: &Name) -> Option<Vec<Record>> {
        let owned_by = |owner: &Name| -> Vec<Record> {
            let own = self.1.iter().filter(|record| &record.name == owner);
            own.cloned()
                .map(|mut record| {
                    record.name = name.clone();
                    record
                })
                .collect()
        };
        if self.exists(name) {
            return Some(owned_by(name));
        }
        let mut encloser = name.base_name();
        while !self.exists(&encloser) && encloser != *self.0 {
            encloser = encloser.base_name();
        }
        let wildcard = encloser.prepend_label(&b"*"[..]).ok()?;
        Some(owned_by(&wildcard)).filter(|records| !records.is_empty())
    }

    /// Whether the name owns records, or stands above one that does.
    fn exists(&self, name: &Name) -> bool {
        self.1.iter().any(|record| name.zone_of(&record.name))
    }

    /// The NS records of the topmost zone cut at or above the name. At the cut itself, DS is still
    /// this zone's own.
    fn cut_above(&self, name: &Name, record_type: RecordType) -> Vec<Record> {
        for depth in self.0.iter().len() + 1..=name.iter().len() {
            let node = name.trim_to(depth);
            if record_type == RecordType::DS && &node == name {
                break;
            }
            let servers = self.of_type(&node, RecordType::NS);
            if !servers.is_empty() {
                return servers;
            }
        }
        Vec::new()
    }

    fn addresses_of(&self, records: &[Record]) -> Vec<Record> {
        let targets = records.iter().filter_map(|record| match &record.data {
            RData::NS(ns) => Some(&ns.0),
            RData::MX(mx) => Some(&mx.exchange),
            RData::SRV(srv) => Some(&srv.target),
            _ => None,
        });
        targets
            .flat_map(|target| {
                let mut both = self.of_type(target, RecordType::A);
                both.extend(self.of_type(target, RecordType::AAAA));
                both
            })
            .collect()
    }

    fn negative_soa(&self) -> Option<Record> {
        let mut soa = self.of_type(self.0, RecordType::SOA).pop()?;
        if let RData::SOA(data) = &soa.data {
            soa.ttl = soa.ttl.min(data.minimum);
        }
        Some(soa)
    }

    fn of_type(&self, name: &Name, record_type: RecordType) -> Vec<Record> {
        let own = self.1.iter();
        own.filter(|record| &record.name == name && record.record_type() == record_type)
            .cloned()
            .collect()
    }
}

/// A name as a zone file writes it, made absolute.
fn absolute(name: &str, origin: &Name) -> Name {
    let mut name =
        Name::parse(name, Some(origin)).unwrap_or_else(|error| panic!("name {name:?}: {error}"));
    name.set_fqdn(true);
    name
}

fn parse_lines(origin: &Name, text: &str) -> Vec<Record> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let (_, sets) = Parser::new(lines.join("\n"), None, Some(origin.clone()))
        .parse()
        .unwrap_or_else(|error| panic!("zone {origin}: {error}\n{text}"));
    sets.into_values().flat_map(|set| set.into_parts().records).collect()
}
