//! What of a monitor state is on disk, so that a power cut cannot take it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::time::Moment;
use crate::decide::track::incident::{DesiredIssue, IssueRef};
use crate::decide::track::incident::{Incident, PastVerdict};
use crate::decide::track::reported::ReportingState;
use crate::decide::track::state::MonitorState;
use crate::decide::track::subject_kind::SubjectKind;

/// An incident on disk: what a power cut may not take, while no issue holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredIncident {
    subject: String,
    incident: String,
    since: Option<Timestamp>,
    severity: Severity,
    worst: Severity,
    rows: Vec<Finding>,
    history: Vec<PastVerdict>,
    /// Absent while it lasts.
    ended: Option<End>,
    /// Absent if it is unknown.
    issue: Option<IssueRef>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct End {
    at: Option<Timestamp>,
}

impl MonitorState {
    /// What must survive a power cut: incidents that no issue shows as they are.
    #[must_use]
    pub fn unreported(&self) -> Vec<StoredIncident> {
        let kept = self.desired_issues().into_iter();
        let kept = kept.filter(|wanted| wanted.issue.is_none() || wanted.ended.is_some());
        kept.filter(|_| self.reporting.state != ReportingState::Off)
            .map(|wanted| StoredIncident {
                subject: wanted.subject,
                incident: wanted.incident.id,
                since: wanted.incident.since.wall,
                severity: wanted.incident.severity,
                worst: wanted.incident.worst,
                rows: wanted.incident.findings,
                history: wanted.incident.history,
                ended: wanted.ended.map(|at| End { at: at.wall }),
                issue: wanted.issue,
            })
            .collect()
    }

    /// Takes back what an earlier process could not report.
    #[must_use]
    pub fn restored(mut self, stored: Vec<StoredIncident>, now: &Moment) -> Self {
        for old in stored {
            let incident = Incident {
                id: old.incident,
                since: now.recalled(old.since),
                severity: old.severity,
                worst: old.worst,
                reportable: true,
                findings: old.rows,
                unobserved_addresses: Vec::new(),
                history: old.history,
            };
            if let Some(end) = old.ended {
                self.ended.push(DesiredIssue {
                    kind: SubjectKind::of_name(&old.subject),
                    subject: old.subject,
                    incident,
                    ended: Some(now.recalled(end.at)),
                    issue: old.issue,
                });
            } else if let Some(s) = self.subjects.iter_mut().find(|s| s.name == old.subject) {
                s.health = std::mem::take(&mut s.health).resume(incident);
            }
        }
        self
    }
}
