use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::state::Binary;
use crate::decide::time::span_text;
use crate::io::system::disk::FileError;
use crate::io::system::unit::{ProcessEnd, SystemctlError};

/// Why an update was rejected. The user corrects the cause and copies the file again.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("is a symbolic link: copy the file itself")]
    SymbolicLink,
    #[error("is not a regular file: copy one file")]
    NotAFile,
    #[error("is larger than {0} MB: pilotlight is much smaller")]
    TooLarge(usize),
    #[error("was still being written after a quarter of an hour; copy it again")]
    StillWritten,
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error(
        "is not a program for this board, or not the whole of it: copy again what `cross build --release` made"
    )]
    NotExecutable,
    #[error("it is not pilotlight: its --version prints {0:?}")]
    NotPilotlight(String),
    #[error("run with `{option}`, {end}; it said: {output}")]
    TestRun { option: &'static str, end: ProcessEnd, output: String },
    #[error("it has not {what} within {}", span_text(*limit))]
    Late { what: &'static str, limit: Duration },
    #[error("{end} before it had finished a round")]
    DiedStarting { end: ProcessEnd },
    #[error("{end} after its first round")]
    DiedOnProbation { end: ProcessEnd },
    #[error("{0} came with the card: there is no previous version")]
    NoPrevious(Binary),
    #[error("the file of {0} is damaged; copy it here again")]
    Damaged(Binary),
    #[error("it works, but this cannot be saved: {0}")]
    NotSaved(FileError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Systemctl(#[from] SystemctlError),
}
