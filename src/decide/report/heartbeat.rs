//! The heartbeat: one issue per vantage, from which people and other vantages see that it watches.
//!
//! It takes the way of an alert, and so proves that way. Its body is edited, which notifies nobody. Its record is
//! `<!-- pilotlight {"life":"home","at":"2026-03-01T12:00:00Z","every":21600,"record":{…}} -->`. The
//! [`UptimeRecord`] in it is the memory of a board that writes nothing to its card: a later process goes on from it.
//!
//! A person closes the issue to take the vantage out of service: from then on no other vantage counts it. A vantage
//! that is in service after all opens its issue again with its next heartbeat.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::Severity;
use crate::decide::judge::uplink::uplink_text;
use crate::decide::report::auxiliary;
use crate::decide::report::github::{Issue, IssueState, Listing, Step};
use crate::decide::report::markdown::cell;
use crate::decide::report::marker::{CLOSING, hide, merge, read};
use crate::decide::show::status::{Program, Status, SubjectStatus};
use crate::decide::time::{span_text, wall_text};
use crate::decide::track::health_state::HealthState;
use crate::decide::track::uptime::{Count, UptimeHistory, UptimeRecord};

/// Days in the row of squares.
const SQUARES: i64 = 30;

/// Incidents that began longer ago are left out.
const RECENT: Duration = Duration::from_secs(90 * 86_400);

/// What the tables may take of a body in bytes, beside the record.
const TABLES: usize = 25_000;

/// A card is old after so many days, as in `image/root/usr/lib/pilotlight/care`.
const OLD: i64 = 180;

/// This many incidents are listed; the others are counted.
const INCIDENTS: usize = 20;

/// What a heartbeat shows.
#[derive(Debug, Clone)]
pub struct HeartbeatInput {
    pub view: Status,
    pub past: UptimeHistory,
    pub board: Hardware,
    /// The time from one heartbeat to the next.
    pub every: Duration,
}

/// The board, as far as its kernel shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hardware {
    /// `Raspberry Pi 3 Model B Rev 1.2`.
    pub model: Option<String>,
    /// The time since power-on.
    pub up: Option<Duration>,
    pub celsius: Option<f64>,
    /// Whether the power supply was too weak lately.
    pub under_voltage: Option<bool>,
    /// The date of the Debian on our own image, which is never updated.
    pub debian: Option<Date>,
}

/// The steps of a heartbeat, and what was read on the way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatPlan {
    /// The date of the heartbeat, by GitHub's clock; `None` if none is due.
    pub at: Option<Timestamp>,
    pub steps: Vec<Step>,
    /// The record of an earlier process.
    pub record: Option<UptimeRecord>,
}

/// What other vantages read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    #[serde(rename = "life")]
    pub vantage: String,
    /// By GitHub's clock ([`Listing::at`]).
    pub at: Timestamp,
    /// Seconds to the next heartbeat.
    pub every: u64,
}

impl Heartbeat {
    /// Whether the vantage counts as alive: it has missed at most one heartbeat.
    #[must_use]
    pub fn fresh(&self, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        age <= Duration::from_secs(self.every.saturating_mul(2))
    }
}

/// A heartbeat with what its own vantage reads back.
#[derive(Serialize, Deserialize)]
struct StoredHeartbeat {
    #[serde(flatten)]
    heartbeat: Heartbeat,
    #[serde(default)]
    record: Option<UptimeRecord>,
}

/// The vantages that were alive when GitHub made this listing.
pub(super) fn alive_vantages(listing: &Listing) -> impl Iterator<Item = String> {
    let open = listing.auxiliary.iter().filter(|issue| issue.open);
    let heartbeats = open.filter_map(|issue| read::<Heartbeat>(&issue.body));
    let fresh = heartbeats.filter(|found| listing.at.is_none_or(|now| found.fresh(now)));
    fresh.map(|heartbeat| heartbeat.vantage)
}

/// The date of the heartbeat that is due now, if one is.
pub(super) fn due(input: &HeartbeatInput, listing: &Listing) -> Option<Timestamp> {
    let now = listing.at.or(input.view.at)?;
    let at = Timestamp::from_second(now.as_second()).ok()?;
    let age = |last| Duration::try_from(at.duration_since(last)).unwrap_or(input.every);
    let early = input.past.heartbeat_written.is_some_and(|last| age(last) < input.every);
    (!early).then_some(at)
}

