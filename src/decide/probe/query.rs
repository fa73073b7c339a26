//! What is asked: every question of every address, in the order in which it is asked.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use crate::config::{Config, Expected, RecordSet, type_text};

/// How a question travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram each way; a truncated answer is fetched over TCP.
    Udp,
    /// One connection.
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

/// What a question is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryKind {
    /// The record set.
    Records,
    /// The record set and the signatures over it, if there are any (DO is set).
    Signatures,
    /// What others have of it (RD is set): whoever is no resolver refuses to say.
    Recursion,
}

/// One name and type, over one transport, and what must come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Index into [`Config::zones`]; `None` for a name outside of them.
    pub zone: Option<usize>,
    /// What is asked for and expected.
    pub set: Arc<RecordSet>,
    /// How.
    pub transport: Transport,
    /// What for.
    pub kind: QueryKind,
}

/// `www.example.net A`: the part of a question that a person recognises.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", name_text(&self.set.name), type_text(self.set.rtype))
    }
}

/// Everything that one address of one nameserver is asked in a round.
///
/// The first question is always an apex SOA over UDP: it is asked alone, and an address that is dead to
/// it is not asked the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Index into [`Config::nameservers`].
    pub nameserver: usize,
    /// Whom to ask.
    pub address: SocketAddr,
    /// What to ask; never empty.
    pub queries: Vec<Query>,
}

/// All targets of a configuration, in its order.
///
/// A zone is asked for its SOA over UDP, with its signatures, and over TCP, for its NS, and for every record
/// set that the file lists. The last question of an address is the one about recursion.
#[must_use]
pub fn targets(config: &Config) -> Vec<Arc<Target>> {
    let asked: Vec<Vec<Query>> =
        (0..config.zones.len()).map(|index| zone_queries(config, index)).collect();
    let mut targets = Vec::new();
    for (nameserver, server) in config.nameservers.iter().enumerate() {
        let served = config.zones.iter().zip(&asked);
        let questions: Vec<Query> = served
            .filter(|(zone, _)| zone.nameservers.contains(&nameserver))
            .flat_map(|(_, questions)| questions.iter().cloned())
            .chain(outside(config))
            .collect();
        for &address in &server.addresses {
            targets.push(Arc::new(Target { nameserver, address, queries: questions.clone() }));
        }
    }
    targets
}

fn zone_queries(config: &Config, index: usize) -> Vec<Query> {
    let zone = &config.zones[index];
    let question = |set: &Arc<RecordSet>, transport| Query {
        zone: Some(index),
        set: Arc::clone(set),
        transport,
        kind: QueryKind::Records,
    };
    let at_apex =
        |rtype, expected| Arc::new(RecordSet { name: zone.name.clone(), rtype, expected });
    let soa = at_apex(RecordType::SOA, Expected::Some);
    let mut questions =
        vec![Query { kind: QueryKind::Signatures, ..question(&soa, Transport::Udp) }];
    if !zone.records.iter().any(|set| set.rtype == RecordType::NS) {
        let set = at_apex(RecordType::NS, Expected::Records(config.ns_set(zone)));
        questions.push(question(&set, Transport::Udp));
    }
    let listed = zone.records.iter().filter(|set| set.rtype != RecordType::SOA);
    questions.extend(listed.map(|set| question(set, Transport::Udp)));
    questions.push(question(&soa, Transport::Tcp));
    questions
}

/// What nobody but the root's own servers, and those who ask them for anybody, would answer: the root's SOA.
///
/// It is tiny, every resolver has it at hand, and a list of root hints does not hold it. Whoever serves the
/// root is not asked.
fn outside(config: &Config) -> Option<Query> {
    let set = RecordSet { name: Name::root(), rtype: RecordType::SOA, expected: Expected::Some };
    let ours = config.zones.iter().any(|zone| zone.name.is_root());
    (!ours).then(|| Query {
        zone: None,
        set: Arc::new(set),
        transport: Transport::Udp,
        kind: QueryKind::Recursion,
    })
}

impl Target {
    /// How many questions are asked in every round.
    #[must_use]
    pub fn regular(&self) -> usize {
        self.queries.iter().filter(|question| question.kind != QueryKind::Recursion).count()
    }

    /// The same without the question about recursion, which is asked once an hour.
    #[must_use]
    pub fn without_recursion(&self) -> Self {
        let asked = self.queries.iter().filter(|question| question.kind != QueryKind::Recursion);
        Self { queries: asked.cloned().collect(), ..*self }
    }
}

