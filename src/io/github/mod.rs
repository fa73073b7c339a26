//! GitHub: its REST API, and what its errors mean.

pub mod api;
mod connection;
mod errors;
