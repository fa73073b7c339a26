//! Web endpoints: the checks of a round, and their results.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::Name;

use crate::config::{Config, Endpoint, Host};
use crate::decide::probe::endpoint_error::{CertificateEnd, EndpointError};

/// One endpoint to be checked.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointCheck {
    /// Index of the subject: nameservers come first.
    pub subject: usize,
    pub endpoint: Endpoint,
    /// The watched zones: a host name in one of them is looked up at that zone's own nameservers.
    pub zones: Arc<[ServedZone]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServedZone {
    pub zone: Name,
    pub servers: Vec<SocketAddr>,
}

/// All endpoint checks of a configuration, in its order.
#[must_use]
pub fn endpoint_checks(config: &Config) -> Vec<Arc<EndpointCheck>> {
    let served = config.zones.iter().map(|zone| {
        let servers = zone.nameservers.iter().map(|&index| &config.nameservers[index].addresses);
        ServedZone { zone: zone.name.clone(), servers: servers.flatten().copied().collect() }
    });
    let zones: Arc<[ServedZone]> = served.collect();
    let endpoints = (config.nameservers.len()..).zip(config.endpoints.iter().cloned());
    let check = |(subject, endpoint)| {
        Arc::new(EndpointCheck { subject, endpoint, zones: Arc::clone(&zones) })
    };
    endpoints.map(check).collect()
}

impl EndpointCheck {
    /// Whether the host can have an address of that family.
    #[must_use]
    pub fn may_use(&self, v6: bool) -> bool {
        match self.endpoint.host {
            Host::Address(address) => address.is_ipv6() == v6,
            Host::Name(_) => true,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct EndpointResult {
    pub check: Arc<EndpointCheck>,
    pub outcome: CheckOutcome,
    /// The number of addresses that are not checked: the name has too many.
    pub left_out: usize,
}

impl EndpointResult {
    /// Whether the result came from an address of that family.
    #[must_use]
    pub fn used(&self, v6: bool) -> bool {
        match &self.outcome {
            CheckOutcome::Addresses(all) => all.iter().any(|one| one.address.is_ipv6() == v6),
            CheckOutcome::NoAddress(server) => server.is_ipv6() == v6,
            CheckOutcome::Unknown(_) => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum CheckOutcome {
    /// One result for each address of the host.
    Addresses(Vec<AddressResult>),
    /// This nameserver answers that the host has no address, and no other contradicts it.
    NoAddress(SocketAddr),
    /// The host name could not be looked up, for this reason. If our nameservers are to blame they have an
    /// incident of their own.
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct AddressResult {
    pub address: SocketAddr,
    pub outcome: EndpointReply,
    /// From connecting to the last byte.
    pub latency: Duration,
    /// Which certificate of the accepted chain ends first.
    pub certificate: Option<CertificateEnd>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EndpointReply {
    /// An endpoint without pages accepted the connection, and TLS if it has that.
    Open,
    Page {
        status: u16,
        /// The `Location` header.
        location: Option<String>,
        /// The `Retry-After` header.
        retry_after: Option<String>,
        /// Whether the page has the configured text.
        contains: Search,
    },
    Failed(EndpointError),
    /// A failure on our own side.
    Local(String),
}

/// The result of the search for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Also if there is no text to be found.
    Found,
    Missing,
    /// The page cannot be read: completes "pilotlight cannot".
    Unreadable(String),
}

/// The part of a page, in bytes, that is searched for the configured text.
pub const BODY_LIMIT: u64 = 1024 * 1024;
