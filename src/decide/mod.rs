//! Decisions as pure functions: no sockets, files, clock, randomness or logging. Time is an argument
//! ([`Moment`](time::Moment)).
//!
//! # Stages
//!
//! Imports run downwards only, from `report` to `probe`.
//!
//! 1. [`probe`]: what is asked and what came back. Data only; `io` fills it.
//! 2. [`judge`]: one round becomes findings.
//! 3. [`track`]: findings over time become incidents.
//! 4. [`show`]: the state for people and scripts.
//! 5. [`report`]: the state becomes GitHub issues.
//!
//! # Words
//!
//! Words of the DNS are used as in RFC 9499.
//!
//! - **vantage**: the place that watches; **uplink**: its connection; **anchor**: a server that proves that the
//!   uplink works.
//! - **query**: one name and type, to one address over one transport; **observation**: the reply to it;
//!   **endpoint check**: the same for a web endpoint; **round**: all of them together.
//! - **subject**: a nameserver or a web endpoint. A round's **verdict** on it is well, faulty or unknown; unknown
//!   changes nothing.
//! - **fault**: what is wrong; **finding**: a fault at one address in one zone; **incident**: a fault that was
//!   seen often enough; **issue**: GitHub's.
//! - **marker**: the hidden record in an issue; **heartbeat**: the issue by which a vantage shows that it watches.
//! - **panel**: the three lamps; **lease**: how long they may show a state.

pub mod judge;
pub mod probe;
pub mod report;
pub mod show;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod time;
pub mod track;
