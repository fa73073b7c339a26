//! Addresses that a round does not observe, and incidents that a new process remembers from an issue.

use super::tests::{Walk, remembered, state};
use super::*;
use crate::decide::testing::{V4, V6, at, row, verdict, well, without};

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
    // It takes the third in a row, and an unobserved address does not interrupt.
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
