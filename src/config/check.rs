//! From the file as written to the file as checked, table by table.
//!
//! A value that is refused is replaced by its default and reading goes on, so that one run finds
//! everything; nobody sees the replacement, for a file with problems yields no [`Config`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use toml::de::DeTable;

use super::problem::{Problems, Wrong, wrong};
use super::spec::{Document, Table};
use super::{Config, Hooks, Panel, Schedule, endpoint, github, hosts, lamps, zone};

const ROOT: &[&str] = &[
    "github",
    "vantage",
    "schedule",
    "panel",
    "hooks",
    "metrics",
    "nameserver",
    "zone",
    "endpoint",
];
const SCHEDULE: &[&str] = &[
    "interval",
    "splay",
    "recheck",
    "recover",
    "open-after",
    "close-after",
    "degraded-after",
    "serial-grace",
    "rrsig-warning",
    "slow",
    "reopen-within",
    "queries-per-second",
];
/// Longer spans are slips of the pen, and would only make arithmetic with dates fail.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Checks the text of the file `file` on the machine called `host`.
pub(super) fn check(file: &str, text: &str, host: &str) -> Result<Config, Problems> {
    let document = Document::new(text);
    let config = match DeTable::parse(text) {
        Ok(table) => {
            let root = Table::root(&document, table.get_ref(), ROOT);
            let folder = Path::new(file).parent().unwrap_or(Path::new(""));
            Some(config(&root, folder, host))
        }
        Err(error) => {
            document.not_toml(&error);
            None
        }
    };
    let list = document.into_problems();
    config.filter(|_| list.is_empty()).ok_or(Problems { file: file.to_owned(), list })
}

/// The lamps of a file, whatever else is wrong with it and even if it is no TOML: what cannot be read has
/// its default.
pub(super) fn lamps_of(text: &str) -> Panel {
    let document = Document::new(text);
    let (table, _) = DeTable::parse_recoverable(text);
    let root = Table::root(&document, table.get_ref(), ROOT);
    let (panel, mut wires) = lamps::panel(&root);
    let (nameservers, _) = hosts::nameservers(&root, &mut wires);
    let endpoints = endpoint::endpoints(&root, Path::new(""), &mut wires);
    lamps::complete(panel, &nameservers, &endpoints)
}

fn config(root: &Table<'_>, folder: &Path, host: &str) -> Config {
    let (panel, mut wires) = lamps::panel(root);
    let (nameservers, mut addresses) = hosts::nameservers(root, &mut wires);
    let endpoints = endpoint::endpoints(root, folder, &mut wires);
    Config {
        github: github::github(root, folder),
        vantage: hosts::vantage(root, &mut addresses, host),
        schedule: schedule(root),
        panel: lamps::complete(panel, &nameservers, &endpoints),
        hooks: hooks(root),
        metrics: metrics(root),
        zones: zone::zones(root, folder, &nameservers),
        nameservers,
        endpoints,
    }
}

fn schedule(root: &Table<'_>) -> Schedule {
    const SECOND: Duration = Duration::from_secs(1);
    const BLINK: Duration = Duration::from_millis(100);
    let table = root.section("schedule", SCHEDULE);
    let time = |key: &str, default: &str, least| {
        let written = table.text(key, default, |text| duration(text, least));
        written.unwrap_or_else(|| duration(default, least).expect("the defaults are good"))
    };
    let interval = time("interval", "10m", SECOND);
    let splay = table.text("splay", "10s", |text| match duration(text, Duration::ZERO)? {
        splay if splay < interval => Ok(splay),
        _ => Err(wrong(
            "is not shorter than the interval",
            "write less, such as a tenth of the interval, or leave it out",
        )),
    });
    Schedule {
        interval,
        splay: splay.unwrap_or((10 * SECOND).min(interval / 10)),
        recheck: time("recheck", "10s", BLINK),
        recover: time("recover", "60s", BLINK),
        open_after: table.number("open-after", 1..=100).unwrap_or(3),
        close_after: table.number("close-after", 1..=100).unwrap_or(2),
        degraded_after: time("degraded-after", "1h", Duration::ZERO),
        serial_grace: time("serial-grace", "1h", Duration::ZERO),
        rrsig_warning: time("rrsig-warning", "3d", Duration::ZERO),
        slow: time("slow", "1s", Duration::from_millis(1)),
        reopen_within: time("reopen-within", "1h", Duration::ZERO),
        queries_per_second: table.number("queries-per-second", 0..=u32::MAX).unwrap_or(50),
    }
}

fn hooks(root: &Table<'_>) -> Hooks {
    const SECOND: Duration = Duration::from_secs(1);
    let table = root.section("hooks", &["on-change", "timeout"]);
    let timeout = table.text("timeout", "30s", |text| duration(text, SECOND));
    Hooks {
        on_change: table.text("on-change", "logger", |text| match text {
            _ if text.trim().is_empty() || text.contains('\0') => {
                Err(wrong("is no command", "write a line for sh, or leave the key out"))
            }
            command => Ok(command.to_owned()),
        }),
        timeout: timeout.unwrap_or(30 * SECOND),
    }
}

fn metrics(root: &Table<'_>) -> Option<PathBuf> {
    let table = root.section("metrics", &["textfile"]);
    table.text("textfile", "pilotlight.prom", |text| match Path::new(text) {
        path if path.extension().is_some_and(|end| end == "prom") => Ok(path.to_owned()),
        _ => Err(wrong(
            "does not end in .prom, and node-exporter reads nothing else",
            "write a name such as pilotlight.prom, which is then in the runtime directory",
        )),
    })
}

/// `10m`, `1h 30m`, `500ms`, `2d`: jiff's friendly format, with days of 24 hours.
pub(super) fn duration(text: &str, least: Duration) -> Result<Duration, Wrong> {
    let days = SpanRelativeTo::days_are_24_hours();
    let signed = text.parse::<Span>().and_then(|span| span.to_duration(days));
    let signed = signed.map_err(|_| {
        wrong(
            "is not a length of time",
            "write numbers with units (ms, s, m, h, d), such as \"10m\" or \"1h 30m\"",
        )
    })?;
    let least_text = match least {
        Duration::ZERO => "0s".to_owned(),
        least => format!("{least:?}"),
    };
    let range = format!("write a time from {least_text} to 365d");
    let Ok(duration) = Duration::try_from(signed) else {
        return Err(wrong("is negative", range));
    };
    match duration {
        _ if duration < least => Err(wrong("is too short", range)),
        _ if duration > LONGEST => Err(wrong("is too long", range)),
        _ => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        nameserver = [{ name = "ns1.example.net", addresses = ["192.0.2.1"] }]
        zone = [{ name = "example.net" }]
    "#;

    #[test]
    fn the_vantage_is_called_after_its_host_or_home() {
        let name = |host| check("", GOOD, host).unwrap().vantage.name;
        assert_eq!(name("raspberrypi"), "raspberrypi");
        assert_eq!(name("pi.example.net"), "pi.example.net");
        assert_eq!(name(""), "home");
        assert_eq!(name("my pi"), "home");
    }

    #[test]
    fn the_defaults_of_two_lists_never_clash() {
        let vantage = check("", GOOD, "pi").unwrap().vantage;
        assert_eq!((vantage.anchors.len(), vantage.intercept.len()), (8, 2));
    }
}
