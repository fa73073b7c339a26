//! What is asked, and what came back: data only, which `io` fills in.

pub mod answer;
pub mod endpoint;
pub mod endpoint_error;
pub mod query;
pub mod round;
pub mod world;
