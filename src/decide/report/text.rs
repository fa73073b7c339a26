//! The words of an issue, and the hidden marker by which it is found again.
//!
//! Our part of a body stands between two HTML comments, the first of which is the marker; what people
//! write outside of them is theirs and stays.

use crate::config::{Schedule, address_text};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::report::marker::{CLOSING, Marker, hide, seen};
use crate::decide::time::{Moment, span_text, wall_text};
use crate::decide::track::incident::DesiredIssue;
use crate::decide::track::subject_kind::SubjectKind;

/// GitHub takes 65,536 characters, and people write some of them: rows that do not fit are counted.
const TABLE: usize = 30_000;

/// What one server sent may be long (a TXT record); its beginning tells which it is.
const DETAIL: usize = 300;

/// A comment names this many zones, and counts the others.
const NAMED: usize = 20;

/// `ns2.example.net is down`.
#[must_use]
pub fn title(subject: &str, severity: Severity) -> String {
    format!("{subject} is {severity}")
}

/// A title that we wrote, and may write again.
#[must_use]
pub fn is_our_title(subject: &str, text: &str) -> bool {
    [Severity::Down, Severity::Degraded].iter().any(|s| text == title(subject, *s))
}

/// What the body shows: changes when the table would say something else, but for the number of questions
/// that got the same answer.
#[must_use]
pub fn body_digest(wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let rows = incident.findings.iter().map(|row| {
        let Finding { address, zone, fault, question, detail, .. } = row;
        format!("{address} {zone} {fault} {question} {detail}")
    });
    digest(incident.severity, rows)
}

/// What a person would act on: how bad, and which zones where.
#[must_use]
pub fn alert_digest(wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let places = incident.findings.iter().map(|row| format!("{} {}", row.address, row.zone));
    digest(incident.severity, places)
}

/// FNV-1a (64 bit, draft-eastlake-fnv): small, and the same in every version of this program.
fn digest(severity: Severity, parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    parts.sort();
    parts.dedup();
    let text = format!("{severity}\n{}", parts.join("\n"));
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// What a vantage says in the issue of another.
#[must_use]
pub fn observation_text(vantage: &str, wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    let subject = &wanted.subject;
    let since = wall_text(incident.since.wall);
    let said = match &wanted.ended {
        None => format!("**{subject}** is **{}** since {since}", incident.severity),
        Some(end) => format!(
            "**{subject}** was **{}** from {since} to {} ({}), and is seen well again",
            incident.worst,
            wall_text(end.wall),
            span_text(end.since(&incident.since))
        ),
    };
    let mut text = format!("Also seen from *{vantage}*: {said}.\n");
    if !incident.findings.is_empty() {
        table(&mut text, wanted.kind, &incident.findings);
    }
    text
}

/// The same as a comment, which is found again by its key and remembers what an issue would.
#[must_use]
pub fn observation_comment(key: &str, marker: &Marker, text: &str) -> String {
    let mut json = serde_json::to_value(marker).expect("a marker is plain data");
    json["comment"] = key.into();
    format!("{}\n{text}\n", hide(&json.to_string()))
}

/// Our part of an issue's body, with what there is to say of the vantages; mostly nothing.
#[must_use]
pub fn body(wanted: &DesiredIssue, marker: &Marker, schedule: &Schedule, vantages: &str) -> String {
    let incident = &wanted.incident;
    let subject = &wanted.subject;
    let vantage = &marker.vantage;
    let mut text = marker.line();
    let since = wall_text(incident.since.wall);
    text.push_str(&match &wanted.ended {
        None => format!(
            "\n**{subject}** is **{}**: {}. Seen from *{vantage}* since {since}.\n",
            incident.severity,
            meaning(wanted.kind, incident.severity)
        ),
        Some(end) => format!(
            "\n**{subject}** was **{}** from {since} to {} ({}), as seen from *{vantage}*. What was wrong, as \
             last seen:\n",
            incident.worst,
            wall_text(end.wall),
            span_text(end.since(&incident.since)),
        ),
    });
    if !vantages.is_empty() {
        text.push_str(&format!("\n{}\n", seen(vantages)));
    }
    table(&mut text, wanted.kind, &incident.findings);
    if wanted.ended.is_none() {
        text.push_str(
            "\n**What to do.** Run a command of the table from somewhere else. If it shows the same there, \
             the server is at fault, or the network close to it. If it does not, the fault lies between \
             this vantage and the server.\n",
        );
    }
    if !incident.history.is_empty() {
        text.push_str("\nThe last times it was asked before this was written (UTC): ");
        text.push_str(&history(wanted));
        text.push_str(".\n");
    }
    if wanted.ended.is_none() {
        let in_a_row = match schedule.close_after {
            1 => String::new(),
            n => format!(" {n} times in a row"),
        };
        text.push_str(&format!(
            "\npilotlight asks {subject} every {}. This issue closes by itself once it has answered as it \
             should{in_a_row}; closed by hand, it stays closed until then.\n",
            span_text(schedule.interval)
        ));
    }
    text.push_str(CLOSING);
    text
}

/// For whoever has never heard of us.
fn meaning(kind: SubjectKind, severity: Severity) -> &'static str {
    match severity {
        Severity::Degraded if kind == SubjectKind::Endpoint => {
            "it answers, but not everything is as it should be"
        }
        Severity::Down => "whoever asks it gets no answer, or a wrong one",
        Severity::Degraded => "names still resolve, but not everything is as it should be",
    }
}

