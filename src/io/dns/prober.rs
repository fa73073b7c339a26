//! Asks nameservers and anchors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::Semaphore;

use crate::config::{Expected, RecordSet};
use crate::decide::probe::query::{Query, QueryKind, Target};
use crate::decide::probe::round::{AnchorReply, Edns, Observation, Observed, Outcome};
use crate::io::clock::Clock;
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::{ANCHOR_ATTEMPTS, ProbeLimits};
use crate::io::dns::message::{QueryParams, answer};
use crate::io::dns::query_run::{EdnsUse, QueryRun};
use crate::io::dns::rate_limit::RateLimiter;

#[derive(Clone)]
pub(in crate::io) struct Prober<P> {
    network: P,
    clock: Clock,
    limits: ProbeLimits,
}

impl<P: RuntimeProvider> Prober<P> {
    pub(in crate::io) fn new(network: P, clock: Clock, limits: ProbeLimits) -> Self {
        Self { network, clock, limits }
    }

    pub(in crate::io) fn set_limits(&mut self, limits: ProbeLimits) {
        self.limits = limits;
    }

    /// Asks all targets at once. What has no answer at `deadline` (uptime) is unknown.
    pub(in crate::io) async fn targets(
        &self,
        targets: &[Arc<Target>],
        deadline: Duration,
    ) -> Vec<Observed> {
        let in_flight = Semaphore::new(self.limits.in_flight);
        join_all(targets.iter().map(|target| self.target(target, &in_flight, deadline))).await
    }

    /// Asks each anchor for the root's SOA, for which every real anchor is authoritative.
    pub(in crate::io) async fn anchors(&self, anchors: &[SocketAddr]) -> Vec<AnchorReply> {
        self.root_soa(anchors, self.limits.timeout, ANCHOR_ATTEMPTS).await
    }

    /// Asks the addresses where no nameserver can be.
    pub(in crate::io) async fn intercept(&self, addresses: &[SocketAddr]) -> Vec<AnchorReply> {
        self.root_soa(addresses, self.limits.intercept_timeout, 1).await
    }

    async fn root_soa(
        &self,
        addresses: &[SocketAddr],
        timeout: Duration,
        attempts: u8,
    ) -> Vec<AnchorReply> {
        let client = &DnsClient::new(self.network.clone(), timeout);
        let ask = |&address: &SocketAddr| async move {
            let set =
                RecordSet { name: Name::root(), rtype: RecordType::SOA, expected: Expected::Some };
            let query = QueryParams::new(&set.name, set.rtype, QueryKind::Records);
            let mut reply =
                AnchorReply { address, outcome: Outcome::Silent, latency: Duration::ZERO };
            for _ in 0..attempts {
                let sent = self.clock.now().uptime;
                let response = client.udp(address, query).await;
                reply.latency = self.clock.now().uptime.saturating_sub(sent);
                reply.outcome =
                    response.map_or_else(|failure| failure, |m| Outcome::Answer(answer(&m, &set)));
                if matches!(reply.outcome, Outcome::Answer(_)) {
                    break;
                }
            }
            reply
        };
        join_all(addresses.iter().map(ask)).await
    }

    async fn target(
        &self,
        target: &Arc<Target>,
        in_flight: &Semaphore,
        deadline: Duration,
    ) -> Observed {
        let run = &QueryRun {
            client: DnsClient::new(self.network.clone(), self.limits.timeout),
            clock: self.clock,
            limits: &self.limits,
            address: target.address,
            limiter: RateLimiter::new(self.clock, self.limits.gap(), in_flight),
        };
        let ask = async |query: &Query, edns| {
            tokio::select! {
                observation = run.observe(query, edns) => observation,
                () = self.clock.sleep_until(deadline) => out_of_time(),
            }
        };
        let (first, rest) = (&target.queries[0], &target.queries[1..]);
        let first = ask(first, EdnsUse::Full).await;
        // Otherwise every query would find out by itself.
        let edns = match first.edns {
            Edns::With => EdnsUse::Full,
            Edns::DoRefused(_) => EdnsUse::WithoutDo,
            Edns::Refused(_) | Edns::Without => EdnsUse::None,
        };
        let dead = matches!(
            first.outcome,
            Outcome::Silent
                | Outcome::Late(_)
                | Outcome::Closed
                | Outcome::Unreachable(_)
                | Outcome::Local(_)
        );
        let mut observations = vec![first.clone()];
        if dead && !first.truncated {
            // To ask a dead address everything else as well would only take longer.
            let same = Observation { attempts: 0, ..first };
            observations.extend(rest.iter().map(|_| same.clone()));
        } else {
            // Alone and last: what else is asked shows whether only the cookie fails.
            let cookie = rest.last().filter(|query| query.kind == QueryKind::Cookie);
            let numbered = rest[..rest.len() - usize::from(cookie.is_some())].iter().enumerate();
            let asked = numbered.map(async |(n, query)| (n, ask(query, edns).await));
            let asked = stream::iter(asked).buffer_unordered(self.limits.in_flight);
            let mut answered: Vec<(usize, Observation)> = asked.collect().await;
            answered.sort_unstable_by_key(|(n, _)| *n);
            observations.extend(answered.into_iter().map(|(_, observation)| observation));
            if let Some(cookie) = cookie {
                let answered = |(query, got): (&Query, &Observation)| {
                    query.kind.hourly() || matches!(got.outcome, Outcome::Answer(_))
                };
                let fit = target.queries.iter().zip(&observations).all(answered);
                observations.push(match fit && edns != EdnsUse::None {
                    true => ask(cookie, edns).await,
                    false => {
                        Observation { attempts: 0, edns: Edns::Without, ..observations[0].clone() }
                    }
                });
            }
        }
        Observed { target: Arc::clone(target), observations }
    }
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
