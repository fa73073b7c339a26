//! Table of contents.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on should say where, and it makes its own time"
)]

mod board;
mod config;
pub mod peers;
