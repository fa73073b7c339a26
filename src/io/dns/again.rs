//! Which queries are asked again, slowly, after much was answered and some was not: the server may limit the rate
//! of its answers. Decides only; the caller sends.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;

use crate::decide::probe::query::{Query, Transport};
use crate::decide::probe::round::{Observation, Outcome};

/// Before the first query, and after failures in a row. All together are as long as BIND's `window`, during which
/// its `rate-limit` answers nothing to a client that went on too fast.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
    Duration::from_secs(3),
];

/// So many queries that succeed slowly show that the server limits its rate.
const ENOUGH: usize = 3;

/// What each failure after a success but the first adds to the distance between two queries.
const LONGER: Duration = Duration::from_millis(100);

pub(super) struct Again<'a> {
    queries: &'a [Query],
    /// The failures of zones that are partly answered, then one query of each other zone.
    queue: VecDeque<usize>,
    /// The others of those zones: asked if the one succeeds.
    waiting: Vec<usize>,
    /// A query has two chances.
    repeated: BTreeSet<usize>,
    succeeded: usize,
    /// In a row.
    failed: usize,
    /// Queries that failed between others that succeeded. One may be at fault itself.
    slips: u32,
    /// Beyond the distance that the caller keeps.
    longer: Duration,
    pause: Duration,
}

impl<'a> Again<'a> {
    /// Nothing is asked again if nothing was answered, or nothing else was lost.
    pub(super) fn new(queries: &'a [Query], observations: &[Observation]) -> Self {
        let limited = |n: &usize| may_be_limited(&queries[*n], &observations[*n]);
        let (mut failed, others): (Vec<usize>, Vec<usize>) =
            (0..observations.len()).partition(limited);
        let answered = |n: &&usize| {
            queries[**n].kind.needs_answer()
                && matches!(observations[**n].outcome, Outcome::Answer(_))
        };
        let mut zones: BTreeSet<_> =
            others.iter().filter(answered).map(|n| queries[*n].zone).collect();
        let refused = failed.iter().any(|n| is_refused(&observations[*n]));
        let pairs = queries.iter().zip(observations);
        let repeated = pairs.filter(|(q, got)| q.kind.needs_answer() && got.attempts > 1).count();
        if zones.is_empty() || (repeated < ENOUGH && !refused) {
            failed.clear();
        }
        let (mut queue, wholly): (Vec<usize>, Vec<usize>) =
            failed.into_iter().partition(|n| zones.contains(&queries[*n].zone));
        let (one, waiting): (Vec<usize>, _) =
            wholly.into_iter().partition(|n| zones.insert(queries[*n].zone));
        queue.extend(one);
        Self {
            queries,
            queue: queue.into(),
            waiting,
            repeated: BTreeSet::new(),
            succeeded: 0,
            failed: 0,
            slips: 0,
            longer: Duration::ZERO,
            pause: PAUSES[0],
        }
    }

    /// The next query, and the pause before it; none after four failures in a row.
    pub(super) fn next(&mut self) -> Option<(usize, Duration)> {
        let next = self.queue.pop_front().filter(|_| self.failed < PAUSES.len());
        next.map(|n| (n, self.pause))
    }

    pub(super) fn record(&mut self, n: usize, got: Observation, observations: &mut [Observation]) {
        let queries = self.queries;
        let answered = matches!(got.outcome, Outcome::Answer(_));
        let limited = !answered || may_be_limited(&queries[n], &got);
        let attempts = observations[n].attempts.saturating_add(got.attempts);
        observations[n] = Observation { attempts, ..got };
        let of_zone = |other: &mut usize| queries[*other].zone == queries[n].zone;
        if !limited {
            (self.succeeded, self.failed, self.pause) = (self.succeeded + 1, 0, self.longer);
            self.queue.extend(self.waiting.extract_if(.., of_zone));
            return;
        }
        self.failed += 1;
        // A refusal is over in a second; silence may last as long as BIND's window.
        self.pause = PAUSES[if answered { 0 } else { self.failed.min(PAUSES.len() - 1) }];
        if (self.succeeded > 0 || !answered) && self.repeated.insert(n) {
            self.queue.push_back(n);
            self.slips += u32::from(self.succeeded > 0);
            self.longer = LONGER * self.slips.saturating_sub(1);
        } else if answered {
            // What waits for a query that is refused shares its fault.
            let same = Observation { attempts: 0, ..observations[n].clone() };
            for other in self.waiting.extract_if(.., of_zone) {
                observations[other] = same.clone();
            }
        }
    }

    /// What the distance between queries must be beyond the caller's, if it is the rate that mattered.
    pub(super) fn helps(&self) -> Option<Duration> {
        (self.succeeded >= ENOUGH).then_some(self.longer)
    }
}

/// Whether a limit on the rate of answers can be the reason: they are dropped, refused, or a connection ends.
fn may_be_limited(query: &Query, observation: &Observation) -> bool {
    let over_tcp = query.transport == Transport::Tcp || observation.truncated;
    let dropped = match &observation.outcome {
        Outcome::Silent => true,
        Outcome::Garbled(_) => over_tcp,
        _ => false,
    };
    query.kind.needs_answer() && (dropped || is_refused(observation))
}

fn is_refused(observation: &Observation) -> bool {
    matches!(&observation.outcome, Outcome::Answer(a) if a.rcode == ResponseCode::Refused)
}
