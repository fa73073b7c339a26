//! The card: what its user wrote on the boot partition is taken in at each start, and kept where the power
//! may go at any instant. (`pilotlight provision`; only our own image runs it.)
//!
//! | on the card | goes to | |
//! |---|---|---|
//! | `pilotlight.toml`, and the files that it names | `DATA/pilotlight/config/` | only without problems: else what was there stays in force |
//! | `github-token` | `DATA/pilotlight/github-token`, and at each start to `RUN/credstore/` | overwritten and removed on the card |
//! | `authorized_keys`, `root_keys` | `DATA/ssh/` | |
//! | `wifi.conf` | `DATA/wifi/` | as iwd reads it |
//!
//! A file that is not there leaves in force what was taken in before. What could not be taken in is said in
//! `PROBLEMS.txt` on the card, for whoever takes it out of the board, and in `RUN/pilotlight-notices/card`, for
//! whoever looks at the lamps. Nothing is written that is there already.
//!
//! Whatever is interrupted is done at the next start as if nothing had been: each step may come again, and
//! what is in force changes by one rename.

mod config;
mod found;
mod keys;
mod problems;
mod token;
mod wifi;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::io::system::disk::Disk;
pub use problems::one_line;

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Places {
    /// The boot partition, which a person can write to on any machine.
    pub card: PathBuf,
    /// The data partition.
    pub data: PathBuf,
    /// What is gone with the power.
    pub run: PathBuf,
    /// The data partition outlives the power.
    pub durable: bool,
}

impl Places {
    /// These three; whether the second is the memory that stands in for a data partition which cannot be
    /// used, is looked up.
    #[must_use]
    pub fn new(card: &Path, data: &Path, run: &Path) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        // Device, place, file system; of several at one place the last is the one that is seen.
        let mut mounts = mounts.lines().rev().map(|line| line.split(' ').skip(1));
        let at = mounts.find(|mount| mount.clone().next() == data.to_str());
        let durable = at.is_none_or(|mut mount| mount.nth(1) != Some("tmpfs"));
        Self { card: card.to_owned(), data: data.to_owned(), run: run.to_owned(), durable }
    }
}

/// What came of it, in words.
#[derive(Debug, Default)]
pub struct Taken {
    /// What was done.
    pub done: Vec<String>,
    /// What the user must correct: what and where, a line end and four blanks, the next step.
    pub problems: Vec<String>,
    /// What stays in force in place of what has problems.
    pub stays: Vec<String>,
    /// What to do before anybody is watched. No problem: every card begins so.
    pub first: Option<String>,
    /// Something could not be done; what and why is among the problems.
    pub failed: bool,
}

type Part = fn(&Places, &mut Disk, &mut Taken) -> io::Result<()>;

/// Takes in what is on the card.
pub fn take_in(places: &Places, disk: &mut Disk) -> Taken {
    let mut taken = Taken::default();
    let parts: [Part; 8] = [
        config::take_in,
        token::take_in,
        token::hand_over,
        |places, disk, taken| keys::take_in("authorized_keys", places, disk, taken),
        |places, disk, taken| keys::take_in("root_keys", places, disk, taken),
        wifi::take_in,
        problems::tell,
        |_, disk, _| disk.finish(),
    ];
    // One that fails keeps nobody from the next.
    for part in parts {
        if let Err(error) = part(places, disk, &mut taken) {
            let next =
                "start the board again; if it says so once more, this card is full or broken";
            let problem = format!("{error}\n    {next}");
            if !taken.problems.contains(&problem) {
                taken.problems.push(problem);
            }
            taken.failed = true;
        }
    }
    taken
}

#[cfg(test)]
mod tests;
