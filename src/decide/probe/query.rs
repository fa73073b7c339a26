//! What is asked: every query to every address, in the order in which they are sent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RecordType};

use crate::config::{Config, Expected, IN_TURN, RecordSet, type_text};

/// For one packet, or one TCP exchange.
pub const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram each way; a truncated answer is fetched over TCP.
    Udp,
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryKind {
    Records,
    /// The record set with its signatures, if there are any (DO is set).
    Signatures,
    /// A name outside the server's zones (RD is set): only an open resolver answers.
    Recursion,
    /// What must not exist.
    Absent,
    /// With the EDNS option COOKIE (RFC 7873), as resolvers ask.
    Cookie,
}

impl QueryKind {
    /// Such a query is sent once an hour.
    #[must_use]
    pub fn hourly(self) -> bool {
        self == Self::Absent || !self.needs_answer()
    }

    /// Without an answer something is wrong, whatever else is asked.
    #[must_use]
    pub fn needs_answer(self) -> bool {
        !matches!(self, Self::Recursion | Self::Cookie)
    }
}

/// One name and type over one transport, and the answer that is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Index into [`Config::zones`]; `None` for a name outside of them.
    pub zone: Option<usize>,
    pub set: Arc<RecordSet>,
    pub transport: Transport,
    pub kind: QueryKind,
}

/// `www.example.net A`.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", name_text(&self.set.name), type_text(self.set.rtype))
    }
}

/// All queries to one address of one nameserver in a round.
///
/// The first is always an apex SOA over UDP. It is sent alone: an address that does not answer it gets no
/// other query.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Index into [`Config::nameservers`].
    pub nameserver: usize,
    pub address: SocketAddr,
    /// Never empty.
    pub queries: Vec<Query>,
}

/// All targets of a configuration, in its order.
#[must_use]
pub fn targets(config: &Config) -> Vec<Arc<Target>> {
    let mut targets = Vec::new();
    for (nameserver, server) in config.nameservers.iter().enumerate() {
        let queries = queries(config, nameserver, 0);
        targets.extend(
            server
                .addresses
                .iter()
                .map(|&address| Arc::new(Target { nameserver, address, queries: queries.clone() })),
        );
    }
    targets
}

/// For a zone: its SOA over UDP, with its signatures, and over TCP; its NS; every record set that the
/// configuration lists. Then what is queried once an hour: what must not exist, recursion, and a cookie.
fn queries(config: &Config, nameserver: usize, turn: usize) -> Vec<Query> {
    let serves = |zone: &usize| config.zones[*zone].nameservers.contains(&nameserver);
    let zones = || (0..config.zones.len()).filter(serves);
    let mut queries: Vec<Query> = zones().flat_map(|zone| zone_queries(config, zone)).collect();
    let cookie = queries.first().map(|soa| Query { kind: QueryKind::Cookie, ..soa.clone() });
    queries.extend(zones().flat_map(|zone| absent_queries(config, zone, turn)));
    queries.extend(recursion_query(config).into_iter().chain(cookie));
    queries
}

/// The name that must not exist at all, and those of the others whose turn it is.
fn absent_queries(config: &Config, zone: usize, turn: usize) -> Vec<Query> {
    let absent = config.zones[zone].absent.iter();
    let (mut asked, others): (Vec<_>, Vec<_>) =
        absent.partition(|set| set.expected == Expected::Nothing);
    let count = others.len().min(IN_TURN);
    asked.extend(others.iter().cycle().skip(turn * IN_TURN % others.len().max(1)).take(count));
    let query = |set: &Arc<RecordSet>| Query {
        zone: Some(zone),
        set: Arc::clone(set),
        transport: Transport::Udp,
        kind: QueryKind::Absent,
    };
    asked.into_iter().map(query).collect()
}

