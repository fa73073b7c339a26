//! The state of a subject in one word, as JSON, metrics and people read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The words are a contract. A word of a later version is read as unknown, and so never as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthState {
    Well,
    Suspect,
    Degraded,
    Down,
    Recovering,
    #[serde(other)]
    Unknown,
}

impl HealthState {
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Well, Self::Suspect, Self::Degraded, Self::Down, Self::Recovering];

    /// The same word as in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Well => "well",
            Self::Suspect => "suspect",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Recovering => "recovering",
        }
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_that_of_the_json_and_a_word_of_a_later_version_is_not_well() {
        for state in HealthState::ALL {
            let json = serde_json::to_value(state).unwrap();
            assert_eq!(json, state.word());
            assert_eq!(serde_json::from_value::<HealthState>(json).unwrap(), state);
        }
        let later: HealthState = serde_json::from_str("\"excellent\"").unwrap();
        assert_eq!(later, HealthState::Unknown);
    }
}
