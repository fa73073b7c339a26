//! Judges what one address of a nameserver answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;

use crate::config::{Config, Expected, RecordSet};
use crate::decide::judge::context::JudgeContext;
use crate::decide::judge::fault::{Fault, failure};
use crate::decide::judge::fault_code::FaultCode;
use crate::decide::judge::finding::{Verdict, ZoneSerial};
use crate::decide::judge::{latency, signature};
use crate::decide::probe::answer::{Answer, Content};
use crate::decide::probe::query::{Query, QueryKind, Transport, name_text};
use crate::decide::probe::round::{Edns, Observation, Observed, Outcome};

pub(crate) fn judge_address(
    context: &JudgeContext<'_>,
    observed: &Observed,
    verdict: &mut Verdict,
    latencies: &mut Vec<Duration>,
) {
    let target = &observed.target;
    if !context.uplink.of(&target.address).believable() {
        verdict.unobserved_addresses.push(target.address);
        verdict.why = limit_of_anchors(context, target.address).or(verdict.why.take());
        return;
    }
    let mut own_failure = false;
    let mut serials = Vec::new();
    // The query with a cookie repeats another one.
    let counted = target.queries.iter().filter(|query| query.kind != QueryKind::Cookie);
    verdict.queries += counted.count();
    let served = served_zones(observed);
    let pairs = target.queries.iter().zip(&observed.observations);
    for (index, (question, observation)) in pairs.enumerate() {
        let mut found = |fault: &Fault| {
            let no_edns = !matches!(fault, Fault::Edns(_))
                && matches!(observation.edns, Edns::Refused(_) | Edns::Without);
            let row = context.row(target.address, question, fault, no_edns);
            // Queries that were skipped because the address is dead get the fault of the first query.
            verdict.add(row, (observation.attempts > 0).then_some(index));
        };
        match judge_one(question, observation) {
            Assessment::Right => {
                latencies.push(observation.latency);
                serials.extend(serial(context.config, target.address, question, observation));
                let warning = context.config.schedule.rrsig_warning;
                let wall = context.round.at.wall;
                wall.and_then(|now| signature::judge(observation, now, warning))
                    .iter()
                    .for_each(&mut found);
            }
            Assessment::Inconclusive => {}
            Assessment::Unknown => own_failure = true,
            Assessment::Faulty(fault) => {
                let fault = match served.contains(&question.zone) {
                    true => fault.in_served_zone(),
                    false => fault,
                };
                beside_udp(observed, question, fault).iter().for_each(&mut found)
            }
        }
        edns_fault(observed, observation).iter().for_each(&mut found);
    }
    latency::find(context, observed).into_iter().for_each(|row| verdict.add(row, Some(0)));
    verdict.serials.extend(serials);
    if own_failure {
        verdict.unobserved_addresses.push(target.address);
        let outcomes = observed.observations.iter().map(|observation| &observation.outcome);
        verdict.why = own_limit(outcomes).or(verdict.why.take());
    } else {
        verdict.observed_addresses += 1;
    }
}

/// Why our own side could not ask the anchors of this address's family.
fn limit_of_anchors(context: &JudgeContext<'_>, address: SocketAddr) -> Option<String> {
    let asked = context.round.before.iter().chain(context.round.after.iter().flatten());
    let asked = asked.filter(|anchor| anchor.address.is_ipv6() == address.is_ipv6());
    own_limit(asked.map(|anchor| &anchor.outcome))
}

/// Why our own side failed.
fn own_limit<'a>(mut outcomes: impl Iterator<Item = &'a Outcome>) -> Option<String> {
    outcomes.find_map(|outcome| match outcome {
        Outcome::Local(why) => Some(why.clone()),
        _ => None,
    })
}

/// The zones for which a query got an answer with authority.
fn served_zones(observed: &Observed) -> BTreeSet<Option<usize>> {
    let pairs = observed.target.queries.iter().zip(&observed.observations);
    let answered = pairs.filter(|(question, observation)| {
        let answer = match &observation.outcome {
            Outcome::Answer(answer) => answer,
            _ => return false,
        };
        !question.kind.hourly() && answer.aa && answer.rcode == ResponseCode::NoError
    });
    answered.map(|(question, _)| question.zone).collect()
}

/// The fault, unless it is one over TCP, or with a cookie, and the same query fails alike over UDP without: that
/// is one fault, not two.
fn beside_udp(observed: &Observed, question: &Query, fault: Fault) -> Option<Fault> {
    let mut pairs = observed.target.queries.iter().zip(&observed.observations);
    let over_udp = pairs.find(|(q, _)| q.transport == Transport::Udp && q.set == question.set);
    let over_udp = over_udp.map(|(question, observation)| judge_one(question, observation));
    let over_tcp = match fault {
        Fault::Tcp(over_tcp) => over_tcp,
        Fault::EdnsOption(_) => return Some(fault).filter(|_| answers_the_rest(observed)),
        _ => return Some(fault),
    };
    match over_udp {
        Some(Assessment::Faulty(fault)) => {
            let (code, same) = (fault.code(), over_tcp.code());
            let alike = code == same || code == FaultCode::Truncated(Box::new(same));
            (!alike).then_some(Fault::AlsoTcp(over_tcp))
        }
        Some(Assessment::Unknown) => None,
        _ => Some(Fault::Tcp(over_tcp)),
    }
}

/// Whether every other query has an answer with EDNS, so that only the cookie can be the reason for a fault.
fn answers_the_rest(observed: &Observed) -> bool {
    let mut pairs = observed.target.queries.iter().zip(&observed.observations);
    pairs.all(|(question, observation)| {
        question.kind.hourly()
            || question.transport == Transport::Tcp
            || (observation.edns == Edns::With
                && matches!(judge_one(question, observation), Assessment::Right))
    })
}

