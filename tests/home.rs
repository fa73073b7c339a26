//! The built program at home: a child process over real sockets, between nameservers, an anchor and a
//! GitHub of the test's own. What it says is read as a user would: status file, log, issues.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::fakes::dns::script::{Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::github::{GitHub, TOKEN};
use crate::program::PROGRAM;

/// Longer than anything here takes on a busy machine; only a broken test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at something that cannot be waited for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

const RECORDS: &str = "\
@ 3600 SOA ns1.example.net. hostmaster.example.net. 2026030100 7200 3600 1209600 3600
@ 3600 NS ns1.example.net.
@ 3600 NS ns2.example.net.
www 300 A 192.0.2.80";

/// A day in the life of the daemon, in seconds.
const SCHEDULE: &str = "\
[schedule]
interval = \"1s\"
splay = \"0s\"
recheck = \"100ms\"
recover = \"100ms\"
queries-per-second = 0
";

pub(crate) struct Home {
    /// `ns1`, `ns2` and `ns3`; the last is not configured at first.
    pub(crate) servers: Vec<SocketServer>,
    pub(crate) github: Arc<GitHub>,
    /// Where it looks from.
    vantage: &'static str,
    /// Its `github.heartbeat`; off, so that the issues are those of outages.
    pub(crate) heartbeat: &'static str,
    anchor: SocketServer,
    folder: TempDir,
    daemon: Mutex<Option<Child>>,
}

impl Home {
    /// Everything is there and well; the daemon is not started.
    pub(crate) fn new() -> Self {
        Self::at_vantage("home", &Arc::new(GitHub::start()))
    }

    /// The same with servers of its own, and a GitHub that it shares.
    pub(crate) fn at_vantage(vantage: &'static str, github: &Arc<GitHub>) -> Self {
        static HOMES: AtomicU8 = AtomicU8::new(1);
        // Addresses of its own, so that nobody takes a port that is closed for a while.
        let home = HOMES.fetch_add(1, Ordering::Relaxed);
        let zone = ZoneData::parse("example.net", RECORDS);
        let start = |host, zone: &ZoneData| {
            let server = Nameserver::new([zone.clone()]);
            SocketServer::start(IpAddr::from([127, 77, home, host]), 0, server)
        };
        let new = Self {
            servers: (1..=3).map(|host| start(host, &zone)).collect(),
            github: Arc::clone(github),
            vantage,
            heartbeat: "off",
            anchor: start(9, &ZoneData::root()),
            folder: tempfile::tempdir().unwrap(),
            daemon: Mutex::new(None),
        };
        new.write_config(2, "");
        new
    }

    /// A configuration with so many nameservers, and more at its end.
    pub(crate) fn write_config(&self, nameservers: usize, more: &str) {
        let (api, anchor, vantage) = (self.github.url(), self.anchor.addr(), self.vantage);
        let heartbeat = self.heartbeat;
        let mut text = format!(
            "[github]\nrepository = \"owner/infra\"\napi = \"{api}\"\nheartbeat = \"{heartbeat}\"\n\n[vantage]\nname = \"{vantage}\"\n\
             anchors = [\"{anchor}\"]\nintercept = []\n\n{SCHEDULE}\n[panel]\ndriver = \"none\"\n"
        );
        for (n, server) in (1..).zip(&self.servers[..nameservers]) {
            let address = server.addr();
            text += &format!(
                "\n[[nameserver]]\nname = \"ns{n}.example.net\"\naddresses = [\"{address}\"]\n"
            );
        }
        text += "\n[[zone]]\nname = \"example.net\"\n\
                 records = [{ name = \"www\", type = \"A\", values = [\"192.0.2.80\"] },\n\
                 { name = \"@\", type = \"NS\", values = [\"ns1\", \"ns2\"] }]\n";
        fs::write(self.at("pilotlight.toml"), text + more).unwrap();
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start(&self) {
        let mut log = File::options();
        let log = log.create(true).append(true).open(self.at("log")).unwrap();
        let child = Command::new(PROGRAM)
            .arg("run")
            .args(["--config".as_ref(), self.at("pilotlight.toml").as_os_str()])
            .args(["--runtime-dir".as_ref(), self.at("run").as_os_str()])
            .args(["--state-dir".as_ref(), self.at("state").as_os_str()])
            .env("GITHUB_TOKEN", TOKEN)
            .env("CREDENTIALS_DIRECTORY", self.at("none"))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let before = self.daemon().replace(child);
        assert!(before.is_none(), "one at a time");
    }

    /// As the power goes: no signal handler, no destructor.
    pub(crate) fn kill(&self) {
        let mut child = self.daemon().take().expect("a daemon runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.daemon().as_ref().expect("a daemon runs").id();
        let sent = Command::new("kill").args([name, &pid.to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the daemon to end by itself.
    pub(crate) fn ended(&self, within: Duration) -> ExitStatus {
        let mut child = self.daemon().take().expect("a daemon runs");
        let mut status = None;
        let ended = wait(within, || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        if !ended {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        status.unwrap_or_else(|| panic!("it has not ended within {within:?}: {}", self.log()))
    }

    /// Waits until the status file is as wanted.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let seen = || self.status().is_some_and(|status| wanted(&status));
        if !wait(PATIENCE, seen) {
            panic!("never {what}: {:?}\n{}", self.status(), self.log());
        }
    }

    pub(crate) fn until_logged(&self, line: &str) {
        if !wait(PATIENCE, || self.log().contains(line)) {
            panic!("never logged {line:?}:\n{}", self.log());
        }
    }

    /// What the daemon that runs now has written; what a killed one wrote stays there.
    pub(crate) fn status(&self) -> Option<Value> {
        let pid = self.daemon().as_ref()?.id();
        // Replaced as a whole at every change: whoever reads it reads one of them.
        let status = fs::read(self.at("run/status.json")).ok()?;
        let status: Value = serde_json::from_slice(&status).ok()?;
        (status["pid"] == pid).then_some(status)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap_or_default()
    }

    fn daemon(&self) -> MutexGuard<'_, Option<Child>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        if let Some(mut child) = self.daemon().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Looks until it is so; false when time runs out.
pub(crate) fn wait(within: Duration, mut so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if so() {
            return true;
        }
        if start.elapsed() > within {
            return false;
        }
        sleep(LOOK_EVERY);
    }
}

/// The panel's word.
pub(crate) fn shows(state: &str) -> impl Fn(&Value) -> bool {
    move |status| status["state"] == state
}
