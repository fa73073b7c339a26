//! `pilotlight lamps`: shows and names every state of the panel, or switches all lamps off.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::common::{Failed, block_on, colour, load};
use crate::config::{Config, Driver as Choice, Panel};
use crate::io::gpio::driver::{Driver, LampError};
use crate::io::gpio::lamp_test;
use crate::io::gpio::open::Chosen;
use crate::io::gpio::terminal::Terminal;

impl From<LampError> for Failed {
    fn from(error: LampError) -> Self {
        Self::Other(error.to_string())
    }
}

pub(super) fn lamps(path: &Path, seconds: u64) -> Result<u8, Failed> {
    // Without a configuration the lamps are drawn on the screen, so that a newcomer can learn them.
    let panel = path.exists().then(|| load(path)).transpose()?;
    let panel = panel.map(|config| config.panel);
    let (mut driver, own) = match panel {
        None => (screen(), Vec::new()),
        Some(panel) if panel.driver == Choice::None => {
            return Err(Failed::Other(
                "panel.driver is \"none\", so there are no lamps; set it to \"terminal\" to draw them on the \
                 screen"
                    .to_owned(),
            ));
        }
        Some(panel) => {
            let chosen = choose(&panel)?;
            for why in &chosen.passed_over {
                say(&why.to_string());
            }
            match (panel.driver, chosen.driver.name()) {
                (Choice::Auto, "none") => (screen(), panel.own),
                _ => (chosen.driver, panel.own),
            }
        }
    };
    let each = Duration::from_secs(seconds.clamp(1, 600));
    let stop = Arc::new(AtomicBool::new(false));
    block_on(async {
        // A signal must end with dark lamps: a killed process leaves them as they are.
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let (mut signal, stop) = (signal(kind)?, Arc::clone(&stop));
            tokio::spawn(async move {
                signal.recv().await;
                stop.store(true, Ordering::Relaxed);
            });
        }
        let walking = tokio::task::spawn_blocking(move || {
            let mut sleep = |time| std::thread::sleep(time);
            let out = &mut io::stdout();
            lamp_test::lamp_test(out, driver.as_mut(), &own, each, &stop, &mut sleep)
        });
        walking.await.map_err(io::Error::other)??;
        Ok(0)
    })?
}

/// Switches every lamp off. systemd runs this after the daemon ended in any way.
pub(super) fn dark(path: &Path) -> Result<u8, Failed> {
    let (panel, problems) = Config::lamps(path);
    if problems.is_some() {
        let pins = [panel.green, panel.amber, panel.red];
        let pins = pins.iter().chain(&panel.own).map(u8::to_string);
        say(&format!(
            "{} has problems (`pilotlight config` lists them); switching off GPIO {}",
            path.display(),
            pins.collect::<Vec<_>>().join(", ")
        ));
    }
    if panel.driver == Choice::Terminal {
        return Ok(0); // there are no lamps to switch off
    }
    let mut chosen = choose(&panel)?;
    if chosen.driver.name() == "none" {
        for why in &chosen.passed_over {
            say(&why.to_string());
        }
    }
    chosen.driver.dark()?;
    Ok(0)
}

/// Opens the driver that the configuration asks for.
pub(super) fn choose(panel: &Panel) -> Result<Chosen, LampError> {
    match panel.driver {
        Choice::Terminal => Ok(screen().into()),
        _ => Chosen::open(panel),
    }
}

/// Logs the driver in use, and why others were passed over.
pub(super) fn log(chosen: &Chosen) {
    for why in &chosen.passed_over {
        tracing::warn!("{why}");
    }
    match chosen.driver.name() {
        "none" if chosen.passed_over.is_empty() => {}
        "none" => tracing::warn!(
            "no driver draws the panel; if there are no lamps, set panel.driver = \"none\""
        ),
        name => tracing::info!("{name} draws the panel"),
    }
}

fn screen() -> Box<dyn Driver + Send> {
    Box::new(Terminal::stdout(colour(&io::stdout())))
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "pilotlight: {text}");
}