fn edns_fault(observed: &Observed, observation: &Observation) -> Option<Fault> {
    let outcome = edns_refusal(observed, observation)?;
    let refusal = Box::new(failure(outcome).unwrap_or(Fault::Silent));
    Some(match observation.edns {
        Edns::DoRefused(_) => Fault::Do(refusal),
        _ => Fault::Edns(refusal),
    })
}

/// How EDNS failed where the same came without it. Silence is no refusal where other questions got their
/// answers with EDNS: then a packet was lost four times over.
fn edns_refusal<'a>(observed: &Observed, observation: &'a Observation) -> Option<&'a Outcome> {
    let (outcome, of_kind) = match &observation.edns {
        Edns::Refused(outcome) => (outcome, None),
        Edns::DoRefused(outcome) => (outcome, Some(QueryKind::Signatures)),
        Edns::With | Edns::Without => return None,
    };
    let mut pairs = observed.target.queries.iter().zip(&observed.observations);
    let lost = **outcome == Outcome::Silent
        && pairs.any(|(question, o)| {
            of_kind.is_none_or(|kind| question.kind == kind)
                && o.edns == Edns::With
                && matches!(o.outcome, Outcome::Answer(_))
        });
    (!lost).then_some(outcome)
}

/// The zone serial in a right answer.
fn serial(
    config: &Config,
    address: SocketAddr,
    question: &Query,
    observation: &Observation,
) -> Option<ZoneSerial> {
    let (QueryKind::Signatures, Some(zone), Outcome::Answer(answer)) =
        (question.kind, question.zone, &observation.outcome)
    else {
        return None;
    };
    Some(ZoneSerial {
        address,
        zone: name_text(&config.zones[zone].name),
        query: question.clone(),
        serial: answer.serial?,
        signed: signature::signed(question, observation),
    })
}

pub(crate) enum Assessment {
    Right,
    /// Not a fault, and no further evidence either.
    Inconclusive,
    Faulty(Fault),
    /// Our own side failed, or other queries say the same already.
    Unknown,
}

pub(crate) fn judge_one(question: &Query, observation: &Observation) -> Assessment {
    if matches!(observation.outcome, Outcome::Local(_)) {
        return Assessment::Unknown;
    }
    if question.kind == QueryKind::Recursion {
        return judge_recursion(&observation.outcome);
    }
    if question.kind == QueryKind::Absent && observation.attempts == 0 {
        return Assessment::Inconclusive; // it is asked once an hour, and the address is dead
    }
    if question.kind == QueryKind::Cookie {
        let fault = failure(&observation.outcome).filter(|_| observation.attempts > 0);
        return fault.map_or(Assessment::Inconclusive, |fault| {
            Assessment::Faulty(Fault::EdnsOption(Box::new(fault)))
        });
    }
    let fault = match &observation.outcome {
        Outcome::Answer(answer) => {
            let over = match observation.truncated {
                true => Transport::Tcp,
                false => question.transport,
            };
            match judge_answer(&question.set, answer, over) {
                Ok(()) => return Assessment::Right,
                Err(fault) => fault,
            }
        }
        outcome => match failure(outcome) {
            Some(fault) => fault,
            None => return Assessment::Unknown,
        },
    };
    Assessment::Faulty(match (question.transport, observation) {
        // Not asked, because UDP had shown that the address is dead: then it is that fault, not TCP's.
        (_, Observation { attempts: 0, .. }) => fault,
        (Transport::Tcp, _) => Fault::Tcp(Box::new(fault)),
        (Transport::Udp, Observation { truncated: true, .. }) => Fault::Truncated(Box::new(fault)),
        (Transport::Udp, _) => fault,
    })
}

/// Refusing is right, and so is silence. An answer without RA is a referral, or the root's own.
fn judge_recursion(outcome: &Outcome) -> Assessment {
    match outcome {
        Outcome::Answer(Answer { rcode: ResponseCode::NoError, ra: true, records, .. })
            if *records > 0 =>
        {
            Assessment::Faulty(Fault::OpenRecursion)
        }
        _ => Assessment::Inconclusive,
    }
}

/// Judges one DNS message.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn judge_answer(set: &RecordSet, answer: &Answer, over: Transport) -> Result<(), Fault> {
    match (answer.rcode, &set.expected) {
        (ResponseCode::NoError, _) | (ResponseCode::NXDomain, Expected::Nothing) => {}
        (ResponseCode::NXDomain, Expected::NoData | Expected::Exists) => {
            return Err(Fault::NameDenied);
        }
        (rcode, _) => return Err(Fault::Rcode(rcode)),
    }
    if !answer.aa {
        return Err(Fault::NotAuthoritative);
    }
    if answer.tc && over == Transport::Tcp {
        return Err(Fault::Garbled("truncated, over TCP".to_owned()));
    }
    Err(match &answer.content {
        Content::Expected => return Ok(()),
        Content::NoRecords => Fault::NoRecords,
        Content::Alias(target) => Fault::Alias(target.clone()),
        Content::OtherOwner(owner) => Fault::OtherOwner(owner.clone()),
        Content::ManySoa(count) => Fault::ManySoa(*count),
        Content::Different { missing, extra } => {
            let (missing, extra) = (missing.clone(), extra.clone());
            match set.rtype {
                _ if set.expected.is_empty() => Fault::Unexpected(extra),
                RecordType::NS => Fault::Nameservers { missing, extra },
                _ => Fault::Records { missing, extra },
            }
        }
    })
}
