//! What is done to files, one operation at a time. The power may go before each of them; in a test it does.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where [`Disk::put`] writes what it then puts in place: one name for each folder, so that no power cut
/// leaves more than one behind, and the same work done again takes it away.
const NEXT: &str = ".new";

/// The card and the data partition.
#[derive(Debug, Default)]
pub struct Disk {
    /// What is mounted read-only, and made writable while something is written there; none by default.
    card: Option<PathBuf>,
    /// The card was mounted read-only, and is not now.
    writable: bool,
    /// Operations until the power goes; `None`: it stays.
    left: Option<usize>,
}

impl Disk {
    /// With the user's files at `card`.
    #[must_use]
    pub fn new(card: &Path) -> Self {
        Self { card: Some(card.to_owned()), ..Self::default() }
    }

    /// Does so many operations, and then nothing any more.
    #[cfg(test)]
    pub(crate) fn cut_after(self, operations: usize) -> Self {
        Self { left: Some(operations), ..self }
    }

    /// Puts the whole file in place, or leaves the one that is there; without `bytes` there is none afterwards.
    /// Says whether anything had to be done. Without a `mode` it has that of its file system: FAT knows none.
    pub(crate) fn put(
        &mut self,
        path: &Path,
        bytes: Option<&[u8]>,
        mode: Option<u32>,
    ) -> io::Result<bool> {
        let there = fs::read(path).ok();
        if there.as_deref() == bytes {
            return Ok(false);
        }
        let Some(bytes) = bytes else { return self.remove(path).map(|()| true) };
        let folder = path.parent().unwrap_or(Path::new("."));
        let next = folder.join(NEXT);
        self.write(&next, bytes, mode)?;
        self.rename(&next, path)?;
        self.sync_folder(folder)?;
        Ok(true)
    }

    /// Writes a new file, in place.
    pub(crate) fn write(&mut self, path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode.unwrap_or(0o666));
        let file = self.act(path, || options.open(path))?;
        if let Some(mode) = mode {
            // One that was there had a mode of its own.
            self.act(path, || file.set_permissions(Permissions::from_mode(mode)))?;
        }
        self.fill(path, &file, bytes)
    }

    /// Writes zeros over all that is in a file, and removes it.
    pub(crate) fn wipe(&mut self, path: &Path, length: usize) -> io::Result<()> {
        let file = self.act(path, || OpenOptions::new().write(true).open(path))?;
        self.fill(path, &file, &vec![0; length])?;
        self.remove(path)
    }

    fn fill(&mut self, path: &Path, file: &File, bytes: &[u8]) -> io::Result<()> {
        // In two parts, as a power cut knows nothing of whole files.
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let mut writer = file;
        self.act(path, || writer.write_all(first))?;
        self.act(path, || writer.write_all(rest))?;
        self.act(path, || file.sync_all())
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.act(to, || fs::rename(from, to))
    }

    /// Makes `path` lead to `target`, in one step, whatever it led to before.
    pub(crate) fn point(&mut self, path: &Path, target: &str) -> io::Result<()> {
        let next = path.with_extension("new");
        self.remove(&next)?;
        self.act(&next, || symlink(target, &next))?;
        self.rename(&next, path)?;
        self.sync_folder(path.parent().unwrap_or(Path::new(".")))
    }

    /// What was made, renamed or removed in a folder is on the disk after this.
    pub(crate) fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        self.act(folder, || File::open(folder)?.sync_all())
    }

    /// Removes a file; one that is not there is as good as removed.
    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.act(path, || fs::remove_file(path))?;
        self.sync_folder(path.parent().unwrap_or(Path::new(".")))
    }

    /// Removes a folder and all that is in it.
    pub(crate) fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.act(path, || fs::remove_dir_all(path))
    }

    /// Makes a folder and those around it, unless it is there, and sees to its mode.
    pub(crate) fn folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let Ok(there) = path.metadata() else {
            return self.act(path, || DirBuilder::new().recursive(true).mode(mode).create(path));
        };
        if there.permissions().mode() & 0o777 == mode {
            return Ok(());
        }
        self.act(path, || fs::set_permissions(path, Permissions::from_mode(mode)))
    }

    /// One operation; on a card that is mounted read-only it makes that writable first.
    fn act<T>(&mut self, path: &Path, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        match &mut self.left {
            Some(0) => return Err(named(io::Error::other("the power is gone"))),
            Some(left) => *left -= 1,
            None => {}
        }
        match act() {
            Err(e) if e.kind() == ErrorKind::ReadOnlyFilesystem && self.may_remount(path) => {
                self.remount("rw")?;
                self.writable = true;
                act().map_err(named)
            }
            done => done.map_err(named),
        }
    }

    fn may_remount(&self, path: &Path) -> bool {
        self.card.as_ref().is_some_and(|card| path.starts_with(card)) && !self.writable
    }

    /// Leaves the card as it was found: mounted read-only, if it was.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.writable) { self.remount("ro") } else { Ok(()) }
    }

    fn remount(&self, how: &str) -> io::Result<()> {
        let Some(card) = &self.card else { return Ok(()) };
        let failed = |why: String| {
            io::Error::other(format!(
                "{}: cannot be mounted again as {how}: {}",
                card.display(),
                why.trim()
            ))
        };
        let mut mount = Command::new("mount");
        mount.arg("-o").arg(format!("remount,{how}")).arg(card);
        let output = mount.output().map_err(|error| failed(error.to_string()))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }
}
