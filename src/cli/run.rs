//! `pilotlight run`: the daemon.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::common::{Failed, Folders, block_on, colour, load};
use crate::cli::lamps;
use crate::config::Config;
use crate::daemon::{Order, Parts, run as watch, unconfigured};
use crate::io::clock::Clock;
use crate::io::dns::socket::Net;
use crate::io::gpio::driver::Nothing;
use crate::io::gpio::open::Chosen;
use crate::io::gpio::panel::Panel;
use crate::io::system::command;
use crate::io::system::files;
use crate::io::system::log;
use crate::io::system::systemd::Manager;
use crate::io::system::token;

#[derive(Args)]
pub(super) struct Options {
    /// If the configuration file does not exist, show "unconfigured" on the panel and wait for it
    #[arg(long)]
    wait_for_config: bool,
    /// A folder of notices for the user: one text file for each
    #[arg(long, value_name = "DIR", default_value = "/run/pilotlight-notices")]
    notices: PathBuf,
    #[command(flatten)]
    folders: Folders,
}

pub(super) fn run(path: &Path, options: &Options) -> Result<u8, Failed> {
    // Missing is one thing; one that cannot be read, or has problems, is for a person.
    let missing = options.wait_for_config && path.try_exists().is_ok_and(|exists| !exists);
    let config = if missing { None } else { Some(load(path)?) };
    let panel = config.as_ref().map_or_else(|| Config::lamps(path).0, |c| c.panel.clone());
    let places = options.folders.places();
    let _lock = files::lock(&places).map_err(|error| Failed::Other(error.to_string()))?;
    let chosen = lamps::choose(&panel).unwrap_or_else(|why| Chosen {
        driver: Box::new(Nothing), // a watchman without lamps still writes issues
        passed_over: vec![why],
    });
    block_on(async {
        let clock = Clock::system();
        log::start(clock, colour(&io::stderr()));
        if let Err(error) = command::adopt_orphans() {
            tracing::warn!("what on-change leaves behind may go on: {error}");
        }
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
            notices: options.notices.clone(),
            token: token::read,
            config: path.to_owned(),
            orders,
        };
        match config {
            Some(config) => watch(config, parts).await,
            None => unconfigured(parts).await,
        }
        Ok(0)
    })?
}
