//! The sign of life: one issue per vantage, which tells people and the other vantages that it watches.
//!
//! It goes the way of an alert, so that it proves that way; and as its body is edited, nobody is notified.
//! Its marker is an HTML comment like those of incidents,
//! `<!-- pilotlight {"life":"home","at":"2026-03-01T12:00:00Z","every":21600,"record":{…}} -->`, where the
//! [`UptimeRecord`] is what a later process goes on from: the memory of a board that writes nothing on its card.
//!
//! A person who closes it has taken that vantage out of service: nobody counts it or waits for it any more.
//! If it is in service after all, its next sign opens it again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::Severity;
use crate::decide::judge::uplink::uplink_text;
use crate::decide::report::github::{AuxiliaryIssue, Issue, IssueState, Listing, NeedClosed, Step};
use crate::decide::report::marker::{CLOSING, Heartbeat, hidden, hide, merge, unmark};
use crate::decide::report::text::cell;
use crate::decide::show::status::{Program, Status, SubjectStatus};
use crate::decide::time::{span_text, wall_text};
use crate::decide::track::uptime::{Count, UptimeHistory, UptimeRecord};

/// Days that the picture shows, and that incidents are told of.
const PICTURE: i64 = 30;

const STORY: Duration = Duration::from_secs(90 * 86_400);

/// What tables may take of a body, beside the record.
const TABLES: usize = 25_000;

/// That many incidents are told; the others are counted.
const INCIDENTS: usize = 20;

/// What a sign of life tells.
#[derive(Debug, Clone)]
pub struct HeartbeatInput {
    /// What is believed.
    pub view: Status,
    /// How everybody has done.
    pub past: UptimeHistory,
    /// What we run on.
    pub board: Hardware,
    /// From sign to sign.
    pub every: Duration,
}

/// The board, as far as its kernel shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hardware {
    /// `Raspberry Pi 3 Model B Rev 1.2`.
    pub model: Option<String>,
    /// Since it was switched on.
    pub up: Option<Duration>,
    /// Its processor's temperature.
    pub celsius: Option<f64>,
    /// Whether its supply has been too weak of late.
    pub under_voltage: Option<bool>,
}

/// What there is to write, and what was read on the way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatPlan {
    /// When the sign is dated, by GitHub's clock.
    pub at: Option<Timestamp>,
    /// How it is written.
    pub steps: Vec<Step>,
    /// What an earlier process left.
    pub record: Option<UptimeRecord>,
}

/// A sign with what its own vantage reads back.
#[derive(Serialize, Deserialize)]
struct StoredHeartbeat {
    #[serde(flatten)]
    life: Heartbeat,
    #[serde(default)]
    record: Option<UptimeRecord>,
}

/// Gives a sign, when it is time for one; `expires` is when the token does.
///
/// # Errors
/// [`NeedClosed`] when it is time, and the closed issues were not listed.
pub fn plan(
    alive: &HeartbeatInput,
    expires: Option<Timestamp>,
    listing: &Listing,
) -> Result<HeartbeatPlan, NeedClosed> {
    let now = listing.at.or(alive.view.at).map(|at| at.as_second());
    let Some(at) = now.and_then(|second| Timestamp::from_second(second).ok()) else {
        return Ok(HeartbeatPlan::default());
    };
    let passed = |last| Duration::try_from(at.duration_since(last)).unwrap_or(alive.every);
    if alive.past.heartbeat_written.is_some_and(|last| passed(last) < alive.every) {
        return Ok(HeartbeatPlan::default());
    }
    let closed = listing.closed.as_ref().ok_or(NeedClosed)?;
    let vantage = &alive.view.vantage;
    let ours = |aside: &&AuxiliaryIssue| {
        Heartbeat::find(&aside.body).is_some_and(|sign| sign.vantage == *vantage)
    };
    let mut signs: Vec<&AuxiliaryIssue> = listing.auxiliary.iter().filter(ours).collect();
    signs.sort_by_key(|aside| (!aside.open, aside.number));
    let sign = signs.first();
    let read =
        sign.and_then(|sign| serde_json::from_str::<StoredHeartbeat>(hidden(&sign.body)?).ok());
    let record = read.and_then(|sign| sign.record);
    let mut past = alive.past.clone();
    past.recall(record.as_ref());
    let text = body(alive, &past, expires, at, listing.open.iter().chain(closed));
    let edit = |issue, body, state| Step::Edit {
        issue,
        title: None,
        body,
        state,
        settles: Vec::new(),
        reports: None,
    };
    let mut steps = vec![match sign {
        None => Step::Create {
            incident: format!("life/{vantage}"),
            title: format!("pilotlight: {vantage} is watching"),
            body: text,
            over: false,
            calm: true,
        },
        Some(sign) => {
            let again = (!sign.open).then_some(IssueState::Open);
            edit(sign.number, merge(&sign.body, &text), again)
        }
    }];
    // Made when the first seemed lost.
    let others = signs.iter().skip(1).filter(|other| other.open);
    steps.extend(
        others.map(|other| edit(other.number, unmark(&other.body), Some(IssueState::NotPlanned))),
    );
    Ok(HeartbeatPlan { at: Some(at), steps, record })
}