fn zone_queries(config: &Config, index: usize) -> Vec<Query> {
    let zone = &config.zones[index];
    let query = |set: &Arc<RecordSet>, transport, kind| Query {
        zone: Some(index),
        set: Arc::clone(set),
        transport,
        kind,
    };
    let over_udp = |set: &Arc<RecordSet>| query(set, Transport::Udp, QueryKind::Records);
    let at_apex =
        |rtype, expected| Arc::new(RecordSet { name: zone.name.clone(), rtype, expected });
    let soa = at_apex(RecordType::SOA, Expected::Some);
    let mut queries = vec![query(&soa, Transport::Udp, QueryKind::Signatures)];
    if !zone.records.iter().any(|set| set.rtype == RecordType::NS) {
        queries.push(over_udp(&at_apex(RecordType::NS, Expected::Records(config.ns_set(zone)))));
    }
    let listed = zone.records.iter().filter(|set| set.rtype != RecordType::SOA);
    queries.extend(listed.map(over_udp));
    queries.push(query(&soa, Transport::Tcp, QueryKind::Records));
    queries
}

/// The root's SOA: it is tiny, every resolver has it, and a list of root hints does not. A configuration that
/// watches the root itself gets no such query.
fn recursion_query(config: &Config) -> Option<Query> {
    let set = RecordSet { name: Name::root(), rtype: RecordType::SOA, expected: Expected::Some };
    let watched = config.zones.iter().any(|zone| zone.name.is_root());
    (!watched).then(|| Query {
        zone: None,
        set: Arc::new(set),
        transport: Transport::Udp,
        kind: QueryKind::Recursion,
    })
}

impl Target {
    /// The number of queries in every round.
    #[must_use]
    pub fn regular(&self) -> usize {
        self.queries.iter().filter(|query| !query.kind.hourly()).count()
    }

    /// The same with what is queried in this turn.
    #[must_use]
    pub fn in_turn(&self, config: &Config, turn: usize) -> Self {
        Self { queries: queries(config, self.nameserver, turn), ..self.clone() }
    }

    /// The same without the queries that are sent once an hour.
    #[must_use]
    pub fn without_hourly(&self) -> Self {
        let mut target = self.clone();
        target.queries.retain(|query| !query.kind.hourly());
        target
    }
}

/// A name for people: without a dot at the end, except the root's. Bytes that no host name has are `\DDD`, as
/// in zone files and `dig` (RFC 1035, section 5.1).
#[must_use]
pub fn name_text(name: &Name) -> String {
    if name.is_root() {
        return ".".to_owned();
    }
    let byte_text = |&byte: &u8| match byte {
        b'-' | b'_' | b'/' | b'*' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("\\{byte:03}"),
    };
    let labels = name.iter().map(|label| label.iter().map(byte_text).collect::<String>());
    labels.collect::<Vec<_>>().join(".")
}

/// What a `dig` command must show besides the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigOptions {
    /// The query was sent without EDNS.
    pub no_edns: bool,
    /// No answer came in time.
    pub timeout: bool,
    /// The fault is about signatures.
    pub dnssec: bool,
}

/// The `dig` command that sends the same query in the same way.
#[must_use]
pub fn dig(address: &SocketAddr, query: &Query, shown: DigOptions) -> String {
    let recurse = if query.kind == QueryKind::Recursion { "+recurse" } else { "+norecurse" };
    let cookie = if query.kind == QueryKind::Cookie { "+cookie" } else { "+nocookie" };
    let mut options = format!("{recurse} {cookie}");
    options.push_str(if shown.no_edns { " +noedns" } else { " +bufsize=1232" });
    if (query.kind == QueryKind::Signatures || shown.dnssec) && !shown.no_edns {
        options.push_str(" +dnssec");
    }
    if query.transport == Transport::Tcp {
        options.push_str(" +tcp");
    }
    if shown.timeout {
        options.push_str(&format!(" +tries=1 +time={}", TIMEOUT.as_secs()));
    }
    dig_command(address, &options, &query.set.name, query.set.rtype)
}

/// The `dig` command that asks an anchor as a round does.
#[must_use]
pub(crate) fn dig_root(address: &SocketAddr) -> String {
    dig_command(address, "+norecurse +nocookie +bufsize=1232", &Name::root(), RecordType::SOA)
}

/// The only place that puts one together.
pub(crate) fn dig_command(
    address: &SocketAddr,
    options: &str,
    name: &Name,
    rtype: RecordType,
) -> String {
    let mut name = name_text(name);
    if name.contains(['\\', '*']) {
        name = format!("'{name}'"); // both are special to a shell
    }
    let port = match address.port() {
        53 => String::new(),
        port => format!(" -p {port}"),
    };
    let (ip, rtype) = (address.ip(), type_text(rtype));
    format!("dig @{ip}{port} {options} {name} {rtype}")
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
