//! A person with a key at the other end of ssh.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::report::Outcome;

/// Seconds for one command: the emulated board is slow, and a hang is to be said.
const PATIENCE: &str = "150";

/// A key pair of this run.
pub struct Key {
    dir: PathBuf,
}

/// The way in to one boot.
pub struct Ssh {
    key: PathBuf,
    port: u16,
    control: PathBuf,
}

impl Key {
    /// Makes one.
    pub fn new(dir: &Path) -> Self {
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "emulator", "-f"])
            .arg(dir.join("key"))
            .stdin(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "ssh-keygen makes a key");
        Self { dir: dir.to_owned() }
    }

    /// The line for authorized_keys.
    pub fn public(&self) -> String {
        fs::read_to_string(self.dir.join("key.pub")).unwrap()
    }

    /// The way in at this port.
    pub fn way_in(&self, port: u16) -> Ssh {
        // The port is new with each boot, and so is the connection that commands share.
        let control = self.dir.join(format!("ssh-{port}-%r"));
        Ssh { key: self.dir.join("key"), port, control }
    }
}

impl Ssh {
    fn command(&self, program: &str, options: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args([PATIENCE, program, "-F", "/dev/null"]).args(options);
        // Emulated, an exchange of keys takes longer than some servers would wait.
        for option in ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        {
            command.arg("-o").arg(option);
        }
        command.arg("-o").arg("ConnectTimeout=60").stdin(Stdio::null());
        command
    }

    /// What a command says as this user.
    ///
    /// # Errors
    /// When it fails, or there is no way in: what was said instead.
    pub fn run(&self, user: &str, script: &str) -> Outcome {
        let mut command = self.command("ssh", &["-o", "BatchMode=yes", "-o", "ControlMaster=auto"]);
        command.arg("-o").arg(format!("ControlPath={}", self.control.display()));
        command.args(["-o", "ControlPersist=yes", "-i"]).arg(&self.key);
        command.args(["-p", &self.port.to_string(), &format!("{user}@127.0.0.1"), script]);
        outcome(&mut command)
    }

    /// The same as root.
    ///
    /// # Errors
    /// As [`Ssh::run`].
    pub fn root(&self, script: &str) -> Outcome {
        self.run("root", script)
    }

    /// Copies a file there with plain scp, as the login user.
    ///
    /// # Errors
    /// When that fails.
    pub fn copy(&self, from: &Path, to: &str) -> Outcome {
        let mut command = self.command("scp", &["-o", "BatchMode=yes"]);
        command.arg("-i").arg(&self.key).args(["-P", &self.port.to_string()]);
        outcome(command.arg(from).arg(format!("pilotlight@127.0.0.1:{to}")))
    }

    /// Copies a file from there, as root.
    ///
    /// # Errors
    /// When that fails.
    pub fn fetch(&self, from: &str, to: &Path) -> Outcome {
        let mut command = self.command("scp", &["-o", "BatchMode=yes"]);
        command.arg("-i").arg(&self.key).args(["-P", &self.port.to_string()]);
        outcome(command.arg(format!("root@127.0.0.1:{from}")).arg(to))
    }

    /// What the server says to somebody who has no key but would type a password.
    pub fn without_a_key(&self, user: &str) -> String {
        let methods = "PreferredAuthentications=password,keyboard-interactive";
        let mut command = self.command("ssh", &["-o", methods, "-o", "PubkeyAuthentication=no"]);
        command.args(["-o", "NumberOfPasswordPrompts=1", "-p", &self.port.to_string()]);
        command.args([&format!("{user}@127.0.0.1"), "true"]);
        outcome(&mut command).unwrap_or_else(|why| why)
    }
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].join(" ");
    Err(format!("{} ({})", said.trim(), output.status))
}
