//! What one lamp does, as data: steps that repeat for ever.
//!
//! Every time is a multiple of 100 ms: nothing is shorter than what an eye can follow.

use std::borrow::Cow;
use std::time::Duration;

/// A lamp is lit or not, for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    lit: bool,
    lasts: Duration,
}

const fn lit(ms: u64) -> Step {
    Step { lit: true, lasts: Duration::from_millis(ms) }
}

const fn dark(ms: u64) -> Step {
    Step { lit: false, lasts: Duration::from_millis(ms) }
}

/// Steps that repeat; a lamp that never changes has one step. Never empty, and no step lasts no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Cow<'static, [Step]>);

const fn steps(steps: &'static [Step]) -> Pattern {
    Pattern(Cow::Borrowed(steps))
}

pub(super) const OFF: Pattern = steps(&[dark(1_000)]);
pub(super) const ON: Pattern = steps(&[lit(1_000)]);
/// Two changes in 4 s: the board is woken 30 times a minute to say that all is well, and not more.
pub(super) const WINK: Pattern = steps(&[lit(3_800), dark(200)]);
pub(super) const SLOW: Pattern = steps(&[lit(500), dark(500)]);
pub(super) const DOUBLE: Pattern = steps(&[lit(200), dark(200), lit(200), dark(1_400)]);
/// Not steady, and not the even blink of [`SLOW`].
pub(super) const DEGRADED: Pattern = steps(&[lit(1_500), dark(500)]);
/// Mostly dark, and yet there.
pub(super) const FLASH: Pattern = steps(&[lit(400), dark(3_600)]);
pub(super) const FAST: Pattern = steps(&[lit(100), dark(100)]);
pub(super) const FAST_OTHER: Pattern = steps(&[dark(100), lit(100)]);
pub(super) const CHASE_FIRST: Pattern = steps(&[lit(300), dark(600)]);
pub(super) const CHASE_SECOND: Pattern = steps(&[dark(300), lit(300), dark(300)]);
pub(super) const CHASE_THIRD: Pattern = steps(&[dark(600), lit(300)]);
/// Slower than every blink of one lamp: two of them hand the light to each other.
pub(super) const SWING: Pattern = steps(&[lit(1_000), dark(1_000)]);
pub(super) const SWING_OTHER: Pattern = steps(&[dark(1_000), lit(1_000)]);

/// Something is down that has no number to count.
const UNCOUNTED: Pattern = steps(&[lit(1_500), dark(1_500)]);
const COUNT: [Step; 2] = [lit(300), dark(300)];
/// Five times the gap between two blinks, so that nobody counts across it.
const COUNT_PAUSE: Step = dark(1_500);

/// The second half of a turn with a sign, see [`Pattern::with`]: it lasts 2 s.
/// Cannot report.
pub(super) const TRIPLE: [Step; 7] =
    [dark(400), lit(200), dark(200), lit(200), dark(200), lit(200), dark(600)];
/// A notice.
pub(super) const LONG_SHORT: [Step; 5] = [dark(400), lit(800), dark(200), lit(200), dark(400)];
/// The first half: long enough for the whole of every amber pattern that takes signs.
const OWN_HALF: Duration = Duration::from_millis(2_000);

impl Pattern {
    /// Blinks each number, with a pause after it.
    ///
    /// No longer pause at the end: the numbers ascend, so they begin again where they fall.
    pub(super) fn counting(numbers: &[usize]) -> Self {
        if numbers.is_empty() {
            return UNCOUNTED;
        }
        let mut steps = Vec::new();
        for &number in numbers {
            for _ in 1..number {
                steps.extend(COUNT);
            }
            steps.extend([COUNT[0], COUNT_PAUSE]);
        }
        Self(steps.into())
    }

    /// Alternates this pattern, from its beginning, with blinks framed by dark.
    pub(super) fn with(&self, sign: &[Step]) -> Self {
        let mut steps = Vec::new();
        let mut left = OWN_HALF;
        for step in self.0.iter().cycle() {
            let lasts = step.lasts.min(left);
            steps.push(Step { lasts, ..*step });
            left -= lasts;
            if left.is_zero() {
                break;
            }
        }
        steps.extend(sign);
        Self(steps.into())
    }

    /// How long it takes until everything repeats.
    pub(super) fn turn(&self) -> Duration {
        self.0.iter().map(|step| step.lasts).sum()
    }

    /// Whether the lamp is lit `at` this time, and the time until that changes; `None`: never.
    pub(super) fn at(&self, at: Duration) -> (bool, Option<Duration>) {
        // Less than one turn, so it fits.
        let into = (at.as_nanos() % self.turn().as_nanos()) as u64;
        let mut left = Duration::from_nanos(into);
        let mut now = 0;
        while left >= self.0[now].lasts {
            left -= self.0[now].lasts;
            now += 1;
        }
        let lit = self.0[now].lit;
        let mut wait = self.0[now].lasts - left;
        // Two neighbours may be alike (the end and the beginning of a turn): that is no change.
        for step in self.0.iter().cycle().skip(now + 1).take(self.0.len() - 1) {
            if step.lit != lit {
                return (lit, Some(wait));
            }
            wait += step.lasts;
        }
        (lit, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_frames_in_a_row_are_one_frame() {
        let pattern = Pattern(vec![dark(100), lit(100), lit(50), dark(200)].into());
        assert_eq!(pattern.turn(), Duration::from_millis(450));
        let at = |ms| pattern.at(Duration::from_millis(ms));
        let change = |ms| Some(Duration::from_millis(ms));
        assert_eq!(at(0), (false, change(100)));
        assert_eq!(at(120), (true, change(130)));
        assert_eq!(at(250), (false, change(300)));
        assert_eq!(at(450 * 1_000_000 + 250), (false, change(300)));
        assert_eq!(ON.at(Duration::MAX), (true, None));
        assert_eq!(OFF.at(Duration::ZERO), (false, None));
    }

    #[test]
    fn numbers_are_counted_with_a_pause_after_each() {
        let counted = Pattern::counting(&[2, 1]);
        assert_eq!(*counted.0, [COUNT[0], COUNT[1], COUNT[0], COUNT_PAUSE, COUNT[0], COUNT_PAUSE]);
        assert_eq!(Pattern::counting(&[]), UNCOUNTED);
    }

    #[test]
    fn an_overlay_comes_after_two_seconds_of_the_lamps_own_pattern() {
        let blink = SLOW.with(&TRIPLE);
        assert_eq!(blink.0[..4], [lit(500), dark(500), lit(500), dark(500)]);
        assert_eq!(blink.0[4..], TRIPLE);
        assert_eq!(WINK.with(&TRIPLE).0[0], lit(2_000));
        for own in [OFF, ON, SLOW, DOUBLE] {
            for sign in [&TRIPLE[..], &LONG_SHORT] {
                assert_eq!(own.with(sign).turn(), Duration::from_secs(4));
            }
            assert!(OWN_HALF.as_millis().is_multiple_of(own.turn().as_millis()));
        }
    }
}
