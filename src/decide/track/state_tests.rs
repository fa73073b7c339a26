//! What a monitor state believes after rounds and reports, and what it shows of it.

use jiff::SignedDuration;

use super::*;
use crate::decide::judge::finding::Severity;
use crate::decide::judge::finding::Verdict;
use crate::decide::judge::uplink::Family;
use crate::decide::testing::{
    Led, ONLINE, V6, at, config, degraded, down, issue, judgement, known, resume, row, schedule,
    undated, unknown, well,
};
use crate::decide::track::stored::StoredIncident;

fn resolved(incident: &str) -> Report {
    Report { resolved: vec![incident.to_owned()], ..Report::default() }
}

const NS1: &str = "ns1.example.net";

#[test]
fn an_unknown_verdict_opens_and_closes_nothing_however_long_it_lasts() {
    let before = [
        Led::new(),
        Led::new().rounds(1, [well(), well()]),
        Led::new().rounds(2, [down(), well()]),
        Led::new().rounds(3, [degraded(), well()]),
        Led::new().rounds(3, [down(), degraded()]),
        Led::new().rounds(3, [down(), down()]).rounds(1, [well(), down()]),
        Led::new().rounds(3, [down(), well()]).rounds(2, [well(), well()]),
    ];
    for (index, mut led) in before.into_iter().enumerate() {
        let health = |led: &Led| -> Vec<Health> {
            let subjects = led.monitor.subjects.iter();
            subjects.map(|subject| subject.health.clone()).collect()
        };
        let (wanted, healthy) = (led.wanted(), health(&led));
        for round in 0..2000 {
            led.seconds += 600;
            led = match round % 3 {
                0 => led.uplink(Family::Offline, Family::Offline, [unknown(), unknown()]),
                1 => led.uplink(Family::Intercepted, Family::Offline, [unknown(), unknown()]),
                _ => led.rounds(1, [unknown(), unknown()]),
            };
        }
        assert_eq!(led.wanted(), wanted, "case {index}");
        assert_eq!(health(&led), healthy, "case {index}");
    }
}

#[test]
fn without_a_repository_nothing_is_reported_or_stored() {
    let config = Config { github: None, ..config() };
    let mut led = Led::new();
    led.monitor = MonitorState::new(&config);
    let led = led.rounds(3, [down(), well()]);
    assert_eq!(led.monitor.reporting.state, ReportingState::Off);
    assert_eq!(led.monitor.unreported(), []);
    let led = led.rounds(2, [well(), well()]);
    assert!(led.wanted().is_empty() && !led.monitor.panel_view().cannot_report);
}

#[test]
fn an_incident_too_short_for_an_issue_ends_without_one() {
    // Suspect, then well; degraded for less than an hour.
    for faulty in [1, 2] {
        let led = Led::new().rounds(faulty, [down(), well()]).rounds(2, [well(), well()]);
        assert_eq!(led.wanted(), []);
    }
    let mut led = Led::new().rounds(3, [degraded(), well()]);
    led.seconds = 3500;
    led = led.rounds(1, [degraded(), well()]);
    assert_eq!(led.wanted(), []);
    // That it takes until after the hour to see the end of it changes nothing.
    led.seconds = 4000;
    led = led.rounds(2, [well(), well()]);
    assert_eq!((led.wanted(), led.monitor.unreported()), (vec![], vec![]));
    // Down is news however short, and so is what lasts.
    let led = Led::new().rounds(3, [down(), well()]).rounds(2, [well(), well()]);
    assert_eq!(led.wanted(), [("round1-0".to_owned(), true, None)]);
    let mut led = Led::new().rounds(3, [degraded(), well()]);
    led.seconds = 3600;
    let led = led.rounds(1, [degraded(), well()]).rounds(2, [well(), well()]);
    assert_eq!(led.wanted(), [("round1-0".to_owned(), true, None)]);
}

