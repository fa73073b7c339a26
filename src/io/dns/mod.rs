//! DNS: nameservers, anchors and resolvers are asked here.

pub mod lookup;
pub(super) mod message;
pub mod prober;
pub(super) mod rate_limit;
pub(super) mod resolve;
pub mod socket;