/// The steps of the heartbeat, when one is due.
pub(super) fn plan(input: &HeartbeatInput, listing: &Listing) -> HeartbeatPlan {
    let Some(at) = due(input, listing) else { return HeartbeatPlan::default() };
    let vantage = &input.view.vantage;
    let found = auxiliary::find(listing, |found: &Heartbeat| found.vantage == *vantage);
    let issue = found.first().map(|(issue, _)| *issue);
    let stored = issue.and_then(|issue| read::<StoredHeartbeat>(&issue.body));
    let record = stored.and_then(|stored| stored.record);
    let mut past = input.past.clone();
    past.recall(record.as_ref());
    let text = body(input, &past, at, listing);
    let mut steps = vec![match issue {
        None => Step::Create {
            incident: format!("life/{vantage}"),
            title: format!("pilotlight: {vantage} is watching"),
            body: text,
            resolved: false,
            no_labels: true,
        },
        Some(issue) => {
            let again = (!issue.open).then_some(IssueState::Open);
            Step::edit(issue.number, merge(&issue.body, &text), again)
        }
    }];
    steps.extend(auxiliary::close_duplicates(&found));
    HeartbeatPlan { at: Some(at), steps, record }
}

fn body(input: &HeartbeatInput, past: &UptimeHistory, at: Timestamp, listing: &Listing) -> String {
    let HeartbeatInput { view, every, .. } = input;
    let subjects: Vec<&SubjectStatus> = view.subjects().map(|(_, subject)| subject).collect();
    let names = subjects.iter().map(|subject| subject.name.as_str());
    let heartbeat = Heartbeat { vantage: view.vantage.clone(), at, every: every.as_secs() };
    let mut text = hide(&StoredHeartbeat { heartbeat, record: Some(past.record(names, at)) });
    text.push_str(&format!(
        "\n*{}* is watching. The round at **{}** ({}):\n\n\
         | | | 24 h | 7 d | 30 d |\n|---|---|---|---|---|\n",
        view.vantage,
        wall_text(past.round.and_then(|round| round.wall)),
        view.uplink.map(uplink_text).unwrap_or_default(),
    ));
    let rows: Vec<[String; 2]> = subjects.iter().map(|subject| rows(subject, past, at)).collect();
    let fits = rows.iter().scan(200, |used, [state, squares]| {
        *used += state.len() + squares.len();
        (*used < TABLES).then_some(())
    });
    let fits = fits.count();
    rows[..fits].iter().for_each(|[state, _]| text.push_str(state));
    if let left @ 1.. = rows.len() - fits {
        text.push_str(&format!("\n… and {left} more.\n"));
    }
    text.push_str(
        "\nThe percentage is the time not down, of the time observed; then the mean latency.\n\n\
         | | the last 30 days (UTC), today on the right |\n|---|---|\n",
    );
    rows[..fits].iter().for_each(|[_, squares]| text.push_str(squares));
    text.push_str("\n🟩 well, 🟨 degraded for a time, 🟥 down for a time, ⬜ not observed\n\n");
    text.push_str(&incidents(&subjects, at, listing));
    text.push_str(&format!("\n{}\n", machine(input, listing.token_expires, at)));
    text.push_str(&format!(
        "\nThis text is replaced every {}, which notifies nobody. If that stops, *{}* is silent. To take it out \
         of service, switch it off and close this issue.\n{CLOSING}",
        span_text(*every),
        view.vantage,
    ));
    text
}

