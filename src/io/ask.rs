//! One question and the whole message that answers it, and names looked up as every program does: for
//! `pilotlight init`, which must see referrals and glue. The daemon's questions are in [`super::dns`].

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::message::{Asking, outcome, request};
use super::wire::{Ear, Net};
use crate::decide::fault::Fault;
use crate::decide::judge::failure;
use crate::decide::question::Aim;
use crate::decide::round::Outcome;

/// For one packet, or one TCP exchange.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Packets to each question before it counts as unanswered.
const ATTEMPTS: usize = 3;

/// Asks resolvers, and nameservers at one port.
pub struct Asker {
    resolver: TokioResolver,
    port: u16,
}

impl Asker {
    /// With these resolvers.
    ///
    /// # Errors
    /// Hickory does not want them; why.
    pub fn new(resolvers: &[SocketAddr], port: u16) -> Result<Self, String> {
        let server = |address: &SocketAddr| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = address.port());
            NameServerConfig::new(address.ip(), true, connections)
        };
        let servers = resolvers.iter().map(server).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        let mut options = ResolverOpts::default();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS - 1; // beside the first
        options.use_hosts_file = ResolveHosts::Never; // the world has another one
        let network = TokioRuntimeProvider::default();
        let builder = TokioResolver::builder_with_config(config, network).with_options(options);
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, port })
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
        match self.resolver.lookup(name.clone(), rtype).await {
            Ok(found) => {
                let data = found.answers().iter().map(|record| record.data.clone());
                Ok(data.filter(|data| data.record_type() == rtype).collect())
            }
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(NetError::Timeout) => Err("the resolver does not answer".to_owned()),
            Err(error) => Err(format!("the resolver fails: {error}")),
        }
    }

    /// The addresses of a host, IPv4 first.
    ///
    /// # Errors
    /// As [`Asker::look_up`].
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
        let mut edns = true;
        let mut fault = Fault::Silent;
        for _ in 0..ATTEMPTS {
            match self.once(ip, Asking { name, rtype, aim: Aim::Records, edns }).await {
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

    async fn once(&self, ip: IpAddr, asking: Asking<'_>) -> Result<Message, Outcome> {
        let network = Ear::new(Net::default());
        let mut stream = UdpClientStream::builder(self.at(ip), network)
            .with_timeout(Some(TIMEOUT))
            .with_max_retries(0) // we count attempts ourselves
            .with_os_port_selection(true)
            .build();
        let mut reply = stream.send_message(request(asking)).first_answer().await;
        if reply.as_ref().is_ok_and(|reply| reply.metadata.truncation) {
            let exchange = async {
                let network = Net::default();
                let stream =
                    TcpClientStream::exchange(self.at(ip), None, TIMEOUT, Some(1), network).await?;
                stream.send(request(asking)).first_answer().await
            };
            reply = tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or(Err(NetError::Timeout));
        }
        reply.map(|reply| reply.into_parts().0).map_err(|error| outcome(Err(error), asking))
    }
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
