//! One query, one answer: the only place that sends DNS messages.
//!
//! Hickory's `Resolver` hides what we look for (AA, RCODE) and asks again by itself, and its clients give up at
//! the first packet that they cannot read. So queries go straight through the network.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{AsyncReadExt, AsyncWriteExt};
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider};
use hickory_resolver::proto::op::Message;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::decide::probe::round::Outcome;
use crate::io::clock::Clock;
use crate::io::dns::message::{QueryParams, io_outcome, refuses_edns};
use crate::io::dns::packet::{NotAnAnswer, accept, accept_datagram};

/// Packets for each query of [`DnsClient::ask`].
const ATTEMPTS: usize = 3;

/// Long answers over TCP that one client reads at once, and what counts as long: memory must not depend on what
/// is sent.
const LONG_ANSWERS: usize = 8;
const LONG: usize = 4096;

/// Larger than a datagram that we accept, so that one that is too large is recognised.
const BUFFER: usize = 4096;

/// Sends queries over one network. A failure is any [`Outcome`] but an answer.
#[derive(Clone)]
pub(in crate::io) struct DnsClient<P> {
    network: P,
    /// For one packet, or one TCP exchange.
    timeout: Duration,
    long_answers: Arc<Semaphore>,
}

impl<P: RuntimeProvider> DnsClient<P> {
    pub(in crate::io) fn new(network: P, timeout: Duration) -> Self {
        Self { network, timeout, long_answers: Arc::new(Semaphore::new(LONG_ANSWERS)) }
    }

    /// The same client, which waits for so long.
    pub(super) fn waiting(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The answer after as many attempts as it takes; over TCP if it is truncated, and without EDNS if the
    /// server refuses that. A code such as NXDOMAIN is an answer.
    pub(super) async fn ask(
        &self,
        server: SocketAddr,
        mut query: QueryParams<'_>,
    ) -> Result<Message, Outcome> {
        let mut last = Outcome::Silent;
        for _ in 0..ATTEMPTS {
            let mut answer = self.udp(server, query).await;
            if answer.as_ref().is_ok_and(|message| message.metadata.truncation) {
                answer = self.tcp(server, query).await.map(|(message, _)| message);
            }
            match answer {
                Ok(message) if query.edns && refuses_edns(message.metadata.response_code) => {
                    query.edns = false;
                }
                Err(failure @ (Outcome::Silent | Outcome::Garbled(_))) => last = failure,
                done => return done,
            }
        }
        Err(last)
    }

    /// One packet, and the first one that answers it.
    pub(super) async fn udp(
        &self,
        server: SocketAddr,
        query: QueryParams<'_>,
    ) -> Result<Message, Outcome> {
        let query = query.message();
        let mut rejected = None;
        let exchange = async {
            let any = if server.is_ipv4() {
                (Ipv4Addr::UNSPECIFIED, 0).into()
            } else {
                (Ipv6Addr::UNSPECIFIED, 0).into()
            };
            let socket = self.network.bind_udp(any, server).await?;
            socket.send_to(&bytes(&query)?, server).await?;
            let mut datagram = [0; BUFFER];
            // Bounded: each turn takes a datagram out of the socket, and the timeout ends a flood.
            loop {
                let (length, source) = socket.recv_from(&mut datagram).await?;
                let accepted = match source == server {
                    true => accept_datagram(&query, &datagram[..length]),
                    false => Err(NotAnAnswer(format!("a packet from another address, {source}"))),
                };
                match accepted {
                    Ok(message) => return io::Result::Ok(message),
                    Err(why) => rejected = Some(why.0),
                }
            }
        };
        match timeout(self.timeout, exchange).await {
            Ok(answered) => answered.map_err(|error| io_outcome(&error)),
            Err(_) => Err(rejected.map_or(Outcome::Silent, Outcome::Garbled)),
        }
    }

    /// One connection, one query, and the first message that comes; and how long it waited for its turn to be
    /// read, which is no time of the server's. A long answer has the timeout once more.
    pub(super) async fn tcp(
        &self,
        server: SocketAddr,
        query: QueryParams<'_>,
    ) -> Result<(Message, Duration), Outcome> {
        let query = query.message();
        let begin = async {
            let mut stream = self.network.connect_tcp(server, None, Some(self.timeout)).await?;
            let mut sent = bytes(&query)?;
            let length = u16::try_from(sent.len()).map_err(io::Error::other)?;
            sent.splice(..0, length.to_be_bytes());
            stream.write_all(&sent).await?;
            stream.flush().await?;
            let mut length = [0; 2];
            stream.read_exact(&mut length).await?;
            let length = usize::from(u16::from_be_bytes(length));
            let mut packet = vec![0; length.min(LONG)];
            stream.read_exact(&mut packet).await?;
            io::Result::Ok((stream, packet, length))
        };
        let (mut stream, mut packet, length) = self.in_time(begin).await?;
        let clock = Clock::system();
        let _permit = match length > LONG {
            true => self.long_answers.acquire().await.ok(),
            false => None,
        };
        let waited = clock.now().uptime;
        packet.resize(length, 0);
        let read = packet.len().min(LONG);
        self.in_time(stream.read_exact(&mut packet[read..])).await?;
        let message = accept(&query, &packet).map_err(|why| Outcome::Garbled(why.0))?;
        Ok((message, waited))
    }

    async fn in_time<T>(&self, part: impl Future<Output = io::Result<T>>) -> Result<T, Outcome> {
        let done = timeout(self.timeout, part).await.map_err(|_| Outcome::Silent)?;
        done.map_err(|error| io_outcome(&error))
    }
}

fn bytes(query: &Message) -> io::Result<Vec<u8>> {
    query.to_vec().map_err(io::Error::other)
}
