//! What an issue says, word for word, and what it must never say.

use crate::config::RecordSet;
use crate::decide::probe::answer::Answer;
use crate::decide::report::marker::comment;
use crate::decide::report::marker::comment_key;
use crate::decide::report::marker::merge;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RData, RecordType, rdata};

use super::*;
use crate::config::{Config, Expected};
use crate::decide::judge::round::judge;
use crate::decide::probe::endpoint::{
    AddressResult, CheckOutcome, EndpointReply, EndpointResult, Search, endpoint_checks,
};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::decide::probe::query::{Query, Transport, targets};
use crate::decide::probe::round::{AnchorReply, Edns, Observation, Observed, Outcome, Round};
use crate::decide::report::github::{Context, Issue, Listing, Step};
use crate::decide::report::reconcile::reconcile;
use crate::decide::testing::{V4, at, row};
use crate::decide::track::incident::Incident;
use crate::decide::track::state::MonitorState;

fn marker() -> VantageObservation {
    VantageObservation {
        v: 1,
        vantage: "home".into(),
        subject: "ns1.xn--bcher-kva.example".into(),
        incident: "abc-0".into(),
        since: None,
        severity: Severity::Degraded,
        worst: Severity::Down,
        places: vec!["[2001:db8::1]:5353".parse().unwrap()],
        body_digest: String::new(),
        alerted_digest: String::new(),
        alerted_at: None,
        ended: false,
        recovered_here: false,
        by_hand: false,
        lasting: Vec::new(),
        confirmed: None,
        ended_at: None,
    }
}

#[test]
fn a_marker_is_read_back_even_with_two_hyphens_in_a_name() {
    let line = hide(&marker());
    assert!(!line["<!--".len()..line.len() - "-->".len()].contains("--"), "{line}");
    let body = format!("Somebody's words.\n{line}\nours\n{CLOSING}\nmore words");
    assert_eq!(VantageObservation::find(&body), Some(marker()));
    assert_eq!(VantageObservation::find("no marker"), None);
    assert_eq!(VantageObservation::find("<!-- pilotlight {broken -->"), None);
    assert_eq!(VantageObservation::find(&line.replace("\"v\":1", "\"v\":2")), None);
}

#[test]
fn text_of_people_around_our_part_stays() {
    let old = format!("before\n{}\nold\n{CLOSING}\nafter", hide(&marker()));
    let new = merge(&old, "<!-- pilotlight {} -->new<!-- /pilotlight -->");
    assert_eq!(new, "before\n<!-- pilotlight {} -->new<!-- /pilotlight -->\nafter");
    assert_eq!(merge("only theirs", "OURS"), "OURS\n\nonly theirs");
    assert_eq!(merge("", "OURS"), "OURS");
}

#[test]
fn a_comment_carries_its_key() {
    let text = comment("abc-0/closed", "words");
    assert_eq!(comment_key(&text).as_deref(), Some("abc-0/closed"));
    assert_eq!(comment_key("words"), None);
    assert_eq!(VantageObservation::find(&text), None);
}

/// One nameserver at two addresses, one of them at a port of its own.
const CONFIG: &str = r#"
    vantage = { name = "home" }
    github = { repository = "owner/infra" }
    nameserver = [{ name = "ns1.example.net", addresses = ["192.0.2.1", "[2001:db8::1]:5353"] }]
    [[zone]]
    name = "example.net"
    records = [{ name = "www", type = "A", values = ["192.0.2.80"] }]
    [[zone]]
    name = "example.org"
"#;

fn answer(set: &RecordSet, data: &RData) -> Outcome {
    Outcome::Answer(Answer::new(set, std::iter::once((&set.name, data))))
}

fn right(question: &Query) -> Outcome {
    let host = Name::from_ascii("ns1.example.net.").unwrap();
    let soa = rdata::SOA::new(host.clone(), host.clone(), 1, 1, 1, 1, 1);
    let data = match (&question.set.expected, question.set.rtype) {
        (Expected::Records(records), _) => records[0].clone(),
        (_, RecordType::SOA) => RData::SOA(soa),
        _ => RData::NS(rdata::NS(host)),
    };
    answer(&question.set, &data)
}

