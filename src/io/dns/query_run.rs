//! One query to one nameserver, until an answer comes or the attempts are used up.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::op::Message;

use crate::decide::probe::query::{Query, QueryKind, Transport};
use crate::decide::probe::round::{Edns, Observation, Outcome};
use crate::io::clock::{Clock, random};
use crate::io::dns::client::DnsClient;
use crate::io::dns::limits::ProbeLimits;
use crate::io::dns::message::{QueryParams, answer, refuses_edns, wanted_cookie};
use crate::io::dns::rate_limit::RateLimiter;

/// How queries go to one address.
pub(super) struct QueryRun<'a, P> {
    pub(super) client: DnsClient<P>,
    pub(super) clock: Clock,
    pub(super) limits: &'a ProbeLimits,
    pub(super) address: SocketAddr,
    pub(super) limiter: RateLimiter<'a>,
    /// Record sets come with their signatures, too.
    pub(super) dnssec: bool,
}

/// After the timeout, the last attempt still listens for so long: an answer that comes late is told from none.
pub(super) const LISTEN_ON: Duration = Duration::from_secs(1);

/// What of EDNS a query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdnsUse {
    /// As resolvers ask.
    Full,
    WithoutDo,
    None,
}

/// What the last of some attempts got.
struct Attempt {
    outcome: Outcome,
    latency: Duration,
    truncated: bool,
    edns: EdnsUse,
    /// Packets and connections so far.
    count: u8,
}

impl Attempt {
    fn observation(self, edns: Edns) -> Observation {
        let Self { outcome, latency, truncated, count: attempts, .. } = self;
        Observation { outcome, attempts, truncated, latency, edns }
    }

    /// The answer without DO counts, after the refusal of DO.
    fn instead_of(self, refusal: Self) -> Observation {
        let count = self.count + refusal.count;
        Self { count, ..self }.observation(Edns::DoRefused(Box::new(refusal.outcome)))
    }

    fn is_answer(&self) -> bool {
        matches!(self.outcome, Outcome::Answer(_))
    }

    fn refuses_edns(&self) -> bool {
        matches!(&self.outcome, Outcome::Answer(answer) if refuses_edns(answer.rcode))
    }
}

impl<P: RuntimeProvider> QueryRun<'_, P> {
    /// Asks, and finds out how much of EDNS the server knows; `known` is what it is known to know.
    ///
    /// An answer that refuses EDNS is followed by the same query with less of it. A server that is silent to EDNS
    /// is found by the last attempt, which goes without it, and by one or two more for certainty. Neither makes a
    /// dead server take longer.
    pub(super) async fn observe(&self, query: &Query, known: EdnsUse) -> Observation {
        let full = match query.kind {
            QueryKind::Signatures => known,
            _ if known == EdnsUse::None => known,
            _ => EdnsUse::Full,
        };
        let got = self.attempts(query, full).await;
        if full != EdnsUse::Full {
            return got.observation(Edns::Without);
        }
        if query.kind == QueryKind::Cookie {
            return got.observation(Edns::With);
        }
        if got.refuses_edns() && got.edns == full {
            return match self.without_do(query).await {
                Some(known) => known.instead_of(got),
                None => self.without_edns(query, got).await,
            };
        }
        if !got.is_answer() || got.edns == full || got.refuses_edns() {
            return got.observation(Edns::With);
        }
        let (again, without_do) =
            tokio::join!(self.attempt(query, full, false), self.without_do(query));
        let again = Attempt { count: got.count + again.count, ..again };
        if again.is_answer() && !again.refuses_edns() {
            return again.observation(Edns::With); // packets were lost, no more
        }
        match without_do {
            Some(known) => known.instead_of(again),
            None => Attempt { count: again.count, ..got }
                .observation(Edns::Refused(Box::new(again.outcome))),
        }
    }

    /// What the query gets with EDNS and without DO, if that is an answer.
    async fn without_do(&self, query: &Query) -> Option<Attempt> {
        if query.kind != QueryKind::Signatures {
            return None;
        }
        let got = self.attempt(query, EdnsUse::WithoutDo, false).await;
        Some(got).filter(|got| got.is_answer() && !got.refuses_edns())
    }

    /// What the query gets without EDNS, after an answer that refused it.
    async fn without_edns(&self, query: &Query, refusal: Attempt) -> Observation {
        let again = self.attempts(query, EdnsUse::None).await;
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
    async fn attempts(&self, query: &Query, edns: EdnsUse) -> Attempt {
        let mut pause = self.limits.pause;
        let mut silent = query.transport == Transport::Udp && query.kind.needs_answer();
        let mut count = 0;
        loop {
            let last = count + 1 >= self.limits.attempts;
            let last_resort = silent && last && count > 0;
            let edns = if last_resort { EdnsUse::None } else { edns };
            let got = self.attempt(query, edns, last).await;
            count += got.count;
            if last || got.is_answer() {
                return Attempt { count, ..got };
            }
            silent &= got.outcome == Outcome::Silent;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// One packet or connection; one more if the answer is truncated, or the server wants its cookie back.
    async fn attempt(&self, query: &Query, edns: EdnsUse, last: bool) -> Attempt {
        let Query { set, kind, transport, .. } = query;
        let cookie = random().to_be_bytes();
        let params = QueryParams::new(&set.name, set.rtype, *kind);
        let signed = self.dnssec && *kind == QueryKind::Records && *transport == Transport::Udp;
        let params = QueryParams {
            edns: edns != EdnsUse::None,
            dnssec: (params.dnssec || signed) && edns == EdnsUse::Full,
            cookie: (*kind == QueryKind::Cookie).then_some(&cookie),
            ..params
        };
        let (mut reply, mut latency) = self.send(*transport, params, last).await;
        if let Some(cookie) = reply.as_ref().ok().and_then(wanted_cookie) {
            let params = QueryParams { cookie: Some(&cookie), ..params };
            (reply, latency) = self.send(*transport, params, last).await;
        }
        let truncated = *transport == Transport::Udp
            && reply.as_ref().is_ok_and(|message| message.metadata.truncation);
        if truncated {
            (reply, latency) = self.send(Transport::Tcp, params, last).await;
        }
        let outcome = match reply {
            Ok(_) if latency > self.limits.timeout => Outcome::Late(latency),
            Ok(message) => Outcome::Answer(answer(&message, set)),
            Err(failure) => failure,
        };
        Attempt { outcome, latency, truncated, edns, count: 1 }
    }

    async fn send(
        &self,
        transport: Transport,
        params: QueryParams<'_>,
        last: bool,
    ) -> (Result<Message, Outcome>, Duration) {
        let _permit = self.limiter.permit().await;
        let listen_on = if last { LISTEN_ON } else { Duration::ZERO };
        let client = self.client.waiting(self.limits.timeout + listen_on);
        let sent = self.clock.now().uptime;
        let reply = match transport {
            Transport::Udp => client.udp(self.address, params).await.map(|m| (m, Duration::ZERO)),
            Transport::Tcp => client.tcp(self.address, params).await,
        };
        let waited = reply.as_ref().map_or(Duration::ZERO, |(_, waited)| *waited);
        let latency = self.clock.now().uptime.saturating_sub(sent + waited);
        (reply.map(|(message, _)| message), latency)
    }
}
