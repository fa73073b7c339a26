//! Web endpoints: whom to visit, what a visit brought back, and what is wrong with that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::Name;
use jiff::Timestamp;

use crate::config::{Config, Endpoint, Host};
use crate::decide::probe::endpoint_error::EndpointError;

/// One endpoint to be visited, with all that it takes to find it.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointCheck {
    /// Which subject: nameservers come first.
    pub subject: usize,
    /// Whom.
    pub endpoint: Endpoint,
    /// Our zones with the addresses of their nameservers: names in them are asked there.
    pub zones: Arc<[ServedZone]>,
}

/// A zone, and where it is served.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedZone {
    /// The apex.
    pub zone: Name,
    /// Every address of its nameservers.
    pub servers: Vec<SocketAddr>,
}

/// All errands of a configuration, in its order.
#[must_use]
pub fn endpoint_checks(config: &Config) -> Vec<Arc<EndpointCheck>> {
    let served = config.zones.iter().map(|zone| ServedZone {
        zone: zone.name.clone(),
        servers: (zone.nameservers.iter())
            .flat_map(|&index| config.nameservers[index].addresses.iter().copied())
            .collect(),
    });
    let zones: Arc<[ServedZone]> = served.collect();
    let errand = |(index, endpoint): (usize, &Endpoint)| {
        let subject = config.nameservers.len() + index;
        Arc::new(EndpointCheck { subject, endpoint: endpoint.clone(), zones: Arc::clone(&zones) })
    };
    config.endpoints.iter().enumerate().map(errand).collect()
}

impl EndpointCheck {
    /// Whether it may lead to an address of that family.
    #[must_use]
    pub fn may_use(&self, v6: bool) -> bool {
        match self.endpoint.host {
            Host::Address(address) => address.is_ipv6() == v6,
            Host::Name(_) => true,
        }
    }
}

/// What an errand brought back.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointResult {
    /// Which.
    pub check: Arc<EndpointCheck>,
    /// What came of it.
    pub outcome: CheckOutcome,
}

impl EndpointResult {
    /// Whether it led to an address of that family.
    #[must_use]
    pub fn used(&self, v6: bool) -> bool {
        match &self.outcome {
            CheckOutcome::Addresses(visits) => {
                visits.iter().any(|visit| visit.address.is_ipv6() == v6)
            }
            CheckOutcome::NoAddress(server) => server.is_ipv6() == v6,
            CheckOutcome::Unknown(_) => false,
        }
    }
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckOutcome {
    /// One visit to each address.
    Addresses(Vec<AddressResult>),
    /// This nameserver of ours says that the name leads nowhere, and none says otherwise.
    NoAddress(SocketAddr),
    /// Nobody could say where the name leads. When our nameservers are to blame they have an incident of
    /// their own.
    Unknown(String),
}

/// One visit to one address.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressResult {
    /// Who was asked.
    pub address: SocketAddr,
    /// What came of it.
    pub outcome: EndpointReply,
    /// From connecting to the last byte.
    pub latency: Duration,
    /// When the certificate ends that was shown and accepted.
    pub certificate: Option<Timestamp>,
}

/// What came of a visit.
#[derive(Debug, Clone, PartialEq)]
pub enum EndpointReply {
    /// It took the connection, and that was all.
    Open,
    /// It answered.
    Page {
        /// The status code.
        status: u16,
        /// Where it leads.
        location: Option<String>,
        /// Whether it has the text that was looked for.
        contains: bool,
    },
    /// It did not.
    Failed(EndpointError),
    /// Something on our side failed.
    Local(String),
}

/// So much of a page is looked at.
pub const BODY_LIMIT: u64 = 1024 * 1024;