#[test]
fn an_incident_with_an_issue_is_reported_until_its_end_is_written() {
    let led = Led::new().rounds(3, [degraded(), well()]);
    let led = led.reported(&resume(NS1, "old", 7));
    assert_eq!(led.wanted(), [("old".to_owned(), false, Some(7))]);
    let led = led.rounds(2, [well(), well()]);
    assert_eq!(led.wanted(), [("old".to_owned(), true, Some(7))]);
    assert_eq!(led.monitor.subjects[0].issue, None, "the next one has its own");
    let led = led.reported(&resolved("old"));
    assert_eq!(led.wanted(), []);
}

#[test]
fn an_unreported_incident_survives_a_power_cut() {
    let led = Led::new()
        .rounds(3, [down(), degraded()])
        .reported(&known("round1-0", 7))
        .rounds(3, [well(), down()]);
    let stored = led.monitor.unreported();
    assert_eq!(stored.len(), 2, "one that is over, one that lasts");
    let json = serde_json::to_string(&stored).unwrap();
    let read: Vec<StoredIncident> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, stored);
    // Another process, an hour later, knows the same incidents.
    let later = at(3600);
    let restored = MonitorState::new(&config()).restored(read, &later);
    let mut expected = led.monitor.desired_issues();
    for wanted in &mut expected {
        wanted.incident.since = later.recalled(wanted.incident.since.wall);
        wanted.ended = wanted.ended.map(|moment| later.recalled(moment.wall));
    }
    assert_eq!(restored.desired_issues(), expected);
    assert_eq!(restored.unreported(), stored);
    // Verdicts go on from there, and the end comes as it always does.
    let mut led = Led::new();
    led.monitor = restored;
    led.seconds = 3600;
    let led = led.rounds(1, [well(), well()]);
    assert_eq!(led.monitor.subjects[1].again, Some(Duration::from_secs(3670)));
    let led = led.rounds(1, [well(), well()]);
    assert!(led.monitor.desired_issues().iter().all(|wanted| wanted.ended.is_some()));
}

#[test]
fn a_reported_incident_is_stored_in_its_issue_and_not_on_the_card() {
    let led = Led::new().rounds(3, [down(), well()]);
    assert_eq!(led.monitor.unreported().len(), 1);
    let led = led.reported(&known("round1-0", 7));
    assert_eq!(led.monitor.unreported(), []);
    // Its end is not told yet.
    let led = led.rounds(2, [well(), well()]);
    assert_eq!(led.monitor.unreported().len(), 1);
    let led = led.reported(&resolved("round1-0"));
    assert_eq!(led.monitor.unreported(), []);
}

#[test]
fn an_incident_stored_before_the_clock_was_set_is_not_lost() {
    let mut monitor = MonitorState::new(&config());
    let round = |monitor: MonitorState, now: Moment, verdict: Verdict| {
        monitor.after(&judgement([verdict, well()]), now, &schedule(), "new").0
    };
    for seconds in [10, 20, 30, 3700] {
        monitor = round(monitor, undated(seconds), degraded());
    }
    // One that lasts.
    let lasting = MonitorState::new(&config()).restored(monitor.unreported(), &undated(5));
    let lasting = round(lasting, at(20), degraded());
    assert_eq!(lasting.desired_issues().len(), 1);
    // One that is over.
    for seconds in [3710, 3720] {
        monitor = round(monitor, undated(seconds), well());
    }
    let over = MonitorState::new(&config()).restored(monitor.unreported(), &undated(5));
    let over = round(over, at(20), well());
    assert_eq!(over.desired_issues().len(), 1);
}

