//! What systemd is told, heard on a real notify socket and, where time must pass, under a paused clock.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use pilotlight::config::Config;
use pilotlight::daemon::{Order, Parts, run};
use pilotlight::decide::show::panel::Lamps;
use pilotlight::io::clock::Clock;
use pilotlight::io::gpio::driver::{Driver, LampError, Nothing};
use pilotlight::io::gpio::panel::Panel;
use pilotlight::io::system::files::Places;
use pilotlight::io::system::systemd::Manager;
use pilotlight::io::system::token::TokenError;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::fakes::dns::memnet::MemNet;
use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::github::{GitHub, TOKEN};

const ZONE: &str = "@ 3600 SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ 3600 NS ns1";

/// Longer than anything here takes; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A minute's worth of pings, and more.
const MESSAGES: usize = 1000;

/// Not a multiple of the interval between two pings, so that the last one is no race with the end.
const HALF_AN_HOUR: Duration = Duration::from_secs(1795);

fn zone() -> Nameserver {
    Nameserver::new([ZoneData::parse("example.net", ZONE)])
}

fn root() -> Nameserver {
    Nameserver::new([ZoneData::root()])
}

fn config(ns1: SocketAddr, anchor: SocketAddr, github: Option<&GitHub>) -> String {
    let github = github.map_or_else(String::new, |github| {
        format!(
            "[github]\nrepository = \"owner/infra\"\napi = \"{}\"\nheartbeat = \"off\"\n",
            github.url()
        )
    });
    format!(
        "{github}
[vantage]
anchors = [\"{anchor}\"]
intercept = []
[schedule]
interval = \"1s\"
[panel]
driver = \"none\"
[[nameserver]]
name = \"ns1.example.net\"
addresses = [\"{ns1}\"]
[[zone]]
name = \"example.net\"
"
    )
}

/// The daemon as systemd would start it, and what it says.
struct Service {
    child: Child,
    socket: UnixDatagram,
    folder: TempDir,
    _servers: Vec<SocketServer>,
}

impl Service {
    fn start(anchor: Behaviour, github: Option<&GitHub>) -> Self {
        Self::start_with(anchor, github, TOKEN)
    }

    fn start_with(anchor: Behaviour, github: Option<&GitHub>, token: &str) -> Self {
        let local = |last: u8| IpAddr::from([127, 0, 0, last]);
        let servers =
            [SocketServer::start(local(1), 0, zone()), SocketServer::start(local(2), 0, root())];
        servers[1].nameserver().set(anchor);
        let folder = tempfile::tempdir().unwrap();
        let text = config(servers[0].addr(), servers[1].addr(), github);
        std::fs::write(folder.path().join("pilotlight.toml"), text).unwrap();
        Self::spawn(folder, servers.into(), token)
    }

    fn spawn(folder: TempDir, servers: Vec<SocketServer>, token: &str) -> Self {
        let at = |name: &str| folder.path().join(name);
        let socket = UnixDatagram::bind(at("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pilotlight"))
            .args(["run", "--wait-for-config", "--config"])
            .arg(at("pilotlight.toml"))
            .arg("--notices")
            .arg(at("notices"))
            .env("NOTIFY_SOCKET", at("notify"))
            .env("WATCHDOG_USEC", "300000")
            .env("RUNTIME_DIRECTORY", at("run"))
            .env("STATE_DIRECTORY", at("state"))
            .env("GITHUB_TOKEN", token)
            .env_remove("WATCHDOG_PID")
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdout(File::create(at("out")).unwrap())
            .stderr(File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, socket, folder, _servers: servers }
    }

    fn hear(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("the daemon says something in time");
        String::from_utf8_lossy(&message[..length]).trim_end().to_owned()
    }

    /// What is said up to the first message that begins so, without the pings before it.
    fn until(&self, start: &str) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..MESSAGES {
            let message = self.hear();
            let found = message.starts_with(start);
            if found || message != "WATCHDOG=1" {
                heard.push(message);
            }
            if found {
                return heard;
            }
        }
        panic!("never said: {start}; but {heard:?}");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// What `pilotlight status` prints, and its exit code.
    fn status(&self) -> (String, Option<i32>) {
        let run = self.folder.path().join("run");
        let mut status = Command::new(env!("CARGO_BIN_EXE_pilotlight"));
        let output = status.arg("status").arg("--runtime-dir").arg(run).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn config(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn systemd_is_notified_in_order_ready_status_watchdog_reload_stopping() {
    let mut service = Service::start(Behaviour::Good, None);
    let start = service.until("READY=1");
    assert!(start[0].starts_with("EXTEND_TIMEOUT_USEC="), "{start:?}");
    assert_eq!(start[start.len() - 2..], ["STATUS=all well", "READY=1"]);
    assert_eq!(service.until("WATCHDOG=1"), ["WATCHDOG=1"]);

    service.signal("-HUP");
    let reload = service.until("READY=1");
    let first: Vec<&str> = reload[0].lines().collect();
    assert_eq!(first[0], "RELOADING=1");
    assert!(first[1].starts_with("MONOTONIC_USEC="), "{reload:?}");

    // A bad file keeps the old one, and is no reason to be anything but ready.
    std::fs::write(service.config().join("pilotlight.toml"), "nonsense = 1").unwrap();
    service.signal("-HUP");
    assert_eq!(service.until("READY=1").last().unwrap(), "READY=1");

    service.signal("-TERM");
    assert_eq!(service.until("STOPPING=1"), ["STOPPING=1"]);
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_dead_uplink_does_not_delay_readiness() {
    let service = Service::start(Behaviour::PortClosed, None);
    let start = service.until("READY=1");
    let status = &start[start.len() - 2];
    assert_eq!(status, "STATUS=our own uplink is down, the nameservers are unknown");
}

#[test]
fn a_github_that_hangs_does_not_stop_the_pings() {
    let github = GitHub::start();
    github.set_hang(true);
    let service = Service::start(Behaviour::Good, Some(&github));
    assert!(github.wait_for_requests(1, PATIENCE));
    for _ in 0..5 {
        service.until("WATCHDOG=1");
    }
    assert_eq!(github.requests().len(), 1, "the first request still hangs");
}

#[test]
fn the_token_appears_in_no_output() {
    let secret = "github_pat_11SECRET0abcdefghijklmnop";
    let github = GitHub::start(); // which does not know this token
    let mut service = Service::start_with(Behaviour::Good, Some(&github), secret);
    let denied = service.until("STATUS=all well; cannot report to GitHub");
    let config = service.config().join("pilotlight.toml");
    let mut produced: Vec<u8> = denied.concat().into_bytes();
    for command in
        [&["report", "--test"][..], &["status"], &["status", "--json"], &["config"], &["check"]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_pilotlight"))
            .args(command)
            .arg("--config")
            .arg(&config)
            .env("RUNTIME_DIRECTORY", service.config().join("run"))
            .env("GITHUB_TOKEN", secret)
            .output()
            .unwrap();
        produced.extend(output.stdout);
        produced.extend(output.stderr);
    }
    let status = service.config().join("run/status.json");
    produced.extend(std::fs::read(status).unwrap());
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    for file in ["out", "log"] {
        produced.extend(std::fs::read(service.config().join(file)).unwrap());
    }
    let text = String::from_utf8_lossy(&produced);
    assert!(text.contains("the token is wrong, expired or revoked"), "{text}");
    assert!(!text.contains("SECRET0"), "{text}");
    // It did travel, in the one place where it belongs.
    let sent = github.requests_detailed();
    assert!(sent.iter().all(|r| r.header("authorization") == Some(&format!("Bearer {secret}"))));
    assert!(sent.iter().all(|r| !r.target.contains("SECRET0") && !r.body.contains("SECRET0")));
}

#[test]
fn a_notice_file_is_shown_and_its_removal_too() {
    let service = Service::start(Behaviour::Good, None);
    service.until("READY=1");
    let notices = service.config().join("notices");
    std::fs::create_dir(&notices).unwrap();
    std::fs::write(notices.join("card"), "wifi.conf:1: no country; write country = DE\nmore\n")
        .unwrap();
    service.until("STATUS=all well; there is a notice");
    let (said, code) = service.status();
    let line =
        "notice from card: wifi.conf:1: no country; write country = DE\nnotice from card: more\n";
    assert!(said.contains(line) && code == Some(0), "{said}");
    let program = std::fs::read(env!("CARGO_BIN_EXE_pilotlight")).unwrap();
    let hash = &pilotlight::io::system::executable::sha256(&program)[..12];
    let version = format!("pilotlight {} ({hash}, here since ", env!("CARGO_PKG_VERSION"));
    assert!(said.contains(&version) && service.log().contains(&version), "{said}");
    std::fs::remove_file(notices.join("card")).unwrap();
    service.until("STATUS=all well");
    let log = service.log();
    assert_eq!(log.matches("notice from card: wifi.conf:1:").count(), 1, "{log}");
    assert_eq!(log.matches("the notice from card is gone").count(), 1, "{log}");
}

#[test]
fn without_a_configuration_the_daemon_is_ready_and_names_what_is_missing() {
    let mut service = Service::spawn(tempfile::tempdir().unwrap(), Vec::new(), TOKEN);
    let start = service.until("READY=1");
    assert_eq!(start, ["STATUS=not configured, no server is watched", "READY=1"]);
    for _ in 0..5 {
        assert_eq!(service.until("WATCHDOG=1"), ["WATCHDOG=1"]);
    }
    let (said, code) = service.status();
    assert!(said.contains("not configured") && code == Some(3), "{said}");
    service.signal("-TERM");
    assert_eq!(service.until("STOPPING=1"), ["STOPPING=1"]);
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    assert!(service.log().contains("there is no configuration"), "{}", service.log());
}

#[test]
fn a_configuration_with_problems_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pilotlight.toml"), "nonsense = 1").unwrap();
    let mut service = Service::spawn(folder, Vec::new(), TOKEN);
    assert_eq!(service.child.wait().unwrap().code(), Some(78));
}

/// A daemon in this process, under a paused clock, whose pings are counted.
async fn pings<P: RuntimeProvider>(
    network: P,
    driver: Box<dyn Driver + Send>,
    lasting: Duration,
) -> Receiver<Duration> {
    let (ping, pings) = channel();
    let folder = tempfile::tempdir().unwrap();
    let (ns1, anchor) = addresses();
    let config = Config::parse("pilotlight.toml", &config(ns1, anchor, None)).unwrap();
    let clock = Clock::starting_at(jiff::Timestamp::from_second(1_772_355_600).unwrap());
    let manager = Manager::new(Some(Duration::from_secs(60)), move |states| {
        let said = states.iter().any(|state| state.to_string() == "WATCHDOG=1");
        if said {
            let _ = ping.send(clock.now().uptime);
        }
    });
    let (orders, receiver) = mpsc::channel(1);
    let parts = Parts {
        network,
        clock,
        panel: Panel::spawn(driver),
        manager,
        places: Places { runtime: folder.path().join("run"), state: folder.path().join("state") },
        notices: folder.path().join("notices"),
        token: |_| Err(TokenError::Missing(String::new())),
        config: folder.path().join("pilotlight.toml"),
        orders: receiver,
    };
    let end = async {
        tokio::time::sleep(lasting).await;
        let _ = orders.send(Order::Stop).await;
    };
    tokio::join!(run(config, parts), end);
    pings
}

fn addresses() -> (SocketAddr, SocketAddr) {
    ("127.0.0.1:5301".parse().unwrap(), "127.0.0.2:5302".parse().unwrap())
}

fn network() -> MemNet {
    let net = MemNet::new();
    let (ns1, anchor) = addresses();
    net.add(ns1, zone());
    net.add(anchor, root());
    net
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_works_pings_three_times_in_each_watchdog_interval() {
    let pings = pings(network(), Box::new(Nothing), HALF_AN_HOUR).await;
    assert_eq!(pings.iter().count(), 90, "every 20 s for half an hour");
}

#[tokio::test(start_paused = true)]
async fn a_panel_that_hangs_stops_the_pings() {
    let (open, closed) = channel();
    // Each ping waits a real second for the frame, so there are only three.
    let minute = Duration::from_secs(60);
    let pings = pings(network(), Box::new(Hangs(Mutex::new(closed))), minute).await;
    assert_eq!(pings.iter().count(), 0);
    drop(open);
}

/// Draws nothing and does not come back.
struct Hangs(Mutex<Receiver<()>>);

impl Driver for Hangs {
    fn name(&self) -> &str {
        "hangs"
    }

    fn show(&mut self, _: Lamps) -> Result<(), LampError> {
        let _ = self.0.lock().map(|closed| closed.recv());
        Ok(())
    }
}
