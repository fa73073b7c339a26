//! `pilotlight update`: installs a binary that was copied to the board. Only our own image runs it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as Arguments;

use crate::cli::common::{Failed, colour, only_on_our_image};
use crate::config::Config;
use crate::decide::probe::query::targets;
use crate::decide::time::wall_text;
use crate::io::clock::Clock;
use crate::io::dns::limits::ProbeLimits;
use crate::io::system::disk::Disk;
use crate::io::system::{executable, log};
use crate::update::paths::UpdatePaths;
use crate::update::probation::TimeLimits;
use crate::update::state::{Binary, Outcome};
use crate::update::systemd::Systemd;
use crate::update::updater::{ROLLBACK, Updater};

/// A slow board needs this to start, besides its first round.
const START: Duration = Duration::from_secs(30);

/// The longest first round if the configuration cannot be read.
const ROUND: Duration = Duration::from_secs(120);

#[derive(Arguments)]
pub(super) struct Update {
    /// Show the version in use, the version before, and the result of the last update
    #[arg(long, group = "what")]
    status: bool,
    /// Go back to the version before; a second rollback undoes the first
    #[arg(long, group = "what")]
    rollback: bool,
    /// Install the copied binary (the default)
    #[arg(long, group = "what")]
    take: bool,
    /// Only undo an interrupted update, as at each start of the board
    #[arg(long, group = "what")]
    boot: bool,
    /// The longest first round of a new binary [default: computed from the configuration]
    #[arg(long, value_name = "SECONDS")]
    ready: Option<u64>,
    /// The probation after that; longer than systemd's watchdog timeout
    #[arg(long, value_name = "SECONDS", default_value_t = 75)]
    proof: u64,
    /// The folder for uploads [default: /home/pilotlight/update]
    #[arg(long, value_name = "DIR")]
    uploads: Option<PathBuf>,
    /// The folder of installed binaries [default: /data/update]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// A folder in memory [default: /run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

pub(super) fn update(config: &Path, options: &Update) -> Result<u8, Failed> {
    let folders = [&options.uploads, &options.store, &options.run].map(Option::as_deref);
    only_on_our_image(
        "update",
        folders,
        "install a new version in the way this one was installed",
    )?;
    let defaults = ["/home/pilotlight/update", "/data/update", "/run"];
    let folder = |i: usize| folders[i].unwrap_or(defaults[i].as_ref()).to_owned();
    let (uploads, store, run) = (folder(0), folder(1), folder(2));
    let factory = std::env::current_exe()?;
    let paths = UpdatePaths { uploads, store, run, factory };
    if options.status {
        return status(&paths).map(|()| 0).map_err(Failed::from);
    }
    if options.rollback {
        // Every user who may copy an update may request a rollback.
        let request = paths.uploads.join(ROLLBACK);
        File::create(&request)
            .map_err(|error| Failed::Other(format!("{}: {error}", request.display())))?;
        writeln!(io::stdout(), "rollback requested; follow it with `journalctl -t pilotlight -f`")?;
        return Ok(0);
    }
    log::start(Clock::system(), colour(&io::stderr()));
    let lock = paths.run.join("pilotlight-update");
    fs::create_dir_all(&lock)?;
    let lock = File::create(lock.join("lock"))?;
    if lock.try_lock().is_err() {
        return Err(Failed::Other("another update is running; wait until it has ended".into()));
    }
    let hash = executable::this().map(|program| program.hash.clone()).unwrap_or_default();
    let factory = Binary { version: env!("CARGO_PKG_VERSION").into(), hash, since: None };
    let mut system = Systemd::new(&paths.run);
    let ready = options.ready.map_or_else(|| first_round(config), Duration::from_secs);
    let limits = TimeLimits { ready, probation: Duration::from_secs(options.proof) };
    let mut updater = Updater::new(&paths, Disk::default(), &mut system, limits, factory);
    let result = if options.boot { updater.recover() } else { updater.install_uploads() };
    result.map(|()| 0).map_err(|error| Failed::Other(error.to_string()))
}

/// How long the first round may take: over servers that are dead, too.
fn first_round(config: &Path) -> Duration {
    let longest = |config: Config| {
        ProbeLimits::at_rate(config.schedule.queries_per_second).longest_round(&targets(&config))
    };
    START + Config::load(config).map_or(ROUND, longest)
}

fn status(paths: &UpdatePaths) -> io::Result<()> {
    let state = paths.load_state();
    let mut out = io::stdout().lock();
    for (what, binary) in [("in use  ", &state.current), ("before  ", &state.previous)] {
        match binary {
            Some(binary) => writeln!(out, "{what}{binary} since {}", wall_text(binary.since))?,
            None => writeln!(out, "{what}the one that came with the card")?,
        }
    }
    if let Some(last) = state.last {
        let outcome = match last.outcome {
            Outcome::Trying => "is being tried".to_owned(),
            Outcome::Accepted => "accepted".to_owned(),
            Outcome::Rejected(why) => format!("rejected: {why}"),
        };
        writeln!(out, "last    {}: {}: {outcome}", wall_text(last.at), last.what)?;
    }
    Ok(())
}
