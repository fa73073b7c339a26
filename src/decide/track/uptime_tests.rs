//! What is counted, what is not, and what a later process makes of it.

use super::*;
use crate::decide::judge::finding::Verdict;
use crate::decide::testing::{
    Led, at, config, degraded, down, judgement, schedule, undated, unknown, well,
};
use crate::decide::track::state::MonitorState;

const NS1: &str = "ns1.example.net";

/// Rounds over ns1 that are so many seconds apart, beginning after the given time.
fn rounds(
    monitor: MonitorState,
    start: u64,
    apart: u64,
    verdicts: &[Verdict],
) -> (MonitorState, u64) {
    let mut now = start;
    let monitor = verdicts.iter().fold(monitor, |monitor, verdict| {
        now += apart;
        let judgement = judgement([verdict.clone(), well()]);
        monitor.after(&judgement, at(now), &schedule(), "new").0
    });
    (monitor, now)
}

fn seconds(count: &Count) -> [u64; 3] {
    [count.well, count.degraded, count.down].map(|span| span.as_secs())
}

fn today(monitor: &MonitorState, seconds: u64) -> Count {
    monitor.uptime.day(NS1, at(seconds).wall.unwrap(), 0)
}

#[test]
fn the_time_to_the_next_round_counts_as_the_state_of_the_last_one() {
    let monitor = Led::new().monitor;
    let (monitor, now) = rounds(monitor, 0, 600, &[well(), well(), down(), down(), down(), down()]);
    // Suspect twice, for which nobody is accused; then down.
    assert_eq!(seconds(&today(&monitor, now)), [2400, 0, 600]);
    let (monitor, now) = rounds(monitor, now, 600, &[well(), well(), well()]);
    assert_eq!(seconds(&today(&monitor, now)), [3000, 0, 1800], "down until the end is believed");
    let (monitor, now) = rounds(monitor, now, 600, &vec![degraded(); 4]);
    assert_eq!(seconds(&today(&monitor, now)), [4800, 600, 1800]);
    let count = today(&monitor, now);
    assert_eq!((count.up(), count.worst()), (Some(7500), Some(Severity::Down)));
    assert_eq!(count.latency(), Some(Duration::from_millis(20)));
}

#[test]
fn unobserved_time_counts_neither_as_up_nor_as_down() {
    let (monitor, now) = rounds(Led::new().monitor, 0, 600, &[unknown(), unknown(), unknown()]);
    assert_eq!((today(&monitor, now).seen(), today(&monitor, now).up()), (Duration::ZERO, None));
    let (monitor, now) = rounds(monitor, now, 600, &[well(), unknown(), unknown(), well()]);
    assert_eq!(seconds(&today(&monitor, now)), [600, 0, 0]);
    // Nor is the time in which we stood still.
    let (monitor, now) = rounds(monitor, now, 7200, &[well()]);
    assert_eq!(seconds(&today(&monitor, now)), [600, 0, 0]);
}

#[test]
fn nothing_is_counted_before_the_clock_is_set() {
    let mut monitor = Led::new().monitor;
    for now in [600, 1200, 1800] {
        monitor = monitor.after(&judgement([well(), well()]), undated(now), &schedule(), "new").0;
    }
    assert_eq!(today(&monitor, 1800), Count::default());
    let (monitor, now) = rounds(monitor, 1800, 600, &[well()]);
    assert_eq!(seconds(&today(&monitor, now)), [600, 0, 0]);
}

#[test]
fn a_clock_that_jumps_changes_no_duration_and_removes_future_entries() {
    let (monitor, now) = rounds(Led::new().monitor, 0, 600, &[well(), well()]);
    let day = Duration::from_secs(86_400);
    let ahead = Moment { wall: at(now).wall.map(|wall| wall + 40 * day), ..at(now + 600) };
    let (monitor, _) = monitor.after(&judgement([well(), well()]), ahead, &schedule(), "new");
    let there = ahead.wall.unwrap();
    assert_eq!(seconds(&monitor.uptime.days(NS1, there, DAYS)), [600, 0, 0], "the rest is too old");
    let (monitor, now) = rounds(monitor, now + 600, 600, &[well()]);
    assert_eq!(seconds(&monitor.uptime.days(NS1, at(now).wall.unwrap(), DAYS)), [600, 0, 0]);
    assert_eq!(monitor.uptime.days(NS1, there, DAYS), Count::default());
}

