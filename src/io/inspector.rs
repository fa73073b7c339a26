//! Rounds over nameservers and web endpoints, with the anchors that show whether to believe them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::Mutex;

use crate::config::{Expected, RecordSet, Schedule, Vantage};
use crate::decide::judge::round::looks_faulty;
use crate::decide::judge::world;
use crate::decide::probe::answer::Answer;
use crate::decide::probe::endpoint::{EndpointCheck, EndpointResult};
use crate::decide::probe::query::Target;
use crate::decide::probe::round::{AnchorReply, Outcome, Round};
use crate::decide::probe::world::{WorldCheck, WorldOutcome, WorldResult};
use crate::io::clock::{Clock, random};
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::prober::Prober;
use crate::io::dns::resolver::Resolver;
use crate::io::dns::walk::Walker;
use crate::io::http::endpoint::EndpointChecker;

#[derive(Clone)]
pub struct Inspector<P> {
    clock: Clock,
    limits: ProbeLimits,
    prober: Prober<P>,
    endpoints: EndpointChecker<P>,
    walker: Walker<P>,
    confirmed: Arc<Mutex<Confirmation>>,
}

/// The last replies of the anchors after a fault of an endpoint, and the uptime when they were asked.
#[derive(Default)]
struct Confirmation {
    asked: Duration,
    replies: Vec<AnchorReply>,
}

/// The addresses that prove our uplink, of the families in use.
struct Anchors {
    anchors: Vec<SocketAddr>,
    intercept: Vec<SocketAddr>,
}

impl Anchors {
    fn new(vantage: &Vantage, targets: &[Arc<Target>], checks: &[Arc<EndpointCheck>]) -> Self {
        let used = |address: &&SocketAddr| {
            let v6 = address.is_ipv6();
            targets.iter().any(|target| target.address.is_ipv6() == v6)
                || checks.iter().any(|check| check.may_use(v6))
        };
        Self {
            anchors: vantage.anchors.iter().filter(used).copied().collect(),
            intercept: vantage.intercept.iter().filter(used).copied().collect(),
        }
    }
}

impl<P: RuntimeProvider> Inspector<P> {
    pub fn new(network: P, clock: Clock, limits: ProbeLimits) -> Self {
        let client = DnsClient::new(network.clone(), limits.timeout);
        let walker = Walker::new(client.clone(), clock);
        let resolver = Resolver::new(client);
        let endpoints = EndpointChecker::new(network.clone(), clock, resolver);
        let prober = Prober::new(network, clock, limits.clone());
        Self { clock, limits, prober, endpoints, walker, confirmed: Arc::default() }
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
        let Anchors { anchors, intercept } = Anchors::new(vantage, targets, checks);
        let (before, intercept, observed, endpoints) = tokio::join!(
            self.prober.anchors(&anchors),
            self.prober.intercept(&intercept),
            self.prober.targets(targets, deadline),
            self.checked(checks, at.uptime + self.limits.deadline),
        );
        let world = Vec::new();
        let mut round = Round { at, before, intercept, after: None, observed, endpoints, world };
        if looks_faulty(&round) {
            round.after = Some(self.prober.anchors(&anchors).await);
        }
        round
    }

    /// The results in the order of the checks. The first check is another one each time, so that not always
    /// the same ones are late.
    async fn checked(
        &self,
        checks: &[Arc<EndpointCheck>],
        deadline: Duration,
    ) -> Vec<EndpointResult> {
        let mut started = self.endpoints.start(checks, deadline);
        let first = first(checks.len());
        started.rotate_left(first);
        let mut results = join_all(started).await;
        results.rotate_right(first);
        results
    }

