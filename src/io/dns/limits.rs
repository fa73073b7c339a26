//! How often, how fast and for how long to ask.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::probe::query::{TIMEOUT, Target};

/// Packets to an anchor before it counts as silent; there are several anchors.
pub(super) const ANCHOR_ATTEMPTS: u8 = 2;

/// Packets that a query may take beyond its attempts, to see whether only EDNS fails.
const EDNS_ATTEMPTS: u8 = 3;

/// Timeouts, attempts and rates of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeLimits {
    /// For one packet, or one TCP exchange.
    pub timeout: Duration,
    /// Packets for each query before it counts as unanswered.
    pub attempts: u8,
    /// Between the end of one attempt and the next; doubled each time.
    pub pause: Duration,
    /// For an address where no nameserver can be. An interceptor is near and answers soon.
    pub intercept_timeout: Duration,
    /// Packets a second to one address; 0: no limit.
    pub per_second: u32,
    /// For a round, beyond what the rate limit takes. What has no answer by then is unknown.
    pub deadline: Duration,
    /// Packets and connections under way at once to all addresses; bounds sockets and memory.
    pub in_flight: usize,
}

impl ProbeLimits {
    /// The product's values, at this rate.
    #[must_use]
    pub fn at_rate(per_second: u32) -> Self {
        Self {
            timeout: TIMEOUT,
            attempts: 3,
            pause: Duration::from_millis(500),
            intercept_timeout: Duration::from_secs(1),
            per_second,
            deadline: Duration::from_secs(45),
            in_flight: 200,
        }
    }

    /// How long a round over these targets takes at most.
    #[must_use]
    pub fn longest_round(&self, targets: &[Arc<Target>]) -> Duration {
        // The anchors are asked again after the deadline.
        self.deadline_for(targets) + self.timeout * u32::from(ANCHOR_ATTEMPTS)
    }

    /// At the rate limit, every attempt of every query of the busiest address must have its turn.
    pub(in crate::io) fn deadline_for(&self, targets: &[Arc<Target>]) -> Duration {
        let most = targets.iter().map(|target| target.queries.len()).max();
        let packets = u32::try_from(most.unwrap_or(0)).unwrap_or(u32::MAX);
        let attempts = self.attempts.saturating_add(EDNS_ATTEMPTS);
        let packets = packets.saturating_mul(u32::from(attempts));
        self.deadline + self.gap().saturating_mul(packets)
    }

    /// Between two packets to one address.
    pub(super) fn gap(&self) -> Duration {
        Duration::from_secs(1).checked_div(self.per_second).unwrap_or_default()
    }
}
