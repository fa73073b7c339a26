//! Walks the diagram of the module's documentation, every arrow of it and nothing beside it.

use std::collections::BTreeSet;

use super::*;
use crate::decide::testing::{V4, at, degraded, down, schedule, unknown, well};

/// `open-after` and `close-after`, with the other thresholds as they are by default.
fn thresholds(open_after: u32, close_after: u32) -> Schedule {
    Schedule { open_after, close_after, ..schedule() }
}

/// A subject that is walked through verdicts, ten seconds apart.
pub(super) struct Walk {
    pub health: Health,
    schedule: Schedule,
    seconds: u64,
}

impl Walk {
    pub(super) fn new(open_after: u32, close_after: u32) -> Self {
        Self { health: Health::Well, schedule: thresholds(open_after, close_after), seconds: 0 }
    }

    pub(super) fn step(&mut self, verdict: &Verdict) -> Option<Change> {
        self.seconds += 10;
        let now = at(self.seconds);
        let health = std::mem::take(&mut self.health);
        let (health, change) = health.after(verdict, now, &self.schedule, "fresh");
        self.health = health;
        change
    }

    /// `D` down, `d` degraded, `w` well, `?` unknown; returns the state after each.
    pub(super) fn walk(&mut self, verdicts: &str) -> String {
        let mut words = Vec::new();
        for letter in verdicts.chars() {
            self.step(&seen(letter));
            words.push(self.health.state().word());
        }
        words.join(" ")
    }

    pub(super) fn incident(&self) -> &Incident {
        self.health.incident().expect("an incident is open")
    }

    pub(super) fn again(&self) -> Option<u64> {
        let again = self.health.ask_again(&self.schedule);
        again.map(|wait| wait.as_secs())
    }
}

fn seen(letter: char) -> Verdict {
    match letter {
        'D' => down(),
        'd' => degraded(),
        'w' => well(),
        '?' => unknown(),
        _ => panic!("{letter} is no verdict"),
    }
}

pub(super) fn state(health: &Health) -> &'static str {
    match health {
        Health::Well => "Well",
        Health::Suspect(_) => "Suspect",
        Health::Failing(_) => "Failing",
        Health::Recovering(..) => "Recovering",
    }
}

fn name(change: Option<&Change>) -> &'static str {
    match change {
        None => "-",
        Some(Change::Suspected(_)) => "suspected",
        Some(Change::Cleared(_)) => "cleared",
        Some(Change::Opened(_)) => "opened",
        Some(Change::Shifted(_)) => "shifted",
        Some(Change::Recovering(_)) => "recovering",
        Some(Change::Relapsed(_)) => "relapsed",
        Some(Change::Closed(_)) => "closed",
    }
}

/// Every arrow that any walk of this length over down, well and unknown takes.
fn arrows(open_after: u32, close_after: u32, length: u32) -> BTreeSet<String> {
    let letters = ['D', 'w', '?'];
    let mut found = BTreeSet::new();
    for number in 0..3_usize.pow(length) {
        let mut walk = Walk::new(open_after, close_after);
        for step in 0..length {
            let letter = letters[number / 3_usize.pow(step) % 3];
            let before = walk.health.clone();
            let change = walk.step(&seen(letter));
            let (from, to) = (state(&before), state(&walk.health));
            if letter == '?' {
                assert_eq!(before, walk.health, "unknown changed something");
            }
            found.insert(format!("{from} {letter} {to} {}", name(change.as_ref())));
        }
    }
    found
}

fn set(arrows: &[&str]) -> BTreeSet<String> {
    arrows.iter().map(|arrow| (*arrow).to_owned()).collect()
}

#[test]
fn the_diagram_holds_every_arrow_and_no_other() {
    let diagram = set(&[
        "Well w Well -",
        "Well D Suspect suspected",
        "Suspect w Well cleared",
        "Suspect D Suspect -",
        "Suspect D Failing opened",
        "Failing D Failing -",
        "Failing w Recovering recovering",
        "Recovering D Failing relapsed",
        "Recovering w Recovering -",
        "Recovering w Well closed",
        "Well ? Well -",
        "Suspect ? Suspect -",
        "Failing ? Failing -",
        "Recovering ? Recovering -",
    ]);
    assert_eq!(arrows(3, 3, 8), diagram);
}

