//! The addresses of an endpoint's name: from our own nameservers if the name is in a zone of theirs, so that
//! a check follows what they answer; else from the system's resolver.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::sync::Semaphore;

use crate::decide::probe::endpoint::ServedZone;
use crate::decide::probe::query::{QueryKind, name_text};
use crate::io::dns::client::DnsClient;
use crate::io::dns::message::QueryParams;
use crate::io::runtime::LOOKUPS;

/// A longer chain of aliases counts as a loop.
const ALIASES: usize = 8;

/// For the system's resolver.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is known of a name's addresses.
#[derive(Clone)]
pub(in crate::io) enum Resolution {
    /// Never empty.
    Addresses(Vec<IpAddr>),
    /// This nameserver of ours answers that there is none, and no other has any.
    NoAddress(SocketAddr),
    /// No answer, for this reason.
    Failed(String),
}

#[derive(Clone)]
pub(in crate::io) struct Resolver<P> {
    client: DnsClient<P>,
    /// Shared by all rounds: a look-up goes on after its round has given it up.
    lookups: Arc<Semaphore>,
}

impl<P: RuntimeProvider> Resolver<P> {
    pub(in crate::io) fn new(client: DnsClient<P>) -> Self {
        Self { client, lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    pub(in crate::io) async fn resolve(&self, host: &Name, zones: &[ServedZone]) -> Resolution {
        let mut name = host.clone();
        for _ in 0..ALIASES {
            let ours = zones.iter().filter(|served| served.zone.zone_of(&name));
            let Some(served) = ours.max_by_key(|served| served.zone.num_labels()) else {
                return self.system(&name).await;
            };
            match self.own(&name, &served.servers).await {
                Ok(resolution) => return resolution,
                Err(alias) => name = alias,
            }
        }
        Resolution::Failed(format!(
            "{} is the start of too long a chain of aliases",
            name_text(host)
        ))
    }

    /// Asks one nameserver after another until one has an address: one that is dead, or wrong, has an
    /// incident of its own. `Err`: the name is an alias of this one.
    async fn own(&self, name: &Name, servers: &[SocketAddr]) -> Result<Resolution, Name> {
        let mut without = None;
        for &server in servers {
            let (v4, v6) = tokio::join!(
                self.records(server, name, RecordType::A),
                self.records(server, name, RecordType::AAAA),
            );
            let both = v4.is_some() && v6.is_some();
            let records: Vec<Record> = v4.into_iter().chain(v6).flatten().collect();
            let end = last_alias(name, &records);
            let addresses = records.iter().filter(|record| record.name == end);
            let addresses: Vec<IpAddr> =
                addresses.filter_map(|record| record.data.ip_addr()).collect();
            if !addresses.is_empty() {
                return Ok(Resolution::Addresses(addresses));
            }
            if end != *name {
                return Err(end);
            }
            without = without.or(both.then_some(server));
        }
        Ok(without.map_or_else(
            || {
                let name = name_text(name);
                Resolution::Failed(format!("none of your nameservers answers for {name}"))
            },
            Resolution::NoAddress,
        ))
    }

    /// The nameserver's own answer, if it has one.
    async fn records(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
    ) -> Option<Vec<Record>> {
        let query = QueryParams::new(name, rtype, QueryKind::Records);
        let message = self.client.ask(server, query).await.ok()?;
        let known = [ResponseCode::NoError, ResponseCode::NXDomain];
        let own = message.metadata.authoritative && known.contains(&message.metadata.response_code);
        own.then_some(message.answers)
    }

    /// The system does not tell a resolver that fails from a name that does not exist, and the resolver is
    /// ours. So neither counts against the endpoint.
    async fn system(&self, name: &Name) -> Resolution {
        let text = name_text(name);
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let asked = text.clone();
        let lookup = tokio::task::spawn_blocking(move || {
            let _permit = permit; // the thread holds it even after the timeout
            (asked.as_str(), 0).to_socket_addrs()
        });
        let why = match tokio::time::timeout(TIMEOUT, lookup).await {
            Ok(Ok(Ok(found))) => {
                let mut addresses: Vec<IpAddr> = Vec::new();
                for address in found.map(|address| address.ip()) {
                    if !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                if !addresses.is_empty() {
                    return Resolution::Addresses(addresses);
                }
                "it has no address".to_owned()
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its resolver does not answer".to_owned(),
        };
        Resolution::Failed(format!("this system cannot resolve {text}: {why}"))
    }
}

/// The name at the end of the aliases in an answer.
fn last_alias(name: &Name, records: &[Record]) -> Name {
    let mut end = name.clone();
    for _ in 0..ALIASES {
        let alias = records.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name == end => Some(alias.0.clone()),
            _ => None,
        });
        match alias {
            Some(alias) => end = alias,
            None => break,
        }
    }
    end
}
