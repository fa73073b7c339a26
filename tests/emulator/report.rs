//! What is said of the story: a line for each check, the figures that were measured, a table at the end.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How a check went: how it was seen, or why it was not.
pub type Outcome = Result<String, String>;

/// Collects what held and what did not.
pub struct Report {
    began: Instant,
    log: File,
    figures: Vec<(String, String)>,
    passed: usize,
    failed: Vec<String>,
}

impl Report {
    /// A report that is also kept in this file.
    pub fn new(log: &Path) -> Self {
        let log = File::create(log).unwrap();
        Self { began: Instant::now(), log, figures: Vec::new(), passed: 0, failed: Vec::new() }
    }

    /// A line without a judgement.
    pub fn say(&mut self, text: &str) {
        let text = text.trim_end();
        self.print(&format!("{:7.1}  {text}", self.began.elapsed().as_secs_f64()));
    }

    fn print(&mut self, line: &str) {
        let mut out = io::stdout();
        writeln!(out, "{line}").unwrap();
        writeln!(self.log, "{line}").unwrap();
    }

    /// One check: whether it held.
    pub fn check(&mut self, what: &str, outcome: Outcome) -> bool {
        let (word, held, more) = match outcome {
            Ok(how) => ("ok    ", true, how),
            Err(why) => ("FAILED", false, why),
        };
        let between = if more.is_empty() { "" } else { ": " };
        self.say(&format!("{word} {what}{between}{more}"));
        if held {
            self.passed += 1;
        } else {
            self.failed.push(what.to_owned());
        }
        held
    }

    /// A figure for the table.
    pub fn figure(&mut self, what: &str, value: impl Into<String>) {
        self.figures.push((what.to_owned(), value.into()));
    }

    /// Whether anything has failed so far.
    pub fn failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// The table, and the line that counts. Whether all is well.
    pub fn end(mut self) -> bool {
        self.figure("the whole of this", seconds(self.began.elapsed()));
        self.print("");
        let width = self.figures.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
        for (what, value) in std::mem::take(&mut self.figures) {
            self.print(&format!("{what:<width$}  {value}"));
        }
        self.print("");
        for what in self.failed.clone() {
            self.print(&format!("FAILED {what}"));
        }
        self.print(&format!("{} passed, {} failed", self.passed, self.failed.len()));
        self.failed.is_empty()
    }
}

/// A time for people.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
