//! The configuration: the file as written (`spec`) and the file as checked ([`Config`]).
//!
//! Everything that can be wrong with a file is found here, all of it at once, so that the rest of the
//! program never meets a bad value. This room reads no clock and no network; the only file it opens is
//! the one it is told to, and the host's name for want of a better one.

mod check;
mod github;
mod hosts;
mod lamps;
mod name;
mod problem;
mod records;
mod spec;
mod zone;

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// A commented configuration that loads, for `config --example`.
pub const EXAMPLE: &str = include_str!("example.toml");

pub use problem::{Problem, Problems};
pub use records::canonical;

/// The configuration as checked. Every index and every address in it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where issues go; `None`: nowhere, lamps and log only.
    pub github: Option<GitHub>,
    /// Where we look from.
    pub vantage: Vantage,
    /// When we look, and how often a thing must be seen to be believed.
    pub schedule: Schedule,
    /// The lamps.
    pub panel: Panel,
    /// Whom we watch; never empty.
    pub nameservers: Vec<Nameserver>,
    /// What they must know; never empty.
    pub zones: Vec<Zone>,
}

/// The repository that holds the issues.
#[derive(Debug, Clone, PartialEq)]
pub struct GitHub {
    /// `owner/name`.
    pub repository: String,
    /// Base URL of the API, without a slash at the end.
    pub api: String,
    /// A PEM file with the certificate authority to trust instead of the public ones (GitHub
    /// Enterprise behind a private authority).
    pub ca: Option<PathBuf>,
    /// Put on every issue that we open, when the token may.
    pub labels: Vec<String>,
    /// Login names put on every issue that we open, when the token may.
    pub assignees: Vec<String>,
    /// Login names of other vantages' tokens, whose issues and comments are believed.
    pub accounts: Vec<String>,
    /// What fewer vantages than this see counts as degraded; at least 1.
    pub quorum: u32,
    /// A file with the token, read again for each report, in the place of the credential.
    pub token_file: Option<PathBuf>,
}

/// The place we look from, and how we know that it sees anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Vantage {
    /// Short name, in issues and markers.
    pub name: String,
    /// Servers that prove the uplink: authoritative for the root, in other networks than ours.
    pub anchors: Vec<SocketAddr>,
    /// Addresses where no nameserver can be; an answer from there means interception.
    pub intercept: Vec<SocketAddr>,
}

/// When we look, and the thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Between the starts of two regular rounds.
    pub interval: Duration,
    /// Each regular round starts up to this much later, at random.
    pub splay: Duration,
    /// A suspect is asked again after this, then after twice and four times this.
    pub recheck: Duration,
    /// A recovering subject, or an offline uplink, is asked again after this.
    pub recover: Duration,
    /// Faulty verdicts in a row that open an incident; at least 1.
    pub open_after: u32,
    /// Healthy verdicts in a row that close it; at least 1.
    pub close_after: u32,
    /// How long a subject must have been degraded before an issue says so.
    pub degraded_after: Duration,
    /// How long a nameserver may serve an older zone than another one.
    pub serial_grace: Duration,
    /// A signature should be renewed when it has less than this left.
    pub rrsig_warning: Duration,
    /// An answer that takes longer is slow.
    pub slow: Duration,
    /// An incident that returns within this reopens its issue.
    pub reopen_within: Duration,
    /// Packets a second to one address; 0: as fast as they go.
    pub queries_per_second: u32,
}

/// The lamps: the panel's three and the nameservers' own. No two share a pin, and each is on the header.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Who draws them.
    pub driver: Driver,
    /// BCM number of the green lamp.
    pub green: u8,
    /// BCM number of the amber lamp.
    pub amber: u8,
    /// BCM number of the red lamp.
    pub red: u8,
    /// BCM numbers of the lamps in [`Nameserver::lamp`], ascending.
    pub own: Vec<u8>,
    /// A lamp is lit by a low level, each of them.
    pub active_low: bool,
}

/// Who draws the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// The board's lamps where there are any (rppal, else gpiochip), else none.
    Auto,
    /// The board's lamps through the registers of its GPIO block.
    Rppal,
    /// The board's lamps through the kernel's GPIO character device.
    Gpiochip,
    /// One line on the terminal.
    Terminal,
    /// Nobody.
    None,
}

/// One nameserver.
#[derive(Debug, Clone, PartialEq)]
pub struct Nameserver {
    /// As the file calls it, without the dot at the end, in lower case; unique.
    pub name: String,
    /// Where it answers; never empty.
    pub addresses: Vec<SocketAddr>,
    /// BCM number of a lamp of its own; also in [`Panel::own`].
    pub lamp: Option<u8>,
}

/// One zone, and what every one of its nameservers must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The apex, absolute.
    pub name: Name,
    /// Indices into [`Config::nameservers`]; never empty.
    pub nameservers: Vec<usize>,
    /// What to expect; each name and type once.
    pub records: Vec<Arc<RecordSet>>,
}

/// A record set (RRset) that a zone must have, exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSet {
    /// The owner, absolute, at or below the apex.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
    /// The records, or that there must be some.
    pub expected: Expected,
}

/// What a record set must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Exactly these, in any order; never empty. TXT records hold one string (see [`RecordSet`]'s
    /// comparison in `decide::judge`).
    Records(Vec<RData>),
    /// Any records of that type.
    Some,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or that it cannot be read: stop with 78.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        let unreadable = |line, reason: String, next: &str| Problems {
            file: file.clone(),
            list: vec![Problem {
                line,
                key: String::new(),
                value: String::new(),
                reason,
                next: next.to_owned(),
            }],
        };
        let bytes = fs::read(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => unreadable(
                None,
                "there is no such file".to_owned(),
                "write it (`pilotlight config --example` prints one to begin with), or name another with \
                 --config",
            ),
            _ => unreadable(
                None,
                format!("cannot be read: {e}"),
                "let this user read it, or name another with --config",
            ),
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            unreadable(
                Some(line),
                "is not UTF-8 text from here on".to_owned(),
                "save the file as UTF-8",
            )
        })?;
        Self::parse(&file, &text)
    }

    /// The lamps of the file at `path`, for whoever must make them dark whatever else is wrong with it.
    ///
    /// With problems, those of the whole file, come the lamps that it has as far as it can be read, and
    /// in place of what is wrong or missing the defaults. Two lamps may then share a pin.
    pub fn lamps(path: &Path) -> (Panel, Option<Problems>) {
        match Self::load(path) {
            Ok(config) => (config.panel, None),
            Err(problems) => {
                let bytes = fs::read(path).unwrap_or_default();
                let panel = check::lamps_of(&String::from_utf8_lossy(&bytes));
                (panel, Some(problems))
            }
        }
    }

    /// The files that it names and cannot do without.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.github.iter().filter_map(|github| github.ca.as_deref())
    }

    /// Checks the text of a file; `file_name` goes into the problems, and relative paths are taken
    /// from its folder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: stop with 78.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        check::check(file_name, text, host.trim())
    }
}

/// `192.0.2.1` for port 53, else `192.0.2.1:5353`, as the file writes it.
#[must_use]
pub fn address_text(address: &SocketAddr) -> String {
    match (address.port(), address.ip()) {
        (53, ip) => ip.to_string(),
        (port, IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        (port, IpAddr::V4(ip)) => format!("{ip}:{port}"),
    }
}