/// What a round gets where not everything is right.
fn round(config: &Config, got: impl Fn(bool, &Query) -> Option<Outcome>) -> Round {
    let observed = targets(config).into_iter().map(|target| {
        let ipv6 = target.address.is_ipv6();
        // An address that is dead to the first question is not asked the others.
        let dead = got(ipv6, &target.queries[0]) == Some(Outcome::Silent);
        let ask = |(index, question): (usize, &Query)| Observation {
            outcome: got(ipv6, question).unwrap_or_else(|| right(question)),
            attempts: if dead && index > 0 { 0 } else { 3 },
            truncated: false,
            latency: Duration::from_millis(20),
            edns: Edns::With,
        };
        Observed { observations: target.queries.iter().enumerate().map(ask).collect(), target }
    });
    let anchor = |address: &std::net::SocketAddr| AnchorReply {
        address: *address,
        outcome: right(&targets(config)[0].queries[0]),
        latency: Duration::from_millis(20),
    };
    Round {
        world: Vec::new(),
        at: at(0),
        observed: observed.collect(),
        endpoints: Vec::new(),
        before: config.vantage.anchors.iter().map(anchor).collect(),
        intercept: Vec::new(),
        after: None,
    }
}

/// The title and body of the issue after rounds that are so many seconds apart.
fn opened(apart: u64, rounds: &[Round]) -> String {
    opened_by(&Config::parse("test.toml", CONFIG).unwrap(), apart, rounds)
}

fn opened_by(config: &Config, apart: u64, rounds: &[Round]) -> String {
    let mut monitor = MonitorState::new(config);
    let mut now = at(0);
    for (round, number) in rounds.iter().zip(1..) {
        now = at(apart * number);
        let judgement = judge(config, round);
        (monitor, _) = monitor.after(&judgement, now, &config.schedule, "5eed");
    }
    let context = Context {
        vantage: "home",
        quorum: 1,
        well: &[],
        unobserved: &[],
        last_well: &[],
        subjects: &["ns1.example.net".to_owned()],
        resolved: &[],
        schedule: &config.schedule,
        now,
    };
    let auxiliary = crate::decide::tests::alive(&["home"]);
    let listing = Listing { auxiliary, ..Listing::default() };
    let plan = reconcile(&monitor.desired_issues(), &listing, &context);
    let [Step::Create { title, body, .. }] = &plan.steps[..] else {
        panic!("{:?}", plan.steps);
    };
    format!("{title}\n\n{body}")
}

/// `BLESS=1 cargo test` writes what is said now; read the difference before you commit it.
pub(in crate::decide) fn sample(name: &str, text: &str) {
    let file = format!("{}/src/decide/testing/{name}.md", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, format!("{text}\n")).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, kept.trim_end(), "{file}");
}

fn silent_over_ipv4() -> Round {
    let config = Config::parse("test.toml", CONFIG).unwrap();
    round(&config, |ipv6, question| match question.transport {
        _ if !ipv6 => Some(Outcome::Silent),
        Transport::Tcp => Some(Outcome::Closed),
        Transport::Udp => None,
    })
}

#[test]
fn the_issue_of_a_nameserver_that_is_down() {
    let rounds: Vec<Round> = (0..3).map(|_| silent_over_ipv4()).collect();
    let text = opened(20, &rounds);
    sample("down", &text);
}

#[test]
fn the_issue_of_a_nameserver_that_is_degraded() {
    let config = Config::parse("test.toml", CONFIG).unwrap();
    let degraded = || {
        round(&config, |_, question| match question.transport {
            Transport::Tcp if question.zone == Some(0) => Some(Outcome::Silent),
            _ => None,
        })
    };
    let text = opened(1800, &[degraded(), degraded(), degraded()]);
    sample("degraded", &text);
}

#[test]
fn the_issue_of_an_outage_that_ended_before_the_report() {
    let config = Config::parse("test.toml", CONFIG).unwrap();
    let wrong = || {
        let other = RData::A(std::net::Ipv4Addr::new(203, 0, 113, 1).into());
        round(&config, |_, question| match question.set.rtype {
            RecordType::A => Some(answer(&question.set, &other)),
            _ => None,
        })
    };
    let well = || round(&config, |_, _| None);
    let text = opened(60, &[wrong(), wrong(), wrong(), well(), well()]);
    sample("ended", &text);
}

