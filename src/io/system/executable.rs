//! The program's own file: which one this process runs, and since when it has been there.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::sync::OnceLock;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use crate::decide::show::status::Program;

/// The file that this process runs, whatever has its name by now. `None`: it cannot be read.
pub fn this() -> Option<&'static Program> {
    static THIS: OnceLock<Option<Program>> = OnceLock::new();
    THIS.get_or_init(|| read().ok()).as_ref()
}

fn read() -> io::Result<Program> {
    let mut file = File::open("/proc/self/exe")?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes)?;
    let since = Timestamp::try_from(file.metadata()?.modified()?).ok();
    Ok(Program { hash: sha256(&bytes), since })
}

/// SHA-256, in 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // into a string: cannot fail
        text
    })
}
