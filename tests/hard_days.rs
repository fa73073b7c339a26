//! Days on which everything goes wrong at once. They are made by chance, each from its seed, as texts that
//! [`crate::stage`] plays; one that fails is printed and can be kept as a scenario.
//!
//! What must hold after every one of them is little and strict: each outage has one issue that tells of
//! it, closed, and said to be closed once; nothing is open, nothing is kept, the panel is well.

use std::fmt::Write as _;

use crate::stage::{World, play_text};

/// Days to play. Hundreds were, when this was written; these few are for every day.
const DAYS: u64 = 12;

/// Outages in each of them, one every six hours.
const OUTAGES: u64 = 4;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

#[test]
fn whatever_goes_wrong_each_outage_ends_as_one_closed_issue() {
    let mut failed = String::new();
    for seed in 0..DAYS {
        let text = hard_day(seed);
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
        ends.filter(|c| c.body.contains("answers as it should again")).count() > 1
    });
    match twice {
        _ if open > 0 => Err(format!("{open} issues are open")),
        _ if told != OUTAGES => Err(format!("{told} issues tell of {OUTAGES} outages")),
        Some(issue) => Err(format!("issue {} was closed twice", issue.number)),
        None => Ok(()),
    }
}

/// A day of 24 hours and a few to settle.
fn hard_day(seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut events: Vec<(u64, String)> = vec![(0, "start".to_owned())];
    let mut happen = |at: u64, what: String| events.push((at, what));
    for outage in 0..OUTAGES {
        // Long enough to be seen through a cut of the uplink, and far from the next one.
        let from = outage * 6 * HOUR + dice.up_to(30 * MINUTE, 90 * MINUTE);
        let ns = *dice.one_of(&["ns1", "ns2"]);
        let how = ["closed", "silent", "refuses", "wrong-address", "lame", "fails"];
        happen(from, format!("{ns} {}", dice.one_of(&how)));
        let lasts = dice.up_to(40 * MINUTE, 80 * MINUTE);
        happen(from + lasts, format!("{ns} back"));
        // Half of the faults come while there is something to write.
        for _ in 0..3 {
            happen(from + dice.up_to(0, lasts), fault(&mut dice));
            happen(outage * 6 * HOUR + dice.up_to(0, 6 * HOUR), fault(&mut dice));
        }
        if dice.up_to(0, 2) == 0 {
            happen(from + dice.up_to(0, lasts), "person closes the last".to_owned());
        }
        let away = from + dice.up_to(0, 2 * lasts);
        happen(away, "github down".to_owned());
        happen(away + dice.up_to(5 * MINUTE, HOUR), "github up".to_owned());
        let cut = from + dice.up_to(0, 2 * lasts);
        happen(cut, "uplink cut".to_owned());
        happen(cut + dice.up_to(MINUTE, 10 * MINUTE), "uplink mended".to_owned());
        let killed = from + dice.up_to(0, lasts);
        let again = killed + dice.up_to(0, MINUTE);
        happen(killed, "kill".to_owned());
        happen(again, "start".to_owned());
        happen(again + dice.up_to(0, HOUR), "reload".to_owned());
        let killed = outage * 6 * HOUR + dice.up_to(5 * HOUR, 6 * HOUR) - MINUTE;
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

fn fault(dice: &mut Dice) -> String {
    let request = *dice.one_of(&["listing", "create", "comment", "edit", "request"]);
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
    format!("next {request} {}", dice.one_of(&faults))
}

/// SplitMix64: the same days in every run.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, from: u64, to: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        from + (z ^ (z >> 31)) % (to - from)
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.up_to(0, list.len() as u64);
        &list[usize::try_from(at).unwrap()]
    }
}
