//! A person closes an issue while its outage lasts: the issue stays closed until that outage is over for all
//! vantages, and silences no later one.

use super::vantages::{open, report, three_alive, world};
use crate::decide::report::github::IssueState;
use crate::decide::report::marker::VantageObservation;
use crate::decide::testing::tracker::{Line, Tracker, World};
use crate::decide::testing::{at, down, well};

const HOUR: u64 = 3600;

/// Longer than from one report to the next.
const INTERVAL: u64 = 700;

fn close(tracker: &mut Tracker, number: u64, now: &World) {
    tracker.edit(number, None, None, Some(IssueState::Completed), at(now.led.seconds).wall);
}

/// So many rounds of each vantage, and a report of each.
fn all(tracker: &mut Tracker, vantages: [(&mut World, bool); 3], rounds: usize) {
    vantages.into_iter().for_each(|(world, fault)| report(world, tracker, rounds, fault));
}

#[test]
fn an_issue_closed_by_a_person_stays_closed_until_the_outage_ends_for_all() {
    let mut tracker = three_alive();
    let (mut home, mut office, mut cabin) = (world("home"), world("office"), world("cabin"));
    report(&mut office, &mut tracker, 3, true);
    report(&mut home, &mut tracker, 3, true);
    let closed = Some(IssueState::Completed);
    tracker.edit(1, None, None, closed, at(60).wall);
    for _ in 0..3 {
        report(&mut office, &mut tracker, 1, true);
        report(&mut home, &mut tracker, 1, true);
        report(&mut cabin, &mut tracker, 3, true);
    }
    for world in [&mut office, &mut home, &mut cabin] {
        report(world, &mut tracker, 2, false);
        assert_eq!(world.led.monitor.desired_issues(), []);
    }
    assert_eq!((open(&tracker), tracker.issues.len()), (Vec::new(), 1));
    // And what comes later is told again.
    home.led.seconds += 2 * HOUR;
    report(&mut home, &mut tracker, 3, true);
    assert_eq!(open(&tracker), [2]);
}

#[test]
fn an_outage_after_the_one_that_a_person_closed_has_an_issue_although_its_opener_is_dead() {
    for others_saw_it in [true, false] {
        let mut tracker = three_alive();
        let (mut home, mut office, mut cabin) = (world("home"), world("office"), world("cabin"));
        let saw = others_saw_it;
        all(&mut tracker, [(&mut home, true), (&mut office, saw), (&mut cabin, saw)], 3);
        assert_eq!(open(&tracker), [1]);
        close(&mut tracker, 1, &home);
        all(&mut tracker, [(&mut home, true), (&mut office, saw), (&mut cabin, saw)], 1);
        // Home dies here.
        for _ in 0..5 {
            report(&mut office, &mut tracker, 1, false);
            report(&mut cabin, &mut tracker, 1, false);
        }
        for _ in 0..4 {
            report(&mut office, &mut tracker, 1, true);
            report(&mut cabin, &mut tracker, 1, true);
        }
        // Home would confirm within its interval that it is the same outage.
        assert_eq!(open(&tracker), Vec::<u64>::new());
        (office.led.seconds, cabin.led.seconds) =
            (office.led.seconds + INTERVAL, cabin.led.seconds + INTERVAL);
        report(&mut office, &mut tracker, 1, true);
        report(&mut cabin, &mut tracker, 1, true);
        assert_eq!(open(&tracker), [2], "others saw the first: {others_saw_it}");
        assert_eq!(tracker.issues.len(), 2);
        report(&mut office, &mut tracker, 3, false);
        report(&mut cabin, &mut tracker, 3, false);
        assert_eq!(open(&tracker), Vec::<u64>::new());
    }
}

#[test]
fn an_issue_closed_by_hand_stays_closed_while_another_vantage_sees_the_fault() {
    for restarts in [false, true] {
        let mut tracker = three_alive();
        let (mut home, mut office, mut cabin) = (world("home"), world("office"), world("cabin"));
        all(&mut tracker, [(&mut home, true), (&mut office, true), (&mut cabin, false)], 3);
        close(&mut tracker, 1, &home);
        all(&mut tracker, [(&mut home, true), (&mut office, true), (&mut cabin, false)], 1);
        if restarts {
            let on_disk = office.led.monitor.unreported();
            office.restart(&on_disk);
        }
        // Home is well, sees the fault again, and is well; office sees it all the time.
        for (here, there) in [(false, true), (true, true), (true, true), (false, true)] {
            all(&mut tracker, [(&mut home, here), (&mut office, there), (&mut cabin, false)], 3);
            assert_eq!((open(&tracker), tracker.issues.len()), (Vec::new(), 1), "{restarts}");
            let commented =
                tracker.get(1).comments.iter().any(|said| said.contains("again, since"));
            assert!(!commented, "{:#?}", tracker.get(1).comments);
        }
        for _ in 0..2 {
            all(&mut tracker, [(&mut home, false), (&mut office, false), (&mut cabin, false)], 2);
        }
        for world in [&mut home, &mut office, &mut cabin] {
            assert_eq!(world.led.monitor.desired_issues(), []);
            world.led.seconds += 2 * HOUR;
        }
        all(&mut tracker, [(&mut home, true), (&mut office, true), (&mut cabin, true)], 3);
        assert_eq!(open(&tracker), [2]);
    }
}