#[test]
fn a_share_is_never_rounded_up_to_all() {
    let whole = Duration::from_secs(30 * 86_400);
    let count = Count { well: whole, down: Duration::from_secs(1), ..Count::default() };
    assert_eq!(count.up(), Some(9999));
    assert_eq!(Count { well: whole, ..Count::default() }.up(), Some(10_000));
    assert_eq!(Count { down: whole, ..Count::default() }.up(), Some(0));
}

/// A month of ns1, with a round every ten minutes.
fn month() -> (MonitorState, u64) {
    let verdicts: Vec<Verdict> = (0..31 * 144)
        .map(|round| match round % 1000 {
            500..504 => down(),
            700..720 => degraded(),
            _ => well(),
        })
        .collect();
    rounds(Led::new().monitor, 0, 600, &verdicts)
}

#[test]
fn a_month_of_figures_is_read_back_and_added_once() {
    let (monitor, now) = month();
    let here = at(now).wall.unwrap();
    let record = monitor.uptime.record([NS1, "ns2.example.net"].into_iter(), here);
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.len() < 2000, "{} bytes: {json}", json.len());
    let record: UptimeRecord = serde_json::from_str(&json).unwrap();
    // A new process has counted for a while before it could read what the old one left.
    let (mut next, later) = rounds(Led::new().monitor, now, 600, &[well(), well(), well()]);
    next.uptime.recall(Some(&record));
    next.uptime.recall(Some(&record));
    let later = at(later).wall.unwrap();
    for (name, new) in [(NS1, 1200), ("ns2.example.net", 1200)] {
        let (old, sum) =
            (monitor.uptime.days(name, here, DAYS), next.uptime.days(name, later, DAYS));
        assert_eq!(sum.seen(), old.seen() + Duration::from_secs(new), "{name}");
        assert_eq!((sum.down, sum.degraded), (old.down, old.degraded), "{name}");
        assert_eq!(sum.latency(), old.latency(), "{name}");
    }
    assert!(monitor.uptime.days(NS1, here, DAYS).down > Duration::ZERO);
}

#[test]
fn an_invalid_record_is_ignored() {
    let read = |texts: [&str; 2]| {
        let mut past = UptimeHistory::default();
        let texts = texts.map(str::to_owned);
        let record = UptimeRecord { v: 1, hour: 490_000, past: [(NS1.to_owned(), texts)].into() };
        past.recall(Some(&record));
        past.days(NS1, Timestamp::from_second(490_000 * 3600).unwrap(), DAYS)
    };
    assert_eq!(seconds(&read(["", "0.60.5000 1.60.5000.30.10"])), [120, 30, 10]);
    for nonsense in ["", "x", "1.2.x", "-1.60", "99999999999.1", ". ."] {
        assert_eq!(read(["", nonsense]).seen(), Duration::ZERO, "{nonsense}");
    }
    let most = u32::MAX;
    let largest = read(["", &format!("0.{most}.{most}.{most}.{most}")]);
    assert_eq!(largest.seen(), Duration::from_secs(3 * u64::from(most)), "it does not overflow");
    let later = UptimeRecord { v: 2, hour: 0, past: BTreeMap::new() };
    UptimeHistory::default().recall(Some(&later));
}

#[test]
fn a_record_has_room_for_the_first_subjects_and_stays_small() {
    let (mut monitor, now) = month();
    let past = monitor.uptime.subjects[NS1].clone();
    let names: Vec<String> = (0..100).map(|n| format!("ns{n}.example.net")).collect();
    monitor.uptime.subjects.extend(names.iter().map(|name| (name.clone(), past.clone())));
    let record = monitor.uptime.record(names.iter().map(String::as_str), at(now).wall.unwrap());
    let size = serde_json::to_string(&record).unwrap().len();
    assert!((20_000..RECORD + 100).contains(&size), "{size}");
    assert!(record.past.len() > 20, "{}", record.past.len());
    assert!(record.past.contains_key("ns0.example.net"));
}

#[test]
fn another_repository_gets_a_heartbeat_at_once_with_the_same_figures() {
    let (mut monitor, now) = rounds(Led::new().monitor, 0, 600, &[well(), well()]);
    monitor.uptime.heartbeat_written = at(now).wall;
    let (mut same, mut other) = (config(), config());
    same.schedule.interval *= 2;
    other.github.as_mut().unwrap().repository = "owner/other".to_owned();
    assert_eq!(monitor.clone().reconfigured(&same).uptime, monitor.uptime);
    let past = monitor.clone().reconfigured(&other).uptime;
    assert_eq!((past.heartbeat_written, past.round), (None, monitor.uptime.round));
    assert_eq!(past.subjects, monitor.uptime.subjects);
}
