use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::judge::finding::Severity;

const OPENING: &str = "<!-- pilotlight ";

pub(super) const CLOSING: &str = "<!-- /pilotlight -->";

/// Around what is said of the vantages, which changes when nothing else does.
const SEEN: &str = "<!-- seen -->";

const SEEN_END: &str = "<!-- /seen -->";

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
    #[serde(rename = "shows")]
    pub body_digest: String,
    /// Digest of what people have been told by opening, reopening or a comment.
    #[serde(rename = "said")]
    pub alerted_digest: String,
    /// When they were.
    #[serde(rename = "said_at")]
    pub alerted_at: Option<Timestamp>,
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

    pub(super) fn line(&self) -> String {
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

pub(crate) fn seen(vantages: &str) -> String {
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

/// What others read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Which vantage.
    #[serde(rename = "life")]
    pub vantage: String,
    /// When it was alive, by GitHub's clock ([`Listing::at`]).
    pub at: Timestamp,
    /// Seconds to its next sign.
    pub every: u64,
}

impl Heartbeat {
    /// Finds the sign in a body, if there is one.
    #[must_use]
    pub fn find(body: &str) -> Option<Self> {
        serde_json::from_str(hidden(body)?).ok()
    }

    /// The marker.
    #[must_use]
    pub fn line(&self) -> String {
        hide(&serde_json::to_string(self).expect("a sign is plain data"))
    }

    /// Whether it still says something: not more than one sign was missed.
    #[must_use]
    pub fn fresh(&self, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        age <= Duration::from_secs(self.every.saturating_mul(2))
    }
}
