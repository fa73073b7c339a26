//! Installs uploads, one after the other.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use super::error::UpdateError;
use super::paths::UpdatePaths;
use super::probation::{Progress, TimeLimits};
use super::state::{Binary, Outcome, UpdateState};
use super::system::System;
use super::upload::Upload;
use crate::io::system::disk::{Disk, FileError};
use crate::io::system::executable::sha256;
use crate::text::count;

/// A file with this name asks for the previous version.
pub const ROLLBACK: &str = "rollback";

/// Only one may exist at a time.
pub struct Updater<'a, S> {
    paths: &'a UpdatePaths,
    disk: Disk,
    system: &'a mut S,
    limits: TimeLimits,
    /// The binary that came with the card.
    factory: Binary,
    state: UpdateState,
}

type Result<T = (), E = UpdateError> = std::result::Result<T, E>;

impl<'a, S: System> Updater<'a, S> {
    pub fn new(
        paths: &'a UpdatePaths,
        disk: Disk,
        system: &'a mut S,
        limits: TimeLimits,
        factory: Binary,
    ) -> Self {
        Self { paths, disk, system, limits, factory, state: paths.load_state() }
    }

    /// Undoes an interrupted update: at each start of the board, and after the updater ended for any reason.
    ///
    /// # Errors
    /// If something cannot be written. The service is given a good binary first.
    pub fn recover(&mut self) -> Result {
        let (now, paths) = (self.system.now().wall, self.paths);
        let recovered = self.state.clone().recovered(now, |binary| paths.is_intact(binary));
        let changed = recovered != self.state;
        self.state = recovered;
        let before = fs::read_link(paths.current()).ok();
        let current = paths.binary(self.state.current.as_ref());
        if before.as_ref() != Some(&current) {
            self.point_to(&current)?;
        }
        // There is no link yet when the board starts, and the service is started later.
        if before.is_some_and(|before| changed || before != current) {
            self.system.restart()?;
        }
        if changed {
            self.notify()?;
            self.save()?;
        }
        self.remove_unused()
    }

    /// Installs all uploads.
    ///
    /// # Errors
    /// If something cannot be written; [`Updater::recover`] is then due.
    pub fn install_uploads(&mut self) -> Result {
        self.recover()?;
        while let Some(upload) = Upload::next(self.paths, &mut self.disk)? {
            let is_rollback = upload.name == ROLLBACK;
            let result = if is_rollback { self.roll_back() } else { self.install(&upload) };
            if let Err(error) = result {
                let last = self.state.last.as_ref();
                let trying = last.filter(|last| last.outcome == Outcome::Trying);
                let what = trying.map_or(&upload.name, |last| &last.what).clone();
                self.reject(what, &error);
                self.notify()?; // first, as there may be no room for the state
                self.save()?;
            }
            Upload::remove(&upload.file, &mut self.disk)?;
            self.remove_unused()?;
        }
        Ok(())
    }

    fn in_use(&self) -> &Binary {
        self.state.current.as_ref().unwrap_or(&self.factory)
    }

    fn install(&mut self, upload: &Upload) -> Result {
        let name = &upload.name;
        let bytes = upload.read(self.system)?;
        let hash = sha256(&bytes);
        if hash == self.in_use().hash {
            info!("{name}: {} is in use already: nothing to do", self.in_use());
            return Ok(());
        }
        info!("{name}: {} received", count(bytes.len(), "byte"));
        self.begin(name.clone())?;
        self.disk.put(&self.paths.store.join(&hash), Some(&bytes), Some(0o755))?;
        drop(bytes);
        let version = self.system.test_run(&hash)?;
        let candidate = Binary { version, hash, since: self.system.now().wall };
        let in_use = self.in_use();
        let is_older = numbers(&candidate.version) < numbers(&in_use.version);
        let downgrade = if is_older { ", a downgrade," } else { "" };
        info!("{name}: {candidate}{downgrade} runs here; it takes the place of {in_use}");
        let what = candidate.to_string();
        self.try_as_service(Some(candidate), what)
    }

    /// Returns to the previous version. A second rollback undoes the first.
    fn roll_back(&mut self) -> Result {
        let mut binary = self.state.previous.clone();
        if self.state.current.is_none() && binary.is_none() {
            return Err(UpdateError::NoPrevious(self.factory.clone()));
        }
        if let Some(binary) = &mut binary {
            if !self.paths.is_intact(binary) {
                return Err(UpdateError::Damaged(binary.clone()));
            }
            binary.since = self.system.now().wall;
        }
        let what = binary.as_ref().unwrap_or(&self.factory).to_string();
        info!("{ROLLBACK}: back from {} to {what}", self.in_use());
        self.try_as_service(binary, what)
    }

