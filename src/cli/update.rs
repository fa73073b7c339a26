//! `pilotlight update`: takes in a binary that was copied onto the board. Only our own image runs it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as Arguments;

use super::{Args, Failed, colour};
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

/// What a slow board needs to start, beside its first round.
const START: Duration = Duration::from_secs(30);

/// What a round takes when the configuration does not tell.
const ROUND: Duration = Duration::from_secs(120);

#[derive(Arguments)]
pub(super) struct Update {
    /// Show what is in use, what was before, and what became of the last update
    #[arg(long, group = "what")]
    status: bool,
    /// Go back to the version before; once more, and it is undone
    #[arg(long, group = "what")]
    rollback: bool,
    /// Take in what was copied (as without any option)
    #[arg(long, group = "what")]
    take: bool,
    /// Only undo what is under way, as at each start of the board
    #[arg(long, group = "what")]
    boot: bool,
    /// How long the first round of a new binary may take [default: what the configuration needs]
    #[arg(long, value_name = "SECONDS")]
    ready: Option<u64>,
    /// How long it must live after that: longer than systemd's watchdog waits
    #[arg(long, value_name = "SECONDS", default_value_t = 75)]
    proof: u64,
    /// Where files are copied to
    #[arg(long, value_name = "DIR", default_value = "/home/pilotlight/update")]
    uploads: PathBuf,
    /// Where binaries are kept
    #[arg(long, value_name = "DIR", default_value = "/data/update")]
    store: PathBuf,
    /// What is gone with the power
    #[arg(long, value_name = "DIR", default_value = "/run")]
    run: PathBuf,
}

pub(super) fn update(args: &Args, options: &Update) -> Result<u8, Failed> {
    let Update { uploads, store, run, .. } = options;
    let factory = std::env::current_exe()?;
    let paths =
        UpdatePaths { uploads: uploads.clone(), store: store.clone(), run: run.clone(), factory };
    if options.status {
        return status(&paths).map(|()| 0).map_err(Failed::from);
    }
    if options.rollback {
        // Whoever may copy a file may ask for this.
        File::create(uploads.join(ROLLBACK))
            .map_err(|error| Failed::Other(format!("{}: {error}", uploads.display())))?;
        writeln!(io::stdout(), "asked for; `journalctl -t pilotlight -f` tells what comes of it")?;
        return Ok(0);
    }
    log::start(Clock::system(), colour(&io::stderr()));
    let lock = run.join("pilotlight-update");
    fs::create_dir_all(&lock)?;
    let lock = File::create(lock.join("lock"))?;
    if lock.try_lock().is_err() {
        return Err(Failed::Other("another update is under way; wait until it has ended".into()));
    }
    let hash = executable::this().map(|program| program.hash.clone()).unwrap_or_default();
    let factory = Binary { version: env!("CARGO_PKG_VERSION").into(), hash, since: None };
    let mut system = Systemd::new(run);
    let ready = options.ready.map_or_else(|| first_round(args), Duration::from_secs);
    let limits = TimeLimits { ready, probation: Duration::from_secs(options.proof) };
    let mut updater = Updater::new(&paths, Disk::default(), &mut system, limits, factory);
    let result = if options.boot { updater.recover() } else { updater.install_uploads() };
    result.map(|()| 0).map_err(|error| Failed::Other(error.to_string()))
}

/// How long the first round may take: over servers that are dead, too.
fn first_round(args: &Args) -> Duration {
    let longest = |config: Config| {
        ProbeLimits::at_rate(config.schedule.queries_per_second).longest_round(&targets(&config))
    };
    START + Config::load(&args.config).map_or(ROUND, longest)
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
