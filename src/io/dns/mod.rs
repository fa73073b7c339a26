//! DNS: queries to nameservers, anchors and resolvers.

pub(super) mod client;
pub mod limits;
pub mod lookup;
pub(super) mod message;
pub(super) mod prober;
pub(super) mod query_run;
pub(super) mod rate_limit;
pub(super) mod resolver;
pub mod socket;