#[test]
fn thresholds_of_one_skip_the_states_in_between() {
    let at_once = set(&[
        "Well w Well -",
        "Well D Failing opened",
        "Failing D Failing -",
        "Failing w Well closed",
        "Well ? Well -",
        "Failing ? Failing -",
    ]);
    assert_eq!(arrows(1, 1, 6), at_once);
    assert!(arrows(1, 2, 6).contains("Failing w Recovering recovering"));
    assert!(arrows(2, 1, 6).contains("Suspect D Failing opened"));
}

#[test]
fn an_incident_opens_and_closes_after_exactly_as_many_verdicts_in_a_row_as_configured() {
    let says = |open, close, verdicts: &str| Walk::new(open, close).walk(verdicts);
    assert_eq!(says(3, 2, "DDDww"), "suspect suspect down recovering well");
    assert_eq!(says(1, 1, "Dw"), "down well");
    assert_eq!(says(2, 3, "DDwww"), "suspect down recovering recovering well");
    // One verdict to the contrary, and the count begins again.
    assert_eq!(says(3, 2, "DDwDDD"), "suspect suspect well suspect suspect down");
    assert_eq!(says(3, 2, "DDDwDww"), "suspect suspect down recovering down recovering well");
    // Unknown neither counts nor interrupts.
    assert_eq!(
        says(3, 2, "D?D??Dw?w"),
        "suspect suspect suspect suspect suspect down recovering recovering well"
    );
}

#[test]
fn an_incident_began_with_its_first_faulty_verdict_and_keeps_its_identity_through_relapses() {
    let mut walk = Walk::new(3, 2);
    walk.walk("wDDDwDD");
    assert_eq!(walk.incident().since, at(20));
    assert_eq!(walk.incident().id, "fresh");
    let said: Vec<_> = walk.incident().history.iter().map(|p| p.severity).collect();
    let down = Some(Severity::Down);
    assert_eq!(said, [down, down, down, None, down, down]);
    walk.walk("DDDDDDDD");
    let history = &walk.incident().history;
    assert_eq!(
        (history.len(), history[9].at),
        (crate::decide::track::incident::REMEMBERED, at(150).wall)
    );
}

#[test]
fn down_and_degraded_shift_only_after_enough_verdicts_in_a_row() {
    let says = |verdicts: &str| Walk::new(3, 2).walk(verdicts);
    // Down after open-after in a row, whatever the mixture before.
    assert_eq!(
        says("dddDDdDDD"),
        "suspect suspect degraded degraded degraded degraded degraded degraded down"
    );
    // Degraded again after close-after in a row.
    assert_eq!(says("DDDdDdd"), "suspect suspect down down down down degraded");
    // What was seen before the incident opened counts.
    assert_eq!(says("dDDD"), "suspect suspect degraded down");
    assert_eq!(says("DDdDDD"), "suspect suspect degraded degraded degraded down");
    // Unknown neither counts nor interrupts.
    assert_eq!(says("dddD?DD"), "suspect suspect degraded degraded degraded degraded down");
    // A well verdict interrupts.
    assert_eq!(
        says("dddDDwDDD"),
        "suspect suspect degraded degraded degraded recovering degraded degraded down"
    );
}

#[test]
fn a_relapse_is_the_first_verdict_in_a_row_for_a_shift_as_well() {
    let mut worse = Walk::new(1, 2);
    assert_eq!(worse.walk("dw"), "degraded recovering");
    assert_eq!(name(worse.step(&down()).as_ref()), "shifted");
    assert_eq!(worse.incident().worst, Severity::Down);
    let mut better = Walk::new(3, 1);
    better.health = better.health.resume(remembered(Severity::Down));
    assert_eq!(better.walk("d"), "degraded");
    // With more than one in a row, it counts as one.
    assert_eq!(Walk::new(2, 2).walk("ddwDD"), "suspect degraded recovering degraded down");
    assert_eq!(Walk::new(2, 2).walk("DDwdd"), "suspect down recovering down degraded");
}

#[test]
fn a_change_of_severity_is_reported_and_the_worst_is_stored() {
    let mut walk = Walk::new(2, 2);
    walk.walk("DDd");
    let change = walk.step(&degraded());
    assert_eq!(name(change.as_ref()), "shifted");
    let incident = walk.incident();
    assert_eq!((incident.severity, incident.worst), (Severity::Degraded, Severity::Down));
}

