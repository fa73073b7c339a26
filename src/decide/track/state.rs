//! All that is believed at one moment: every subject, our uplink, and whether GitHub hears us.
//!
//! The daemon keeps one [`MonitorState`]. Judgements and what the reporter learned go in; the panel's view, the
//! issues that should exist, and when to look again come out.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{Config, GitHub, Schedule};
use crate::decide::judge::finding::Verdict;
use crate::decide::judge::round::Judgement;
use crate::decide::judge::uplink::Uplink;
use crate::decide::probe::query::name_text;
use crate::decide::time::Moment;
use crate::decide::track::health::{Change, Health};
use crate::decide::track::incident::{DesiredIssue, Incident};
use crate::decide::track::reported::{RememberedIncident, Report, Reporting, ReportingState};
use crate::decide::track::serials::Serials;
use crate::decide::track::subject::Subject;
use crate::decide::track::subject_kind::SubjectKind;
use crate::decide::track::uptime::UptimeHistory;

/// How long it is remembered that an incident's issue says all, so that a listing that lags cannot bring
/// it back. An issue that is still open after this is open indeed, and is taken care of again.
const SETTLED_HOLDS: Duration = Duration::from_secs(600);

/// How long reporting waits for the wall clock to be set. A clock that nobody sets (NTP is blocked) must
/// not keep an outage secret for ever.
pub const CLOCK_PATIENCE: Duration = Duration::from_secs(600);

/// Everything that is believed now.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorState {
    /// In the configuration's order.
    pub subjects: Vec<Subject>,
    /// Incidents that are over and whose issues do not say so yet.
    pub ended: Vec<DesiredIssue>,
    /// `None` before the first round.
    pub uplink: Option<Uplink>,
    pub reporting: Reporting,
    /// Notices on this machine that wait for the user.
    pub notices: Vec<Notice>,
    pub uptime: UptimeHistory,
    /// When GitHub's token expires, if it does.
    pub expires: Option<Timestamp>,
    /// API, repository and vantage: issue numbers of another account mean nothing here.
    account: Option<[String; 3]>,
    pub(super) serials: Serials,
    /// Incidents that need nothing more, and since when.
    resolved: Vec<(String, Duration)>,
}

/// What a report goes by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReportInput {
    pub wanted: Vec<DesiredIssue>,
    /// Incidents whose issues are complete, even if a listing lags behind that.
    pub resolved: Vec<String>,
    /// When a subject was last seen well, if it ever was.
    pub last_well: Vec<(String, Timestamp)>,
    /// Subjects that were well in the last round.
    pub well: Vec<String>,
    /// Subjects that the last round could not observe.
    pub unobserved: Vec<String>,
}

/// Something on this machine that waits for a person, and is none of the nameservers' business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The name of the file, such as `card`.
    pub source: String,
    /// What to do.
    pub text: String,
}

