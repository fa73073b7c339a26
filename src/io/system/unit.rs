//! The units of systemd, asked and changed with `systemctl`.

use std::process::Command;

#[derive(Debug, thiserror::Error)]
#[error("systemctl {command}: {reason}")]
pub struct SystemctlError {
    command: String,
    reason: String,
}

/// How a process ended, as systemd reports it (`Result=` of systemd.service(5)).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessEnd {
    #[error("it exited with {0}")]
    Exited(String),
    #[error("it was killed by signal {0}")]
    Killed(String),
    #[error("it hung, and the watchdog ended it")]
    Watchdog,
    #[error("it took too long")]
    TimedOut,
    #[error("it needed more memory than it may have")]
    OutOfMemory,
    #[error("it ended by itself")]
    Finished,
    #[error("it died, and was started again")]
    Restarted,
    #[error("it failed (systemd calls it {0:?})")]
    Other(String),
}

/// Properties of a unit, as `systemctl show` prints them.
pub struct Properties(String);

impl Properties {
    /// # Errors
    /// systemd does not answer.
    pub fn of(unit: &str) -> Result<Self, SystemctlError> {
        let names = "--property=InvocationID,SubState,Result,ExecMainStatus,MainPID";
        systemctl(&["show", names, unit]).map(Self)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let mut values = self.0.lines().filter_map(|line| line.split_once('='));
        values.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    #[must_use]
    pub fn end(&self) -> ProcessEnd {
        let code = self.get("ExecMainStatus").to_owned();
        match self.get("Result") {
            "exit-code" => ProcessEnd::Exited(code),
            "signal" | "core-dump" => ProcessEnd::Killed(code),
            "watchdog" => ProcessEnd::Watchdog,
            "timeout" => ProcessEnd::TimedOut,
            "oom-kill" => ProcessEnd::OutOfMemory,
            "success" | "protocol" => ProcessEnd::Finished,
            other => ProcessEnd::Other(other.to_owned()),
        }
    }
}

/// Returns the output.
///
/// # Errors
/// What systemctl prints.
pub fn systemctl(arguments: &[&str]) -> Result<String, SystemctlError> {
    let failed = |reason| SystemctlError { command: arguments[0].to_owned(), reason };
    let output = Command::new("systemctl").args(arguments).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(failed(text(&output.stderr)))
    }
}
