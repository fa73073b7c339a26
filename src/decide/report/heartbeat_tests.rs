//! The text of a heartbeat, when it is written, and what a later process reads from it.

use jiff::SignedDuration;

use super::*;
use crate::decide::report::github::AuxiliaryIssue;
use crate::decide::report::text::tests::sample;
use crate::decide::testing::{
    at, config, degraded, down, judgement, known, schedule, unknown, well,
};
use crate::decide::track::state::MonitorState;

#[test]
fn a_heartbeat_survives_its_way_through_an_issue_and_becomes_stale() {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let heartbeat = Heartbeat { vantage: "my--home".to_owned(), at, every: 600 };
    assert_eq!(
        read::<Heartbeat>(&format!("words\n{}\nmore", hide(&heartbeat))),
        Some(heartbeat.clone())
    );
    assert_eq!(read::<Heartbeat>("words"), None);
    assert!(heartbeat.fresh(at + Duration::from_secs(1200)));
    assert!(!heartbeat.fresh(at + Duration::from_secs(1201)));
    assert!(heartbeat.fresh(at - Duration::from_secs(5)));
}

const NS1: &str = "ns1.example.net";
const DAY: u64 = 86_400;
const EVERY: Duration = Duration::from_secs(6 * 3600);

/// A month of ns1, with an outage and a bad day; the input of its heartbeat, and the time.
fn month() -> (HeartbeatInput, u64) {
    let verdicts = (0..30 * 144).map(|round| match round {
        1000..1009 => down(),
        3000..3100 => degraded(),
        3600..3700 => unknown(),
        _ => well(),
    });
    let start = (MonitorState::new(&config()), 0);
    let (monitor, now) = verdicts.fold(start, |(monitor, now), verdict| {
        let now = now + 600;
        let judgement = judgement([verdict, well()]);
        (monitor.after(&judgement, at(now), &schedule(), "new").0, now)
    });
    let monitor = [1, 2, 3].iter().fold(monitor, |monitor, round| {
        let judgement = judgement([well(), down()]);
        monitor.after(&judgement, at(now + 10 * round), &schedule(), "5eed").0
    });
    let mut monitor = monitor.reported(&known("5eed-1", 12), &at(now + 30));
    monitor.uptime.recalled = false;
    (input_of(&monitor, now + 30), now + 30)
}

fn input_of(monitor: &MonitorState, now: u64) -> HeartbeatInput {
    let board = Hardware {
        model: Some("Raspberry Pi 3 Model B Rev 1.2".to_owned()),
        up: Some(Duration::from_secs(31 * DAY)),
        celsius: Some(48.312),
        under_voltage: Some(false),
        debian: Some("2026-01-01".parse().unwrap()),
    };
    let mut view = Status::of(monitor, &config(), &at(now));
    view.pilotlight = "0.1.0".to_owned();
    view.program = Some(Program { hash: "3f2a9c0b1d2e4d5c".to_owned(), since: None });
    HeartbeatInput { view, past: monitor.uptime.clone(), board, every: EVERY }
}

/// An issue about ns1 or ns2 that lasted so long.
fn outage(number: u64, subject: &str, worst: &str, since: u64, lasted: Option<u64>) -> Issue {
    let time = |seconds: u64| at(seconds).wall.unwrap();
    let ended = lasted.map(|lasted| time(since + lasted));
    let marker = serde_json::json!({
        "v": 1, "vantage": "home", "subject": subject, "incident": "x", "since": time(since),
        "severity": worst, "worst": worst, "places": [], "shows": "", "said": "", "said_at": null,
        "ended": ended.is_some(), "ended_at": ended,
    });
    Issue {
        number,
        title: String::new(),
        body: String::new(),
        open: ended.is_none(),
        reopened: false,
        closed_at: ended,
        opener: serde_json::from_value(marker).unwrap(),
        secondary: Vec::new(),
        partial: false,
    }
}

fn listing(now: u64, auxiliarys: Vec<AuxiliaryIssue>) -> Listing {
    Listing { auxiliary: auxiliarys, at: at(now).wall, ..Listing::default() }
}

fn auxiliary(number: u64, body: &str, open: bool) -> AuxiliaryIssue {
    AuxiliaryIssue { number, body: body.to_owned(), open }
}

/// The body of a new heartbeat.
fn created(input: &HeartbeatInput, now: u64) -> String {
    let mut input = input.clone();
    input.past.heartbeat_written = None;
    let planned = plan(&input, &listing(now, Vec::new()));
    let [Step::Create { body, title, no_labels: true, .. }] = &planned.steps[..] else {
        panic!("{planned:?}")
    };
    assert_eq!(title, "pilotlight: home is watching");
    body.clone()
}

#[test]
fn the_heartbeat_after_a_month() {
    let (input, now) = month();
    let closed = vec![
        outage(11, NS1, "degraded", 3001 * 600, Some(101 * 600)),
        outage(9, NS1, "down", 1001 * 600, Some(10 * 600)),
        outage(4, "ns9.example.net", "down", 900 * 600, Some(600)),
    ];
    let open = vec![outage(12, "ns2.example.net", "down", now - 20, None)];
    let listing = Listing { open, closed, ..listing(now, Vec::new()) };
    let planned = plan(&input, &Listing { token_expires: at(100 * DAY).wall, ..listing });
    let [Step::Create { title, body, .. }] = &planned.steps[..] else { panic!("{planned:?}") };
    sample("life", &format!("{title}\n\n{body}"));
}

