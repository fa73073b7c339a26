//! Every state that we can be in, with every state that GitHub can be in: one report, and nothing is left
//! to do; and wherever that report is cut off, the next ones come to the same end.

use crate::decide::report::github::{IssueState, Step};
use std::collections::BTreeSet;

use super::*;
use crate::decide::judge::finding::Severity;
use crate::decide::judge::finding::Verdict;
use crate::decide::report::text::{alert_digest, body, body_digest, title};
use crate::decide::testing::tracker::{Line, World};
use crate::decide::testing::{Led, V4, V6, at, degraded, down, known, resume, row, schedule, well};
use crate::decide::track::incident::Incident;

const NS1: &str = "ns1.example.net";
/// The incident that a walk's first round begins.
const ID: &str = "round1-0";
/// Incidents of earlier processes.
const OTHER: &str = "other-0";
const THIRD: &str = "third-0";

/// All that a process can know about its first nameserver.
fn known_states() -> Vec<(&'static str, Led)> {
    let led = |rounds: usize, verdict: Verdict| Led::new().rounds(rounds, [verdict, well()]);
    let then = |led: Led, rounds, verdict: Verdict| led.rounds(rounds, [verdict, well()]);
    let mut lasting = led(3, degraded());
    lasting.seconds = 3600;
    let reported = || led(3, down()).reported(&known(ID, 1));
    let resumed = || led(1, well()).reported(&resume(NS1, OTHER, 1));
    vec![
        ("nothing", led(1, well())),
        ("suspect", led(2, down())),
        ("slight", led(3, degraded())),
        ("down", led(3, down())),
        ("lasting", then(lasting, 1, degraded())),
        ("recovering", then(led(3, down()), 1, well())),
        ("reported", reported()),
        ("reported recovering", then(reported(), 1, well())),
        ("ended", then(led(3, down()), 2, well())),
        ("ended reported", then(reported(), 2, well())),
        ("ended and again", then(then(led(3, down()), 2, well()), 3, down())),
        ("ended reported and again", then(then(reported(), 2, well()), 3, down())),
        ("resumed", resumed()),
        ("resumed and seen", then(resumed(), 1, down())),
        ("resumed and ended", then(resumed(), 2, well())),
    ]
}

/// An issue that is there before the report.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seed {
    subject: &'static str,
    incident: &'static str,
    /// It tells of another row than there is now, since so many seconds.
    alerted: Option<u64>,
    /// It says that the incident has ended.
    ended: bool,
    /// It was closed so many seconds ago.
    closed: Option<u64>,
    /// It was closed, and a person opened it again.
    reopened: bool,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

const OPEN: Seed =
    Seed { subject: NS1, incident: ID, alerted: None, ended: false, closed: None, reopened: false };

/// All that an issue can be to us.
fn theirs() -> Vec<Seed> {
    let other = Seed { incident: OTHER, ..OPEN };
    let by_us = |closed, seed| Seed { ended: true, closed: Some(closed), ..seed };
    let by_hand = |closed, seed| Seed { closed: Some(closed), ..seed };
    let third = Seed { incident: THIRD, ..OPEN };
    let unwatched = Seed { subject: "ns9.example.net", incident: "fourth-0", ..OPEN };
    vec![
        OPEN,
        Seed { alerted: Some(600), ..OPEN },
        Seed { alerted: Some(2 * HOUR), ..OPEN },
        Seed { ended: true, ..OPEN },
        by_us(5, OPEN),
        by_hand(5, OPEN),
        by_hand(2 * DAY, OPEN),
        other,
        Seed { alerted: Some(2 * HOUR), ..other },
        Seed { ended: true, ..other },
        Seed { ended: true, reopened: true, ..other },
        by_us(600, other),
        by_us(2 * DAY, other),
        by_hand(600, other),
        by_hand(2 * DAY, other),
        third,
        by_us(1200, third),
        by_hand(1200, third),
        unwatched,
        by_hand(5, unwatched),
    ]
}

