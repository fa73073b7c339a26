//! The state for people and scripts: lamps, status, metrics, hooks.

pub mod change;
mod display;
pub mod lease;
pub mod message;
pub mod metrics;
pub mod panel;
mod pattern;
pub mod status;
