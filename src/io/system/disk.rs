//! Changes to files, one operation at a time, so that a test can stop before any of them as a power cut does.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

/// [`Disk::put`] writes this file first. One name for each folder, so that after a power cut the same work
/// replaces it.
const NEXT: &str = ".new";

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: cannot be mounted again as {mode}: {reason}", card.display())]
    Remount { card: PathBuf, mode: &'static str, reason: String },
    #[error(
        "{}: another pilotlight is running and holds it; stop that one (systemctl stop pilotlight), or give this \
         one folders of its own with --state-dir and --runtime-dir", path.display()
    )]
    Locked { path: PathBuf },
}

impl FileError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

#[derive(Debug, Default)]
pub struct Disk {
    /// A folder that is mounted read-only, except while something is written there.
    card: Option<PathBuf>,
    /// The card was mounted read-only and is writable now.
    remounted: bool,
    /// Files need not survive a power cut.
    volatile: bool,
    /// In a test: the operations before the power cut.
    left: Option<usize>,
}

impl Disk {
    #[must_use]
    pub fn with_card(card: &Path) -> Self {
        Self { card: Some(card.to_owned()), ..Self::default() }
    }

    /// For files that need not survive a power cut.
    pub(crate) fn volatile() -> Self {
        Self { volatile: true, ..Self::default() }
    }

    #[cfg(test)]
    pub(crate) fn cut_after(self, operations: usize) -> Self {
        Self { left: Some(operations), ..self }
    }

    /// Replaces a file as a whole, or removes it if `bytes` is `None`. Without a `mode` the file system chooses
    /// it, as on FAT. Returns whether anything had to be done.
    pub(crate) fn put(
        &mut self,
        path: &Path,
        bytes: Option<&[u8]>,
        mode: Option<u32>,
    ) -> Result<bool, FileError> {
        match bytes {
            Some(bytes) if has_content(path, bytes) => return Ok(false),
            None if path.symlink_metadata().is_err() => return Ok(false),
            _ => {}
        }
        let Some(bytes) = bytes else { return self.remove(path).map(|()| true) };
        let folder = parent(path);
        let next = folder.join(NEXT);
        self.write(&next, bytes, mode)?;
        self.rename(&next, path)?;
        self.sync_folder(folder)?;
        Ok(true)
    }

    /// Writes a file in place.
    pub(crate) fn write(
        &mut self,
        path: &Path,
        bytes: &[u8],
        mode: Option<u32>,
    ) -> Result<(), FileError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode.unwrap_or(0o666));
        let file = self.act(path, || options.open(path))?;
        if let Some(mode) = mode {
            // An existing file keeps its mode when it is opened.
            self.act(path, || file.set_permissions(Permissions::from_mode(mode)))?;
        }
        self.fill(path, &file, bytes)
    }

    /// Overwrites a file with zeros and removes it.
    pub(crate) fn wipe(&mut self, path: &Path, length: usize) -> Result<(), FileError> {
        let file = self.act(path, || OpenOptions::new().write(true).open(path))?;
        self.fill(path, &file, &vec![0; length])?;
        self.remove(path)
    }

    fn fill(&mut self, path: &Path, mut file: &File, bytes: &[u8]) -> Result<(), FileError> {
        // In two operations, as a power cut may leave a part of a file.
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        self.act(path, || file.write_all(first))?;
        self.act(path, || file.write_all(rest))?;
        self.sync(path, file)
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.act(to, || fs::rename(from, to))
    }

    /// Makes or changes a symbolic link in one step.
    pub(crate) fn point(&mut self, path: &Path, target: &Path) -> Result<(), FileError> {
        let next = path.with_extension("new");
        self.remove(&next)?;
        self.act(&next, || symlink(target, &next))?;
        self.rename(&next, path)?;
        self.sync_folder(parent(path))
    }

    /// Makes the new, renamed and removed files of a folder survive a power cut.
    pub(crate) fn sync_folder(&mut self, folder: &Path) -> Result<(), FileError> {
        let file = File::open(folder).map_err(FileError::at(folder))?;
        self.sync(folder, &file)
    }

    fn sync(&mut self, path: &Path, file: &File) -> Result<(), FileError> {
        if self.volatile { Ok(()) } else { self.act(path, || file.sync_all()) }
    }

    /// Removes a file if it exists.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<(), FileError> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.act(path, || fs::remove_file(path))?;
        self.sync_folder(parent(path))
    }

    /// Removes a folder with its contents.
    pub(crate) fn remove_folder(&mut self, path: &Path) -> Result<(), FileError> {
        self.act(path, || remove_tree(path))
    }

    /// Makes a folder and its parents if necessary, and sets its mode.
    pub(crate) fn folder(&mut self, path: &Path, mode: u32) -> Result<(), FileError> {
        match path.metadata() {
            Err(_) => self.act(path, || DirBuilder::new().recursive(true).mode(mode).create(path)),
            Ok(metadata) if metadata.permissions().mode() & 0o777 == mode => Ok(()),
            Ok(_) => self.act(path, || fs::set_permissions(path, Permissions::from_mode(mode))),
        }
    }

    /// Runs one operation. If the card is mounted read-only, makes it writable first.
    fn act<T>(
        &mut self,
        path: &Path,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Result<T, FileError> {
        match &mut self.left {
            Some(0) => return Err(FileError::at(path)(io::Error::other("the power is cut"))),
            Some(left) => *left -= 1,
            None => {}
        }
        let on_card = self.card.as_ref().is_some_and(|card| path.starts_with(card));
        match operation() {
            Err(error)
                if error.kind() == ErrorKind::ReadOnlyFilesystem && on_card && !self.remounted =>
            {
                self.remount("rw")?;
                self.remounted = true;
                operation().map_err(FileError::at(path))
            }
            result => result.map_err(FileError::at(path)),
        }
    }

    /// Mounts the card read-only again, if it was.
    pub(crate) fn finish(&mut self) -> Result<(), FileError> {
        if std::mem::take(&mut self.remounted) { self.remount("ro") } else { Ok(()) }
    }

    fn remount(&self, mode: &'static str) -> Result<(), FileError> {
        let Some(card) = &self.card else { return Ok(()) };
        let output =
            Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(card).output();
        let reason = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(FileError::Remount { card: card.clone(), mode, reason })
    }
}

