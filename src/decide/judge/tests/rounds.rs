//! Rounds made by hand, and what is said of their subjects.

use crate::config::Config;
use crate::decide::judge::finding::Finding;
use crate::decide::judge::finding::Severity;
use crate::decide::judge::finding::Verdict;
use crate::decide::judge::round::{judge, looks_faulty};
use crate::decide::probe::query::Query;
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::round::Edns;
use crate::decide::probe::round::Observation;
use crate::decide::probe::round::Observed;
use crate::decide::probe::round::Outcome;
use crate::decide::probe::round::Round;
use hickory_resolver::proto::op::ResponseCode;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::decide::judge::uplink::Family;
use crate::decide::probe::query::{Target, targets};
use crate::decide::probe::round::AnchorReply;
use crate::decide::time::Moment;

/// Two nameservers; the second has two addresses, and serves the second zone alone.
const TWO: &str = r#"
    [vantage]
    anchors = ["127.0.0.9:53", "[::1]:9"]
    intercept = []
    [[nameserver]]
    name = "ns1.example.net"
    addresses = ["127.0.0.1:53"]
    [[nameserver]]
    name = "ns2.example.net"
    addresses = ["127.0.0.2:53", "[::1]:53"]
    [[zone]]
    name = "example.net"
    records = [
        { name = "www", type = "A", values = ["192.0.2.1"] },
        { name = "ftp", type = "A", values = ["192.0.2.1"] },
    ]
    [[zone]]
    name = "example.org"
    nameservers = ["ns2.example.net"]
"#;

const NS1: &str = "127.0.0.1:53";
const NS2: &str = "127.0.0.2:53";
const NS2_6: &str = "[::1]:53";

pub(super) fn observation(outcome: Outcome) -> Observation {
    Observation {
        outcome,
        attempts: 1,
        truncated: false,
        latency: Duration::from_millis(7),
        edns: Edns::With,
    }
}

/// The right answer to a question of [`TWO`].
pub(super) fn right(question: &Query) -> Observation {
    let data = match (&question.set.expected, question.kind) {
        (_, QueryKind::Recursion) => return refused(),
        (Expected::Records(records), _) => records.clone(),
        (Expected::Some, _) => vec![soa(1)],
        (Expected::Nothing | Expected::NoData | Expected::Exists, _) => Vec::new(),
    };
    let owned = data.iter().map(|data| (&question.set.name, data));
    observation(Outcome::Answer(Answer::new(&question.set, owned)))
}

/// A round over [`TWO`] from a good vantage. What is asked about is written as in
/// `127.0.0.1:53 UDP www.example.net A`.
pub(super) fn round(config: &Config, got: impl Fn(&str, &Query) -> Observation) -> Round {
    let observe = |target: Arc<Target>| {
        let one = |question: &Query| {
            let asked = format!("{} {} {question}", target.address, question.transport);
            got(&asked, question)
        };
        let observations = target.queries.iter().map(one).collect();
        Observed { target, observations }
    };
    let reading = |&address: &SocketAddr| AnchorReply {
        address,
        outcome: Outcome::Answer(with(&[])),
        latency: Duration::from_millis(9),
    };
    Round {
        at: Moment::default(),
        before: config.vantage.anchors.iter().map(reading).collect(),
        intercept: Vec::new(),
        after: None,
        observed: targets(config).into_iter().map(observe).collect(),
        endpoints: Vec::new(),
        world: Vec::new(),
    }
}

pub(super) fn two() -> Config {
    Config::parse("test.toml", TWO).unwrap()
}

pub(super) fn verdicts(config: &Config, round: &Round) -> [Verdict; 2] {
    let judgement = judge(config, round);
    let subjects: Vec<usize> = judgement.verdicts.iter().map(|(index, _)| *index).collect();
    assert_eq!(subjects, [0, 1]);
    let [first, second] = &judgement.verdicts[..] else {
        unreachable!("two subjects");
    };
    [first.1.clone(), second.1.clone()]
}

fn row(row: &Finding) -> String {
    let (address, zone, question) = (row.address, &row.zone, &row.question);
    format!("{} {address} {zone} {question} +{} {}", row.severity, row.more, row.fault)
}

pub(super) fn rows(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(row).collect()
}

