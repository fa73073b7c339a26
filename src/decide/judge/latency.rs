//! Slow answers.

use std::time::Duration;

use crate::decide::judge::context::JudgeContext;
use crate::decide::judge::fault::Fault;
use crate::decide::judge::finding::Finding;
use crate::decide::probe::query::Transport;
use crate::decide::probe::round::{AnchorReply, Observed, Outcome};

/// The findings of an address: a zone is slow there if every answer over UDP came late. One answer in time is enough:
/// the others were lost on the way, or waited for.
pub(super) fn find(context: &JudgeContext<'_>, observed: &Observed) -> Vec<Finding> {
    let limit = context.config.schedule.slow;
    let target = &observed.target;
    if !uplink_is_quick(context, target.address.is_ipv6(), limit) {
        return Vec::new();
    }
    let pairs = target.queries.iter().zip(&observed.observations);
    let mut rows: Vec<(Finding, bool)> = Vec::new();
    for (question, observation) in pairs {
        let answered = matches!(observation.outcome, Outcome::Answer(_)) && !observation.truncated;
        if question.kind.hourly() || question.transport != Transport::Udp || !answered {
            continue;
        }
        let late = observation.latency > limit;
        let row = context.row(target.address, question, &Fault::Slow(limit), false);
        match rows.iter_mut().find(|(known, _)| known.zone == row.zone) {
            Some((known, all)) => {
                known.more += 1;
                *all &= late;
            }
            None => rows.push((row, late)),
        }
    }
    rows.into_iter().filter(|(_, all)| *all).map(|(row, _)| row).collect()
}

/// While the uplink is slow, every server looks slow: the anchors show that.
fn uplink_is_quick(context: &JudgeContext<'_>, v6: bool, limit: Duration) -> bool {
    let quick = |reading: &AnchorReply| {
        let answered = matches!(reading.outcome, Outcome::Answer(_));
        reading.address.is_ipv6() == v6 && answered && reading.latency <= limit
    };
    let mut passes = std::iter::once(&context.round.before).chain(&context.round.after);
    passes.all(|pass| pass.iter().any(quick))
}
