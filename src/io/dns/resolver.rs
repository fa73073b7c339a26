//! The addresses of an endpoint's name: from our own nameservers if the name is in a zone of theirs, so that
//! a check follows what they answer; else from the system's resolver.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::sync::Semaphore;

use crate::decide::probe::endpoint::ServedZone;
use crate::decide::probe::query::{QueryKind, name_text};
use crate::io::dns::client::DnsClient;
use crate::io::dns::message::QueryParams;
use crate::io::runtime::LOOKUPS;

/// A longer chain of aliases counts as a loop.
const ALIASES: usize = 8;

/// Aliases and referrals of one name.
const STEPS: usize = 2 * ALIASES;

/// Of a delegated zone that are asked.
const NAMESERVERS: usize = 4;

/// For the system's resolver.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is known of a name's addresses.
#[derive(Clone)]
pub(in crate::io) enum Resolution {
    /// Never empty.
    Addresses(Vec<IpAddr>),
    /// This nameserver answers that there is none, and no other has any.
    NoAddress(SocketAddr),
    /// No answer, for this reason.
    Failed(String),
}

/// What one zone's nameservers have for a name.
enum Step {
    Resolved(Resolution),
    Alias(Name),
    /// The name is in a zone that they delegate.
    Referral(Delegation),
}

struct Delegation {
    delegated: ServedZone,
    nameservers: Vec<Name>,
    port: u16,
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
        let mut referred: Option<ServedZone> = None;
        for _ in 0..STEPS {
            let ours = zones.iter().filter(|served| served.zone.zone_of(&name));
            let ours = ours.max_by_key(|served| served.zone.num_labels());
            let Some(served) = referred.as_ref().or(ours) else {
                return self.system(&name).await;
            };
            match self.own(&name, served).await {
                Step::Resolved(resolution) => return resolution,
                Step::Alias(alias) => (name, referred) = (alias, None),
                Step::Referral(delegation) => referred = Some(self.servers(delegation).await),
            }
        }
        let host = name_text(host);
        Resolution::Failed(format!("{host} is the start of too long a chain of aliases"))
    }

    /// Asks one nameserver after another until one has an address: one that is dead, or wrong, has an
    /// incident of its own.
    async fn own(&self, name: &Name, served: &ServedZone) -> Step {
        let mut without = None;
        for &server in &served.servers {
            let (v4, v6) = tokio::join!(
                self.answer(server, name, RecordType::A),
                self.answer(server, name, RecordType::AAAA),
            );
            let referral = [&v4, &v6].into_iter().flatten().find_map(|m| referral(m, name, served));
            if let Some((zone, nameservers, glue)) = referral {
                let servers = glue.into_iter().map(|ip| (ip, server.port()).into()).collect();
                let delegated = ServedZone { zone, servers };
                return Step::Referral(Delegation { delegated, nameservers, port: server.port() });
            }
            let (v4, v6) = (v4.and_then(authoritative), v6.and_then(authoritative));
            let both = v4.is_some() && v6.is_some();
            let records: Vec<Record> = v4.into_iter().chain(v6).flatten().collect();
            let end = last_alias(name, &records);
            let addresses = records.iter().filter(|record| record.name == end);
            let addresses: Vec<IpAddr> =
                addresses.filter_map(|record| record.data.ip_addr()).collect();
            if !addresses.is_empty() {
                return Step::Resolved(Resolution::Addresses(addresses));
            }
            if end != *name {
                return Step::Alias(end);
            }
            without = without.or(both.then_some(server));
        }
        Step::Resolved(without.map_or_else(
            || {
                let (name, zone) = (name_text(name), name_text(&served.zone));
                Resolution::Failed(format!("none of the nameservers of {zone} answers for {name}"))
            },
            Resolution::NoAddress,
        ))
    }

    async fn answer(&self, server: SocketAddr, name: &Name, rtype: RecordType) -> Option<Message> {
        let query = QueryParams::new(name, rtype, QueryKind::Records);
        self.client.ask(server, query).await.ok()
    }

    /// The delegated zone, with the addresses of its nameservers from elsewhere if the referral has none.
    async fn servers(&self, delegation: Delegation) -> ServedZone {
        let Delegation { mut delegated, nameservers, port } = delegation;
        for nameserver in nameservers.iter().take(NAMESERVERS) {
            if !delegated.servers.is_empty() {
                break;
            }
            if let Resolution::Addresses(found) = self.system(nameserver).await {
                delegated.servers.extend(found.into_iter().map(|ip| SocketAddr::new(ip, port)));
            }
        }
        delegated.servers.truncate(NAMESERVERS);
        delegated
    }

    /// The system does not tell a resolver that fails from a name that does not exist, and the resolver is
    /// ours. So neither counts against the endpoint.
    async fn system(&self, name: &Name) -> Resolution {
        let text = name_text(name);
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let asked = text.clone();
        let lookup = tokio::task::spawn_blocking(move || {
            let _permit = permit; // the thread holds it even after the timeout
            system_addresses(&asked)
        });
        let why = match tokio::time::timeout(TIMEOUT, lookup).await {
            Ok(Ok(Ok(found))) if !found.is_empty() => {
                let mut addresses: Vec<IpAddr> = Vec::new();
                for address in found {
                    if !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                return Resolution::Addresses(addresses);
            }
            Ok(Ok(Ok(_))) => "it has no address".to_owned(),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its resolver does not answer".to_owned(),
        };
        Resolution::Failed(format!("this system cannot resolve {text}: {why}"))
    }
}

