//! The hidden record: an HTML comment with JSON, by which an issue or a comment of ours is found again.
//!
//! Our part of a body begins with the record and ends with [`CLOSING`]; what people write outside of it stays.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::Severity;

const OPENING: &str = "<!-- pilotlight ";

/// The end of our part of a body.
pub const CLOSING: &str = "<!-- /pilotlight -->";

/// Around the paragraph about the vantages, which changes when nothing else does.
const SEEN: &str = "<!-- seen -->";

const SEEN_END: &str = "<!-- /seen -->";

/// What one vantage observes of one incident: in the body for the vantage that opened it, in a comment
/// for any other. It is the durable state: a new process knows nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VantageObservation {
    pub v: u32,
    pub vantage: String,
    /// The nameserver's name, or the endpoint's URL.
    pub subject: String,
    pub incident: String,
    pub since: Option<Timestamp>,
    pub severity: Severity,
    pub worst: Severity,
    /// The faulty addresses. While one of them is unobserved, the incident does not end.
    pub places: Vec<SocketAddr>,
    /// Digest of the table in the body.
    #[serde(rename = "shows")]
    pub body_digest: String,
    /// Digest of what people were notified of: by a new issue, a reopened issue or a comment.
    #[serde(rename = "said")]
    pub alerted_digest: String,
    #[serde(rename = "said_at")]
    pub alerted_at: Option<Timestamp>,
    /// In a body: the incident is over for all vantages. In a comment: it is over for this vantage.
    pub ended: bool,
    /// In a body: it is over for the vantage that opened the issue, and other vantages still see it.
    #[serde(default, rename = "passed", skip_serializing_if = "std::ops::Not::not")]
    pub recovered_here: bool,
    /// In a body: a person closed the issue while the fault lasted. It stays closed until the incident is over for
    /// all vantages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// In a body that has `by_hand`: the vantages that still see the fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lasting: Vec<String>,
    /// When the vantage last confirmed this, by GitHub's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// The end of the incident, which may be long before the report; `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl VantageObservation {
    /// The version that this program reads and writes.
    pub const VERSION: u32 = 1;

    /// `None` without a record, and for a record of another version.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        read(text).filter(|found: &Self| found.v == Self::VERSION)
    }

    /// Whether the vantage sees the fault.
    #[must_use]
    pub fn sees(&self) -> bool {
        !self.ended && !self.recovered_here
    }
}

/// The record in a text, if there is one of this type.
#[must_use]
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(hidden(text)?).ok()
}

/// A record as an HTML comment.
///
/// # Panics
/// If the record cannot be written as JSON; ours are plain data.
#[must_use]
pub fn hide(record: &impl Serialize) -> String {
    let json = serde_json::to_string(record).expect("a record is plain data");
    // Two hyphens end an HTML comment, and names such as `xn--bcher-kva.example` have them.
    format!("{OPENING}{} -->", json.replace("--", "-\\u002d"))
}

/// The JSON of the record in a text, whatever it is about.
#[must_use]
pub fn hidden(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(OPENING)?;
    let (json, _) = rest.split_once(" -->")?;
    Some(json)
}

/// A comment with its key: no second comment with the same key is written.
#[must_use]
pub fn comment(key: &str, text: &str) -> String {
    format!("{}\n{text}\n", hide(&serde_json::json!({ "comment": key })))
}

/// The key of a comment of ours.
#[must_use]
pub fn comment_key(comment: &str) -> Option<String> {
    let record: serde_json::Value = read(comment)?;
    Some(record["comment"].as_str()?.to_owned())
}

/// An observation as a comment: it has a key, and the same record as a body.
#[must_use]
pub fn observation_comment(key: &str, observation: &VantageObservation, text: &str) -> String {
    let mut record = serde_json::json!(observation);
    record["comment"] = key.into();
    format!("{}\n{text}\n", hide(&record))
}

/// The body with our part replaced; if it has none, ours goes in front.
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

/// A body as planned, with what people have written in the meantime.
#[must_use]
pub fn with_words_of_others(planned: &str, current: &str) -> String {
    let start = planned.find(OPENING);
    let end = planned.find(CLOSING).map(|at| at + CLOSING.len());
    match (start, end) {
        (Some(start), Some(end)) if start < end => merge(current, &planned[start..end]),
        (None, _) if hidden(current).is_some() => without_record(current),
        _ => planned.to_owned(),
    }
}

/// How many characters of a body are not ours.
#[must_use]
pub fn length_of_others(body: &str) -> usize {
    merge(body, "").chars().count()
}

/// The body with another record.
#[must_use]
pub fn with_record(body: &str, record: &VantageObservation) -> String {
    replace_record(body, &hide(record))
}

/// The body without a record: no vantage takes it for an issue of its own again.
#[must_use]
pub fn without_record(body: &str) -> String {
    replace_record(body, "")
}

fn replace_record(body: &str, new: &str) -> String {
    match hidden(body) {
        Some(json) => body.replacen(&format!("{OPENING}{json} -->"), new, 1),
        None => body.to_owned(),
    }
}

/// Whether the body has a paragraph about the vantages: there were several when it was written.
#[must_use]
pub fn names_vantages(body: &str) -> bool {
    body.contains(SEEN)
}

/// The body with another paragraph about the vantages.
#[must_use]
pub fn with_vantages(body: &str, vantages: &str) -> String {
    let ends = body.split_once(SEEN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(SEEN_END)?;
        Some((before, after))
    });
    match ends {
        Some((before, after)) => format!("{before}{}{after}", vantages_part(vantages)),
        None => body.replacen(CLOSING, &format!("\n{}\n{CLOSING}", vantages_part(vantages)), 1),
    }
}

pub(super) fn vantages_part(vantages: &str) -> String {
    // On lines of their own: GitHub reads no Markdown on a line that begins with an HTML comment.
    format!("{SEEN}\n{vantages}\n{SEEN_END}")
}

#[cfg(test)]
#[path = "marker_tests.rs"]
mod tests;
