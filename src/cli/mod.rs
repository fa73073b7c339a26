//! What a person types, and the exit codes that scripts rely on.
//!
//! | code | means |
//! |---|---|
//! | 0 | well, or done |
//! | 1 | degraded; or the command failed |
//! | 2 | down (`check`, `status`); or the command line is wrong |
//! | 3 | unknown: our own uplink is broken, or no daemon is running |
//! | 78 | the configuration, or what `--nameserver` adds to it, has problems (`EX_CONFIG` of sysexits) |

mod check;
mod config;
mod init;
mod lamps;
mod provision;
mod report;
mod run;
mod status;
mod table;
mod update;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Problems};
use crate::io::runtime;

/// A watchman for your own authoritative nameservers.
#[derive(Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Args {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/pilotlight/pilotlight.toml"
    )]
    config: PathBuf,
    /// Where the daemon keeps its status file [default: $RUNTIME_DIRECTORY, /run/pilotlight]
    #[arg(long, global = true, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
    /// Where the daemon keeps what it could not report yet [default: $STATE_DIRECTORY, /var/lib/pilotlight]
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch, until stopped
    Run {
        /// While there is no configuration at all, show that on the panel instead of failing
        #[arg(long)]
        wait_for_config: bool,
        /// Where others on this machine leave notices for a person, a file each
        #[arg(long, value_name = "DIR", default_value = "/run/pilotlight-notices")]
        notices: PathBuf,
    },
    /// Ask everything once, now; exits 0 well, 1 degraded, 2 down, 3 unknown
    Check {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        /// Ask this nameserver only, as if the configuration had it; may be repeated
        #[arg(long, value_name = "NAME=ADDRESS")]
        nameserver: Vec<String>,
    },
    /// Show what the running daemon sees; exits as check does
    Status {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration: every problem, or what will be asked
    Config {
        /// Print a commented example instead
        #[arg(long)]
        example: bool,
    },
    /// Write a configuration from what the DNS says today; on standard error, what is wrong with that
    Init(init::Options),
    /// Prove the way to GitHub: token, repository, permission
    Report {
        /// Open a test issue, comment on it and close it
        #[arg(long)]
        test: bool,
        /// Print a GitHub Actions workflow that tells when no sign of life comes any more
        #[arg(long, conflicts_with = "test")]
        workflow: bool,
    },
    /// Walk the panel through its states
    Lamps {
        /// How long to show each state
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        seconds: u64,
        /// Only make every lamp dark, whatever was lit before and even if the configuration is broken
        #[arg(long, conflicts_with = "seconds")]
        dark: bool,
    },
    /// Take in what is on the card's boot partition (for our own image, at each start)
    Provision(provision::Folders),
    /// Take in a binary that was copied onto the board (for our own image)
    Update(update::Update),
}

/// Why a command ended without doing what it was asked for.
#[derive(Debug)]
enum Failed {
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

/// Runs the command on the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        Command::Run { wait_for_config, notices } => run::run(&args, *wait_for_config, notices),
        Command::Check { json, nameserver } => check::check(&args.config, *json, nameserver),
        Command::Status { json } => status::status(&args, *json),
        Command::Config { example } => config::config(&args.config, *example),
        Command::Init(options) => init::init(options),
        Command::Report { test, workflow } => report::report(&args.config, *test, *workflow),
        Command::Provision(folders) => provision::provision(folders),
        Command::Update(options) => update::update(&args, options),
        Command::Lamps { dark: true, .. } => lamps::dark(&args.config),
        Command::Lamps { seconds, .. } => lamps::lamps(&args.config, *seconds),
    };
    let failed = match done {
        Ok(code) => return ExitCode::from(code),
        Err(failed) => failed,
    };
    let code = match &failed {
        Failed::Config(_) => 78,
        Failed::Other(_) => 1,
    };
    // A reader that went away (`| head`) is no failure of ours; nobody is left to tell about one.
    let _ = writeln!(io::stderr(), "pilotlight: {failed}");
    ExitCode::from(code)
}

fn load(path: &Path) -> Result<Config, Failed> {
    Ok(Config::load(path)?)
}

/// Where colours are wanted: on a terminal, unless <https://no-color.org> is asked for.
fn colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Runs the future to its end.
///
/// A thread may still wait for GitHub or for the system's resolver then. It is safe to cut off (the next start
/// finds out what became of a call to GitHub), and the command does not wait for it.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failed> {
    let runtime = runtime::builder().build();
    let runtime = runtime
        .map_err(|error| Failed::Other(format!("the async runtime does not start: {error}")))?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}