/// From hosts(5), else from the resolver. The dot at the end of an absolute name keeps the system's search domains out:
/// in one of them a wildcard may have an address for a name that does not exist.
fn system_addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let found = in_hosts(&hosts, name);
    if !found.is_empty() {
        return Ok(found);
    }
    Ok((format!("{name}."), 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

fn in_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    hosts.lines().filter_map(address).collect()
}

/// The records, if the nameserver answers for the name's zone.
fn authoritative(message: Message) -> Option<Vec<Record>> {
    let known = [ResponseCode::NoError, ResponseCode::NXDomain];
    let own = message.metadata.authoritative && known.contains(&message.metadata.response_code);
    own.then_some(message.answers)
}

/// The delegated zone that a nameserver refers to, its nameservers, and their addresses if they are there (glue).
fn referral(
    message: &Message,
    name: &Name,
    served: &ServedZone,
) -> Option<(Name, Vec<Name>, Vec<IpAddr>)> {
    if message.metadata.authoritative || message.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    let nameserver = |record: &Record| match &record.data {
        RData::NS(nameserver) => Some((record.name.clone(), nameserver.0.clone())),
        _ => None,
    };
    // Only downwards: no server sends us round in a circle.
    let below = |zone: &Name| zone.zone_of(name) && zone.num_labels() > served.zone.num_labels();
    let mut found = message.authorities.iter().filter_map(nameserver).filter(|(z, _)| below(z));
    let (zone, first) = found.next()?;
    let others = found.filter(|(other, _)| *other == zone).map(|(_, nameserver)| nameserver);
    let nameservers: Vec<Name> = std::iter::once(first).chain(others).collect();
    let glue = message.additionals.iter().filter(|record| nameservers.contains(&record.name));
    let glue = glue.filter_map(|record| record.data.ip_addr()).take(NAMESERVERS).collect();
    Some((zone, nameservers, glue))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_file_names_are_found_in_any_letter_case() {
        let hosts = "# all\n127.0.0.1\tlocalhost router.lan # router\n::1 LocalHost\nbad line\n";
        let found = |name| in_hosts(hosts, name);
        let v4: IpAddr = [127, 0, 0, 1].into();
        assert_eq!(found("localhost"), [v4, "::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(found("Router.lan"), [v4]);
        assert_eq!(found("router"), [v4; 0]);
        assert_eq!(found("line"), [v4; 0]);
    }
}
