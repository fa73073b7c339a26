//! Files of our own: where they are, and how they are written so that a power cut leaves the old one or
//! the new one and nothing between.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the daemon keeps what `status` reads (gone with the power) and what it could not report yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `/run/pilotlight` or the like.
    pub runtime: PathBuf,
    /// `/var/lib/pilotlight` or the like.
    pub state: PathBuf,
}

impl Places {
    /// From what was said on the command line, by systemd, or by the desktop, in this order.
    ///
    /// `status` run by a person must find what `run` under systemd writes, so without any of these the
    /// system's folder is used where it exists, and the person's own otherwise.
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
        let system_run = "/run/pilotlight";
        let system_state = "/var/lib/pilotlight";
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

    /// The daemon's current view.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.runtime.join("status.json")
    }

    /// Incidents that could not be reported yet.
    #[must_use]
    pub fn unreported(&self) -> PathBuf {
        self.state.join("unreported.json")
    }
}

/// Makes sure that nobody else uses the runtime directory, for as long as the file that it returns is open.
/// Two daemons of one machine would open two issues for one outage.
///
/// # Errors
/// Somebody else does; in words, with the path.
pub fn lock(places: &Places) -> Result<Option<File>, String> {
    let path = places.runtime.join("lock");
    let made = fs::create_dir_all(&places.runtime).and_then(|()| File::create(&path));
    // Who may not write there says so when there is something to write; and has no lock to respect.
    let Ok(file) = made else { return Ok(None) };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(format!(
            "{}: another pilotlight is running and holds it; stop that one (systemctl stop pilotlight), or \
             give this one folders of its own with --state-dir and --runtime-dir",
            path.display()
        )),
        _ => Ok(Some(file)),
    }
}

/// Replaces a file as a whole.
///
/// # Errors
/// When the folder cannot be made or written, with the path.
pub fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let dir = path.parent().unwrap_or(Path::new("."));
    let next = path.with_extension("new");
    let write = || {
        fs::create_dir_all(dir)?;
        let mut file = File::create(&next)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&next, path)?;
        if durable {
            // The rename itself is in the folder.
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(named)
}

/// Removes a file; one that is not there is as good as removed.
///
/// # Errors
/// When it is there and stays, with the path.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
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
    fn only_one_at_a_time_has_the_runtime_directory() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { runtime: dir.path().join("run"), state: dir.path().join("state") };
        let first = lock(&places).unwrap();
        let error = lock(&places).unwrap_err();
        assert!(error.contains("run/lock: another pilotlight is running"), "{error}");
        drop(first);
        assert!(lock(&places).unwrap().is_some());
    }
}
