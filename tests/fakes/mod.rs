//! The other side of every conversation: scripted nameservers, real ones, and a GitHub that keeps state.
pub mod dns;
pub mod example;
pub mod github;
pub mod process;
pub mod proxy;
pub mod real;
pub mod rng;
pub mod signed;
pub mod tls;
pub mod web;
