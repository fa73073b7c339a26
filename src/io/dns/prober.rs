//! Asks the questions: one packet an attempt, every answer taken as it is.
//!
//! A resolver would hide what we are after (AA, RCODE) and ask again by itself; so the questions go out
//! through hickory's transports with their retries off, and attempts are counted here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::Semaphore;

use crate::decide::judge::round::looks_faulty;
use crate::decide::probe::endpoint::EndpointCheck;
use crate::decide::probe::query::{Query, QueryKind, Target, Transport};
use crate::decide::probe::round::{AnchorReply, Edns, Observation, Observed, Outcome, Round};
use crate::io::clock::Clock;
use crate::io::dns::message::{QueryParams, outcome, refuses_edns, request};
use crate::io::dns::rate_limit::RateLimiter;
use crate::io::dns::socket::FilteredSocket;

/// How patiently to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Patience {
    /// How long one packet, or one TCP exchange, may take.
    pub timeout: Duration,
    /// Packets to each question before it counts as unanswered.
    pub attempts: u8,
    /// Between the end of one attempt and the next; doubled each time.
    pub pause: Duration,
    /// How long an address where nobody should answer is listened to. Whoever intercepts is near.
    pub intercept: Duration,
    /// Packets a second to one address; 0: as fast as they go.
    pub per_second: u32,
    /// How long a round may take, beyond what pacing takes; what is not answered by then is unknown.
    pub deadline: Duration,
    /// Packets and connections under way at once, all addresses together; bounds sockets and memory.
    pub in_flight: usize,
}

impl Patience {
    /// The product's values, at that pace.
    #[must_use]
    pub fn paced(per_second: u32) -> Self {
        Self {
            timeout: Duration::from_secs(2),
            attempts: 3,
            pause: Duration::from_millis(500),
            intercept: Duration::from_secs(1),
            per_second,
            deadline: Duration::from_secs(45),
            in_flight: 200,
        }
    }
}

/// Packets to an anchor before it counts as silent; there are several anchors.
const ANCHOR_ATTEMPTS: u8 = 2;

/// Packets that a question may take beyond its attempts: to see whether EDNS alone is what fails.
const EDNS_ATTEMPTS: u8 = 2;

/// Web endpoints visited at once: each takes a thread, of which the service may have 16, and TLS some memory.
const VISITS: usize = 4;

/// What one attempt got.
struct Got {
    outcome: Outcome,
    latency: Duration,
    truncated: bool,
}

/// Asks over one network.
#[derive(Clone)]
pub struct Prober<P> {
    pub(in crate::io) network: P,
    pub(in crate::io) clock: Clock,
    pub(in crate::io) patience: Patience,
}

impl<P: RuntimeProvider> Prober<P> {
    /// Asks over that network, with that patience.
    pub fn new(network: P, clock: Clock, patience: Patience) -> Self {
        Self { network, clock, patience }
    }

    /// Asks the nameservers everything; see [`Self::look`].
    pub async fn round(
        &self,
        targets: &[Arc<Target>],
        anchors: &[SocketAddr],
        intercept: &[SocketAddr],
    ) -> Round {
        self.look(targets, &[], anchors, intercept).await
    }

    /// Asks everything, and the anchors; and the anchors again if anything looked faulty.
    ///
    /// Only anchors of the address families that are used are asked.
    pub async fn look(
        &self,
        targets: &[Arc<Target>],
        errands: &[Arc<EndpointCheck>],
        anchors: &[SocketAddr],
        intercept: &[SocketAddr],
    ) -> Round {
        let at = self.clock.now();
        let used = |address: &&SocketAddr| {
            let v6 = address.is_ipv6();
            let asked = targets.iter().any(|target| target.address.is_ipv6() == v6);
            asked || errands.iter().any(|errand| errand.may_use(v6))
        };
        let anchors: Vec<SocketAddr> = anchors.iter().filter(used).copied().collect();
        let intercept: Vec<SocketAddr> = intercept.iter().filter(used).copied().collect();
        let in_flight = Semaphore::new(self.patience.in_flight);
        let deadline = at.uptime + self.deadline(targets);
        let visits = Arc::new(Semaphore::new(VISITS));
        let (before, intercept, observed, visited) = tokio::join!(
            self.anchors(&anchors),
            self.readings(&intercept, self.patience.intercept, 1),
            join_all(targets.iter().map(|target| self.target(target, &in_flight, deadline))),
            join_all(errands.iter().map(|errand| self.visit(errand, &visits, deadline))),
        );
        let mut round = Round { at, before, intercept, after: None, observed, endpoints: visited };
        if looks_faulty(&round) {
            round.after = Some(self.anchors(&anchors).await);
        }
        round
    }

