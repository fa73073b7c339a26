//! The shell: one loop that senses, judges and acts.
//!
//! It decides nothing. A round becomes a judgement, and the judgement changes the
//! [`MonitorState`](crate::decide::track::state::MonitorState). From that come the panel, the status file, what must
//! survive a power cut, and the issues. A round, a report and a hook can run at the same time; none waits for another.

mod hook;
mod log;
mod monitor;
mod outbox;
mod outside;
mod parts;
mod reporter;
mod rounds;
mod run;
mod schedule;
mod unconfigured;

pub use parts::{Order, Parts};
pub use reporter::TokenFrom;
pub use run::run;
pub use unconfigured::unconfigured;
