//! `pilotlight provision`: takes in what is on the card, before anything else of our image starts.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::{Failed, colour};
use crate::card::{Disk, Places, one_line, take_in};
use crate::io::clock::Clock;
use crate::io::system::log;

#[derive(Args)]
pub(super) struct Folders {
    /// The boot partition, where the user's files are
    #[arg(long, value_name = "DIR", default_value = "/boot/firmware")]
    card: PathBuf,
    /// Where they are kept
    #[arg(long, value_name = "DIR", default_value = "/data")]
    data: PathBuf,
    /// What is gone with the power
    #[arg(long, value_name = "DIR", default_value = "/run")]
    run: PathBuf,
}

pub(super) fn provision(folders: &Folders) -> Result<u8, Failed> {
    log::start(Clock::system(), colour(&io::stderr()));
    let Folders { card, data, run } = folders;
    let places = Places::new(card, data, run);
    let taken = take_in(&places, &mut Disk::new(card));
    for line in taken.done.iter().chain(&taken.stays) {
        tracing::info!("{line}");
    }
    for problem in taken.problems.iter().chain(&taken.first) {
        tracing::warn!("{}", one_line(problem));
    }
    if taken.done.is_empty() && taken.problems.is_empty() {
        tracing::info!("{}: nothing new", card.display());
    }
    Ok(u8::from(taken.failed))
}
