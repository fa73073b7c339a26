//! `pilotlight lamps`: walks the panel through its states and says what each means, or makes it dark.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{Failed, block_on, colour, load};
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
    // Without a configuration this is how one learns what the lights mean: draw them here.
    let panel = path.exists().then(|| load(path)).transpose()?;
    let panel = panel.map(|config| config.panel);
    let (mut driver, own) = match panel {
        None => (screen(), Vec::new()),
        Some(panel) if panel.driver == Choice::None => {
            return Err(Failed::Other(
                "panel.driver is \"none\": there are no lamps to walk through; set it to \"terminal\" to \
                 draw them here"
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
        // Killed in the middle of a face, the lamps would stay as they are.
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

/// Makes every lamp dark, after whatever death of the daemon.
pub(super) fn dark(path: &Path) -> Result<u8, Failed> {
    let (panel, problems) = Config::lamps(path);
    if problems.is_some() {
        let pins = [panel.green, panel.amber, panel.red];
        let pins = pins.iter().chain(&panel.own).map(u8::to_string);
        say(&format!(
            "{} has problems, which `pilotlight config` shows; dark as far as it can be read, else by default: GPIO {}",
            path.display(),
            pins.collect::<Vec<_>>().join(", ")
        ));
    }
    if panel.driver == Choice::Terminal {
        return Ok(0); // what was drawn there is no lamp, and this may be another terminal
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

/// Who draws what this configuration asks for.
pub(super) fn choose(panel: &Panel) -> Result<Chosen, LampError> {
    match panel.driver {
        Choice::Terminal => Ok(screen().into()),
        _ => Chosen::open(panel),
    }
}

/// Who draws, and why others do not.
pub(super) fn log(chosen: &Chosen) {
    for why in &chosen.passed_over {
        tracing::warn!("{why}");
    }
    match chosen.driver.name() {
        "none" if chosen.passed_over.is_empty() => {}
        "none" => tracing::warn!(
            "nobody draws the panel; if that is meant, panel.driver = \"none\" says so"
        ),
        name => tracing::info!("{name} draws the panel"),
    }
}

fn screen() -> Box<dyn Driver + Send> {
    Box::new(Terminal::stdout(colour(&io::stdout())))
}

fn say(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "pilotlight: {text}");
}
