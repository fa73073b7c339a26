//! The configuration: the file as written (`spec`) and the file as checked ([`Config`]).
//!
//! Everything that can be wrong with a file is found here, all of it at once, so that the rest of the
//! program never meets a bad value. This room reads no clock and no network; the only files it opens are
//! the one it is told to, the zone files that this one names, and the host's name for want of a better one.

mod candidate;
mod check;
mod endpoint;
mod github;
mod hosts;
mod lamps;
mod master;
mod name;
mod problem;
mod records;
mod spec;
mod zone;
mod zone_file;

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::rdata::NS;
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
    /// Commands of the person's own.
    pub hooks: Hooks,
    /// Where to write what Prometheus reads; a relative path is one in the runtime directory.
    pub metrics: Option<PathBuf>,
    /// Whom we watch; never empty.
    pub nameservers: Vec<Nameserver>,
    /// What they must know; never empty.
    pub zones: Vec<Zone>,
    /// What must answer on the web.
    pub endpoints: Vec<Endpoint>,
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
    /// From one sign of life to the next; `None`: there is none.
    pub heartbeat: Option<Duration>,
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
    /// A recovering subject, or an offline uplink that was online before, is asked again after this.
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
    /// BCM numbers of the lamps in [`Nameserver::lamp`] and [`Endpoint::lamp`], ascending.
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

/// Commands of the person's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// Told of every change, for `sh -c`.
    pub on_change: Option<String>,
    /// What takes longer is killed.
    pub timeout: Duration,
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

/// Something on the web that must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// As the file writes it, the host in lower case, a page with its path; unique.
    pub url: String,
    /// How it is asked.
    pub scheme: Scheme,
    /// Where.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Which are right. Empty: any 2xx, or any 3xx where a [`Self::location`] is expected.
    pub status: Vec<u16>,
    /// What must be in the page.
    pub contains: Option<String>,
    /// Where it must lead elsewhere.
    pub location: Option<String>,
    /// How long all of it may take.
    pub timeout: Duration,
    /// A certificate should be renewed when it has less than this left.
    pub certificate_warning: Duration,
    /// A PEM file with the certificate authority to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// BCM number of a lamp of its own; also in [`Panel::own`].
    pub lamp: Option<u8>,
}

/// How an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// For a page, over TLS.
    Https,
    /// For a page.
    Http,
    /// Whether it takes a connection.
    Tcp,
}

impl Scheme {
    /// As it stands before `://`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Wherever this name leads; absolute.
    Name(Name),
    /// There.
    Address(IpAddr),
}

/// One zone, and what every one of its nameservers must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The apex, absolute.
    pub name: Name,
    /// Indices into [`Config::nameservers`]; never empty.
    pub nameservers: Vec<usize>,
    /// The zone file that it was read from, in part or in whole.
    pub file: Option<PathBuf>,
    /// What to expect, the file's record sets included; each name and type once.
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
    /// Every subject's name and lamp: first the nameservers, then the endpoints.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, Option<u8>)> {
        let nameservers = self.nameservers.iter().map(|n| (n.name.as_str(), n.lamp));
        nameservers.chain(self.endpoints.iter().map(|e| (e.url.as_str(), e.lamp)))
    }

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
                file: None,
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
        let zones = self.zones.iter().filter_map(|zone| zone.file.as_deref());
        let pages = self.endpoints.iter().filter_map(|endpoint| endpoint.ca.as_deref());
        self.github.iter().filter_map(|github| github.ca.as_deref()).chain(zones).chain(pages)
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

    /// The NS set that a zone should have unless the file says otherwise: those who are watched for it.
    #[must_use]
    pub fn ns_set(&self, zone: &Zone) -> Vec<RData> {
        let names = zone.nameservers.iter().map(|&index| &self.nameservers[index].name);
        let names = names.filter_map(|name| Name::from_ascii(format!("{name}.")).ok());
        names.map(|name| RData::NS(NS(name))).collect()
    }
}

/// The name of a zone as a person types it, absolute and in lower case.
///
/// # Errors
/// What is wrong with it, and the next step.
pub fn zone_name(text: &str) -> Result<Name, String> {
    let name = name::absolute(text).map(|name| name.to_lowercase());
    name.map_err(|wrong| format!("it {}; {}", wrong.reason, wrong.next))
}

/// The address of a server, with or without a port: 53.
///
/// # Errors
/// What is wrong with it, and the next step.
pub fn server_address(text: &str) -> Result<SocketAddr, String> {
    hosts::address(text).map_err(|wrong| format!("it {}; {}", wrong.reason, wrong.next))
}

/// `MX`; `TYPE29` for a type that has no name here (RFC 3597), which every tool takes as well.
#[must_use]
pub fn type_text(rtype: RecordType) -> String {
    match rtype {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        known => known.to_string(),
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
