use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::judge::fault_code::FaultCode;
use crate::decide::probe::query::Query;

/// What one address answered when it was asked for a zone's SOA.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSerial {
    pub address: SocketAddr,
    /// The zone, without a dot at the end.
    pub zone: String,
    pub query: Query,
    pub serial: u32,
    /// Whether signatures came with it; `None`: the query did not ask for them.
    pub signed: Option<bool>,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Names still resolve, but something is wrong.
    Degraded,
    /// Clients of this server get no answer or a wrong one.
    Down,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One fault at one place: a row of an issue, of `check`'s table, of the status file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub address: std::net::SocketAddr,
    /// The zone, without a dot at the end.
    pub zone: String,
    /// `www.example.net A`: the first query of this zone with this fault at this address.
    pub question: String,
    /// How many more queries of the zone have the same fault at this address.
    pub more: usize,
    pub severity: Severity,
    pub fault: FaultCode,
    /// The fault as a sentence without its subject.
    pub detail: String,
    /// The command that shows the fault.
    pub command: String,
}

/// What a round says of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Worst first; empty: nothing is wrong, as far as could be observed.
    pub findings: Vec<Finding>,
    /// Addresses that could not be judged, because our own side failed.
    pub unobserved_addresses: Vec<SocketAddr>,
    /// How many addresses could be judged.
    pub observed_addresses: usize,
    /// Queries to the addresses that could be judged.
    pub queries: usize,
    /// The median latency of the right answers.
    pub latency: Option<Duration>,
    /// The serials of its zones, by address.
    pub serials: Vec<ZoneSerial>,
    /// In the order of asking; only the first hundred.
    pub failed_queries: Vec<FailedQuery>,
    /// Why an address could not be judged, if the uplink is not the reason.
    pub why: Option<String>,
}

/// One question of one address, with the worst that is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedQuery {
    pub address: SocketAddr,
    /// Index into [`Target::queries`](crate::decide::probe::query::Target::queries).
    pub query: usize,
    pub severity: Severity,
}

/// More places than this tell nothing more.
const FAILED_QUERIES: usize = 100;

impl Verdict {
    /// One row for each kind of fault in a zone at an address; the rest are counted.
    pub(crate) fn add(&mut self, new: Finding, question: Option<usize>) {
        let Finding { address, severity, .. } = new;
        let place = question.filter(|_| self.failed_queries.len() < FAILED_QUERIES);
        self.failed_queries.extend(place.map(|question| FailedQuery {
            address,
            query: question,
            severity,
        }));
        let same = |r: &&mut Finding| {
            r.address == new.address && r.zone == new.zone && r.fault == new.fault
        };
        match self.findings.iter_mut().rev().find(same) {
            Some(row) => row.more += 1,
            None => self.findings.push(new),
        }
    }

    /// Worst first.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by_key(|row| std::cmp::Reverse(row.severity));
    }

    /// The worst fault's severity.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|row| row.severity).max()
    }
}
