//! The daemon's own files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::disk::{Disk, FileError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// For the status file, which need not survive a power cut: `/run/pilotlight`.
    pub runtime: PathBuf,
    /// For incidents that could not be reported yet: `/var/lib/pilotlight`.
    pub state: PathBuf,
}

impl Places {
    /// The command line comes first, then systemd's variables, then the system's folders if they exist, so that
    /// a person's `status` finds the files of the service, and at last the person's own folders.
    #[must_use]
    pub fn find(
        runtime: Option<PathBuf>,
        state: Option<PathBuf>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let under = |name: &str| env(name).map(|dir| Path::new(&dir).join("pilotlight"));
        // systemd separates several folders with colons; the unit names one.
        let unit = |name: &str| env(name).map(PathBuf::from);
        let existing = |dir: &str| Some(PathBuf::from(dir)).filter(|dir| dir.is_dir());
        let home = || env("HOME").map(|home| Path::new(&home).join(".local/state/pilotlight"));
        let (system_run, system_state) = ("/run/pilotlight", "/var/lib/pilotlight");
        Self {
            runtime: runtime
                .or_else(|| unit("RUNTIME_DIRECTORY"))
                .or_else(|| existing(system_run))
                .or_else(|| under("XDG_RUNTIME_DIR"))
                .unwrap_or_else(|| system_run.into()),
            state: state
                .or_else(|| unit("STATE_DIRECTORY"))
                .or_else(|| existing(system_state))
                .or_else(|| under("XDG_STATE_HOME"))
                .or_else(home)
                .unwrap_or_else(|| system_state.into()),
        }
    }

    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.runtime.join("status.json")
    }

    #[must_use]
    pub fn unreported(&self) -> PathBuf {
        self.state.join("unreported.json")
    }
}

/// Locks the runtime directory while the returned file is open, as two daemons would open two issues for one
/// outage. `None`: the folder cannot be written, and the first write will report that.
///
/// # Errors
/// [`FileError::Locked`] if another daemon has the lock.
pub fn lock(places: &Places) -> Result<Option<File>, FileError> {
    let path = places.runtime.join("lock");
    let file = fs::create_dir_all(&places.runtime).and_then(|()| File::create(&path));
    let Ok(file) = file else { return Ok(None) };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(FileError::Locked { path }),
        _ => Ok(Some(file)),
    }
}

/// Replaces a file as a whole, and makes its folder if necessary.
pub fn replace(path: &Path, bytes: &[u8], durable: bool) -> Result<(), FileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(FileError::at(path))?;
    let mut disk = if durable { Disk::default() } else { Disk::volatile() };
    disk.put(path, Some(bytes), None).map(drop)
}

/// Removes a file if it exists.
pub fn remove(path: &Path) -> Result<(), FileError> {
    Disk::default().remove(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_comes_before_systemd_and_systemd_before_the_desktop() {
        let all = |name: &str| Some(format!("/env/{name}"));
        let none = |_: &str| None;
        let said = Places::find(Some("/a".into()), Some("/b".into()), all);
        assert_eq!(said.status(), Path::new("/a/status.json"));
        assert_eq!(said.unreported(), Path::new("/b/unreported.json"));
        let unit = Places::find(None, None, all);
        assert_eq!(unit.runtime, Path::new("/env/RUNTIME_DIRECTORY"));
        let bare = Places::find(None, None, none);
        assert_eq!(bare.state, Path::new("/var/lib/pilotlight"));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_removed_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/file.json");
        replace(&path, b"one", true).unwrap();
        replace(&path, b"two", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        let error = replace(Path::new("/proc/nowhere/file"), b"", false).unwrap_err();
        assert!(error.to_string().starts_with("/proc/nowhere/file: "), "{error}");
    }

    #[test]
    fn only_one_process_at_a_time_has_the_runtime_directory() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { runtime: dir.path().join("run"), state: dir.path().join("state") };
        let first = lock(&places).unwrap();
        let error = lock(&places).unwrap_err().to_string();
        assert!(error.contains("run/lock: another pilotlight is running"), "{error}");
        drop(first);
        assert!(lock(&places).unwrap().is_some());
    }
}
