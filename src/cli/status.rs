//! `pilotlight status`: the state of the running daemon.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use thiserror::Error;

use crate::cli::common::{Failed, Folders, colour};
use crate::cli::table;
use crate::decide::show::status::Status;
use crate::decide::time::{span_text, wall_text};
use crate::io::clock;

pub(super) fn status(folders: &Folders, json: bool) -> Result<u8, Failed> {
    let path = folders.places().status();
    let view = match load(&path) {
        Ok(view) => view,
        Err(error) => return unknown(&format!("{}: {error}", path.display())),
    };
    let mut out = io::stdout().lock();
    if json {
        table::json(&mut out, &view)?;
    } else {
        print(&mut out, &view)?;
    }
    out.flush()?;
    let now = clock::boot().map(|boot| boot.as_secs_f64());
    if let Some((now, until)) = now.zip(view.good_until).filter(|(now, until)| now > until) {
        let late = Duration::try_from_secs_f64((now - until).round()).unwrap_or_default();
        return unknown(&format!(
            "this is out of date: the daemon was due to write it again {} ago; see `journalctl -t pilotlight`",
            span_text(late)
        ));
    }
    Ok(view.exit_code())
}

/// Why there is no status.
#[derive(Debug, Error)]
enum LoadError {
    #[error(
        "this file does not exist, so no daemon is running; start it with `sudo systemctl start pilotlight` (by hand: \
         `pilotlight run`) and see its log with `journalctl -t pilotlight`; if it runs with another --runtime-dir, name \
         that folder here, too"
    )]
    NotRunning,
    #[error("{0}")]
    Unreadable(io::Error),
    #[error("{0}; it was written by another version of pilotlight")]
    OtherVersion(#[from] serde_json::Error),
}

fn load(path: &Path) -> Result<Status, LoadError> {
    let text = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::NotRunning,
        _ => LoadError::Unreadable(error),
    })?;
    Ok(serde_json::from_slice(&text)?)
}

fn print(out: &mut impl Write, view: &Status) -> io::Result<()> {
    writeln!(out, "{} at {}: {}", view.vantage, wall_text(view.at), view.meaning)?;
    table::print(out, view, colour(&io::stdout()))?;
    if let Some(why) = &view.reporting_why {
        writeln!(out, "\ncannot report: {why}")?;
    }
    for notice in &view.notices {
        writeln!(out)?;
        for line in notice.text.lines() {
            writeln!(out, "notice from {}: {line}", notice.source)?;
        }
    }
    if let Some(program) = &view.program {
        let age = view.at.zip(program.since).map(|(now, since)| now.duration_since(since));
        let age = age.map_or(Duration::ZERO, SignedDuration::unsigned_abs);
        writeln!(out, "\npilotlight {} ({program}: {})", view.pilotlight, span_text(age))?;
    }
    Ok(())
}

/// Prints the reason on standard error. The exit code is 3, unknown: no status must not look like health.
fn unknown(why: &str) -> Result<u8, Failed> {
    writeln!(io::stderr(), "pilotlight: {why}")?;
    Ok(3)
}
