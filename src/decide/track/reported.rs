use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

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
    /// Which incident.
    pub incident: String,
    /// When it began.
    pub since: Option<Timestamp>,
    /// How bad it was when the issue last said so.
    pub severity: Severity,
    /// How bad it has been.
    pub worst: Severity,
    /// Where it was.
    pub places: Vec<SocketAddr>,
    /// Its issue.
    pub reported: IssueRef,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Incidents and their issues.
    pub known: Vec<(String, IssueRef)>,
    /// Incidents that need nothing more.
    pub resolved: Vec<String>,
    /// Incidents to take over.
    pub resume: Vec<RememberedIncident>,
    /// When our token expires, if GitHub said so.
    pub expires: Option<Timestamp>,
    /// When a sign of life was written, by GitHub's clock.
    pub heartbeat_written: Option<Timestamp>,
    /// What the sign of life of an earlier process remembered, once it was looked for.
    pub recalled: Option<Option<UptimeRecord>>,
    /// What was done, for the log.
    pub done: Vec<String>,
    /// Why it stopped.
    pub failed: Option<Failure>,
}

/// Why reporting stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words, with what to do.
    pub why: String,
    /// Waiting does not help.
    pub final_until_a_person_acts: bool,
    /// It was what we wrote that was refused.
    pub refused: bool,
    /// How long to leave GitHub alone, at least.
    pub wait: Option<Duration>,
}
