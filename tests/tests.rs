//! Table of contents.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on should say where, and it makes its own time"
)]

mod board;
mod commands;
mod config;
#[path = "emulator/eye.rs"]
mod eye;
mod github;
mod home;
mod hooks;
mod init;
mod interop;
mod json;
mod kill;
mod life;
mod metrics;
pub mod peers;
mod probing;
mod program;
mod randomized;
mod scenarios;
mod signals;
mod stage;
mod structure;
mod systemd;
mod vantages;
mod web;