#[test]
fn a_card_of_180_days_is_to_be_written_anew() {
    let (mut input, now) = month();
    let today = Offset::UTC.to_datetime(at(now).wall.unwrap()).date();
    for (days, old) in [(-1, false), (0, false), (179, false), (180, true), (1000, true)] {
        input.board.debian = today.checked_sub(SignedDuration::from_hours(24 * days)).ok();
        let text =
            format!("**The Debian on the card is {days} days old.** Write a new image to the card");
        assert_eq!(created(&input, now).contains(&text), old, "{days} days");
        assert_eq!(created(&input, now).contains("Debian"), old, "{days} days");
    }
}

#[test]
fn a_heartbeat_is_written_at_once_then_when_it_is_due_and_again_after_a_restart() {
    let (mut input, now) = month();
    let due = |input: &HeartbeatInput, seconds| {
        let here = [auxiliary(7, &created(input, now), true)].to_vec();
        plan(input, &listing(now + seconds, here))
    };
    let first = due(&input, 0);
    assert!(matches!(first.steps[..], [Step::Edit { issue: 7, state: None, title: None, .. }]));
    assert_eq!(first.at, at(now).wall);
    input.past.heartbeat_written = first.at;
    let later = EVERY.as_secs();
    assert_eq!(due(&input, later - 1), HeartbeatPlan::default());
    assert_eq!(due(&input, later).steps.len(), 1);
    input.past.heartbeat_written = None;
    assert_eq!(due(&input, 0).steps.len(), 1);
}

#[test]
fn figures_of_an_earlier_process_and_text_of_people_stay() {
    let (before, now) = month();
    let left = format!("In the attic.\n{}\nCall Ann.", created(&before, now));
    let fresh = input_of(&MonitorState::new(&config()), now);
    let planned = plan(&fresh, &listing(now, vec![auxiliary(7, &left, true)]));
    let [Step::Edit { body, .. }] = &planned.steps[..] else { panic!("{planned:?}") };
    assert!(body.starts_with("In the attic.\n<!--") && body.ends_with("-->\nCall Ann."));
    let figures = |text: &str| {
        let row = text.lines().find(|line| line.starts_with("| ns1.example.net | unknown"));
        row.map(|row| row.split('|').skip(3).collect::<String>())
    };
    assert_eq!(figures(body), figures(&created(&before, now).replace("| well", "| unknown")));
    let record = planned.record.unwrap();
    let mut past = fresh.past;
    past.recall(Some(&record));
    let here = at(now).wall.unwrap();
    assert_eq!(past.days(NS1, here, 30).up(), before.past.days(NS1, here, 30).up());
}

#[test]
fn a_vantage_whose_heartbeat_was_closed_does_not_count_until_the_next_one() {
    let (mut input, now) = month();
    let body = created(&input, now);
    let closed = |seconds| listing(now + seconds, vec![auxiliary(7, &body, false)]);
    assert_eq!(alive_vantages(&closed(0)).count(), 0);
    assert_eq!(
        alive_vantages(&listing(now, vec![auxiliary(7, &body, true)])).next().unwrap(),
        "home"
    );
    input.past.heartbeat_written = at(now).wall;
    assert_eq!(plan(&input, &closed(60)).steps, []);
    let planned = plan(&input, &closed(EVERY.as_secs()));
    let state = Some(IssueState::Open);
    assert!(matches!(&planned.steps[..], [Step::Edit { issue: 7, state: s, .. }] if *s == state));
}

#[test]
fn of_two_heartbeats_opened_at_once_the_younger_closes() {
    let (input, now) = month();
    let body = created(&input, now);
    let office = body.replace("\"home\"", "\"office\"");
    let both =
        vec![auxiliary(3, &office, true), auxiliary(9, &body, true), auxiliary(7, &body, true)];
    let planned = plan(&input, &listing(now, both));
    let [Step::Edit { issue: 7, .. }, Step::Edit { issue: 9, state, body, .. }] =
        &planned.steps[..]
    else {
        panic!("{planned:?}")
    };
    assert_eq!((state, read::<Heartbeat>(body)), (&Some(IssueState::NotPlanned), None));
}

#[test]
fn a_heartbeat_of_many_subjects_stays_below_what_github_takes() {
    let (mut input, now) = month();
    let (model, past) = (input.view.nameservers[1].clone(), input.past.clone());
    let here = at(now).wall.unwrap();
    let record = serde_json::to_string(&past.record([NS1].into_iter(), here)).unwrap();
    for n in 0..300 {
        let name = format!("ns{n}.a-rather-long-name-of-a-zone.example.net");
        let record = serde_json::from_str(&record.replace(NS1, &name)).unwrap();
        input.past.recalled = false;
        input.past.recall(Some(&record));
        input.view.nameservers.push(SubjectStatus { name, ..model.clone() });
    }
    let body = created(&input, now);
    assert!(body.len() < 60_000, "{}", body.len());
    assert!(body.contains("ns20.a-rather") && body.contains(" more.\n"));
    assert!(read::<Heartbeat>(&body).is_some());
}

#[test]
fn without_a_clock_there_is_no_heartbeat() {
    let (mut input, now) = month();
    input.view.at = None;
    let unknown = Listing { at: None, ..listing(now, Vec::new()) };
    assert_eq!(plan(&input, &unknown), HeartbeatPlan::default());
}
