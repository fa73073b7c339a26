//! One query to one nameserver, until an answer comes or the attempts are used up.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;

use crate::config::RecordSet;
use crate::decide::probe::query::{Query, QueryKind, Transport};
use crate::decide::probe::round::{Edns, Observation, Outcome};
use crate::io::clock::Clock;
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::message::{QueryParams, answer, refuses_edns};
use crate::io::dns::rate_limit::RateLimiter;

/// How queries go to one address.
pub(super) struct QueryRun<'a, P> {
    pub(super) client: DnsClient<P>,
    pub(super) clock: Clock,
    pub(super) limits: &'a ProbeLimits,
    pub(super) address: SocketAddr,
    pub(super) limiter: RateLimiter<'a>,
}

/// What the last of some attempts got.
struct Attempt {
    outcome: Outcome,
    latency: Duration,
    truncated: bool,
    edns: bool,
    /// Packets and connections so far.
    count: u8,
}

impl Attempt {
    fn observation(self, edns: Edns) -> Observation {
        let Self { outcome, latency, truncated, count: attempts, .. } = self;
        Observation { outcome, attempts, truncated, latency, edns }
    }

    fn is_answer(&self) -> bool {
        matches!(self.outcome, Outcome::Answer(_))
    }

    fn refuses_edns(&self) -> bool {
        matches!(&self.outcome, Outcome::Answer(answer) if refuses_edns(answer.rcode))
    }
}

impl<P: RuntimeProvider> QueryRun<'_, P> {
    /// Asks, and finds out whether the server knows EDNS, unless `edns` is false: then the server is known
    /// not to.
    ///
    /// An answer that refuses EDNS is followed by the same query without it. A server that is silent to EDNS
    /// is found by the last attempt, which goes without it, and by one more with it for certainty. Neither
    /// makes a dead server take longer.
    pub(super) async fn observe(&self, query: &Query, edns: bool) -> Observation {
        let got = self.attempts(query, edns).await;
        if got.refuses_edns() && got.edns {
            return self.without_edns(query, got).await;
        }
        if !got.is_answer() || got.edns || got.refuses_edns() {
            return got.observation(Edns::With);
        }
        if !edns {
            return got.observation(Edns::Without);
        }
        let again = self.attempt(query, true).await;
        let count = got.count + again.count;
        if again.is_answer() && !again.refuses_edns() {
            return Attempt { count, ..again }.observation(Edns::With); // packets were lost, no more
        }
        Attempt { count, ..got }.observation(Edns::Refused(Box::new(again.outcome)))
    }

    /// What the query gets without EDNS, after an answer that refused it.
    async fn without_edns(&self, query: &Query, refusal: Attempt) -> Observation {
        let again = self.attempts(query, false).await;
        let again = Attempt { count: refusal.count + again.count, ..again };
        if !again.is_answer() {
            // The refusal is the only answer there was.
            return Attempt { outcome: refusal.outcome, ..again }.observation(Edns::With);
        }
        let refused = !again.refuses_edns(); // else EDNS was not the reason
        let edns = if refused { Edns::Refused(Box::new(refusal.outcome)) } else { Edns::With };
        again.observation(edns)
    }

    /// Attempts until there is an answer, with pauses between them.
    async fn attempts(&self, query: &Query, edns: bool) -> Attempt {
        let mut pause = self.limits.pause;
        let mut silent = query.transport == Transport::Udp && query.kind != QueryKind::Recursion;
        let mut count = 0;
        loop {
            let last = count + 1 >= self.limits.attempts;
            let last_resort = silent && last && count > 0;
            let got = self.attempt(query, edns && !last_resort).await;
            count += got.count;
            if last || got.is_answer() {
                return Attempt { count, ..got };
            }
            silent &= got.outcome == Outcome::Silent;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// One packet or connection; one more if the answer is truncated.
    async fn attempt(&self, query: &Query, edns: bool) -> Attempt {
        let Query { set, kind, transport, .. } = query;
        let params = QueryParams { edns, ..QueryParams::new(&set.name, set.rtype, *kind) };
        let (mut outcome, mut latency) = self.send(*transport, params, set).await;
        let truncated = *transport == Transport::Udp
            && matches!(&outcome, Outcome::Answer(answer) if answer.tc);
        if truncated {
            (outcome, latency) = self.send(Transport::Tcp, params, set).await;
        }
        Attempt { outcome, latency, truncated, edns, count: 1 }
    }

    async fn send(
        &self,
        transport: Transport,
        params: QueryParams<'_>,
        set: &RecordSet,
    ) -> (Outcome, Duration) {
        let _permit = self.limiter.permit().await;
        let sent = self.clock.now().uptime;
        let response = match transport {
            Transport::Udp => self.client.udp(self.address, params).await,
            Transport::Tcp => self.client.tcp(self.address, params).await,
        };
        let latency = self.clock.now().uptime.saturating_sub(sent);
        let outcome = match response {
            Ok(message) => Outcome::Answer(answer(&message, set)),
            Err(failure) => failure,
        };
        (outcome, latency)
    }
}