    /// How long a round over these targets takes at most.
    #[must_use]
    pub fn longest(&self, targets: &[Arc<Target>]) -> Duration {
        // The anchors are asked again after the deadline.
        self.deadline(targets) + self.patience.timeout * u32::from(ANCHOR_ATTEMPTS)
    }

    /// Pacing may use every attempt of every question of the busiest address.
    fn deadline(&self, targets: &[Arc<Target>]) -> Duration {
        let most = targets.iter().map(|target| target.queries.len()).max();
        let packets = u32::try_from(most.unwrap_or(0)).unwrap_or(u32::MAX);
        let attempts = self.patience.attempts.saturating_add(EDNS_ATTEMPTS);
        let packets = packets.saturating_mul(u32::from(attempts));
        let gap = Duration::from_secs(1).checked_div(self.patience.per_second);
        self.patience.deadline + gap.unwrap_or_default().saturating_mul(packets)
    }

    async fn anchors(&self, anchors: &[SocketAddr]) -> Vec<AnchorReply> {
        self.readings(anchors, self.patience.timeout, ANCHOR_ATTEMPTS).await
    }

    /// Asks each address for the root's SOA, which every real anchor is authoritative for.
    async fn readings(
        &self,
        whom: &[SocketAddr],
        timeout: Duration,
        attempts: u8,
    ) -> Vec<AnchorReply> {
        let ask = |&address: &SocketAddr| async move {
            let root = Name::root();
            let asking = QueryParams {
                name: &root,
                rtype: RecordType::SOA,
                aim: QueryKind::Records,
                edns: true,
            };
            let (mut outcome, mut latency) = (Outcome::Silent, Duration::ZERO);
            for _ in 0..attempts {
                (outcome, latency) = self.udp(address, asking, timeout).await;
                if matches!(outcome, Outcome::Answer(_)) {
                    break;
                }
            }
            AnchorReply { address, outcome, latency }
        };
        join_all(whom.iter().map(ask)).await
    }

    async fn target(
        &self,
        target: &Arc<Target>,
        in_flight: &Semaphore,
        deadline: Duration,
    ) -> Observed {
        let pace = &RateLimiter::new(self.clock, self.patience.per_second, in_flight);
        let ask = move |question, edns| async move {
            tokio::select! {
                observation = self.question(target.address, question, pace, edns) => observation,
                () = self.clock.sleep_until(deadline) => Observation {
                    outcome: Outcome::Local("the round ran out of time".to_owned()),
                    attempts: 0,
                    truncated: false,
                    latency: Duration::ZERO,
                    edns: Edns::With,
                },
            }
        };
        let (first, rest) = (&target.queries[0], &target.queries[1..]);
        let knock = ask(first, true).await;
        let edns = knock.edns == Edns::With; // otherwise every question would find out by itself
        let silent = matches!(
            knock.outcome,
            Outcome::Silent | Outcome::Closed | Outcome::Unreachable(_) | Outcome::Local(_)
        );
        let mut observations = vec![knock.clone()];
        if silent && !knock.truncated {
            // QueryParams a dead address everything else as well would only take longer.
            let same = Observation { attempts: 0, ..knock };
            observations.extend(rest.iter().map(|_| same.clone()));
        } else {
            let numbered = rest.iter().enumerate();
            let asked = numbered.map(|(n, question)| async move { (n, ask(question, edns).await) });
            let asked = stream::iter(asked).buffer_unordered(self.patience.in_flight);
            let mut answered: Vec<(usize, Observation)> = asked.collect().await;
            answered.sort_unstable_by_key(|(n, _)| *n);
            observations.extend(answered.into_iter().map(|(_, observation)| observation));
        }
        Observed { target: Arc::clone(target), observations }
    }

