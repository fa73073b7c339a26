//! What is wrong with a file, in words for the person who wrote it: place, value, why, next step.

use std::error::Error;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file that it is in, if that is not the configuration but one that it names.
    pub file: Option<String>,
    /// The line, counted from 1; `None`: the file as a whole.
    pub line: Option<usize>,
    /// The key with the tables around it, such as `zone[0].records[2].values[1]`; empty: no key.
    pub key: String,
    /// The value as the file writes it; empty where the words go without.
    pub value: String,
    /// Why it cannot stay so; it follows the value in the same sentence.
    pub reason: String,
    /// What to do.
    pub next: String,
}

/// Everything that is wrong with one file, and with those that it names, in the order of its lines.
///
/// Printed, each problem takes two lines:
///
/// ```text
/// pilotlight.toml:31: zone[0].records[2].values[1]: "192.0.2.999" is not an IPv4 address
///     write four numbers from 0 to 255, such as 192.0.2.80
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file, as the caller named it.
    pub file: String,
    /// Never empty.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            f.write_str(problem.file.as_ref().unwrap_or(&self.file))?;
            if let Some(line) = problem.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            if !problem.value.is_empty() {
                write!(f, "{} ", problem.value)?;
            }
            write!(f, "{}\n    {}", problem.reason, problem.next)?;
        }
        Ok(())
    }
}

impl Error for Problems {}

/// What is wrong with a value, said by someone who does not know where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) reason: String,
    pub(super) next: String,
}

/// `reason` continues a sentence that begins with the value; `next` begins with a verb.
pub(super) fn wrong(reason: impl Into<String>, next: impl Into<String>) -> Wrong {
    Wrong { reason: reason.into(), next: next.into() }
}
