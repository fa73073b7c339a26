//! What is asked: every query to every address, in the order in which they are sent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RecordType};

use crate::config::{Config, Expected, RecordSet, type_text};

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
    /// With the EDNS option COOKIE (RFC 7873), as resolvers ask.
    Cookie,
}

impl QueryKind {
    /// Such a query is sent once an hour.
    #[must_use]
    pub fn hourly(self) -> bool {
        matches!(self, Self::Recursion | Self::Cookie)
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
///
/// For a zone: its SOA over UDP, with its signatures, and over TCP; its NS; every record set that the
/// configuration lists. The last queries of an address are about recursion and cookies.
#[must_use]
pub fn targets(config: &Config) -> Vec<Arc<Target>> {
    let of_zones: Vec<_> = (0..config.zones.len()).map(|zone| zone_queries(config, zone)).collect();
    let mut targets = Vec::new();
    for (nameserver, server) in config.nameservers.iter().enumerate() {
        let zones = config.zones.iter().zip(&of_zones);
        let served = zones.filter(|(zone, _)| zone.nameservers.contains(&nameserver));
        let queries = served.flat_map(|(_, queries)| queries.iter().cloned());
        let mut queries: Vec<Query> = queries.collect();
        let cookie = queries.first().map(|soa| Query { kind: QueryKind::Cookie, ..soa.clone() });
        queries.extend(recursion_query(config).into_iter().chain(cookie));
        targets.extend(
            server
                .addresses
                .iter()
                .map(|&address| Arc::new(Target { nameserver, address, queries: queries.clone() })),
        );
    }
    targets
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

/// ` -p 5353` for `dig`; nothing for port 53.
#[must_use]
pub(crate) fn dig_port(address: &SocketAddr) -> String {
    match address.port() {
        53 => String::new(),
        port => format!(" -p {port}"),
    }
}

/// What a `dig` command must show besides the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigOptions {
    /// The query was sent without EDNS.
    pub no_edns: bool,
    /// No answer came in time.
    pub timeout: bool,
}

/// The `dig` command that sends the same query in the same way.
#[must_use]
pub fn dig(address: &SocketAddr, query: &Query, shown: DigOptions) -> String {
    let recurse = if query.kind == QueryKind::Recursion { "+recurse" } else { "+norecurse" };
    let cookie = if query.kind == QueryKind::Cookie { "+cookie" } else { "+nocookie" };
    let mut options = format!("{recurse} {cookie}");
    options.push_str(if shown.no_edns { " +noedns" } else { " +bufsize=1232" });
    if query.kind == QueryKind::Signatures && !shown.no_edns {
        options.push_str(" +dnssec");
    }
    if query.transport == Transport::Tcp {
        options.push_str(" +tcp");
    }
    if shown.timeout {
        options.push_str(&format!(" +tries=1 +time={}", TIMEOUT.as_secs()));
    }
    let mut name = name_text(&query.set.name);
    if name.contains(['\\', '*']) {
        name = format!("'{name}'"); // both are special to a shell
    }
    let (ip, port, rtype) = (address.ip(), dig_port(address), type_text(query.set.rtype));
    format!("dig @{ip}{port} {options} {name} {rtype}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse("test.toml", text).unwrap()
    }

    const TWO: &str = r#"
        [[nameserver]]
        name = "ns1.example.net"
        addresses = ["127.0.0.1:5301", "[::1]:5301"]
        [[nameserver]]
        name = "ns2.example.net"
        addresses = ["127.0.0.2"]
        [vantage]
        anchors = ["127.0.0.9:53", "[::1]:53"]
        [[zone]]
        name = "example.net"
        records = [{ name = "www", type = "A", values = ["192.0.2.80"] }, { name = "@", type = "SOA" }]
        [[zone]]
        name = "example.org"
        nameservers = ["ns2.example.net"]
    "#;

    #[test]
    fn every_address_gets_queries_for_the_soa_over_both_transports_and_for_every_listed_set() {
        let targets = targets(&config(TWO));
        let asked: Vec<String> = targets
            .iter()
            .flat_map(|t| {
                let address = t.address;
                t.queries.iter().map(move |q| format!("{address} {} {q}", q.transport))
            })
            .collect();
        let first = |address: &str| {
            [
                "UDP example.net SOA",
                "UDP example.net NS",
                "UDP www.example.net A",
                "TCP example.net SOA",
                "UDP . SOA",
                "UDP example.net SOA",
            ]
            .map(|q| format!("{address} {q}"))
        };
        let mut expected = Vec::new();
        expected.extend(first("127.0.0.1:5301"));
        expected.extend(first("[::1]:5301"));
        expected.extend(first("127.0.0.2:53"));
        let hourly = expected.split_off(expected.len() - 2);
        expected.extend(
            ["UDP example.org SOA", "UDP example.org NS", "TCP example.org SOA"]
                .map(|q| format!("127.0.0.2:53 {q}")),
        );
        expected.extend(hourly);
        assert_eq!(asked, expected);
    }

    #[test]
    fn the_dig_command_sends_the_same_query_in_the_same_way() {
        let targets = targets(&config(TWO));
        let digs = |n: usize, q: usize| {
            dig(&targets[n].address, &targets[n].queries[q], DigOptions::default())
        };
        assert_eq!(
            digs(0, 2),
            "dig @127.0.0.1 -p 5301 +norecurse +nocookie +bufsize=1232 www.example.net A"
        );
        assert_eq!(
            digs(2, 3),
            "dig @127.0.0.2 +norecurse +nocookie +bufsize=1232 +tcp example.net SOA"
        );
        assert_eq!(
            digs(2, 0),
            "dig @127.0.0.2 +norecurse +nocookie +bufsize=1232 +dnssec example.net SOA"
        );
        assert_eq!(
            digs(0, 5),
            "dig @127.0.0.1 -p 5301 +norecurse +cookie +bufsize=1232 example.net SOA"
        );
        assert_eq!(digs(0, 4), "dig @127.0.0.1 -p 5301 +recurse +nocookie +bufsize=1232 . SOA");
    }

    #[test]
    fn the_dig_command_shows_how_long_was_waited_and_that_edns_was_left_out() {
        let target = &targets(&config(TWO))[2];
        let shown = DigOptions { no_edns: true, timeout: true };
        assert_eq!(
            dig(&target.address, &target.queries[0], shown),
            "dig @127.0.0.2 +norecurse +nocookie +noedns +tries=1 +time=2 example.net SOA"
        );
    }

    #[test]
    fn dig_accepts_names_of_any_bytes_and_types_without_a_name() {
        let labels: [&[u8]; 3] = [b"my `printer`.", b"*", b"net"];
        let name = Name::from_labels(labels).unwrap();
        let set = RecordSet { name, rtype: RecordType::Unknown(65280), expected: Expected::Some };
        let query = Query {
            zone: None,
            set: Arc::new(set),
            transport: Transport::Udp,
            kind: QueryKind::Records,
        };
        let at = "127.0.0.1:53".parse().unwrap();
        assert_eq!(
            dig(&at, &query, DigOptions::default()),
            r"dig @127.0.0.1 +norecurse +nocookie +bufsize=1232 'my\032\096printer\096\046.*.net' TYPE65280"
        );
    }

    #[test]
    fn hourly_queries_are_not_in_every_round_and_one_about_recursion_is_never_sent_to_a_root_server()
     {
        let targets = targets(&config(TWO));
        let whole = targets[0].queries.len();
        let without = targets[0].without_hourly();
        assert_eq!((without.queries.len(), without.address), (whole - 2, targets[0].address));
        assert!(without.queries.iter().all(|query| !query.kind.hourly()));
        let root = format!("{TWO}\n[[zone]]\nname = \".\"");
        for target in super::targets(&config(&root)) {
            assert!(target.queries.iter().all(|query| query.kind != QueryKind::Recursion));
        }
    }

    #[test]
    fn the_expected_ns_set_is_the_watched_nameservers_unless_the_records_list_another() {
        let expected = |text: &str| {
            let config = config(text);
            let target = &targets(&config)[0];
            let ns = target.queries.iter().find(|q| q.set.rtype == RecordType::NS).unwrap();
            match &ns.set.expected {
                Expected::Records(records) => {
                    records.iter().map(ToString::to_string).collect::<Vec<_>>()
                }
                Expected::Some => Vec::new(),
            }
        };
        assert_eq!(expected(TWO), ["ns1.example.net.", "ns2.example.net."]);
        let listed = TWO.replace(
            r#"{ name = "@", type = "SOA" }"#,
            r#"{ name = "@", type = "NS", values = ["ns2", "ns9.example.org."] }"#,
        );
        assert_eq!(expected(&listed), ["ns2.example.net.", "ns9.example.org."]);
    }
}