/// A subject's row in the table of states, and in the table of squares.
fn rows(subject: &SubjectStatus, past: &UptimeHistory, at: Timestamp) -> [String; 2] {
    const HOUR: u64 = 3600;
    let name = cell(&subject.name);
    let issue = subject.issue.map_or_else(String::new, |number| format!(" (#{number})"));
    let now = match (subject.state, subject.since) {
        (HealthState::Well | HealthState::Suspect | HealthState::Unknown, _) => {
            subject.state.to_string()
        }
        (state, since) => format!("**{state}** since {}{issue}", wall_text(since)),
    };
    let figures = [
        (past.hours(&subject.name, at, 24), 24 * HOUR),
        (past.days(&subject.name, at, 7), 7 * 24 * HOUR),
        (past.days(&subject.name, at, 30), 30 * 24 * HOUR),
    ];
    let [day, week, month] = figures.map(|(count, of)| figure(&count, Duration::from_secs(of)));
    let days = (0..SQUARES).rev().map(|ago| past.day(&subject.name, at, ago));
    let squares: String = days.map(|day| square(&day)).collect();
    [
        format!("| {name} | {now} | {day} | {week} | {month} |\n"),
        format!("| {name} | {squares} |\n"),
    ]
}

/// `99.93 %, 20.3 ms`; with the time observed, if that is less than nine tenths of the time asked about.
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

/// The incidents of the last 90 days, from their issues, newest first.
fn incidents(subjects: &[&SubjectStatus], at: Timestamp, listing: &Listing) -> String {
    let watched = |issue: &&Issue| subjects.iter().any(|s| s.name == issue.opener.subject);
    let issues = listing.open.iter().chain(&listing.closed).filter(watched);
    let mut recent: Vec<(Timestamp, &Issue)> = issues
        .filter_map(|issue| Some((issue.opener.since?, issue)))
        .filter(|(since, _)| {
            Duration::try_from(at.duration_since(*since)).is_ok_and(|d| d < RECENT)
        })
        .collect();
    if recent.is_empty() {
        return "No incident in the last 90 days.\n".to_owned();
    }
    recent.sort_by_key(|(since, issue)| std::cmp::Reverse((*since, issue.number)));
    let mut text =
        "| incidents of the last 90 days | | since | lasted | issue |\n|---|---|---|---|---|\n"
            .to_owned();
    for (since, issue) in recent.iter().take(INCIDENTS) {
        let end = issue.opener.ended_at.or(issue.closed_at).filter(|_| !issue.open);
        let span = Duration::try_from(end.unwrap_or(at).duration_since(*since)).unwrap_or_default();
        text.push_str(&format!(
            "| {} | {} | {} | {}{} | #{} |\n",
            cell(&issue.opener.subject),
            issue.opener.worst,
            wall_text(Some(*since)),
            span_text(span),
            if issue.open { " so far" } else { "" },
            issue.number
        ));
    }
    if let left @ 1.. = recent.len().saturating_sub(INCIDENTS) {
        text.push_str(&format!("\n… and {left} more.\n"));
    }
    text
}

/// The program, the board and the token.
fn machine(input: &HeartbeatInput, expires: Option<Timestamp>, at: Timestamp) -> String {
    let Hardware { model, up, celsius, under_voltage, debian } = &input.board;
    let program = input.view.program.as_ref();
    let mut parts = vec![format!(
        "pilotlight {}{} on {}",
        input.view.pilotlight,
        program.map_or_else(String::new, |p| format!(" ({})", Program::short(&p.hash))),
        model.as_deref().map_or_else(|| "an unknown board".to_owned(), cell)
    )];
    parts.extend(up.map(|up| format!("switched on {} ago", span_text(up))));
    parts.extend(celsius.map(|celsius| format!("{celsius:.1} °C")));
    parts.extend(under_voltage.map(|weak| match weak {
        true => "**the power supply is too weak**".to_owned(),
        false => "the power supply is strong enough".to_owned(),
    }));
    let token = expires.map(|at| format!(" The token expires on {}.", wall_text(Some(at))));
    let today = Offset::UTC.to_datetime(at).date();
    let age =
        debian.map(|date| today.duration_since(date).as_hours() / 24).filter(|days| *days >= OLD);
    let old = age.map(|days| {
        format!(
            " **The Debian on the card is {days} days old.** Write a new image to the card, which takes five minutes; \
             keep `pilotlight.toml` with the files that it names, `authorized_keys`, `root_keys` and `wifi.conf`, and \
             put the token on the card again."
        )
    });
    format!("{}.{}{}", parts.join(", "), token.unwrap_or_default(), old.unwrap_or_default())
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
