//! HTTP: the client for GitHub, and the checks of web endpoints.

mod certificate;
pub mod client;
pub(super) mod endpoint;
pub mod error;
mod failure;
mod head;
pub mod notify;
mod page;
mod starttls;
mod tls;
mod trust;
