//! `pilotlight provision`: imports the files on the card before any other part of our own image starts.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::cli::common::{Failed, colour};
use crate::io::clock::Clock;
use crate::io::system::disk::Disk;
use crate::io::system::log;
use crate::provision::context::CardPaths;
use crate::provision::import::import;
use crate::provision::report::one_line;

#[derive(Args)]
pub(super) struct Folders {
    /// The boot partition, where the user's files are
    #[arg(long, value_name = "DIR", default_value = "/boot/firmware")]
    card: PathBuf,
    /// The data partition, where the files are imported to
    #[arg(long, value_name = "DIR", default_value = "/data")]
    data: PathBuf,
    /// A folder in memory, empty after each start
    #[arg(long, value_name = "DIR", default_value = "/run")]
    run: PathBuf,
}

pub(super) fn provision(folders: &Folders) -> Result<u8, Failed> {
    log::start(Clock::system(), colour(&io::stderr()));
    let Folders { card, data, run } = folders;
    let report = import(&CardPaths::new(card, data, run), &mut Disk::with_card(card));
    for line in report.done.iter().chain(&report.in_force) {
        tracing::info!("{line}");
    }
    for problem in report.problems.iter().chain(&report.first_step) {
        tracing::warn!("{}", one_line(problem));
    }
    if report.done.is_empty() && report.problems.is_empty() {
        tracing::info!("{}: nothing new", card.display());
    }
    Ok(u8::from(report.failed))
}