#[test]
fn the_issue_of_a_web_endpoint_that_is_down() {
    let text = format!("{CONFIG}\n[[endpoint]]\nurl = \"https://www.example.net/\"");
    let config = Config::parse("test.toml", &text).unwrap();
    let result = |address: &str, outcome| AddressResult {
        address: address.parse().unwrap(),
        outcome,
        latency: Duration::from_millis(34),
        certificate: None,
    };
    let bad = || {
        let error = EndpointReply::Page {
            status: 503,
            location: None,
            retry_after: None,
            contains: Search::Found,
        };
        let silent = EndpointReply::Failed(EndpointError::Silent(Duration::from_secs(10)));
        let results = [("192.0.2.80:443", error), ("[2001:db8::80]:443", silent)];
        let results = results.map(|(address, outcome)| result(address, outcome));
        let found = CheckOutcome::Addresses(results.to_vec());
        let visited = vec![EndpointResult {
            check: endpoint_checks(&config).remove(0),
            outcome: found,
            left_out: 0,
        }];
        Round { endpoints: visited, ..round(&config, |_, _| None) }
    };
    sample("endpoint", &opened_by(&config, 20, &[bad(), bad(), bad()]));
}

#[test]
fn an_issue_stays_within_githubs_limit_and_counts_omitted_lines() {
    let zones = (0..500).map(|number| format!("zone{number}.example.net"));
    let long = "@".repeat(5000);
    let rows: Vec<Finding> = zones
        .map(|zone| Finding { detail: long.clone(), ..row(V4, &zone, Severity::Down) })
        .collect();
    let text = table(SubjectKind::Nameserver, &rows, TABLE);
    assert!(text.len() < TABLE, "{}", text.len());
    assert!(text.ends_with(" more rows.\n"), "{text}");
    let shown = text.matches("| zone").count() - 1;
    assert!(text.contains(&format!("\n… and {} more rows.\n", 500 - shown)));
    let zones: Vec<&str> = rows.iter().map(|row| row.zone.as_str()).collect();
    assert!(named(&zones).ends_with("zone19.example.net and 480 more"));
    assert_eq!(named(&zones[..2]), "zone0.example.net, zone1.example.net");
}

/// One nameserver that is down at so many addresses.
fn down_at(addresses: u16) -> DesiredIssue {
    let address = |n| {
        let ip = std::net::Ipv6Addr::new(0x2001, 0xdb8, n, n, n, n, n, n);
        std::net::SocketAddr::from((ip, 65_535))
    };
    let findings = (1000..1000 + addresses)
        .map(|n| Finding { address: address(n), ..row(V4, "example.net", Severity::Down) })
        .collect();
    let incident = Incident {
        id: "abc-0".to_owned(),
        since: at(0),
        severity: Severity::Down,
        worst: Severity::Down,
        reportable: true,
        findings,
        unobserved_addresses: Vec::new(),
        history: Vec::new(),
    };
    let subject = "ns1.example.net".to_owned();
    DesiredIssue { subject, kind: SubjectKind::Nameserver, incident, ended: None, issue: None }
}

#[test]
fn a_nameserver_with_thousands_of_addresses_has_an_issue_whatever_people_add() {
    let config = Config::parse("test.toml", CONFIG).unwrap();
    let subjects = ["ns1.example.net".to_owned()];
    let mut wanted = down_at(10_000);
    let planned = |wanted: &DesiredIssue, open: Vec<Issue>| {
        let listing = Listing { open, at: at(60).wall, ..Listing::default() };
        let context = Context {
            vantage: "home",
            quorum: 1,
            well: &[],
            unobserved: &[],
            last_well: &[],
            subjects: &subjects,
            resolved: &[],
            schedule: &config.schedule,
            now: at(60),
        };
        reconcile(std::slice::from_ref(wanted), &listing, &context).steps
    };
    let [Step::Create { title, body, .. }] = &planned(&wanted, Vec::new())[..] else { panic!() };
    assert!(body.chars().count() < 65_536, "{}", body.chars().count());
    for theirs in [1_000, 20_000, 45_000, 50_000] {
        let opener = VantageObservation::find(body).unwrap();
        let issue = Issue {
            number: 1,
            title: title.clone(),
            body: format!("{}{CLOSING}{}", hide(&opener), "\u{1f7e9}".repeat(theirs)),
            open: true,
            reopened: false,
            closed_at: None,
            opener,
            secondary: Vec::new(),
            partial: false,
        };
        wanted.incident.findings.pop();
        let steps = planned(&wanted, vec![issue]);
        let edited = steps.iter().find_map(|step| match step {
            Step::Edit { body, .. } => Some(body.chars().count()),
            _ => None,
        });
        assert!(edited.unwrap() < 65_536, "{theirs}: {edited:?}");
    }
    assert!(super::title(&"a".repeat(2_000), Severity::Degraded).len() < 256);
}
