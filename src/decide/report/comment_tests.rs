//! What people hear and when, one case at a time.

use super::*;
use crate::decide::judge::finding::Severity;
use crate::decide::judge::finding::Verdict;
use crate::decide::report::github::{IssueState, Step};
use crate::decide::report::marker::comment_key;
use crate::decide::report::plan::needs_closed;
use crate::decide::report::text::{alert_digest, body_digest};
use crate::decide::testing::tracker::{Line, World};
use crate::decide::testing::{V4, V6, at, config, degraded, down, row, undated, verdict, well};

/// Down at both addresses.
fn both() -> Verdict {
    let row = |address| row(address, "example.net", Severity::Down);
    verdict(vec![row(V4), row(V6)])
}

/// Down since the first round, and reported as issue 1.
fn reported() -> World {
    let mut world = World::new();
    world.led = world.led.rounds(3, [down(), well()]);
    world.report();
    world
}

fn round(world: &mut World, after: u64, verdict: Verdict) {
    world.led.seconds += after - 10;
    world.led = world.led.clone().rounds(1, [verdict, well()]);
}

fn comments(world: &mut World) -> Vec<String> {
    world.tracker.get(1).comments.clone()
}

fn marker(world: &mut World) -> VantageObservation {
    VantageObservation::find(&world.tracker.get(1).body).unwrap()
}