    /// Restarts the service with the candidate, and if that fails with the binary in use.
    fn try_as_service(&mut self, candidate: Option<Binary>, what: String) -> Result {
        self.begin(what.clone())?;
        let result = self.serve(candidate.as_ref(), self.limits);
        let Err(error) = result.and_then(|()| self.accept(candidate, &what)) else {
            info!("{what}: accepted");
            if let Err(error) = self.disk.remove(&self.paths.notice()) {
                warn!("{error}"); // An old notice is no reason to undo the update.
            }
            return Ok(());
        };
        self.reject(what, &error);
        self.notify()?; // first, so that the panel shows it at once
        let current = self.state.current.clone();
        match self.serve(current.as_ref(), TimeLimits { probation: Duration::ZERO, ..self.limits })
        {
            Ok(()) => info!("{} watches again", self.in_use()),
            Err(error) => warn!("{}: {error}", self.in_use()),
        }
        Ok(self.save()?)
    }

    /// Restarts the service with a binary and waits until it is accepted or rejected.
    fn serve(&mut self, binary: Option<&Binary>, limits: TimeLimits) -> Result {
        let hash = binary.unwrap_or(&self.factory).hash.clone();
        let before = self.system.service().run;
        self.point_to(&self.paths.binary(binary))?;
        self.system.restart()?;
        let until = self.system.now().uptime + limits.ready;
        let mut progress = Progress::Restarting { before, until };
        loop {
            let service = self.system.service();
            progress = progress.after(&service, &hash, limits, self.system.now().uptime);
            match progress {
                Progress::Accepted => return Ok(()),
                Progress::Rejected(error) => return Err(error),
                _ => self.system.wait(),
            }
        }
    }

    fn begin(&mut self, what: String) -> Result {
        self.state = self.state.clone().trying(what, self.system.now().wall);
        Ok(self.save()?)
    }

    fn accept(&mut self, candidate: Option<Binary>, what: &str) -> Result {
        let now = self.system.now().wall;
        let accepted = self.state.clone().accepted(candidate, what.to_owned(), now);
        let before = std::mem::replace(&mut self.state, accepted);
        self.save().map_err(|error| {
            self.state = before;
            UpdateError::NotSaved(error)
        })
    }

    fn reject(&mut self, what: String, error: &UpdateError) {
        self.state = self.state.clone().rejected(what, error.to_string(), self.system.now().wall);
    }

    fn point_to(&mut self, file: &Path) -> Result {
        let link = self.paths.current();
        self.disk.folder(link.parent().unwrap_or(&self.paths.run), 0o755)?;
        Ok(self.disk.point(&link, file)?)
    }

    fn save(&mut self) -> Result<(), FileError> {
        let json = serde_json::to_vec_pretty(&self.state).expect("the state is plain data");
        self.disk.put(&self.paths.state(), Some(&json), Some(0o644)).map(drop)
    }

    /// Reports a rejection in the journal and on the panel.
    fn notify(&mut self) -> Result {
        let Some((what, reason)) = self.state.rejection() else { return Ok(()) };
        warn!("{what}: rejected: {reason}");
        let text = format!("{what} was rejected: {reason}\n{} is in use\n", self.in_use());
        let notice = self.paths.notice();
        self.disk.folder(notice.parent().unwrap_or(&self.paths.run), 0o755)?;
        self.disk.put(&notice, Some(text.as_bytes()), Some(0o644))?;
        Ok(())
    }

    /// Removes all binaries except the current and the previous one.
    fn remove_unused(&mut self) -> Result {
        let store = &self.paths.store;
        let used = [&self.state.current, &self.state.previous].into_iter().flatten();
        let mut used: Vec<_> = used.map(|binary| self.paths.binary(Some(binary))).collect();
        used.push(self.paths.state());
        let unreadable = |source| UpdateError::Folder { folder: store.clone(), source };
        for entry in fs::read_dir(store).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if !used.contains(&path) {
                self.disk.remove(&path)?;
            }
        }
        Ok(())
    }
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).take(3).map(|number| number.parse().unwrap_or(0)).collect()
}