/// A file of another size is not read: it may be larger than the memory.
pub(crate) fn has_content(path: &Path, bytes: &[u8]) -> bool {
    let has_size = path.metadata().is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
    has_size && fs::read(path).is_ok_and(|content| content == bytes)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Removes a folder of any depth: folders inside it are moved beside it first. (`remove_dir_all` keeps a file
/// open at each level, and fails at the limit.)
///
/// Each name is relative to an open folder, so a link that its writer puts there meanwhile is not followed.
fn remove_tree(path: &Path) -> io::Result<()> {
    const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
    let beside = openat(CWD, parent(path), FOLDER, Mode::empty())?;
    let mut folders = vec![path.file_name().unwrap_or_default().to_owned()];
    let mut names = (1..).map(|number| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        name
    });
    // An interrupted removal has left some.
    let mut free_name = || names.find(|name| path.with_file_name(name).symlink_metadata().is_err());
    while let Some(name) = folders.pop() {
        let folder = openat(&beside, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        for entry in Dir::read_from(&folder)?.collect::<Result<Vec<_>, _>>()? {
            let inside = entry.file_name();
            if [c".", c".."].contains(&inside) {
                continue;
            }
            match unlinkat(&folder, inside, AtFlags::empty()) {
                Err(Errno::ISDIR) => {
                    let aside = free_name().ok_or(ErrorKind::AlreadyExists)?;
                    renameat(&folder, inside, &beside, &aside)?;
                    folders.push(aside);
                }
                result => result?,
            }
        }
        unlinkat(&beside, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, BorrowedFd};

    use rustix::fs::mkdirat;

    use super::*;

    #[test]
    fn a_folder_deeper_than_files_may_be_open_is_removed_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, other) = (dir.path().join("folder"), dir.path().join("other"));
        for folder in [&folder, &folder.join("a"), &other] {
            fs::create_dir(folder).unwrap();
        }
        for file in [other.join("file"), folder.join("a/file"), dir.path().join("folder.1")] {
            fs::write(file, "").unwrap();
        }
        symlink(&other, folder.join("a/link")).unwrap();
        // Longer than the path of a file may be, too.
        let open = |at: BorrowedFd<'_>| openat(at, "d", OFlags::DIRECTORY, Mode::empty());
        let mut deepest = openat(CWD, &folder, OFlags::DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3_000 {
            mkdirat(&deepest, "d", Mode::RWXU).unwrap();
            deepest = open(deepest.as_fd()).unwrap();
        }
        Disk::default().remove_folder(&folder).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["folder.1", "other"]);
        assert!(other.join("file").exists());
    }
}
