//! The text of an issue and of its comments.

use crate::config::{Schedule, address_text};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::report::markdown::{cell, code};
use crate::decide::report::marker::{CLOSING, VantageObservation, hide, vantages_part};
use crate::decide::time::{Moment, span_text, wall_text};
use crate::decide::track::incident::DesiredIssue;
use crate::decide::track::subject_kind::SubjectKind;
use crate::text::printable_up_to;

/// A body or a comment has at most this many characters; GitHub takes 65,536.
const BODY: usize = 65_000;

/// A table has at most this many bytes; rows beyond are counted.
const TABLE: usize = 30_000;

/// The line that counts them.
const COUNTED: usize = 50;

/// GitHub takes 256 characters in a title.
const TITLE: usize = 200;

/// A comment names this many zones, and counts the others.
const NAMED: usize = 20;

/// `ns2.example.net is down`.
#[must_use]
pub fn title(subject: &str, severity: Severity) -> String {
    format!("{} is {severity}", printable_up_to(subject, TITLE))
}

/// Whether pilotlight wrote this title, and may replace it.
#[must_use]
pub fn is_our_title(subject: &str, text: &str) -> bool {
    [Severity::Down, Severity::Degraded].iter().any(|s| text == title(subject, *s))
}

/// Changes with the table of the body, except for the number of queries that got the same answer.
#[must_use]
pub fn body_digest(wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let rows = incident.findings.iter().map(|finding| {
        let Finding { address, zone, fault, question, detail, .. } = finding;
        format!("{address} {zone} {fault} {question} {detail}")
    });
    digest(incident.severity, rows)
}

/// Changes with what a person would act on: the severity, and which zones are faulty at which address.
#[must_use]
pub fn alert_digest(wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let places = incident.findings.iter().map(|f| format!("{} {}", f.address, f.zone));
    digest(incident.severity, places)
}

/// FNV-1a (64 bit, draft-eastlake-fnv). Issues of older versions hold such digests: with another function, an
/// update of the program would comment on every open issue.
fn digest(severity: Severity, parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    parts.sort();
    parts.dedup();
    let text = format!("{severity}\n{}", parts.join("\n"));
    format!("{:016x}", hash(&text))
}

/// FNV-1a.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The observation comment of a vantage that did not open the issue.
#[must_use]
pub fn observation_text(vantage: &str, wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let subject = &wanted.subject;
    let since = wall_text(incident.since.wall);
    let state = match &wanted.ended {
        None => format!("**{subject}** is **{}** since {since}", incident.severity),
        Some(end) => format!("{}. It is well again", was(wanted, end)),
    };
    let mut text = format!("Also seen from *{vantage}*: {state}.\n");
    if !incident.findings.is_empty() {
        text.push_str(&table(wanted.kind, &incident.findings, TABLE));
    }
    text
}

/// `**ns1.example.net** was **down** from … to … (5 min)`.
fn was(wanted: &DesiredIssue, end: &Moment) -> String {
    let incident = &wanted.incident;
    format!(
        "**{}** was **{}** from {} to {} ({})",
        wanted.subject,
        incident.worst,
        wall_text(incident.since.wall),
        wall_text(end.wall),
        span_text(end.since(&incident.since))
    )
}

/// Our part of an issue's body, with the paragraph about the vantages, which may be empty. `theirs`: how many
/// characters people have added.
#[must_use]
pub fn body(
    wanted: &DesiredIssue,
    ours: &VantageObservation,
    schedule: &Schedule,
    vantages: &str,
    theirs: usize,
) -> String {
    let incident = &wanted.incident;
    let subject = &wanted.subject;
    let vantage = &ours.vantage;
    let mut text = hide(ours);
    text.push_str(&match &wanted.ended {
        None => format!(
            "\n**{subject}** is **{}**: {}. Seen from *{vantage}* since {}.\n",
            incident.severity,
            meaning(wanted.kind, incident.severity),
            wall_text(incident.since.wall)
        ),
        Some(end) => {
            format!("\n{}, seen from *{vantage}*. The faults, as last seen:\n", was(wanted, end))
        }
    });
    if !vantages.is_empty() {
        text.push_str(&format!("\n{}\n", vantages_part(vantages)));
    }
    let tail = tail(wanted, schedule);
    let room = BODY.saturating_sub(theirs + text.len() + tail.len());
    text.push_str(&table(wanted.kind, &incident.findings, room.min(TABLE)));
    text + &tail
}

/// What follows the table.
fn tail(wanted: &DesiredIssue, schedule: &Schedule) -> String {
    let DesiredIssue { subject, incident, .. } = wanted;
    let mut text = String::new();
    if wanted.ended.is_none() {
        text.push_str(what_to_do(wanted.kind));
    }
    if !incident.history.is_empty() {
        text.push_str(&format!(
            "\nThe last checks before this was written (UTC): {}.\n",
            history(wanted)
        ));
    }
    if wanted.ended.is_none() {
        let checks = match schedule.close_after {
            1 => "one check without a fault".to_owned(),
            n => format!("{n} checks in a row without a fault"),
        };
        text.push_str(&format!(
            "\npilotlight checks {subject} every {}. After {checks} this issue closes by itself. If you close it \
             earlier, it stays closed until then.\n",
            span_text(schedule.interval_of(wanted.kind == SubjectKind::Zone))
        ));
    }
    text.push_str(CLOSING);
    text
}

