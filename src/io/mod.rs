//! Effects, one file per neighbour. Nothing in here decides anything.

pub mod ask;
pub mod board;
pub mod clock;
pub mod command;
pub mod disk;
pub mod dns;
pub mod files;
pub mod github;
pub mod http;
pub mod leds;
pub mod log;
mod message;
mod names;
pub mod notices;
mod pace;
pub mod program;
pub mod systemd;
pub mod token;
mod visit;
mod web;
pub mod wire;
