//! Table of contents.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on should say where, and it makes its own time"
)]

mod board;
mod care;
mod chaos;
mod check;
mod commands;
mod config;
mod config_files;
mod docs;
pub mod fakes;
mod github;
mod heartbeat;
mod home;
mod hooks;
mod init;
mod interop;
mod json;
mod json_schema;
mod kill;
#[path = "emulator/lamp_reader.rs"]
mod lamp_reader;
mod manifest;
mod metrics;
mod notify;
mod pictures;
mod probing;
mod program;
mod randomized;
mod scenario_runner;
mod scenarios;
mod signals;
mod structure;
mod systemd;
mod vantages;
mod web;
mod world;
