//! The state becomes issues on GitHub.

mod auxiliary;
mod by_hand;
mod finish;
pub mod github;
pub mod heartbeat;
mod markdown;
pub mod marker;
pub mod observations;
mod other_vantages;
pub mod plan;
pub mod reconcile;
mod steps;
pub mod text;
pub mod token;
mod turns;
