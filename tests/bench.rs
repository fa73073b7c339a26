//! `cargo bench`: the cost of a check, compared with other programs on the same machine.
//!
//! Every figure is measured in this run, on loopback, against a real NSD. Limits on time are ratios, so they hold on
//! fast and slow machines. The bench exits with 1 when a figure is missed.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a bench that cannot go on should say where, and it makes its own time"
)]

#[path = "fakes/mod.rs"]
pub mod fakes;
#[path = "bench/figures.rs"]
mod figures;
#[path = "bench/hostile.rs"]
mod hostile;
#[path = "bench/setup.rs"]
mod setup;

use std::io::{self, Write};
use std::process::ExitCode;

/// One line of the table.
pub(crate) struct Figure {
    what: &'static str,
    measured: String,
    /// The limit, and whether it is met. A figure without a limit is printed for comparison.
    wanted: Option<(String, bool)>,
}

impl Figure {
    /// A figure without a limit.
    pub(crate) fn beside(what: &'static str, measured: String) -> Self {
        Self { what, measured, wanted: None }
    }

    /// A figure with a limit.
    pub(crate) fn wanted(what: &'static str, measured: String, wanted: &str, met: bool) -> Self {
        Self { what, measured, wanted: Some((wanted.to_owned(), met)) }
    }
}

fn main() -> ExitCode {
    let mut out = io::stdout();
    let mut met = true;
    writeln!(out, "{:<58} {:>12}  {:<12} verdict", "figure", "measured", "wanted").unwrap();
    let parts = [
        figures::cpu_per_check,
        figures::speed_of_a_round,
        figures::growth_per_check,
        figures::memory_of_the_daemon,
        hostile::memory_with_long_answers,
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
