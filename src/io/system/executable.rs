//! The program's own file: its hash, and since when it has been there.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::sync::OnceLock;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};

use crate::decide::show::status::Program;

/// The file that this process runs, whichever file has its name by now. `None`: it cannot be read.
pub fn this() -> Option<&'static Program> {
    static THIS: OnceLock<Option<Program>> = OnceLock::new();
    THIS.get_or_init(|| read().ok()).as_ref()
}

fn read() -> io::Result<Program> {
    let file = File::open("/proc/self/exe")?;
    let since = Timestamp::try_from(file.metadata()?.modified()?).ok();
    Ok(Program { hash: sha256_of(file)?, since })
}

/// SHA-256, in 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    sha256_of(bytes).expect("a slice can always be read")
}

/// The same of a whole file, in chunks: a whole binary in memory would be most of what the daemon uses.
pub fn sha256_of(mut file: impl Read) -> io::Result<String> {
    let (mut hash, mut chunk) = (Context::new(&SHA256), [0; 8192]);
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hash.update(&chunk[..read]),
        }
    }
    Ok(hash.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // into a string: cannot fail
        text
    }))
}
