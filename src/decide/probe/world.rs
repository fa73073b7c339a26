//! A zone as the world sees it: what the servers above it, and those that it is delegated to, answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::proto::dnssec::rdata::DS;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use crate::config::{Config, Expected, Zone};

/// One zone to be looked at from the roots.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldCheck {
    /// Index of the subject: nameservers and endpoints come first.
    pub subject: usize,
    pub zone: Name,
    /// Its nameservers in the configuration, with their addresses.
    pub nameservers: Vec<(Name, Vec<SocketAddr>)>,
    /// The NS set that the configuration lists: with nameservers that are not watched.
    pub listed: Vec<Name>,
    /// What the keys of the root are compared with.
    pub trust_anchor: Arc<[DS]>,
    /// The trust anchor is in the configuration, so the anchors must be root servers.
    pub private_root: bool,
}

/// All zones that are looked at, in the order of the configuration.
#[must_use]
pub fn world_checks(config: &Config) -> Vec<Arc<WorldCheck>> {
    let first = config.nameservers.len() + config.endpoints.len();
    let check = |(index, zone): (usize, &Zone)| {
        let nameservers = zone.nameservers.iter().map(|&n| &config.nameservers[n]);
        let named = nameservers.filter_map(|server| {
            Some((Name::from_ascii(format!("{}.", server.name)).ok()?, server.addresses.clone()))
        });
        Arc::new(WorldCheck {
            subject: first + index,
            zone: zone.name.clone(),
            nameservers: named.collect(),
            listed: listed(zone),
            trust_anchor: config.vantage.trust_anchor.keys(),
            private_root: config.vantage.trust_anchor.is_private(),
        })
    };
    config.world_zones().enumerate().map(check).collect()
}

fn listed(zone: &Zone) -> Vec<Name> {
    let mut ns = zone.records.iter().filter(|set| set.rtype == RecordType::NS);
    let Some(Expected::Records(records)) =
        ns.find(|set| set.name == zone.name).map(|set| &set.expected)
    else {
        return Vec::new();
    };
    let name = |record: &RData| match record {
        RData::NS(ns) => Some(ns.0.clone()),
        _ => None,
    };
    records.iter().filter_map(name).collect()
}

#[derive(Debug, Clone, PartialEq)]
pub struct WorldResult {
    pub check: Arc<WorldCheck>,
    pub outcome: WorldOutcome,
    /// Packets sent.
    pub packets: usize,
}

impl WorldResult {
    /// Whether servers of that family were asked with success.
    #[must_use]
    pub fn used(&self, v6: bool) -> bool {
        matches!(&self.outcome, WorldOutcome::Walked(walk) if walk.root.is_ipv6() == v6)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum WorldOutcome {
    /// No anchor is a root server that the trust anchor knows.
    NoRoot,
    /// A failure on our own side.
    Local(String),
    Walked(Walk),
}

/// What was found between the root and the zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// The root server that answered. All others have an address of its family.
    pub root: SocketAddr,
    /// From the root downwards; the last is the zone, if it is delegated.
    pub links: Vec<Link>,
    /// The replies of two of its servers.
    pub replies: Vec<ParentReply>,
    /// No server of this zone above ours answered; the last one that was asked.
    pub silent: Option<(Name, SocketAddr)>,
}

/// One zone of the chain of trust.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub zone: Name,
    /// The server of its parent that was asked for DS.
    pub parent: SocketAddr,
    /// DS, or NSEC and NSEC3, with their signatures. The root has none.
    pub ds: Vec<Record>,
    /// DNSKEY with its signatures; `None`: it was not asked, or nobody answered.
    pub keys: Option<Signed>,
    /// The zone's own NS set with its signatures; only of the zone that is looked at.
    pub ns: Option<Signed>,
}

/// The answer section of one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    pub server: SocketAddr,
    pub records: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ParentReply {
    pub server: SocketAddr,
    pub delegation: Delegation,
}

/// What a server of the parent answers when it is asked for the NS set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delegation {
    Delegated {
        /// Sorted.
        nameservers: Vec<Name>,
        /// Sorted.
        glue: Vec<(Name, IpAddr)>,
    },
    NoSuchName,
    /// The name exists, and has no NS records.
    NoNameservers,
    Alias(Name),
}
