//! The board as it is: systemd has the service and the sandbox, and the service says itself what it has seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde::Deserialize;

use super::Board;
use super::trial::Seen;
use crate::decide::show::panel::PanelState;
use crate::decide::show::status::Program;
use crate::decide::time::Moment;
use crate::io::clock::Clock;

const SERVICE: &str = "pilotlight.service";

/// From look to look. The service waits longer before it starts again after a death, so that none is missed.
const LOOK: Duration = Duration::from_secs(1);

/// How much of what a failed try says is repeated.
const LINES: usize = 4;

/// No version is called anything longer.
const LONGEST: usize = 40;

/// How often systemd is asked that does not answer, before it is believed to have lost the service.
const TRIES: usize = 30;

/// All that is read of the status file. Every later version must go on writing this much, as it is the version
/// that came with the card which reads it.
#[derive(Deserialize)]
struct View {
    state: String,
    pid: Option<u32>,
    program: Option<Program>,
}

/// systemd, by `systemctl`.
pub struct Systemd {
    clock: Clock,
    /// What the service writes about itself.
    status: PathBuf,
    /// What a try has said (`StandardOutput=` of its unit).
    said: PathBuf,
}

impl Systemd {
    /// With the service's and the try's files in this folder.
    #[must_use]
    pub fn new(run: &Path) -> Self {
        let said = run.join("pilotlight-update/said");
        Self { clock: Clock::system(), status: run.join("pilotlight/status.json"), said }
    }
}

impl Board for Systemd {
    fn try_out(&mut self, hash: &str) -> Result<String, String> {
        let unit = format!("pilotlight-try@{hash}.service");
        let _ = fs::remove_file(&self.said); // it is appended to
        let tried = systemctl(&["start", &unit]);
        let said = String::from_utf8_lossy(&fs::read(&self.said).unwrap_or_default()).into_owned();
        let said = said.replace(|c: char| c.is_control() && c != '\n', "?");
        let first = said.lines().next().unwrap_or_default();
        let version = first.strip_prefix("pilotlight ").filter(|version| version.len() < LONGEST);
        let Err(why) = tried else {
            let none = || format!("it is not pilotlight: its --version says {first:?}");
            return version.map(str::to_owned).ok_or_else(none);
        };
        let why = Properties::of(&unit).map_or(why, |unit| unit.death());
        let _ = systemctl(&["reset-failed", &unit]); // else the board would seem to have a problem
        let rest: Vec<&str> =
            said.lines().skip(usize::from(version.is_some())).take(LINES).collect();
        let step = if version.is_some() { "config" } else { "--version" };
        Err(format!("run with `{step}`, {why}; it said: {}", rest.join("; ")))
    }

    fn restart(&mut self) -> Result<(), String> {
        systemctl(&["restart", "--no-block", SERVICE]).map(drop)
    }

    fn look(&mut self) -> Seen {
        let ask = |_| Properties::of(SERVICE).map_err(|_| sleep(LOOK)).ok();
        let Some(service) = (0..TRIES).find_map(ask) else { return Seen::default() };
        let state = service.get("SubState");
        let died = ["auto-restart", "auto-restart-queued", "failed", "dead"].contains(&state);
        let view = || {
            let view: View = serde_json::from_slice(&fs::read(&self.status).ok()?).ok()?;
            let own = view.pid?.to_string() == service.get("MainPID");
            let judged = view.state != PanelState::Starting.word();
            view.program.filter(|_| own && judged && state == "running")
        };
        Seen {
            run: service.get("InvocationID").to_owned(),
            died: died.then(|| service.death()),
            watches: view().map(|program| program.hash),
        }
    }

    fn pause(&mut self) {
        sleep(LOOK);
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

/// What systemd knows about a unit.
struct Properties(String);

impl Properties {
    fn of(unit: &str) -> Result<Self, String> {
        let names = "--property=InvocationID,SubState,Result,ExecMainStatus,MainPID";
        systemctl(&["show", names, unit]).map(Self)
    }

    fn get(&self, name: &str) -> &str {
        let mut values = self.0.lines().filter_map(|line| line.split_once('='));
        values.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// How its last run ended (`Result=` of systemd.service(5)).
    fn death(&self) -> String {
        let code = self.get("ExecMainStatus");
        match self.get("Result") {
            "exit-code" => format!("it exited with {code}"),
            "signal" | "core-dump" => format!("it was killed by signal {code}"),
            "watchdog" => "it hung, and the watchdog ended it".to_owned(),
            "timeout" => "it took too long".to_owned(),
            "success" | "protocol" => "it ended by itself".to_owned(),
            other => format!("it failed (systemd calls it {other:?})"),
        }
    }
}

/// What it prints, or says when it fails.
fn systemctl(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("systemctl").args(arguments).output();
    let output = output.map_err(|error| format!("systemctl: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("systemctl {}: {}", arguments[0], text(&output.stderr))),
    }
}
