//! Error answers of GitHub: what each means, how long to wait, and what the operator must do.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::decide::track::reported::Failure;
use crate::io::http::client::Response;
use crate::text::{printable, printable_up_to};

/// GitHub's advice for a secondary limit that names no time: wait at least a minute.
const SECONDARY_WAIT: Duration = Duration::from_secs(60);

/// After a write whose answer was lost, listings may lag behind the truth.
pub(super) const LAG: Duration = Duration::from_secs(60);

/// What a call is for, so that its failure can name the permission that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Token,
    Read,
    Write,
    /// To read the comments of one issue.
    ReadIssue(u64),
    /// To write in one issue.
    WriteIssue(u64),
    /// The same, and the listing or the issue itself has shown that a person has locked it.
    WriteLocked(u64),
}

impl Need {
    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::WriteIssue(_) | Self::WriteLocked(_))
    }
}

/// The meaning of an error answer, and what to do.
pub(super) fn refused(repository: &str, response: &Response, need: Need, place: &str) -> Failure {
    let status = response.status;
    let said = serde_json::from_str::<Value>(&response.body).ok();
    let said = said.as_ref().and_then(|body| body["message"].as_str()).unwrap_or("");
    let said = printable(said);
    if let Some(wait) = limited(response, &said) {
        let why = format!("GitHub asks to wait: {place}: {status} {said}");
        return Failure::transient(why, Some(wait));
    }
    if let Some((issue, why)) = about_one_issue(status, need) {
        return Failure::rejected(format!(
            "issue #{issue} of {repository} {why} ({status} {said})"
        ));
    }
    match (status, need) {
        (401, _) => Failure::needs_operator(format!(
            "the token is wrong, expired or revoked ({status} {said}): put a new one in its place"
        )),
        (403, _) if need.writes() => Failure::needs_operator(format!(
            "the token may not write issues of {repository} ({status} {said}): give it the permission \
             \"Issues: read and write\""
        )),
        (403, _) => Failure::needs_operator(format!(
            "the token may not read issues of {repository} ({status} {said}): give it the permission \
             \"Issues: read and write\""
        )),
        (404, _) => Failure::needs_operator(format!(
            "there is no repository {repository} that the token may see ({status} {said}): check \
             github.repository, and give the token access to it with the permission \"Issues: read and \
             write\""
        )),
        (410, _) => Failure::needs_operator(format!(
            "issues are switched off in {repository} ({status} {said}): switch them on in its settings"
        )),
        (301 | 307 | 308, _) => Failure::needs_operator(format!(
            "{repository} has moved ({status}): put its new name in github.repository"
        )),
        (422, _) => Failure::rejected(format!(
            "GitHub does not accept what we write: {place}: {status} {}",
            printable_up_to(&response.body, 500)
        )),
        (500.., _) if need.writes() => {
            Failure::transient(format!("GitHub is in trouble: {place}: {status} {said}"), Some(LAG))
        }
        _ => Failure::transient(format!("GitHub is in trouble: {place}: {status} {said}"), None),
    }
}

/// The issue, and why it alone is refused.
fn about_one_issue(status: u16, need: Need) -> Option<(u64, &'static str)> {
    let (Need::ReadIssue(issue) | Need::WriteIssue(issue) | Need::WriteLocked(issue)) = need else {
        return None;
    };
    let why = match status {
        404 | 410 => "has been deleted, or the token may not see it",
        301 | 307 | 308 => "has moved to another repository",
        403 if matches!(need, Need::WriteLocked(_)) => {
            "is locked, and this account may not write there"
        }
        403 if !need.writes() => "cannot be read with this token",
        _ => return None,
    };
    Some((issue, why))
}

/// How long GitHub wants to be left alone, if that is what it says.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
fn limited(response: &Response, said: &str) -> Option<Duration> {
    let header = |name: &str| response.headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    if !matches!(response.status, 403 | 429 | 500..) {
        return None;
    }
    // GitHub's window is an hour. Whatever asks for more is not GitHub, or wrong.
    let seconds = |n: i64| Duration::from_secs(n.clamp(1, 3600).unsigned_abs());
    if let Some(wait) = header("retry-after") {
        return Some(seconds(wait));
    }
    if response.status >= 500 {
        return None;
    }
    if header("x-ratelimit-remaining") == Some(0) {
        // Both times are GitHub's, so that our own clock does not matter.
        let date = response.headers.get("date").and_then(|date| date.to_str().ok());
        let now = date.and_then(http_date);
        let reset = header("x-ratelimit-reset");
        let wait = reset.zip(now).map(|(reset, now)| seconds(reset - now.as_second()));
        return Some(wait.unwrap_or(SECONDARY_WAIT));
    }
    let secondary = response.status == 429 || said.to_lowercase().contains("secondary rate limit");
    secondary.then_some(SECONDARY_WAIT)
}

pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}
