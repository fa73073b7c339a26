//! What a configuration needs beside its text: the files that it names, and the name of the machine.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::certificates::certificates;
use super::problem::{Rejection, reject};

/// Larger files are rejected: a zone file whose queries fit into a round is far smaller.
const LARGEST_FILE: usize = 16 << 20;

/// The surroundings of a configuration.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The default of `vantage.name`, if it is a short name.
    pub host_name: &'a str,
    /// The content of a file that the configuration names, or a bit more than 16 MB of it.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// `github.ca`, which only reports read, must be right, too. Without it the daemon starts, and tries again.
    pub for_reports: bool,
}

/// A text on its own: every file that it names is missing.
pub const TEXT_ONLY: Environment<'_> =
    Environment { host_name: "", read: &|_| Err(ErrorKind::NotFound.into()), for_reports: false };

impl Environment<'_> {
    /// The content of a file; `next` is the advice for one that is too large.
    pub(super) fn content(&self, path: &Path, next: &str) -> Result<Vec<u8>, Rejection> {
        let content = (self.read)(path).map_err(|error| unreadable(&error))?;
        if content.len() > LARGEST_FILE {
            return reject(format!("is larger than {} MB", LARGEST_FILE >> 20), next);
        }
        Ok(content)
    }

    /// Checks the PEM file at `path`.
    pub(super) fn authorities(&self, path: PathBuf) -> Result<PathBuf, Rejection> {
        let pem = self.content(&path, "name a PEM file with the certificates of the authority")?;
        certificates(&pem).map(|_| path)
    }

    /// Checks that the file at `path` exists. Only the daemon may be able to read it.
    pub(super) fn existing(&self, path: PathBuf) -> Result<PathBuf, Rejection> {
        match (self.read)(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(unreadable(&error)),
            _ => Ok(path),
        }
    }
}

/// The host name of this machine.
#[must_use]
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// True if the kernel's console is on the header of this Raspberry Pi. (The one of a Pi 5, ttyAMA10, has a plug of its
/// own.) `proc` is `/proc`.
pub(super) fn has_serial_console(proc: &Path) -> bool {
    let text = |name: &str| fs::read_to_string(proc.join(name)).unwrap_or_default();
    let consoles = text("consoles");
    let mut names = consoles.lines().filter_map(|line| line.split(' ').next());
    text("device-tree/compatible").contains("raspberrypi,")
        && names.any(|name| ["ttyS0", "ttyS1", "ttyAMA0"].contains(&name))
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
fn unreadable(error: &io::Error) -> Rejection {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_console_is_on_the_header_of_a_raspberry_pi_only() {
        let header =
            "tty0                 -WU (EC p  )    4:1\nttyS1                -W- (E  p a)    4:65\n";
        let cases = [
            ("raspberrypi,3-model-b\0brcm,bcm2837\0", header, true),
            ("raspberrypi,5-model-b\0", "ttyAMA10 -W- (EC p a) 204:74\n", false),
            ("raspberrypi,4-model-b\0", "tty0 -WU (EC p  ) 4:1\n", false),
            ("qemu,virt\0", header, false),
        ];
        for (compatible, consoles, expected) in cases {
            let proc = tempfile::tempdir().unwrap();
            fs::create_dir(proc.path().join("device-tree")).unwrap();
            fs::write(proc.path().join("device-tree/compatible"), compatible).unwrap();
            fs::write(proc.path().join("consoles"), consoles).unwrap();
            assert_eq!(has_serial_console(proc.path()), expected, "{compatible}{consoles}");
        }
    }
}
