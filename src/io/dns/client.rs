//! One query, one answer: the only place that sends DNS messages.
//!
//! Hickory's own `Resolver` hides what we look for (AA, RCODE) and asks again by itself. So queries go
//! through hickory's transports with their retries switched off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::proto::op::Message;

use crate::decide::probe::round::Outcome;
use crate::io::dns::message::{QueryParams, refuses_edns, request, response};
use crate::io::dns::socket::FilteredSocket;

/// Packets for each query of [`DnsClient::ask`].
const ATTEMPTS: usize = 3;

/// Sends queries over one network.
#[derive(Clone)]
pub(in crate::io) struct DnsClient<P> {
    network: P,
    /// For one packet, or one TCP exchange.
    timeout: Duration,
}

impl<P: RuntimeProvider> DnsClient<P> {
    pub(in crate::io) fn new(network: P, timeout: Duration) -> Self {
        Self { network, timeout }
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
                answer = self.tcp(server, query).await;
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

    /// One packet, and the first answer to it.
    pub(super) async fn udp(
        &self,
        server: SocketAddr,
        query: QueryParams<'_>,
    ) -> Result<Message, Outcome> {
        let network = FilteredSocket::new(self.network.clone());
        let mut stream = UdpClientStream::builder(server, network.clone())
            .with_timeout(Some(self.timeout))
            .with_max_retries(0) // the caller counts attempts
            .with_os_port_selection(true)
            .build();
        let reply = stream.send_message(request(query)).first_answer().await;
        match (response(reply, query), network.rejected()) {
            (Err(Outcome::Silent), Some(why)) => Err(Outcome::Garbled(why)),
            (response, _) => response,
        }
    }

    /// One connection, one query, and the first answer to it.
    pub(super) async fn tcp(
        &self,
        server: SocketAddr,
        query: QueryParams<'_>,
    ) -> Result<Message, Outcome> {
        let (network, timeout) = (self.network.clone(), self.timeout);
        let exchange = async {
            let stream = TcpClientStream::exchange(server, None, timeout, Some(1), network).await?;
            match stream.send(request(query)).first_answer().await {
                // Hickory's task for the connection has ended with it before the query was sent.
                Err(NetError::Busy | NetError::Message(_)) => {
                    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
                }
                reply => reply,
            }
        };
        // Hickory gives connecting and asking this time each; here they share it.
        let reply = tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(NetError::Timeout));
        response(reply, query)
    }
}
