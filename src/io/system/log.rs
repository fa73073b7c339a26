//! Where log lines go: into the journal with fields of their own, or to people as plain lines.
//!
//! Libraries are not heard: what they have to say is in the observations. Only the first call in a process
//! has an effect.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::decide::time::wall_text;
use crate::io::clock::Clock;
use crate::text::printable_lines;

/// Writes into the journal if standard error is connected to it, else plain lines to standard error.
pub fn start(clock: Clock, colour: bool) {
    if !to_journal() {
        return plain(io::stderr, colour, Some(clock));
    }
    let Ok(journal) = tracing_journald::layer() else {
        // The journal's native socket is missing; it reads our standard error, and has a clock.
        return plain(io::stderr, false, None);
    };
    let journal = journal
        .with_syslog_identifier("pilotlight".to_owned())
        .with_field_prefix(None) // NAMESERVER, not F_NAMESERVER
        .with_priority_mappings(PriorityMappings {
            info: Priority::Informational,
            debug: Priority::Debug,
            ..PriorityMappings::new()
        });
    let _already_set = tracing_subscriber::registry().with(journal).with(ours()).try_init();
}

/// systemd says which file the journal reads (`JOURNAL_STREAM`, systemd.exec(5)); it may have been
/// redirected since.
fn to_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

fn ours() -> Targets {
    Targets::new().with_target("pilotlight", LevelFilter::INFO)
}

/// Writes plain lines: time, level, what happened. The fields that a journal is searched by repeat what
/// the line says and are left out.
pub fn plain(
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    colour: bool,
    clock: Option<Clock>,
) {
    let message = debug_fn(|line, field, value| match field.name() {
        // A line end inside a message begins no line that looks like one of ours.
        "message" => {
            line.write_str(&printable_lines(&format!("{value:?}")).replace('\n', "\n    "))
        }
        _ => Ok(()),
    });
    let lines = layer()
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false)
        .with_timer(Stamp(clock))
        .fmt_fields(message);
    let ours = Targets::new().with_target("pilotlight", LevelFilter::INFO);
    let _already_set = tracing_subscriber::registry().with(lines).with(ours).try_init();
}

/// The wall time in front of a line; nothing where somebody else writes it there.
struct Stamp(Option<Clock>);

impl FormatTime for Stamp {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        match &self.0 {
            Some(clock) => line.write_str(&wall_text(clock.now().wall)),
            None => Ok(()),
        }
    }
}