#[test]
fn a_reload_recognises_subjects_by_name() {
    let led = Led::new()
        .rounds(3, [down(), degraded()])
        .rounds(2, [well(), degraded()])
        .rounds(3, [down(), degraded()])
        .reported(&known("round6-0", 7));
    let mut other = config();
    other.nameservers.reverse();
    other.nameservers[0].name = "ns3.example.net".to_owned();
    let before = led.monitor.clone();
    let monitor = led.monitor.reconfigured(&other);
    let names: Vec<&str> = monitor.subjects.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names[..2], ["ns3.example.net", NS1]);
    assert_eq!(monitor.subjects[1], before.subjects[0]);
    assert_eq!(monitor.subjects[0].health, Health::Well);
    assert_eq!((&monitor.ended, monitor.uplink), (&before.ended, Some(ONLINE)));
    assert_eq!(monitor.reporting.state, ReportingState::Untried, "it may go better now");
}

#[test]
fn another_repository_starts_without_the_issues_of_the_first() {
    let led = Led::new()
        .rounds(3, [down(), down()])
        .reported(&known("round1-0", 7))
        .reported(&known("round1-1", 8))
        .rounds(2, [well(), down()]);
    let mut other = config();
    other.github.as_mut().unwrap().repository = "owner/other".to_owned();
    let monitor = led.monitor.reconfigured(&other);
    let issues = monitor.desired_issues().into_iter().map(|wanted| wanted.issue);
    assert_eq!(issues.collect::<Vec<_>>(), [None, None]);
    assert_eq!(monitor.unreported().len(), 2, "on the card until it is told there");
}

#[test]
fn a_listing_that_lags_does_not_reopen_a_resolved_incident() {
    let led = Led::new()
        .rounds(3, [down(), well()])
        .reported(&known("round1-0", 7))
        .rounds(2, [well(), well()])
        .reported(&resolved("round1-0"));
    let before = led.monitor.clone();
    let led = led.reported(&resume(NS1, "round1-0", 7));
    assert_eq!(led.monitor, before);
    // One that ended while the report was under way is not brought back either.
    let led = led.rounds(3, [down(), well()]).reported(&known("round6-0", 8));
    let led = led.rounds(2, [well(), well()]);
    let before = led.monitor.clone();
    let led = led.reported(&resume(NS1, "round6-0", 8));
    assert_eq!(led.monitor.subjects, before.subjects);
    assert_eq!(led.wanted(), [("round6-0".to_owned(), true, Some(8))]);
}

#[test]
fn an_issue_still_open_long_after_its_end_is_closed_again() {
    let mut led = Led::new()
        .rounds(3, [down(), well()])
        .rounds(2, [well(), well()])
        .reported(&resolved("round1-0"));
    led.seconds += 600;
    let led = led.reported(&resume(NS1, "round1-0", 7));
    assert_eq!(led.wanted(), [("round1-0".to_owned(), false, Some(7))]);
}

#[test]
fn an_incident_that_ends_during_a_report_has_the_issue_that_the_report_found() {
    let led = Led::new().rounds(3, [down(), well()]);
    let led = led.rounds(2, [well(), well()]).reported(&resume(NS1, "old", 7));
    assert_eq!(led.wanted(), [("old".to_owned(), true, Some(7))]);
    assert_eq!(led.monitor.subjects[0].health, Health::Well);
}

#[test]
fn an_incident_finds_its_issue_before_it_needs_one() {
    let led = Led::new().rounds(3, [degraded(), well()]);
    let before = led.monitor.subjects[0].health.clone();
    let led = led.reported(&resume(NS1, "round1-0", 7));
    assert_eq!(led.monitor.subjects[0].health, before);
    assert_eq!(led.wanted(), [("round1-0".to_owned(), false, Some(7))]);
}

#[test]
fn a_resumed_incident_is_checked_at_once() {
    let led = Led::new().rounds(1, [well(), well()]).reported(&resume(NS1, "old", 7));
    let subject = &led.monitor.subjects[0];
    assert_eq!(subject.again, Some(Duration::from_secs(10)));
    assert_eq!(subject.issue, Some(issue(7)));
    assert!(matches!(subject.health, Health::Recovering(_, 0)));
}

