//! What is said of answers and of rounds that are made by hand.

mod answers;
mod extras;
mod rounds;

use crate::config::{Expected, RecordSet, canonical};
use crate::decide::probe::answer::Answer;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::{NS, SOA};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn a(last: u8) -> RData {
    RData::A(std::net::Ipv4Addr::new(192, 0, 2, last).into())
}

fn soa(serial: u32) -> RData {
    let host = name("ns1.example.net.");
    RData::SOA(SOA::new(host.clone(), host, serial, 1, 1, 1, 1))
}

fn ns(host: &str) -> RData {
    RData::NS(NS(name(host)))
}

fn answer(set: &RecordSet, records: &[(Name, RData)]) -> Answer {
    Answer::new(set, records.iter().map(|(owner, data)| (owner, data)))
}

/// `www.example.net`, which must hold these.
fn expecting(records: &[RData]) -> RecordSet {
    RecordSet {
        name: name("www.example.net."),
        rtype: records[0].record_type(),
        expected: Expected::Records(records.iter().map(canonical).collect()),
    }
}

/// These at `www.example.net`.
fn www(records: &[RData]) -> Vec<(Name, RData)> {
    records.iter().map(|data| (name("www.example.net."), data.clone())).collect()
}

/// An answer with these to `www.example.net A`, which must have one address.
fn with(records: &[RData]) -> Answer {
    answer(&expecting(&[a(1)]), &www(records))
}
