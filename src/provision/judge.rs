//! Whether a configuration has problems. The version in use decides, as it may know other keys than this program.
//! It came over the network, so it is run as an unprivileged user without any other file of the card.

use std::path::Path;

use super::report::problem;
use crate::config::{Config, Problem};
use crate::io::system::unit::{ProcessEnd, Properties, systemctl};
use crate::text::printable;

/// The name of the configuration in the folder to judge.
pub(super) const NAME: &str = "pilotlight.toml";

/// Of the output of another version.
const LINES: usize = 200;

const AGAIN: &str = "correct this, and start the board again";

/// It runs `pilotlight config` in `CANDIDATE`, and writes what that prints to `OUTPUT`.
const UNIT: &str = "pilotlight-config.service";

/// The folder to judge, below the folder in memory.
pub(super) const CANDIDATE: &str = "pilotlight-config/candidate";

const OUTPUT: &str = "pilotlight-config/output";

/// `pilotlight config` found problems.
const EXIT_PROBLEMS: &str = "78";

/// Asks the version in use. Without systemd this program judges.
///
/// # Errors
/// The problems.
pub fn by_the_version_in_use(run: &Path) -> Result<(), Vec<Problem>> {
    if systemctl(&["start", UNIT]).is_ok() {
        return Ok(());
    }
    let end = Properties::of(UNIT).map_or(ProcessEnd::Finished, |unit| unit.end());
    let _ = systemctl(&["reset-failed", UNIT]); // or `systemctl --failed` would list it
    match end {
        ProcessEnd::Finished => by_this_program(run), // it was not started
        ProcessEnd::Exited(code) if code == EXIT_PROBLEMS => {
            let output = std::fs::read(run.join(OUTPUT)).unwrap_or_default();
            Err(printed_problems(&String::from_utf8_lossy(&output)))
        }
        end => {
            let reason = format!("cannot be checked: {end}");
            let next = "make it smaller, and the zone files that it names";
            Err(vec![problem(NAME, None, &reason, next)])
        }
    }
}

/// # Errors
/// The problems.
pub fn by_this_program(run: &Path) -> Result<(), Vec<Problem>> {
    let folder = run.join(CANDIDATE);
    let Err(mut problems) = Config::load_with(&folder.join(NAME), true) else { return Ok(()) };
    for problem in &mut problems.list {
        if let Ok(below) = Path::new(&problem.file).strip_prefix(&folder) {
            problem.file = below.display().to_string();
        }
    }
    if let more @ 1.. = problems.more {
        problems.list.push(problem("", None, &format!("and {more} more"), AGAIN));
    }
    Err(problems.list)
}

/// Each problem is printed as a line, and the next step as an indented one. The first begins as every message does.
fn printed_problems(output: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let output = output.strip_prefix("pilotlight: ").unwrap_or(output);
    let output = output.split("\n\n").next().unwrap_or(output); // their number follows a blank line
    for line in output.lines().take(LINES).map(printable).filter(|line| !line.trim().is_empty()) {
        match problems.last_mut() {
            Some(last) if line.starts_with(' ') => last.next.push_str(line.trim()),
            _ => problems.push(problem("", None, &line, "")),
        }
    }
    // A last line may count others.
    for problem in problems.iter_mut().filter(|problem| problem.next.is_empty()) {
        AGAIN.clone_into(&mut problem.next);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::report::one_line;

    #[test]
    fn printed_problems_are_read_with_their_next_steps() {
        let output = "pilotlight: pilotlight.toml:1: a: 1 is bad\n    write 2\nzones/x:3: y is no name\n    write z\n\
                      and 7 more\n\n9 problems\n";
        let lines: Vec<String> = printed_problems(output).iter().map(one_line).collect();
        let expected = [
            "pilotlight.toml:1: a: 1 is bad; write 2",
            "zones/x:3: y is no name; write z",
            "and 7 more; correct this, and start the board again",
        ];
        assert_eq!(lines, expected);
    }
}