#[test]
fn a_round_without_a_fault_is_well_and_counts_its_queries() {
    let config = two();
    let round = round(&config, |_, question| right(question));
    assert!(!looks_faulty(&round));
    let [first, second] = verdicts(&config, &round);
    assert_eq!((first.severity(), second.severity()), (None, None));
    let [ns1, ns2, ns2_6] = &targets(&config)[..] else {
        unreachable!("three addresses");
    };
    // The query with a cookie is not counted.
    assert_eq!((first.observed_addresses, first.queries), (1, ns1.queries.len() - 1));
    let both = ns2.queries.len() + ns2_6.queries.len() - 2;
    assert_eq!((second.observed_addresses, second.queries), (2, both));
    assert_eq!(first.latency, Some(Duration::from_millis(7)));
}

pub(super) fn refused() -> Observation {
    observation(Outcome::Answer(Answer { rcode: ResponseCode::Refused, ..with(&[]) }))
}

#[test]
fn one_fault_of_many_queries_of_a_zone_is_one_finding() {
    let config = two();
    let round = round(&config, |asked, question| match asked {
        // Both addresses are lame for one zone, and one has lost two names of the other.
        _ if asked.contains(" example.org ") => refused(),
        "127.0.0.2:53 UDP www.example.net A" => refused(),
        "127.0.0.2:53 UDP ftp.example.net A" => observation(Outcome::Answer(with(&[]))),
        _ => right(question),
    });
    assert!(looks_faulty(&round));
    let [first, second] = verdicts(&config, &round);
    assert_eq!(first.findings, []);
    assert_eq!(
        rows(&second),
        [
            "down 127.0.0.2:53 example.net www.example.net A +0 rcode-refused",
            "down 127.0.0.2:53 example.net ftp.example.net A +0 no-records",
            "down 127.0.0.2:53 example.org example.org SOA +1 rcode-refused",
            "down [::1]:53 example.org example.org SOA +1 rcode-refused",
        ]
    );
    assert_eq!(second.severity(), Some(Severity::Down));
    assert_eq!(
        second.findings[3].command,
        "dig @::1 +norecurse +nocookie +bufsize=1232 +dnssec example.org SOA"
    );
}

#[test]
fn a_fault_over_tcp_has_a_row_of_its_own_unless_udp_fails_alike() {
    let config = two();
    let refused =
        || observation(Outcome::Answer(Answer { rcode: ResponseCode::Refused, ..with(&[]) }));
    let cut = || Observation { truncated: true, ..observation(Outcome::Closed) };
    let closed = || observation(Outcome::Closed);
    let own = || observation(Outcome::Local("no sockets".to_owned()));
    for (udp, tcp, said) in [
        (
            refused(),
            refused(),
            &["answers REFUSED, though it answers other queries for the zone"][..],
        ),
        (
            cut(),
            closed(),
            &["says over UDP that the answer is too long, and over TCP it refuses packets: \
                             nothing listens on the port"],
        ),
        (
            refused(),
            closed(),
            &[
                "answers REFUSED, though it answers other queries for the zone",
                "has another fault over TCP: it refuses packets: nothing listens on the port",
            ],
        ),
        (own(), closed(), &[]),
    ] {
        let round = round(&config, |asked, question| match asked {
            "127.0.0.1:53 UDP example.net SOA" => udp.clone(),
            "127.0.0.1:53 TCP example.net SOA" => tcp.clone(),
            _ => right(question),
        });
        let [first, _] = verdicts(&config, &round);
        let details: Vec<&str> = first.findings.iter().map(|row| row.detail.as_str()).collect();
        assert_eq!(details, said);
    }
}

#[test]
fn the_worst_comes_first() {
    let config = two();
    // TCP of the first zone is asked before anything of the second, whose fault is worse.
    let round = round(&config, |asked, question| match asked {
        "127.0.0.1:53 TCP example.net SOA" => observation(Outcome::Closed),
        "127.0.0.2:53 TCP example.net SOA" => observation(Outcome::Silent),
        "127.0.0.2:53 UDP example.org NS" => observation(Outcome::Garbled("noise".to_owned())),
        _ => right(question),
    });
    let [first, second] = verdicts(&config, &round);
    assert_eq!(rows(&first), ["degraded 127.0.0.1:53 example.net example.net SOA +0 tcp-closed"]);
    assert_eq!(first.severity(), Some(Severity::Degraded));
    assert_eq!(
        rows(&second),
        [
            "down 127.0.0.2:53 example.org example.org NS +0 garbled",
            "degraded 127.0.0.2:53 example.net example.net SOA +0 tcp-silent",
        ]
    );
    assert_eq!(second.severity(), Some(Severity::Down));
}

