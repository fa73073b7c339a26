//! The end of GitHub's token, announced before it comes: in one issue per vantage, and on the panel in the last
//! days.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::report::auxiliary;
use crate::decide::report::github::{AuxiliaryIssue, IssueState, Listing, Step};
use crate::decide::report::marker::{CLOSING, comment, hide, merge};
use crate::decide::time::wall_text;
use crate::decide::track::state::Notice;

/// Days before the end on which people are notified.
const WARNINGS: [u32; 4] = [14, 7, 3, 1];

/// Days before the end from which the panel shows it.
const PANEL: u32 = 3;

/// The record of the issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TokenRecord {
    #[serde(rename = "token")]
    vantage: String,
    expires: Timestamp,
    /// The last of [`WARNINGS`] that was written.
    #[serde(rename = "told")]
    warning: u32,
}

impl TokenRecord {
    fn body(&self) -> String {
        format!(
            "{}\nThe token with which pilotlight at *{}* reports to this repository expires on **{}**. After \
             that, no outage is reported from there.\n\n**What to do.** Make a new fine-grained token for \
             this repository with the permission \"Issues: read and write\", and replace the old token with \
             it. This issue then closes by itself.\n{CLOSING}",
            hide(self),
            self.vantage,
            wall_text(Some(self.expires)),
        )
    }
}

/// The warning that is due: the smallest number of days that are left at most.
fn warning(expires: Timestamp, now: Timestamp) -> Option<u32> {
    let left = Duration::try_from(expires.duration_since(now)).unwrap_or_default();
    let reached = |days: &u32| left <= Duration::from_secs(u64::from(*days) * 86_400);
    WARNINGS.into_iter().filter(reached).min()
}

/// Whether there is an end to announce.
pub(super) fn expires_soon(listing: &Listing) -> bool {
    due("", listing).is_some()
}

fn due(vantage: &str, listing: &Listing) -> Option<TokenRecord> {
    let (expires, now) = listing.token_expires.zip(listing.at)?;
    let warning = warning(expires, now)?;
    Some(TokenRecord { vantage: vantage.to_owned(), expires, warning })
}

/// The steps about the end of our token.
pub(super) fn plan(vantage: &str, listing: &Listing) -> Vec<Step> {
    let found = auxiliary::find(listing, |record: &TokenRecord| record.vantage == vantage);
    let Some(due) = due(vantage, listing) else {
        let open = found.iter().filter(|(issue, _)| issue.open);
        return open.flat_map(|(issue, old)| renewed(vantage, listing, issue, old)).collect();
    };
    let mut steps = match found.first() {
        Some((issue, old)) if issue.open => next_warning(issue, old, &due),
        // A person who closed the issue knows of this warning, and is notified of the next one.
        _ if found
            .iter()
            .any(|(_, old)| old.expires == due.expires && old.warning <= due.warning) =>
        {
            Vec::new()
        }
        _ => vec![Step::Create {
            incident: format!("token/{vantage}"),
            title: format!(
                "pilotlight: the token of {vantage} expires on {}",
                due.expires.strftime("%Y-%m-%d")
            ),
            body: due.body(),
            resolved: false,
            no_labels: false,
        }],
    };
    steps.extend(auxiliary::close_duplicates(&found));
    steps
}

fn renewed(
    vantage: &str,
    listing: &Listing,
    issue: &AuxiliaryIssue,
    old: &TokenRecord,
) -> Vec<Step> {
    let until = match listing.token_expires {
        None => "does not expire".to_owned(),
        Some(at) => format!("expires on {}", wall_text(Some(at))),
    };
    let key = format!("token/{}/renewed", old.expires.as_second());
    let text = format!("*{vantage}* has a new token, which {until}.");
    let closed = Step::edit(issue.number, issue.body.clone(), Some(IssueState::Completed));
    vec![Step::Comment { issue: issue.number, body: comment(&key, &text), key }, closed]
}

fn next_warning(issue: &AuxiliaryIssue, old: &TokenRecord, due: &TokenRecord) -> Vec<Step> {
    if old.expires == due.expires && due.warning >= old.warning {
        return Vec::new();
    }
    let key = format!("token/{}/{}", due.expires.as_second(), due.warning);
    let days = if due.warning == 1 { "day" } else { "days" };
    let text = format!(
        "At most {} {days} left: the token expires on {}.",
        due.warning,
        wall_text(Some(due.expires))
    );
    let body = merge(&issue.body, &due.body());
    let edited = Step::edit(issue.number, body, None);
    vec![Step::Comment { issue: issue.number, body: comment(&key, &text), key }, edited]
}

/// The notice on the panel and in `status`.
#[must_use]
pub fn notice(expires: Option<Timestamp>, now: Option<Timestamp>) -> Option<Notice> {
    let (expires, now) = expires.zip(now)?;
    warning(expires, now).filter(|days| *days <= PANEL)?;
    let text = format!(
        "GitHub's token expires on {}: replace it with a new one",
        wall_text(Some(expires))
    );
    Some(Notice { source: "token".to_owned(), text })
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