/// A name for people: no dot at the end, except the root's. What no host's name holds is `\DDD`, as zone files
/// and `dig` have it (RFC 1035, section 5.1).
#[must_use]
pub fn name_text(name: &Name) -> String {
    if name.is_root() {
        return ".".to_owned();
    }
    let mut text = String::new();
    for (n, label) in name.iter().enumerate() {
        if n > 0 {
            text.push('.');
        }
        for &byte in label {
            match byte {
                b'-' | b'_' | b'/' | b'*' => text.push(byte.into()),
                _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
    }
    text
}

/// The `dig` command that asks the same question in the same way.
#[must_use]
pub fn dig(address: &SocketAddr, question: &Query) -> String {
    let port = match address.port() {
        53 => String::new(),
        port => format!(" -p {port}"),
    };
    let transport = match question.transport {
        Transport::Udp => "",
        Transport::Tcp => " +tcp",
    };
    let aim = match question.kind {
        QueryKind::Records => "+norecurse +bufsize=1232",
        QueryKind::Signatures => "+norecurse +bufsize=1232 +dnssec",
        QueryKind::Recursion => "+recurse +bufsize=1232",
    };
    let mut name = name_text(&question.set.name);
    if name.contains(['\\', '*']) {
        name = format!("'{name}'"); // a shell has other ideas of them
    }
    let rtype = type_text(question.set.rtype);
    format!("dig @{}{port} {aim}{transport} {name} {rtype}", address.ip())
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
    fn every_address_is_asked_for_soa_over_both_transports_and_every_listed_set() {
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
            ]
            .map(|q| format!("{address} {q}"))
        };
        let mut expected = Vec::new();
        expected.extend(first("127.0.0.1:5301"));
        expected.extend(first("[::1]:5301"));
        expected.extend(first("127.0.0.2:53"));
        let outside = expected.pop();
        expected.extend(
            ["UDP example.org SOA", "UDP example.org NS", "TCP example.org SOA"]
                .map(|q| format!("127.0.0.2:53 {q}")),
        );
        expected.extend(outside);
        assert_eq!(asked, expected);
    }

    #[test]
    fn the_dig_command_asks_the_same_server_the_same_thing_the_same_way() {
        let targets = targets(&config(TWO));
        let digs = |n: usize, q: usize| dig(&targets[n].address, &targets[n].queries[q]);
        assert_eq!(digs(0, 2), "dig @127.0.0.1 -p 5301 +norecurse +bufsize=1232 www.example.net A");
        assert_eq!(digs(2, 3), "dig @127.0.0.2 +norecurse +bufsize=1232 +tcp example.net SOA");
        assert_eq!(digs(2, 0), "dig @127.0.0.2 +norecurse +bufsize=1232 +dnssec example.net SOA");
        assert_eq!(digs(0, 4), "dig @127.0.0.1 -p 5301 +recurse +bufsize=1232 . SOA");
    }

    #[test]
    fn names_of_any_bytes_and_types_without_a_name_are_written_so_that_dig_takes_them() {
        let labels: [&[u8]; 3] = [b"my `printer`.", b"*", b"net"];
        let name = Name::from_labels(labels).unwrap();
        let set = RecordSet { name, rtype: RecordType::Unknown(29), expected: Expected::Some };
        let question = Query {
            zone: None,
            set: Arc::new(set),
            transport: Transport::Udp,
            kind: QueryKind::Records,
        };
        let at = "127.0.0.1:53".parse().unwrap();
        assert_eq!(
            dig(&at, &question),
            r"dig @127.0.0.1 +norecurse +bufsize=1232 'my\032\096printer\096\046.*.net' TYPE29"
        );
    }

    #[test]
    fn the_question_about_recursion_is_left_out_between_its_times_and_for_who_serves_the_root() {
        let targets = targets(&config(TWO));
        let whole = targets[0].queries.len();
        let without = targets[0].without_recursion();
        assert_eq!((without.queries.len(), without.address), (whole - 1, targets[0].address));
        assert!(without.queries.iter().all(|question| question.kind != QueryKind::Recursion));
        let root = format!("{TWO}\n[[zone]]\nname = \".\"");
        for target in super::targets(&config(&root)) {
            assert!(target.queries.iter().all(|question| question.kind != QueryKind::Recursion));
        }
    }

    #[test]
    fn a_zone_should_have_the_nameservers_that_are_watched_for_it_unless_it_lists_others() {
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
