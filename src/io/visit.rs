//! Goes to web endpoints: finds each one's addresses, and asks at every one of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::net::runtime::RuntimeProvider;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clock::monotonic;
use super::dns::Prober;
use super::message::io_outcome;
use super::names::Leads;
use super::web;
use crate::config::{Endpoint, Host, Scheme};
use crate::decide::endpoint::{Errand, Found, Reached, Trouble, Visit, Visited};
use crate::decide::round::Outcome;

/// Addresses of one name that are asked; whoever has more has somebody who watches them.
const ADDRESSES: usize = 8;

impl<P: RuntimeProvider> Prober<P> {
    /// Each visit takes one of `turns`; what has not come back by the deadline is unknown.
    pub(super) async fn visit(
        &self,
        errand: &Arc<Errand>,
        turns: &Arc<Semaphore>,
        deadline: Duration,
    ) -> Visited {
        let endpoint = &errand.endpoint;
        let find = async {
            match &endpoint.host {
                Host::Address(address) => Leads::To(vec![*address]),
                Host::Name(name) => self.find(name, &errand.zones, endpoint.timeout, turns).await,
            }
        };
        let late = || "the round ran out of time".to_owned();
        let leads = tokio::select! {
            leads = find => leads,
            () = self.clock.sleep_until(deadline) => Leads::Unknown(late()),
        };
        let found = match leads {
            Leads::To(addresses) => {
                let visits = addresses.into_iter().take(ADDRESSES).map(|ip| async move {
                    let address = SocketAddr::new(ip, endpoint.port);
                    tokio::select! {
                        visit = self.visit_address(errand, address, turns) => visit,
                        () = self.clock.sleep_until(deadline) => local(address, late()),
                    }
                });
                Found::Visits(join_all(visits).await)
            }
            Leads::Nowhere(server) => Found::Nowhere(server),
            Leads::Unknown(why) => Found::Unknown(why),
        };
        Visited { errand: Arc::clone(errand), found }
    }

    async fn visit_address(
        &self,
        errand: &Arc<Errand>,
        address: SocketAddr,
        turns: &Arc<Semaphore>,
    ) -> Visit {
        let Ok(turn) = Arc::clone(turns).acquire_owned().await else {
            return local(address, "there are no turns any more".to_owned());
        };
        if errand.endpoint.scheme == Scheme::Tcp {
            return self.connect(&errand.endpoint, address, turn).await;
        }
        let wall = self.clock.now().wall;
        let errand = Arc::clone(errand);
        let blocking = tokio::task::spawn_blocking(move || {
            let _turn = turn; // held to the end, even when nobody waits for it any more
            web::get(&errand.endpoint, address, wall)
        });
        blocking.await.unwrap_or_else(|error| local(address, error.to_string()))
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        _turn: OwnedSemaphorePermit,
    ) -> Visit {
        let began = self.clock.now().uptime;
        let connecting = self.network.connect_tcp(address, None, Some(endpoint.timeout));
        let connected = tokio::time::timeout(endpoint.timeout, connecting).await;
        let latency = self.clock.now().uptime.saturating_sub(began);
        let outcome = match connected {
            Ok(Ok(_)) => Reached::Open,
            Ok(Err(error)) => broken(&error, endpoint.timeout, false),
            Err(_) => Reached::Failed(Trouble::Silent(endpoint.timeout)),
        };
        Visit { address, outcome, latency, certificate: None }
    }
}

/// What a failure of the connection means, before and after it was made.
pub(super) fn broken(error: &io::Error, timeout: Duration, connected: bool) -> Reached {
    Reached::Failed(match io_outcome(error) {
        Outcome::Silent if connected => Trouble::Mute(timeout),
        Outcome::Silent => Trouble::Silent(timeout),
        Outcome::Closed => Trouble::Closed,
        Outcome::Unreachable(why) => Trouble::Unreachable(why),
        Outcome::Garbled(_) | Outcome::Answer(_) => Trouble::BrokenOff,
        Outcome::Local(why) => return Reached::Local(why),
    })
}

fn local(address: SocketAddr, why: String) -> Visit {
    Visit { address, outcome: Reached::Local(why), latency: Duration::ZERO, certificate: None }
}

/// For threads, which tokio's clock does not reach.
pub(super) fn since(began: Duration) -> Duration {
    monotonic().saturating_sub(began)
}
