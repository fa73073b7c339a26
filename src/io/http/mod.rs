//! HTTP: one client for GitHub, one for the web endpoints.

pub(super) mod certificate;
pub mod client;
pub(super) mod endpoint;
pub(super) mod https;
