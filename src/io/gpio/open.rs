//! The board's lamps: who can light them, and why others cannot.

use crate::config::{Driver as Choice, Panel as Wiring};
use crate::io::gpio::driver::{Driver, LampError, Nothing};
use crate::io::gpio::gpiochip::Gpiochip;
use crate::io::gpio::rppal::Rppal;

/// Who lights the lamps, and why nobody who was asked before does.
pub struct Chosen {
    pub driver: Box<dyn Driver + Send>,
    /// Drivers that do not work, in the order of the attempts.
    pub passed_over: Vec<LampError>,
}

impl From<Box<dyn Driver + Send>> for Chosen {
    /// Nobody else was asked.
    fn from(driver: Box<dyn Driver + Send>) -> Self {
        Self { driver, passed_over: Vec::new() }
    }
}

impl Chosen {
    /// Takes the pins of this configuration and makes its lamps dark. `auto` asks rppal, then gpiochip,
    /// and is content with [`Nothing`]; on [`Choice::Terminal`] a board has nothing to light either.
    ///
    /// # Errors
    ///
    /// The one driver that the configuration names cannot work.
    pub fn open(wiring: &Wiring) -> Result<Self, LampError> {
        type Open = fn(&Wiring) -> Result<Box<dyn Driver + Send>, LampError>;
        let rppal: Open = |wiring| Ok(Box::new(Rppal::open(wiring)?));
        let gpiochip: Open = |wiring| Ok(Box::new(Gpiochip::open(wiring)?));
        let asked = match wiring.driver {
            Choice::Rppal => return rppal(wiring).map(Self::from),
            Choice::Gpiochip => return gpiochip(wiring).map(Self::from),
            Choice::Auto => vec![rppal, gpiochip],
            Choice::Terminal | Choice::None => Vec::new(),
        };
        let mut passed_over = Vec::new();
        for open in asked {
            match open(wiring) {
                Ok(driver) => {
                    return Ok(Self { driver, passed_over });
                }
                Err(why) => passed_over.push(why),
            }
        }
        let driver = Box::new(Nothing);
        Ok(Self { driver, passed_over })
    }
}
