//! HTTP: the client for GitHub, and the checks of web endpoints.

pub mod client;
pub(super) mod endpoint;
pub mod error;
mod failure;
mod page;
mod tls;
mod trust;