#[test]
fn an_unobserved_suspect_is_checked_again_in_the_next_full_round() {
    let faulty = Verdict {
        findings: vec![row(V6, "example.net", Severity::Down)],
        observed_addresses: 2,
        ..Verdict::default()
    };
    let out_of_sight = Verdict {
        unobserved_addresses: vec![V6.parse().unwrap()],
        observed_addresses: 1,
        ..Verdict::default()
    };
    let led = Led::new().rounds(1, [faulty, well()]);
    assert!(led.monitor.subjects[0].again.is_some());
    let led = led.rounds(1, [out_of_sight, well()]);
    assert!(matches!(led.monitor.subjects[0].health, Health::Suspect(_)));
    assert_eq!(led.monitor.subjects[0].again, None);
}

#[test]
fn months_of_unreported_flapping_are_one_incident() {
    let mut led = Led::new();
    for _ in 0..50 {
        led = led.rounds(3, [down(), well()]).rounds(2, [well(), well()]);
    }
    assert_eq!(led.monitor.ended.len(), 1);
}

#[test]
fn an_outage_in_which_the_clock_jumps_lasts_as_long_as_the_uptime_says() {
    let decade = SignedDuration::from_hours(10 * 365 * 24);
    for (jump, restarts) in [(decade, false), (-decade, false), (decade, true), (-decade, true)] {
        let mut monitor = Led::new().rounds(3, [down(), well()]).monitor;
        let mut started = 0;
        if restarts {
            started = 35;
            let now = Moment { wall: at(started).wall, ..Moment::default() };
            monitor = MonitorState::new(&config()).restored(monitor.unreported(), &now);
        }
        for (seconds, verdict) in [(40, down()), (50, down()), (60, well()), (70, well())] {
            let mut now = at(seconds);
            now.uptime -= Duration::from_secs(started);
            now.wall = now.wall.map(|wall| wall + jump);
            (monitor, _) = monitor.after(&judgement([verdict, well()]), now, &schedule(), "id");
        }
        let wanted = monitor.desired_issues();
        let [DesiredIssue { incident, ended: Some(end), .. }] = wanted.as_slice() else {
            panic!("{wanted:?}");
        };
        assert_eq!(end.since(&incident.since), Duration::from_secs(60), "{jump} {restarts}");
        assert_eq!(incident.since.wall, at(10).wall.map(|wall| wall + jump), "{jump} {restarts}");
    }
}

#[test]
fn an_address_family_that_nothing_uses_any_more_is_forgotten() {
    let endpoint = "\nendpoint = [{ url = 'https://www.example.net/' }]";
    let plain = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                 zone = [{ name = 'example.net' }]";
    let config = Config::parse("", &format!("{plain}{endpoint}")).unwrap();
    let alone = Config::parse("", plain).unwrap();
    let round = |subject, ipv4, ipv6| Judgement {
        uplink: Uplink { ipv4, ipv6 },
        verdicts: vec![(subject, well())],
    };
    let (online, unused) = (Family::Online, Family::Unused);
    let after = |monitor: MonitorState, judgement: Judgement| {
        monitor.after(&judgement, at(1), &schedule(), "new").0
    };
    let monitor = after(MonitorState::new(&config), round(0, online, unused));
    let monitor = after(monitor, round(1, online, Family::Offline));
    let ipv6 = |monitor: &MonitorState| monitor.uplink.unwrap().ipv6;
    assert_eq!(ipv6(&after(monitor.clone(), round(0, online, unused))), Family::Offline);
    // Its name has no AAAA any more, or cannot be looked up.
    assert_eq!(ipv6(&after(monitor.clone(), round(1, online, unused))), unused);
    assert_eq!(ipv6(&after(monitor.clone(), round(1, unused, unused))), Family::Offline);
    let without = after(monitor.reconfigured(&alone), round(0, online, unused));
    assert_eq!(ipv6(&without), unused);
}