    /// A round for each endpoint: none waits for another one. What is not complete at `deadline` (uptime) is
    /// abandoned.
    pub fn endpoint_rounds(
        &self,
        checks: &[Arc<EndpointCheck>],
        vantage: &Vantage,
        deadline: Duration,
    ) -> Vec<BoxFuture<'static, Round>> {
        let at = self.clock.now();
        let Anchors { anchors, intercept } = Anchors::new(vantage, &[], checks);
        let prober = self.prober.clone();
        let asked = anchors.clone();
        let uplink =
            async move { tokio::join!(prober.anchors(&asked), prober.intercept(&intercept)) };
        let (uplink, anchors) = (uplink.boxed().shared(), Arc::new(anchors));
        let round = |check: BoxFuture<'static, EndpointResult>| {
            let (inspector, uplink, anchors) = (self.clone(), uplink.clone(), Arc::clone(&anchors));
            async move {
                let ((before, intercept), result) = tokio::join!(uplink, check);
                let endpoints = vec![result];
                let observed = Vec::new();
                let world = Vec::new();
                let mut round =
                    Round { at, before, intercept, after: None, observed, endpoints, world };
                if looks_faulty(&round) {
                    round.after = Some(inspector.confirm(&anchors).await);
                }
                round
            }
            .boxed()
        };
        let mut rounds: Vec<_> =
            self.endpoints.start(checks, deadline).into_iter().map(round).collect();
        rounds.rotate_left(first(checks.len()));
        rounds
    }

    /// A round for each zone that is looked at from the roots. What is not found after `within` is unknown.
    pub fn world_rounds(
        &self,
        checks: &[Arc<WorldCheck>],
        vantage: &Vantage,
        within: Duration,
        schedule: &Schedule,
    ) -> Vec<BoxFuture<'static, Round>> {
        let round = |check: &Arc<WorldCheck>| {
            let (inspector, vantage) = (self.clone(), vantage.clone());
            let (check, schedule) = (Arc::clone(check), schedule.clone());
            async move { inspector.world_round(check, &vantage, within, &schedule).await }.boxed()
        };
        checks.iter().map(round).collect()
    }

    async fn world_round(
        &self,
        check: Arc<WorldCheck>,
        vantage: &Vantage,
        within: Duration,
        schedule: &Schedule,
    ) -> Round {
        let result = self.walker.look(check, vantage.anchors.clone(), within).await;
        let at = self.clock.now();
        let used = |address: &&SocketAddr| result.used(address.is_ipv6());
        let anchors: Vec<SocketAddr> = vantage.anchors.iter().filter(used).copied().collect();
        let intercept: Vec<SocketAddr> = vantage.intercept.iter().filter(used).copied().collect();
        let intercept = self.prober.intercept(&intercept).await;
        // A root server has answered with its keys; after a fault the anchors are asked.
        let before = match world::looks_faulty(&result, &at, schedule) {
            true => self.confirm(&anchors).await,
            false => root_reply(&result),
        };
        let (observed, endpoints, world) = (Vec::new(), Vec::new(), vec![result]);
        Round { at, before, intercept, after: None, observed, endpoints, world }
    }

    /// Asks the anchors after a fault. Endpoints that fail at the same time share the replies.
    async fn confirm(&self, anchors: &[SocketAddr]) -> Vec<AnchorReply> {
        let since = self.clock.now().uptime;
        let mut last = self.confirmed.lock().await;
        let same = last.replies.iter().map(|reply| &reply.address).eq(anchors);
        if last.asked < since || !same {
            let asked = self.clock.now().uptime;
            *last = Confirmation { asked, replies: self.prober.anchors(anchors).await };
        }
        last.replies.clone()
    }
}

/// The root server that a look began with, as a reply of an anchor.
fn root_reply(result: &WorldResult) -> Vec<AnchorReply> {
    let WorldOutcome::Walked(walk) = &result.outcome else { return Vec::new() };
    let set = RecordSet { name: Name::root(), rtype: RecordType::DNSKEY, expected: Expected::Some };
    let answer = Answer::new(&set, std::iter::empty());
    let (address, latency) = (walk.root, Duration::ZERO);
    vec![AnchorReply { address, outcome: Outcome::Answer(answer), latency }]
}

fn first(checks: usize) -> usize {
    usize::try_from(random() >> 32).unwrap_or(0) % checks.max(1)
}
