//! The times of the rounds, and the thresholds.

use std::time::Duration;

use super::document::Node;
use super::problem::{Rejection, reject};
use super::value::{LONGEST, SECOND, duration, time, time_or_off};

const SCHEDULE: &str = "interval splay recheck recover open-after close-after degraded-after \
                        serial-grace rrsig-warning slow reopen-within queries-per-second world";

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Between the starts of two regular rounds.
    pub interval: Duration,
    /// The longest random delay of a regular round.
    pub splay: Duration,
    /// Until the first recheck of a suspect; the next ones wait twice and four times as long.
    pub recheck: Duration,
    /// Until the recheck of a recovering subject, or of an uplink that went offline.
    pub recover: Duration,
    /// Faulty verdicts in a row that open an incident; at least 1.
    pub open_after: u32,
    /// Healthy verdicts in a row that close it; at least 1.
    pub close_after: u32,
    /// A subject is degraded this long before an issue opens.
    pub degraded_after: Duration,
    /// A nameserver may serve an older zone than the others this long.
    pub serial_grace: Duration,
    /// A signature with less than this left is a fault.
    pub rrsig_warning: Duration,
    /// A longer answer time is slow.
    pub slow: Duration,
    /// An incident that returns within this time reopens its issue.
    pub reopen_within: Duration,
    /// To one address; 0: no limit.
    pub queries_per_second: u32,
    /// Between two looks at a zone from the roots; `None`: there are none.
    pub world: Option<Duration>,
}

impl Schedule {
    /// Between two regular checks of a subject; that of a zone is its look from the roots.
    #[must_use]
    pub fn interval_of(&self, zone: bool) -> Duration {
        self.world.filter(|_| zone).unwrap_or(self.interval)
    }
}

pub(super) fn schedule(root: &Node<'_>) -> Schedule {
    const BLINK: Duration = Duration::from_millis(100);
    let table = root.get("schedule").table(SCHEDULE);
    let time = |key, default, least| time(&table.get(key), default, least..=LONGEST);
    let number = |key, range, default| table.get(key).number(range).unwrap_or(default);
    let interval = time("interval", "10m", SECOND);
    let splay = |text: &str| -> Result<Duration, Rejection> {
        match duration(text, &(Duration::ZERO..=LONGEST))? {
            splay if splay < interval => Ok(splay),
            _ => reject(
                "is not shorter than the interval",
                "write less, such as a tenth of the interval, or leave it out",
            ),
        }
    };
    let splay = table.get("splay").text("10s", splay);
    Schedule {
        interval,
        splay: splay.unwrap_or((10 * SECOND).min(interval / 10)),
        recheck: time("recheck", "10s", BLINK),
        recover: time("recover", "60s", BLINK),
        open_after: number("open-after", 1..=100, 3),
        close_after: number("close-after", 1..=100, 2),
        degraded_after: time("degraded-after", "1h", Duration::ZERO),
        serial_grace: time("serial-grace", "1h", Duration::ZERO),
        rrsig_warning: time("rrsig-warning", "3d", Duration::ZERO),
        slow: time("slow", "1s", Duration::from_millis(1)),
        reopen_within: time("reopen-within", "1h", Duration::ZERO),
        queries_per_second: number("queries-per-second", 0..=u32::MAX, 50),
        world: time_or_off(&table.get("world"), "1h", 60 * SECOND),
    }
}
