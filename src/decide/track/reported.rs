use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::Severity;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::subject_kind::SubjectKind;
use crate::decide::track::uptime::UptimeRecord;

/// An incident that an issue remembers and we do not.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberedIncident {
    /// The nameserver's name, or the endpoint's URL.
    pub subject: String,
    pub kind: SubjectKind,
    /// The ID of the incident.
    pub incident: String,
    pub since: Option<Timestamp>,
    /// As the issue has it.
    pub severity: Severity,
    pub worst: Severity,
    /// The faulty addresses.
    pub places: Vec<SocketAddr>,
    pub reported: IssueRef,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// By the ID of the incident.
    pub known: Vec<(String, IssueRef)>,
    /// Incidents that need nothing more.
    pub resolved: Vec<String>,
    /// Incidents of an earlier process, to be resumed.
    pub resume: Vec<RememberedIncident>,
    /// When our token expires, if GitHub said so.
    pub expires: Option<Timestamp>,
    /// When a heartbeat was written, by GitHub's clock.
    pub heartbeat_written: Option<Timestamp>,
    /// The record in the heartbeat of an earlier process, once it was read.
    pub recalled: Option<Option<UptimeRecord>>,
    /// Another report is due after this time.
    pub again: Option<Duration>,
    /// What was done, for the log.
    pub done: Vec<String>,
    pub failed: Option<Failure>,
}

/// Why reporting stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// With what to do.
    pub why: String,
    pub kind: FailureKind,
    /// How long to make no request to GitHub, at least.
    pub wait: Option<Duration>,
}

/// What the caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Wait for a person: the token, its permission or the repository is wrong.
    NeedsOperator,
    /// Write something else, or elsewhere: GitHub does not accept this content, or no change of this issue.
    Rejected,
    /// Try again later.
    Transient,
}

impl Failure {
    /// A failure that a person has to mend.
    #[must_use]
    pub fn needs_operator(why: String) -> Self {
        Self { why, kind: FailureKind::NeedsOperator, wait: None }
    }

    /// GitHub refuses this request. It may accept others.
    #[must_use]
    pub fn rejected(why: String) -> Self {
        Self { why, kind: FailureKind::Rejected, wait: None }
    }

    #[must_use]
    pub fn transient(why: String, wait: Option<Duration>) -> Self {
        Self { why, kind: FailureKind::Transient, wait }
    }

    /// Whether the next attempt may succeed without a person.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.kind == FailureKind::Transient
    }
}

/// How reporting goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    pub state: ReportingState,
    /// Why the last report failed.
    pub why: Option<String>,
    /// Reports in a row that failed for a reason that may pass.
    pub attempts: u32,
}

impl From<ReportingState> for Reporting {
    fn from(state: ReportingState) -> Self {
        Self { state, why: None, attempts: 0 }
    }
}

/// A word of a later version is read as unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportingState {
    /// No repository is configured.
    Off,
    Untried,
    /// The last report succeeded.
    Fine,
    /// The last reports failed for a reason that may pass.
    Failing,
    /// Reports fail until a person acts: token, permission, repository.
    Denied,
    #[serde(other)]
    Unknown,
}
