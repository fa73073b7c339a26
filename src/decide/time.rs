//! Points in time, handed in from outside, and how a person reads them.

use std::time::Duration;

use jiff::Timestamp;

/// A wall clock that differs more than this from what the other clock makes of it has been stepped.
const STEP: Duration = Duration::from_secs(60);

/// One instant, on the two clocks that a Pi has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Since the program started; never steps. Zero for a moment before the start.
    pub uptime: Duration,
    /// How long before the start of the program a moment of an earlier process was.
    pub before_start: Duration,
    /// Wall time; `None` until it can be trusted (a Pi has no clock of its own and starts in the past).
    pub wall: Option<Timestamp>,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that never steps; zero when it lies ahead.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        let by_wall = self.unplaced() || earlier.unplaced();
        match wall_span(earlier, self).filter(|_| by_wall) {
            Some(span) => span,
            None => (self.uptime + earlier.before_start)
                .saturating_sub(earlier.uptime + self.before_start),
        }
    }

    /// The same moment with its wall time, worked out from now if the clock was set after it, or stepped.
    #[must_use]
    pub fn dated(self, now: &Self) -> Self {
        if self.wall.is_some() && self.unplaced() {
            return now.recalled(self.wall);
        }
        let Some(wall) = now.wall.and_then(|wall| wall.checked_sub(now.since(&self)).ok()) else {
            return self;
        };
        let right = self.wall.filter(|known| known.duration_since(wall).unsigned_abs() < STEP);
        Self { wall: right.or(Some(wall)), ..self }
    }

    /// A moment that is known by its wall time only, seen from now. Its place on the clock that never steps is
    /// found when the wall clock is set.
    #[must_use]
    pub fn recalled(&self, wall: Option<Timestamp>) -> Self {
        let unplaced = Self { wall, ..Self::default() };
        match wall_span(&unplaced, self) {
            Some(ago) => Self {
                uptime: self.uptime.saturating_sub(ago),
                before_start: ago.saturating_sub(self.uptime),
                wall,
            },
            None if wall.is_none() => Self { wall, ..*self },
            None => unplaced,
        }
    }

    /// Only the wall time is known.
    fn unplaced(&self) -> bool {
        self.uptime.is_zero() && self.before_start.is_zero()
    }
}

fn wall_span(from: &Moment, to: &Moment) -> Option<Duration> {
    Some(to.wall?.duration_since(from.wall?).try_into().unwrap_or_default())
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
            before_start: Duration::ZERO,
            wall: wall.map(|s| Timestamp::from_second(s).unwrap()),
        }
    }

    #[test]
    fn a_duration_is_by_uptime_however_the_wall_clock_steps() {
        let s = Duration::from_secs;
        assert_eq!(at(9, Some(1000)).since(&at(1, Some(100))), s(8));
        assert_eq!(at(9, Some(1000)).since(&at(1, None)), s(8));
        assert_eq!(at(1, Some(100)).since(&at(9, Some(1000))), s(0));
    }

    #[test]
    fn a_moment_of_an_earlier_process_keeps_its_place_when_the_wall_clock_steps() {
        let s = Duration::from_secs;
        let wall = |seconds| Some(Timestamp::from_second(seconds).unwrap());
        let recalled = at(500, Some(1000)).recalled(wall(900));
        assert_eq!(recalled, at(400, Some(900)));
        let older = at(50, Some(1000)).recalled(wall(900));
        assert_eq!(older, Moment { before_start: s(50), ..at(0, Some(900)) });
        assert_eq!(at(60, Some(9_000_000)).since(&older), s(110));
        assert_eq!(older.dated(&at(60, Some(9_000_000))).wall, wall(9_000_000 - 110));
        // The clock is set later.
        let unplaced = at(50, None).recalled(wall(900));
        assert_eq!(at(60, Some(1010)).since(&unplaced), s(110));
        assert_eq!(unplaced.dated(&at(60, Some(1010))), older);
        assert_eq!(unplaced.dated(&at(60, None)), unplaced);
        assert_eq!(at(50, None).recalled(None), at(50, None));
    }

    #[test]
    fn a_moment_before_the_clock_was_set_or_stepped_gets_its_wall_time_afterwards() {
        assert_eq!(at(10, None).dated(&at(70, Some(1000))), at(10, Some(940)));
        assert_eq!(at(10, None).dated(&at(70, None)), at(10, None));
        assert_eq!(at(10, Some(5)).dated(&at(70, Some(1000))), at(10, Some(940)));
        assert_eq!(at(10, Some(5)).dated(&at(70, None)), at(10, Some(5)));
        // A clock that is corrected slowly changes nothing.
        assert_eq!(at(10, Some(940)).dated(&at(70, Some(1059))), at(10, Some(940)));
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