fn what_to_do(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Zone => {
            "\n**What to do.** The fault is not at your nameservers, but in what the zone above has about your zone, or \
             in its signatures. Run a command of the table on any machine (`delv` comes with BIND's tools). What the \
             zone above has is changed at your registrar: the nameservers, their addresses (glue), and the DS \
             records. Changes take as long as the TTL of the old records to arrive everywhere.\n"
        }
        SubjectKind::Nameserver | SubjectKind::Endpoint => {
            "\n**What to do.** Run a command of the table on another network. If it shows the same fault \
             there, the server is at fault, or the network close to it. If it does not, the fault lies between \
             this vantage and the server.\n"
        }
    }
}

/// For a reader who does not know pilotlight.
fn meaning(kind: SubjectKind, severity: Severity) -> &'static str {
    match severity {
        Severity::Down if kind == SubjectKind::Zone => {
            "its own nameservers are asked elsewhere; this is what the rest of the internet is led to"
        }
        Severity::Down => "it does not answer, or its answers are wrong",
        Severity::Degraded if kind == SubjectKind::Endpoint => "it answers, but with a fault",
        Severity::Degraded => "names still resolve, but there is a fault",
    }
}

/// A table of at most so many bytes, as far as the head and the line that counts the other rows leave a choice.
fn table(kind: SubjectKind, rows: &[Finding], room: usize) -> String {
    let first = match kind {
        SubjectKind::Nameserver | SubjectKind::Zone => "zone",
        SubjectKind::Endpoint => "name",
    };
    let mut text = format!(
        "\n| {first} | address | the fault | the command that shows it |\n|---|---|---|---|\n",
    );
    let mut lines = rows.iter().map(table_row).enumerate();
    let left = lines.find_map(|(index, line)| {
        if text.len() + line.len() + COUNTED > room {
            return Some(rows.len() - index);
        }
        text.push_str(&line);
        None
    });
    match left {
        None => {}
        Some(1) => text.push_str("\n… and 1 more row.\n"),
        Some(left) => text.push_str(&format!("\n… and {left} more rows.\n")),
    }
    text
}

fn table_row(row: &Finding) -> String {
    let more = match row.more {
        0 => String::new(),
        1 => " (and 1 more query)".to_owned(),
        n => format!(" (and {n} more queries)"),
    };
    let (zone, detail) = (cell(&row.zone), cell(&row.detail));
    let (question, command) = (code(&row.question), code(&row.command));
    let address = address_text(&row.address);
    format!("| {zone} | `{address}` | {question}: it {detail}{more} | {command} |\n")
}

/// `12:00:20 down (2 zones), 12:00:40 well`.
fn history(wanted: &DesiredIssue) -> String {
    let checks = wanted.incident.history.iter().map(|past| {
        let at = past.at.map_or_else(|| "?".to_owned(), |t| t.strftime("%H:%M:%S").to_string());
        match (past.severity, past.zones) {
            (None, _) => format!("{at} well"),
            (Some(severity), _) if wanted.kind != SubjectKind::Nameserver => {
                format!("{at} {severity}")
            }
            (Some(severity), 1) => format!("{at} {severity} (1 zone)"),
            (Some(severity), zones) => format!("{at} {severity} ({zones} zones)"),
        }
    });
    checks.collect::<Vec<_>>().join(", ")
}

/// The comment on a change.
#[must_use]
pub fn changed_text(wanted: &DesiredIssue) -> String {
    let zones = wanted.incident.zones();
    let places = match zones.len() {
        _ if wanted.kind != SubjectKind::Nameserver => String::new(),
        1 => format!(" for 1 zone: {}", named(&zones)),
        n => format!(" for {n} zones: {}", named(&zones)),
    };
    format!(
        "Changed: **{}** is now **{}**{places}. The table above is up to date.",
        wanted.subject, wanted.incident.severity
    )
}

fn named(zones: &[&str]) -> String {
    let (first, more) = zones.split_at(zones.len().min(NAMED));
    let first: Vec<String> = first.iter().map(|zone| cell(zone)).collect();
    match more.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The last comment.
#[must_use]
pub fn closed_text(wanted: &DesiredIssue, end: &Moment) -> String {
    let incident = &wanted.incident;
    format!(
        "**{}** is well again. It was {} for {}, from {} to {}.",
        wanted.subject,
        incident.worst,
        span_text(end.since(&incident.since)),
        wall_text(incident.since.wall),
        wall_text(end.wall)
    )
}

/// The comment on an issue that is opened again.
#[must_use]
pub fn again_text(wanted: &DesiredIssue) -> String {
    format!(
        "**{}** is {} again, since {}.",
        wanted.subject,
        wanted.incident.severity,
        wall_text(wanted.incident.since.wall)
    )
}

#[cfg(test)]
#[path = "text_tests.rs"]
pub(in crate::decide) mod tests;
