//! Goes to web endpoints: finds each one's addresses, and asks at every one of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::net::runtime::RuntimeProvider;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Endpoint, Host, Scheme};
use crate::decide::probe::endpoint::{
    AddressResult, CheckOutcome, EndpointCheck, EndpointReply, EndpointResult,
};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::dns::message::broken;
use crate::io::dns::prober::Prober;
use crate::io::dns::resolve::Resolution;
use crate::io::http::https;

/// Addresses of one name that are asked; whoever has more has somebody who watches them.
const ADDRESSES: usize = 8;

impl<P: RuntimeProvider> Prober<P> {
    /// Each visit takes one of `turns`; what has not come back by the deadline is unknown.
    pub(in crate::io) async fn visit(
        &self,
        errand: &Arc<EndpointCheck>,
        turns: &Arc<Semaphore>,
        deadline: Duration,
    ) -> EndpointResult {
        let endpoint = &errand.endpoint;
        let find = async {
            match &endpoint.host {
                Host::Address(address) => Resolution::To(vec![*address]),
                Host::Name(name) => self.find(name, &errand.zones, endpoint.timeout, turns).await,
            }
        };
        let late = || "the round ran out of time".to_owned();
        let leads = tokio::select! {
            leads = find => leads,
            () = self.clock.sleep_until(deadline) => Resolution::Unknown(late()),
        };
        let found = match leads {
            Resolution::To(addresses) => {
                let visits = addresses.into_iter().take(ADDRESSES).map(|ip| async move {
                    let address = SocketAddr::new(ip, endpoint.port);
                    tokio::select! {
                        visit = self.visit_address(errand, address, turns) => visit,
                        () = self.clock.sleep_until(deadline) => local(address, late()),
                    }
                });
                CheckOutcome::Addresses(join_all(visits).await)
            }
            Resolution::Nowhere(server) => CheckOutcome::NoAddress(server),
            Resolution::Unknown(why) => CheckOutcome::Unknown(why),
        };
        EndpointResult { check: Arc::clone(errand), outcome: found }
    }

    async fn visit_address(
        &self,
        errand: &Arc<EndpointCheck>,
        address: SocketAddr,
        turns: &Arc<Semaphore>,
    ) -> AddressResult {
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
            https::get(&errand.endpoint, address, wall)
        });
        blocking.await.unwrap_or_else(|error| local(address, error.to_string()))
    }

    async fn connect(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        _turn: OwnedSemaphorePermit,
    ) -> AddressResult {
        let began = self.clock.now().uptime;
        let connecting = self.network.connect_tcp(address, None, Some(endpoint.timeout));
        let connected = tokio::time::timeout(endpoint.timeout, connecting).await;
        let latency = self.clock.now().uptime.saturating_sub(began);
        let outcome = match connected {
            Ok(Ok(_)) => EndpointReply::Open,
            Ok(Err(error)) => broken(&error, endpoint.timeout, false),
            Err(_) => EndpointReply::Failed(EndpointError::Silent(endpoint.timeout)),
        };
        AddressResult { address, outcome, latency, certificate: None }
    }
}

fn local(address: SocketAddr, why: String) -> AddressResult {
    AddressResult {
        address,
        outcome: EndpointReply::Local(why),
        latency: Duration::ZERO,
        certificate: None,
    }
}
