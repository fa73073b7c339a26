//! From a round to verdicts: what is wrong, where, and what we cannot know.

mod signature;
mod slow;

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::edition::Edition;
use super::endpoint;
use super::fault::{Fault, Row, Severity};
use super::question::{Aim, Question, Transport, name_text};
use super::round::{Answer, Edns, Observation, Observed, Outcome, Round};
use super::uplink::{Uplink, read};
use crate::config::{Config, Expected, RecordSet, canonical};

/// What a round says, all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// About us.
    pub uplink: Uplink,
    /// About every subject that was asked: index into [`Config::subjects`], and what was found.
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
    /// Which edition of its zones it serves where.
    pub editions: Vec<Edition>,
    /// Where it is wrong, in the order of asking; only the first so many.
    pub places: Vec<Place>,
    /// Why something could not be judged, where it is not the uplink.
    pub why: Option<String>,
}

/// One question of one address, with the worst that is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who was asked.
    pub address: SocketAddr,
    /// Index into [`Target::questions`](super::question::Target::questions).
    pub question: usize,
    /// How bad it is.
    pub severity: Severity,
}

/// What stands for the zone where a question is about a name in none of ours.
const OUTSIDE: &str = "(any other)";

/// More places than this tell nothing more.
const PLACES: usize = 100;

impl Verdict {
    /// One row for each kind of fault in a zone at an address; the rest are counted.
    pub(super) fn add(&mut self, new: Row, question: Option<usize>) {
        let Row { address, severity, .. } = new;
        let place = question.filter(|_| self.places.len() < PLACES);
        self.places.extend(place.map(|question| Place { address, question, severity }));
        let same =
            |r: &&mut Row| r.address == new.address && r.zone == new.zone && r.fault == new.fault;
        match self.rows.iter_mut().rev().find(same) {
            Some(row) => row.more += 1,
            None => self.rows.push(new),
        }
    }

    /// Worst first.
    pub(super) fn sort(&mut self) {
        self.rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
    }

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
    let scene = Scene { config, round, uplink };
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
        judge_address(&scene, observed, verdict, &mut latencies);
        let next = round.observed.get(index + 1);
        if next.is_none_or(|next| next.target.nameserver != subject) {
            verdict.sort();
            latencies.sort_unstable();
            verdict.latency = latencies.get(latencies.len() / 2).copied();
            latencies.clear();
        }
    }
    verdicts.extend(
        round
            .visited
            .iter()
            .map(|visited| (visited.errand.subject, endpoint::verdict(visited, uplink, &round.at))),
    );
    Judgement { uplink, verdicts }
}

/// Whether anything in the round looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(round: &Round) -> bool {
    let wrong = round.visited.iter().any(endpoint::looks_faulty);
    wrong
        || round.observed.iter().any(|observed| {
            let pairs = observed.target.questions.iter().zip(&observed.observations);
            pairs.into_iter().any(|(question, observation)| {
                matches!(observation.edns, Edns::Refused(_))
                    || matches!(judge_one(question, observation), Opinion::Faulty(_))
            })
        })
}

/// What one address is judged in.
struct Scene<'a> {
    config: &'a Config,
    round: &'a Round,
    uplink: Uplink,
}

fn judge_address(
    scene: &Scene<'_>,
    observed: &Observed,
    verdict: &mut Verdict,
    latencies: &mut Vec<Duration>,
) {
    let target = &observed.target;
    if !scene.uplink.of(&target.address).believable() {
        verdict.unseen.push(target.address);
        return;
    }
    let mut blind = false;
    let mut editions = Vec::new();
    verdict.questions += target.questions.len();
    let pairs = target.questions.iter().zip(&observed.observations);
    for (index, (question, observation)) in pairs.enumerate() {
        let mut found = |fault: &Fault| {
            let row = scene.row(target.address, question, fault);
            // What was not asked shares its fault with what was.
            verdict.add(row, (observation.attempts > 0).then_some(index));
        };
        match judge_one(question, observation) {
            Opinion::Right => {
                latencies.push(observation.latency);
                editions.extend(edition(scene.config, target.address, question, observation));
                let wall = scene.round.at.wall;
                let fault = wall.and_then(|now| {
                    let warning = scene.config.schedule.rrsig_warning;
                    signature::judge(question, observation, now, warning)
                });
                fault.iter().for_each(&mut found);
            }
            Opinion::Unhelpful => {}
            Opinion::Unknown => blind = true,
            Opinion::Faulty(fault) => found(&fault),
        }
        if let Some(outcome) = edns_refusal(observed, observation) {
            let refusal = failure(outcome).unwrap_or(Fault::Silent);
            found(&Fault::Edns(Box::new(refusal)));
        }
    }
    slow::find(scene, observed).into_iter().for_each(|row| verdict.add(row, Some(0)));
    verdict.editions.extend(editions);
    if blind {
        verdict.unseen.push(target.address);
    } else {
        verdict.seen += 1;
    }
}

