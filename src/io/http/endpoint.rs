//! Checks web endpoints at every address of their names.
//!
//! A check needs no thread, and a check that the round abandons ends at once. The checks of one host have a
//! bound of their own, so that a host that hangs does not delay the others.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use hickory_resolver::net::runtime::RuntimeProvider;
use hickory_resolver::net::runtime::iocompat::AsyncIoStdAsTokio;
use hickory_resolver::proto::rr::Name;
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::config::{Endpoint, Host, Scheme};
use crate::decide::probe::endpoint::{
    AddressResult, CheckOutcome, EndpointCheck, EndpointReply, EndpointResult,
};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::clock::{Clock, random};
use crate::io::dns::resolver::{Resolution, Resolver};
use crate::io::http::failure::{broken, local, unconnected};
use crate::io::http::page;
use crate::io::http::tls::TlsClient;

/// Addresses of one name that are checked.
const ADDRESSES: usize = 8;

/// Checks under way at once: each takes a socket, and up to 100 kB with TLS.
const CHECKS: usize = 32;

/// Of these at one address.
const CHECKS_PER_HOST: usize = 2;

const OUT_OF_TIME: &str = "the round ran out of time";

#[derive(Clone)]
pub(in crate::io) struct EndpointChecker<P> {
    network: P,
    clock: Clock,
    resolver: Resolver<P>,
}

/// One look-up for each name in a round.
type LookUps<'a> = HashMap<&'a Name, Shared<BoxFuture<'a, Resolution>>>;

/// The end of a round. All checks wait for the same timer: with one each, a check could begin in the place of
/// another that ended a millisecond before it.
type RoundEnd<'a> = Shared<BoxFuture<'a, ()>>;

/// The permits of a round.
struct Permits {
    all: Semaphore,
    hosts: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl<P: RuntimeProvider> EndpointChecker<P> {
    pub(in crate::io) fn new(network: P, clock: Clock, resolver: Resolver<P>) -> Self {
        Self { network, clock, resolver }
    }

    /// Results are in the order of `checks`. What is not complete at `deadline` (uptime) is unknown; the
    /// first check is another one each time, so that not always the same ones are late.
    pub(in crate::io) async fn round(
        &self,
        checks: &[Arc<EndpointCheck>],
        deadline: Duration,
    ) -> Vec<EndpointResult> {
        let look_ups = self.look_ups(checks);
        let permits = Permits { all: Semaphore::new(CHECKS), hosts: Mutex::default() };
        let end = self.clock.sleep_until(deadline).boxed().shared();
        let first = usize::try_from(random() >> 32).unwrap_or(0) % checks.len().max(1);
        let (after, before) = checks.split_at(first);
        let order = before.iter().chain(after);
        let check = |check| self.check(check, &look_ups, &permits, &end);
        let mut results = join_all(order.map(check)).await;
        results.rotate_right(first);
        results
    }

    fn look_ups<'a>(&'a self, checks: &'a [Arc<EndpointCheck>]) -> LookUps<'a> {
        let mut look_ups = LookUps::new();
        for check in checks {
            if let Host::Name(name) = &check.endpoint.host {
                let resolve = || self.resolver.resolve(name, &check.zones).boxed().shared();
                look_ups.entry(name).or_insert_with(resolve);
            }
        }
        look_ups
    }

    async fn check(
        &self,
        check: &Arc<EndpointCheck>,
        look_ups: &LookUps<'_>,
        permits: &Permits,
        end: &RoundEnd<'_>,
    ) -> EndpointResult {
        let endpoint = &check.endpoint;
        let resolution = match &endpoint.host {
            Host::Address(address) => Resolution::Addresses(vec![*address]),
            Host::Name(name) => tokio::select! {
                biased;
                () = end.clone() => Resolution::Failed(OUT_OF_TIME.to_owned()),
                resolution = look_ups[name].clone() => resolution,
            },
        };
        let outcome = match resolution {
            Resolution::Addresses(addresses) => {
                let checks = addresses.into_iter().take(ADDRESSES).map(async |ip| {
                    let address = SocketAddr::new(ip, endpoint.port);
                    tokio::select! {
                        biased;
                        () = end.clone() => AddressResult {
                            address,
                            outcome: local(OUT_OF_TIME),
                            latency: Duration::ZERO,
                            certificate: None,
                        },
                        result = self.check_address(endpoint, address, permits) => result,
                    }
                });
                CheckOutcome::Addresses(join_all(checks).await)
            }
            Resolution::NoAddress(server) => CheckOutcome::NoAddress(server),
            Resolution::Failed(why) => CheckOutcome::Unknown(why),
        };
        EndpointResult { check: Arc::clone(check), outcome }
    }

    async fn check_address(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        permits: &Permits,
    ) -> AddressResult {
        let host = permits.host(address.ip());
        let _permits = permits.take(&host).await;
        let began = self.clock.now().uptime;
        let replied = self.ask(endpoint, address).await;
        let latency = self.clock.now().uptime.saturating_sub(began);
        let (outcome, certificate) = replied.unwrap_or_else(|failed| (failed, None));
        AddressResult { address, outcome, latency, certificate }
    }

    /// The reply, and the end of the certificate if it is near.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
    ) -> Result<(EndpointReply, Option<Timestamp>), EndpointReply> {
        let began = self.clock.now();
        let tls = match endpoint.scheme {
            Scheme::Https => Some(TlsClient::new(endpoint, began.wall)?),
            Scheme::Http | Scheme::Tcp => None,
        };
        let connecting = self.network.connect_tcp(address, None, Some(endpoint.timeout));
        let stream = match timeout(endpoint.timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| unconnected(&error, endpoint.timeout))?,
            Err(_) => return Err(EndpointReply::Failed(EndpointError::Silent(endpoint.timeout))),
        };
        let stream = AsyncIoStdAsTokio(stream);
        let reply = async {
            let Some(tls) = tls else {
                return match endpoint.scheme {
                    Scheme::Tcp => Ok((EndpointReply::Open, None)),
                    _ => Ok((page::get(stream, endpoint).await?, None)),
                };
            };
            let handshake = tls.handshake(stream).await;
            let (stream, end) = handshake.map_err(|error| broken(&error, endpoint.timeout))?;
            // A page that fails has a certificate all the same.
            Ok((page::get(stream, endpoint).await.unwrap_or_else(|failed| failed), end))
        };
        let passed = self.clock.now().uptime.saturating_sub(began.uptime);
        let mute = |_| Err(EndpointReply::Failed(EndpointError::Mute(endpoint.timeout)));
        timeout(endpoint.timeout.saturating_sub(passed), reply).await.unwrap_or_else(mute)
    }
}

impl Permits {
    fn host(&self, ip: IpAddr) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(ip).or_insert_with(|| Arc::new(Semaphore::new(CHECKS_PER_HOST))))
    }

    /// First the host's: a check that waits for its host holds nothing that another host needs.
    async fn take<'a>(&'a self, host: &'a Semaphore) -> (SemaphorePermit<'a>, SemaphorePermit<'a>) {
        const OPEN: &str = "this semaphore is never closed";
        (host.acquire().await.expect(OPEN), self.all.acquire().await.expect(OPEN))
    }
}
