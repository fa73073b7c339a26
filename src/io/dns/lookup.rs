//! Queries of `pilotlight init`: to resolvers, and to nameservers whose referrals and glue it must see.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use thiserror::Error;

use crate::decide::judge::fault::{Fault, failure};
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::round::Outcome;
use crate::io::dns::client::DnsClient;
use crate::io::dns::message::QueryParams;
use crate::io::dns::socket::Net;

/// For one packet, or one TCP exchange.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Why a resolver gave no answer.
#[derive(Debug, Error)]
pub enum LookupError {
    #[error("there is no resolver to ask")]
    NoResolver,
    #[error("the resolver {0} {1}")]
    Resolver(SocketAddr, Fault),
}

/// Asks resolvers, and nameservers at one port.
pub struct LookupClient {
    client: DnsClient<Net>,
    /// Queried in this order, until one answers.
    resolvers: Vec<SocketAddr>,
    port: u16,
}

impl LookupClient {
    #[must_use]
    pub fn new(resolvers: Vec<SocketAddr>, port: u16) -> Self {
        Self { client: DnsClient::new(Net::default(), TIMEOUT), resolvers, port }
    }

    /// Where the nameserver at this address is asked.
    #[must_use]
    pub fn at(&self, ip: IpAddr) -> SocketAddr {
        (ip, self.port).into()
    }

    /// The records of this name and type; empty if there are none.
    ///
    /// # Errors
    /// No resolver answers.
    pub async fn look_up(&self, name: &Name, rtype: RecordType) -> Result<Vec<RData>, LookupError> {
        let mut error = LookupError::NoResolver;
        for &resolver in &self.resolvers {
            match self.answer(resolver, name, rtype, QueryKind::Recursion).await {
                Ok(message) => {
                    let data = message.answers.into_iter().map(|record| record.data);
                    return Ok(data.filter(|data| data.record_type() == rtype).collect());
                }
                Err(Fault::Rcode(ResponseCode::NXDomain)) => return Ok(Vec::new()),
                Err(fault) => error = LookupError::Resolver(resolver, fault),
            }
        }
        Err(error)
    }

    /// The addresses of a host, IPv4 first.
    ///
    /// # Errors
    /// As [`LookupClient::look_up`].
    pub async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, LookupError> {
        let (v4, v6) =
            tokio::join!(self.look_up(name, RecordType::A), self.look_up(name, RecordType::AAAA));
        let records = v4?.into_iter().chain(v6?);
        let mut found: Vec<IpAddr> = records.filter_map(|data| data.ip_addr()).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Asks the nameserver at this address, without recursion.
    ///
    /// # Errors
    /// No answer, or another code than NOERROR.
    pub async fn ask(&self, ip: IpAddr, name: &Name, rtype: RecordType) -> Result<Message, Fault> {
        self.answer(self.at(ip), name, rtype, QueryKind::Records).await
    }

    async fn answer(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
        kind: QueryKind,
    ) -> Result<Message, Fault> {
        match self.client.ask(server, QueryParams::new(name, rtype, kind)).await {
            Ok(message) => match message.metadata.response_code {
                ResponseCode::NoError => Ok(message),
                code => Err(Fault::Rcode(code)),
            },
            Err(Outcome::Local(why)) => Err(Fault::Unreachable(why)),
            Err(outcome) => Err(failure(&outcome).unwrap_or(Fault::Silent)),
        }
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
