//! What a sign of life says, when it is given, and what a later process reads from it.

use super::*;
use crate::decide::report::text::tests::sample;
use crate::decide::testing::{
    at, config, degraded, down, judgement, known, schedule, unknown, well,
};
use crate::decide::track::state::MonitorState;

#[test]
fn a_sign_of_life_survives_its_way_through_an_issue_and_grows_old() {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let life = Heartbeat { vantage: "my--home".to_owned(), at, every: 600 };
    assert_eq!(Heartbeat::find(&format!("words\n{}\nmore", life.line())), Some(life.clone()));
    assert_eq!(Heartbeat::find("words"), None);
    assert!(life.fresh(at + Duration::from_secs(1200)));
    assert!(!life.fresh(at + Duration::from_secs(1201)));
    assert!(life.fresh(at - Duration::from_secs(5)));
}

const NS1: &str = "ns1.example.net";
const DAY: u64 = 86_400;
const EVERY: Duration = Duration::from_secs(6 * 3600);

/// A month of ns1, with an outage and a bad day; what is told of it, and when.
fn month() -> (HeartbeatInput, u64) {
    let verdicts = (0..30 * 144).map(|round| match round {
        1000..1009 => down(),
        3000..3100 => degraded(),
        3600..3700 => unknown(),
        _ => well(),
    });
    let start = (MonitorState::new(&config()), 0);
    let (watch, now) = verdicts.fold(start, |(watch, now), verdict| {
        let now = now + 600;
        let judgement = judgement([verdict, well()]);
        (watch.after(&judgement, at(now), &schedule(), "new").0, now)
    });
    let watch = [1, 2, 3].iter().fold(watch, |watch, round| {
        let judgement = judgement([well(), down()]);
        watch.after(&judgement, at(now + 10 * round), &schedule(), "5eed").0
    });
    let mut watch = watch.reported(&known("5eed-1", 12), &at(now + 30));
    watch.uptime.recalled = false;
    (alive_vantages(&watch, now + 30), now + 30)
}

fn alive_vantages(watch: &MonitorState, now: u64) -> HeartbeatInput {
    let board = Hardware {
        model: Some("Raspberry Pi 3 Model B Rev 1.2".to_owned()),
        up: Some(Duration::from_secs(31 * DAY)),
        celsius: Some(48.312),
        under_voltage: Some(false),
    };
    let mut view = Status::of(watch, &config(), &at(now));
    view.pilotlight = "0.1.0".to_owned();
    view.program = Some(Program { hash: "3f2a9c0b1d2e4d5c".to_owned(), since: None });
    HeartbeatInput { view, past: watch.uptime.clone(), board, every: EVERY }
}

/// An issue about ns1 or ns2 that lasted so long.
fn told(number: u64, subject: &str, worst: &str, since: u64, lasted: Option<u64>) -> Issue {
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
        marker: serde_json::from_value(marker).unwrap(),
        observations: Vec::new(),
    }
}

fn listing(now: u64, asides: Vec<AuxiliaryIssue>) -> Listing {
    Listing { auxiliary: asides, closed: Some(Vec::new()), at: at(now).wall, ..Listing::default() }
}

fn aside(number: u64, body: &str, open: bool) -> AuxiliaryIssue {
    AuxiliaryIssue { number, body: body.to_owned(), open }
}

/// The body that a new sign has.
fn created(alive: &HeartbeatInput, now: u64) -> String {
    let mut alive = alive.clone();
    alive.past.heartbeat_written = None;
    let signing = plan(&alive, None, &listing(now, Vec::new())).unwrap();
    let [Step::Create { body, title, calm: true, .. }] = &signing.steps[..] else {
        panic!("{signing:?}")
    };
    assert_eq!(title, "pilotlight: home is watching");
    body.clone()
}

#[test]
fn the_sign_of_life_after_a_month() {
    let (alive, now) = month();
    let closed = vec![
        told(11, NS1, "degraded", 3001 * 600, Some(101 * 600)),
        told(9, NS1, "down", 1001 * 600, Some(10 * 600)),
        told(4, "ns9.example.net", "down", 900 * 600, Some(600)),
    ];
    let open = vec![told(12, "ns2.example.net", "down", now - 20, None)];
    let listing = Listing { open, closed: Some(closed), ..listing(now, Vec::new()) };
    let signing = plan(&alive, at(100 * DAY).wall, &listing).unwrap();
    let [Step::Create { title, body, .. }] = &signing.steps[..] else { panic!("{signing:?}") };
    sample("life", &format!("{title}\n\n{body}"));
}

