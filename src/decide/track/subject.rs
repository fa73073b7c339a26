use std::time::Duration;

use crate::decide::judge::finding::{Severity, Verdict};
use crate::decide::track::health::Health;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::subject_kind::SubjectKind;

/// One nameserver or one web endpoint, and what is believed of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The nameserver's name, or the endpoint's URL.
    pub name: String,
    pub kind: SubjectKind,
    /// Its own lamp, if it has one.
    pub lamp: Option<u8>,
    /// What is believed.
    pub health: Health,
    /// The last verdict that could see anything.
    pub verdict: Option<Verdict>,
    /// Addresses that the last round could not see.
    pub unobserved_addresses: Vec<std::net::SocketAddr>,
    /// The last round could not see it at all.
    pub unobserved: bool,
    /// Why the last round could not see something of it, where it is not the uplink.
    pub why: Option<String>,
    /// Uptime at which it should be asked again, when that is before the next regular round.
    pub again: Option<Duration>,
    /// Its incident's issue, once known.
    pub issue: Option<IssueRef>,
    /// Uptime at which it should be asked about recursion again; `None`: it never was.
    pub(super) recursion: Option<Duration>,
}

impl Subject {
    pub(super) fn new(name: &str, kind: SubjectKind, lamp: Option<u8>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            lamp,
            health: Health::Well,
            verdict: None,
            unobserved_addresses: Vec::new(),
            unobserved: false,
            why: None,
            again: None,
            issue: None,
            recursion: None,
        }
    }

    /// It is believed to be down.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let incident = self.health.incident();
        incident.is_some_and(|incident| incident.severity == Severity::Down)
    }
}
