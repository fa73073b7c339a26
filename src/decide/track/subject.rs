use std::time::Duration;

use jiff::Timestamp;

use crate::decide::judge::finding::{Severity, Verdict};
use crate::decide::judge::uplink::Uplink;
use crate::decide::time::Moment;
use crate::decide::track::health::Health;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::subject_kind::SubjectKind;

/// One nameserver, web endpoint or zone, and what is believed of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The nameserver's name, the endpoint's URL, or `ZONE as the world sees it`.
    pub name: String,
    pub kind: SubjectKind,
    /// The BCM number of its own lamp.
    pub lamp: Option<u8>,
    pub health: Health,
    /// The last verdict that observed an address.
    pub verdict: Option<Verdict>,
    /// Which families its last round used; none before the first.
    pub(super) uplink: Uplink,
    /// Addresses that the last round could not observe.
    pub unobserved_addresses: Vec<std::net::SocketAddr>,
    /// The last round could not observe any address.
    pub unobserved: bool,
    /// Why, if the uplink is not the reason.
    pub why: Option<String>,
    /// Uptime of the next check, if it is due before the next regular round.
    pub again: Option<Duration>,
    pub issue: Option<IssueRef>,
    /// The last round in which it was well; `None` before the first.
    pub last_well: Option<Moment>,
    /// Uptime of the next hourly queries, and the turn of the last ones; `None`: there were none yet.
    pub(super) hourly: Option<(Duration, usize)>,
    /// Uptime since which the servers of a zone's parent disagree.
    pub(super) parents_differ: Option<Duration>,
}

impl Subject {
    pub(super) fn new(name: &str, kind: SubjectKind, lamp: Option<u8>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            lamp,
            health: Health::Well,
            verdict: None,
            uplink: Uplink::UNUSED,
            unobserved_addresses: Vec::new(),
            unobserved: false,
            why: None,
            again: None,
            issue: None,
            last_well: None,
            hourly: None,
            parents_differ: None,
        }
    }

    /// Its name, and when it was last seen well.
    pub(super) fn seen_well(&self) -> Option<(String, Timestamp)> {
        Some((self.name.clone(), self.last_well?.wall?))
    }

    /// Something was observed, or there is a reason why not.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.verdict.is_some() || self.why.is_some() || self.health.trouble().is_some()
    }

    /// It is believed to be down.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let incident = self.health.incident();
        incident.is_some_and(|incident| incident.severity == Severity::Down)
    }
}
