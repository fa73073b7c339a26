//! The built program, run as a person runs it: a configuration in a folder, arguments, and what comes out.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::fakes::dns::script::{Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;

/// The program that `cargo test` has built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pilotlight");

/// Seconds after which a run is given up: far more than the longest round takes.
const PATIENCE: &str = "60";

/// What came out.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Runs a command to its end, without what the environment of the tests may say about colours.
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        Self {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The first nameserver of the JSON that it printed.
    pub(crate) fn nameserver(&self) -> Value {
        let view: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err));
        view["nameservers"][0].clone()
    }
}

/// A folder with a configuration.
pub(crate) struct Setting {
    pub(crate) dir: TempDir,
    pub(crate) config: PathBuf,
}

impl Setting {
    /// A configuration with this text.
    pub(crate) fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("pilotlight.toml");
        fs::write(&config, text).unwrap();
        Self { dir, config }
    }

    /// `pilotlight` with these arguments and this configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).arg(PROGRAM).args(arguments);
        command.arg("--config").arg(&self.config);
        command.env_remove("GITHUB_TOKEN").env_remove("NO_COLOR");
        command
    }

    /// The same, run to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }
}

/// A scripted root server, which proves the uplink.
pub(crate) fn anchor(ip: IpAddr) -> SocketServer {
    SocketServer::start(ip, 0, Nameserver::new([ZoneData::root()]))
}

/// A configuration of one nameserver at these addresses, and everything that leads off this machine
/// switched off; the zones are up to the test.
pub(crate) fn loopback(addresses: &[SocketAddr], anchors: &[SocketAddr], zones: &str) -> String {
    format!(
        "[vantage]\nname = \"test\"\nanchors = {:?}\nintercept = []\n\n[[nameserver]]\nname = \
         \"ns1.example.net\"\naddresses = {:?}\n{zones}",
        texts(anchors),
        texts(addresses)
    )
}

fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