#[test]
fn it_is_given_at_once_then_when_it_is_time_and_again_after_a_restart() {
    let (mut alive, now) = month();
    let due = |alive: &HeartbeatInput, seconds| {
        let here = [aside(7, &created(alive, now), true)].to_vec();
        plan(alive, None, &listing(now + seconds, here)).unwrap()
    };
    let first = due(&alive, 0);
    assert!(matches!(first.steps[..], [Step::Edit { issue: 7, state: None, title: None, .. }]));
    assert_eq!(first.at, at(now).wall);
    alive.past.heartbeat_written = first.at;
    let later = EVERY.as_secs();
    assert_eq!(due(&alive, later - 1), HeartbeatPlan::default());
    assert_eq!(due(&alive, later).steps.len(), 1);
    // Nothing more is listed for the sake of a sign that is not due.
    let short = |seconds| Listing { closed: None, ..listing(now + seconds, Vec::new()) };
    assert_eq!(plan(&alive, None, &short(later - 1)), Ok(HeartbeatPlan::default()));
    assert_eq!(plan(&alive, None, &short(later)), Err(NeedClosed));
    alive.past.heartbeat_written = None;
    assert_eq!(due(&alive, 0).steps.len(), 1);
}

#[test]
fn what_an_earlier_process_has_counted_goes_on_and_what_people_wrote_stays() {
    let (before, now) = month();
    let left = format!("In the attic.\n{}\nCall Ann.", created(&before, now));
    let fresh = alive_vantages(&MonitorState::new(&config()), now);
    let signing = plan(&fresh, None, &listing(now, vec![aside(7, &left, true)])).unwrap();
    let [Step::Edit { body, .. }] = &signing.steps[..] else { panic!("{signing:?}") };
    assert!(body.starts_with("In the attic.\n<!--") && body.ends_with("-->\nCall Ann."));
    let figures = |text: &str| {
        let row = text.lines().find(|line| line.starts_with("| ns1.example.net | unknown"));
        row.map(|row| row.split('|').skip(3).collect::<String>())
    };
    assert_eq!(figures(body), figures(&created(&before, now).replace("| well", "| unknown")));
    let record = signing.record.unwrap();
    let mut past = fresh.past;
    past.recall(Some(&record));
    let here = at(now).wall.unwrap();
    assert_eq!(past.days(NS1, here, 30).up(), before.past.days(NS1, here, 30).up());
}

#[test]
fn closed_by_hand_it_is_nobodys_until_its_vantage_gives_another_sign() {
    let (mut alive, now) = month();
    let body = created(&alive, now);
    let closed = |seconds| listing(now + seconds, vec![aside(7, &body, false)]);
    assert_eq!(super::super::observations::alive_vantages(&closed(0)).count(), 0);
    assert_eq!(
        super::super::observations::alive_vantages(&listing(now, vec![aside(7, &body, true)]))
            .next()
            .unwrap(),
        "home"
    );
    alive.past.heartbeat_written = at(now).wall;
    assert_eq!(plan(&alive, None, &closed(60)).unwrap().steps, []);
    let signing = plan(&alive, None, &closed(EVERY.as_secs())).unwrap();
    let state = Some(IssueState::Open);
    assert!(matches!(&signing.steps[..], [Step::Edit { issue: 7, state: s, .. }] if *s == state));
}

#[test]
fn of_two_that_were_made_at_once_the_younger_goes() {
    let (alive, now) = month();
    let body = created(&alive, now);
    let office = body.replace("\"home\"", "\"office\"");
    let both = vec![aside(3, &office, true), aside(9, &body, true), aside(7, &body, true)];
    let signing = plan(&alive, None, &listing(now, both)).unwrap();
    let [Step::Edit { issue: 7, .. }, Step::Edit { issue: 9, state, body, .. }] =
        &signing.steps[..]
    else {
        panic!("{signing:?}")
    };
    assert_eq!((state, Heartbeat::find(body)), (&Some(IssueState::NotPlanned), None));
}

#[test]
fn a_sign_of_many_subjects_stays_below_what_github_takes() {
    let (mut alive, now) = month();
    let (model, past) = (alive.view.nameservers[1].clone(), alive.past.clone());
    let here = at(now).wall.unwrap();
    let record = serde_json::to_string(&past.record([NS1].into_iter(), here)).unwrap();
    for n in 0..300 {
        let name = format!("ns{n}.a-rather-long-name-of-a-zone.example.net");
        let record = serde_json::from_str(&record.replace(NS1, &name)).unwrap();
        alive.past.recalled = false;
        alive.past.recall(Some(&record));
        alive.view.nameservers.push(SubjectStatus { name, ..model.clone() });
    }
    let body = created(&alive, now);
    assert!(body.len() < 60_000, "{}", body.len());
    assert!(body.contains("ns20.a-rather") && body.contains(" more.\n"));
    assert!(Heartbeat::find(&body).is_some());
}

#[test]
fn without_a_clock_there_is_no_sign() {
    let (mut alive, now) = month();
    alive.view.at = None;
    let unknown = Listing { at: None, ..listing(now, Vec::new()) };
    assert_eq!(plan(&alive, None, &unknown), Ok(HeartbeatPlan::default()));
}
