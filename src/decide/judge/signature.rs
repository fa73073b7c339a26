//! Signatures (RRSIG, RFC 4034) over a record set: whether one of them holds now, and for how long.
//!
//! They are not verified: that the zone is signed again in time is what goes wrong in practice.

use std::time::Duration;

use jiff::Timestamp;

use crate::decide::judge::fault::Fault;
use crate::decide::probe::answer::Signature;
use crate::decide::probe::query::{Query, QueryKind};
use crate::decide::probe::round::{Edns, Observation, Outcome};

/// A signature is not made again earlier than in the last quarter of its lifetime, however short that is.
const SHORT: i64 = 4;

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
    Some(!answer.signatures.is_empty())
}

/// The fault of the signatures of a right answer.
pub(super) fn judge(observation: &Observation, now: Timestamp, warning: Duration) -> Option<Fault> {
    let Outcome::Answer(answer) = &observation.outcome else {
        return None;
    };
    let spans: Vec<Span> = answer.signatures.iter().filter_map(|one| span(*one, now)).collect();
    let at = |seconds: i32| now.checked_add(jiff::SignedDuration::from_secs(seconds.into())).ok();
    let best = spans.iter().filter(|span| span.begins <= 0 && span.ends >= 0);
    if let Some(best) = best.max_by_key(|span| span.ends) {
        let lifetime = i64::from(best.ends) - i64::from(best.begins);
        let soon = i64::from(best.ends) < lifetime / SHORT
            && u64::try_from(best.ends).is_ok_and(|left| left < warning.as_secs());
        return at(best.ends).filter(|_| soon).map(|at| Fault::SignatureEnds(whole(at)));
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

fn span(signature: Signature, now: Timestamp) -> Option<Span> {
    // Seconds since 1970, the lowest 32 bits of them.
    let now = u32::try_from(now.as_second().rem_euclid(1 << 32)).ok()?;
    let from_now = |time: u32| time.wrapping_sub(now).cast_signed();
    Some(Span { begins: from_now(signature.begins), ends: from_now(signature.ends) })
}
