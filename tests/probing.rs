//! What the product makes of a nameserver: the real `Inspector` asks, the real `judge` judges, and the
//! nameserver does what it is told to, over loopback sockets or over a network in memory whose time is
//! paused. All times are virtual, except that the sockets' packets take what they take.

mod behaviours;
mod checks;
mod load;
mod oddities;
mod rate_limit;
mod uplink;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use pilotlight::config::Config;
use pilotlight::decide::judge::finding::Verdict;
use pilotlight::decide::judge::round::{Judgement, judge};
use pilotlight::decide::probe::query::targets;
use pilotlight::decide::probe::round::Round;
use pilotlight::io::clock::Clock;
use pilotlight::io::dns::limits::ProbeLimits;
use pilotlight::io::inspector::Inspector;
use tokio::time::Instant;

use crate::fakes::dns::memnet::MemNet;
use crate::fakes::dns::script::{Behaviour, Nameserver, Transport, ZoneData};

const ZONE: &str = "
    @     300 SOA   ns1.example.net. hostmaster.example.net. 7 7200 3600 1209600 300
    @     300 NS    ns1.example.net.
    @     300 NS    ns2.example.net.
    @     300 MX    10 mail.example.net.
    www   300 A     192.0.2.80
    www   300 A     192.0.2.81
    alias 300 CNAME www
";

/// The NS set of [`ZONE`], however many nameservers there are to ask.
const NS: &str = r#"{ name = "@", type = "NS", values = ["ns1", "ns2"] }"#;

/// What `www` of [`ZONE`] holds, as a configuration lists it.
const WWW: &str = r#"{ name = "www", type = "A", values = ["192.0.2.81", "192.0.2.80"] }"#;

fn zone() -> ZoneData {
    ZoneData::parse("example.net", ZONE)
}

fn anchor() -> Nameserver {
    Nameserver::new([ZoneData::root()])
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// A nameserver `ns1.example.net` for each of these lists of addresses, and one zone with those records.
fn config(
    servers: &[Vec<SocketAddr>],
    records: &str,
    anchors: &[SocketAddr],
    intercept: &[SocketAddr],
) -> Config {
    let list = |addresses: &[SocketAddr]| {
        let quoted: Vec<String> =
            addresses.iter().map(|a| format!("{:?}", a.to_string())).collect();
        format!("[{}]", quoted.join(", "))
    };
    let mut text = format!(
        "[vantage]\nanchors = {}\nintercept = {}\n\
         [[zone]]\nname = \"example.net\"\nrecords = [{all}]\n",
        list(anchors),
        list(intercept),
        all = [NS, records].join(", ").trim_end_matches(", "),
    );
    for (number, addresses) in (1..).zip(servers) {
        let addresses = list(addresses);
        writeln!(
            text,
            "[[nameserver]]\nname = \"ns{number}.example.net\"\naddresses = {addresses}"
        )
        .unwrap();
    }
    Config::parse("test.toml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// So many record sets, `r0 A` and on, all in the zone that [`many_zone`] makes.
fn many_records(count: usize) -> String {
    let record = |n| format!(r#"{{ name = "r{n}", type = "A", values = ["192.0.2.1"] }}"#);
    let all: Vec<String> = (0..count).map(record).collect();
    all.join(", ")
}

fn many_zone(count: usize) -> ZoneData {
    let mut text = ZONE.to_owned();
    for n in 0..count {
        writeln!(text, "r{n} 300 A 192.0.2.1").unwrap();
    }
    ZoneData::parse("example.net", &text)
}

/// A network with an anchor and this nameserver, which should have [`ZONE`].
fn one(server: Nameserver) -> (MemNet, Config) {
    let net = MemNet::new();
    let (home, address) = (at("127.0.0.1:53"), at("127.0.0.2:53"));
    net.add(home, anchor());
    net.add(address, server);
    (net, config(&[vec![address]], WWW, &[home], &[]))
}

/// A round, its meaning, and how long it took.
async fn timed<P: RuntimeProvider>(
    network: &P,
    config: &Config,
    limits: ProbeLimits,
) -> (Round, Judgement, Duration) {
    let begin = Instant::now();
    let (round, judgement) = look(network, config, limits).await;
    (round, judgement, begin.elapsed())
}

/// A round and what it means.
async fn look<P: RuntimeProvider>(
    network: &P,
    config: &Config,
    limits: ProbeLimits,
) -> (Round, Judgement) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let inspector = Inspector::new(network.clone(), clock, limits);
    let round = inspector.round(&targets(config), &[], &config.vantage).await;
    let judgement = judge(config, &round);
    (round, judgement)
}

/// The product's limits, at its default rate.
fn product() -> ProbeLimits {
    ProbeLimits::at_rate(50)
}

/// For sockets, where waiting is real: shorter, and still long enough for a machine that does other
/// things as well.
fn hurried() -> ProbeLimits {
    ProbeLimits {
        timeout: Duration::from_secs(1),
        pause: Duration::from_millis(10),
        ..ProbeLimits::at_rate(0)
    }
}

/// The verdict in one line: how bad, and every kind of fault, worst first.
fn said(verdict: &Verdict) -> String {
    let Some(severity) = verdict.severity() else {
        return match verdict.observed_addresses {
            0 => "unknown".to_owned(),
            _ => "well".to_owned(),
        };
    };
    let mut faults: Vec<String> = Vec::new();
    for row in &verdict.findings {
        let fault = row.fault.to_string();
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    format!("{severity}: {}", faults.join(", "))
}

/// [`said`] of every subject, in their order.
fn verdicts(judgement: &Judgement) -> Vec<String> {
    let all = judgement.verdicts.iter();
    all.map(|(_, verdict)| said(verdict)).collect()
}