/// The incident of a seed, and the observation in its issue.
fn recorded(seed: Seed, now: crate::decide::time::Moment) -> (DesiredIssue, VantageObservation) {
    let ago = |seconds: u64| now.wall.map(|wall| wall - Duration::from_secs(seconds));
    let address = if seed.alerted.is_some() { V6 } else { V4 };
    let rows = vec![row(address, "example.net", Severity::Down)];
    let wanted = DesiredIssue {
        subject: seed.subject.to_owned(),
        kind: SubjectKind::Nameserver,
        incident: Incident {
            id: seed.incident.to_owned(),
            since: now.recalled(ago(DAY)),
            severity: Severity::Down,
            worst: Severity::Down,
            reportable: true,
            findings: rows,
            unobserved_addresses: Vec::new(),
            history: Vec::new(),
        },
        ended: seed.ended.then(|| now.recalled(ago(600))),
        issue: None,
    };
    let marker = VantageObservation {
        v: VantageObservation::VERSION,
        vantage: "home".to_owned(),
        subject: seed.subject.to_owned(),
        incident: seed.incident.to_owned(),
        since: wanted.incident.since.wall,
        severity: Severity::Down,
        worst: Severity::Down,
        places: Vec::new(),
        body_digest: body_digest(&wanted),
        alerted_digest: alert_digest(&wanted),
        alerted_at: ago(seed.alerted.unwrap_or(5)),
        ended: seed.ended,
        recovered_here: false,
        by_hand: false,
        lasting: Vec::new(),
        confirmed: None,
        ended_at: None,
    };
    (wanted, marker)
}

/// Puts an issue there, with a title and words of people if asked to.
fn put(world: &mut World, seed: Seed, edited: bool) {
    let now = at(world.led.seconds);
    let ago = |seconds: u64| now.wall.map(|wall| wall - Duration::from_secs(seconds));
    let (wanted, marker) = recorded(seed, now);
    let ours = body(&wanted, &marker, &schedule(), "", 0);
    let (title, text) = match edited {
        true => (TITLE.to_owned(), format!("Before.\n{ours}\nAfter.")),
        false => (title(seed.subject, Severity::Down), ours),
    };
    let number = world.tracker.add(&title, &text);
    if seed.reopened {
        for state in [IssueState::Completed, IssueState::Open] {
            let then = ago(HOUR);
            world.tracker.edit(number, None, None, Some(state), then);
        }
    }
    if let Some(seconds) = seed.closed {
        let closed = Some(IssueState::Completed);
        world.tracker.edit(number, None, None, closed, ago(seconds));
    }
}

const TITLE: &str = "Somebody's own title";

/// Every state of ours with none, each, and each two of theirs; of the pairs one in so many, or none
/// for 0.
fn worlds(one_in: usize, each: impl Fn(&str, &World)) {
    let mut pairs = 0..;
    for (name, led) in known_states() {
        let mut world = World::new();
        world.led = led;
        each(name, &world);
        for (index, first) in theirs().into_iter().enumerate() {
            let mut one = world.clone();
            put(&mut one, first, true);
            for greeted in [false, true] {
                one.greeted = greeted;
                each(&format!("{name}, closed {greeted}\n{first:?}"), &one);
            }
            for (second, other) in theirs().into_iter().enumerate() {
                let pair: Option<usize> = pairs.next();
                if pair.and_then(|pair| pair.checked_rem(one_in)) != Some(0) {
                    continue;
                }
                let mut two = one.clone();
                two.greeted = (index + second) % 2 == 0;
                put(&mut two, other, false);
                each(&format!("{name}\n{first:?}\n{other:?}"), &two);
            }
        }
    }
}

/// One report, after which nothing is left to do. Only what nobody wanted before it was found may have to
/// be said in its issue by a second.
fn settle(name: &str, world: &mut World) {
    let lasting =
        |world: &World| world.led.monitor.desired_issues().iter().any(|w| w.ended.is_none());
    let before = lasting(world);
    world.report();
    if !before && lasting(world) {
        world.report();
    }
    let (monitor, tracker) = (world.led.monitor.clone(), world.tracker.clone());
    let last = world.report();
    assert_eq!(last.steps, [], "{name}");
    assert_eq!(world.led.monitor, monitor, "{name}");
    assert_eq!(world.tracker, tracker, "{name}");
}

