//! What several commands share: their options for paths, their failures, and how they run a future.

use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{Config, Problems};
use crate::io::runtime;
use crate::io::system::files::Places;
use crate::text::count;

/// A file that only our own image has.
const OUR_IMAGE: &str = "/usr/lib/pilotlight/data";

/// The daemon's folders.
#[derive(Args)]
pub(super) struct Folders {
    /// The folder of the daemon's status file [default: $RUNTIME_DIRECTORY, /run/pilotlight]
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
    /// The folder for incidents that are not reported yet [default: $STATE_DIRECTORY, /var/lib/pilotlight]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl Folders {
    pub(super) fn places(&self) -> Places {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Places::find(self.runtime_dir.clone(), self.state_dir.clone(), env)
    }
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
            // Editors and terminals find the place at the beginning of a line.
            Self::Config(problems) => {
                let all = problems.list.len() + problems.more;
                write!(f, "{problems}\n\n{}", count(all, "problem"))
            }
            Self::Other(why) => write!(f, "pilotlight: {why}"),
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

/// Outside our own image a command of the image is refused, unless the command line names all of its folders and
/// they exist. `instead` says what to do.
pub(super) fn only_on_our_image(
    command: &str,
    folders: [Option<&Path>; 3],
    instead: &str,
) -> Result<(), Failed> {
    let named = folders.iter().all(|folder| folder.is_some_and(Path::is_dir));
    if named || Path::new(OUR_IMAGE).exists() {
        return Ok(());
    }
    Err(Failed::Other(format!(
        "`pilotlight {command}` works only on our own SD card image, and this system is another one: nothing has \
         been changed; {instead}"
    )))
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
