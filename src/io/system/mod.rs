//! This machine: files, processes, the service manager, the log.

pub mod command;
pub mod disk;
pub mod executable;
pub mod files;
pub mod hardware;
pub mod log;
pub mod notices;
pub mod systemd;
pub mod token;
pub mod unit;
