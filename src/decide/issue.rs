//! The words of an issue, and the hidden marker by which it is found again.
//!
//! Our part of a body stands between two HTML comments, the first of which is the marker; what people
//! write outside of them is theirs and stays.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::endpoint::is_endpoint;
use super::fault::{Row, Severity};
use super::moment::{Moment, span_text, wall_text};
use super::watch::Wanted;
use crate::config::{Schedule, address_text};

const OPENING: &str = "<!-- pilotlight ";
pub(super) const CLOSING: &str = "<!-- /pilotlight -->";

/// Around what is said of the vantages, which changes when nothing else does.
const SEEN: &str = "<!-- seen -->";
const SEEN_END: &str = "<!-- /seen -->";

/// GitHub takes 65,536 characters, and people write some of them: rows that do not fit are counted.
const TABLE: usize = 30_000;

/// What one server sent may be long (a TXT record); its beginning tells which it is.
const DETAIL: usize = 300;

/// A comment names this many zones, and counts the others.
const NAMED: usize = 20;

/// What an issue says to us. It is the durable state: it is all that a new process knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of this record.
    pub v: u32,
    /// Who watches.
    pub vantage: String,
    /// Whom: the nameserver's name, or the endpoint's URL.
    pub subject: String,
    /// Which incident.
    pub incident: String,
    /// When it began.
    pub since: Option<Timestamp>,
    /// How bad it is.
    pub severity: Severity,
    /// How bad it has been.
    pub worst: Severity,
    /// Where it is: what is not seen there cannot be said to be over.
    pub places: Vec<SocketAddr>,
    /// Digest of what the body shows.
    pub shows: String,
    /// Digest of what people have been told by opening, reopening or a comment.
    pub said: String,
    /// When they were.
    pub said_at: Option<Timestamp>,
    /// It is over; in a vantage's comment, for that vantage.
    pub ended: bool,
    /// It is over for the vantage that opened the issue, and not for others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed: bool,
    /// When this was last found to be true, by GitHub's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// When it did, which may be long before anybody could be told; unknown when we ceased to watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl Marker {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// Finds the marker in a body, if there is one that we understand.
    #[must_use]
    pub fn find(body: &str) -> Option<Self> {
        let json = hidden(body)?;
        let marker: Self = serde_json::from_str(json).ok()?;
        (marker.v == Self::VERSION).then_some(marker)
    }

    fn line(&self) -> String {
        hide(&serde_json::to_string(self).expect("a marker is plain data"))
    }
}

/// The marker of a comment: the same key is never said twice.
#[must_use]
pub fn comment_key(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Comment {
        comment: String,
    }
    let comment: Comment = serde_json::from_str(hidden(body)?).ok()?;
    Some(comment.comment)
}

/// The JSON of whatever marker is in a body, also one that is not about an incident.
#[must_use]
pub fn hidden(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once(OPENING)?;
    let (json, _) = rest.split_once(" -->")?;
    Some(json)
}

/// A comment with its key.
#[must_use]
pub fn comment(key: &str, text: &str) -> String {
    let json = serde_json::json!({ "comment": key }).to_string();
    format!("{}\n{text}\n", hide(&json))
}

/// Two hyphens end an HTML comment, and names such as `xn--bcher-kva.example` have them.
pub(super) fn hide(json: &str) -> String {
    format!("{OPENING}{} -->", json.replace("--", "-\\u002d"))
}

/// Replaces our part of a body and leaves the rest; a body without one gets ours in front.
#[must_use]
pub fn merge(body: &str, ours: &str) -> String {
    let start = body.find(OPENING);
    let end = body.find(CLOSING).map(|at| at + CLOSING.len());
    match (start, end) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{}{}", &body[..start], ours, &body[end..])
        }
        _ if body.trim().is_empty() => ours.to_owned(),
        _ => format!("{ours}\n\n{body}"),
    }
}

/// The same body with another marker.
#[must_use]
pub fn remark(body: &str, marker: &Marker) -> String {
    match hidden(body) {
        Some(json) => body.replacen(&format!("{OPENING}{json} -->"), &marker.line(), 1),
        None => body.to_owned(),
    }
}

/// The same body with something else to say of the vantages.
#[must_use]
pub fn reseen(body: &str, vantages: &str) -> String {
    let ends = body.split_once(SEEN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(SEEN_END)?;
        Some((before, after))
    });
    match ends {
        Some((before, after)) => format!("{before}{}{after}", seen(vantages)),
        None => body.replacen(CLOSING, &format!("\n{}\n{CLOSING}", seen(vantages)), 1),
    }
}