/// An issue that we must take care of.
fn ours(issue: &&Issue) -> bool {
    issue.opener.vantage == "home" && !(issue.opener.ended && issue.reopened)
}

/// What holds whenever nothing is left to do.
fn sound(name: &str, start: &World, world: &World) {
    let before = &start.tracker;
    let reported = start.led.monitor.desired_issues().iter().any(|w| w.issue.is_some());
    let of_home =
        |body: &str| VantageObservation::find(body).filter(|marker| marker.vantage == "home");
    for old in &before.issues {
        let new = world.tracker.clone().get(old.number).clone();
        let reopened = old.reopened && of_home(&old.body).is_some_and(|marker| marker.ended);
        if of_home(&old.body).is_none() || reopened {
            assert_eq!(*old, new, "{name}: another's issue was touched");
        }
        if old.title == TITLE {
            let kept = new.body.starts_with("Before.\n") && new.body.ends_with("\nAfter.");
            assert!(kept && new.title == TITLE, "{name}: people's words");
        }
    }
    let listing = world.tracker.list(true, None);
    for issue in listing.open.iter().filter(ours) {
        assert_eq!(issue.opener.subject, NS1, "{name}: nobody watches that");
        let same = |other: &&Issue| other.opener.subject == issue.opener.subject;
        let count = listing.open.iter().filter(ours).filter(same).count();
        assert_eq!(count, 1, "{name}: duplicates");
        // It is the one that we know of, and it tells of our incident.
        let known = world.led.monitor.subjects[0].issue.map(|issue| issue.number);
        assert_eq!(known, Some(issue.number), "{name}");
        let wanted = world.led.monitor.desired_issues();
        let incident = &wanted[0].incident;
        assert_eq!(incident.id, issue.opener.incident, "{name}");
        if !incident.findings.is_empty() {
            assert_eq!(body_digest(&wanted[0]), issue.opener.body_digest, "{name}");
        }
    }
    assert_eq!(world.led.monitor.ended, [], "{name}: an end is not reported");
    for wanted in world.led.monitor.desired_issues() {
        let issue = wanted.issue.unwrap_or_else(|| panic!("{name}: no issue"));
        let this = |shown: &&Issue| {
            let same = shown.opener.incident == wanted.incident.id;
            shown.number == issue.number && same && ours(shown)
        };
        let all = listing.open.iter().chain(&listing.closed);
        match all.clone().find(this) {
            Some(shown) if shown.open => assert!(!issue.closed_by_hand, "{name}"),
            // Closed by a person while it lasts, or deleted by one.
            Some(shown) => assert!(issue.closed_by_hand && !shown.opener.ended, "{name}"),
            None => assert!(issue.closed_by_hand && reported, "{name}"),
        }
    }
}

/// No incident is in two issues; at most in those that had it before.
fn once(name: &str, start: &World, world: &World) {
    let (before, after) = (&start.tracker.recorded, &world.tracker.recorded);
    for (incident, number) in after {
        let of = |records: &[(String, u64)]| -> BTreeSet<u64> {
            let of = records.iter().filter(|(other, _)| other == incident);
            of.map(|(_, number)| *number).collect()
        };
        let (old, new) = (of(before), of(after));
        let fine = if old.is_empty() { new.len() == 1 } else { new == old };
        assert!(fine, "{name}: {incident} is in {number}, {old:?} and {new:?}");
    }
}

/// The nameserver is well from now on: everything of ours is closed and says so.
fn end(name: &str, world: &mut World) {
    world.led = world.led.clone().rounds(2, [well(), well()]);
    settle(name, world);
    // What was resumed meanwhile ends as well.
    world.led = world.led.clone().rounds(2, [well(), well()]);
    settle(name, world);
    let listing = world.tracker.list(true, None);
    assert_eq!(listing.open.iter().find(ours), None, "{name}");
    assert_eq!(world.led.monitor.desired_issues(), [], "{name}");
}