fn body<'a>(
    alive: &HeartbeatInput,
    past: &UptimeHistory,
    expires: Option<Timestamp>,
    at: Timestamp,
    issues: impl Iterator<Item = &'a Issue>,
) -> String {
    let HeartbeatInput { view, every, .. } = alive;
    let subjects: Vec<&SubjectStatus> = view.nameservers.iter().chain(&view.endpoints).collect();
    let names = subjects.iter().map(|subject| subject.name.as_str());
    let life = Heartbeat { vantage: view.vantage.clone(), at, every: every.as_secs() };
    let sign = StoredHeartbeat { life, record: Some(past.record(names, at)) };
    let mut text = hide(&serde_json::to_string(&sign).expect("a sign is plain data"));
    text.push_str(&format!(
        "\n*{}* is watching. What it saw at **{}** ({}):\n\n\
         | | | 24 h | 7 d | 30 d |\n|---|---|---|---|---|\n",
        view.vantage,
        wall_text(past.round.and_then(|round| round.wall)),
        view.uplink.map(uplink_text).unwrap_or_default(),
    ));
    let end = text.len() + TABLES;
    let rows: Vec<[String; 2]> = subjects.iter().map(|subject| rows(subject, past, at)).collect();
    let fits = rows.iter().scan(text.len() + 200, |used, [state, picture]| {
        *used += state.len() + picture.len();
        (*used < end).then_some(())
    });
    let fits = fits.count();
    rows[..fits].iter().for_each(|[state, _]| text.push_str(state));
    if let left @ 1.. = rows.len() - fits {
        text.push_str(&format!("\n… and {left} more.\n"));
    }
    text.push_str(
        "\nIn percent, the time in which it was not down, of the time in which it was seen; and the mean \
         latency.\n\n| | the last 30 days (UTC), today on the right |\n|---|---|\n",
    );
    rows[..fits].iter().for_each(|[_, picture]| text.push_str(picture));
    text.push_str("\n🟩 well, 🟨 degraded for a time, 🟥 down for a time, ⬜ not seen\n\n");
    text.push_str(&story(&subjects, at, issues));
    text.push_str(&format!("\n{}\n", machine(alive, expires)));
    text.push_str(&format!(
        "\nThis text is replaced every {}, of which nobody is notified. When that ceases, *{}* is silent. To take \
         it out of service, switch it off and close this issue.\n{CLOSING}",
        span_text(*every),
        view.vantage,
    ));
    text
}

/// A subject's row in the table, and in the picture.
fn rows(subject: &SubjectStatus, past: &UptimeHistory, at: Timestamp) -> [String; 2] {
    const HOUR: u64 = 3600;
    let name = cell(&subject.name);
    let issue = subject.issue.map_or_else(String::new, |number| format!(" (#{number})"));
    let now = match (subject.state.as_str(), subject.since) {
        (state @ ("degraded" | "down" | "recovering"), since) => {
            format!("**{state}** since {}{issue}", wall_text(since))
        }
        (state, _) => state.to_owned(),
    };
    let figures = [
        (past.hours(&subject.name, at, 24), 24 * HOUR),
        (past.days(&subject.name, at, 7), 7 * 24 * HOUR),
        (past.days(&subject.name, at, 30), 30 * 24 * HOUR),
    ];
    let [day, week, month] = figures.map(|(count, of)| figure(&count, Duration::from_secs(of)));
    let days = (0..PICTURE).rev().map(|ago| past.day(&subject.name, at, ago));
    let squares: String = days.map(|day| square(&day)).collect();
    [
        format!("| {name} | {now} | {day} | {week} | {month} |\n"),
        format!("| {name} | {squares} |\n"),
    ]
}

