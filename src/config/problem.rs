//! Problems of a configuration, in words for its author: place, value, reason, next step.

use std::error::Error;
use std::fmt;

use crate::text::{grouped, printable, printable_up_to, redacted};

/// Longer values are cut: enough to recognise a DKIM key.
const SHOWN: usize = 60;

/// A file with more problems is of another kind, or has one problem in many places.
pub(super) const MOST_PROBLEMS: usize = 50;

/// Longer reasons and next steps are cut: a word of a zone file may be as long as the file.
const LONGEST: usize = 500;

/// One problem. Printed, it takes two lines:
///
/// ```text
/// pilotlight.toml:31: zone[0].records[2].values[1]: "192.0.2.999" is not an IPv4 address
///     write four numbers from 0 to 255, such as 192.0.2.80
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The configuration, or a file that it names; empty: no file.
    pub file: String,
    /// Counted from 1; `None`: the file as a whole.
    pub line: Option<usize>,
    /// The key with the tables around it, such as `zone[0].records[2].values[1]`; empty: no key.
    pub key: String,
    /// The value as the file writes it; may be empty.
    pub value: String,
    /// Continues the sentence that begins with the value.
    pub reason: String,
    /// What to do.
    pub next: String,
}

impl Problem {
    pub(super) fn new(file: &str, line: Option<usize>, value: String, why: Rejection) -> Self {
        let Rejection { reason, next } = why;
        Self { file: file.to_owned(), line, key: String::new(), value, reason, next }
    }

    /// All but the next step, on one line.
    #[must_use]
    pub fn what(&self) -> String {
        let line = self.line.map_or_else(String::new, |line| format!(":{line}"));
        let key = if self.key.is_empty() { "" } else { &format!("{}: ", self.key) };
        let value = if self.value.is_empty() { "" } else { &format!("{} ", self.value) };
        let place = if self.file.is_empty() { "" } else { &format!("{}{line}: ", self.file) };
        printable(&format!("{place}{key}{value}{}", self.reason))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {}", self.what(), self.next)
    }
}

/// The problems of a configuration and of the files that it names, in the order of its lines. At most
/// [`MOST_PROBLEMS`] are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// Not empty where a configuration is rejected.
    pub list: Vec<Problem>,
    /// How many are not listed.
    pub more: usize,
}

impl Problems {
    /// Adds a problem, or counts it.
    pub(super) fn push(&mut self, problem: impl FnOnce() -> Problem) {
        match self.list.len() {
            MOST_PROBLEMS.. => self.more += 1,
            _ => self.list.push(problem()),
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], more: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {} more", grouped(more)),
        }
    }
}

impl Error for Problems {}

/// Why a value is rejected, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Continues the sentence that begins with the value.
    pub(super) reason: String,
    /// What to do; begins with a verb.
    pub(super) next: String,
}

impl Rejection {
    pub(super) fn new(reason: impl Into<String>, next: impl Into<String>) -> Self {
        let short = |text: String| printable_up_to(&text, LONGEST);
        Self { reason: short(reason.into()), next: short(next.into()) }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it {}; {}", self.reason, self.next)
    }
}

impl Error for Rejection {}

pub(super) fn reject<T>(
    reason: impl Into<String>,
    next: impl Into<String>,
) -> Result<T, Rejection> {
    Err(Rejection::new(reason, next))
}

/// A text as a problem shows it.
pub(super) fn quoted(text: &str) -> String {
    let text = &*redacted(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_between_letters() {
        assert_eq!(quoted("short"), r#""short""#);
        let long = "ü".repeat(SHOWN + 1);
        assert_eq!(quoted(&long), format!("\"{}…\"", "ü".repeat(SHOWN)));
    }
}
