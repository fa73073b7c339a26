//! DNS: queries to nameservers, anchors and resolvers.

mod again;
pub(super) mod client;
pub mod limits;
pub mod lookup;
pub(super) mod message;
mod packet;
pub(super) mod prober;
mod query_run;
mod rate_limit;
mod referral;
pub(super) mod resolver;
pub mod socket;
mod target_run;
pub(super) mod walk;
