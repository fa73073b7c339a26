//! The whole file: from its text to a checked [`Config`], table by table.
//!
//! A rejected value is replaced by its default and reading goes on, so that one run finds every problem.
//! The replacement is never used: a file with problems yields no [`Config`].

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hickory_resolver::proto::rr::rdata::NS;
use hickory_resolver::proto::rr::{Name, RData};
use toml::de::{DeTable, DeValue};

use super::document::{Document, Node};
use super::endpoint::{Endpoint, endpoints};
use super::environment::{Environment, TEXT_ONLY, has_serial_console, host_name, read_file};
use super::github::{GitHub, github};
use super::hosts::{Addresses, Nameserver, Vantage, nameservers, vantage};
use super::notify::{Heartbeat, Notify, heartbeat, notify};
use super::panel::{Panel, PinAssignments, UART, panel};
use super::problem::{Problem, Problems, Rejection, reject};
use super::schedule::{Schedule, schedule};
use super::value::{LONGEST, SECOND, time};
use super::zone::{Zone, zones};

const ROOT: &str =
    "github vantage schedule panel hooks notify heartbeat metrics nameserver zone endpoint";

/// A larger configuration has more queries than a round.
const LARGEST: usize = 1 << 20;

/// The configuration as checked. Every index and every address in it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `None`: no issues, only lamps and log.
    pub github: Option<GitHub>,
    pub vantage: Vantage,
    pub schedule: Schedule,
    pub panel: Panel,
    pub hooks: Hooks,
    pub notify: Vec<Notify>,
    /// `None`: only the issue of `github.heartbeat`.
    pub heartbeat: Option<Heartbeat>,
    /// The file for Prometheus; a relative path is in the runtime directory.
    pub metrics: Option<PathBuf>,
    /// Never empty.
    pub nameservers: Vec<Nameserver>,
    /// Never empty.
    pub zones: Vec<Zone>,
    pub endpoints: Vec<Endpoint>,
}

/// The user's own commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// For `sh -c`, at every change of state.
    pub on_change: Option<String>,
    /// A command that takes longer is killed.
    pub timeout: Duration,
}

impl Config {
    /// Checks a text on its own: every file that it names is missing. `file` is its name in problems.
    ///
    /// # Errors
    /// All problems.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_in(TEXT_ONLY, file, text)
    }

    /// Checks a text with the files that it names; relative names start at the folder of `file`.
    ///
    /// # Errors
    /// All problems.
    pub fn parse_in(
        environment: Environment<'_>,
        file: &str,
        text: &str,
    ) -> Result<Self, Problems> {
        if text.len() > LARGEST {
            let reason = format!("is larger than {} MB", LARGEST >> 20);
            let next = "name zone files with file = \"…\" instead of listing their records";
            let why = Rejection::new(reason, next);
            return Err(Problem::new(file, None, String::new(), why).into());
        }
        let document = Document::new(file, text);
        let value = DeTable::parse(text).map(|table| DeValue::Table(table.into_inner()));
        let config = match &value {
            Ok(value) => Some(config(&document.root(value, ROOT), Path::new(file), environment)),
            Err(error) => {
                document.not_toml(error);
                None
            }
        };
        document.finish(config)
    }

    /// Reads and checks a file of this machine.
    ///
    /// # Errors
    /// All problems, or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        Self::load_with(path, false)
    }

    /// The same, with [`Environment::for_reports`].
    ///
    /// # Errors
    /// All problems, or that it cannot be read.
    pub fn load_with(path: &Path, for_reports: bool) -> Result<Self, Problems> {
        let file = path.display().to_string();
        let problem = |line, reason: &str, next| {
            let why = Rejection::new(reason, next);
            Problems::from(Problem::new(&file, line, String::new(), why))
        };
        let bytes = read(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => problem(
                None,
                "there is no such file",
                "write it (`pilotlight config --example` prints one to begin with), or name another with \
                 --config",
            ),
            _ => problem(
                None,
                &format!("cannot be read: {e}"),
                "let this user read it, or name another with --config",
            ),
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            problem(Some(line), "is not UTF-8 text from here on", "save the file as UTF-8")
        })?;
        let environment = Environment { host_name: &host_name(), read: &read_file, for_reports };
        let config = Self::parse_in(environment, &file, &text)?;
        let at_console = config.at_console(has_serial_console(Path::new("/proc")));
        at_console.map_or(Ok(config), |pin| {
            let reason = format!("a lamp is at GPIO {pin}, which the serial console of this board uses");
            let next = "give it another pin, best 9 to 13 or 16 to 27; or remove enable_uart=1 from config.txt and \
                        console=ttyS1,115200 from cmdline.txt";
            Err(problem(None, &reason, next))
        })
    }

    /// The pin of a lamp that the serial console uses.
    fn at_console(&self, has_console: bool) -> Option<u8> {
        self.panel.pins().find(|pin| has_console && UART.contains(pin))
    }

    /// The lamps of the file at `path`, to make them dark even if the file is wrong or is no TOML.
    ///
    /// With problems, the panel has the readable lamps of the file, and defaults for the others. Two lamps
    /// may then share a pin.
    #[must_use]
    pub fn lamps(path: &Path) -> (Panel, Option<Problems>) {
        let problems = match Self::load(path) {
            Ok(config) => return (config.panel, None),
            Err(problems) => problems,
        };
        let bytes = read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let (table, _) = DeTable::parse_recoverable(&text);
        let (value, document) = (DeValue::Table(table.into_inner()), Document::new("", &text));
        let root = document.root(&value, ROOT);
        (config(&root, Path::new(""), TEXT_ONLY).panel, Some(problems))
    }

    /// The zones that are looked at from the roots.
    pub fn world_zones(&self) -> impl Iterator<Item = &Zone> {
        let private = self.vantage.trust_anchor.is_private();
        let wanted = move |zone: &&Zone| match zone.world {
            Some(world) => world,
            None => private || !is_special(&zone.name),
        };
        let on = self.schedule.world.is_some();
        self.zones.iter().filter(move |zone| on && !zone.name.is_root()).filter(wanted)
    }

    /// The name and lamp of every subject: the nameservers, then the endpoints.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, Option<u8>)> {
        let nameservers = self.nameservers.iter().map(|n| (n.name.as_str(), n.lamp));
        nameservers.chain(self.endpoints.iter().map(|e| (e.name.as_str(), e.lamp)))
    }

    /// The files that it names and needs.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let zones = self.zones.iter().filter_map(|zone| zone.file.as_deref());
        let pages = self.endpoints.iter().flat_map(|endpoint| {
            let client = endpoint.client.iter().flat_map(|(cert, key)| [cert, key]);
            endpoint.ca.iter().chain(client).map(PathBuf::as_path)
        });
        self.github.iter().filter_map(|github| github.ca.as_deref()).chain(zones).chain(pages)
    }

    /// The NS set of a zone whose records have none: its nameservers in this configuration.
    #[must_use]
    pub fn ns_set(&self, zone: &Zone) -> Vec<RData> {
        let names = zone.nameservers.iter().map(|&index| &self.nameservers[index].name);
        let names = names.filter_map(|name| Name::from_ascii(format!("{name}.")).ok());
        names.map(|name| RData::NS(NS(name))).collect()
    }
}

