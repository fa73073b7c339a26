//! The commands, and the exit codes that scripts rely on.
//!
//! | code | means |
//! |---|---|
//! | 0 | well, or the command is done |
//! | 1 | degraded, or the command failed |
//! | 2 | down (`check`, `status`), or the command line is wrong |
//! | 3 | unknown: the uplink is down, or no daemon is running |
//! | 78 | the configuration has problems, `--nameserver` included (`EX_CONFIG` of sysexits) |

mod check;
mod common;
mod config;
mod init;
mod lamps;
mod provision;
mod report;
mod run;
mod status;
mod table;
mod update;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use common::{Failed, Paths};

/// Watches your own authoritative nameservers.
#[derive(Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Args {
    #[command(flatten)]
    paths: Paths,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the daemon; it runs until it is stopped
    Run {
        /// If the configuration file does not exist, show "unconfigured" on the panel and wait for it
        #[arg(long)]
        wait_for_config: bool,
        /// A folder of notices for the user: one text file for each
        #[arg(long, value_name = "DIR", default_value = "/run/pilotlight-notices")]
        notices: PathBuf,
    },
    /// Run one round now and print the result; exit code 0 well, 1 degraded, 2 down, 3 unknown
    Check {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        /// Query only this nameserver, as if the configuration listed it; may be repeated
        #[arg(long, value_name = "NAME=ADDRESS")]
        nameserver: Vec<String>,
    },
    /// Show the state of the running daemon; exit codes as for check
    Status {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration: print every problem, or what will be watched
    Config {
        /// Print a commented example configuration instead
        #[arg(long)]
        example: bool,
    },
    /// Print a configuration made from the DNS of today; inconsistencies go to standard error
    Init(init::Options),
    /// Test the access to GitHub: token, repository, permission
    Report {
        /// Open a test issue, comment on it and close it
        #[arg(long)]
        test: bool,
        /// Print a GitHub Actions workflow that opens an issue when heartbeats stop
        #[arg(long, conflicts_with = "test")]
        workflow: bool,
    },
    /// Test the lamps: show every state of the panel
    Lamps {
        /// Seconds for each state
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        seconds: u64,
        /// Switch every lamp off, even if the configuration has problems
        #[arg(long, conflicts_with = "seconds")]
        dark: bool,
    },
    /// Import the settings from the card's boot partition (only on our own image)
    Provision(provision::Folders),
    /// Install a binary that was copied to the board (only on our own image)
    Update(update::Update),
}

/// Runs the command on the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        Command::Run { wait_for_config, notices } => {
            run::run(&args.paths, *wait_for_config, notices)
        }
        Command::Check { json, nameserver } => check::check(&args.paths.config, *json, nameserver),
        Command::Status { json } => status::status(&args.paths, *json),
        Command::Config { example } => config::config(&args.paths.config, *example),
        Command::Init(options) => init::init(options),
        Command::Report { test, workflow } => report::report(&args.paths.config, *test, *workflow),
        Command::Provision(folders) => provision::provision(folders),
        Command::Update(options) => update::update(&args.paths, options),
        Command::Lamps { dark: true, .. } => lamps::dark(&args.paths.config),
        Command::Lamps { seconds, .. } => lamps::lamps(&args.paths.config, *seconds),
    };
    let failed = match done {
        Ok(code) => return ExitCode::from(code),
        Err(failed) => failed,
    };
    let code = match &failed {
        Failed::Config(_) => 78,
        Failed::Other(_) => 1,
    };
    // A closed standard error is ignored: there is nowhere else to report it.
    let _ = writeln!(io::stderr(), "pilotlight: {failed}");
    ExitCode::from(code)
}
