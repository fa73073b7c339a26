//! The only place that reads a clock or draws a random number.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::time::Moment;

/// 2026-01-01T00:00:00Z. A system clock before this has not been set.
const EARLIEST: i64 = 1_767_225_600;

/// systemd-timesyncd's folder, and the file that it makes there once it has set the clock (systemd 239).
const TIMESYNC: &str = "/run/systemd/timesync";

/// Tells the time since it was made, and the wall time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: tokio::time::Instant,
    wall: Wall,
}

#[derive(Debug, Clone, Copy)]
enum Wall {
    System,
    /// The time when the clock was made: for tests and the demo, whose time is paused or hurried.
    From(Timestamp),
}

impl Clock {
    /// The system's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self { started: now(), wall: Wall::System }
    }

    /// Wall time that starts at `wall` and runs with tokio's clock, which a test can pause.
    #[must_use]
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { started: now(), wall: Wall::From(wall) }
    }

    /// Now, on both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        let uptime = now().saturating_duration_since(self.started);
        let wall = match self.wall {
            Wall::System => wall(),
            Wall::From(start) => start.checked_add(uptime).ok(),
        };
        Moment { uptime, wall, ..Moment::default() }
    }

    /// Returns once [`Moment::uptime`] has reached this.
    pub async fn sleep_until(&self, uptime: Duration) {
        tokio::time::sleep_until(self.started + uptime).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The system's wall time, if it can be trusted. Most Pis have no clock of their own and go on from where
/// they were switched off, or from 1970, until NTP sets them; timesyncd says when it has. (A Pi 5 has one,
/// and mostly no battery for it, so that its presence says nothing.)
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> Option<Timestamp> {
    static SET: AtomicBool = AtomicBool::new(false);
    let now = Timestamp::now();
    if now.as_second() < EARLIEST {
        return None;
    }
    // Once set it stays set: looking costs three system calls, and this is asked often.
    if !SET.load(Ordering::Relaxed) {
        let timesync = Path::new(TIMESYNC);
        if timesync.exists() && !timesync.join("synchronized").exists() {
            return None;
        }
        SET.store(true, Ordering::Relaxed);
    }
    Some(now)
}

/// Since the first call in this process; for threads that tokio's clock does not reach.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn monotonic() -> Duration {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Since the machine was switched on: the same for every process, and never steps. `None` where there is
/// no `/proc/uptime`.
#[must_use]
pub fn boot() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// An unpredictable number; not for secrets.
#[must_use]
pub fn random() -> u64 {
    // The standard library seeds every RandomState from the system's randomness.
    RandomState::new().hash_one(0)
}
