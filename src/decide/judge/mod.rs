//! One round becomes findings: what is wrong, where, and what cannot be known.

pub mod chain;
mod context;
pub mod endpoint;
pub mod fault;
pub mod fault_code;
pub mod finding;
mod latency;
pub mod nameserver;
pub mod round;
mod signature;
#[cfg(test)]
mod tests;
pub mod uplink;
pub mod world;
pub mod world_fault;
