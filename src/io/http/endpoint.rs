//! Checks web endpoints at every address of their names.
//!
//! A check needs no thread, and a check that the round abandons ends at once. The checks of one host have a
//! bound of their own, so that a host that hangs does not delay the others.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all, ready};
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::net::runtime::iocompat::AsyncIoStdAsTokio;
use hickory_resolver::proto::rr::Name;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::config::{Endpoint, Host, Scheme};
use crate::decide::probe::endpoint::{
    AddressResult, CheckOutcome, EndpointCheck, EndpointReply, EndpointResult,
};
use crate::decide::probe::endpoint_error::{CertificateEnd, EndpointError};
use crate::decide::probe::query::name_text;
use crate::decide::time::span_text;
use crate::io::clock::Clock;
use crate::io::dns::resolver::{Resolution, Resolver};
use crate::io::http::failure::{local, unconnected};
use crate::io::http::page;
use crate::io::http::starttls;
use crate::io::http::tls::TlsClient;

/// Addresses of one name that are checked.
const ADDRESSES: usize = 8;

/// Checks under way at once: each takes a socket, and with TLS up to 300 kB if the server sends as much as it may.
const CHECKS: usize = 36;

/// Of these at hosts that hung last time: the others always have places.
const CHECKS_OF_HUNG: usize = 24;

/// Of these at one address.
const CHECKS_PER_HOST: usize = 4;

/// For the look-up of a name, aliases and all servers together.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(20);

const OUT_OF_TIME: &str = "the round ran out of time";

#[derive(Clone)]
pub(in crate::io) struct EndpointChecker<P> {
    network: P,
    clock: Clock,
    resolver: Resolver<P>,
    permits: Permits,
}

/// One look-up for each name.
type LookUp = Shared<BoxFuture<'static, Resolution>>;

/// The end of a round. All checks wait for the same timer: with one each, a check could begin in the place of
/// another that ended a millisecond before it.
type RoundEnd = Shared<BoxFuture<'static, ()>>;

/// Shared by all rounds.
#[derive(Clone)]
struct Permits {
    all: Arc<Semaphore>,
    of_hung: Arc<Semaphore>,
    /// Hosts that let time run out in their last check.
    hung: Arc<Mutex<HashSet<IpAddr>>>,
    hosts: Arc<Mutex<HashMap<IpAddr, Arc<Semaphore>>>>,
}

impl<P: RuntimeProvider> EndpointChecker<P> {
    pub(in crate::io) fn new(network: P, clock: Clock, resolver: Resolver<P>) -> Self {
        Self { network, clock, resolver, permits: Permits::new() }
    }

