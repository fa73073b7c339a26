//! The result of an import, and how the user learns of it: by `PROBLEMS.txt` on the card and by a notice on the
//! panel.

use std::fmt;

use super::error::ProvisionError;
use super::paths::CardPaths;
use crate::io::system::disk::Disk;

const NAME: &str = "PROBLEMS.txt";

/// Something that the user must correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place and the reason, such as `wifi.conf:2: the country is missing`.
    pub what: String,
    /// The next step.
    pub next: String,
}

impl Problem {
    pub(super) fn new(place: &str, reason: &str, next: &str) -> Self {
        Self { what: format!("{place}: {reason}"), next: next.to_owned() }
    }
}

/// On one line, for a log; with `{:#}` on two, as in `PROBLEMS.txt`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if f.alternate() { "\n    " } else { "; " };
        write!(f, "{}{between}{}", self.what, self.next)
    }
}

#[derive(Debug, Default)]
pub struct ProvisionReport {
    /// What was changed.
    pub done: Vec<String>,
    pub problems: Vec<Problem>,
    /// Which older settings stay in force because the new ones have problems.
    pub in_force: Vec<String>,
    /// On a new card: what to do before pilotlight can watch anything. This is not a problem.
    pub first_step: Option<Problem>,
    /// A step failed; the reason is among the problems.
    pub failed: bool,
}

pub(super) fn publish(
    paths: &CardPaths,
    disk: &mut Disk,
    report: &mut ProvisionReport,
) -> Result<(), ProvisionError> {
    // Without the first step: for a card without a configuration the panel has a pattern of its own.
    let lines: String = report.problems.iter().map(|problem| format!("{problem}\n")).collect();
    let lines = Some(lines.as_bytes()).filter(|lines| !lines.is_empty());
    let folder = paths.run.join("pilotlight-notices");
    disk.folder(&folder, 0o755)?;
    let notice = disk.put(&folder.join("card"), lines, Some(0o644));
    let text = report.problems_txt();
    disk.put(&paths.card.join(NAME), text.as_ref().map(String::as_bytes), None)?;
    notice?;
    Ok(())
}

impl ProvisionReport {
    /// The content of `PROBLEMS.txt`; `None` if there is nothing to do.
    fn problems_txt(&self) -> Option<String> {
        let heading = match (&self.problems[..], &self.first_step) {
            ([], None) => return None,
            ([], _) => "There is one thing to do before pilotlight can watch anything:",
            _ => {
                "pilotlight could not import everything on this card. Correct the problems below and start \
                 the board again. Then this file disappears."
            }
        };
        let todo = self.problems.iter().chain(&self.first_step);
        let mut parts = vec![heading.to_owned()];
        parts.extend(todo.map(|problem| format!("{problem:#}")));
        parts.extend(self.in_force.iter().map(|old| format!("Until then {old}.")));
        // Every editor understands these line ends.
        let text = (parts.join("\n\n") + "\n").replace('\n', "\r\n");
        // An old Notepad recognises UTF-8 only by its mark.
        Some(if text.is_ascii() { text } else { format!("\u{feff}{text}") })
    }
}
