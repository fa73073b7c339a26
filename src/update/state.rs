//! The state of updates, stored as one file that is replaced as a whole. Pure: `self` in, `Self` out.
//!
//! ```text
//!  an upload ──► trying ──► accepted     it becomes current, and the old current becomes previous
//!                  │
//!                  ├──────► rejected     it does not run, or not well: nothing else changes
//!                  └──────► rejected     the power was cut, or the updater was ended
//! ```
//!
//! On probation, `current` is still the old binary, so there is nothing to undo at the next start.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::show::status::Program;

/// An accepted binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// As printed by its `--version`.
    pub version: String,
    /// SHA-256 of the content, which is also the name of the file.
    pub hash: String,
    /// When it was accepted.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, Program::short(&self.hash))
    }
}

/// Members and words are a contract, as an older or a newer version may read the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UpdateState {
    /// The binary to start. `None` is the one that came with the card, which cannot be lost.
    pub current: Option<Binary>,
    pub previous: Option<Binary>,
    pub last: Option<LastUpdate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUpdate {
    /// The name of the file, or the binary once its version is known.
    pub what: String,
    pub at: Option<Timestamp>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Trying,
    Accepted,
    /// With the reason.
    Rejected(String),
}

const INTERRUPTED: &str =
    "the power went, or the update was ended, before it was accepted; copy it again";
const DAMAGED: &str = "its file on the card is damaged; copy it again";

impl UpdateState {
    fn with_last(self, what: String, outcome: Outcome, at: Option<Timestamp>) -> Self {
        Self { last: Some(LastUpdate { what, at, outcome }), ..self }
    }

    #[must_use]
    pub fn trying(self, what: String, at: Option<Timestamp>) -> Self {
        self.with_last(what, Outcome::Trying, at)
    }

    #[must_use]
    pub fn accepted(self, candidate: Option<Binary>, what: String, at: Option<Timestamp>) -> Self {
        let previous = self.current;
        Self { current: candidate, previous, last: None }.with_last(what, Outcome::Accepted, at)
    }

    #[must_use]
    pub fn rejected(self, what: String, reason: String, at: Option<Timestamp>) -> Self {
        self.with_last(what, Outcome::Rejected(reason), at)
    }

    /// The state after a start: nothing is on probation, and the current binary is intact.
    #[must_use]
    pub fn recovered(mut self, at: Option<Timestamp>, intact: impl Fn(&Binary) -> bool) -> Self {
        if let Some(LastUpdate { what, outcome: Outcome::Trying, .. }) = &self.last {
            let what = what.clone();
            self = self.rejected(what, INTERRUPTED.to_owned(), at);
        }
        // Twice, as the previous binary may be damaged, too.
        for _ in 0..2 {
            if let Some(damaged) = self.current.take_if(|binary| !intact(binary)) {
                self.current = self.previous.take();
                self = self.rejected(damaged.to_string(), DAMAGED.to_owned(), at);
            }
        }
        self
    }

    /// The last update and the reason, if it was rejected.
    #[must_use]
    pub fn rejection(&self) -> Option<(&str, &str)> {
        match self.last.as_ref()? {
            LastUpdate { what, outcome: Outcome::Rejected(reason), .. } => Some((what, reason)),
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

    fn after(names: &[&str]) -> UpdateState {
        let accepted = |state: UpdateState, name: &&str| {
            let state = state.trying((*name).to_owned(), None);
            state.accepted(Some(binary(name)), (*name).to_owned(), None)
        };
        names.iter().fold(UpdateState::default(), accepted)
    }

    #[test]
    fn only_acceptance_changes_what_is_started() {
        let state = after(&["a", "b"]);
        assert_eq!((&state.current, &state.previous), (&Some(binary("b")), &Some(binary("a"))));
        assert_eq!(state.last.as_ref().unwrap().outcome, Outcome::Accepted);
        assert_eq!(state.clone().recovered(None, |_| true), state);
        let trying = state.clone().trying("c".to_owned(), None);
        let rejected = trying.clone().rejected("c".to_owned(), "it died".to_owned(), None);
        assert_eq!(rejected.rejection(), Some(("c", "it died")));
        let interrupted = trying.clone().recovered(None, |_| true);
        assert_eq!(interrupted.rejection(), Some(("c", INTERRUPTED)));
        for other in [trying, rejected, interrupted] {
            assert_eq!((&other.current, &other.previous), (&state.current, &state.previous));
        }
    }

    #[test]
    fn a_damaged_binary_is_replaced_by_the_previous_one_and_that_one_by_the_cards_own() {
        let state = after(&["a", "b"]);
        let one = state.clone().recovered(None, |binary| binary.version != "b");
        assert_eq!((&one.current, &one.previous), (&Some(binary("a")), &None));
        assert_eq!(one.rejection(), Some(("b (bbbbbbbbbbbb)", DAMAGED)));
        let none = state.recovered(None, |_| false);
        assert_eq!((&none.current, &none.previous), (&None, &None));
        assert_eq!(none.rejection(), Some(("a (aaaaaaaaaaaa)", DAMAGED)));
    }

    /// Members, words and form of `state.json`.
    #[test]
    fn the_stored_form_is_a_contract() {
        let stored = r#"{"current":{"version":"1","hash":"h","since":null},"previous":null,"last":{"what":"w","at":"2026-01-01T00:00:00Z","outcome":OUTCOME}}"#;
        for outcome in ["\"trying\"", "\"accepted\"", "{\"rejected\":\"why\"}"] {
            let stored = stored.replace("OUTCOME", outcome);
            let state: UpdateState = serde_json::from_str(&stored).unwrap();
            assert_eq!(serde_json::to_string(&state).unwrap(), stored);
        }
    }
}
