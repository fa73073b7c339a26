//! What the figures are taken from: a big zone in NSD, pilotlight and blackbox_exporter that ask it, and
//! what the kernel says of their processes.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pilotlight::config::Config;
use pilotlight::decide::judge::round::judge;
use pilotlight::decide::probe::query::targets;
use pilotlight::io::clock::Clock;
use pilotlight::io::dns::limits::ProbeLimits;
use pilotlight::io::dns::socket::Net;
use pilotlight::io::inspector::Inspector;
use pilotlight::io::runtime;
use tempfile::TempDir;

use crate::fakes::dns::script::{Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::process::{Process, installed};
use crate::fakes::real::{Extra, Real, Software, free_port};

pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

const PROGRAM: &str = env!("CARGO_BIN_EXE_pilotlight");

/// The host with this number, and its address.
pub(crate) fn host(n: usize) -> (String, String) {
    (format!("host{n}"), format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255))
}

/// A zone with so many hosts in NSD, which answers as fast as it can, at two addresses.
pub(crate) fn nsd(hosts: usize) -> Real {
    let mut zone = String::from("@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\n");
    for n in 0..hosts {
        let (name, address) = host(n);
        writeln!(zone, "{name} A {address}").unwrap();
    }
    let zones = [("example.net", zone.as_str())];
    let extra = Extra { server: " rrl-ratelimit: 0\n", ..Extra::default() };
    Real::start_with(Software::Nsd, &[HERE, THERE], &zones, extra)
}

/// A scripted root server, which proves the uplink.
pub(crate) fn anchor() -> SocketServer {
    SocketServer::start(HERE, 0, Nameserver::new([ZoneData::root()]))
}

/// A folder with a configuration, for runs of pilotlight.
pub(crate) struct Setting {
    pub(crate) dir: TempDir,
    config: PathBuf,
}

impl Setting {
    /// A configuration with this text.
    pub(crate) fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("pilotlight.toml");
        fs::write(&config, text).unwrap();
        Self { dir, config }
    }

    /// A nameserver at each of these addresses, with that many hosts to ask for as fast as it answers.
    pub(crate) fn hosts(servers: &[SocketAddr], anchor: &SocketServer, hosts: usize) -> Self {
        let mut text = format!(
            "[vantage]\nname = \"bench\"\nanchors = [\"{}\"]\nintercept = []\n[schedule]\n\
             queries-per-second = 0\n[panel]\ndriver = \"none\"\n",
            anchor.addr(),
        );
        for (n, address) in servers.iter().enumerate() {
            let name = format!("ns{n}.example.net");
            writeln!(text, "[[nameserver]]\nname = \"{name}\"\naddresses = [\"{address}\"]")
                .unwrap();
        }
        text.push_str(
            "[[zone]]\nname = \"example.net\"\nrecords = [\n{ name = \"@\", type = \"NS\", values = \
             [\"ns1\"] },\n",
        );
        for n in 0..hosts {
            let (name, address) = host(n);
            writeln!(text, "{{ name = \"{name}\", type = \"A\", values = [\"{address}\"] }},")
                .unwrap();
        }
        text.push_str("]\n");
        Self::new(&text)
    }

    fn command(&self, command: &str) -> Command {
        let dir = self.dir.path();
        let mut pilotlight = Command::new(PROGRAM);
        pilotlight.arg(command).arg("--config").arg(&self.config);
        pilotlight.arg("--runtime-dir").arg(dir.join("run"));
        pilotlight.arg("--state-dir").arg(dir.join("state"));
        pilotlight.env("GITHUB_TOKEN", crate::fakes::github::TOKEN);
        pilotlight
    }

    /// One `check`: the CPU time that it took, from start to end.
    pub(crate) fn check(&self) -> Duration {
        let mut child = self.command("check").stdout(Stdio::null()).spawn().unwrap();
        let cpu = cpu_at_the_end(&child);
        let status = child.wait().unwrap();
        assert!(status.success(), "check says that all is well: {status}");
        cpu
    }

    /// One round in this process, as the program does it: how long it took.
    pub(crate) fn round(&self) -> Duration {
        let config = Config::load(&self.config).unwrap();
        let runtime = runtime::builder().build().unwrap();
        let (round, took) = runtime.block_on(async {
            let limits = ProbeLimits::at_rate(0);
            let inspector = Inspector::new(Net::default(), Clock::system(), limits);
            let targets = targets(&config);
            let began = Instant::now();
            let round = inspector.round(&targets, &[], &config.vantage).await;
            (round, began.elapsed())
        });
        let judgement = judge(&config, &round);
        assert!(judgement.verdicts[0].1.findings.is_empty(), "all is well: {judgement:?}");
        took
    }

    /// The daemon, once its status file says this of the panel.
    pub(crate) fn daemon(&self, state: &str) -> Process {
        let mut daemon = Process::start(self.command("run"), &self.dir.path().join("log"));
        daemon.wait_until(state, || self.state().as_deref() == Some(state));
        daemon
    }

    /// The panel's state, as the status file has it.
    pub(crate) fn state(&self) -> Option<String> {
        let text = fs::read(self.dir.path().join("run/status.json")).ok()?;
        let view: serde_json::Value = serde_json::from_slice(&text).ok()?;
        view["state"].as_str().map(str::to_owned)
    }
}

