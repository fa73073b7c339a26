//! What is said of answers and of rounds that are made by hand.

mod answers;
mod extras;
mod rounds;

use crate::decide::probe::round::Answer;
use hickory_resolver::proto::op::ResponseCode;
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

fn answer(records: Vec<(Name, RData)>) -> Answer {
    Answer { rcode: ResponseCode::NoError, aa: true, ra: false, tc: false, records }
}

/// An answer with these at `www.example.net`.
fn with(records: &[RData]) -> Answer {
    let owned = |data: &RData| (name("www.example.net."), data.clone());
    answer(records.iter().map(owned).collect())
}
