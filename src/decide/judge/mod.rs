//! One round becomes findings: what is wrong, where, and what cannot be known.

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
