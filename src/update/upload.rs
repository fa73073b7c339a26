//! The folder to which everybody with a key may copy files. An upload is moved out of it, and read once when its
//! writer is done. Only what was read counts.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::UpdateError;
use super::paths::UpdatePaths;
use super::system::System;
use crate::io::system::disk::{Disk, FileError};
use crate::text::printable;

/// Four times the size of pilotlight.
const MAX_SIZE: usize = 16 << 20;

/// Seconds without a change after which a file is complete.
const STABLE: usize = 10;

/// Seconds after which a slow writer is given up.
const MAX_WAIT: usize = 900;

pub(super) struct Upload {
    pub(super) name: String,
    /// Where only root reaches it.
    pub(super) file: PathBuf,
}

impl Upload {
    /// Takes the oldest file in the folder.
    pub(super) fn next(paths: &UpdatePaths, disk: &mut Disk) -> Result<Option<Self>, UpdateError> {
        let folder = paths.uploads.with_file_name(".update");
        let file = folder.join("upload");
        for left in fs::read_dir(&folder).into_iter().flatten().flatten() {
            Self::remove(&left.path(), disk)?; // by an interrupted update
        }
        let unreadable = |source| UpdateError::Folder { folder: paths.uploads.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&paths.uploads).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Some programs copy to a hidden name first.
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                let modified = entry.path().symlink_metadata().and_then(|about| about.modified());
                found.push((modified.ok(), entry.path()));
            }
        }
        let Some((_, oldest)) = found.into_iter().min() else { return Ok(None) };
        disk.folder(&folder, 0o700)?;
        disk.rename(&oldest, &file)?;
        let name = oldest.file_name().unwrap_or_default().to_string_lossy();
        // Terminals and journals show it.
        Ok(Some(Self { name: printable(&name), file }))
    }

    /// Also removes a folder.
    pub(super) fn remove(file: &Path, disk: &mut Disk) -> Result<(), FileError> {
        match file.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => disk.remove_folder(file),
            _ => disk.remove(file),
        }
    }

    /// Reads the file once it does not change any more.
    pub(super) fn read(&self, system: &mut impl System) -> Result<Vec<u8>, UpdateError> {
        let (mut before, mut stable) = (None, 0);
        for _ in 0..MAX_WAIT {
            let metadata = self.file.symlink_metadata().map_err(UpdateError::Unreadable)?;
            if metadata.is_symlink() {
                return Err(UpdateError::SymbolicLink);
            } else if !metadata.is_file() {
                return Err(UpdateError::NotAFile);
            } else if metadata.len() > MAX_SIZE as u64 {
                return Err(UpdateError::TooLarge(MAX_SIZE >> 20));
            }
            let now: (u64, Option<SystemTime>) = (metadata.len(), metadata.modified().ok());
            stable = if before.replace(now) == Some(now) { stable + 1 } else { 0 };
            if stable >= STABLE {
                let mut bytes = Vec::new();
                let read = File::open(&self.file)
                    .and_then(|file| file.take(MAX_SIZE as u64).read_to_end(&mut bytes));
                return read.map(|_| bytes).map_err(UpdateError::Unreadable);
            }
            system.wait();
        }
        Err(UpdateError::StillWritten)
    }
}
