//! The folders that provisioning reads and writes.

use std::fs;
use std::path::{Path, PathBuf};

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
