//! How a round of [`super::budget`] went, and the judgement of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RData, rdata};

use crate::config::{Config, Expected, RecordSet};
use crate::decide::judge::round::{Judgement, judge, looks_faulty};
use crate::decide::probe::answer::Answer;
use crate::decide::probe::query::{QueryKind, Target, targets};
use crate::decide::probe::round::{AnchorReply, Edns, Observation, Observed, Outcome, Round};
use crate::decide::time::Moment;

const LATENCY: Duration = Duration::from_millis(20);

/// Two nameservers, each over both families, and two zones: 52 questions in every round, and some once an hour.
const CONFIG: &str = r#"
    vantage = { name = "home" }
    nameserver = [
        { name = "ns1.example.net", addresses = ["192.0.2.1", "2001:db8::1"] },
        { name = "ns2.example.net", addresses = ["192.0.2.2", "2001:db8::2"] },
    ]
    [[zone]]
    name = "example.net"
    records = [
        { name = "@", type = "A", values = ["192.0.2.80"] },
        { name = "www", type = "A", values = ["192.0.2.80"] },
        { name = "mail", type = "A", values = ["192.0.2.25"] },
    ]
    [[zone]]
    name = "example.org"
    records = [
        { name = "@", type = "A", values = ["192.0.2.80"] },
        { name = "www", type = "A", values = ["192.0.2.80"] },
    ]
"#;

/// How a question went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Went {
    Well,
    Lost,
    /// Only what went without EDNS came back.
    LostWithEdns,
}

/// All that a round's judgement depends on: whom it asked, what did not go well, and where it could see, in
/// each family, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Course {
    pub asked: [bool; 2],
    pub odd: Vec<(usize, usize, Went)>,
    pub sees: [bool; 2],
    pub saw: [bool; 2],
}

/// What every month shares.
pub(super) struct Simulation {
    pub config: Config,
    pub targets: Vec<Arc<Target>>,
    /// Of each target, the numbers of the queries of every round.
    regular: Vec<Arc<[usize]>>,
    judged: HashMap<Course, Judgement>,
}

impl Course {
    fn observed(&self, number: usize, target: &Arc<Target>) -> Observed {
        let odd = |index: usize| {
            let mut odd = self.odd.iter().filter(|(t, q, _)| (*t, *q) == (number, index));
            odd.next().map_or(Went::Well, |(.., went)| *went)
        };
        let each = target.queries.iter().enumerate().map(|(index, question)| {
            let host = Name::root();
            let soa = rdata::SOA::new(host.clone(), host, 0, 1, 1, 1, 1);
            let data = match &question.set.expected {
                _ if question.kind == QueryKind::Recursion => Vec::new(),
                Expected::Records(records) => records.clone(),
                Expected::Some => vec![RData::SOA(soa)],
                Expected::Nothing | Expected::NoData | Expected::Exists => Vec::new(),
            };
            let right = answer(true, &question.set, &data);
            let dead = index > 0 && odd(0) == Went::Lost;
            let went = if dead { Went::Lost } else { odd(index) };
            let without = index > 0 && odd(0) == Went::LostWithEdns;
            Observation {
                outcome: match went {
                    Went::Lost => Outcome::Silent,
                    Went::Well | Went::LostWithEdns => right,
                },
                attempts: if dead { 0 } else { 3 },
                truncated: false,
                latency: LATENCY,
                edns: match went {
                    Went::LostWithEdns => Edns::Refused(Box::new(Outcome::Silent)),
                    _ if without => Edns::Without,
                    _ => Edns::With,
                },
            }
        });
        Observed { observations: each.collect(), target: Arc::clone(target) }
    }
}

fn answer(aa: bool, set: &RecordSet, records: &[RData]) -> Outcome {
    let records = records.iter().map(|data| (&set.name, data));
    Outcome::Answer(Answer { aa, ..Answer::new(set, records) })
}

impl Simulation {
    pub(super) fn new() -> Self {
        let config = Config::parse("test.toml", CONFIG).unwrap();
        let targets = targets(&config);
        let numbers = |target: &Arc<Target>| {
            let queries = target.queries.iter().enumerate();
            queries.filter(|(_, query)| !query.kind.hourly()).map(|(number, _)| number).collect()
        };
        let regular = targets.iter().map(numbers).collect();
        Self { targets, regular, config, judged: HashMap::new() }
    }

    /// The numbers of the queries that a target gets in a round. The others count as answered.
    pub(super) fn asked(&self, number: usize, hourly: bool) -> Arc<[usize]> {
        match hourly {
            true => (0..self.targets[number].queries.len()).collect(),
            false => Arc::clone(&self.regular[number]),
        }
    }

    fn round(&self, course: &Course) -> Round {
        let anchors = |sees: [bool; 2]| {
            let read = |&address: &std::net::SocketAddr| AnchorReply {
                address,
                outcome: match sees[usize::from(address.is_ipv6())] {
                    true => answer(true, &self.targets[0].queries[0].set, &[]),
                    false => Outcome::Silent,
                },
                latency: LATENCY,
            };
            self.config.vantage.anchors.iter().map(read).collect::<Vec<_>>()
        };
        let asked = self.targets.iter().enumerate();
        let asked = asked.filter(|(_, target)| course.asked[target.nameserver]);
        let mut round = Round {
            at: Moment::default(),
            before: anchors(course.sees),
            intercept: Vec::new(),
            after: None,
            observed: asked.map(|(number, target)| course.observed(number, target)).collect(),
            endpoints: Vec::new(),
            world: Vec::new(),
        };
        round.after = looks_faulty(&round).then(|| anchors(course.saw));
        round
    }

    pub(super) fn judge(&mut self, course: &Course) -> &Judgement {
        if !self.judged.contains_key(course) {
            let judgement = judge(&self.config, &self.round(course));
            self.judged.insert(course.clone(), judgement);
        }
        &self.judged[course]
    }
}