    /// The checks, in their order. What is not complete at `deadline` (uptime) is abandoned, and unknown.
    pub(in crate::io) fn start(
        &self,
        checks: &[Arc<EndpointCheck>],
        deadline: Duration,
    ) -> Vec<BoxFuture<'static, EndpointResult>> {
        let mut look_ups: HashMap<&Name, LookUp> = HashMap::new();
        let clock = self.clock;
        let end = async move { clock.sleep_until(deadline).await }.boxed().shared();
        let mut started = Vec::with_capacity(checks.len());
        for check in checks {
            let look_up = match &check.endpoint.host {
                Host::Name(name) => {
                    look_ups.entry(name).or_insert_with(|| self.look_up(check, name)).clone()
                }
                Host::Address(address) => {
                    ready(Resolution::Addresses(vec![*address])).boxed().shared()
                }
            };
            let (checker, check, end) = (self.clone(), Arc::clone(check), end.clone());
            let checked = async move { checker.check(check, look_up, end).await };
            started.push(checked.boxed());
        }
        started
    }

    fn look_up(&self, check: &EndpointCheck, name: &Name) -> LookUp {
        let (resolver, name, zones) = (self.resolver.clone(), name.clone(), check.zones.clone());
        let look_up = async move {
            let resolved = timeout(LOOK_UP_TIMEOUT, resolver.resolve(&name, &zones)).await;
            resolved.unwrap_or_else(|_| {
                let limit = span_text(LOOK_UP_TIMEOUT);
                let name = name_text(&name);
                Resolution::Failed(format!("the addresses of {name} are not known after {limit}"))
            })
        };
        look_up.boxed().shared()
    }

    async fn check(
        &self,
        check: Arc<EndpointCheck>,
        look_up: LookUp,
        end: RoundEnd,
    ) -> EndpointResult {
        let endpoint = &check.endpoint;
        let resolution = tokio::select! {
            biased;
            () = end.clone() => Resolution::Failed(OUT_OF_TIME.to_owned()),
            resolution = look_up => resolution,
        };
        let mut left_out = 0;
        let outcome = match resolution {
            Resolution::Addresses(addresses) => {
                let addresses = chosen(addresses, &mut left_out);
                let checks = addresses.into_iter().map(async |ip| {
                    let address = SocketAddr::new(ip, endpoint.port);
                    tokio::select! {
                        biased;
                        () = end.clone() => AddressResult {
                            address,
                            outcome: local(OUT_OF_TIME),
                            latency: Duration::ZERO,
                            certificate: None,
                        },
                        result = self.check_address(endpoint, address) => result,
                    }
                });
                CheckOutcome::Addresses(join_all(checks).await)
            }
            Resolution::NoAddress(server) => CheckOutcome::NoAddress(server),
            Resolution::Failed(why) => CheckOutcome::Unknown(why),
        };
        EndpointResult { check, outcome, left_out }
    }

    async fn check_address(&self, endpoint: &Endpoint, address: SocketAddr) -> AddressResult {
        let host = self.permits.host(address.ip());
        let _permits = self.permits.take(&host, address.ip()).await;
        let began = self.clock.now().uptime;
        let replied = self.ask(endpoint, address).await;
        let latency = self.clock.now().uptime.saturating_sub(began);
        let (outcome, certificate) = replied.unwrap_or_else(|failed| (failed, None));
        self.permits.checked(address.ip(), &outcome);
        AddressResult { address, outcome, latency, certificate }
    }

    /// The reply, and the end of the certificates.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
    ) -> Result<(EndpointReply, Option<CertificateEnd>), EndpointReply> {
        let began = self.clock.now();
        let tls = match endpoint.scheme {
            Scheme::Http | Scheme::Tcp => None,
            Scheme::Https | Scheme::Tls | Scheme::Smtp | Scheme::Imap => {
                Some(TlsClient::new(endpoint, began.wall)?)
            }
        };
        let connecting = self.network.connect_tcp(address, None, Some(endpoint.timeout));
        let stream = match timeout(endpoint.timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| unconnected(&error, endpoint.timeout))?,
            Err(_) => return Err(EndpointReply::Failed(EndpointError::Silent(endpoint.timeout))),
        };
        let mut stream = AsyncIoStdAsTokio(stream);
        let reply = async {
            let Some(tls) = tls else {
                return match endpoint.scheme {
                    Scheme::Tcp => Ok((EndpointReply::Open, None)),
                    _ => Ok((page::get(stream, endpoint).await?, None)),
                };
            };
            starttls::negotiate(&mut stream, endpoint).await?;
            let (stream, end) = tls.handshake(stream).await?;
            if !endpoint.scheme.is_http() {
                tls.accepted(stream).await?;
                return Ok((EndpointReply::Open, end));
            }
            // A page that fails has a certificate all the same.
            Ok((page::get(stream, endpoint).await.unwrap_or_else(|failed| failed), end))
        };
        let passed = self.clock.now().uptime.saturating_sub(began.uptime);
        let mute = |_| Err(EndpointReply::Failed(EndpointError::Mute(endpoint.timeout)));
        timeout(endpoint.timeout.saturating_sub(passed), reply).await.unwrap_or_else(mute)
    }
}

/// Those that are checked: both families, and the same ones in every round.
fn chosen(mut addresses: Vec<IpAddr>, left_out: &mut usize) -> Vec<IpAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    *left_out = addresses.len().saturating_sub(ADDRESSES);
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv6);
    let half = v6.len().min(ADDRESSES / 2);
    let v4 = v4.into_iter().take(ADDRESSES - half);
    v4.chain(v6).take(ADDRESSES).collect()
}

impl Permits {
    fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(CHECKS)),
            of_hung: Arc::new(Semaphore::new(CHECKS_OF_HUNG)),
            hung: Arc::default(),
            hosts: Arc::default(),
        }
    }

    fn host(&self, ip: IpAddr) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, host| Arc::strong_count(host) > 1); // only those in use
        Arc::clone(hosts.entry(ip).or_insert_with(|| Arc::new(Semaphore::new(CHECKS_PER_HOST))))
    }

    /// First the host's: a check that waits for its host holds nothing that another host needs.
    async fn take<'a>(
        &'a self,
        host: &'a Semaphore,
        ip: IpAddr,
    ) -> [Option<SemaphorePermit<'a>>; 3] {
        const OPEN: &str = "this semaphore is never closed";
        let host = host.acquire().await.expect(OPEN);
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner).contains(&ip);
        let of_hung = if hung { Some(self.of_hung.acquire().await.expect(OPEN)) } else { None };
        [Some(host), of_hung, Some(self.all.acquire().await.expect(OPEN))]
    }

    fn checked(&self, ip: IpAddr, outcome: &EndpointReply) {
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            EndpointReply::Failed(EndpointError::Silent(_) | EndpointError::Mute(_)) => {
                hung.insert(ip);
            }
            _ => {
                hung.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_hang_leave_places_for_the_others() {
        let ip = |n: usize| IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()]);
        let permits = Permits::new();
        let hosts: Vec<_> = (0..CHECKS).map(|n| permits.host(ip(n))).collect();
        let hung = EndpointReply::Failed(EndpointError::Mute(Duration::ZERO));
        (0..CHECKS).for_each(|n| permits.checked(ip(n), &hung));
        let take = |n: usize| permits.take(&hosts[n], ip(n)).now_or_never();
        let taken: Vec<_> = (0..CHECKS).filter_map(take).collect();
        assert_eq!(taken.len(), CHECKS_OF_HUNG);
        permits.checked(ip(CHECKS - 1), &EndpointReply::Open);
        assert!(take(CHECKS - 1).is_some(), "it hangs no more");
    }
}
