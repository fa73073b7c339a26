//! Effects, one file per neighbour. Nothing in here decides anything.

pub mod clock;
pub mod dns;
pub mod files;
pub mod github;
pub mod http;
pub mod leds;
pub mod log;
mod message;
pub mod notices;
mod pace;
pub mod systemd;
pub mod token;
pub mod wire;