/// The CPU time of a child, all of it: read when it has ended and before it is waited for, while the kernel
/// still keeps its account.
fn cpu_at_the_end(child: &Child) -> Duration {
    // A busy machine takes seconds for the biggest round.
    for _ in 0..60_000 {
        let stat = Stat::of(child.id());
        if stat.state == "Z" {
            return stat.cpu;
        }
        sleep(Duration::from_millis(1));
    }
    panic!("the process does not end");
}

/// What /proc says of a process (proc_pid_stat(5)).
pub(crate) struct Stat {
    state: String,
    /// User and system time, in the kernel's hundredths of a second.
    pub(crate) cpu: Duration,
}

impl Stat {
    /// Of this process.
    pub(crate) fn of(pid: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The second field is the program's name in parentheses, and may hold anything.
        let (_, rest) = text.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |field: usize| fields[field - 3].parse::<u64>().unwrap();
        Self {
            state: fields[0].to_owned(),
            cpu: Duration::from_millis(10 * (ticks(14) + ticks(15))),
        }
    }
}

/// The most memory that a process ever had in use, in bytes.
pub(crate) fn peak_memory(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024.0
}

/// blackbox_exporter, which asks the first host's address when it is asked to.
pub(crate) struct Blackbox {
    process: Process,
    at: SocketAddr,
    _dir: TempDir,
}

impl Blackbox {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (name, address) = host(0);
        let module = format!(
            "modules:\n  a:\n    prober: dns\n    dns:\n      transport_protocol: udp\n      \
             preferred_ip_protocol: ip4\n      query_name: {name}.example.net\n      query_type: A\n      \
             valid_rcodes: [NOERROR]\n      validate_answer_rrs:\n        fail_if_not_matches_regexp: \
             ['.*\\sA\\s{address}$']\n",
        );
        let config = dir.path().join("blackbox.yml");
        fs::write(&config, module).unwrap();
        let at = SocketAddr::from((HERE, free_port(&[HERE])));
        let program = "prometheus-blackbox-exporter";
        let mut command = Command::new(installed(program, program));
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--web.listen-address={at}"));
        let mut process = Process::start(command, &dir.path().join("log"));
        process.wait_until("it listens", || TcpStream::connect(at).is_ok());
        Self { process, at, _dir: dir }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to ask, so many times over one connection.
    pub(crate) fn probe(&self, server: SocketAddr, times: u32) {
        let mut stream = TcpStream::connect(self.at).unwrap();
        let request =
            format!("GET /probe?target={server}&module=a HTTP/1.1\r\nHost: {}\r\n\r\n", self.at);
        for _ in 0..times {
            stream.write_all(request.as_bytes()).unwrap();
            let page = response(&mut stream);
            assert!(page.contains("\nprobe_success 1\n"), "{page}");
        }
    }
}

/// The body of one response of known length.
fn response(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.expect("a length").parse::<usize>().unwrap() {
                return body.to_owned();
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the connection ended: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// Questions a second that dnsperf gets answered by this server: the same questions, with EDNS.
pub(crate) fn dnsperf(server: SocketAddr, hosts: usize, rounds: usize, dir: &Path) -> f64 {
    let questions = dir.join("questions");
    let lines: String = (0..hosts).map(|n| format!("{}.example.net A\n", host(n).0)).collect();
    fs::write(&questions, lines).unwrap();
    let mut command = Command::new(installed("dnsperf", "dnsperf"));
    command.args(["-e", "-s", &server.ip().to_string(), "-p", &server.port().to_string()]);
    command.arg("-d").arg(questions).args(["-n", &rounds.to_string()]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find_map(|line| line.trim().strip_prefix("Queries per second:"));
    found.unwrap_or_else(|| panic!("{text}")).trim().parse().unwrap()
}
