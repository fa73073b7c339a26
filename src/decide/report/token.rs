//! The token's end, told before it comes: in one issue per vantage, and on the panel in the last days.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::report::github::{AuxiliaryIssue, IssueState, Listing, NeedClosed, Step};
use crate::decide::report::marker::{comment, hidden, hide, merge};
use crate::decide::time::wall_text;
use crate::decide::track::state::Notice;

/// Days before the end on which it is told.
const STEPS: [u32; 4] = [14, 7, 3, 1];

/// Days before the end from which the panel tells it.
const PANEL: u32 = 3;

const CLOSING: &str = "<!-- /pilotlight -->";

/// What the issue remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Whose token: the vantage.
    token: String,
    expires: Timestamp,
    /// The last of [`STEPS`] that was told.
    told: u32,
}

impl Note {
    fn of(vantage: &str, aside: &AuxiliaryIssue) -> Option<Self> {
        let note: Self = serde_json::from_str(hidden(&aside.body)?).ok()?;
        (note.token == vantage).then_some(note)
    }

    fn body(&self) -> String {
        let json = serde_json::to_string(self).expect("a note is plain data");
        format!(
            "{}\nThe token with which pilotlight at *{}* reports to this repository expires on **{}**. After \
             that it cannot tell of an outage any more.\n\n**What to do.** Make a new fine-grained token for \
             this repository with the permission \"Issues: read and write\", and put it in the place of the \
             old one. This issue closes by itself then.\n{CLOSING}",
            hide(&json),
            self.token,
            wall_text(Some(self.expires)),
        )
    }
}

/// The step that has been reached: the smallest number of days that are left at most.
fn step(expires: Timestamp, now: Timestamp) -> Option<u32> {
    let left = Duration::try_from(expires.duration_since(now)).unwrap_or_default();
    let reached = |days: &u32| left <= Duration::from_secs(u64::from(*days) * 86_400);
    STEPS.into_iter().filter(reached).min()
}

/// What there is to write about the end of our token; `expires` is `None` for one that has none.
///
/// # Errors
/// [`NeedClosed`] when there is something to tell in a new issue, unless a person closed the old one.
pub fn plan(
    vantage: &str,
    expires: Option<Timestamp>,
    listing: &Listing,
) -> Result<Vec<Step>, NeedClosed> {
    let notes = listing.auxiliary.iter().filter_map(|a| Some((a, Note::of(vantage, a)?)));
    let (open, closed): (Vec<_>, Vec<_>) = notes.partition(|(aside, _)| aside.open);
    let due = expires.zip(listing.at).and_then(|(expires, now)| {
        let told = step(expires, now)?;
        Some(Note { token: vantage.to_owned(), expires, told })
    });
    let mut steps = Vec::new();
    let mut say = |aside: &AuxiliaryIssue, key: String, text: String, body, state| {
        let number = aside.number;
        steps.push(Step::Comment { issue: number, body: comment(&key, &text), key });
        steps.push(Step::Edit {
            issue: number,
            title: None,
            body,
            state,
            settles: Vec::new(),
            reports: None,
        });
    };
    let Some(due) = due else {
        for (aside, note) in &open {
            let until = expires.map_or_else(
                || "does not expire".to_owned(),
                |at| format!("expires on {}", wall_text(Some(at))),
            );
            let key = format!("token/{}/renewed", note.expires.as_second());
            let text = format!("*{vantage}* has a new token, which {until}.");
            say(aside, key, text, aside.body.clone(), Some(IssueState::Completed));
        }
        return Ok(steps);
    };
    if let Some(((aside, note), rest)) = open.split_first() {
        if note.expires != due.expires || due.told < note.told {
            let key = format!("token/{}/{}", due.expires.as_second(), due.told);
            let days =
                if due.told == 1 { "1 day".to_owned() } else { format!("{} days", due.told) };
            let text =
                format!("At most {days} left: it expires on {}.", wall_text(Some(due.expires)));
            say(aside, key, text, merge(&aside.body, &due.body()), None);
        }
        for (other, _) in rest {
            let key = format!("token/duplicate-{}", other.number);
            let text = format!("Duplicate of #{}.", aside.number);
            say(other, key, text, other.body.clone(), Some(IssueState::NotPlanned));
        }
        return Ok(steps);
    }
    if listing.closed.is_none() {
        return Err(NeedClosed);
    }
    // A person who closed it has heard of that step, and hears of the next one.
    let heard = |note: &Note| note.expires == due.expires && note.told <= due.told;
    if !closed.iter().any(|(_, note)| heard(note)) {
        let day = due.expires.strftime("%Y-%m-%d");
        steps.push(Step::Create {
            incident: format!("token/{vantage}"),
            title: format!("pilotlight: the token of {vantage} expires on {day}"),
            body: due.body(),
            over: false,
            calm: false,
        });
    }
    Ok(steps)
}

/// What the panel and `status` say of it.
#[must_use]
pub fn notice(expires: Option<Timestamp>, now: Option<Timestamp>) -> Option<Notice> {
    let (expires, now) = expires.zip(now)?;
    step(expires, now).filter(|days| *days <= PANEL)?;
    let text = format!(
        "GitHub's token expires on {}: put a new one in its place",
        wall_text(Some(expires))
    );
    Some(Notice { source: "token".to_owned(), text })
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
