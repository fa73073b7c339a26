//! Several vantages, one repository: the vantages that observe an incident, and the quorum.
//!
//! The vantage that opened an issue writes its observation into the body. Any other vantage that sees the fault
//! has one comment there, which it edits; so no vantage overwrites another one's text. An observation is
//! confirmed every hour and dated by GitHub's clock. So a vantage that died keeps no issue open, and no vantage's
//! clock matters.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::report::github::{Issue, Listing};
use crate::decide::report::heartbeat::alive_vantages;
use crate::decide::report::marker::VantageObservation;

/// An observation that is still true is confirmed after this time. It costs one edit, which notifies nobody.
pub const CONFIRM_EVERY: Duration = Duration::from_secs(3600);

/// An observation that was not confirmed in this time no longer counts.
pub const STALE: Duration = Duration::from_secs(3 * 3600);

/// A paragraph names this many vantages, and counts the others.
const NAMED: usize = 20;

/// The key of a vantage's observation comment.
#[must_use]
pub fn observation_key(vantage: &str) -> String {
    format!("sight/{vantage}")
}

impl VantageObservation {
    /// The time since it was confirmed; `None` if that is unknown.
    #[must_use]
    pub fn age(&self, now: Option<Timestamp>) -> Option<Duration> {
        let confirmed = self.confirmed.or(self.alerted_at)?;
        Some(now?.duration_since(confirmed).try_into().unwrap_or_default())
    }

    /// Whether it still counts.
    #[must_use]
    pub fn fresh(&self, now: Option<Timestamp>) -> bool {
        self.age(now).is_none_or(|age| age < STALE)
    }
}

impl Issue {
    /// The observations of all vantages, the opener's first.
    pub fn observations(&self) -> impl Iterator<Item = &VantageObservation> {
        std::iter::once(&self.opener).chain(&self.secondary)
    }
}

/// Whether another vantage still sees a fault of this subject, by any open issue.
#[must_use]
pub fn others_see(listing: &Listing, subject: &str, vantage: &str) -> bool {
    let issues = listing.open.iter().filter(|issue| issue.opener.subject == subject);
    let lasting: Vec<&Issue> = issues.filter(|issue| !issue.opener.ended).collect();
    let mut all = lasting.iter().flat_map(|issue| issue.observations());
    all.any(|other| other.vantage != vantage && other.sees() && other.fresh(listing.at))
        || lasting.iter().any(|issue| issue.partial)
            && alive_vantages(listing).any(|alive| alive != vantage)
}

/// The vantages that observe a fault, and the vantages that do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observers {
    /// They see the fault; once it is over, they saw it.
    pub observing: BTreeSet<String>,
    pub others: BTreeSet<String>,
}

impl Observers {
    /// Counts our own vantage, the observations in an issue if there is one, and the other vantages that are
    /// alive. `resolved`: the incident is over for all.
    #[must_use]
    pub fn count(
        issue: Option<&Issue>,
        (vantage, sees_here): (&str, bool),
        resolved: bool,
        alive: impl Iterator<Item = String>,
        now: Option<Timestamp>,
    ) -> Self {
        let mut observers = Self { observing: BTreeSet::new(), others: alive.collect() };
        observers.others.insert(vantage.to_owned());
        if sees_here {
            observers.observing.insert(vantage.to_owned());
        }
        let all = issue.into_iter().flat_map(Issue::observations);
        for other in all.filter(|other| other.vantage != vantage) {
            let fresh = other.fresh(now);
            if resolved || other.sees() && fresh {
                observers.observing.insert(other.vantage.clone());
            } else if fresh {
                observers.others.insert(other.vantage.clone());
            }
        }
        observers.others = &observers.others - &observers.observing;
        observers
    }

    /// The paragraph about the vantages; empty where there is only one vantage.
    #[must_use]
    pub fn text(&self, resolved: bool, quorum: u32) -> String {
        let count = self.observing.len();
        let all = count + self.others.len();
        if all < 2 && quorum < 2 {
            return String::new();
        }
        let not = match self.others.is_empty() {
            true => String::new(),
            false => format!(", not from {}", names(&self.others)),
        };
        let vantages = if all == 1 { "vantage" } else { "vantages" };
        let from = names(&self.observing);
        let mut text = match (resolved, count) {
            (_, 0) => return "No vantage sees it any more.".to_owned(),
            (true, _) => format!("Seen from {from}: {count} of {all} {vantages}{not}."),
            (false, 1) if all > 1 => format!(
                "**Seen only from {from}: 1 of {all} {vantages}**{not}. The fault may lie on the path from \
                 there."
            ),
            (false, _) => format!("**Seen from {from}: {count} of {all} {vantages}**{not}."),
        };
        if self.below_quorum(quorum) {
            text.push_str(&format!(
                " It counts as degraded, because fewer than {quorum} vantages see it."
            ));
        }
        text
    }

    /// Whether too few vantages see the fault to call the subject down. Once no vantage sees it, this is false.
    #[must_use]
    pub fn below_quorum(&self, quorum: u32) -> bool {
        (1..usize::try_from(quorum).unwrap_or(usize::MAX)).contains(&self.observing.len())
    }
}

/// `*cabin*, *home* and *office*`.
fn names(set: &BTreeSet<String>) -> String {
    let mut names: Vec<String> = set.iter().take(NAMED).map(|name| format!("*{name}*")).collect();
    if let left @ 1.. = set.len() - names.len() {
        names.push(format!("{left} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
#[path = "observations_tests.rs"]
mod tests;
