//! The files and folders of updates.

use std::fs;
use std::path::PathBuf;

use super::state::{Binary, UpdateState};
use crate::io::system::executable::sha256;

#[derive(Debug, Clone)]
pub struct UpdatePaths {
    /// The folder for uploads.
    pub uploads: PathBuf,
    /// The folder of binaries.
    pub store: PathBuf,
    /// A folder in memory, empty after each start.
    pub run: PathBuf,
    /// The binary that came with the card.
    pub factory: PathBuf,
}

impl UpdatePaths {
    pub(super) fn state(&self) -> PathBuf {
        self.store.join("state.json")
    }

    pub(super) fn current(&self) -> PathBuf {
        self.run.join("pilotlight-update/current")
    }

    pub(super) fn notice(&self) -> PathBuf {
        self.run.join("pilotlight-notices/update")
    }

    /// `None` is the binary that came with the card.
    pub(super) fn binary(&self, binary: Option<&Binary>) -> PathBuf {
        binary.map_or_else(|| self.factory.clone(), |binary| self.store.join(&binary.hash))
    }

    /// Without a readable state the card's own binary is in use, which cannot be lost.
    #[must_use]
    pub fn load_state(&self) -> UpdateState {
        let json = fs::read(self.state()).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    pub(super) fn is_intact(&self, binary: &Binary) -> bool {
        fs::read(self.binary(Some(binary))).is_ok_and(|bytes| sha256(&bytes) == binary.hash)
    }
}