/// `99.93 %, 20.3 ms`; with how long it was seen, where that is much less than it might have been.
fn figure(count: &Count, of: Duration) -> String {
    let Some(up) = count.up() else { return "–".to_owned() };
    let mut text = match up {
        10_000 => "100 %".to_owned(),
        up => format!("{}.{:02} %", up / 100, up % 100),
    };
    if count.seen() < of * 9 / 10 {
        text.push_str(&format!(" of {}", span_text(count.seen())));
    }
    if let Some(latency) = count.latency() {
        text.push_str(&format!(", {:.1} ms", latency.as_secs_f64() * 1e3));
    }
    text
}

fn square(day: &Count) -> char {
    match day.worst() {
        Some(Severity::Down) => '🟥',
        Some(Severity::Degraded) => '🟨',
        None if day.seen().is_zero() => '⬜',
        None => '🟩',
    }
}

/// The incidents of the last time, as issues tell of them, newest first.
fn story<'a>(
    subjects: &[&SubjectStatus],
    at: Timestamp,
    issues: impl Iterator<Item = &'a Issue>,
) -> String {
    let watched = |issue: &&Issue| subjects.iter().any(|s| s.name == issue.marker.subject);
    let mut told: Vec<(Timestamp, &Issue)> = issues
        .filter(watched)
        .filter_map(|issue| Some((issue.marker.since?, issue)))
        .filter(|(since, _)| Duration::try_from(at.duration_since(*since)).is_ok_and(|d| d < STORY))
        .collect();
    if told.is_empty() {
        return "No incident in the last 90 days.\n".to_owned();
    }
    told.sort_by_key(|(since, issue)| std::cmp::Reverse((*since, issue.number)));
    let mut text =
        "| incidents of the last 90 days | | since | lasted | issue |\n|---|---|---|---|---|\n"
            .to_owned();
    for (since, issue) in told.iter().take(INCIDENTS) {
        let end = issue.marker.ended_at.or(issue.closed_at).filter(|_| !issue.open);
        let span = Duration::try_from(end.unwrap_or(at).duration_since(*since)).unwrap_or_default();
        text.push_str(&format!(
            "| {} | {} | {} | {}{} | #{} |\n",
            cell(&issue.marker.subject),
            issue.marker.worst,
            wall_text(Some(*since)),
            span_text(span),
            if issue.open { " so far" } else { "" },
            issue.number
        ));
    }
    if let left @ 1.. = told.len().saturating_sub(INCIDENTS) {
        text.push_str(&format!("\n… and {left} more.\n"));
    }
    text
}

/// What runs, and on what.
fn machine(alive: &HeartbeatInput, expires: Option<Timestamp>) -> String {
    let Hardware { model, up, celsius, under_voltage } = &alive.board;
    let mut said = vec![format!(
        "pilotlight {}{} on {}",
        alive.view.pilotlight,
        alive
            .view
            .program
            .as_ref()
            .map_or_else(String::new, |program| format!(" ({})", Program::short(&program.hash))),
        model.as_deref().map_or_else(|| "a board that does not say its name".to_owned(), cell)
    )];
    said.extend(up.map(|up| format!("switched on {} ago", span_text(up))));
    said.extend(celsius.map(|celsius| format!("{celsius:.1} °C")));
    said.extend(under_voltage.map(|weak| match weak {
        true => "**its power supply is too weak**".to_owned(),
        false => "its power supply is strong enough".to_owned(),
    }));
    let token = expires.map(|at| format!(" The token expires on {}.", wall_text(Some(at))));
    format!("{}.{}", said.join(", "), token.unwrap_or_default())
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
