//! Updates: a binary that somebody copied onto the board is taken out of reach, looked at, tried in the
//! service, and then kept or undone, without anybody's help. (`pilotlight update`; only our own image runs
//! it, and always with the binary that came with the card, never with one that is to be tried.)
//!
//! | place | what | outlives the power |
//! |---|---|---|
//! | `UPLOADS` | where a file is copied to; one named `rollback` asks for the version before | no |
//! | `UPLOADS/../.update` | where nobody else can reach it any more | no |
//! | `STORE/HASH` | binaries, named by their content: current, previous, and the one being tried | yes |
//! | `STORE/state.json` | which is which, and what became of the last update ([`mod@kept`]) | yes |
//! | `RUN/pilotlight-update/current` | leads to what the service starts | no |
//! | `RUN/pilotlight-notices/update` | why the last one was rejected, for the panel | no |
//!
//! What a trial changes is gone with the power, and `state.json` changes by one rename when it is over: after
//! any cut the board starts with a binary that was accepted before, or with the card's own.

mod elf;
pub mod kept;
pub mod systemd;
pub mod trial;
mod upload;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{info, warn};

use crate::decide::time::Moment;
use crate::io::system::disk::Disk;
use crate::io::system::executable::sha256;
use kept::{Binary, Kept, Outcome};
use trial::{Patience, Seen, Trial};

/// The upload that is none.
pub const ROLLBACK: &str = "rollback";

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where files are copied to.
    pub uploads: PathBuf,
    /// Where binaries are kept.
    pub store: PathBuf,
    /// What is gone with the power.
    pub run: PathBuf,
    /// The binary that came with the card.
    pub factory: PathBuf,
}

impl Places {
    fn state(&self) -> PathBuf {
        self.store.join("state.json")
    }

    fn current(&self) -> PathBuf {
        self.run.join("pilotlight-update/current")
    }

    fn notice(&self) -> PathBuf {
        self.run.join("pilotlight-notices/update")
    }

    /// The file of a binary.
    fn file(&self, binary: Option<&Binary>) -> PathBuf {
        binary.map_or_else(|| self.factory.clone(), |binary| self.store.join(&binary.hash))
    }
}

/// What is kept there. A file that cannot be read is as none: the card's own binary is always there.
#[must_use]
pub fn kept(places: &Places) -> Kept {
    let kept = fs::read(places.state()).ok();
    kept.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

/// The machine around it, and time.
pub trait Board {
    /// Runs a stored binary as nobody in particular: the version that it says it is, or why it is no use.
    fn try_out(&mut self, hash: &str) -> Result<String, String>;
    /// Has the service started again, and does not wait for it.
    fn restart(&mut self) -> Result<(), String>;
    /// Looks at the service.
    fn look(&mut self) -> Seen;
    /// Lets some time pass.
    fn pause(&mut self);
    /// Now.
    fn now(&self) -> Moment;
}

/// Somebody at work on updates; there may be one at a time.
pub struct Updates<'a, B> {
    places: &'a Places,
    disk: Disk,
    board: &'a mut B,
    patience: Patience,
    /// The binary that came with the card.
    factory: Binary,
    kept: Kept,
}

impl<'a, B: Board> Updates<'a, B> {
    /// Begins with what is kept.
    pub fn new(
        places: &'a Places,
        disk: Disk,
        board: &'a mut B,
        patience: Patience,
        factory: Binary,
    ) -> Self {
        Self { places, disk, board, patience, factory, kept: kept(places) }
    }

