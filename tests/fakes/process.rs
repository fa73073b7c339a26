//! A child process: it runs in the foreground, its words are kept in a file, and it ends by its own id
//! when its test does.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How often a condition is looked at, and how many times: half a minute in all, for a machine that is
/// busy with other things.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1500;

/// How many looks a process has to end before it is killed.
const LOOKS_TO_END: u32 = 500;

/// A running child. Dropping it ends it: SIGTERM first, SIGKILL if that does not help.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it, with all that it says going into this file.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::create(log).expect("a log file can be made");
        let twin = file.try_clone().expect("a second handle to it");
        command.stdin(Stdio::null()).stdout(file).stderr(twin);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let log = log.to_owned();
        Self { name, child, log }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the condition holds.
    ///
    /// # Panics
    /// When the process ends before that, or the condition does not come true, with what it said.
    pub fn wait_until(&mut self, what: &str, mut condition: impl FnMut() -> bool) {
        for _ in 0..LOOKS {
            if condition() {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended ({status}) before {what}\n{}", self.name, self.log());
            }
            sleep(LOOK);
        }
        panic!("waited too long for {}, until {what}\n{}", self.name, self.log());
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, signal: &str) {
        // The shell's own `kill`: not every system has one as a program. The child is not waited for
        // yet, so its id is still its own.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.id().to_string()]);
        // It may have ended by itself meanwhile.
        let _ = shell.stderr(Stdio::null()).status();
    }

    /// Waits for its end, for a while.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        for _ in 0..LOOKS_TO_END {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            sleep(LOOK);
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal("TERM");
        }
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Where a program is, if it is installed; daemons are where a user's PATH does not lead, too.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut folders = env::split_paths(&path).chain(more);
    folders.find_map(|dir| Some(dir.join(name)).filter(|path| path.is_file()))
}

/// Where a program is.
///
/// # Panics
/// When it is not installed, with the Debian package to install.
pub fn installed(name: &str, package: &str) -> PathBuf {
    find(name).unwrap_or_else(|| {
        panic!(
            "{name} is not installed: `sudo tests/run --prepare` installs what the tests need, \
             `sudo apt-get install {package}` this program"
        )
    })
}
