//! Updates: a binary copied to the board is tried in a sandbox, then accepted or undone without help. It is moved out of
//! reach, and put on probation as the service. Only our own image does this, with `pilotlight update`. The
//! updater is always the binary that came with the card, never an updated one.
//!
//! | place | content | survives a power cut |
//! |---|---|---|
//! | `UPLOADS` | files copied by the user; a file named `rollback` asks for the previous version | no |
//! | `UPLOADS/../.update` | an upload that nobody else can change any more | no |
//! | `STORE/HASH` | binaries, named by their SHA-256: current, previous, and the one on probation | yes |
//! | `STORE/state.json` | which binary is current, and the last update ([`state`]) | yes |
//! | `RUN/pilotlight-update/current` | a link to the binary that the service starts | no |
//! | `RUN/pilotlight-notices/update` | why the last update was rejected, for the panel | no |
//!
//! A power cut undoes a probation, as the link is in memory. `state.json` changes by one rename when the probation
//! ends. So after any power cut the board starts an accepted binary, or the one that came with the card.

mod error;
pub mod paths;
pub mod probation;
pub mod state;
mod system;
pub mod systemd;
pub mod updater;
mod upload;

#[cfg(test)]
mod tests;
