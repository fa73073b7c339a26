//! What the board keeps about its binaries, as one file that changes as a whole. Pure: `self` in, `Self` out.
//!
//! ```text
//!  a file came ──► trying ──► accepted     it is the current one from now on, and that one the previous
//!                    │
//!                    ├──────► rejected     it is none, or does not run, or not well: nothing else changes
//!                    └──────► rejected     the power went, or somebody ended the update
//! ```
//!
//! While one is tried `current` is still the one before: a board that starts again has nothing to undo.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::show::status::Program;

/// A binary that was copied here, and has been accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// The version that it says it is.
    pub version: String,
    /// Its file: the SHA-256 of the content is the name.
    pub hash: String,
    /// Since when it is where it is.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, Program::short(&self.hash))
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The one to start; `None`: the one that came with the card, which cannot be lost.
    pub current: Option<Binary>,
    /// The one before it, in the same way.
    pub previous: Option<Binary>,
    /// The last update.
    pub last: Option<Last>,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The file's name, or the binary.
    pub what: String,
    /// When that was.
    pub at: Option<Timestamp>,
    /// What became of it.
    pub outcome: Outcome,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is still going on.
    Trying,
    /// It is in use.
    Accepted,
    /// It is not, because of this.
    Rejected(String),
}

/// Why a trial that has no end was none.
const CUT: &str = "the power went, or the update was ended, before it was accepted; copy it again";
const DAMAGED: &str = "its file on the card is damaged; copy it again";

impl Kept {
    /// An update begins.
    #[must_use]
    pub fn trying(self, what: String, at: Option<Timestamp>) -> Self {
        Self { last: Some(Last { what, at, outcome: Outcome::Trying }), ..self }
    }

    /// It is as good as the one in use, and takes its place.
    #[must_use]
    pub fn accepted(self, candidate: Option<Binary>, what: String, at: Option<Timestamp>) -> Self {
        let last = Some(Last { what, at, outcome: Outcome::Accepted });
        Self { current: candidate, previous: self.current, last }
    }

    /// It is not.
    #[must_use]
    pub fn rejected(self, what: String, why: String, at: Option<Timestamp>) -> Self {
        Self { last: Some(Last { what, at, outcome: Outcome::Rejected(why) }), ..self }
    }

    /// What holds when nobody is at work on an update: nothing is being tried, and the current one is whole.
    #[must_use]
    pub fn settled(mut self, at: Option<Timestamp>, whole: impl Fn(&Binary) -> bool) -> Self {
        if let Some(Last { what, outcome: Outcome::Trying, .. }) = &self.last {
            let what = what.clone();
            self = self.rejected(what, CUT.to_owned(), at);
        }
        // As many fallbacks as there are before the card's own.
        for _ in 0..2 {
            if let Some(damaged) = self.current.take_if(|binary| !whole(binary)) {
                self.current = self.previous.take();
                self = self.rejected(damaged.to_string(), DAMAGED.to_owned(), at);
            }
        }
        self
    }

    /// Why the last update was rejected, if it was.
    #[must_use]
    pub fn rejection(&self) -> Option<(&str, &str)> {
        match self.last.as_ref()? {
            Last { what, outcome: Outcome::Rejected(why), .. } => Some((what, why)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(name: &str) -> Binary {
        Binary { version: name.to_owned(), hash: name.repeat(64), since: None }
    }

    fn after(names: &[&str]) -> Kept {
        let accepted = |kept: Kept, name: &&str| {
            let kept = kept.trying((*name).to_owned(), None);
            kept.accepted(Some(binary(name)), (*name).to_owned(), None)
        };
        names.iter().fold(Kept::default(), accepted)
    }

    #[test]
    fn every_arrow_is_walked_and_only_one_of_them_changes_what_is_started() {
        let kept = after(&["a", "b"]);
        assert_eq!((&kept.current, &kept.previous), (&Some(binary("b")), &Some(binary("a"))));
        assert_eq!(kept.last.as_ref().unwrap().outcome, Outcome::Accepted);
        assert_eq!(kept.clone().settled(None, |_| true), kept);
        let trying = kept.clone().trying("c".to_owned(), None);
        let rejected = trying.clone().rejected("c".to_owned(), "it died".to_owned(), None);
        assert_eq!(rejected.rejection(), Some(("c", "it died")));
        let cut = trying.clone().settled(None, |_| true);
        assert_eq!(cut.rejection(), Some(("c", CUT)));
        for other in [trying, rejected, cut] {
            assert_eq!(
                (other.current, other.previous),
                (kept.current.clone(), kept.previous.clone())
            );
        }
    }

    #[test]
    fn what_is_damaged_gives_way_to_the_one_before_and_that_one_to_the_cards_own() {
        let kept = after(&["a", "b"]);
        let one = kept.clone().settled(None, |binary| binary.version != "b");
        assert_eq!((one.current.clone(), one.previous.clone()), (Some(binary("a")), None));
        assert_eq!(one.rejection(), Some(("b (bbbbbbbbbbbb)", DAMAGED)));
        let none = kept.settled(None, |_| false);
        assert_eq!((none.current.clone(), none.previous.clone()), (None, None));
        assert_eq!(none.rejection(), Some(("a (aaaaaaaaaaaa)", DAMAGED)));
    }
}
