//! The changes that the user's command gets (`hooks.on-change`): a subject became well, degraded or down.
//!
//! A change follows the same rules as an issue. So a suspect is not a change, nor is a subject that has been degraded
//! for less than `degraded-after`. While our own uplink is down, nothing changes.

use jiff::Timestamp;
use serde::Serialize;

use crate::decide::judge::finding::Finding;
use crate::decide::judge::finding::Severity;
use crate::decide::time::Moment;
use crate::decide::track::health_state::HealthState;
use crate::decide::track::incident::Incident;
use crate::decide::track::state::MonitorState;
use crate::decide::track::subject::Subject;

/// One change, with a stable JSON form; `version` is to it what it is to a [`Status`](crate::decide::show::status::Status).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateChange {
    pub version: u32,
    pub subject: String,
    /// `well`, `degraded` or `down`.
    pub from: HealthState,
    pub to: HealthState,
    /// The beginning of the incident.
    pub since: Option<Timestamp>,
    /// For a recovered subject: the faults seen last.
    pub faults: Vec<Finding>,
    /// The ID of the incident, as in the journal.
    pub incident: String,
    pub vantage: String,
    pub time: Option<Timestamp>,
}

impl StateChange {
    /// The version of the form.
    pub const VERSION: u32 = 1;

    /// What a round has changed. Both are of one configuration, so that the subjects are the same.
    #[must_use]
    pub fn between(
        before: &MonitorState,
        after: &MonitorState,
        vantage: &str,
        now: &Moment,
    ) -> Vec<Self> {
        let pairs = before.subjects.iter().zip(&after.subjects);
        let changed = pairs.filter_map(|(old, new)| {
            let (was, is) = (believed(old), believed(new));
            let (from, to) = (state(was), state(is));
            let incident = is.or(was).filter(|_| from != to)?;
            Some(Self {
                version: Self::VERSION,
                subject: new.name.clone(),
                from,
                to,
                since: incident.since.dated(now).wall,
                faults: incident.findings.clone(),
                incident: incident.id.clone(),
                vantage: vantage.to_owned(),
                time: now.wall,
            })
        });
        changed.collect()
    }
}

/// The incident that has an issue, or should have one.
fn believed(subject: &Subject) -> Option<&Incident> {
    subject.health.incident().filter(|incident| incident.reportable)
}

fn state(incident: Option<&Incident>) -> HealthState {
    match incident.map(|incident| incident.severity) {
        None => HealthState::Well,
        Some(Severity::Degraded) => HealthState::Degraded,
        Some(Severity::Down) => HealthState::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::judge::finding::Verdict;
    use crate::decide::testing::{
        at, config, degraded, down, judgement, resume, schedule, unknown, well,
    };

    /// The changes while ns1 gets these verdicts, so many seconds apart, and ns2 is well.
    fn changes(mut monitor: MonitorState, verdicts: &[Verdict], apart: u64) -> Vec<StateChange> {
        let mut changes = Vec::new();
        for (round, verdict) in (1..).zip(verdicts) {
            let judgement = judgement([verdict.clone(), well()]);
            let (before, now) = (monitor.clone(), at(round * apart));
            monitor = monitor.after(&judgement, now, &schedule(), "new").0;
            changes.extend(StateChange::between(&before, &monitor, "home", &now));
        }
        changes
    }

    fn words(changes: &[StateChange]) -> Vec<(&str, &str)> {
        changes.iter().map(|change| (change.from.word(), change.to.word())).collect()
    }

    #[test]
    fn an_outage_and_its_end_are_one_change_each() {
        let mut verdicts = vec![down(), well(), down(), down(), down(), down()];
        verdicts.extend([unknown(), well(), down(), well(), well(), well()]);
        let changes = changes(MonitorState::new(&config()), &verdicts, 10);
        assert_eq!(words(&changes), [("well", "down"), ("down", "well")]);
        assert!(changes.iter().all(|change| change.subject == "ns1.example.net"));
        assert_eq!(changes[0].since, at(30).wall, "its first failure");
        assert_eq!((changes[1].since, changes[1].time), (at(30).wall, at(110).wall));
        assert_eq!(changes[1].faults, down().findings, "what it was");
    }

    #[test]
    fn a_degradation_is_a_change_once_it_lasts_and_when_it_gets_worse_or_better() {
        let monitor = || MonitorState::new(&config());
        let briefly: Vec<Verdict> =
            vec![degraded(); 6].into_iter().chain(vec![well(); 2]).collect();
        assert_eq!(changes(monitor(), &briefly, 10), []);
        let (degraded_verdicts, dead) = (vec![degraded(); 6], vec![down(); 3]);
        let verdicts =
            [degraded_verdicts.clone(), dead, degraded_verdicts, vec![well(); 2]].concat();
        let changes = changes(monitor(), &verdicts, 900);
        let expected = [("well", "degraded"), ("degraded", "down"), ("down", "degraded")];
        assert_eq!(words(&changes), [&expected[..], &[("degraded", "well")]].concat());
    }

    #[test]
    fn the_end_of_a_remembered_outage_is_a_change() {
        let report = resume("ns1.example.net", "old", 7);
        let monitor = || MonitorState::new(&config()).reported(&report, &at(0));
        assert_eq!(changes(monitor(), &[down(), down()], 10), []);
        let over = changes(monitor(), &[well(), well()], 10);
        assert_eq!(words(&over), [("down", "well")]);
        assert_eq!((over[0].incident.as_str(), over[0].since), ("old", at(0).wall));
    }

    #[test]
    fn the_hooks_document_is_the_example_of_the_manual() {
        let changes = changes(MonitorState::new(&config()), &[down(), down(), down()], 10);
        let json = serde_json::to_string_pretty(&changes[0]).unwrap();
        assert_eq!(json, include_str!("../../../tests/json/change.json").trim_end(), "{json}");
    }
}
