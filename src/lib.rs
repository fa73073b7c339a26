//! pilotlight watches a person's own authoritative nameservers from a Raspberry Pi at home.
//!
//! One idea holds it together, **sense → judge → act**, on levels and not on edges:
//!
//! ```text
//! cli → daemon → io      → decide
//!              → config  ↗
//!     → provision ↗
//!     → update ↗
//! ```
//!
//! - [`config`] turns the file as written into the file as checked ([`config::Config`]).
//! - [`io`] has the effects, one file per neighbour: DNS, GitHub, lamps, files, the clock.
//! - [`decide`] is pure: data in, data out. No sockets, files, clock, randomness or logging.
//! - [`daemon`] is the shell around them: the loop, the reporter, the way out.
//! - [`provision`] imports the user's files from the boot partition of our own image, at each start.
//! - [`update`] installs a new binary on our own image, and undoes a bad one.
//! - [`text`] makes text from outside fit for a log, a terminal or an issue.
//! - [`cli`] is what a person types.
//!
//! The words (nameserver, subject, round, verdict, incident, vantage, …) are defined in [`decide`].

pub mod cli;
pub mod config;
pub mod daemon;
pub mod decide;
pub mod io;
pub mod provision;
#[cfg(test)]
#[path = "../tests/fakes/rng.rs"]
pub mod rng;
pub mod text;
pub mod update;