/// Suffixes that the public root does not delegate to anybody (RFC 6761, 6762, 8375, 9476; private addresses).
const SPECIAL: [&str; 12] = [
    "test",
    "local",
    "localhost",
    "invalid",
    "internal",
    "home.arpa",
    "alt",
    "lan",
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    "c.f.ip6.arpa",
    "d.f.ip6.arpa",
];

fn is_special(zone: &Name) -> bool {
    let below = |suffix: &str| Name::from_ascii(suffix).is_ok_and(|suffix| suffix.zone_of(zone));
    let shared = |n: u8| below(&format!("{n}.172.in-addr.arpa."));
    SPECIAL.iter().any(|suffix| below(&format!("{suffix}."))) || (16..32).any(shared)
}

/// The file, or the beginning of one that is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn config(root: &Node<'_>, file: &Path, environment: Environment<'_>) -> Config {
    let folder = file.parent().unwrap_or(Path::new(""));
    let (mut pins, mut addresses) = (PinAssignments::default(), Addresses::default());
    let panel = panel(root, &mut pins);
    let nameservers = nameservers(root, &mut pins, &mut addresses);
    let endpoints = endpoints(
        root,
        folder,
        &mut pins,
        environment,
        nameservers.iter().map(|nameserver| nameserver.name.clone()),
    );
    Config {
        github: github(root, folder, environment),
        vantage: vantage(root, folder, &mut addresses, environment),
        schedule: schedule(root),
        panel: pins.complete(panel),
        hooks: hooks(root),
        notify: notify(root, folder),
        heartbeat: heartbeat(root),
        metrics: metrics(root),
        zones: zones(root, folder, &nameservers, environment),
        nameservers,
        endpoints,
    }
}

fn hooks(root: &Node<'_>) -> Hooks {
    let table = root.get("hooks").table("on-change timeout");
    Hooks {
        on_change: table.get("on-change").any_text("logger", |text| match text {
            _ if text.trim().is_empty() || text.contains('\0') => {
                reject("is not a command", "write a line for sh, or leave the key out")
            }
            command => Ok(command.to_owned()),
        }),
        timeout: time(&table.get("timeout"), "30s", SECOND..=LONGEST),
    }
}

fn metrics(root: &Node<'_>) -> Option<PathBuf> {
    let table = root.get("metrics").table("textfile");
    table.get("textfile").text("pilotlight.prom", |text| match Path::new(text) {
        path if path.extension().is_some_and(|end| end == "prom") => Ok(path.to_owned()),
        _ => reject(
            "does not end in .prom, and node-exporter reads no other files",
            "write a name such as pilotlight.prom, which is then in the runtime directory",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        nameserver = [{ name = "ns1.example.net", addresses = ["192.0.2.1"] }]
        zone = [{ name = "example.net" }]
    "#;

    #[test]
    fn a_lamp_at_the_serial_console_is_found() {
        let config = |pin: u8| {
            Config::parse(
                "",
                &format!("{GOOD}panel.green = {pin}\n").replace("\n        zone", "\nzone"),
            )
        };
        let found = |pin, has_console| config(pin).unwrap().at_console(has_console);
        assert_eq!((found(14, true), found(15, true)), (Some(14), Some(15)));
        assert_eq!((found(14, false), found(16, true)), (None, None));
    }

    #[test]
    fn the_vantage_has_the_name_of_its_host_or_home() {
        let name = |host_name| {
            Config::parse_in(Environment { host_name, ..TEXT_ONLY }, "", GOOD).unwrap().vantage.name
        };
        assert_eq!(name("raspberrypi"), "raspberrypi");
        assert_eq!(name("pi.example.net"), "pi.example.net");
        assert_eq!(name(""), "home");
        assert_eq!(name("my pi"), "home");
    }
}