fn opened(plan: &Plan) -> Vec<&str> {
    let opened = plan.steps.iter().filter_map(|step| match step {
        Step::Create { incident, .. } => Some(incident.as_str()),
        _ => None,
    });
    opened.collect()
}

#[test]
fn a_second_report_has_nothing_to_do_in_any_state() {
    worlds(1, |name, before| {
        let mut world = before.clone();
        let wanted = world.led.monitor.desired_issues();
        let plan = world.plan();
        for incident in opened(&plan) {
            let due = wanted.iter().find(|w| w.incident.id == incident);
            assert!(due.is_some_and(|w| w.issue.is_none()), "{name}");
        }
        settle(name, &mut world);
        sound(name, before, &world);
        once(name, before, &world);
        // What a person closed stays closed while the fault lasts.
        for old in &before.tracker.list(true, None).closed {
            let own = |w: &DesiredIssue| w.ended.is_none() && w.incident.id == old.opener.incident;
            if wanted.iter().any(own) && !old.opener.ended {
                assert!(!world.tracker.get(old.number).open, "{name}");
            }
        }
        end(name, &mut world);
        sound(name, before, &world);
        once(name, before, &world);
    });
}

#[test]
fn wherever_a_report_breaks_off_the_next_ones_end_in_the_same_state() {
    worlds(5, |name, before| {
        let faulty = |led: &Led| led.monitor.subjects[0].verdict.as_ref().unwrap().severity();
        let verdict = before.led.monitor.subjects[0].verdict.clone().unwrap();
        for calls in 0.. {
            let mut cut = false;
            for (lost, restart) in [(false, false), (true, false), (false, true), (true, true)] {
                let name = format!("{name}\nafter {calls} calls, lost {lost}, restart {restart}");
                let mut world = before.clone();
                let on_disk = world.led.monitor.unreported();
                cut |= !world.report_over(Line { calls, lost }).1;
                if restart {
                    world.restart(&on_disk);
                    let rounds = if faulty(&before.led).is_some() { 3 } else { 2 };
                    world.led = world.led.rounds(1, [verdict.clone(), well()]);
                    world.report();
                    world.led = world.led.rounds(rounds - 1, [verdict.clone(), well()]);
                }
                settle(&name, &mut world);
                sound(&name, before, &world);
                end(&name, &mut world);
                sound(&name, before, &world);
                once(&name, before, &world);
            }
            if !cut {
                break;
            }
        }
    });
}

#[test]
fn a_listing_that_lags_by_a_report_opens_nothing_twice() {
    worlds(0, |name, before| {
        for calls in 0..6 {
            for (lost, again) in [(false, false), (true, false), (true, true)] {
                let name = format!("{name}\nlagging after {calls} calls, lost {lost}");
                let mut world = before.clone();
                world.report_over(Line { calls, lost });
                if again {
                    world.led = world.led.rounds(3, [down(), well()]);
                }
                world.lagging = Some(before.tracker.clone());
                world.report();
                world.lagging = None;
                settle(&name, &mut world);
                sound(&name, before, &world);
                if !lost {
                    once(&name, before, &world); // else nothing can tell that it was opened
                }
                end(&name, &mut world);
                sound(&name, before, &world);
            }
        }
    });
}

#[test]
fn an_issue_remembers_how_bad_it_was_and_where() {
    let mut world = World::new();
    world.led = world.led.rounds(3, [down(), well()]).rounds(2, [degraded(), well()]);
    world.report();
    world.restart(&[]);
    world.led = world.led.rounds(1, [well(), well()]);
    world.report();
    let incident = world.led.monitor.subjects[0].health.incident().unwrap();
    let remembered = (incident.severity, incident.worst);
    assert_eq!(remembered, (Severity::Degraded, Severity::Down));
    assert_eq!(incident.unobserved_addresses, [V4.parse().unwrap()]);
}
