//! The commands, and the exit codes that scripts rely on: [`EXIT_CODES`].

mod check;
mod common;
mod config;
mod init;
mod lamps;
mod provision;
mod report;
mod run;
mod services;
mod status;
mod table;
mod update;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, CommandFactory, Parser, Subcommand};

use common::{Failed, Folders};

const CONFIG: &str = "/etc/pilotlight/pilotlight.toml";

/// The configuration has problems, `--nameserver` included (`EX_CONFIG` of sysexits).
const BAD_CONFIG: u8 = 78;

const EXIT_CODES: &str = "\
Exit codes:
  0   well, or the command is done
  1   degraded, or the command failed
  2   down (check, status), or the command line is wrong
  3   unknown: the uplink is down, or no daemon is running
  78  the configuration has problems";

const EXAMPLES: &str = "\
Examples:
  pilotlight init example.net -o pilotlight.toml    # a configuration from the DNS of today; read it
  pilotlight config -c pilotlight.toml              # every problem, or what will be watched
  pilotlight check -c pilotlight.toml               # one round now
  pilotlight status                                 # the state of the running daemon";

/// With the commit if the build names it, as in `0.1.0+83f608e00`. Scripts of ours set the variable.
const VERSION: &str = match option_env!("PILOTLIGHT_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Watches your own authoritative nameservers.
#[derive(Parser)]
#[command(version = VERSION, about, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
#[command(arg = hidden("runtime_dir", "runtime-dir").global(true))]
#[command(arg = hidden("state_dir", "state-dir").global(true))]
struct Args {
    /// The configuration file [default: /etc/pilotlight/pilotlight.toml]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the daemon; it runs until it is stopped
    #[command(after_help = "\
Signals:
  SIGHUP            reads the configuration again; if it has problems, the old one stays in force
  SIGTERM, SIGINT   stop the daemon, with exit code 0

Example:
  GITHUB_TOKEN=… pilotlight run -c pilotlight.toml")]
    Run(run::Options),
    /// Run one round now and print the result
    #[command(after_help = format!("\
Examples:
  pilotlight check --json
  pilotlight check --nameserver ns1-next.example.net=192.0.2.7    # before it replaces another one

{EXIT_CODES}"))]
    Check {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        /// Query only this nameserver, as if the configuration listed it; may be repeated
        #[arg(long, value_name = "NAME=ADDRESS")]
        nameserver: Vec<String>,
        /// Do not look at the zones from the root servers
        #[arg(long)]
        no_world: bool,
    },
    /// Show the state of the running daemon
    #[command(arg = unused_config(), after_help = format!("\
Examples:
  pilotlight status
  journalctl -t pilotlight    # the daemon's log

{EXIT_CODES}"))]
    Status {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        folders: Folders,
    },
    /// Check the configuration: print every problem, or what will be watched
    #[command(after_help = "\
Examples:
  pilotlight config -c pilotlight.toml
  pilotlight config --example > pilotlight.toml

Exit codes: 0 no problem, 78 problems")]
    Config {
        /// Print a commented example configuration instead
        #[arg(long)]
        example: bool,
    },
    /// Make a configuration from the DNS of today; inconsistencies go to standard error
    #[command(arg = unused_config(), after_help = "\
Examples:
  pilotlight init example.net example.org -o pilotlight.toml
  pilotlight init example.net --resolver 9.9.9.9

Exit codes: 0 every zone is found, 1 a zone is not found")]
    Init(init::Options),
    /// Test the access to GitHub (token, repository, permission) and to your services
    #[command(after_help = "\
Examples:
  GITHUB_TOKEN=… pilotlight report --test
  GITHUB_TOKEN=… pilotlight report --workflow > .github/workflows/pilotlight.yml

Exit codes: 0 it works, 1 it does not, 78 the configuration has problems")]
    Report {
        /// Open a test issue, comment on it and close it; send a test message to each service
        #[arg(long)]
        test: bool,
        /// Print a GitHub Actions workflow that opens an issue when heartbeats stop
        #[arg(long, conflicts_with = "test")]
        workflow: bool,
    },
    /// Test the lamps: show every state of the panel
    #[command(after_help = "\
Examples:
  pilotlight lamps --seconds 2
  pilotlight lamps --dark    # switch them off

Exit codes: 0 done, 1 the lamps cannot be used, 78 the configuration has problems")]
    Lamps {
        /// Seconds for each state
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        seconds: u64,
        /// Switch every lamp off, even if the configuration has problems
        #[arg(long, conflicts_with = "seconds")]
        dark: bool,
    },
    /// Import the settings from the card's boot partition (only on our own image)
    #[command(hide = true, arg = unused_config())]
    Provision(provision::Folders),
    /// Install a binary that was copied to the board (only on our own image)
    #[command(hide = true)]
    Update(update::Update),
}

/// An option of other commands: accepted by every command, and in the help only of those that use it.
fn hidden(id: &'static str, long: &'static str) -> Arg {
    Arg::new(id).long(long).hide(true).value_parser(clap::value_parser!(PathBuf))
}

/// Takes the place of the global `--config` in a command that reads no configuration.
fn unused_config() -> Arg {
    hidden("config", "config").short('c')
}

/// The command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs the command on the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    if let (Command::Init(_), Some(_)) = (&args.command, &args.config) {
        let why = "init reads no configuration, it makes one; name the file to write with --output";
        Args::command().error(ErrorKind::ArgumentConflict, why).exit();
    }
    let config = args.config.as_deref().unwrap_or(CONFIG.as_ref());
    let done = match &args.command {
        Command::Run(options) => run::run(config, options),
        Command::Check { json, nameserver, no_world } => {
            check::check(config, *json, nameserver, *no_world)
        }
        Command::Status { json, folders } => status::status(folders, *json),
        Command::Config { example } => config::config(config, *example),
        Command::Init(options) => init::init(options),
        Command::Report { test, workflow } => report::report(config, *test, *workflow),
        Command::Provision(folders) => provision::provision(folders),
        Command::Update(options) => update::update(config, options),
        Command::Lamps { dark: true, .. } => lamps::dark(config),
        Command::Lamps { seconds, .. } => lamps::lamps(config, *seconds),
    };
    let failed = match done {
        Ok(code) => return ExitCode::from(code),
        Err(failed) => failed,
    };
    let code = match &failed {
        Failed::Config(_) => BAD_CONFIG,
        Failed::Other(_) => 1,
    };
    // A closed standard error is ignored: there is nowhere else to report it.
    let _ = writeln!(io::stderr(), "{failed}");
    ExitCode::from(code)
}
