//! `pilotlight provision`: imports the files on the card before any other part of our own image starts.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::cli::common::{Failed, colour, only_on_our_image};
use crate::io::clock::Clock;
use crate::io::system::disk::Disk;
use crate::io::system::log;
use crate::provision::context::CardPaths;
use crate::provision::import::import;
use crate::provision::judge::by_the_version_in_use;
use crate::provision::report::one_line;

#[derive(Args)]
pub(super) struct Folders {
    /// The boot partition, where the user's files are [default: /boot/firmware]
    #[arg(long, value_name = "DIR")]
    card: Option<PathBuf>,
    /// The data partition, where the files are imported to [default: /data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A folder in memory, empty after each start [default: /run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

pub(super) fn provision(folders: &Folders) -> Result<u8, Failed> {
    let [card, data, run] = [&folders.card, &folders.data, &folders.run].map(Option::as_deref);
    let instead = "write the configuration to /etc/pilotlight/pilotlight.toml yourself";
    only_on_our_image("provision", [card, data, run], instead)?;
    log::start(Clock::system(), colour(&io::stderr()));
    let card = card.unwrap_or("/boot/firmware".as_ref());
    let (data, run) = (data.unwrap_or("/data".as_ref()), run.unwrap_or("/run".as_ref()));
    let report = import(
        &CardPaths::new(card, data, run),
        &mut Disk::with_card(card),
        &by_the_version_in_use,
    );
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
