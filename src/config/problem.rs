//! Problems of a configuration, in words for its author: place, value, reason, next step.

use std::error::Error;
use std::fmt;

/// Longer values are cut: enough to recognise a DKIM key.
const SHOWN: usize = 60;

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
        format!("{place}{key}{value}{}", self.reason)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {}", self.what(), self.next)
    }
}

/// All problems of a configuration and of the files that it names, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// Never empty.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
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
        Self { reason: reason.into(), next: next.into() }
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
