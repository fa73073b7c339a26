//! One round over everything: nameservers, web endpoints and, to know whether to believe the round, anchors.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::net::runtime::RuntimeProvider;

use crate::config::Vantage;
use crate::decide::judge::round::looks_faulty;
use crate::decide::probe::endpoint::EndpointCheck;
use crate::decide::probe::query::Target;
use crate::decide::probe::round::Round;
use crate::io::clock::Clock;
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::prober::Prober;
use crate::io::dns::resolver::Resolver;
use crate::io::http::endpoint::EndpointChecker;

#[derive(Clone)]
pub struct Inspector<P> {
    clock: Clock,
    limits: ProbeLimits,
    prober: Prober<P>,
    endpoints: EndpointChecker<P>,
}

impl<P: RuntimeProvider> Inspector<P> {
    pub fn new(network: P, clock: Clock, limits: ProbeLimits) -> Self {
        let resolver = Resolver::new(DnsClient::new(network.clone(), limits.timeout));
        let endpoints = EndpointChecker::new(network.clone(), clock, resolver);
        let prober = Prober::new(network, clock, limits.clone());
        Self { clock, limits, prober, endpoints }
    }

    /// Look-ups under way still count against their bound.
    pub fn set_limits(&mut self, limits: ProbeLimits) {
        self.prober.set_limits(limits.clone());
        self.limits = limits;
    }

    #[must_use]
    pub fn limits(&self) -> &ProbeLimits {
        &self.limits
    }

    /// Asks everything, and the anchors again if anything looks faulty. Only anchors of address families in
    /// use are asked.
    pub async fn round(
        &self,
        targets: &[Arc<Target>],
        checks: &[Arc<EndpointCheck>],
        vantage: &Vantage,
    ) -> Round {
        let at = self.clock.now();
        let deadline = at.uptime + self.limits.deadline_for(targets);
        let used = |address: &&SocketAddr| {
            let v6 = address.is_ipv6();
            targets.iter().any(|target| target.address.is_ipv6() == v6)
                || checks.iter().any(|check| check.may_use(v6))
        };
        let anchors: Vec<SocketAddr> = vantage.anchors.iter().filter(used).copied().collect();
        let intercept: Vec<SocketAddr> = vantage.intercept.iter().filter(used).copied().collect();
        let (before, intercept, observed, endpoints) = tokio::join!(
            self.prober.anchors(&anchors),
            self.prober.intercept(&intercept),
            self.prober.targets(targets, deadline),
            self.endpoints.round(checks, deadline),
        );
        let mut round = Round { at, before, intercept, after: None, observed, endpoints };
        if looks_faulty(&round) {
            round.after = Some(self.prober.anchors(&anchors).await);
        }
        round
    }
}