    /// Asks until there is an answer, or for as often as patience has it.
    ///
    /// An answer that refuses EDNS is not the end: the same is asked without. A server that is silent to EDNS
    /// alone shows it in the last attempt, which goes without, and once more with it for certainty. Neither
    /// costs a dead server's caller anything.
    async fn question(
        &self,
        address: SocketAddr,
        question: &Query,
        pace: &RateLimiter<'_>,
        edns: bool,
    ) -> Observation {
        let mut pause = self.patience.pause;
        let mut attempts = 0;
        let mut left = self.patience.attempts;
        let mut refusal = None;
        let mut silent =
            question.transport == Transport::Udp && question.kind != QueryKind::Recursion;
        loop {
            let last_resort = silent && left == 1 && attempts > 0;
            let with = edns && refusal.is_none() && !last_resort;
            let got = self.attempt(address, question, with, pace).await;
            attempts += 1;
            left -= 1;
            silent &= got.outcome == Outcome::Silent;
            let observation = |got: Got, attempts, edns| {
                let Got { outcome, truncated, latency } = got;
                Observation { outcome, attempts, truncated, latency, edns }
            };
            match got.outcome {
                Outcome::Answer(ref answer) if refuses_edns(answer) => {
                    if !with || refusal.is_some() {
                        return observation(got, attempts, Edns::With); // it has nothing else to say
                    }
                    refusal = Some(got.outcome);
                    left = self.patience.attempts;
                    silent = false;
                    continue;
                }
                Outcome::Answer(_) => {
                    let edns = match refusal {
                        _ if !edns => Edns::Without,
                        Some(refusal) => Edns::Refused(Box::new(refusal)),
                        None if with => Edns::With,
                        None => {
                            let again = self.attempt(address, question, true, pace).await;
                            attempts += 1;
                            match again.outcome {
                                Outcome::Answer(ref answer) if !refuses_edns(answer) => {
                                    return observation(again, attempts, Edns::With);
                                }
                                outcome => Edns::Refused(Box::new(outcome)),
                            }
                        }
                    };
                    return observation(got, attempts, edns);
                }
                _ if left == 0 => {
                    let outcome = refusal.unwrap_or(got.outcome); // it did answer that
                    return observation(Got { outcome, ..got }, attempts, Edns::With);
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// One packet or connection; two, where the first says that the answer is too long for it.
    async fn attempt(
        &self,
        address: SocketAddr,
        question: &Query,
        edns: bool,
        pace: &RateLimiter<'_>,
    ) -> Got {
        let Query { set, kind: aim, transport, .. } = question;
        let asking = QueryParams { name: &set.name, rtype: set.rtype, aim: *aim, edns };
        let turn = pace.turn().await;
        let (mut outcome, mut latency) = match transport {
            Transport::Udp => self.udp(address, asking, self.patience.timeout).await,
            Transport::Tcp => self.tcp(address, asking).await,
        };
        let truncated = *transport == Transport::Udp
            && matches!(&outcome, Outcome::Answer(answer) if answer.tc);
        drop(turn);
        if truncated {
            let _turn = pace.turn().await;
            (outcome, latency) = self.tcp(address, asking).await;
        }
        Got { outcome, latency, truncated }
    }

    /// One packet, and the first answer to it.
    pub(in crate::io) async fn udp(
        &self,
        address: SocketAddr,
        asking: QueryParams<'_>,
        timeout: Duration,
    ) -> (Outcome, Duration) {
        let ear = FilteredSocket::new(self.network.clone());
        let mut stream = UdpClientStream::builder(address, ear.clone())
            .with_timeout(Some(timeout))
            .with_max_retries(0) // we count attempts ourselves
            .with_os_port_selection(true)
            .build();
        let sent = self.clock.now();
        let reply = stream.send_message(request(asking)).first_answer().await;
        let latency = self.clock.now().uptime.saturating_sub(sent.uptime);
        let outcome = match (outcome(reply, asking), ear.rejected()) {
            (Outcome::Silent, Some(why)) => Outcome::Garbled(why),
            (outcome, _) => outcome,
        };
        (outcome, latency)
    }

    /// One connection, one question, and the first answer to it.
    async fn tcp(&self, address: SocketAddr, asking: QueryParams<'_>) -> (Outcome, Duration) {
        let timeout = self.patience.timeout;
        let sent = self.clock.now();
        let exchange = async {
            let network = self.network.clone();
            let stream =
                TcpClientStream::exchange(address, None, timeout, Some(1), network).await?;
            match stream.send(request(asking)).first_answer().await {
                // Hickory's task for the connection has ended with it, and the question was not sent.
                Err(NetError::Busy | NetError::Message(_)) => {
                    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
                }
                reply => reply,
            }
        };
        // Connecting and asking have a timeout each; together they get one.
        let reply = tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(NetError::Timeout));
        let latency = self.clock.now().uptime.saturating_sub(sent.uptime);
        (outcome(reply, asking), latency)
    }
}
