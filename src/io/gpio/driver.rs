use std::collections::BTreeSet;
use std::fmt;

use crate::config::Panel as Wiring;
use crate::decide::show::panel::{Lamps, PanelView};

/// Something that can light the panel's three lamps, and those that nameservers have of their own.
pub trait Driver {
    /// As in the configuration: `rppal`, `gpiochip`, `terminal`, `none`.
    fn name(&self) -> &str;

    /// Called once before the first frame of a new view. Lamps ignore it; a screen shows its meaning.
    fn announce(&mut self, _view: &PanelView) -> Result<(), LampError> {
        Ok(())
    }

    /// Lights these lamps and no others, until the next call. A lamp that it does not know (a nameserver's,
    /// new in a configuration that was read again) is left out.
    fn show(&mut self, lamps: Lamps) -> Result<(), LampError>;

    /// Leaves the lamps dark. Called at the end of an orderly life and never left to a destructor: none
    /// runs on an abort, and then not this either (`ExecStopPost=` is for that).
    fn dark(&mut self) -> Result<(), LampError> {
        self.show(Lamps::DARK)
    }
}

/// Why the lamps could not be lit. Observe it and go on: a watchman without lamps still writes issues.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("lamps ({driver}): {why}")]
pub struct LampError {
    driver: String,
    why: String,
}

impl LampError {
    pub fn new(driver: &str, why: impl fmt::Display) -> Self {
        Self { driver: driver.to_owned(), why: why.to_string() }
    }
}

/// The driver for a board without lamps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Driver for Nothing {
    fn name(&self) -> &str {
        "none"
    }

    fn show(&mut self, _lamps: Lamps) -> Result<(), LampError> {
        Ok(())
    }
}

/// Every pin that has a lamp, once, even where a broken configuration gives it two.
pub(super) fn pins(wiring: &Wiring) -> BTreeSet<u8> {
    lit(wiring, Lamps::DARK).map(|(pin, _)| pin).collect()
}

/// Every lamp's pin, and whether it is lit: all of them each time, whatever was lit before.
pub(super) fn lit(wiring: &Wiring, lamps: Lamps) -> impl Iterator<Item = (u8, bool)> {
    let panel = [(wiring.green, lamps.green), (wiring.amber, lamps.amber), (wiring.red, lamps.red)];
    let own = wiring.own.iter().map(move |&pin| (pin, lamps.subjects.has(pin)));
    panel.into_iter().chain(own)
}

/// What a device that may not be opened asks of a person.
pub(super) fn denied(device: &str) -> String {
    format!(
        "{device}: permission denied; add this user to the group gpio, to which the device should belong \
         (`sudo usermod -aG gpio USER`; in a unit SupplementaryGroups= and DeviceAllow=)"
    )
}
