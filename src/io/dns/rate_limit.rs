//! When a packet may go: the packets to one address are spread over time, and there is a bound on what is
//! under way to all of them.
//!
//! Servers that limit rates drop what comes in a burst, and a dropped packet looks like a dead server.

use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::io::clock::Clock;

/// The queue of those who have something to send to one address.
pub(super) struct RateLimiter<'a> {
    clock: Clock,
    gap: Duration,
    in_flight: &'a Semaphore,
    /// When the next one may go. Whoever holds the lock is the next.
    next: Mutex<Duration>,
}

impl<'a> RateLimiter<'a> {
    pub(super) fn new(clock: Clock, per_second: u32, in_flight: &'a Semaphore) -> Self {
        let gap = Duration::from_secs(1).checked_div(per_second);
        Self { clock, gap: gap.unwrap_or_default(), in_flight, next: Mutex::default() }
    }

    /// Returns when it is the caller's turn to send; what it gets it holds for as long as it waits for
    /// the answer.
    ///
    /// Whoever waits for its turn holds nothing that another address could use meanwhile.
    pub(super) async fn turn(&self) -> SemaphorePermit<'a> {
        let mut next = self.next.lock().await;
        // Not even a sleep of no time is free: tokio's timer has a resolution of 1 ms, rounded up.
        if self.clock.now().uptime < *next {
            self.clock.sleep_until(*next).await;
        }
        let permit = self.in_flight.acquire().await.expect("it is never closed");
        *next = self.clock.now().uptime + self.gap;
        permit
    }
}
