//! Signatures (RRSIG, RFC 4034) over a record set: whether one of them holds now, and for how long.
//!
//! They are not verified: that the zone is signed again in time is what goes wrong in practice.

use std::time::Duration;

use hickory_resolver::proto::rr::{RData, RecordType};
use jiff::Timestamp;

use crate::decide::judge::fault::Fault;
use crate::decide::probe::query::{Query, QueryKind};
use crate::decide::probe::round::{Edns, Observation, Outcome};

/// Where the times stand in the record's data, after type, algorithm, labels and TTL.
const EXPIRATION: usize = 8;
const INCEPTION: usize = 12;

/// The span in which a signature holds, as seconds from now: RFC 4034 has it in serial number arithmetic, so
/// that it goes on after 2106.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    begins: i32,
    ends: i32,
}

/// Whether a right answer was signed; `None` if the query did not ask for signatures.
pub(super) fn signed(question: &Query, observation: &Observation) -> Option<bool> {
    let Outcome::Answer(answer) = &observation.outcome else {
        return None;
    };
    if question.kind != QueryKind::Signatures || observation.edns != Edns::With {
        return None;
    }
    let of = question.set.rtype;
    let here = answer.records.iter().filter(|(owner, _)| *owner == question.set.name);
    Some(here.into_iter().any(|(_, data)| covering(data, of).is_some()))
}

/// The fault of the signatures of a right answer.
pub(super) fn judge(
    question: &Query,
    observation: &Observation,
    now: Timestamp,
    warning: Duration,
) -> Option<Fault> {
    let Outcome::Answer(answer) = &observation.outcome else {
        return None;
    };
    if signed(question, observation) != Some(true) {
        return None;
    }
    let here = answer.records.iter().filter(|(owner, _)| *owner == question.set.name);
    let of = question.set.rtype;
    let spans: Vec<Span> = here.filter_map(|(_, data)| span(covering(data, of)?, now)).collect();
    let at = |seconds: i32| now.checked_add(jiff::SignedDuration::from_secs(seconds.into())).ok();
    let best = spans.iter().filter(|span| span.begins <= 0 && span.ends >= 0);
    if let Some(best) = best.map(|span| span.ends).max() {
        let soon = u64::try_from(best).is_ok_and(|left| left < warning.as_secs());
        return at(best).filter(|_| soon).map(|at| Fault::SignatureEnds(whole(at)));
    }
    let ahead = spans.iter().filter(|span| span.begins > 0).map(|span| span.begins).min();
    if let Some(begins) = ahead {
        return at(begins).map(|at| Fault::SignatureAhead(whole(at)));
    }
    let ended = spans.iter().map(|span| span.ends).max()?;
    at(ended).map(|at| Fault::SignatureEnded(whole(at)))
}

/// Without the fraction that our own clock has brought in.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The data of a signature over records of that type. hickory leaves it as bytes.
fn covering(data: &RData, of: RecordType) -> Option<&[u8]> {
    match data {
        RData::Unknown { code: RecordType::RRSIG, rdata } => {
            let bytes = &rdata.anything[..];
            (bytes.get(..2)? == u16::from(of).to_be_bytes()).then_some(bytes)
        }
        _ => None,
    }
}

fn span(data: &[u8], now: Timestamp) -> Option<Span> {
    let field = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    // Seconds since 1970, the lowest 32 bits of them.
    let now = u32::try_from(now.as_second().rem_euclid(1 << 32)).ok()?;
    let from_now = |time: u32| time.wrapping_sub(now).cast_signed();
    Some(Span { begins: from_now(field(INCEPTION)?), ends: from_now(field(EXPIRATION)?) })
}
