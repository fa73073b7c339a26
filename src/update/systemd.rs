//! The real system: systemd runs the service and the sandbox, and the service writes a status file.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde::Deserialize;

use super::error::UpdateError;
use super::system::{ServiceState, System};
use crate::decide::show::status::Program;
use crate::decide::time::Moment;
use crate::io::clock::Clock;
use crate::io::system::unit::{ProcessEnd, Properties, systemctl};
use crate::text::printable_lines;

const SERVICE: &str = "pilotlight.service";

/// Shorter than the service's `RestartSec=`, so that no death is missed.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many lines of a failed test run are repeated.
const LINES: usize = 4;

/// systemd's exit status for a file that the kernel does not execute (systemd.exec(5)).
const EXIT_EXEC: &str = "203";

const MAX_VERSION_LENGTH: usize = 40;

/// If systemd does not answer so many times, it has lost the service.
const TRIES: usize = 30;

/// What is read of the status file. Every later version must write this much, as the binary that came with the
/// card reads it.
#[derive(Deserialize)]
struct Status {
    state: State,
    pid: Option<u32>,
    program: Option<Program>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum State {
    Starting,
    #[serde(other)]
    FinishedRound,
}

pub struct Systemd {
    clock: Clock,
    /// Written by the service.
    status: PathBuf,
    /// `StandardOutput=` of the unit for a test run.
    output: PathBuf,
}

impl Systemd {
    #[must_use]
    pub fn new(run: &Path) -> Self {
        let output = run.join("pilotlight-update/said");
        Self { clock: Clock::system(), status: run.join("pilotlight/status.json"), output }
    }
}

impl System for Systemd {
    fn test_run(&mut self, hash: &str) -> Result<String, UpdateError> {
        let unit = format!("pilotlight-try@{hash}.service");
        let _ = fs::remove_file(&self.output); // systemd would append to it
        let started = systemctl(&["start", &unit]);
        let output = fs::read(&self.output).unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let output = printable_lines(&output);
        let mut lines = output.lines();
        let first = lines.next().unwrap_or_default();
        let version = first.strip_prefix("pilotlight ").filter(|v| v.len() < MAX_VERSION_LENGTH);
        let Err(error) = started else {
            let version = version.map(str::to_owned);
            return version.ok_or_else(|| UpdateError::NotPilotlight(first.to_owned()));
        };
        let Ok(properties) = Properties::of(&unit) else { return Err(error.into()) };
        let end = properties.end();
        let _ = systemctl(&["reset-failed", &unit]); // or `systemctl --failed` would list it
        if end == ProcessEnd::Exited(EXIT_EXEC.to_owned()) {
            return Err(UpdateError::NotExecutable);
        }
        let option = if version.is_some() { "config" } else { "--version" };
        let skipped = usize::from(version.is_some());
        let output: Vec<&str> = output.lines().skip(skipped).take(LINES).collect();
        Err(UpdateError::TestRun { option, end, output: output.join("; ") })
    }

    fn restart(&mut self) -> Result<(), UpdateError> {
        Ok(systemctl(&["restart", "--no-block", SERVICE]).map(drop)?)
    }

    fn service(&mut self) -> ServiceState {
        let ask = |_| Properties::of(SERVICE).map_err(|_| sleep(INTERVAL)).ok();
        let Some(service) = (0..TRIES).find_map(ask) else { return ServiceState::default() };
        let state = service.get("SubState");
        let ended = ["auto-restart", "auto-restart-queued", "failed", "dead"].contains(&state);
        let finished_round = || {
            let status: Status = serde_json::from_slice(&fs::read(&self.status).ok()?).ok()?;
            let is_own = status.pid?.to_string() == service.get("MainPID") && state == "running";
            status.program.filter(|_| is_own && status.state == State::FinishedRound)
        };
        ServiceState {
            run: service.get("InvocationID").to_owned(),
            end: ended.then(|| service.end()),
            finished_round: finished_round().map(|program| program.hash),
        }
    }

    fn wait(&mut self) {
        sleep(INTERVAL);
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}
