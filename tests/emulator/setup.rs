//! What the story has in its hands: the card, the board of the moment, the way in, and the world outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pilotlight::decide::show::panel::{PanelState, PanelView};
use serde_json::Value;

use super::card::Card;
use super::machine::Machine;
use super::report::{Outcome, Report, seconds};
use super::ssh::{Key, Ssh};
use super::world::{TOKEN, World};

/// A boot takes a minute and a half on two slow cores that do nothing else.
pub const BOOT: Duration = Duration::from_secs(420);

/// How often QEMU may lose the network adapter in one boot.
const ADAPTERS: usize = 3;

/// What the daemon notices within a few rounds, and a busy machine shows late.
pub const ROUNDS: Duration = Duration::from_secs(120);

/// From try to try, where the guest is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// How many lines of each log are shown when something has failed.
const LINES: usize = 40;

/// All of it.
pub struct Setup {
    pub report: Report,
    pub card: Card,
    pub world: World,
    pub key: Key,
    pub dir: PathBuf,
    /// The last board, on or off.
    pub machine: Option<Machine>,
    boots: usize,
}

impl Setup {
    /// Flashes the card, and puts a person's files on it.
    pub fn new(image: &Path, dir: &Path) -> Self {
        let mut report = Report::new(&dir.join("report.txt"));
        report.say(&format!("the card is written from {}", image.display()));
        let card = Card::from_image(image, dir);
        let (world, key) = (World::start(dir), Key::new(dir));
        card.put("pilotlight.toml", &world.config("the first"));
        card.put("ca.pem", &world.ca);
        card.put("github-token", TOKEN);
        card.put("authorized_keys", &key.public());
        card.put("root_keys", &key.public());
        Self { report, card, world, key, dir: dir.to_owned(), machine: None, boots: 0 }
    }

    /// Switches the board on.
    pub fn power_on(&mut self) {
        self.boots += 1;
        let machine = Machine::power_on(&self.card, &self.dir, self.boots);
        self.machine = Some(machine);
    }

    /// The board, which is on.
    pub fn machine(&self) -> &Machine {
        self.machine.as_ref().expect("the power is on")
    }

    /// The way in to it.
    pub fn ssh(&self) -> Ssh {
        self.key.way_in(self.machine().ssh)
    }

    /// What a command says as root.
    pub fn root(&self, script: &str) -> Outcome {
        self.ssh().root(script)
    }

    /// A check that the lamps come to show this, as seen from now on; when that look began.
    pub fn lamps_show(
        &mut self,
        what: &str,
        view: &PanelView,
        bound: Duration,
    ) -> Option<Duration> {
        let from = self.machine().lamps.now();
        self.lamps_show_from(what, view, from, bound)
    }

    /// The same, as seen from another time on.
    pub fn lamps_show_from(
        &mut self,
        what: &str,
        view: &PanelView,
        from: Duration,
        bound: Duration,
    ) -> Option<Duration> {
        let shown = self.machine().lamps.show(view, from, bound);
        let outcome = shown.as_ref().map_err(Clone::clone);
        let outcome = outcome.map(|at| format!("{} after {}", view.meaning(), seconds(*at - from)));
        self.report.check(what, outcome);
        shown.ok()
    }

    /// Waits until the board is up and well, and lets somebody in.
    ///
    /// On a busy machine QEMU's USB bus at times comes up without the network adapter. That is no fault of
    /// the card: the board is switched off and on again, and the report says so.
    pub fn comes_up_well(&mut self, what: &str, view: &PanelView) -> bool {
        for _ in 0..ADAPTERS {
            if !self.lost_its_adapter(view) {
                break;
            }
            self.report.say("QEMU lost the network adapter: the power goes off and on again");
            if let Some(machine) = self.machine.take() {
                machine.pull_the_plug();
            }
            self.power_on();
        }
        let from = Duration::ZERO;
        let well = self.lamps_show_from(&format!("{what}: lamps"), view, from, BOOT).is_some();
        let outcome = again(ROUNDS, || self.root("true"));
        self.report.check(&format!("{what}: ssh"), outcome) && well
    }

    /// Waits until the lamps show this view, or the kernel gives the adapter up. Whether it does.
    fn lost_its_adapter(&self, view: &PanelView) -> bool {
        let outcome = again(BOOT, || {
            let machine = self.machine();
            let lost = machine.serial().contains("usb: Not connected");
            let shown = machine.lamps.show(view, Duration::ZERO, Duration::ZERO);
            if lost { Ok(true) } else { shown.map(|_| false) }
        });
        outcome.unwrap_or(false)
    }

    /// What the daemon says of itself.
    pub fn status(&self) -> Result<Value, String> {
        // Its exit code is the verdict.
        let text = self.root("pilotlight status --json; true")?;
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// Waits until GitHub has been reached with the token that the board has.
    pub fn reports(&self) -> Outcome {
        again(ROUNDS, || {
            let status = self.status()?;
            match status["reporting"].as_str() {
                Some("fine") => Ok(String::new()),
                other => Err(format!("{}, {}", other.unwrap_or("?"), status["reporting_why"])),
            }
        })
    }

    /// Keeps the journal of this boot, and returns it with all fields.
    pub fn journal(&self) -> Outcome {
        let readable = self.root("journalctl -b -o short-monotonic --no-pager")?;
        fs::write(self.dir.join(format!("journal-{}.txt", self.boots)), readable).unwrap();
        self.root("journalctl -b -o export --no-pager | tr -d '\\000'")
    }

    /// Shows the last lines of what was said on the serial port and in the journal.
    pub fn show_logs(&mut self) {
        let Some(machine) = &self.machine else {
            return;
        };
        let journal = self.root(&format!("journalctl -b --no-pager -n {LINES}"));
        let logs = [
            ("the serial port", machine.serial()),
            ("the journal", journal.unwrap_or_else(|why| why)),
        ];
        for (name, text) in logs {
            self.report.say(&format!("the end of {name}:"));
            let lines: Vec<&str> = text.lines().collect();
            for line in &lines[lines.len().saturating_sub(LINES)..] {
                self.report.say(&format!("    {line}"));
            }
        }
    }
}

/// All well, and able to report.
pub fn well() -> PanelView {
    PanelState::Well.into()
}

/// Tries until it succeeds, or time runs out.
///
/// # Errors
/// What went wrong the last time.
pub fn again<T>(
    bound: Duration,
    mut attempt: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(why) if began.elapsed() > bound => {
                return Err(format!("not within {}: {why}", seconds(bound)));
            }
            Err(_) => sleep(AGAIN),
            done => return done,
        }
    }
}
