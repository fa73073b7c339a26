//! A command of the person's own: run by a shell, fed, listened to, and ended in time.

use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

use crate::text::printable;

/// What leads to the token, or is between systemd and us alone.
const NOT_ITS: [&str; 3] = ["GITHUB_TOKEN", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];

/// Bytes of output that are kept; the rest is read and forgotten.
const KEPT: usize = 1000;

/// What became of a command.
#[derive(Debug)]
pub struct Ran {
    pub end: End,
    /// Both outputs of the command: the beginning, in one line.
    pub said: String,
}

/// How a command ended.
#[derive(Debug)]
pub enum End {
    Status(ExitStatus),
    /// It was killed, with its process group.
    TooLong,
    /// It did not start, or could not be followed.
    Failed(io::Error),
}

impl Ran {
    /// Whether it did what it was to do, as far as it says.
    #[must_use]
    pub fn well(&self) -> bool {
        matches!(&self.end, End::Status(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with {status}"),
            Self::TooLong => f.write_str("took too long and was killed"),
            Self::Failed(error) => write!(f, "cannot be run: {error}"),
        }
    }
}

/// Runs `command` by `sh -c`, with `input` on its standard input.
///
/// It has ended when the shell has, and whoever else holds its output. What has not ended `within` this time is
/// killed, the whole process group; so it is when the future is dropped.
pub async fn run(command: &str, input: &[u8], within: Duration) -> Ran {
    let mut said = Vec::new();
    let end = follow(command, input, within, &mut said).await.unwrap_or_else(End::Failed);
    let said = String::from_utf8_lossy(&said);
    Ran { end, said: printable(&said.trim().replace('\n', " ")) }
}

async fn follow(
    command: &str,
    input: &[u8],
    within: Duration,
    said: &mut Vec<u8>,
) -> io::Result<End> {
    let (output, theirs) = io::pipe()?;
    let mut output = Receiver::from_owned_fd(output.into())?;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).process_group(0);
    shell.stdin(Stdio::piped()).stdout(theirs.try_clone()?).stderr(theirs);
    for name in NOT_ITS {
        shell.env_remove(name);
    }
    let mut child = shell.spawn()?;
    drop(shell); // it holds their end of the pipe, and we want to see when nobody does
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let mut group = Group(pid);
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Who does not want to read it need not.
            let _closed = stdin.write_all(input).await;
        }
    };
    let all = async { tokio::join!(child.wait(), listen(&mut output, said), feed).0 };
    match tokio::time::timeout(within, all).await {
        Ok(status) => {
            group.0 = None; // its number may be somebody else's by now
            status.map(End::Status)
        }
        Err(_) => {
            drop(group);
            child.wait().await?;
            Ok(End::TooLong)
        }
    }
}

async fn listen(output: &mut Receiver, said: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        let wanted = count.min(KEPT.saturating_sub(said.len()));
        said.extend_from_slice(&buffer[..wanted]);
    }
}

/// A process group that does not outlive this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Gone already: as good.
            let _gone = kill_process_group(pid, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_command_reads_its_input_and_its_output_becomes_one_line() {
        let ran = run("cat; echo; printf 'mistake\\033[2J' >&2", b"input", LONG).await;
        assert!(ran.well(), "{ran:?}");
        assert_eq!(ran.said, r"input mistake\u{1b}[2J", "a terminal obeys nothing in it");
    }

    #[tokio::test]
    async fn neither_much_output_nor_unread_input_delays_the_end() {
        let input = vec![b'x'; 1_000_000]; // more than a pipe holds
        let ran = run("exec <&-; yes | head -c 1000000", &input, LONG).await;
        assert!(ran.well(), "{:?}", ran.end);
        assert_eq!(ran.said.len(), KEPT - 1, "its last line end is trimmed");
    }

    #[tokio::test]
    async fn every_way_to_fail_has_its_sentence() {
        let ran = run("echo no; exit 3", b"", LONG).await;
        assert!(!ran.well());
        assert_eq!(
            (ran.end.to_string(), ran.said),
            ("ended with exit status: 3".into(), "no".into())
        );
        let ran = run("no-such-program-here", b"", LONG).await;
        assert_eq!(ran.end.to_string(), "ended with exit status: 127");
        assert!(ran.said.contains("not found"), "{}", ran.said);
    }
}
