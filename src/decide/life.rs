//! The sign of life: one issue per vantage, which tells the others that it watches.
//!
//! Its marker is an HTML comment like those of incidents,
//! `<!-- pilotlight {"life":"home","at":"2026-03-01T12:00:00Z","every":21600} -->`; whoever writes more into
//! the issue adds members to it, and text around it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::issue::{hidden, hide};
use super::reconcile::Listing;

/// What others read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Which vantage.
    pub life: String,
    /// When it was alive, by GitHub's clock ([`Listing::at`]).
    pub at: Timestamp,
    /// Seconds to its next sign.
    pub every: u64,
}

impl Life {
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

/// The vantages that were alive when GitHub made this listing, by their signs.
pub fn alive(listing: &Listing) -> impl Iterator<Item = String> {
    let lives = listing.asides.iter().filter(|aside| aside.open);
    let lives = lives.filter_map(|aside| Life::find(&aside.body));
    let fresh = lives.filter(|life| listing.at.is_none_or(|now| life.fresh(now)));
    fresh.map(|life| life.life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_survives_its_way_through_an_issue_and_grows_old() {
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let life = Life { life: "my--home".to_owned(), at, every: 600 };
        assert_eq!(Life::find(&format!("words\n{}\nmore", life.line())), Some(life.clone()));
        assert_eq!(Life::find("words"), None);
        assert!(life.fresh(at + Duration::from_secs(1200)));
        assert!(!life.fresh(at + Duration::from_secs(1201)));
        assert!(life.fresh(at - Duration::from_secs(5)));
    }
}
