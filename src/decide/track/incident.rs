//! An incident: a fault that lasts, from its first verdict to its last.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Schedule;
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::time::Moment;
use crate::decide::track::subject_kind::SubjectKind;

/// How many verdicts an incident remembers, for its issue.
pub(super) const REMEMBERED: usize = 10;

/// A fault that was seen often enough to be believed, or that the issue tracker remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Unique over all vantages.
    pub id: String,
    /// The first faulty verdict.
    pub since: Moment,
    pub severity: Severity,
    /// The worst severity so far.
    pub worst: Severity,
    /// It was down, or it lasted for `degraded-after`: it should have an issue.
    pub reportable: bool,
    /// As last seen.
    pub findings: Vec<Finding>,
    /// Faulty addresses that an issue remembers, not observed since.
    pub unobserved_addresses: Vec<SocketAddr>,
    /// The last verdicts, oldest first.
    pub history: Vec<PastVerdict>,
}

/// One verdict, as an issue shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastVerdict {
    pub at: Option<Timestamp>,
    /// `None`: well.
    pub severity: Option<Severity>,
    /// How many zones were affected.
    pub zones: usize,
}

impl Incident {
    /// Only its name is known.
    pub(super) fn begin(id: &str, at: Moment) -> Self {
        Self {
            id: id.to_owned(),
            since: at,
            severity: Severity::Degraded, // until more is believed
            worst: Severity::Degraded,
            reportable: false,
            findings: Vec::new(),
            unobserved_addresses: Vec::new(),
            history: Vec::new(),
        }
    }

    pub(super) fn see(&mut self, rows: Vec<Finding>, at: Moment, severity: Option<Severity>) {
        self.findings = rows;
        self.remember(at, Some(severity.unwrap_or(self.severity)));
    }

    pub(super) fn believe(&mut self, severity: Severity) {
        self.severity = severity;
        self.worst = self.worst.max(severity);
    }

    /// Bad enough, or seen for long enough, for an issue. Asked when it is seen: time that passes while our
    /// own side cannot observe says nothing.
    pub(super) fn weigh(&mut self, now: &Moment, schedule: &Schedule) {
        let lasts = now.since(&self.since) >= schedule.degraded_after;
        self.reportable |= self.worst == Severity::Down || lasts;
    }

    pub(super) fn remember(&mut self, at: Moment, severity: Option<Severity>) {
        if self.history.len() == REMEMBERED {
            self.history.remove(0);
        }
        self.history.push(PastVerdict {
            at: at.wall,
            severity,
            zones: severity.map_or(0, |_| self.zones().len()),
        });
    }

    /// The same with an older identity.
    pub(super) fn renamed(self, old: Self) -> Self {
        Self {
            id: old.id,
            since: old.since,
            worst: self.worst.max(old.worst),
            reportable: self.reportable || old.reportable,
            unobserved_addresses: old.unobserved_addresses,
            ..self
        }
    }

    /// The zones that are affected, each once, in the order of the rows.
    #[must_use]
    pub fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<&str> = Vec::new();
        for row in &self.findings {
            if !zones.contains(&row.zone.as_str()) {
                zones.push(&row.zone);
            }
        }
        zones
    }
}

/// What is known of an incident's issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRef {
    pub number: u64,
    /// A person closed it while the fault lasted.
    pub closed_by_hand: bool,
}

/// An incident that should have an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredIssue {
    /// The nameserver's name, or the endpoint's URL.
    pub subject: String,
    pub kind: SubjectKind,
    pub incident: Incident,
    pub ended: Option<Moment>,
    pub issue: Option<IssueRef>,
}