fn seen(vantages: &str) -> String {
    // On lines of their own: a line that begins with an HTML comment is not Markdown.
    format!("{SEEN}\n{vantages}\n{SEEN_END}")
}

/// The same body without a marker: nobody's.
#[must_use]
pub fn unmark(body: &str) -> String {
    match hidden(body) {
        Some(json) => body.replacen(&format!("{OPENING}{json} -->"), "", 1),
        None => body.to_owned(),
    }
}

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
pub fn shows(wanted: &Wanted) -> String {
    let incident = &wanted.incident;
    let rows = incident.rows.iter().map(|row| {
        let Row { address, zone, fault, question, detail, .. } = row;
        format!("{address} {zone} {fault} {question} {detail}")
    });
    digest(incident.severity, rows)
}

/// What a person would act on: how bad, and which zones where.
#[must_use]
pub fn says(wanted: &Wanted) -> String {
    let incident = &wanted.incident;
    let places = incident.rows.iter().map(|row| format!("{} {}", row.address, row.zone));
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
pub fn sight_text(vantage: &str, wanted: &Wanted) -> String {
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
    if !incident.rows.is_empty() {
        table(&mut text, subject, &incident.rows);
    }
    text
}

/// The same as a comment, which is found again by its key and remembers what an issue would.
#[must_use]
pub fn sight(key: &str, marker: &Marker, text: &str) -> String {
    let mut json = serde_json::to_value(marker).expect("a marker is plain data");
    json["comment"] = key.into();
    format!("{}\n{text}\n", hide(&json.to_string()))
}

/// Our part of an issue's body, with what there is to say of the vantages; mostly nothing.
#[must_use]
pub fn body(wanted: &Wanted, marker: &Marker, schedule: &Schedule, vantages: &str) -> String {
    let incident = &wanted.incident;
    let subject = &wanted.subject;
    let vantage = &marker.vantage;
    let mut text = marker.line();
    let since = wall_text(incident.since.wall);
    text.push_str(&match &wanted.ended {
        None => format!(
            "\n**{subject}** is **{}**: {}. Seen from *{vantage}* since {since}.\n",
            incident.severity,
            meaning(subject, incident.severity)
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
    table(&mut text, subject, &incident.rows);
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
fn meaning(subject: &str, severity: Severity) -> &'static str {
    match severity {
        Severity::Degraded if is_endpoint(subject) => {
            "it answers, but not everything is as it should be"
        }
        Severity::Down => "whoever asks it gets no answer, or a wrong one",
        Severity::Degraded => "names still resolve, but not everything is as it should be",
    }
}

fn table(text: &mut String, subject: &str, rows: &[Row]) {
    let first = kind(subject);
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

fn table_row(row: &Row) -> String {
    let more = match row.more {
        0 => String::new(),
        1 => " (and 1 question more)".to_owned(),
        n => format!(" (and {n} questions more)"),
    };
    let (zone, detail) = (cell(&row.zone), cell(&row.detail));
    let Row { question, command, .. } = row;
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

/// What the rows of a subject are about, each of them.
fn kind(subject: &str) -> &'static str {
    if is_endpoint(subject) { "name" } else { "zone" }
}

fn history(wanted: &Wanted) -> String {
    let said = wanted.incident.history.iter().map(|past| {
        let at = past.at.map_or_else(|| "?".to_owned(), |t| t.strftime("%H:%M:%S").to_string());
        match (past.severity, past.zones) {
            (None, _) => format!("{at} well"),
            (Some(severity), _) if is_endpoint(&wanted.subject) => format!("{at} {severity}"),
            (Some(severity), 1) => format!("{at} {severity} (1 zone)"),
            (Some(severity), zones) => format!("{at} {severity} ({zones} zones)"),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

/// A comment on what has changed.
#[must_use]
pub fn changed_text(wanted: &Wanted) -> String {
    let incident = &wanted.incident;
    if is_endpoint(&wanted.subject) {
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
pub fn closed_text(wanted: &Wanted, ended: &Moment) -> String {
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
pub fn again_text(wanted: &Wanted) -> String {
    format!(
        "**{}** is {} again, since {}.",
        wanted.subject,
        wanted.incident.severity,
        wall_text(wanted.incident.since.wall)
    )
}

#[cfg(test)]
#[path = "issue_tests.rs"]
pub(super) mod tests;