    /// Makes everything as it is when nobody is at work: at each start, and after whatever ended an update.
    ///
    /// # Errors
    /// When that cannot be written. What the service starts is seen to first.
    pub fn settle(&mut self) -> io::Result<()> {
        let (now, places) = (self.board.now().wall, self.places);
        let whole = |binary: &Binary| intact(places, binary);
        let settled = self.kept.clone().settled(now, whole);
        let news = settled != self.kept;
        self.kept = settled;
        let before = fs::read_link(places.current()).ok();
        let current = places.file(self.kept.current.as_ref());
        if before.as_ref() != Some(&current) {
            self.point(&current)?;
        }
        if before.is_some_and(|before| news || before != current) {
            // The board is up, and who knows what was started last. (When it starts there is no link yet.)
            self.board.restart().map_err(io::Error::other)?;
        }
        if news {
            self.tell()?;
            self.write()?;
        }
        self.sweep()
    }

    /// Takes in all that was copied here, one file after the other.
    ///
    /// # Errors
    /// When something cannot be written; what the service starts has been seen to.
    pub fn take_in(&mut self) -> io::Result<()> {
        self.settle()?;
        self.board.pause(); // a file that just came is still being written
        while let Some((name, file)) = self.next_upload()? {
            let rollback = name == ROLLBACK;
            let done = if rollback { self.roll_back() } else { self.upload(&name, &file) };
            if let Err(why) = done {
                let last = self.kept.last.as_ref();
                let trying = last.filter(|last| last.outcome == Outcome::Trying);
                let what = trying.map_or(name, |last| last.what.clone());
                self.kept = self.kept.clone().rejected(what, why, self.board.now().wall);
                self.tell()?; // first: there may be no room to write
                self.write()?;
            }
            self.remove_upload(&file)?;
            self.sweep()?;
        }
        Ok(())
    }

    /// The binary in use.
    fn in_use(&self) -> &Binary {
        self.kept.current.as_ref().unwrap_or(&self.factory)
    }

    /// Keeps what was copied, unless it is in use already, and tries it.
    fn upload(&mut self, name: &str, file: &Path) -> Result<(), String> {
        let bytes = upload::arrived(file, self.board)?;
        let hash = sha256(&bytes);
        let in_use = self.in_use();
        if hash == in_use.hash {
            info!("{name}: {in_use} is in use already: nothing to do");
            return Ok(());
        }
        info!("{name}: {} bytes have come", bytes.len());
        self.begin(name.to_owned()).map_err(|error| error.to_string())?;
        let put = self.disk.put(&self.places.store.join(&hash), Some(&bytes), Some(0o755));
        put.map_err(|error| format!("it cannot be kept: {error}"))?;
        drop(bytes);
        let version = self.board.try_out(&hash)?;
        let candidate = Binary { version, hash, since: self.board.now().wall };
        let in_use = self.in_use();
        let older = if older(&candidate.version, &in_use.version) { ", a downgrade" } else { "" };
        info!("{name}: it is {candidate}{older}, and runs here; it takes the place of {in_use}");
        let what = candidate.to_string();
        self.trial(Some(candidate), what)
    }

    /// Goes back to the version before; done twice, that is the one from which it was gone back.
    fn roll_back(&mut self) -> Result<(), String> {
        let mut binary = self.kept.previous.clone();
        if self.kept.current.is_none() && binary.is_none() {
            return Err(format!("{} came with the card: there is none before it", self.factory));
        }
        if let Some(binary) = &mut binary {
            if !intact(self.places, binary) {
                return Err(format!("the file of {binary} is damaged; copy it here again"));
            }
            binary.since = self.board.now().wall;
        }
        let what = binary.as_ref().unwrap_or(&self.factory).to_string();
        info!("{ROLLBACK}: back from {} to {what}", self.in_use());
        self.trial(binary, what)
    }

