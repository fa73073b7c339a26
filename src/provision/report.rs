//! The result of an import, and its text for the user.

use crate::config::Problem;

#[derive(Debug, Default)]
pub struct ProvisionReport {
    /// What was changed.
    pub done: Vec<String>,
    /// What the user must correct.
    pub problems: Vec<Problem>,
    /// Which older settings stay in force because the new ones have problems.
    pub in_force: Vec<String>,
    /// On a new card: what to do before pilotlight can watch anything. This is not a problem.
    pub first_step: Option<Problem>,
    /// A step failed; the reason is among the problems.
    pub failed: bool,
}

/// A problem for a log.
#[must_use]
pub fn one_line(problem: &Problem) -> String {
    format!("{}; {}", problem.what(), problem.next)
}

/// More are counted: nobody reads them all. A configuration has at most one less.
const MOST: usize = 51;

impl ProvisionReport {
    pub(super) fn shorten(&mut self) {
        if let more @ 1.. = self.problems.len().saturating_sub(MOST) {
            self.problems.truncate(MOST);
            let reason = format!("{more} more problems are not shown");
            self.problems.push(problem("", None, &reason, "correct these first"));
        }
    }

    /// The content of `PROBLEMS.txt`; `None` if there is nothing to do.
    pub(super) fn problems_txt(&self) -> Option<String> {
        let heading = match (&self.problems[..], &self.first_step) {
            ([], None) => return None,
            ([], _) => "There is one thing to do before pilotlight can watch anything:",
            _ => {
                "pilotlight could not import everything on this card. Correct the problems below and start \
                 the board again. Then this file disappears."
            }
        };
        let mut parts = vec![heading.to_owned()];
        parts.extend(self.problems.iter().chain(&self.first_step).map(Problem::to_string));
        parts.extend(self.in_force.iter().map(|old| format!("Until then {old}.")));
        // Every editor understands these line ends.
        let text = (parts.join("\n\n") + "\n").replace('\n', "\r\n");
        // An old Notepad recognises UTF-8 only by its mark.
        Some(if text.is_ascii() { text } else { format!("\u{feff}{text}") })
    }
}

pub(super) fn problem(file: &str, line: Option<usize>, reason: &str, next: &str) -> Problem {
    let (key, value) = (String::new(), String::new());
    let (reason, next) = (reason.to_owned(), next.to_owned());
    Problem { file: file.to_owned(), line, key, value, reason, next }
}