/// How EDNS failed where the same came without it. Silence is no refusal where other questions got their
/// answers with EDNS: then a packet was lost four times over.
fn edns_refusal<'a>(observed: &Observed, observation: &'a Observation) -> Option<&'a Outcome> {
    let Edns::Refused(outcome) = &observation.edns else {
        return None;
    };
    let got = |o: &Observation| o.edns == Edns::With && matches!(o.outcome, Outcome::Answer(_));
    let lost = **outcome == Outcome::Silent && observed.observations.iter().any(got);
    (!lost).then_some(outcome)
}

impl Scene<'_> {
    fn row(&self, address: SocketAddr, question: &Question, fault: &Fault) -> Row {
        let zone = match question.zone {
            Some(zone) => name_text(&self.config.zones[zone].name),
            None => OUTSIDE.to_owned(),
        };
        Row::new(address, zone, question, fault)
    }
}

/// The edition of the zone that a right answer shows.
fn edition(
    config: &Config,
    address: SocketAddr,
    question: &Question,
    observation: &Observation,
) -> Option<Edition> {
    let (Aim::Signatures, Some(zone), Outcome::Answer(answer)) =
        (question.aim, question.zone, &observation.outcome)
    else {
        return None;
    };
    let serial = answer.records.iter().find_map(|(_, data)| match data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })?;
    Some(Edition {
        address,
        zone: name_text(&config.zones[zone].name),
        question: question.clone(),
        serial,
        signed: signature::signed(question, observation),
    })
}

enum Opinion {
    Right,
    /// Nothing is wrong with it, and nothing more can be read off it.
    Unhelpful,
    Faulty(Fault),
    /// Our own side failed, or the question adds nothing to what others have shown.
    Unknown,
}

/// What is wrong with an outcome that is no right answer of any kind.
pub(crate) fn failure(outcome: &Outcome) -> Option<Fault> {
    Some(match outcome {
        Outcome::Answer(answer) if answer.rcode != ResponseCode::NoError => {
            Fault::Rcode(answer.rcode)
        }
        Outcome::Answer(_) | Outcome::Local(_) => return None,
        Outcome::Silent => Fault::Silent,
        Outcome::Closed => Fault::Closed,
        Outcome::Unreachable(why) => Fault::Unreachable(why.clone()),
        Outcome::Garbled(why) => Fault::Garbled(why.clone()),
    })
}

fn judge_one(question: &Question, observation: &Observation) -> Opinion {
    if matches!(observation.outcome, Outcome::Local(_)) {
        return Opinion::Unknown;
    }
    if question.aim == Aim::Recursion {
        return judge_recursion(&observation.outcome);
    }
    let fault = match (&observation.outcome, failure(&observation.outcome)) {
        (_, Some(fault)) => fault,
        (Outcome::Answer(answer), None) => {
            let over = match observation.truncated {
                true => Transport::Tcp,
                false => question.transport,
            };
            match judge_answer(&question.set, answer, over) {
                Ok(()) => return Opinion::Right,
                Err(fault) => fault,
            }
        }
        (_, None) => return Opinion::Unknown,
    };
    Opinion::Faulty(match (question.transport, observation) {
        // Not asked, because UDP had shown that the address is dead: then it is that fault, not TCP's.
        (_, Observation { attempts: 0, .. }) => fault,
        (Transport::Tcp, _) => Fault::Tcp(Box::new(fault)),
        (Transport::Udp, Observation { truncated: true, .. }) => Fault::Truncated(Box::new(fault)),
        (Transport::Udp, _) => fault,
    })
}

/// Refusing is right, and so is silence. An answer without RA is a referral, or the root's own.
fn judge_recursion(outcome: &Outcome) -> Opinion {
    match outcome {
        Outcome::Answer(Answer { rcode: ResponseCode::NoError, ra: true, records, .. })
            if !records.is_empty() =>
        {
            Opinion::Faulty(Fault::OpenRecursion)
        }
        _ => Opinion::Unhelpful,
    }
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
        Expected::Records(expected) => match compare(expected, &found) {
            Err(Fault::Records { missing, extra }) if set.rtype == RecordType::NS => {
                Err(Fault::Nameservers { missing, extra })
            }
            compared => compared,
        },
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
