//! A command of the person's own: run by a shell, fed, listened to, and ended in time.

use std::fmt;
use std::fs;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, child_subreaper, getpid, kill_process,
    kill_process_group, set_child_subreaper, waitid, waitpid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::text::printable;

/// What leads to the token, or is between systemd and us alone.
const NOT_ITS: [&str; 3] = ["GITHUB_TOKEN", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];

/// Bytes of output that are kept; the rest is read and forgotten.
const KEPT: usize = 1000;

/// How often processes that a command leaves behind are looked for: a killed one has children, too.
const PASSES: usize = 100;

const BETWEEN_PASSES: Duration = Duration::from_millis(10);

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
/// It has ended when the shell has, and whoever else holds its output. No process of it outlives that, the time
/// `within` which it must end, or this future: its process group is killed, and after [`adopt_orphans`] also what
/// left the group.
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
    let group = Group(pid);
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Who does not want to read it need not.
            let _closed = stdin.write_all(input).await;
        }
    };
    let all = async { tokio::join!(ended(pid), listen(&mut output, said), feed) };
    let in_time = tokio::time::timeout(within, all).await.is_ok();
    drop(group); // before the shell is reaped: its number may be another process's afterwards
    let status = child.wait().await?;
    kill_orphans().await;
    Ok(if in_time { End::Status(status) } else { End::TooLong })
}

/// Waits for the end of a child without reaping it: its number stays its own.
async fn ended(child: Option<Pid>) -> io::Result<()> {
    let Some(child) = child else { return Ok(()) };
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let mut a_child_ended = signal(SignalKind::child())?;
    while waitid(WaitId::Pid(child), look)?.is_none() {
        a_child_ended.recv().await;
    }
    Ok(())
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
        orphans().into_iter().for_each(kill);
    }
}

/// Makes this process the parent of its descendants' orphans. From then on a command must be its only child.
///
/// # Errors
/// The kernel refuses it; then [`run`] kills the process group only.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Kills what the command moved out of its process group (`setsid`).
async fn kill_orphans() {
    for _ in 0..PASSES {
        let orphans = orphans();
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            kill(orphan);
            let _running = waitpid(Some(orphan), WaitOptions::NOHANG);
        }
        tokio::time::sleep(BETWEEN_PASSES).await;
    }
}

fn kill(process: Pid) {
    let _gone = kill_process(process, Signal::KILL);
}

/// The children of this process if it adopts orphans.
fn orphans() -> Vec<Pid> {
    let Ok(Some(_)) = child_subreaper() else { return Vec::new() };
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let pids = lists.collect::<Vec<_>>().join(" ");
    pids.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
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
