//! Effects, one folder for each neighbour. Nothing in here decides anything.

pub mod clock;
pub mod dns;
pub mod github;
pub mod gpio;
pub mod http;
pub mod inspector;
pub mod runtime;
pub mod system;