#[test]
fn comments_come_at_most_hourly_and_the_body_changes_at_once() {
    let mut world = reported();
    let mut heard = vec![world.led.seconds];
    for number in 0..60 {
        let verdict = if number % 2 == 0 { both() } else { down() };
        let before = comments(&mut world).len();
        round(&mut world, 590, verdict);
        world.report();
        if comments(&mut world).len() > before {
            heard.push(world.led.seconds);
        }
        let wanted = &world.led.monitor.desired_issues()[0];
        assert_eq!(marker(&mut world).body_digest, body_digest(wanted));
        assert_eq!(world.report().steps, []);
    }
    for pair in heard.windows(2) {
        assert!(pair[1] - pair[0] >= 3600, "{heard:?}");
    }
    assert!(heard.len() > 5, "{heard:?}");
    // What was held back is said in the end.
    round(&mut world, 3600, down());
    world.report();
    let wanted = &world.led.monitor.desired_issues()[0];
    assert_eq!(marker(&mut world).alerted_digest, alert_digest(wanted));
    // Every key is there once.
    let mut keys: Vec<_> = comments(&mut world).iter().map(|c| comment_key(c)).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[test]
fn a_change_of_wording_edits_the_body_without_a_comment() {
    let mut world = reported();
    let mut other = down();
    other.findings[0].detail = "answers with other records: unexpected 203.0.113.1".to_owned();
    round(&mut world, 7200, other);
    let plan = world.report();
    assert!(matches!(&plan.steps[..], [Step::Edit { state: None, title: None, .. }]));
    assert!(world.tracker.get(1).body.contains("203.0.113.1"));
    // More questions with the same answer are no news at all.
    let mut more = down();
    more.findings[0].detail = "answers with other records: unexpected 203.0.113.1".to_owned();
    more.findings[0].more = 7;
    round(&mut world, 1800, more.clone());
    assert_eq!(world.report().steps, []);
    // But that it is still so is dated by the hour, for other vantages.
    round(&mut world, 1800, more);
    let plan = world.report();
    assert!(matches!(&plan.steps[..], [Step::Edit { state: None, title: None, .. }]));
    assert_eq!(marker(&mut world).confirmed, at(world.led.seconds).wall);
    assert_eq!(world.report().steps, []);
}

#[test]
fn a_change_in_a_comment_is_not_repeated_after_a_lost_edit() {
    for (calls, lost) in [(0, true), (1, false), (1, true)] {
        let mut world = reported();
        round(&mut world, 7200, both());
        world.report_over(Line { calls, lost });
        assert_eq!(comments(&mut world).len(), 1);
        round(&mut world, 600, both());
        world.report();
        assert_eq!(comments(&mut world).len(), 1, "{calls} {lost}");
        assert_eq!(world.report().steps, []);
    }
}

#[test]
fn title_and_text_follow_from_degraded_to_down_and_back() {
    let mut world = World::new();
    world.led = world.led.rounds(3, [degraded(), well()]);
    round(&mut world, 3600, degraded());
    world.report();
    assert_eq!(world.tracker.get(1).title, "ns1.example.net is degraded");
    round(&mut world, 3600, down());
    world.led = world.led.rounds(2, [down(), well()]);
    world.report();
    assert_eq!(world.tracker.get(1).title, "ns1.example.net is down");
    assert!(comments(&mut world)[0].contains("**ns1.example.net** is now **down** for 1 zone"));
    // Better within the hour: the title follows, the comment waits.
    world.led = world.led.rounds(2, [degraded(), well()]);
    world.report();
    assert_eq!(world.tracker.get(1).title, "ns1.example.net is degraded");
    assert_eq!(comments(&mut world).len(), 1);
    world.led = world.led.rounds(2, [well(), well()]);
    world.report();
    assert!(comments(&mut world)[1].contains("is well again. It was down for 2 h"));
}

#[test]
fn two_nameservers_have_an_issue_each() {
    let mut world = World::new();
    world.led = world.led.rounds(3, [down(), down()]);
    world.report();
    let titles: Vec<&str> = world.tracker.issues.iter().map(|i| i.title.as_str()).collect();
    assert_eq!(titles, ["ns1.example.net is down", "ns2.example.net is down"]);
    world.led = world.led.rounds(2, [down(), well()]);
    world.report();
    let open: Vec<bool> = world.tracker.issues.iter().map(|issue| issue.open).collect();
    assert_eq!(open, [true, false]);
    assert_eq!(world.report().steps, []);
}

/// The issues after an outage, so many seconds of well, and another outage.
fn again_after(seconds: u64) -> usize {
    let mut world = reported();
    world.led = world.led.rounds(2, [well(), well()]);
    world.report();
    round(&mut world, seconds, down());
    world.led = world.led.rounds(2, [down(), well()]);
    world.report();
    assert_eq!(world.report().steps, []);
    let open = world.tracker.issues.iter().filter(|issue| issue.open);
    assert_eq!(open.count(), 1);
    world.tracker.issues.len()
}

#[test]
fn an_outage_that_returns_within_the_hour_opens_the_same_issue_again() {
    assert_eq!((again_after(30), again_after(3599)), (1, 1));
    assert_eq!(again_after(3600), 2);
}

#[test]
fn a_duplicate_is_never_claimed_as_the_first_issue() {
    let mut world = reported();
    let (title, body) = {
        let first = world.tracker.get(1);
        (first.title.clone(), first.body.clone())
    };
    assert_eq!(world.tracker.add(&title, &body), 2);
    world.report();
    assert_eq!((world.tracker.get(1).open, world.tracker.get(2).open), (true, false));
    assert!(world.tracker.get(2).comments[0].contains("Duplicate of #1."));
    world.led = world.led.rounds(2, [well(), well()]);
    world.report();
    // Somebody changes it, which puts it at the top of the listing.
    world.tracker.edit(2, Some("a duplicate"), None, None, None);
    world.led.seconds += 1200;
    world.report();
    world.led = world.led.rounds(3, [down(), well()]);
    world.report();
    assert_eq!((world.tracker.get(1).open, world.tracker.get(2).open), (true, false));
}

#[test]
fn an_outage_that_ends_after_a_restart_closes_the_issue_of_the_earlier_process() {
    for by_hand in [false, true] {
        let mut world = reported();
        let since = marker(&mut world).since;
        if by_hand {
            let closed = Some(IssueState::Completed);
            world.tracker.edit(1, None, None, closed, at(30).wall);
        }
        // Started again while GitHub is out of reach, so that it knows of no issue.
        world.restart(&[]);
        world.led = world.led.rounds(3, [down(), well()]).rounds(2, [well(), well()]);
        for line in [Line { calls: 1, lost: true }, Line { calls: 0, lost: false }] {
            let on_disk = world.led.monitor.unreported();
            world.report_over(line);
            world.restart(&on_disk);
        }
        world.report();
        assert_eq!(world.tracker.issues.len(), 1);
        let issue = world.tracker.get(1).clone();
        assert!(!issue.open);
        assert_eq!(issue.comments.len(), usize::from(!by_hand));
        let marker = marker(&mut world);
        assert_eq!((marker.ended, marker.since), (true, since));
        assert_eq!(world.led.monitor.desired_issues(), []);
    }
}

#[test]
fn a_listing_that_lags_behind_a_close_changes_nothing() {
    let mut world = reported();
    world.led = world.led.rounds(2, [well(), well()]);
    world.lagging = Some(world.tracker.clone());
    world.report();
    let plan = world.report();
    assert_eq!(plan, Plan::default());
    // Not even when the next outage begins meanwhile.
    world.led = world.led.rounds(3, [down(), well()]);
    let plan = world.report();
    assert!(matches!(&plan.steps[..], [Step::Create { resolved: false, .. }]));
    world.lagging = None;
    assert_eq!(world.report().steps, []);
}

#[test]
fn an_issue_closed_by_a_person_silences_a_new_process_for_a_day() {
    for (hours, issues) in [(1, 1), (23, 1), (25, 2)] {
        let mut world = reported();
        let now = at(world.led.seconds).wall;
        let closed = Some(IssueState::NotPlanned);
        world.tracker.edit(1, None, None, closed, now);
        world.led.seconds += hours * 3600;
        world.restart(&[]);
        world.led = world.led.rounds(3, [down(), well()]);
        world.report();
        assert_eq!(world.tracker.issues.len(), issues, "{hours} h");
        assert!(!world.tracker.get(1).open);
        assert_eq!(world.report().steps, []);
    }
}

#[test]
fn a_deleted_issue_and_an_issue_without_its_marker_are_left_alone() {
    for deleted in [false, true] {
        let mut world = reported();
        if deleted {
            world.tracker.issues.clear();
        } else {
            world.tracker.edit(1, None, Some("mine now"), None, None);
        }
        let before = world.tracker.clone();
        round(&mut world, 7200, both());
        world.report();
        world.led = world.led.rounds(2, [well(), well()]);
        world.report();
        assert_eq!(world.tracker, before);
        assert_eq!(world.led.monitor.desired_issues(), []);
    }
}

#[test]
fn a_quiet_report_needs_no_closed_issues() {
    let asked = |world: &World| {
        let wanted = world.led.monitor.desired_issues();
        needs_closed(&wanted, None, &world.tracker.list(false, None))
    };
    let mut world = World::new();
    assert!(!asked(&world));
    world.led = world.led.rounds(3, [down(), well()]);
    assert!(asked(&world));
    world.led = world.led.rounds(2, [well(), well()]);
    world.report();
    assert!(!asked(&world));
}

#[test]
fn without_a_set_clock_nothing_is_written() {
    let mut world = reported();
    round(&mut world, 7200, both());
    let config = config();
    let context = Context {
        vantage: "home",
        quorum: 1,
        well: &[],
        unobserved: &[],
        last_well: &[],
        subjects: &["ns1.example.net".to_owned()],
        resolved: &[],
        schedule: &config.schedule,
        now: undated(world.led.seconds),
    };
    let listing = world.tracker.list(true, None);
    let plan = reconcile(&world.led.monitor.desired_issues(), &listing, &context);
    assert!(matches!(&plan.steps[..], [Step::Edit { state: None, .. }]));
}
