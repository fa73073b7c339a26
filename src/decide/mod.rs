//! What is decided, and nothing that is done: data in, data out.
//!
//! No sockets, files, clock, randomness or logging in here; time is an argument ([`Moment`](moment::Moment)).
//!
//! # Words
//!
//! - **nameserver**: an authoritative server of ours; **zone**, **apex**, **record set** (RRset), as in
//!   RFC 9499.
//! - **vantage**: where we look from; **claim**: what one vantage says in an issue; **uplink**: our own connection; **anchor**: a server that proves
//!   that the uplink works.
//! - **question**: one name and type asked of one address over one transport; **observation**: what it
//!   got; **errand**: one web endpoint to be visited; **round**: all of them together.
//! - **edition**: a zone as one server has it, told by its serial.
//! - **verdict**: what a round says of one **subject** (a nameserver, or a web endpoint). Well, faulty, or unknown;
//!   unknown changes nothing.
//! - **fault**: why; **incident**: a fault that was seen often enough to be believed; **issue**: GitHub's.
//! - **sign of life**: the issue by which a vantage tells that it watches; **record**: what is hidden in it for
//!   a later process; **aside**: an issue of ours that is about no subject.
//! - **panel**: the three lamps; **face**: the state that they show, and the **sign** of each lamp that a
//!   nameserver has of its own; **lease**: how long they may show it.

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
