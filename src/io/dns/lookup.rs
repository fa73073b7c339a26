//! One question and the whole message that answers it, by a nameserver or by a resolver: for `pilotlight init`,
//! which must see referrals and glue. The daemon's questions are in [`super::dns`].
//!
//! Resolvers are asked without hickory's own `Resolver`: for these few questions it makes the program 400 kB
//! larger.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::net::NetError;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::decide::judge::fault::Fault;
use crate::decide::judge::fault::failure;
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::round::Outcome;
use crate::io::dns::message::{QueryParams, outcome, request};
use crate::io::dns::socket::{FilteredSocket, Net};

/// For one packet, or one TCP exchange.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Packets to each question before it counts as unanswered.
const ATTEMPTS: usize = 3;

/// Asks resolvers, and nameservers at one port.
pub struct LookupClient {
    /// Asked in this order, until one answers.
    resolvers: Vec<SocketAddr>,
    port: u16,
}

impl LookupClient {
    /// With these resolvers.
    #[must_use]
    pub fn new(resolvers: Vec<SocketAddr>, port: u16) -> Self {
        Self { resolvers, port }
    }

    /// Where nameservers are asked at this address.
    #[must_use]
    pub fn at(&self, ip: IpAddr) -> SocketAddr {
        (ip, self.port).into()
    }

    /// What the resolver has of this name and type; nothing, if there is none.
    ///
    /// # Errors
    /// The resolver has no answer; why.
    pub async fn look_up(&self, name: &Name, rtype: RecordType) -> Result<Vec<RData>, String> {
        let mut why = "there is none".to_owned();
        for &resolver in &self.resolvers {
            match self.answer(resolver, name, rtype, QueryKind::Recursion).await {
                Ok(message) => {
                    let data = message.answers.into_iter().map(|record| record.data);
                    return Ok(data.filter(|data| data.record_type() == rtype).collect());
                }
                Err(Fault::Rcode(ResponseCode::NXDomain)) => return Ok(Vec::new()),
                Err(fault) => why = format!("the resolver {resolver} {fault}"),
            }
        }
        Err(why)
    }

    /// The addresses of a host, IPv4 first.
    ///
    /// # Errors
    /// As [`LookupClient::look_up`].
    pub async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, String> {
        let (v4, v6) =
            tokio::join!(self.look_up(name, RecordType::A), self.look_up(name, RecordType::AAAA));
        let mut found: Vec<IpAddr> = v4?.into_iter().chain(v6?).filter_map(address).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Asks the nameserver at this address, without recursion.
    ///
    /// # Errors
    /// No answer, or one of another code than NOERROR.
    pub async fn ask(&self, ip: IpAddr, name: &Name, rtype: RecordType) -> Result<Message, Fault> {
        self.answer(self.at(ip), name, rtype, QueryKind::Records).await
    }

    async fn answer(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
        aim: QueryKind,
    ) -> Result<Message, Fault> {
        let mut edns = true;
        let mut fault = Fault::Silent;
        for _ in 0..ATTEMPTS {
            match once(server, QueryParams { name, rtype, aim, edns }).await {
                Ok(message) => match message.metadata.response_code {
                    ResponseCode::NoError => return Ok(message),
                    code @ (ResponseCode::FormErr | ResponseCode::NotImp) if edns => {
                        edns = false;
                        fault = Fault::Rcode(code);
                    }
                    code => return Err(Fault::Rcode(code)),
                },
                Err(Outcome::Local(why)) => return Err(Fault::Unreachable(why)),
                Err(outcome) => fault = failure(&outcome).unwrap_or(fault),
            }
        }
        Err(fault)
    }
}

async fn once(server: SocketAddr, asking: QueryParams<'_>) -> Result<Message, Outcome> {
    let network = FilteredSocket::new(Net::default());
    let mut stream = UdpClientStream::builder(server, network)
        .with_timeout(Some(TIMEOUT))
        .with_max_retries(0) // we count attempts ourselves
        .with_os_port_selection(true)
        .build();
    let mut reply = stream.send_message(request(asking)).first_answer().await;
    if reply.as_ref().is_ok_and(|reply| reply.metadata.truncation) {
        let exchange = async {
            let network = Net::default();
            let stream = TcpClientStream::exchange(server, None, TIMEOUT, Some(1), network).await?;
            stream.send(request(asking)).first_answer().await
        };
        reply = tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or(Err(NetError::Timeout));
    }
    reply.map(|reply| reply.into_parts().0).map_err(|error| outcome(Err(error), asking))
}

/// The address in a record.
#[must_use]
pub fn address(data: RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    }
}

/// The resolvers of this machine (resolv.conf(5)).
#[must_use]
pub fn of_this_machine() -> Vec<SocketAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = (words.next()? == "nameserver").then(|| words.next()).flatten()?;
        address.parse::<IpAddr>().ok()
    });
    let mut servers: Vec<SocketAddr> = servers.map(|ip| (ip, 53).into()).collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    servers
}
