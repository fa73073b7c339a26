//! The folder that anybody with the key may copy files into: each is moved out of it, waited for until its
//! writer is done, and read once. What was read is what counts from then on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::elf::{self, Flaw};
use super::{Board, Updates};

/// No program of ours is a quarter as large.
const MOST: usize = 16 << 20;

/// Pauses until a file that does not grow is taken for all that will come, and until the slowest writer is
/// given up.
const STALLED: usize = 60;
const PATIENCE: usize = 900;

impl<B: Board> Updates<'_, B> {
    /// The oldest file that was copied here: its name, and the place where only we reach it.
    pub(super) fn next_upload(&mut self) -> io::Result<Option<(String, PathBuf)>> {
        let uploads = &self.places.uploads;
        let folder = uploads.with_file_name(".update");
        let taken = folder.join("upload");
        self.remove_upload(&taken)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(uploads)? {
            let (entry, hidden) = entry.map(|e| (e.path(), e.file_name()))?;
            // Some programs copy to a hidden name first.
            if !hidden.as_encoded_bytes().starts_with(b".") {
                let modified = entry.symlink_metadata().and_then(|about| about.modified()).ok();
                found.push((modified, entry));
            }
        }
        found.sort();
        let Some((_, oldest)) = found.into_iter().next() else { return Ok(None) };
        self.disk.folder(&folder, 0o700)?;
        self.disk.rename(&oldest, &taken)?;
        let name = oldest.file_name().unwrap_or_default().to_string_lossy();
        // Terminals and journals show it.
        Ok(Some((name.replace(char::is_control, "?"), taken)))
    }

    /// Removes it, whatever it is.
    pub(super) fn remove_upload(&mut self, file: &Path) -> io::Result<()> {
        match file.symlink_metadata() {
            Ok(about) if about.is_dir() => self.disk.remove_folder(file),
            _ => self.disk.remove(file),
        }
    }
}

/// Waits until the file is a whole program that nobody writes to any more, and reads it.
pub(super) fn arrived(file: &Path, board: &mut impl Board) -> Result<Vec<u8>, String> {
    let about = file.symlink_metadata().map_err(|error| error.to_string())?;
    if about.is_symlink() {
        return Err("is a symbolic link: copy the file that it leads to".to_owned());
    } else if !about.is_file() {
        return Err("is a folder, or otherwise no file: copy one file".to_owned());
    }
    let (mut before, mut stalled) = (None, 0);
    for _ in 0..PATIENCE {
        let (seen, bytes) = read(file).map_err(|error| error.to_string())?;
        stalled = if before == Some(seen) { stalled + 1 } else { 0 };
        before = Some(seen);
        if bytes.len() > MOST {
            return Err(format!("is larger than {} MB, and no pilotlight is", MOST >> 20));
        }
        match elf::whole(&bytes) {
            Ok(()) if stalled > 0 => return Ok(bytes),
            Err(Flaw::Other(why)) => return Err(why.to_owned()),
            Err(Flaw::Torn(needed)) if stalled > STALLED => {
                let here = bytes.len();
                return Err(format!(
                    "is not whole: {here} of at least {needed} bytes came; copy it again"
                ));
            }
            _ => board.pause(),
        }
    }
    Err("is still being written after a quarter of an hour; copy it again".to_owned())
}

/// Size and time of a file, by which a change shows.
type Form = (u64, Option<SystemTime>);

/// What is in it, up to more than is allowed; with its form.
fn read(file: &Path) -> io::Result<(Form, Vec<u8>)> {
    let file = File::open(file)?;
    let mut bytes = Vec::new();
    (&file).take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    let about = file.metadata()?;
    Ok(((about.len(), about.modified().ok()), bytes))
}
