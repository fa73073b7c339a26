//! What a configuration needs beside its text: the files that it names, and the name of the machine.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::problem::Rejection;

/// Larger files are rejected: a zone file whose queries fit into a round is far smaller.
pub(super) const LARGEST_FILE: usize = 16 << 20;

/// The surroundings of a configuration.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The default of `vantage.name`, if it is a short name.
    pub host_name: &'a str,
    /// The content of a file that the configuration names, or a bit more than 16 MB of it.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

/// A text on its own: every file that it names is missing.
pub const TEXT_ONLY: Environment<'_> =
    Environment { host_name: "", read: &|_| Err(ErrorKind::NotFound.into()) };

/// The host name of this machine.
#[must_use]
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// [`Environment::read`] for the files of this machine.
///
/// # Errors
/// The file is missing, not a regular file, or unreadable.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file")); // opening a FIFO would wait
    }
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST_FILE as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Why the file that a key names cannot be used.
pub(super) fn unreadable(error: &io::Error) -> Rejection {
    match error.kind() {
        ErrorKind::NotFound => Rejection::new(
            "names a file that does not exist",
            "put it there, or name another (the path is relative to the folder of the configuration)",
        ),
        _ => Rejection::new(
            format!("cannot be read: {error}"),
            "let this user read it, or name another file",
        ),
    }
}
