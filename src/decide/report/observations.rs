//! Several vantages, one repository: who sees what an issue tells of.
//!
//! The vantage that opened an issue speaks in its body. Every other one that sees the fault has one comment
//! there, which it edits; so nobody ever writes where another one does. What a vantage says is its
//! **claim**. It is renewed by the hour while it is true, and dated by GitHub's clock, so that a vantage
//! that died keeps no issue open, and that no vantage's clock matters.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::report::github::{Issue, Listing};
use crate::decide::report::marker::{Heartbeat, Marker};

/// The vantages that were alive when GitHub made this listing, by their signs.
pub fn alive_vantages(listing: &Listing) -> impl Iterator<Item = String> {
    let lives = listing.auxiliary.iter().filter(|aside| aside.open);
    let lives = lives.filter_map(|aside| Heartbeat::find(&aside.body));
    let fresh = lives.filter(|life| listing.at.is_none_or(|now| life.fresh(now)));
    fresh.map(|life| life.vantage)
}

/// A claim that is still true is dated anew after this. It costs one edit, of which nobody is notified.
pub const CONFIRM_EVERY: Duration = Duration::from_secs(3600);

/// A claim that was not dated anew in this time is nobody's any more.
pub const STALE: Duration = Duration::from_secs(3 * 3600);

/// The key of the one comment that a vantage has in the issue of another.
#[must_use]
pub fn observation_key(vantage: &str) -> String {
    format!("sight/{vantage}")
}

/// How old a claim is; `None` when nobody can say.
#[must_use]
pub fn age(claim: &Marker, now: Option<Timestamp>) -> Option<Duration> {
    let then = claim.confirmed.or(claim.alerted_at)?;
    Some(now?.duration_since(then).try_into().unwrap_or_default())
}

/// Whether its vantage has been heard of lately, here.
#[must_use]
pub fn fresh(claim: &Marker, now: Option<Timestamp>) -> bool {
    age(claim, now).is_none_or(|age| age < STALE)
}

/// Whether it says that its vantage sees the fault.
#[must_use]
pub fn sees(claim: &Marker) -> bool {
    !claim.ended && !claim.passed
}

impl Issue {
    /// What all vantages say in it, the one that opened it first.
    pub fn claims(&self) -> impl Iterator<Item = &Marker> {
        std::iter::once(&self.marker).chain(&self.observations)
    }
}

/// Whether another vantage still sees a fault of this subject, in any open issue.
#[must_use]
pub fn others_see(listing: &Listing, subject: &str, vantage: &str) -> bool {
    let issues = listing.open.iter().filter(|issue| issue.marker.subject == subject);
    let mut claims = issues.filter(|issue| !issue.marker.ended).flat_map(Issue::claims);
    claims.any(|c| c.vantage != vantage && sees(c) && fresh(c, listing.at))
}

/// Who sees a fault, of how many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observers {
    /// Those that see it, or have seen it when it is over.
    pub observing: BTreeSet<String>,
    /// Those that do not.
    pub others: BTreeSet<String>,
}

impl Observers {
    /// Takes the votes: our own, the claims in an issue if there is one, and who else is alive.
    #[must_use]
    pub fn count(
        issue: Option<&Issue>,
        ours: (&str, bool),
        over: bool,
        alive: impl Iterator<Item = String>,
        now: Option<Timestamp>,
    ) -> Self {
        let (vantage, we_see) = ours;
        let mut voices = Self { observing: BTreeSet::new(), others: alive.collect() };
        voices.others.insert(vantage.to_owned());
        if we_see {
            voices.observing.insert(vantage.to_owned());
        }
        let claims = issue.into_iter().flat_map(Issue::claims);
        for claim in claims.filter(|claim| claim.vantage != vantage) {
            let heard = fresh(claim, now);
            if over || sees(claim) && heard {
                voices.observing.insert(claim.vantage.clone());
            } else if heard {
                voices.others.insert(claim.vantage.clone());
            }
        }
        voices.others = &voices.others - &voices.observing;
        voices
    }

    /// What an issue says of them; nothing where there is only one.
    #[must_use]
    pub fn text(&self, over: bool, quorum: u32) -> String {
        let (seers, all) = (self.observing.len(), self.observing.len() + self.others.len());
        if all < 2 && quorum < 2 {
            return String::new();
        }
        let names = |set: &BTreeSet<String>| {
            let names: Vec<String> = set.iter().map(|name| format!("*{name}*")).collect();
            match names.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
                Some((last, _)) => last.clone(),
                None => String::new(),
            }
        };
        let not = match self.others.is_empty() {
            true => String::new(),
            false => format!(", not from {}", names(&self.others)),
        };
        let vantages = if all == 1 { "vantage" } else { "vantages" };
        let who = names(&self.observing);
        let mut text = match (over, seers) {
            (_, 0) => return "No vantage sees it any more.".to_owned(),
            (true, _) => format!("Seen from {who}: {seers} of {all} {vantages}{not}."),
            (false, 1) if all > 1 => format!(
                "**Seen only from {who}: 1 of {all} {vantages}**{not}. The fault may lie on the way from \
                 there."
            ),
            (false, _) => format!("**Seen from {who}: {seers} of {all} {vantages}**{not}."),
        };
        if self.below_quorum(quorum) {
            text.push_str(&format!(
                " As fewer than {quorum} vantages see it, it counts as degraded."
            ));
        }
        text
    }

    /// Whether they are too few to be believed whole. Where nobody sees it any more, enough have.
    #[must_use]
    pub fn below_quorum(&self, quorum: u32) -> bool {
        (1..usize::try_from(quorum).unwrap_or(usize::MAX)).contains(&self.observing.len())
    }
}

#[cfg(test)]
#[path = "observations_tests.rs"]
mod tests;
