//! What several commands share: their options for paths, their failures, and how they run a future.

use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{Config, Problems};
use crate::io::runtime;

/// The options that every command takes.
#[derive(Args)]
pub(super) struct Paths {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/pilotlight/pilotlight.toml"
    )]
    pub(super) config: PathBuf,
    /// The folder of the daemon's status file [default: $RUNTIME_DIRECTORY, /run/pilotlight]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) runtime_dir: Option<PathBuf>,
    /// The folder for incidents that are not reported yet [default: $STATE_DIRECTORY, /var/lib/pilotlight]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
}

/// Why a command ended without doing what it was asked for.
#[derive(Debug)]
pub(super) enum Failed {
    /// The configuration has problems.
    Config(Problems),
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => problems.fmt(f),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl From<Problems> for Failed {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

pub(super) fn load(path: &Path) -> Result<Config, Failed> {
    Ok(Config::load(path)?)
}

/// Colours are used on a terminal, unless NO_COLOR is set (<https://no-color.org>).
pub(super) fn colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Runs the future to its end.
///
/// A thread may still wait for GitHub or for the system's resolver then. It is safe to cut off (the next start
/// finds out what became of a call to GitHub), and the command does not wait for it.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failed> {
    let runtime = runtime::builder().build();
    let runtime = runtime
        .map_err(|error| Failed::Other(format!("the async runtime does not start: {error}")))?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}