fn table(text: &mut String, kind: SubjectKind, rows: &[Finding]) {
    let first = match kind {
        SubjectKind::Nameserver => "zone",
        SubjectKind::Endpoint => "name",
    };
    text.push_str(&format!(
        "\n| {first} | address | what it does | the command that shows it |\n|---|---|---|---|\n",
    ));
    let end = text.len() + TABLE;
    let mut lines = rows.iter().map(table_row).enumerate();
    let left = lines.find_map(|(index, line)| {
        if text.len() + line.len() > end {
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
}

fn table_row(row: &Finding) -> String {
    let more = match row.more {
        0 => String::new(),
        1 => " (and 1 question more)".to_owned(),
        n => format!(" (and {n} questions more)"),
    };
    let (zone, detail) = (cell(&row.zone), cell(&row.detail));
    let Finding { question, command, .. } = row;
    let address = address_text(&row.address);
    format!("| {zone} | `{address}` | `{question}`: it {detail}{more} | `{command}` |\n")
}

/// Text from the network goes into a table: it must stay in its cell, and mention nobody and no issue.
///
/// Neither a backslash nor a character reference keeps GitHub from making a mention of what follows an
/// `@` (<https://github.com/github/cmark-gfm/issues/181>); a space of no width does.
pub(super) fn cell(text: &str) -> String {
    let mut safe = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == DETAIL => {
                safe.push('…');
                break;
            }
            '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '~' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            '@' | '#' => {
                safe.push(c);
                safe.push_str("&#8203;");
            }
            '&' => safe.push_str("&amp;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn history(wanted: &DesiredIssue) -> String {
    let said = wanted.incident.history.iter().map(|past| {
        let at = past.at.map_or_else(|| "?".to_owned(), |t| t.strftime("%H:%M:%S").to_string());
        match (past.severity, past.zones) {
            (None, _) => format!("{at} well"),
            (Some(severity), _) if wanted.kind == SubjectKind::Endpoint => {
                format!("{at} {severity}")
            }
            (Some(severity), 1) => format!("{at} {severity} (1 zone)"),
            (Some(severity), zones) => format!("{at} {severity} ({zones} zones)"),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

/// A comment on what has changed.
#[must_use]
pub fn changed_text(wanted: &DesiredIssue) -> String {
    let incident = &wanted.incident;
    if wanted.kind == SubjectKind::Endpoint {
        let (subject, severity) = (&wanted.subject, incident.severity);
        return format!(
            "Changed: **{subject}** is now **{severity}**. The table above is up to date."
        );
    }
    let zones = incident.zones();
    let word = if zones.len() == 1 { "zone" } else { "zones" };
    format!(
        "Changed: **{}** is now **{}** for {} {word}: {}. The table above is up to date.",
        wanted.subject,
        incident.severity,
        zones.len(),
        named(&zones)
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
pub fn closed_text(wanted: &DesiredIssue, ended: &Moment) -> String {
    let incident = &wanted.incident;
    format!(
        "**{}** answers as it should again. It was {} for {}, from {} to {}.",
        wanted.subject,
        incident.worst,
        span_text(ended.since(&incident.since)),
        wall_text(incident.since.wall),
        wall_text(ended.wall)
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
