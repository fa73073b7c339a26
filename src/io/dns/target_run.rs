//! All queries to one address. What fails where much is answered is asked once more, slowly: a server that limits
//! the rate of its answers drops or refuses what is beyond, and is not at fault.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hickory_resolver::net::runtime::RuntimeProvider;
use tokio::sync::Semaphore;

use crate::decide::probe::query::{Query, QueryKind, Target};
use crate::decide::probe::round::{Edns, Observation, Observed, Outcome};
use crate::io::clock::Clock;
use crate::io::dns::again::Again;
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::query_run::{EdnsUse, LISTEN_ON, QueryRun};
use crate::io::dns::rate_limit::RateLimiter;

/// So many times the distance between packets, if the server limits its rate. Below
/// [`ProbeLimits::deadline_for`]'s packets for each query, so that a round at that rate ends in time.
const SLOWER: u32 = 5;

/// The shortest distance that counts as slow.
const SLOW: Duration = Duration::from_millis(100);

pub(super) struct TargetRun<'a, P> {
    pub(super) target: &'a Target,
    pub(super) client: DnsClient<P>,
    pub(super) clock: Clock,
    pub(super) limits: &'a ProbeLimits,
    pub(super) in_flight: &'a Semaphore,
    /// Between two packets.
    pub(super) gap: Duration,
    /// Uptime. What has no answer by then is unknown.
    pub(super) deadline: Duration,
}

impl<P: RuntimeProvider> TargetRun<'_, P> {
    /// An observation for each query, and the distance between packets that the server puts up with, if it is a
    /// longer one.
    pub(super) async fn observe(&self) -> (Vec<Observation>, Option<Duration>) {
        let (first, rest) = (&self.target.queries[0], &self.target.queries[1..]);
        let run = self.run(self.limits, self.gap);
        let first = self.ask(&run, first, EdnsUse::Full).await;
        if is_dead(&first) {
            // To ask a dead address everything else as well would only take longer.
            let same = Observation { attempts: 0, ..first.clone() };
            let others = rest.iter().map(|_| same.clone());
            return (std::iter::once(first).chain(others).collect(), None);
        }
        // Otherwise every query would find out by itself.
        let edns = match first.edns {
            Edns::With => EdnsUse::Full,
            Edns::DoRefused(_) => EdnsUse::WithoutDo,
            Edns::Refused(_) | Edns::Without => EdnsUse::None,
        };
        let run = QueryRun { dnssec: self.is_hourly() && edns == EdnsUse::Full, ..run };
        // Alone and last: what else is asked shows whether only the cookie fails.
        let cookie = rest.last().filter(|query| query.kind == QueryKind::Cookie);
        let rest = &rest[..rest.len() - usize::from(cookie.is_some())];
        let asked = rest.iter().enumerate().map(async |(n, q)| (n, self.ask(&run, q, edns).await));
        let asked = stream::iter(asked).buffer_unordered(self.limits.in_flight);
        let mut answered: Vec<(usize, Observation)> = asked.collect().await;
        answered.sort_unstable_by_key(|(n, _)| *n);
        let mut observations = vec![first];
        observations.extend(answered.into_iter().map(|(_, observation)| observation));
        let slower = self.ask_again(&mut observations, edns).await;
        if let Some(cookie) = cookie {
            observations.push(self.ask_cookie(&run, cookie, &observations, edns).await);
        }
        (observations, slower)
    }

    fn run<'a>(&'a self, limits: &'a ProbeLimits, gap: Duration) -> QueryRun<'a, P> {
        QueryRun {
            client: self.client.clone(),
            clock: self.clock,
            limits,
            address: self.target.address,
            limiter: RateLimiter::new(self.clock, gap, self.in_flight),
            dnssec: false,
        }
    }

    fn is_hourly(&self) -> bool {
        self.target.queries.iter().any(|query| query.kind.hourly())
    }

    /// Adds the keys (DNSKEY) of the zones that are signed, once an hour.
    pub(super) async fn add_keys(&self, observed: &mut Observed) {
        if !self.is_hourly() {
            return;
        }
        let run = self.run(self.limits, self.gap);
        let mut target = Target::clone(self.target);
        for query in observed.key_queries() {
            observed.observations.push(self.ask(&run, &query, EdnsUse::Full).await);
            target.queries.push(query);
        }
        observed.target = Arc::new(target);
    }

    async fn ask(&self, run: &QueryRun<'_, P>, query: &Query, edns: EdnsUse) -> Observation {
        tokio::select! {
            observation = run.observe(query, edns) => observation,
            () = self.clock.sleep_until(self.deadline) => out_of_time(),
        }
    }

    /// Unless the cookie is not the only thing that fails.
    async fn ask_cookie(
        &self,
        run: &QueryRun<'_, P>,
        cookie: &Query,
        observations: &[Observation],
        edns: EdnsUse,
    ) -> Observation {
        let answered = |(query, got): (&Query, &Observation)| {
            query.kind.hourly() || matches!(got.outcome, Outcome::Answer(_))
        };
        let fit = self.target.queries.iter().zip(observations).all(answered);
        match fit && edns != EdnsUse::None {
            true => self.ask(run, cookie, edns).await,
            false => Observation { attempts: 0, edns: Edns::Without, ..observations[0].clone() },
        }
    }

    /// Asks again, one after the other, what a limit may have cost. The distance between packets that the
    /// server puts up with, if that helps.
    async fn ask_again(&self, observations: &mut [Observation], edns: EdnsUse) -> Option<Duration> {
        let slow = self.gap.saturating_mul(SLOWER).max(SLOW);
        let once = &ProbeLimits { attempts: 1, ..self.limits.clone() };
        let run = self.run(once, slow);
        let mut again = Again::new(&self.target.queries, observations);
        while let Some((n, pause)) = again.next() {
            let end = self.clock.now().uptime + pause + slow + self.limits.timeout + LISTEN_ON;
            if end > self.deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            let got = self.ask(&run, &self.target.queries[n], edns).await;
            if matches!(got.outcome, Outcome::Local(_)) {
                break;
            }
            again.record(n, got, observations);
        }
        again.helps().map(|longer| slow + longer)
    }
}

fn is_dead(first: &Observation) -> bool {
    use Outcome::{Closed, Late, Local, Silent, Unreachable};
    let unanswered = matches!(first.outcome, Silent | Late(_) | Closed | Unreachable(_) | Local(_));
    unanswered && !first.truncated
}

fn out_of_time() -> Observation {
    Observation {
        outcome: Outcome::Local("the round ran out of time".to_owned()),
        attempts: 0,
        truncated: false,
        latency: Duration::ZERO,
        edns: Edns::With,
    }
}
