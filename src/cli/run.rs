//! `pilotlight run`: the daemon.

use std::io;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::common::{Failed, Paths, block_on, colour, load};
use crate::cli::lamps;
use crate::config::Config;
use crate::daemon::{Order, Parts, run as watch, unconfigured};
use crate::io::clock::Clock;
use crate::io::dns::socket::Net;
use crate::io::gpio::driver::Nothing;
use crate::io::gpio::open::Chosen;
use crate::io::gpio::panel::Panel;
use crate::io::system::files;
use crate::io::system::files::Places;
use crate::io::system::log;
use crate::io::system::systemd::Manager;
use crate::io::system::token;

pub(super) fn run(paths: &Paths, wait_for_config: bool, notices: &Path) -> Result<u8, Failed> {
    // Missing is one thing; one that cannot be read, or has problems, is for a person.
    let missing = wait_for_config && paths.config.try_exists().is_ok_and(|exists| !exists);
    let config = if missing { None } else { Some(load(&paths.config)?) };
    let panel = config.as_ref().map_or_else(|| Config::lamps(&paths.config).0, |c| c.panel.clone());
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let places = Places::find(paths.runtime_dir.clone(), paths.state_dir.clone(), env);
    let _lock = files::lock(&places).map_err(|error| Failed::Other(error.to_string()))?;
    let chosen = lamps::choose(&panel).unwrap_or_else(|why| Chosen {
        driver: Box::new(Nothing), // a watchman without lamps still writes issues
        passed_over: vec![why],
    });
    block_on(async {
        let clock = Clock::system();
        log::start(clock, colour(&io::stderr()));
        lamps::log(&chosen);
        let panel = Panel::spawn(chosen.driver);
        let (order, orders) = mpsc::channel(4);
        for (kind, meaning) in [
            (SignalKind::terminate(), Order::Stop),
            (SignalKind::interrupt(), Order::Stop),
            (SignalKind::hangup(), Order::Reload),
        ] {
            let mut signal = signal(kind)?;
            let order = order.clone();
            tokio::spawn(async move {
                while signal.recv().await.is_some() && order.send(meaning).await.is_ok() {}
            });
        }
        drop(order);
        let parts = Parts {
            network: Net::default(),
            clock,
            panel,
            manager: Manager::from_env(),
            places,
            notices: notices.to_owned(),
            token: token::read,
            config: paths.config.clone(),
            orders,
        };
        match config {
            Some(config) => watch(config, parts).await,
            None => unconfigured(parts).await,
        }
        Ok(0)
    })?
}
