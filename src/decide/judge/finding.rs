use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::judge::fault_code::FaultCode;
use crate::decide::probe::query::Query;

/// What one address answered when it was asked for a zone's SOA.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSerial {
    /// Who.
    pub address: SocketAddr,
    /// The zone, without a dot at the end.
    pub zone: String,
    /// The question.
    pub query: Query,
    /// The SOA's serial.
    pub serial: u32,
    /// Whether it came with a signature; `None` when it was not asked for one.
    pub signed: Option<bool>,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Names still resolve, but something is not as it should be.
    Degraded,
    /// Somebody who asks this server gets no answer or a wrong one.
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
    /// Who answers so.
    pub address: std::net::SocketAddr,
    /// The zone, without a dot at the end.
    pub zone: String,
    /// `www.example.net A`: the first question of this zone that has this fault here.
    pub question: String,
    /// How many further questions of the zone have the same fault here.
    pub more: usize,
    pub severity: Severity,
    pub fault: FaultCode,
    /// The fault as a sentence without its subject.
    pub detail: String,
    /// The command that shows it.
    pub command: String,
}

/// What a round says of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// What is wrong, worst first. Empty: nothing that we could see.
    pub findings: Vec<Finding>,
    /// Addresses that could not be judged, because our own side failed.
    pub unobserved_addresses: Vec<SocketAddr>,
    /// Addresses that could.
    pub observed_addresses: usize,
    /// Questions asked of the addresses that could be judged.
    pub queries: usize,
    /// The median latency of their answers.
    pub latency: Option<Duration>,
    /// Which edition of its zones it serves where.
    pub serials: Vec<ZoneSerial>,
    /// Where it is wrong, in the order of asking; only the first so many.
    pub failed_queries: Vec<FailedQuery>,
    /// Why something could not be judged, where it is not the uplink.
    pub why: Option<String>,
}

/// One question of one address, with the worst that is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedQuery {
    /// Who was asked.
    pub address: SocketAddr,
    /// Index into [`Target::questions`](crate::decide::probe::query::Target::questions).
    pub query: usize,
    /// How bad it is.
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
