//! When a packet may go: packets to one address keep a distance in time, and the number of packets under way
//! to all addresses is bounded.
//!
//! A server that limits rates drops a burst, and a dropped packet looks like a dead server.

use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

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
