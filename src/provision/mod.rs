//! Provisioning: at each start, the user's files on the card are imported to the data partition. "The card" is the boot
//! partition. Only our own image does this, with `pilotlight provision`.
//!
//! | on the card | goes to | |
//! |---|---|---|
//! | `pilotlight.toml`, and the files that it names | `DATA/pilotlight/config/` | only if it has no problems |
//! | `github-token` | `DATA/pilotlight/github-token`, and at each start `RUN/credstore/` | overwritten and removed on the card |
//! | `authorized_keys`, `root_keys` | `DATA/ssh/` | |
//! | `wifi.conf` | `DATA/wifi/` | in the format of iwd |
//! | `hostname` | `DATA/hostname` | |
//!
//! Keys, WiFi and host name may also be in the files of Raspberry Pi Imager ([`imager`]).
//!
//! A missing file changes nothing: the last import stays in force. Problems are listed in `PROBLEMS.txt` on the
//! card and, for the panel, in `RUN/pilotlight-notices/card`. A file is written only if its content changes.
//!
//! This runs as root, so it is always the program that came with the card. The version in use judges the
//! configuration ([`judge`]), unprivileged.
//!
//! The power may fail at any time. Each step can be repeated, and new settings come into force by one rename, so
//! the next start completes an interrupted import.

mod card_file;
mod config;
pub mod context;
mod hostname;
mod imager;
pub mod import;
pub mod judge;
mod keys;
pub mod report;
mod settings;
mod token;
mod wifi;
mod yaml;

#[cfg(test)]
mod imager_tests;
#[cfg(test)]
mod tests;
