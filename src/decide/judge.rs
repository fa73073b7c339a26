//! From a round to verdicts: what is wrong, where, and what we cannot know.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::fault::{Fault, Row, Severity};
use super::question::{Question, Transport, dig, name_text};
use super::round::{Answer, Observation, Observed, Outcome, Round};
use super::uplink::{Uplink, read};
use crate::config::{Config, Expected, RecordSet, canonical};

/// What a round says, all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// About us.
    pub uplink: Uplink,
    /// About every subject that was asked: index into [`Config::nameservers`], and what was found.
    pub verdicts: Vec<(usize, Verdict)>,
}

/// What a round says of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// What is wrong, worst first. Empty: nothing that we could see.
    pub rows: Vec<Row>,
    /// Addresses that could not be judged, because our own side failed.
    pub unseen: Vec<SocketAddr>,
    /// Addresses that could.
    pub seen: usize,
    /// Questions asked of the addresses that could be judged.
    pub questions: usize,
    /// The median latency of their answers.
    pub latency: Option<Duration>,
}

impl Verdict {
    /// The worst fault's severity.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.rows.iter().map(|row| row.severity).max()
    }
}

/// Judges a round that was asked from this configuration.
#[must_use]
pub fn judge(config: &Config, round: &Round) -> Judgement {
    let uplink = read(round);
    let mut verdicts: Vec<(usize, Verdict)> = Vec::new();
    let mut latencies = Vec::new();
    for (index, observed) in round.observed.iter().enumerate() {
        let subject = observed.target.nameserver;
        if verdicts.last().is_none_or(|(last, _)| *last != subject) {
            verdicts.push((subject, Verdict::default()));
        }
        let Some((_, verdict)) = verdicts.last_mut() else {
            continue;
        };
        judge_address(config, observed, uplink, verdict, &mut latencies);
        let next = round.observed.get(index + 1);
        if next.is_none_or(|next| next.target.nameserver != subject) {
            verdict.rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
            latencies.sort_unstable();
            verdict.latency = latencies.get(latencies.len() / 2).copied();
            latencies.clear();
        }
    }
    Judgement { uplink, verdicts }
}

/// Whether anything in the round looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(round: &Round) -> bool {
    round.observed.iter().any(|observed| {
        let pairs = observed.target.questions.iter().zip(&observed.observations);
        pairs.into_iter().any(|(question, observation)| {
            matches!(judge_one(question, observation), Opinion::Faulty(_))
        })
    })
}

fn judge_address(
    config: &Config,
    observed: &Observed,
    uplink: Uplink,
    verdict: &mut Verdict,
    latencies: &mut Vec<Duration>,
) {
    let target = &observed.target;
    if !uplink.of(&target.address).believable() {
        verdict.unseen.push(target.address);
        return;
    }
    let mut blind = false;
    verdict.questions += target.questions.len();
    for (question, observation) in target.questions.iter().zip(&observed.observations) {
        match judge_one(question, observation) {
            Opinion::Right => latencies.push(observation.latency),
            Opinion::Unknown => blind = true,
            Opinion::Faulty(fault) => {
                let zone = name_text(&config.zones[question.zone].name);
                add(verdict, target.address, zone, question, &fault);
            }
        }
    }
    if blind {
        verdict.unseen.push(target.address);
    } else {
        verdict.seen += 1;
    }
}

/// One row for each kind of fault in a zone at an address; the rest are counted.
fn add(
    verdict: &mut Verdict,
    address: SocketAddr,
    zone: String,
    question: &Question,
    fault: &Fault,
) {
    let code = fault.code();
    let same = |row: &&mut Row| row.address == address && row.zone == zone && row.fault == code;
    if let Some(row) = verdict.rows.iter_mut().rev().find(same) {
        row.more += 1;
        return;
    }
    verdict.rows.push(Row {
        address,
        zone,
        question: question.to_string(),
        more: 0,
        severity: fault.severity(),
        fault: code,
        detail: fault.to_string(),
        command: dig(&address, question),
    });
}

enum Opinion {
    Right,
    Faulty(Fault),
    /// Our own side failed, or the question adds nothing to what others have shown.
    Unknown,
}

fn judge_one(question: &Question, observation: &Observation) -> Opinion {
    let fault = match &observation.outcome {
        Outcome::Local(_) => return Opinion::Unknown,
        Outcome::Answer(answer) => {
            let over = match observation.truncated {
                true => Transport::Tcp,
                false => question.transport,
            };
            match judge_answer(&question.set, answer, over) {
                Ok(()) => return Opinion::Right,
                Err(fault) => fault,
            }
        }
        Outcome::Silent => Fault::Silent,
        Outcome::Closed => Fault::Closed,
        Outcome::Unreachable(why) => Fault::Unreachable(why.clone()),
        Outcome::Garbled(why) => Fault::Garbled(why.clone()),
    };
    Opinion::Faulty(match (question.transport, observation) {
        // Not asked, because UDP had shown that the address is dead: then it is that fault, not TCP's.
        (_, Observation { attempts: 0, .. }) => fault,
        (Transport::Tcp, _) => Fault::Tcp(Box::new(fault)),
        (Transport::Udp, Observation { truncated: true, .. }) => Fault::Truncated(Box::new(fault)),
        (Transport::Udp, _) => fault,
    })
}

/// Judges one DNS message. TTL, order and letter case of names do not matter; everything else does.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn judge_answer(set: &RecordSet, answer: &Answer, over: Transport) -> Result<(), Fault> {
    if answer.rcode != ResponseCode::NoError {
        return Err(Fault::Rcode(answer.rcode));
    }
    if !answer.aa {
        return Err(Fault::NotAuthoritative);
    }
    if answer.tc && over == Transport::Tcp {
        return Err(Fault::Garbled("truncated, over TCP".to_owned()));
    }
    let mut found: Vec<&RData> = Vec::new();
    let mut other_owner = None;
    for (owner, data) in &answer.records {
        let here = *owner == set.name; // DNS names compare without case
        match data {
            RData::CNAME(alias) if here && set.rtype != RecordType::CNAME => {
                return Err(Fault::Alias(name_text(&alias.0)));
            }
            _ if data.record_type() != set.rtype => {}
            _ if here => found.push(data),
            _ => other_owner = Some(name_text(owner)),
        }
    }
    if let Some(owner) = other_owner {
        return Err(Fault::OtherOwner(owner));
    }
    if found.is_empty() {
        return Err(Fault::NoRecords);
    }
    match &set.expected {
        Expected::Some if set.rtype == RecordType::SOA && found.len() > 1 => {
            Err(Fault::ManySoa(found.len()))
        }
        Expected::Some => Ok(()),
        Expected::Records(expected) => compare(expected, &found),
    }
}

fn compare(expected: &[RData], found: &[&RData]) -> Result<(), Fault> {
    let found: Vec<RData> = found.iter().map(|data| canonical(data)).collect();
    let missing: Vec<RData> = expected.iter().filter(|e| !found.contains(e)).cloned().collect();
    let mut extra: Vec<RData> = found.into_iter().filter(|f| !expected.contains(f)).collect();
    extra.sort_by_key(ToString::to_string); // servers rotate, and that is no news
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    Err(Fault::Records { missing, extra })
}

#[cfg(test)]
mod tests;
