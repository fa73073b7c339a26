//! What is asked: every question of every address, in the order in which it is asked.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use crate::config::{Config, Expected, RecordSet, Zone};

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

/// One name and type, over one transport, and what must come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Index into [`Config::zones`].
    pub zone: usize,
    /// What is asked for and expected.
    pub set: Arc<RecordSet>,
    /// How.
    pub transport: Transport,
}

/// `www.example.net A`: the part of a question that a person recognises.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", name_text(&self.set.name), self.set.rtype)
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
    pub questions: Vec<Question>,
}

/// All targets of a configuration, in its order.
///
/// A zone is asked for its SOA over UDP and TCP, for its NS, and for every record set that the file
/// lists. The checks to come (NS set, serials, open recursion,
/// signatures) are further questions of this list.
#[must_use]
pub fn targets(config: &Config) -> Vec<Arc<Target>> {
    let asked: Vec<Vec<Question>> =
        config.zones.iter().enumerate().map(|(index, zone)| zone_questions(index, zone)).collect();
    let mut targets = Vec::new();
    for (nameserver, server) in config.nameservers.iter().enumerate() {
        let served = config.zones.iter().zip(&asked);
        let questions: Vec<Question> = served
            .filter(|(zone, _)| zone.nameservers.contains(&nameserver))
            .flat_map(|(_, questions)| questions.iter().cloned())
            .collect();
        for &address in &server.addresses {
            targets.push(Arc::new(Target { nameserver, address, questions: questions.clone() }));
        }
    }
    targets
}

fn zone_questions(index: usize, zone: &Zone) -> Vec<Question> {
    let question =
        |set: &Arc<RecordSet>, transport| Question { zone: index, set: Arc::clone(set), transport };
    let at_apex =
        |rtype| Arc::new(RecordSet { name: zone.name.clone(), rtype, expected: Expected::Some });
    let soa = at_apex(RecordType::SOA);
    let mut questions = vec![question(&soa, Transport::Udp)];
    let at_the_apex = |set: &Arc<RecordSet>| set.rtype == RecordType::NS && set.name == zone.name;
    if !zone.records.iter().any(at_the_apex) {
        questions.push(question(&at_apex(RecordType::NS), Transport::Udp));
    }
    let listed = zone.records.iter().filter(|set| set.rtype != RecordType::SOA);
    questions.extend(listed.map(|set| question(set, Transport::Udp)));
    questions.push(question(&soa, Transport::Tcp));
    questions
}

/// A name for people: no dot at the end, except the root's.
#[must_use]
pub fn name_text(name: &Name) -> String {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(short) => short.to_owned(),
    }
}

/// The `dig` command that asks the same question in the same way.
#[must_use]
pub fn dig(address: &SocketAddr, question: &Question) -> String {
    let port = match address.port() {
        53 => String::new(),
        port => format!(" -p {port}"),
    };
    let transport = match question.transport {
        Transport::Udp => "",
        Transport::Tcp => " +tcp",
    };
    format!(
        "dig @{}{port} +norecurse +bufsize=1232{transport} {} {}",
        address.ip(),
        name_text(&question.set.name),
        question.set.rtype
    )
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
                t.questions.iter().map(move |q| format!("{address} {} {q}", q.transport))
            })
            .collect();
        let first = |address: &str| {
            [
                "UDP example.net SOA",
                "UDP example.net NS",
                "UDP www.example.net A",
                "TCP example.net SOA",
            ]
            .map(|q| format!("{address} {q}"))
        };
        let mut expected = Vec::new();
        expected.extend(first("127.0.0.1:5301"));
        expected.extend(first("[::1]:5301"));
        expected.extend(first("127.0.0.2:53"));
        expected.extend(
            ["UDP example.org SOA", "UDP example.org NS", "TCP example.org SOA"]
                .map(|q| format!("127.0.0.2:53 {q}")),
        );
        assert_eq!(asked, expected);
    }

    #[test]
    fn the_dig_command_asks_the_same_server_the_same_thing_the_same_way() {
        let targets = targets(&config(TWO));
        let digs = |n: usize, q: usize| dig(&targets[n].address, &targets[n].questions[q]);
        assert_eq!(digs(0, 2), "dig @127.0.0.1 -p 5301 +norecurse +bufsize=1232 www.example.net A");
        assert_eq!(digs(2, 3), "dig @127.0.0.2 +norecurse +bufsize=1232 +tcp example.net SOA");
    }
}