#[test]
fn a_dead_address_has_one_fault_although_tcp_was_not_queried() {
    let config = two();
    let mut round = round(&config, |_, question| right(question));
    for (n, observation) in (0..).zip(&mut round.observed[0].observations) {
        observation.outcome = Outcome::Silent;
        observation.attempts = if n == 0 { 3 } else { 0 };
    }
    let [dead, _] = verdicts(&config, &round);
    assert_eq!(rows(&dead), ["down 127.0.0.1:53 example.net example.net SOA +4 silent"]);
    assert_eq!((dead.observed_addresses, dead.latency), (1, None));
}

#[test]
fn a_fault_over_tcp_after_a_truncated_answer_has_a_tcp_code() {
    let config = two();
    for (outcome, fault) in [
        (Outcome::Closed, "truncated-closed"),
        (Outcome::Answer(with(&[])), "truncated-no-records"),
        (Outcome::Answer(Answer { tc: true, ..with(&[a(1)]) }), "truncated-garbled"),
    ] {
        let round = round(&config, |asked, question| match asked {
            "127.0.0.1:53 UDP www.example.net A" => {
                Observation { truncated: true, ..observation(outcome.clone()) }
            }
            _ => right(question),
        });
        let [first, _] = verdicts(&config, &round);
        assert_eq!(first.findings.len(), 1);
        assert_eq!(
            (first.findings[0].fault.to_string().as_str(), first.severity()),
            (fault, Some(Severity::Down))
        );
    }
}

#[test]
fn an_address_is_unobserved_while_its_family_or_our_own_side_fails() {
    let config = two();
    let mut round = round(&config, |asked, question| {
        if asked.starts_with(NS2_6) {
            return observation(Outcome::Silent);
        }
        match asked {
            "127.0.0.1:53 UDP www.example.net A" => {
                observation(Outcome::Local("too many open files".to_owned()))
            }
            "127.0.0.1:53 UDP ftp.example.net A" => observation(Outcome::Answer(with(&[]))),
            _ => right(question),
        }
    });
    round.before[1].outcome = Outcome::Silent;
    assert_eq!(judge(&config, &round).uplink.ipv6, Family::Offline);
    let [first, second] = verdicts(&config, &round);
    // One question could not be asked: what the others showed counts, and their silence does not.
    assert_eq!(
        (first.observed_addresses, &first.unobserved_addresses[..]),
        (0, &[NS1.parse().unwrap()][..])
    );
    assert_eq!(first.findings.len(), 1);
    assert_eq!(
        (second.observed_addresses, &second.unobserved_addresses[..]),
        (1, &[NS2_6.parse().unwrap()][..])
    );
    let seen = round.observed[1].observations.len() - 1;
    assert_eq!((second.queries, second.findings.len()), (seen, 0));
}

#[test]
fn a_failure_on_our_own_side_is_no_fault() {
    let config = two();
    let local = |_: &str, _: &Query| observation(Outcome::Local("no memory".to_owned()));
    let round = round(&config, local);
    assert!(!looks_faulty(&round));
    for verdict in verdicts(&config, &round) {
        assert_eq!((verdict.severity(), verdict.observed_addresses), (None, 0));
        assert_eq!(verdict.why.as_deref(), Some("no memory"));
    }
}

#[test]
fn anchors_that_our_own_side_cannot_ask_are_the_reason_of_an_unknown_verdict() {
    let config = two();
    let mut round = round(&config, |_, question| right(question));
    for anchor in &mut round.before {
        anchor.outcome = Outcome::Local("no file is left".to_owned());
    }
    for verdict in verdicts(&config, &round) {
        assert_eq!((verdict.severity(), verdict.observed_addresses), (None, 0));
        assert_eq!(verdict.why.as_deref(), Some("no file is left"));
    }
}

#[test]
fn the_latency_is_the_median_of_the_right_answers_of_all_addresses() {
    let config = two();
    let round = round(&config, |asked, question| {
        let latency = match asked {
            "127.0.0.1:53 UDP www.example.net A" => 900,
            "127.0.0.1:53 UDP ftp.example.net A" => 1,
            _ if asked.starts_with(NS1) => 50,
            _ if asked.starts_with(NS2) => 30,
            // A wrong answer's latency does not count, however quick.
            "[::1]:53 UDP www.example.net A" => {
                return observation(Outcome::Answer(with(&[a(9)])));
            }
            _ => 40,
        };
        Observation { latency: Duration::from_millis(latency), ..right(question) }
    });
    let [first, second] = verdicts(&config, &round);
    assert_eq!(first.latency, Some(Duration::from_millis(50)));
    // As many addresses with 40 ms, but one answer less.
    assert_eq!(second.latency, Some(Duration::from_millis(30)));
}