#[test]
fn rechecks_come_after_10_20_40_seconds_and_when_recovering_after_60() {
    let mut walk = Walk::new(6, 3);
    let mut waits = Vec::new();
    for letter in "DDDDDDDwww".chars() {
        walk.step(&seen(letter));
        waits.push(walk.again());
    }
    let (ten, twenty, forty, sixty) = (Some(10), Some(20), Some(40), Some(60));
    assert_eq!(waits, [ten, twenty, forty, forty, forty, None, None, sixty, sixty, None]);
    // Getting worse is suspicious, getting better is recovery.
    let mut worse = Walk::new(3, 2);
    worse.walk("dddD");
    assert_eq!(worse.again(), ten);
    worse.walk("D");
    assert_eq!(worse.again(), twenty);
    let mut better = Walk::new(3, 2);
    better.walk("DDDd");
    assert_eq!(better.again(), sixty);
    // An unknown verdict was no answer: it is asked again as before.
    let mut suspect = Walk::new(3, 2);
    suspect.walk("DD?");
    assert_eq!(suspect.again(), twenty);
}

#[test]
fn an_incident_needs_an_issue_when_it_is_down_or_was_seen_to_last() {
    let mut walk = Walk::new(3, 2);
    walk.walk("DDD");
    assert!(walk.incident().reportable);
    let mut walk = Walk::new(3, 2);
    walk.walk("ddd"); // the first at 10 s
    walk.seconds = 3590;
    walk.step(&degraded());
    assert!(!walk.incident().reportable, "not yet an hour");
    // Neither time without an observation nor a well verdict makes it last.
    walk.seconds = 90_000;
    walk.walk("??w?");
    assert!(!walk.incident().reportable);
    walk.walk("d");
    assert!(walk.incident().reportable);
    // And it stays so: what people have been told of needs an end.
    walk.walk("w");
    assert!(walk.incident().reportable);
    let mut walk = Walk::new(3, 2);
    walk.walk("ddd");
    walk.seconds = 3600;
    walk.step(&degraded());
    assert!(walk.incident().reportable, "an hour");
}

pub(super) fn remembered(severity: Severity) -> Incident {
    Incident {
        id: "old".to_owned(),
        since: at(1),
        severity,
        worst: severity,
        reportable: true,
        findings: Vec::new(),
        unobserved_addresses: Vec::new(),
        history: Vec::new(),
    }
}

/// A verdict that is down for these questions.
fn lost(questions: &[usize]) -> Verdict {
    let place = |&question| FailedQuery {
        address: V4.parse().unwrap(),
        query: question,
        severity: Severity::Down,
    };
    Verdict { failed_queries: questions.iter().map(place).collect(), ..down() }
}

/// The state after verdicts that are down for these questions each.
fn after_losses(start: &str, losses: &[&[usize]]) -> String {
    let mut walk = Walk::new(3, 2);
    let _ = walk.walk(start);
    for questions in losses {
        walk.step(&lost(questions));
    }
    walk.health.state().word().to_owned()
}

#[test]
fn failures_that_move_between_queries_must_occur_three_times_as_often() {
    assert_eq!(after_losses("", &[&[1], &[1], &[1]]), "down");
    assert_eq!(after_losses("", &[&[1], &[1, 2], &[2]]), "down", "one in common with the last");
    assert_eq!(after_losses("", &[&[1], &[2], &[3]]), "suspect");
    assert_eq!(after_losses("", &[&[1], &[1], &[2], &[2]]), "suspect");
    assert_eq!(after_losses("", &[&[1], &[1], &[2], &[2], &[2]]), "down");
    let scattered: Vec<Vec<usize>> = (0..9).map(|question| vec![question]).collect();
    let scattered: Vec<&[usize]> = scattered.iter().map(Vec::as_slice).collect();
    assert_eq!(after_losses("", &scattered[..8]), "suspect");
    assert_eq!(after_losses("", &scattered), "down");
}

#[test]
fn a_degraded_subject_gets_worse_by_the_same_rule() {
    assert_eq!(after_losses("ddd", &[&[1], &[2], &[3]]), "degraded");
    assert_eq!(after_losses("ddd", &[&[1], &[1], &[1]]), "down");
    let scattered: Vec<Vec<usize>> = (0..9).map(|question| vec![question]).collect();
    let scattered: Vec<&[usize]> = scattered.iter().map(Vec::as_slice).collect();
    assert_eq!(after_losses("ddd", &scattered[..8]), "degraded");
    assert_eq!(after_losses("ddd", &scattered), "down");
}
