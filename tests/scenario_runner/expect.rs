//! Whether the world is as a scenario says: the status file as a user reads it, GitHub as people see it.

use std::fs;

use serde_json::Value;

use super::clause::Look;
use super::world::World;
use crate::fakes::github::{Issue, LOGIN};

impl World {
    pub(super) fn look(&mut self, look: &Look) -> Result<(), String> {
        match look {
            Look::Panel(state, down, cannot_report) => self.panel(state, down, *cannot_report),
            Look::NoStatus => match self.places().status().exists() {
                true => Err("it is there".to_owned()),
                false => Ok(()),
            },
            Look::Server(name, state) => {
                let status = self.status()?;
                let name = format!("{name}.example.net");
                let mut listed = status["nameservers"].as_array().into_iter().flatten();
                let server = listed.find(|server| server["name"] == *name);
                same(&text(server.ok_or("it is not listed")?, "state"), state)
            }
            Look::Reporting(word) => {
                let status = self.status()?;
                same(&text(&status, "reporting"), word)
                    .map_err(|why| format!("{why}: {}", status["reporting_why"]))
            }
            Look::Issue(number, state, title) => {
                let issue = self.issue(*number)?;
                same(&issue.state, state)?;
                title.as_ref().map_or(Ok(()), |t| same(&issue.title, t))
            }
            Look::IssueSays(number, text) => holds(&self.issue(*number)?.body, text),
            Look::Comments(number, count) => same(&self.issue(*number)?.comments.len(), count),
            Look::CommentSays(number, at, text) => {
                let issue = self.issue(*number)?;
                let comment = issue.comments.get(at.wrapping_sub(1));
                holds(&comment.ok_or("there is no such comment")?.body, text)
            }
            Look::Issues(count) => {
                let issues = self.github.issues();
                self.spoken_of = issues.len() as u64;
                same(&issues.len(), count)
            }
            Look::NoNewIssues => match self.github.issues().len() as u64 {
                count if count > self.spoken_of => Err(format!("there are {count} now")),
                _ => Ok(()),
            },
            Look::NothingWritten(since) => same(&self.since(*since)?.1, &0),
            Look::Requests(count, since) => {
                self.await_requests(*count, *since)?;
                same(&self.since(*since)?.0, count)
            }
            Look::Counted(count) => {
                same(&(self.github.requests().len() - self.github.unchanged()), count)
            }
            Look::Kept(count) => same(&self.kept()?, count),
        }
    }

    fn panel(&self, state: &str, down: &[usize], cannot_report: bool) -> Result<(), String> {
        let status = self.status()?;
        let meaning = text(&status, "meaning");
        same(&text(&status, "state").as_str(), &state)?;
        same(&(meaning.contains("report")), &cannot_report)
            .map_err(|_| format!("its sentence is {meaning:?}"))?;
        let names = self.names_of(&status, down)?;
        match down.is_empty() || meaning.starts_with(&format!("down: {}", names.join(", "))) {
            true => Ok(()),
            false => Err(format!("its sentence is {meaning:?}")),
        }
    }

    /// # Errors
    /// When something is left that no line has spoken of.
    pub(super) fn end(&mut self) -> Result<(), String> {
        let spared = self.github.clear_faults();
        if spared > 0 {
            return Err(format!("{spared} faults have met nothing"));
        }
        if let Some(second) = self.github.hurried() {
            return Err(format!("two writes at {second}"));
        }
        self.look(&Look::NoNewIssues).map_err(|why| format!("issues that no line spoke of: {why}"))
    }

    /// What GitHub and the status file say, for whoever reads about a failure.
    pub(super) fn scene(&self) -> String {
        let mut scene = String::new();
        for issue in self.github.issues() {
            let Issue { number, state, title, comments, .. } = issue;
            scene += &format!("  issue {number} {state} {title:?}");
            for comment in comments {
                let last = comment.body.lines().last().unwrap_or_default().to_owned();
                scene += &format!("\n    {} {}: {last}", comment.created_at, comment.user);
            }
            scene += "\n";
        }
        if let Ok(status) = self.status() {
            scene += &format!("  status {status}\n");
        }
        scene
    }

    fn status(&self) -> Result<Value, String> {
        let path = self.places().status();
        let bytes = fs::read(path).map_err(|error| format!("status file: {error}"))?;
        serde_json::from_slice(&bytes).map_err(|error| format!("status file: {error}"))
    }

    /// The names behind the numbers that red blinks.
    fn names_of(&self, status: &Value, numbers: &[usize]) -> Result<Vec<String>, String> {
        let name = |&number: &usize| {
            let server = status["nameservers"].get(number.wrapping_sub(1));
            server.map(|server| text(server, "name"))
        };
        let names: Option<Vec<String>> = numbers.iter().map(name).collect();
        names.ok_or_else(|| "there are not so many nameservers".to_owned())
    }

    fn issue(&mut self, number: u64) -> Result<Issue, String> {
        self.spoken_of = self.spoken_of.max(number);
        let mut issues = self.github.issues().into_iter();
        let issue = issues.find(|issue| issue.number == number);
        let issue = issue.ok_or("there is no such issue")?;
        same(&issue.user.as_str(), &LOGIN)?;
        Ok(issue)
    }

    fn kept(&self) -> Result<usize, String> {
        let folder = self.places().state;
        let path = self.places().unreported();
        let listed = fs::read_dir(&folder).into_iter().flatten();
        let stray = listed.flatten().find(|entry| entry.path() != path);
        if let Some(stray) = stray {
            return Err(format!("{} should not be there", stray.path().display()));
        }
        let Ok(bytes) = fs::read(path) else {
            return Ok(0);
        };
        let kept: Vec<Value> = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        Ok(kept.len())
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found:?} is what is there"))
}

fn holds(text: &str, part: &str) -> Result<(), String> {
    if text.contains(part) {
        return Ok(());
    }
    Err(format!("it says:\n{text}"))
}