    /// Has the service started with it; unless that goes well, again with the one in use.
    fn trial(&mut self, candidate: Option<Binary>, what: String) -> Result<(), String> {
        self.begin(what.clone()).map_err(|error| error.to_string())?;
        let mut tried = self.serve(candidate.as_ref(), self.patience);
        if tried.is_ok() {
            let now = self.board.now().wall;
            let accepted = self.kept.clone().accepted(candidate, what.clone(), now);
            let before = std::mem::replace(&mut self.kept, accepted);
            tried = self.write().map_err(|error| {
                self.kept = before;
                format!("it is well, but that cannot be kept: {error}")
            });
        }
        let Err(why) = tried else {
            info!("{what}: accepted");
            // A notice that stays is no reason to undo what was accepted.
            return self.disk.remove(&self.places.notice()).or_else(|error| {
                warn!("{error}");
                Ok(())
            });
        };
        self.kept = self.kept.clone().rejected(what, why, self.board.now().wall);
        self.tell().map_err(|error| error.to_string())?; // first, so that the panel says so at once
        let current = self.kept.current.clone();
        match self.serve(current.as_ref(), Patience { proof: Duration::ZERO, ..self.patience }) {
            Ok(()) => info!("{} watches again", self.in_use()),
            Err(why) => warn!("{}: {why}", self.in_use()),
        }
        self.write().map_err(|error| error.to_string())
    }

    /// Has the service started with this binary, and watches it until it is good or not.
    fn serve(&mut self, binary: Option<&Binary>, patience: Patience) -> Result<(), String> {
        let hash = binary.unwrap_or(&self.factory).hash.clone();
        let before = self.board.look().run;
        self.point(&self.places.file(binary)).map_err(|error| error.to_string())?;
        self.board.restart()?;
        let until = self.board.now().uptime + patience.ready;
        let mut trial = Trial::Asked { before, until };
        loop {
            let seen = self.board.look();
            trial = trial.after(&seen, &hash, patience, self.board.now().uptime);
            match trial {
                Trial::Accepted => return Ok(()),
                Trial::Rejected(why) => return Err(why),
                _ => self.board.pause(),
            }
        }
    }

    fn begin(&mut self, what: String) -> io::Result<()> {
        self.kept = self.kept.clone().trying(what, self.board.now().wall);
        self.write()
    }

    fn point(&mut self, file: &Path) -> io::Result<()> {
        let link = self.places.current();
        self.disk.folder(link.parent().unwrap_or(&self.places.run), 0o755)?;
        self.disk.point(&link, &file.to_string_lossy())
    }

    fn write(&mut self) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(&self.kept).expect("what is kept is plain data");
        self.disk.put(&self.places.state(), Some(&json), Some(0o644)).map(drop)
    }

    /// Says why the last one was rejected: in the journal, in `status`, and on the panel.
    fn tell(&mut self) -> io::Result<()> {
        let Some((what, why)) = self.kept.rejection() else { return Ok(()) };
        warn!("{what}: rejected: {why}");
        let text = format!("{what} was rejected: {why}\n{} is in use\n", self.in_use());
        let notice = self.places.notice();
        self.disk.folder(notice.parent().unwrap_or(&self.places.run), 0o755)?;
        self.disk.put(&notice, Some(text.as_bytes()), Some(0o644)).map(drop)
    }

    /// Removes what is neither the current binary nor the previous one.
    fn sweep(&mut self) -> io::Result<()> {
        let binaries = [&self.kept.current, &self.kept.previous];
        let wanted: Vec<PathBuf> =
            binaries.into_iter().flatten().map(|binary| self.places.file(Some(binary))).collect();
        for entry in fs::read_dir(&self.places.store)? {
            let path = entry?.path();
            if path != self.places.state() && !wanted.contains(&path) {
                self.disk.remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Whether the file of a binary has the content that its name says.
fn intact(places: &Places, binary: &Binary) -> bool {
    fs::read(places.file(Some(binary))).is_ok_and(|bytes| sha256(&bytes) == binary.hash)
}

/// Whether a version is older than another, as far as their numbers tell.
fn older(version: &str, than: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(['.', '-', '+']).take(3).map(|n| n.parse().unwrap_or(0)).collect()
    };
    numbers(version) < numbers(than)
}

#[cfg(test)]
mod tests;
