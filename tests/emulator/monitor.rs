//! QEMU's monitor: questions to the machine itself, which the guest does not notice.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// QEMU answers at once, unless the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(20);

const PROMPT: &[u8] = b"(qemu) ";

/// The GPIO block of the board, and how many of its words are read: function selects to levels.
const GPIO: u64 = 0x3f20_0000;
const WORDS: usize = 14;
const LEVELS: usize = 13;

/// Green, amber, red.
const PINS: [u32; 3] = [17, 27, 22];

/// One connection.
pub struct Monitor(Mutex<UnixStream>);

impl Monitor {
    /// Connects.
    ///
    /// # Errors
    /// When QEMU does not listen (yet).
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut greeted = stream.try_clone()?;
        read(&mut greeted)?;
        Ok(Self(Mutex::new(stream)))
    }

    /// What QEMU says to a command.
    ///
    /// # Errors
    /// When it has ended.
    pub fn ask(&self, command: &str) -> io::Result<String> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(format!("{command}\n").as_bytes())?;
        read(&mut stream)
    }

    /// Which lamps are lit: pins that are outputs, and high.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn lamps(&self) -> io::Result<[bool; 3]> {
        let said = self.ask(&format!("xp /{WORDS}wx {GPIO:#x}"))?;
        let lines = said.lines().filter_map(|line| line.split_once(": "));
        let words = lines.flat_map(|(_, words)| words.split_whitespace());
        let words: Vec<u32> = words
            .filter_map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok())
            .collect();
        if words.len() != WORDS {
            return Err(io::Error::other(format!("QEMU's monitor says: {said}")));
        }
        Ok(PINS.map(|pin| {
            let output = words[pin as usize / 10] >> (pin % 10 * 3) & 7 == 1;
            output && words[LEVELS] >> pin & 1 == 1
        }))
    }
}

fn read(stream: &mut UnixStream) -> io::Result<String> {
    let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
    while !said.ends_with(PROMPT) {
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => said.extend(&chunk[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}
