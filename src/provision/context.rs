//! What every step of an import works with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::report::{ProvisionReport, problem};
use super::settings::ImagerSettings;
use crate::config::Problem;
use crate::io::system::disk::{Disk, FileError};

#[derive(Debug, Clone)]
pub struct CardPaths {
    /// The boot partition, which the user can edit on any computer.
    pub card: PathBuf,
    /// The data partition.
    pub data: PathBuf,
    /// A folder in memory, empty after each start.
    pub run: PathBuf,
    /// False if `data` is in memory because the data partition cannot be used.
    pub durable: bool,
}

impl CardPaths {
    /// Finds out from the list of mounts whether `data` is durable.
    #[must_use]
    pub fn new(card: &Path, data: &Path, run: &Path) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        // Each line has device, place and file system. The last mount at a place hides the others.
        let mount = mounts.lines().rfind(|line| line.split(' ').nth(1) == data.to_str());
        let durable = mount.is_none_or(|line| line.split(' ').nth(2) != Some("tmpfs"));
        Self { card: card.to_owned(), data: data.to_owned(), run: run.to_owned(), durable }
    }
}

/// Why a step could not be completed. The next start tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProvisionError {
    #[error("{}: {source}", path.display())]
    Card { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Disk(#[from] FileError),
    #[error("ssh-keygen cannot be run: {0}")]
    SshKeygen(io::Error),
}

pub(super) type Result<T = ()> = std::result::Result<T, ProvisionError>;

/// Judges the configuration in a folder of `run`.
pub type Judge<'a> = &'a dyn Fn(&Path) -> std::result::Result<(), Vec<Problem>>;

pub(super) struct Import<'a> {
    pub(super) paths: &'a CardPaths,
    pub(super) disk: &'a mut Disk,
    pub(super) judge: Judge<'a>,
    pub(super) report: ProvisionReport,
    pub(super) imager: ImagerSettings,
}

impl Import<'_> {
    pub(super) fn problem(&mut self, file: &str, line: Option<usize>, reason: &str, next: &str) {
        self.report.problems.push(problem(file, line, reason, next));
    }

    pub(super) fn done(&mut self, file: &str, what: &str) {
        self.report.done.push(format!("{file}: {what}"));
    }
}
