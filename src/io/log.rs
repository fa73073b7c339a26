//! Where log lines go: plain lines for people.

use std::fmt;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::clock::Clock;
use crate::decide::moment::wall_text;

/// Writes plain lines: time, level, what happened. The fields that a journal is searched by repeat what
/// the line says and are left out. Libraries are not heard: what they have to say is in the observations.
///
/// Only the first call in a process has an effect.
pub fn plain(
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    colour: bool,
    clock: Option<Clock>,
) {
    let message = debug_fn(|line, field, value| match field.name() {
        "message" => write!(line, "{value:?}"),
        _ => Ok(()),
    });
    let lines = layer()
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false)
        .with_timer(Stamp(clock))
        .fmt_fields(message);
    let ours = Targets::new().with_target("pilotlight", LevelFilter::INFO);
    let _already_set = tracing_subscriber::registry()
        .with(lines)
        .with(ours)
        .try_init();
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
