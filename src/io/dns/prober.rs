//! Asks nameservers and anchors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::Semaphore;

use crate::config::{Expected, RecordSet};
use crate::decide::probe::query::{QueryKind, Target};
use crate::decide::probe::round::{AnchorReply, Observed, Outcome};
use crate::io::clock::Clock;
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::{ANCHOR_ATTEMPTS, ProbeLimits};
use crate::io::dns::message::{QueryParams, answer};
use crate::io::dns::rate_limit::Paces;
use crate::io::dns::target_run::TargetRun;

#[derive(Clone)]
pub(in crate::io) struct Prober<P> {
    network: P,
    clock: Clock,
    limits: ProbeLimits,
    paces: Paces,
}

impl<P: RuntimeProvider> Prober<P> {
    pub(in crate::io) fn new(network: P, clock: Clock, limits: ProbeLimits) -> Self {
        Self { network, clock, limits, paces: Paces::default() }
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
        let (address, limits) = (target.address, &self.limits);
        let run = TargetRun {
            target,
            client: DnsClient::new(self.network.clone(), limits.timeout),
            clock: self.clock,
            limits,
            in_flight,
            gap: self.paces.gap(
                target,
                limits.gap(),
                deadline.saturating_sub(self.clock.now().uptime),
            ),
            deadline,
        };
        let (observations, slower) = run.observe().await;
        if let Some(gap) = slower {
            self.paces.remember(address, run.gap, gap);
        }
        let mut observed = Observed { target: Arc::clone(target), observations };
        run.add_keys(&mut observed).await;
        observed
    }
}
