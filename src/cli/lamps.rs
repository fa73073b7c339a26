//! `pilotlight lamps`: walks the panel through its states and says what each means.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Failed, colour, load};
use crate::config::{Driver as Choice, Panel};
use crate::io::leds::{Driver, Nothing, Terminal, walk};

pub(super) fn lamps(path: &Path, seconds: u64) -> Result<u8, Failed> {
    // Without a configuration this is how one learns what the lights mean: draw them here.
    let (choice, own) = if path.exists() {
        let panel = load(path)?.panel;
        (panel.driver, panel.own)
    } else {
        (Choice::Terminal, Vec::new())
    };
    let mut driver: Box<dyn Driver + Send> = match choice {
        Choice::Auto | Choice::Rppal | Choice::Gpiochip | Choice::Terminal => {
            Box::new(Terminal::stdout(colour(&io::stdout())))
        }
        Choice::None => {
            return Err(Failed::Other(
                "panel.driver is \"none\": there are no lamps to walk through; set it to \"terminal\" to \
                 draw them here"
                    .to_owned(),
            ));
        }
    };
    let each = Duration::from_secs(seconds.clamp(1, 600));
    let mut sleep = |time| std::thread::sleep(time);
    let stop = AtomicBool::new(false);
    walk(
        &mut io::stdout(),
        driver.as_mut(),
        &own,
        each,
        &stop,
        &mut sleep,
    )
    .map_err(|error| Failed::Other(error.to_string()))?;
    Ok(0)
}

/// The driver that the daemon draws with.
pub(super) fn driver(panel: &Panel) -> Box<dyn Driver + Send> {
    match panel.driver {
        Choice::Terminal => Box::new(Terminal::stdout(colour(&io::stdout()))),
        Choice::Auto | Choice::Rppal | Choice::Gpiochip | Choice::None => Box::new(Nothing),
    }
}
