//! Points in time, handed in from outside, and how a person reads them.

use std::time::Duration;

use jiff::Timestamp;

/// One instant, on the two clocks that a Pi has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Since the program started; never steps.
    pub uptime: Duration,
    /// Wall time; `None` until it can be trusted (a Pi has no clock of its own and starts in the past).
    pub wall: Option<Timestamp>,
}

impl Moment {
    /// How long ago `earlier` was; zero when it lies ahead.
    ///
    /// Wall time counts when both have it, because an incident can be older than this process.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        match (self.wall, earlier.wall) {
            (Some(now), Some(then)) => now.duration_since(then).try_into().unwrap_or_default(),
            _ => self.uptime.saturating_sub(earlier.uptime),
        }
    }

    /// The same moment with its wall time, worked out from now when the clock was set after it.
    #[must_use]
    pub fn dated(self, now: &Self) -> Self {
        let ago = now.uptime.checked_sub(self.uptime);
        let wall = now.wall.zip(ago).and_then(|(wall, ago)| wall.checked_sub(ago).ok());
        Self { wall: self.wall.or(wall), ..self }
    }

    /// A moment that is known by its wall time only, seen from now.
    #[must_use]
    pub fn recalled(&self, wall: Option<Timestamp>) -> Self {
        let mut then = Self { uptime: self.uptime, wall };
        then.uptime = self.uptime.saturating_sub(self.since(&then));
        then
    }
}

/// `2026-01-31 12:00:00 UTC`, or that the clock was not set.
#[must_use]
pub fn wall_text(wall: Option<Timestamp>) -> String {
    wall.map_or_else(
        || "(clock not set yet)".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// The two largest units that say something: `42 s`, `5 min 10 s`, `3 h 2 min`, `2 d 4 h`.
#[must_use]
pub fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds == 0 && !span.is_zero() {
        return format!("{} ms", span.as_millis());
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size);
    let Some(first) = first else {
        return "0 s".to_owned();
    };
    let mut text = format!("{} {}", seconds / units[first].0, units[first].1);
    if let Some((size, unit)) = units.get(first + 1) {
        let rest = seconds % units[first].0 / size;
        if rest > 0 {
            text.push_str(&format!(" {rest} {unit}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(uptime: u64, wall: Option<i64>) -> Moment {
        Moment {
            uptime: Duration::from_secs(uptime),
            wall: wall.map(|s| Timestamp::from_second(s).unwrap()),
        }
    }

    #[test]
    fn a_duration_uses_wall_times_if_both_exist_and_uptime_otherwise() {
        let s = Duration::from_secs;
        assert_eq!(at(9, Some(1000)).since(&at(1, Some(100))), s(900));
        assert_eq!(at(9, Some(1000)).since(&at(1, None)), s(8));
        assert_eq!(at(1, Some(100)).since(&at(9, Some(1000))), s(0));
        let recalled = at(500, Some(1000)).recalled(Some(Timestamp::from_second(900).unwrap()));
        assert_eq!(recalled, at(400, Some(900)));
    }

    #[test]
    fn a_moment_before_the_clock_was_set_gets_its_wall_time_afterwards() {
        assert_eq!(at(10, None).dated(&at(70, Some(1000))), at(10, Some(940)));
        assert_eq!(at(10, None).dated(&at(70, None)), at(10, None));
        assert_eq!(at(10, Some(5)).dated(&at(70, Some(1000))), at(10, Some(5)));
    }

    #[test]
    fn durations_have_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (42, "42 s"),
            (310, "5 min 10 s"),
            (3600, "1 h"),
            (10_921, "3 h 2 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(span_text(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span_text(Duration::from_millis(20)), "20 ms");
    }
}