#[test]
fn when_all_vantages_recover_at_once_the_next_report_closes_the_issue() {
    let mut tracker = three_alive();
    let (mut home, mut office) = (world("home"), world("office"));
    report(&mut home, &mut tracker, 3, true);
    report(&mut office, &mut tracker, 3, true);
    assert_eq!(open(&tracker), [1]);
    // Each reads that the other one sees the fault.
    let before = tracker.clone();
    for world in [&mut home, &mut office] {
        world.lagging = Some(before.clone());
        report(world, &mut tracker, 2, false);
        world.lagging = None;
    }
    // Until the other one would have closed it, each waits for it; nobody is told twice.
    report(&mut home, &mut tracker, 1, false);
    assert_eq!(open(&tracker), [1]);
    (home.led.seconds, office.led.seconds) = (home.led.seconds + 60, office.led.seconds + 60);
    report(&mut home, &mut tracker, 1, false);
    report(&mut office, &mut tracker, 1, false);
    assert_eq!(open(&tracker), Vec::<u64>::new());
}

#[test]
fn an_outage_that_spreads_after_a_person_closed_its_issue_opens_no_other() {
    for (opener_recovers, spreads_at_once) in [(false, false), (false, true), (true, false)] {
        let mut tracker = three_alive();
        let (mut home, mut office, mut cabin) = (world("home"), world("office"), world("cabin"));
        all(&mut tracker, [(&mut home, true), (&mut office, true), (&mut cabin, false)], 3);
        close(&mut tracker, 1, &home);
        let here = !opener_recovers;
        if !spreads_at_once {
            all(&mut tracker, [(&mut home, here), (&mut office, true), (&mut cabin, false)], 3);
        }
        // Cabin was well after the close, and reports before the others have confirmed.
        report(&mut cabin, &mut tracker, 1, false);
        report(&mut cabin, &mut tracker, 5, true);
        for _ in 0..3 {
            for world in [&mut home, &mut office, &mut cabin] {
                world.led.seconds += 600;
            }
            all(&mut tracker, [(&mut home, here), (&mut office, true), (&mut cabin, true)], 1);
            assert_eq!((open(&tracker), tracker.issues.len()), (vec![], 1));
        }
        // Only cabin still sees it, and is started again; then nobody.
        all(&mut tracker, [(&mut home, false), (&mut office, false), (&mut cabin, true)], 3);
        let on_disk = cabin.led.monitor.unreported();
        cabin.restart(&on_disk);
        all(&mut tracker, [(&mut home, false), (&mut office, false), (&mut cabin, true)], 3);
        assert_eq!((open(&tracker), tracker.issues.len()), (vec![], 1));
        all(&mut tracker, [(&mut home, false), (&mut office, false), (&mut cabin, false)], 3);
        let record = VantageObservation::find(&tracker.get(1).body).unwrap();
        assert!(record.ended, "{record:?}");
        for world in [&mut home, &mut office, &mut cabin] {
            assert_eq!(world.led.monitor.desired_issues(), []);
        }
        report(&mut cabin, &mut tracker, 3, true);
        assert_eq!(open(&tracker), [2]);
    }
}

#[test]
fn an_outage_that_a_vantage_sees_first_after_a_restart_has_an_issue_although_the_dead_opener_noted_no_end()
 {
    let mut tracker = three_alive();
    let (mut home, mut office) = (world("home"), world("office"));
    report(&mut home, &mut tracker, 3, true);
    close(&mut tracker, 1, &home);
    report(&mut home, &mut tracker, 1, true);
    // Home dies, the outage ends, and office starts in the next one.
    office.led.seconds = home.led.seconds + 2 * INTERVAL;
    office.restart(&[]);
    report(&mut office, &mut tracker, 3, true);
    assert_eq!((open(&tracker), tracker.issues.len()), (vec![2], 2));
    assert!(!tracker.get(1).open);
}

#[test]
fn an_issue_that_a_late_vantage_opens_again_is_closed_by_whoever_sees_the_subject_well() {
    for calls in 0..4 {
        for lost in [false, true] {
            let mut tracker = three_alive();
            let (mut home, mut office) = (world("home"), world("office"));
            report(&mut home, &mut tracker, 3, true);
            report(&mut home, &mut tracker, 3, false);
            assert_eq!(open(&tracker), Vec::<u64>::new());
            // GitHub was away for office, which still sees the fault; its line breaks in the middle.
            office.led = office.led.rounds(6, [down(), well()]);
            std::mem::swap(&mut office.tracker, &mut tracker);
            office.report_over(Line { calls, lost });
            std::mem::swap(&mut office.tracker, &mut tracker);
            office.led.seconds += 60;
            report(&mut office, &mut tracker, 3, false);
            report(&mut home, &mut tracker, 1, false);
            assert_eq!((open(&tracker), tracker.issues.len()), (vec![], 1), "{calls} {lost}");
            let record = VantageObservation::find(&tracker.get(1).body).unwrap();
            assert!(record.ended, "{calls} {lost}: {record:?}");
            assert_eq!(office.led.monitor.desired_issues(), []);
        }
    }
}

#[test]
fn an_end_that_github_did_not_take_is_noted_by_the_next_report() {
    let mut tracker = three_alive();
    let (mut home, mut office) = (world("home"), world("office"));
    for world in [&mut home, &mut office] {
        report(world, &mut tracker, 3, true);
    }
    close(&mut tracker, 1, &home);
    report(&mut home, &mut tracker, 2, true);
    report(&mut office, &mut tracker, 2, true);
    report(&mut home, &mut tracker, 2, false);
    office.led = office.led.rounds(2, [well(), well()]);
    std::mem::swap(&mut office.tracker, &mut tracker);
    office.report_over(Line { calls: 0, lost: false });
    std::mem::swap(&mut office.tracker, &mut tracker);
    assert_eq!(office.led.monitor.desired_issues().len(), 1);
    report(&mut office, &mut tracker, 1, false);
    assert_eq!(office.led.monitor.desired_issues(), []);
    assert!(VantageObservation::find(&tracker.get(1).body).unwrap().ended);
}
