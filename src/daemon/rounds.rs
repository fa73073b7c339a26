//! The rounds under way: one over the nameservers, and one for each endpoint and for each look at a zone. No round waits for another.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use crate::daemon::parts::{Job, result};
use crate::decide::probe::round::Round;

#[derive(Default)]
pub(super) struct Rounds {
    nameservers: Job<Round>,
    endpoints: FuturesUnordered<BoxFuture<'static, Round>>,
    times: BTreeMap<usize, EndpointTimes>,
    /// Uptime of the start of the last round over nameservers that was judged.
    pub(super) judged: Duration,
}

/// When an endpoint or a zone is checked, by its subject. The default: now.
#[derive(Default)]
struct EndpointTimes {
    under_way: bool,
    /// Uptime of the next regular check.
    regular: Duration,
}

impl Rounds {
    pub(super) fn look(&mut self, round: Pin<Box<dyn Future<Output = Round>>>) {
        self.nameservers = Some(round);
    }

    /// The rounds of endpoints that [`Rounds::begin`] has marked.
    pub(super) fn check(&mut self, rounds: Vec<BoxFuture<'static, Round>>) {
        self.endpoints.extend(rounds);
    }

    /// Marks an endpoint as under way; its next regular check is then.
    pub(super) fn begin(&mut self, subject: usize, now: Duration, regular: Duration) {
        let times = self.times.entry(subject).or_default();
        times.under_way = true;
        if times.regular <= now {
            times.regular = regular;
        }
    }

    /// Uptime of the endpoint's next regular check; `None` while it is under way.
    pub(super) fn next_regular(&self, subject: usize) -> Option<Duration> {
        match self.times.get(&subject) {
            Some(times) if times.under_way => None,
            times => Some(times.map_or(Duration::ZERO, |times| times.regular)),
        }
    }

    /// Whether a round over nameservers is under way.
    pub(super) fn over_nameservers(&self) -> bool {
        self.nameservers.is_some()
    }

    /// The rounds that have come to their end, at least one.
    pub(super) async fn finished(&mut self) -> Vec<Round> {
        let first = tokio::select! {
            biased;
            round = result(&mut self.nameservers) => {
                self.nameservers = None;
                return vec![round];
            }
            Some(round) = self.endpoints.next() => round,
        };
        let mut rounds = vec![first];
        while let Some(Some(round)) = self.endpoints.next().now_or_never() {
            rounds.push(round);
        }
        let checked = |round: &Round| {
            let endpoints = round.endpoints.iter().map(|result| result.check.subject);
            let zones = round.world.iter().map(|result| result.check.subject);
            endpoints.chain(zones).collect::<Vec<_>>()
        };
        for subject in rounds.iter().flat_map(checked) {
            self.times.entry(subject).or_default().under_way = false;
        }
        rounds
    }

    /// No endpoint's regular check is later than this.
    pub(super) fn check_endpoints_by(&mut self, uptime: Duration) {
        for times in self.times.values_mut() {
            times.regular = times.regular.min(uptime);
        }
    }
}
