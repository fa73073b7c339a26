//! Web endpoints: whom to visit, what a visit brought back, and what is wrong with that.

mod trouble;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::Name;
use jiff::Timestamp;

use super::fault::Row;
use super::judge::{Place, Verdict};
use super::moment::Moment;
use super::question::name_text;
use super::uplink::Uplink;
use crate::config::{Config, Endpoint, Host, Scheme};
pub use trouble::Trouble;

/// One endpoint to be visited, with all that it takes to find it.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    /// Which subject: nameservers come first.
    pub subject: usize,
    /// Whom.
    pub endpoint: Endpoint,
    /// Our zones with the addresses of their nameservers: names in them are asked there.
    pub zones: Arc<[Served]>,
}

/// A zone, and where it is served.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// The apex.
    pub zone: Name,
    /// Every address of its nameservers.
    pub servers: Vec<SocketAddr>,
}

/// All errands of a configuration, in its order.
#[must_use]
pub fn errands(config: &Config) -> Vec<Arc<Errand>> {
    let served = config.zones.iter().map(|zone| Served {
        zone: zone.name.clone(),
        servers: (zone.nameservers.iter())
            .flat_map(|&index| config.nameservers[index].addresses.iter().copied())
            .collect(),
    });
    let zones: Arc<[Served]> = served.collect();
    let errand = |(index, endpoint): (usize, &Endpoint)| {
        let subject = config.nameservers.len() + index;
        Arc::new(Errand { subject, endpoint: endpoint.clone(), zones: Arc::clone(&zones) })
    };
    config.endpoints.iter().enumerate().map(errand).collect()
}

impl Errand {
    /// Whether it may lead to an address of that family.
    #[must_use]
    pub fn may_use(&self, v6: bool) -> bool {
        match self.endpoint.host {
            Host::Address(address) => address.is_ipv6() == v6,
            Host::Name(_) => true,
        }
    }
}

/// What a subject is called that is an endpoint and no nameserver.
#[must_use]
pub fn is_endpoint(subject: &str) -> bool {
    subject.contains("://")
}

/// What an errand brought back.
#[derive(Debug, Clone, PartialEq)]
pub struct Visited {
    /// Which.
    pub errand: Arc<Errand>,
    /// What came of it.
    pub found: Found,
}

impl Visited {
    /// Whether it led to an address of that family.
    #[must_use]
    pub fn used(&self, v6: bool) -> bool {
        match &self.found {
            Found::Visits(visits) => visits.iter().any(|visit| visit.address.is_ipv6() == v6),
            Found::Nowhere(server) => server.is_ipv6() == v6,
            Found::Unknown(_) => false,
        }
    }
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// One visit to each address.
    Visits(Vec<Visit>),
    /// This nameserver of ours says that the name leads nowhere, and none says otherwise.
    Nowhere(SocketAddr),
    /// Nobody could say where the name leads. When our nameservers are to blame they have an incident of
    /// their own.
    Unknown(String),
}

/// One visit to one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Who was asked.
    pub address: SocketAddr,
    /// What came of it.
    pub outcome: Reached,
    /// From connecting to the last byte.
    pub latency: Duration,
    /// When the certificate ends that was shown and accepted.
    pub certificate: Option<Timestamp>,
}

/// What came of a visit.
#[derive(Debug, Clone, PartialEq)]
pub enum Reached {
    /// It took the connection, and that was all.
    Open,
    /// It answered.
    Page {
        /// The status code.
        status: u16,
        /// Where it leads.
        location: Option<String>,
        /// Whether it has the text that was looked for.
        contains: bool,
    },
    /// It did not.
    Failed(Trouble),
    /// Something on our side failed.
    Local(String),
}

/// So much of a page is looked at.
pub const BODY_LIMIT: u64 = 1024 * 1024;

/// What an errand says of its subject.
#[must_use]
pub fn verdict(visited: &Visited, uplink: Uplink, at: &Moment) -> Verdict {
    let endpoint = &visited.errand.endpoint;
    let mut verdict = Verdict::default();
    let mut latencies = Vec::new();
    let visits = match &visited.found {
        Found::Visits(visits) => visits,
        Found::Nowhere(server) if uplink.of(server).believable() => {
            verdict.seen = 1;
            add(&mut verdict, endpoint, *server, &Trouble::NoAddress);
            return verdict;
        }
        Found::Nowhere(_) => return verdict,
        Found::Unknown(why) => return Verdict { why: Some(why.clone()), ..verdict },
    };
    for visit in visits {
        if !uplink.of(&visit.address).believable() {
            verdict.unseen.push(visit.address);
            continue;
        }
        if let Reached::Local(why) = &visit.outcome {
            verdict.unseen.push(visit.address);
            verdict.why = Some(why.clone());
            continue;
        }
        verdict.seen += 1;
        verdict.questions += 1;
        match trouble(endpoint, visit) {
            Some(trouble) => add(&mut verdict, endpoint, visit.address, &trouble),
            None => latencies.push(visit.latency),
        }
        let ends = visit.certificate.zip(at.wall).filter(|(end, now)| {
            let left = end.duration_since(*now);
            Duration::try_from(left).unwrap_or_default() < endpoint.certificate_warning
        });
        if let Some((end, _)) = ends {
            add(&mut verdict, endpoint, visit.address, &Trouble::CertificateEnds(end));
        }
    }
    verdict.sort();
    latencies.sort_unstable();
    verdict.latency = latencies.get(latencies.len() / 2).copied();
    verdict
}

