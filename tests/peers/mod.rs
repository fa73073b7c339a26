//! The other side of every conversation: scripted nameservers and a GitHub that keeps state.
pub mod dns;
pub mod github;
