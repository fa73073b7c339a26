//! When a packet may go: packets to one address keep a distance in time, and the number of packets under way
//! to all addresses is bounded.
//!
//! A server that limits rates drops a burst, and a dropped packet looks like a dead server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::config::address_text;
use crate::decide::probe::query::Target;
use crate::io::clock::Clock;

/// The limit for one address.
pub(super) struct RateLimiter<'a> {
    clock: Clock,
    gap: Duration,
    in_flight: &'a Semaphore,
    /// When the next packet may go. The holder of the lock sends it.
    next: Mutex<Duration>,
}

impl<'a> RateLimiter<'a> {
    pub(super) fn new(clock: Clock, gap: Duration, in_flight: &'a Semaphore) -> Self {
        Self { clock, gap, in_flight, next: Mutex::default() }
    }

    /// Waits until the caller may send. The caller holds the permit while it waits for the answer.
    ///
    /// A caller that still waits for this address holds nothing that another address needs.
    pub(super) async fn permit(&self) -> SemaphorePermit<'a> {
        let mut next = self.next.lock().await;
        // Even a sleep of no time costs: tokio's timer has a resolution of 1 ms, rounded up.
        if self.clock.now().uptime < *next {
            self.clock.sleep_until(*next).await;
        }
        let permit = self.in_flight.acquire().await.expect("this semaphore is never closed");
        *next = self.clock.now().uptime + self.gap;
        permit
    }
}

/// The distance between packets to those addresses that limit the rate of their answers, until the program ends.
#[derive(Clone, Default)]
pub(super) struct Paces(Arc<Lock<HashMap<SocketAddr, Duration>>>);

impl Paces {
    /// The distance for a round that has so much time: half of that is enough for every query.
    pub(super) fn gap(&self, target: &Target, regular: Duration, time: Duration) -> Duration {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queries = u32::try_from(target.queries.len()).unwrap_or(u32::MAX);
        let longest = time / 2 / queries.max(1);
        let slow = known.get(&target.address).copied().unwrap_or_default();
        slow.min(longest).max(regular)
    }

    /// And a line in the log for an address that was not known.
    pub(super) fn remember(&self, address: SocketAddr, before: Duration, gap: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.insert(address, gap).is_none() {
            let at = |gap: Duration| match gap.is_zero() {
                true => "without a pause between them".to_owned(),
                false => format!("at {:.0} a second", 1.0 / gap.as_secs_f64()),
            };
            tracing::warn!(
                "{} limits how fast it answers: some queries fail {before}, and succeed {after}; from now on it \
                 gets them {after}; `queries-per-second` in [schedule] sets the rate for all",
                address_text(&address),
                before = at(before),
                after = at(gap)
            );
        }
    }
}
