//! Days with many failures at once. Each is made at random from its seed, as a text that [`crate::scenario_runner`] plays. A
//! failing day is printed and can be kept as a scenario.
//!
//! After each day, every outage has exactly one issue: closed, with exactly one comment about its end. No issue is
//! open, no incident is stored, and the panel shows that all is well.

use std::fmt::Write as _;

use crate::fakes::rng::Rng;
use crate::scenario_runner::{World, play_text};

/// Days to play in each run. Hundreds passed when this test was written.
const DAYS: u64 = 12;

/// Outages in a day, one every six hours.
const OUTAGES: u64 = 4;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

#[test]
fn each_outage_is_one_closed_issue_under_random_failures() {
    let mut failed = String::new();
    for seed in 0..DAYS {
        let text = random_day(seed);
        if let Err(why) = play_text(&text, one_closed_issue_each) {
            let numbered = (1..).zip(text.lines());
            let text: String = numbered.map(|(n, line)| format!("{n:4} {line}\n")).collect();
            write!(failed, "the day of seed {seed}, line {why}\n{text}").unwrap();
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

fn one_closed_issue_each(world: &mut World) -> Result<(), String> {
    let issues = world.github.issues();
    let open = issues.iter().filter(|issue| issue.state == "open").count();
    let duplicate = |body: &str| body.contains("Duplicate of #");
    let told = issues.iter().filter(|issue| {
        let mut comments = issue.comments.iter();
        !comments.any(|comment| duplicate(&comment.body))
    });
    let told = told.count() as u64;
    let twice = issues.iter().find(|issue| {
        let ends = issue.comments.iter();
        ends.filter(|c| c.body.contains("is well again")).count() > 1
    });
    match twice {
        _ if open > 0 => Err(format!("{open} issues are open")),
        _ if told != OUTAGES => Err(format!("{told} issues tell of {OUTAGES} outages")),
        Some(issue) => Err(format!("issue {} was closed twice", issue.number)),
        None => Ok(()),
    }
}

/// A day of 24 hours, and four more for the last issues to close.
fn random_day(seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let mut events: Vec<(u64, String)> = vec![(0, "start".to_owned())];
    let mut happen = |at: u64, what: String| events.push((at, what));
    for outage in 0..OUTAGES {
        // Longer than a cut of the uplink, and far from the next outage.
        let from = outage * 6 * HOUR + rng.between(30 * MINUTE, 90 * MINUTE);
        let ns = *rng.one_of(&["ns1", "ns2"]);
        let how = ["closed", "silent", "refuses", "wrong-address", "lame", "fails"];
        happen(from, format!("{ns} {}", rng.one_of(&how)));
        let lasts = rng.between(40 * MINUTE, 80 * MINUTE);
        happen(from + lasts, format!("{ns} back"));
        // Half of the faults happen while there is something to write.
        for _ in 0..3 {
            happen(from + rng.between(0, lasts), fault(&mut rng));
            happen(outage * 6 * HOUR + rng.between(0, 6 * HOUR), fault(&mut rng));
        }
        if rng.one_in(2) {
            happen(from + rng.between(0, lasts), "person closes the last".to_owned());
        }
        let away = from + rng.between(0, 2 * lasts);
        happen(away, "github down".to_owned());
        happen(away + rng.between(5 * MINUTE, HOUR), "github up".to_owned());
        let cut = from + rng.between(0, 2 * lasts);
        happen(cut, "uplink cut".to_owned());
        happen(cut + rng.between(MINUTE, 10 * MINUTE), "uplink mended".to_owned());
        let killed = from + rng.between(0, lasts);
        let again = killed + rng.between(0, MINUTE);
        happen(killed, "kill".to_owned());
        happen(again, "start".to_owned());
        happen(again + rng.between(0, HOUR), "reload".to_owned());
        let killed = outage * 6 * HOUR + rng.between(5 * HOUR, 6 * HOUR) - MINUTE;
        happen(killed, "kill | start".to_owned());
    }
    events.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, what) in events {
        let (hours, minutes, seconds) = (at / HOUR, at % HOUR / MINUTE, at % MINUTE);
        writeln!(text, "{hours:02}:{minutes:02}:{seconds:02} {what}").unwrap();
    }
    text + "25:00 github up | uplink mended | faults over\n28:00 panel well | reporting fine | nothing kept\n"
}

fn fault(rng: &mut Rng) -> String {
    let request = *rng.one_of(&["listing", "create", "comment", "edit", "request"]);
    let faults = [
        "lost before",
        "lost after",
        "cut off",
        "garbage",
        "status 500",
        "status 502 after",
        "status 404",
        "limited",
        "limited 600",
        "exhausted 1200",
    ];
    format!("next {request} {}", rng.one_of(&faults))
}
