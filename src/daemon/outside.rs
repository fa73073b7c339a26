//! What is believed, outside of this process: the panel, the status file, and what must survive a power cut.

use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;

use crate::daemon::log;
use crate::daemon::monitor::{Daemon, LEASE};
use crate::decide::report::token;
use crate::decide::show::metrics;
use crate::decide::show::status::Status;
use crate::decide::time::Moment;
use crate::decide::track::stored::StoredIncident;
use crate::io::clock;
use crate::io::gpio::panel::Panel;
use crate::io::system::disk::FileError;
use crate::io::system::files;
use crate::io::system::files::Places;
use crate::io::system::systemd::Manager;
use crate::io::system::{executable, notices};

impl<P: RuntimeProvider> Daemon<P> {
    /// Makes everything outside agree with what is believed now: panel, status file, state directory.
    pub(super) fn publish(&mut self) {
        let now = self.clock.now();
        self.panel.show(self.monitor.panel_view(), LEASE);
        if let Some(error) = self.panel.error() {
            log::once_a_reason("panel", &error.to_string());
        }
        // Before anybody can read of an incident, it survives a power cut.
        let stored = self.monitor.unreported();
        if stored != self.stored {
            match self.store(&stored) {
                Ok(()) => self.stored = stored,
                Err(error) => log::once_a_reason("state file", &error.to_string()),
            }
        }
        let view = self.view(&now);
        self.write_metrics(&view);
        let meaning = view.meaning.clone();
        write_status(&self.places, view, self.round_deadline.saturating_sub(now.uptime));
        // After the file: whoever waits for these words finds them in it.
        self.manager.status(&meaning);
    }

    /// Takes in what others on this machine have to say; returns whether it has changed.
    pub(super) fn noticed(&mut self) -> bool {
        let mut now = notices::read(&self.notices);
        now.extend(token::notice(self.monitor.expires, self.clock.now().wall));
        now.extend(self.outbox.notices());
        if now == self.monitor.notices {
            return false;
        }
        let before = std::mem::replace(&mut self.monitor.notices, now);
        log::notices(&before, &self.monitor.notices);
        true
    }

    pub(super) fn view(&self, now: &Moment) -> Status {
        Status {
            program: executable::this().cloned(),
            ..Status::of(&self.monitor, &self.config, now)
        }
    }

    fn write_metrics(&self, view: &Status) {
        let (Some(file), Some(round)) = (&self.config.metrics, self.monitor.uptime.round) else {
            return;
        };
        let text = metrics::text(view, round.wall, self.monitor.expires);
        let path = self.places.runtime.join(file);
        if let Err(error) = files::replace(&path, text.as_bytes(), false) {
            log::once_a_reason("metrics", &error.to_string());
        }
    }

    /// A file that is no longer updated would mislead.
    pub(super) fn remove_metrics(&self) {
        let path = self.config.metrics.as_ref().map(|file| self.places.runtime.join(file));
        if let Some(error) = path.and_then(|path| files::remove(&path).err()) {
            tracing::warn!("{error}");
        }
    }

    fn store(&self, stored: &[StoredIncident]) -> Result<(), FileError> {
        let path = self.places.unreported();
        if stored.is_empty() {
            return files::remove(&path);
        }
        let json = serde_json::to_vec(stored).expect("a stored incident is plain data");
        files::replace(&path, &json, true)
    }

    pub(super) fn restore(&mut self) {
        let path = self.places.unreported();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                return log::once_a_reason("state file", &format!("{}: {error}", path.display()));
            }
        };
        match serde_json::from_slice::<Vec<StoredIncident>>(&bytes) {
            Ok(stored) => {
                self.stored.clone_from(&stored);
                self.monitor = self.monitor.clone().restored(stored, &self.clock.now());
            }
            Err(error) => {
                // Not ours to destroy: a person may want to see it.
                let aside = path.with_extension("unreadable");
                let moved = std::fs::rename(&path, &aside).is_ok();
                tracing::warn!(
                    "{}: {error}; incidents in it are lost to us{}",
                    path.display(),
                    if moved { ", the file is kept as unreported.unreadable" } else { "" },
                );
            }
        }
    }
}

/// Writes what `status` shows, to be believed for so long.
pub(super) fn write_status(places: &Places, mut view: Status, good_for: Duration) {
    view.pid = Some(std::process::id());
    view.good_until = clock::boot().map(|boot| (boot + good_for).as_secs_f64().round());
    let mut json = serde_json::to_vec_pretty(&view).expect("a view is plain data");
    json.push(b'\n');
    if let Err(error) = files::replace(&places.status(), &json, false) {
        log::once_a_reason("status file", &error.to_string());
    }
}

/// The orderly end: the lamps are dark, and the status file is removed.
pub(super) fn leave(panel: Panel, manager: &mut Manager, places: &Places) {
    log::stopping();
    manager.stopping();
    if let Err(error) = panel.stop() {
        tracing::warn!("{error}");
    }
    if let Err(error) = files::remove(&places.status()) {
        tracing::warn!("{error}");
    }
}