impl MonitorState {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let nameservers = config
            .nameservers
            .iter()
            .map(|server| Subject::new(&server.name, SubjectKind::Nameserver, server.lamp));
        let endpoints = config
            .endpoints
            .iter()
            .map(|endpoint| Subject::new(&endpoint.name, SubjectKind::Endpoint, endpoint.lamp));
        let zones = config.world_zones().map(|zone| {
            let name = SubjectKind::zone_subject(&name_text(&zone.name));
            Subject::new(&name, SubjectKind::Zone, None)
        });
        Self {
            subjects: nameservers.chain(endpoints).chain(zones).collect(),
            ended: Vec::new(),
            uplink: None,
            reporting: match config.github {
                Some(_) => ReportingState::Untried.into(),
                None => ReportingState::Off.into(),
            },
            notices: Vec::new(),
            expires: None,
            account: config.github.as_ref().map(|github| {
                let GitHub { api, repository, .. } = github;
                [api.clone(), repository.clone(), config.vantage.name.clone()]
            }),
            uptime: UptimeHistory::default(),
            serials: Serials::default(),
            resolved: Vec::new(),
        }
    }

    /// The same state under another configuration: subjects are known by name.
    #[must_use]
    pub fn reconfigured(mut self, config: &Config) -> Self {
        let mut next = Self::new(config);
        for subject in &mut next.subjects {
            if let Some(known) = self.subjects.iter_mut().find(|s| s.name == subject.name) {
                let lamp = subject.lamp;
                std::mem::swap(subject, known);
                subject.lamp = lamp;
            }
        }
        next.ended = self.ended;
        next.uplink = self.uplink;
        next.notices = self.notices;
        next.uptime = self.uptime;
        next.expires = self.expires;
        if next.account == self.account {
            next.resolved = self.resolved;
        } else {
            // The numbers of another account mean nothing here, and it has no heartbeat of ours.
            next.uptime.heartbeat_written = None;
            let lasting = next.subjects.iter_mut().map(|subject| &mut subject.issue);
            let over = next.ended.iter_mut().map(|ended| &mut ended.issue);
            lasting.chain(over).for_each(|issue| *issue = None);
        }
        next
    }

    /// Takes in what a round said; returns what changed, with the index of the subject.
    #[must_use]
    pub fn after(
        mut self,
        judgement: &Judgement,
        at: Moment,
        schedule: &Schedule,
        fresh: &str,
    ) -> (Self, Vec<(usize, Change)>) {
        // Unused: the addresses of an endpoint are not known, or newer replies of the anchors are.
        if judgement.uplink != Uplink::UNUSED {
            for (index, _) in &judgement.verdicts {
                if let Some(subject) = self.subjects.get_mut(*index) {
                    subject.uplink = judgement.uplink;
                }
            }
            let uplink = judgement.uplink.or(self.uplink.unwrap_or(Uplink::UNUSED));
            let rounds = self.subjects.iter().map(|subject| subject.uplink);
            self.uplink = Some(uplink.used_by(rounds));
        }
        self.date(&at);
        self.uptime.count(&self.subjects, &at, schedule);
        let apart = self.compare_serials(judgement, &at, schedule);
        let mut changes = Vec::new();
        for (index, verdict) in &judgement.verdicts {
            let mut verdict = verdict.clone();
            for (_, row) in apart.iter().filter(|(subject, _)| subject == index) {
                verdict.add(row.clone(), Some(0));
            }
            self.wait_for_parents(*index, &mut verdict, at.uptime, schedule.serial_grace);
            verdict.sort();
            let change = self.judged(*index, verdict, at, schedule, &format!("{fresh}-{index}"));
            changes.extend(change.map(|change| (*index, change)));
        }
        if self.reporting.state == ReportingState::Off {
            self.ended.clear();
        }
        (self, changes)
    }

    /// Takes in the verdict on one subject.
    fn judged(
        &mut self,
        index: usize,
        verdict: Verdict,
        at: Moment,
        schedule: &Schedule,
        fresh: &str,
    ) -> Option<Change> {
        let subject = self.subjects.get_mut(index)?;
        let before = std::mem::take(&mut subject.health);
        let (health, change) = before.clone().after(&verdict, at, schedule, fresh);
        // An unknown verdict changes nothing. A recheck would not see more: the next regular round is
        // enough, and that one comes early while the uplink is down.
        let wait = health.ask_again(schedule).filter(|_| health != before);
        subject.again = wait.map(|wait| at.uptime + wait);
        subject.health = health;
        subject.unobserved_addresses.clone_from(&verdict.unobserved_addresses);
        subject.why.clone_from(&verdict.why);
        subject.unobserved = verdict.observed_addresses == 0 && verdict.findings.is_empty();
        if verdict.findings.is_empty() && !subject.unobserved {
            subject.last_well = Some(at);
        }
        if !subject.unobserved {
            subject.verdict = Some(verdict);
        }
        if let Some(Change::Closed(incident)) = &change {
            let issue = subject.issue.take();
            // It never had an issue, and was too short or too slight for one.
            if issue.is_some() || incident.reportable {
                let over = DesiredIssue {
                    subject: subject.name.clone(),
                    kind: subject.kind,
                    incident: incident.clone(),
                    ended: Some(at),
                    issue,
                };
                keep(&mut self.ended, over, schedule);
            }
        }
        change
    }

    /// Gives what happened before the clock was set its wall time.
    fn date(&mut self, now: &Moment) {
        let lasting = self.subjects.iter_mut().filter_map(|s| s.health.trouble_mut());
        let over = self.ended.iter_mut().map(|ended| &mut ended.incident);
        for incident in lasting.chain(over) {
            incident.since = incident.since.dated(now);
        }
        for subject in &mut self.subjects {
            subject.last_well = subject.last_well.map(|moment| moment.dated(now));
        }
        for ended in &mut self.ended {
            ended.ended = ended.ended.map(|moment| moment.dated(now));
        }
    }

    /// The incidents that should have an issue now, over or not.
    #[must_use]
    pub fn desired_issues(&self) -> Vec<DesiredIssue> {
        let open = self.subjects.iter().filter_map(|subject| {
            let incident = subject.health.incident()?;
            let reported = subject.issue.is_some() || incident.reportable;
            reported.then(|| DesiredIssue {
                subject: subject.name.clone(),
                kind: subject.kind,
                incident: incident.clone(),
                ended: None,
                issue: subject.issue,
            })
        });
        self.ended.iter().cloned().chain(open).collect()
    }

    /// All that a report goes by.
    #[must_use]
    pub fn report_input(&self) -> ReportInput {
        let names = |fits: fn(&Subject) -> bool| {
            let fitting = self.subjects.iter().filter(|subject| fits(subject));
            fitting.map(|subject| subject.name.clone()).collect()
        };
        ReportInput {
            wanted: self.desired_issues(),
            resolved: self.resolved.iter().map(|(incident, _)| incident.clone()).collect(),
            last_well: self.subjects.iter().filter_map(Subject::seen_well).collect(),
            well: names(|s| s.health == Health::Well && s.verdict.is_some() && !s.unobserved),
            unobserved: names(|s| s.unobserved),
        }
    }

    /// Takes in what the reporter did and found.
    #[must_use]
    pub fn reported(mut self, report: &Report, now: &Moment) -> Self {
        self.expires = report.expires;
        if let Some(record) = &report.recalled {
            self.uptime.recall(record.as_ref());
        }
        self.uptime.heartbeat_written = report.heartbeat_written.or(self.uptime.heartbeat_written);
        for (incident, reported) in &report.known {
            for subject in &mut self.subjects {
                if subject.health.incident().is_some_and(|i| i.id == *incident) {
                    subject.issue = Some(*reported);
                }
            }
            for ended in self.ended.iter_mut().filter(|e| e.incident.id == *incident) {
                ended.issue = Some(*reported);
            }
        }
        self.resolved.retain(|(_, since)| now.uptime.saturating_sub(*since) < SETTLED_HOLDS);
        for incident in &report.resolved {
            self.ended.retain(|e| e.incident.id != *incident);
            self.resolved.push((incident.clone(), now.uptime));
        }
        for found in &report.resume {
            self.resume(found, now);
        }
        self.reporting = match &report.failed {
            None => ReportingState::Fine.into(),
            Some(failure) => Reporting {
                state: match failure.may_pass() {
                    true => ReportingState::Failing,
                    false => ReportingState::Denied,
                },
                why: Some(failure.why.clone()),
                attempts: match now.wall {
                    // Nothing can be expected to work before the clock is set.
                    None if now.uptime < CLOCK_PATIENCE => 0,
                    _ if !failure.may_pass() => 0,
                    _ => self.reporting.attempts.saturating_add(1),
                },
            },
        };
        self
    }

    /// Takes over what an issue remembers.
    fn resume(&mut self, found: &RememberedIncident, now: &Moment) {
        let id = &found.incident;
        let over = self.ended.iter().any(|e| e.incident.id == *id);
        if over || self.resolved.iter().any(|(known, _)| known == id) {
            return;
        }
        let old = Incident {
            id: id.clone(),
            since: now.recalled(found.since),
            severity: found.severity,
            worst: found.worst,
            reportable: true,
            findings: Vec::new(),
            unobserved_addresses: found.places.clone(),
            history: Vec::new(),
        };
        let untold = |e: &&mut DesiredIssue| e.subject == found.subject && e.issue.is_none();
        if let Some(ended) = self.ended.iter_mut().find(untold) {
            // It ended while the report that found its issue was under way.
            ended.incident = ended.incident.clone().renamed(old);
            ended.issue = Some(found.reported);
            return;
        }
        let Some(subject) = self.subjects.iter_mut().find(|s| s.name == found.subject) else {
            return;
        };
        if subject.health.incident().is_none_or(|i| i.id != *id) {
            subject.health = std::mem::take(&mut subject.health).resume(old);
            subject.again = Some(now.uptime);
        }
        subject.issue = Some(found.reported);
    }
}

/// Adds an incident that is over. If it followed soon on another one that is not reported either, the two become
/// one, as they would at GitHub. So months of flapping without a token stay bounded.
fn keep(ended: &mut Vec<DesiredIssue>, over: DesiredIssue, schedule: &Schedule) {
    let before = ended.iter_mut().rev().find(|e| e.subject == over.subject);
    let story = before.filter(|before| {
        let gap = before.ended.map(|end| over.incident.since.since(&end));
        let untold = before.issue.is_none() && over.issue.is_none();
        untold && gap.is_some_and(|gap| gap < schedule.reopen_within)
    });
    let Some(story) = story else {
        return ended.push(over);
    };
    story.ended = over.ended;
    story.incident.worst = story.incident.worst.max(over.incident.worst);
    story.incident.findings = over.incident.findings;
    story.incident.history = over.incident.history;
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
