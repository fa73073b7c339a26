//! Walks the diagram of the module's documentation, every arrow of it and nothing beside it.

use std::collections::BTreeSet;

use super::*;
use crate::decide::testing::{
    V4, V6, at, degraded, down, row, schedule, unknown, verdict, well, without,
};

/// `open-after` and `close-after`, with the other thresholds as they are by default.
fn thresholds(open_after: u32, close_after: u32) -> Schedule {
    Schedule { open_after, close_after, ..schedule() }
}

/// A subject that is walked through verdicts, ten seconds apart.
struct Walk {
    health: Health,
    schedule: Schedule,
    seconds: u64,
}

impl Walk {
    fn new(open_after: u32, close_after: u32) -> Self {
        Self { health: Health::Well, schedule: thresholds(open_after, close_after), seconds: 0 }
    }

    fn step(&mut self, verdict: &Verdict) -> Option<Change> {
        self.seconds += 10;
        let now = at(self.seconds);
        let health = std::mem::take(&mut self.health);
        let (health, change) = health.after(verdict, now, &self.schedule, "fresh");
        self.health = health;
        change
    }

    /// `D` down, `d` degraded, `w` well, `?` unknown; returns the state after each.
    fn walk(&mut self, verdicts: &str) -> String {
        let mut words = Vec::new();
        for letter in verdicts.chars() {
            self.step(&seen(letter));
            words.push(self.health.state().word());
        }
        words.join(" ")
    }

    fn incident(&self) -> &Incident {
        self.health.incident().expect("an incident is open")
    }

    fn again(&self) -> Option<u64> {
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

fn state(health: &Health) -> &'static str {
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

fn both(v4: Option<Severity>, v6: Option<Severity>) -> Verdict {
    let row =
        |address, severity: Option<Severity>| severity.map(|s| row(address, "example.net", s));
    verdict(row(V4, v4).into_iter().chain(row(V6, v6)).collect())
}

#[test]
fn while_the_only_faulty_address_is_unobserved_the_verdict_is_unknown() {
    let (down, none) = (Some(Severity::Down), None);
    for walked in ["D", "DDD", "DDDw"] {
        let mut walk = Walk::new(3, 2);
        walk.walk(walked);
        let before = walk.health.clone();
        for _ in 0..50 {
            assert_eq!(walk.step(&without(V4, both(down, none))), None, "{walked}");
        }
        assert_eq!(walk.health, before, "{walked}");
        // It is the other address that would say something.
        walk.step(&without(V6, both(none, none)));
        assert_ne!(walk.health, before, "{walked}");
    }
}

#[test]
fn findings_of_unobserved_addresses_stay_beside_observed_ones() {
    let (down, degraded) = (Some(Severity::Down), Some(Severity::Degraded));
    let mut walk = Walk::new(1, 1);
    walk.step(&both(down, degraded));
    walk.step(&without(V4, both(None, degraded)));
    let addresses: Vec<String> =
        walk.incident().findings.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(addresses, [V6, V4]);
    // Once it is seen again, it is what it is.
    walk.step(&both(None, degraded));
    assert_eq!(walk.incident().findings, both(None, degraded).findings);
}

#[test]
fn an_unobserved_address_changes_no_severity() {
    let (down, degraded) = (Some(Severity::Down), Some(Severity::Degraded));
    let mut eases = Walk::new(3, 2);
    for _ in 0..3 {
        eases.step(&both(down, degraded));
    }
    for _ in 0..50 {
        eases.step(&without(V4, both(down, degraded)));
        assert_eq!(eases.health.state().word(), "down");
    }
    let mut worsens = Walk::new(3, 2);
    worsens.walk("ddd");
    worsens.step(&both(down, degraded));
    worsens.step(&both(down, degraded));
    for _ in 0..50 {
        worsens.step(&without(V4, both(down, degraded)));
        assert_eq!(worsens.health.state().word(), "degraded");
    }
    // It takes the third in a row, and what was out of sight was no interruption.
    worsens.step(&both(down, degraded));
    assert_eq!(worsens.health.state().word(), "down");
    let mut suspect = Walk::new(3, 2);
    suspect.step(&both(down, degraded));
    suspect.step(&both(down, degraded));
    suspect.step(&without(V4, both(down, degraded)));
    assert_eq!(suspect.health.state().word(), "degraded");
    suspect.step(&both(down, degraded));
    assert_eq!(suspect.health.state().word(), "down");
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
    // Neither time that passes unseen nor a well verdict makes it last.
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

fn remembered(severity: Severity) -> Incident {
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

#[test]
fn a_remembered_incident_is_resumed_in_every_state() {
    for (walked, state_then, severity) in [
        ("", "Recovering", Severity::Down),
        ("d", "Failing", Severity::Down),
        ("ddd", "Failing", Severity::Degraded),
        ("dddw", "Recovering", Severity::Degraded),
    ] {
        let mut walk = Walk::new(3, 2);
        walk.walk(walked);
        walk.health = std::mem::take(&mut walk.health).resume(remembered(Severity::Down));
        assert_eq!(state(&walk.health), state_then, "after {walked:?}");
        let incident = walk.incident();
        assert_eq!((incident.id.as_str(), incident.since), ("old", at(1)));
        assert_eq!(incident.worst, Severity::Down);
        assert_eq!(incident.severity, severity, "after {walked:?}");
    }
}

#[test]
fn a_suspicion_alone_does_not_change_how_bad_a_remembered_incident_is() {
    let after = |walked: &str, old: Severity, then: &str| {
        let mut walk = Walk::new(3, 2);
        walk.walk(walked);
        walk.health = walk.health.resume(remembered(old));
        walk.walk(then)
    };
    // The suspicion's own verdicts count towards the shift.
    assert_eq!(after("D", Severity::Degraded, "DD"), "degraded down");
    assert_eq!(after("DD", Severity::Degraded, "D"), "down");
    assert_eq!(after("Dd", Severity::Degraded, "DDD"), "degraded degraded down");
    assert_eq!(after("d", Severity::Down, "d"), "degraded");
    assert_eq!(after("dD", Severity::Down, "dd"), "down degraded");
}

#[test]
fn a_remembered_incident_is_seen_well_as_often_as_any_before_it_closes() {
    let mut walk = Walk::new(3, 2);
    walk.health = walk.health.resume(remembered(Severity::Down));
    assert_eq!(walk.again(), Some(60));
    assert_eq!(walk.walk("?ww"), "recovering recovering well");
    walk.health = walk.health.resume(remembered(Severity::Down));
    assert_eq!(walk.walk("Dww"), "down recovering well");
}

#[test]
fn a_remembered_incident_does_not_close_while_its_address_is_unobserved() {
    let old = || Incident {
        unobserved_addresses: vec![V4.parse().unwrap()],
        ..remembered(Severity::Down)
    };
    let mut walk = Walk::new(3, 2);
    walk.health = walk.health.resume(old());
    for _ in 0..50 {
        assert_eq!(walk.step(&without(V4, well())), None);
        assert_eq!(walk.health, Health::Recovering(old(), 0));
    }
    // EndpointError at the other address does not make it forget.
    walk.step(&without(V4, both(None, Some(Severity::Down))));
    assert_eq!(walk.incident().unobserved_addresses, old().unobserved_addresses);
    walk.step(&without(V4, well()));
    assert_eq!(walk.health.state().word(), "down");
    assert_eq!(walk.walk("ww"), "recovering well");
    // The address that can be seen is the one that matters.
    walk.health = walk.health.resume(old());
    for _ in 0..2 {
        walk.step(&without(V6, well()));
    }
    assert_eq!(walk.health, Health::Well);
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
