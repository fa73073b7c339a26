//! `cargo bench`: what a check costs, beside what others take for the same on the same machine.
//!
//! Every figure is taken in this run, on loopback, from a real NSD; where it is about time it is a ratio, so
//! that it means the same on a fast machine and a slow one. The bench fails when one is missed.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a bench that cannot go on should say where, and it makes its own time"
)]

#[path = "bench/figures.rs"]
mod figures;
#[path = "peers/mod.rs"]
pub mod peers;
#[path = "bench/stage.rs"]
mod stage;

use std::io::{self, Write};
use std::process::ExitCode;

use peers::process::find;

/// What is run beside pilotlight: the program, and the Debian package that has it.
const NEEDS: [(&str, &str); 5] = [
    ("nsd", "nsd"),
    ("dnsperf", "dnsperf"),
    ("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"),
    ("openssl", "openssl"),
    ("socat", "socat"),
];

/// One line of the table.
pub(crate) struct Figure {
    what: &'static str,
    measured: String,
    /// What it must be, and whether it is; without this it is there to compare with.
    wanted: Option<(String, bool)>,
}

impl Figure {
    /// A figure to compare with.
    pub(crate) fn beside(what: &'static str, measured: String) -> Self {
        Self { what, measured, wanted: None }
    }

    /// A figure that must be so.
    pub(crate) fn wanted(what: &'static str, measured: String, wanted: &str, met: bool) -> Self {
        Self { what, measured, wanted: Some((wanted.to_owned(), met)) }
    }
}

fn main() -> ExitCode {
    let missing: Vec<&str> = NEEDS
        .into_iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| package)
        .collect();
    let mut out = io::stdout();
    if !missing.is_empty() {
        let packages = missing.join(" ");
        writeln!(
            out,
            "the bench needs more programs; type: sudo apt-get install --no-install-recommends {packages}\n\
             (it runs them itself; their services may be disabled)"
        )
        .unwrap();
        return ExitCode::FAILURE;
    }
    let mut met = true;
    writeln!(out, "{:<58} {:>12}  {:<12} verdict", "figure", "measured", "wanted").unwrap();
    let parts = [
        figures::cpu_per_check,
        figures::speed_of_a_round,
        figures::growth_per_check,
        figures::memory_of_the_daemon,
    ];
    for part in parts {
        for figure in part() {
            let (wanted, verdict) = match &figure.wanted {
                Some((wanted, true)) => (wanted.as_str(), "met"),
                Some((wanted, false)) => (wanted.as_str(), "MISSED"),
                None => ("", ""),
            };
            met &= figure.wanted.as_ref().is_none_or(|(_, met)| *met);
            let line =
                format!("{:<58} {:>12}  {wanted:<12} {verdict}", figure.what, figure.measured);
            writeln!(out, "{}", line.trim_end()).unwrap();
        }
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
