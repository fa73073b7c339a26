//! Where a name leads: by the word of our own nameservers where it is in a zone of theirs, so that a check
//! follows what they answer; elsewhere by the system's.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::sync::Semaphore;

use crate::decide::probe::endpoint::ServedZone;
use crate::decide::probe::query::{QueryKind, name_text};
use crate::decide::probe::round::Outcome;
use crate::io::dns::message::QueryParams;
use crate::io::dns::prober::Prober;

/// More aliases in a row than this lead nowhere, or in a circle.
const ALIASES: usize = 8;

/// Packets to one address of a nameserver before the next one is asked.
const ATTEMPTS: usize = 2;

/// Where a name leads.
pub(in crate::io) enum Resolution {
    /// There; never empty.
    To(Vec<IpAddr>),
    /// Nowhere; so says this nameserver of ours, and none says otherwise.
    Nowhere(SocketAddr),
    /// Nobody can say, and why.
    Unknown(String),
}

impl<P: RuntimeProvider> Prober<P> {
    /// The system's lookup takes one of `turns`.
    pub(in crate::io) async fn find(
        &self,
        host: &Name,
        zones: &[ServedZone],
        limit: Duration,
        turns: &Arc<Semaphore>,
    ) -> Resolution {
        let mut name = host.clone();
        for _ in 0..ALIASES {
            let ours = zones.iter().filter(|served| served.zone.zone_of(&name));
            let Some(served) = ours.max_by_key(|served| served.zone.num_labels()) else {
                return by_the_system(&name, limit, turns).await;
            };
            match self.find_ours(&name, &served.servers).await {
                Ok(leads) => return leads,
                Err(alias) => name = alias,
            }
        }
        Resolution::Unknown(format!("{} is an alias of an alias, too many times", name_text(host)))
    }

    /// Asks one address after another until one knows more than that there is nothing: one that is dead, or
    /// wrong, has an incident of its own. `Err`: it is an alias of this name.
    async fn find_ours(&self, name: &Name, servers: &[SocketAddr]) -> Result<Resolution, Name> {
        let mut nowhere = None;
        for &server in servers {
            let (v4, v6) = tokio::join!(
                self.records(server, name, RecordType::A),
                self.records(server, name, RecordType::AAAA),
            );
            let both = v4.is_some() && v6.is_some();
            let records: Vec<_> = v4.into_iter().chain(v6).flatten().collect();
            let end = last_alias(name, &records);
            let addresses = records.iter().filter(|(owner, _)| *owner == end);
            let addresses: Vec<IpAddr> = addresses.filter_map(|(_, data)| data.ip_addr()).collect();
            if !addresses.is_empty() {
                return Ok(Resolution::To(addresses));
            }
            if end != *name {
                return Err(end);
            }
            nowhere = nowhere.or(both.then_some(server));
        }
        Ok(nowhere.map_or_else(
            || {
                let name = name_text(name);
                Resolution::Unknown(format!("no nameserver of this file says where {name} leads"))
            },
            Resolution::Nowhere,
        ))
    }

    /// What an address answers with authority, if it does.
    async fn records(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
    ) -> Option<Vec<(Name, RData)>> {
        let asking = QueryParams { name, rtype, aim: QueryKind::Records, edns: true };
        for _ in 0..ATTEMPTS {
            match self.udp(server, asking, self.patience.timeout).await.0 {
                Outcome::Answer(answer) => {
                    let known = [ResponseCode::NoError, ResponseCode::NXDomain];
                    let good = answer.aa && known.contains(&answer.rcode);
                    return good.then_some(answer.records);
                }
                Outcome::Silent | Outcome::Garbled(_) => {}
                Outcome::Closed | Outcome::Unreachable(_) | Outcome::Local(_) => return None,
            }
        }
        None
    }
}

/// The name at the end of the aliases in an answer.
fn last_alias(name: &Name, records: &[(Name, RData)]) -> Name {
    let mut end = name.clone();
    for _ in 0..ALIASES {
        let alias = records.iter().find_map(|(owner, data)| match data {
            RData::CNAME(alias) if *owner == end => Some(alias.0.clone()),
            _ => None,
        });
        match alias {
            Some(alias) => end = alias,
            None => break,
        }
    }
    end
}

/// A resolver that fails and a name that does not exist look the same from here, and the first is ours: so
/// neither accuses anybody.
async fn by_the_system(name: &Name, limit: Duration, turns: &Arc<Semaphore>) -> Resolution {
    let text = name_text(name);
    let turn = Arc::clone(turns).acquire_owned().await;
    let asked = text.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let _turn = turn; // held to the end, even when nobody waits for it any more
        (asked.as_str(), 0).to_socket_addrs()
    });
    let why = match tokio::time::timeout(limit, looking).await {
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(Ok(found))) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|address| address.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if !addresses.is_empty() {
                return Resolution::To(addresses);
            }
            "it has no address".to_owned()
        }
        Ok(Ok(Err(error))) => error.to_string(),
        Err(_) => "its resolver does not answer".to_owned(),
    };
    Resolution::Unknown(format!("this system cannot say where {text} leads: {why}"))
}