/// Whether anything looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(visited: &Visited) -> bool {
    match &visited.found {
        Found::Visits(visits) => {
            visits.iter().any(|visit| trouble(&visited.errand.endpoint, visit).is_some())
        }
        Found::Nowhere(_) => true,
        Found::Unknown(_) => false,
    }
}

fn add(verdict: &mut Verdict, endpoint: &Endpoint, address: SocketAddr, trouble: &Trouble) {
    let severity = trouble.severity();
    verdict.places.push(Place { address, question: 0, severity });
    verdict.rows.push(Row {
        address,
        zone: host_text(endpoint),
        question: match endpoint.scheme {
            Scheme::Tcp => format!("connecting to {}", endpoint.url),
            Scheme::Http | Scheme::Https => format!("GET {}", endpoint.url),
        },
        more: 0,
        severity,
        fault: trouble.code().to_owned(),
        detail: trouble.to_string(),
        command: command(endpoint, address, trouble),
    });
}

/// What is wrong with a visit, the end of the certificate apart.
fn trouble(endpoint: &Endpoint, visit: &Visit) -> Option<Trouble> {
    let (status, location, contains) = match &visit.outcome {
        Reached::Page { status, location, contains } => (*status, location, *contains),
        Reached::Failed(trouble) => return Some(trouble.clone()),
        Reached::Open | Reached::Local(_) => return None,
    };
    let class = if endpoint.location.is_some() { 3 } else { 2 };
    let right = match endpoint.status.is_empty() {
        true => status / 100 == class,
        false => endpoint.status.contains(&status),
    };
    if !right {
        let listed: Vec<String> = endpoint.status.iter().map(u16::to_string).collect();
        let expected = match listed.is_empty() {
            true => format!("{class}xx"),
            false => listed.join(" or "),
        };
        return Some(Trouble::Status(status, expected));
    }
    if let Some(expected) = &endpoint.location {
        let there = location.as_ref().map(|location| absolute(endpoint, location));
        if there.as_ref() != Some(&absolute(endpoint, expected)) {
            return Some(Trouble::Location(location.clone(), expected.clone()));
        }
    }
    let missing = endpoint.contains.as_ref().filter(|_| !contains);
    missing.map(|text| Trouble::Text(text.clone()))
}

/// A path alone stands for the same server.
fn absolute(endpoint: &Endpoint, location: &str) -> String {
    let path = location.starts_with('/') && !location.starts_with("//");
    let origin = endpoint.url.split('/').take(3).collect::<Vec<_>>().join("/");
    if path { format!("{origin}{location}") } else { location.to_owned() }
}

fn host_text(endpoint: &Endpoint) -> String {
    match &endpoint.host {
        Host::Name(name) => name_text(name),
        Host::Address(address) => address.to_string(),
    }
}

/// The command that asks the same of the same address.
fn command(endpoint: &Endpoint, address: SocketAddr, trouble: &Trouble) -> String {
    let Endpoint { scheme, port, .. } = endpoint;
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    if *trouble == Trouble::NoAddress {
        let at = match address.port() {
            53 => String::new(),
            port => format!(" -p {port}"),
        };
        return format!("dig @{}{at} +norecurse {} A", address.ip(), host_text(endpoint));
    }
    let seconds = endpoint.timeout.as_secs();
    if *scheme == Scheme::Tcp {
        return format!("nc -vz -w {seconds} {} {port}", address.ip());
    }
    let show = if trouble.of_certificate() { "-vI" } else { "-i" };
    let resolve = match &endpoint.host {
        Host::Name(name) => format!(" --resolve {}:{port}:{ip}", name_text(name)),
        Host::Address(_) => String::new(),
    };
    let ca = match &endpoint.ca {
        Some(ca) => format!(" --cacert '{}'", ca.display()),
        None => String::new(),
    };
    format!("curl {show} -m {seconds}{ca}{resolve} '{}'", endpoint.url)
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
