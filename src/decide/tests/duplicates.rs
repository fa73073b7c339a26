//! GitHub is away for all vantages while an outage begins and ends: one of them files it, the others find it.

use super::vantages::{NAMES, open, three_alive, world};
use crate::decide::report::github::Step;
use crate::decide::report::marker::VantageObservation;
use crate::decide::testing::tracker::{STEADY, Tracker, World};
use crate::decide::testing::{down, well};

/// A full minute after the outage.
const START: u64 = 600;

/// Three vantages that have seen the same outage, and not reported it.
fn unreported(names: [&'static str; 3]) -> [World; 3] {
    names.map(|name| {
        let mut world = world(name);
        world.led = world.led.rounds(5, [down(), well()]).rounds(3, [well(), well()]);
        world
    })
}

/// A report that reads an older listing; the seconds until the next one, if the vantage asks for one.
fn report(world: &mut World, tracker: &mut Tracker, before: Option<&Tracker>) -> Option<u64> {
    world.lagging = before.cloned();
    std::mem::swap(&mut world.tracker, tracker);
    let (plan, _) = world.report_over(STEADY);
    std::mem::swap(&mut world.tracker, tracker);
    plan.again.map(|wait| wait.as_secs())
}

/// All report at this second, and then when they want. Each listing is as old as a second.
fn play(worlds: &mut [World; 3], tracker: &mut Tracker, from: u64) {
    let mut due = [Some(from); 3];
    for second in from..from + 200 {
        let before = tracker.clone();
        for (world, due) in worlds.iter_mut().zip(&mut due) {
            if *due == Some(second) {
                world.led.seconds = START + second;
                *due = report(world, tracker, Some(&before)).map(|wait| second + wait.max(1));
            }
        }
    }
    assert_eq!(due, [None; 3], "nobody waits any longer");
}

/// The issues about an outage: a duplicate has no record.
fn about(tracker: &Tracker) -> Vec<u64> {
    let issues = tracker.issues.iter();
    let about = issues.filter(|issue| VantageObservation::find(&issue.body).is_some());
    about.map(|issue| issue.number).collect()
}

#[test]
fn an_outage_that_no_vantage_could_report_is_filed_by_one_of_them() {
    for heartbeats in [true, false] {
        for from in 0..60 {
            let mut tracker = if heartbeats { three_alive() } else { Tracker::default() };
            let mut worlds = unreported(NAMES);
            play(&mut worlds, &mut tracker, from);
            assert_eq!(
                (tracker.issues.len(), open(&tracker)),
                (1, vec![]),
                "at {from}, {heartbeats}"
            );
            assert_eq!(tracker.issues[0].comments.len(), 2, "the others have seen it, too");
            for world in &worlds {
                assert_eq!(world.led.monitor.desired_issues(), []);
            }
        }
    }
}

#[test]
fn vantages_that_do_not_know_of_each_other_leave_one_issue() {
    // Home, parents and datacentre have the same turn while no heartbeat is there.
    let mut tracker = Tracker::default();
    let mut worlds = unreported(["home", "parents", "datacentre"]);
    play(&mut worlds, &mut tracker, 0);
    assert_eq!((tracker.issues.len(), open(&tracker), about(&tracker)), (3, vec![], vec![1]));
    for number in [2, 3] {
        assert!(tracker.get(number).comments[0].contains("Duplicate of #1."));
    }
    for world in &mut worlds {
        assert_eq!(world.led.monitor.desired_issues(), []);
        assert_eq!(world.report().steps, []);
    }
}

#[test]
fn of_two_issues_opened_at_once_the_older_one_stays_although_its_vantage_recovers_first() {
    let mut tracker = three_alive();
    let mut worlds = ["home", "office"].map(|name| {
        let mut world = world(name);
        world.led = world.led.rounds(3, [down(), well()]);
        world
    });
    let none = tracker.clone();
    for world in &mut worlds {
        report(world, &mut tracker, Some(&none));
    }
    assert_eq!(open(&tracker), [1, 2]);
    // Home is well at once, and reads a listing that does not have the issue of office yet.
    let [home, office] = &mut worlds;
    home.led = home.led.clone().rounds(2, [well(), well()]);
    let mut early = tracker.clone();
    early.issues.retain(|issue| issue.number == 1);
    report(home, &mut tracker, Some(&early));
    office.led = office.led.clone().rounds(2, [well(), well()]);
    report(office, &mut tracker, None);
    assert_eq!((open(&tracker), about(&tracker)), (vec![], vec![1]));
    assert!(tracker.get(2).comments[0].contains("Duplicate of #1."));
    assert_eq!(office.led.monitor.desired_issues(), []);
}

#[test]
fn a_fault_that_returns_and_ends_unreported_while_another_vantage_sees_it_has_no_issue_of_its_own()
{
    let mut tracker = three_alive();
    let [mut home, mut office] = ["home", "office"].map(world);
    for world in [&mut home, &mut office] {
        world.led = world.led.clone().rounds(3, [down(), well()]);
        report(world, &mut tracker, None);
    }
    office.led = office.led.clone().rounds(2, [well(), well()]);
    report(&mut office, &mut tracker, None);
    // GitHub is away for office.
    office.led = office.led.clone().rounds(3, [down(), well()]).rounds(3, [well(), well()]);
    home.led = home.led.clone().rounds(8, [down(), well()]);
    report(&mut home, &mut tracker, None);
    report(&mut office, &mut tracker, None);
    assert_eq!((open(&tracker), tracker.issues.len()), (vec![1], 1));
    assert_eq!(office.led.monitor.desired_issues(), []);
}

#[test]
fn a_vantage_that_is_alone_files_all_outages_in_one_report() {
    let mut world = world("home");
    world.led = world.led.rounds(3, [down(), down()]).rounds(3, [well(), well()]);
    let plan = world.report();
    let filed =
        plan.steps.iter().filter(|step| matches!(step, Step::Create { resolved: true, .. }));
    assert_eq!((filed.count(), plan.again), (2, None));
}
