//! A nameserver's own lamp: one lamp that says of one server what the panel says of all.
//!
//! | sign | the lamp | |
//! |---|---|---|
//! | well | on, off for 200 ms every 4 s | together with the panel's green |
//! | degraded | 1.5 s on, 500 ms off | it answers, and limps |
//! | asked again | 500 ms on, 500 ms off | suspect, or recovering: nothing is settled |
//! | down | – | |
//! | unknown | on for 400 ms every 4 s | our uplink, or a round that could not see it: neither well nor down |
//!
//! A lamp that blinks evenly is always "being asked again". While the panel counts a nameserver as down
//! and its own lamp blinks, it has answered again, and its incident is not over yet.
//!
//! While the panel is starting, stale or dark, so are they: the chase runs on through them, the
//! flicker alternates from each to the next, and dark is dark. A dark lamp alone is thus no proof that its
//! nameserver is down; that the panel counts it is.

use super::State;
use super::pattern::{
    CHASE_FIRST, CHASE_SECOND, CHASE_THIRD, FAST, FAST_OTHER, FLASH, LIMP, OFF, Pattern, SLOW, WINK,
};

/// What a nameserver's own lamp says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// It answers as it should.
    Well,
    /// It answers, not quite as it should.
    Degraded,
    /// It failed, or it is back, not often enough to be believed.
    Asked,
    /// It is down.
    Down,
    /// It could not be looked at.
    Unknown,
}

/// A lamp, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The number that the configuration gives the lamp. Which pin that is, is not known here.
    pub lamp: u8,
    /// What it says.
    pub sign: Sign,
}

impl Own {
    /// Under this state of the panel; it is the lamp at this place among its like, counted from 0.
    pub(super) fn pattern(self, state: &State, place: usize) -> Pattern {
        match (state, self.sign) {
            (State::Starting, _) => [CHASE_FIRST, CHASE_SECOND, CHASE_THIRD][place % 3].clone(),
            (State::Stale, _) => [FAST_OTHER, FAST][place % 2].clone(),
            (State::Dark, _) | (_, Sign::Down) => OFF,
            (_, Sign::Well) => WINK,
            (_, Sign::Degraded) => LIMP,
            (_, Sign::Asked) => SLOW,
            (_, Sign::Unknown) => FLASH,
        }
    }
}

/// Which of the nameservers' own lamps are lit, by number; a number is below 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Numbers(u32);

impl Numbers {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These, and this one.
    #[must_use]
    pub const fn with(self, lamp: u8) -> Self {
        Self(self.0 | 1 << lamp)
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, lamp: u8) -> bool {
        self.0 & 1 << lamp != 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decide::led::Face;

    const STEP_MS: u64 = 100; // no step of any pattern is finer
    const WINDOW: usize = 50; // 5 s
    const VISIBLE: usize = 3; // 300 ms, as on the panel

    const SIGNS: [Sign; 5] = [Sign::Well, Sign::Degraded, Sign::Asked, Sign::Down, Sign::Unknown];

    /// One lamp at every step of a turn, and of a window after it.
    fn samples(pattern: &Pattern) -> Vec<bool> {
        let steps = pattern.turn().as_millis() as u64 / STEP_MS + WINDOW as u64;
        let at = |step| pattern.at(Duration::from_millis(step * STEP_MS)).0;
        (0..steps).map(at).collect()
    }

    /// What one lamp can do, with a name; under well, any other state shows the same signs.
    fn looks() -> Vec<(String, Vec<bool>)> {
        let lamp = |sign| Own { lamp: 5, sign };
        let mut looks: Vec<_> =
            SIGNS.map(|sign| (format!("{sign:?}"), lamp(sign).pattern(&State::Well, 0))).into();
        for state in [State::Starting, State::Stale] {
            let pattern = lamp(Sign::Well).pattern(&state, 0);
            looks.push((state.word().to_owned(), pattern));
        }
        looks.iter().map(|(name, p)| (name.clone(), samples(p))).collect()
    }

    #[test]
    fn no_two_signs_look_the_same_over_any_five_seconds() {
        let looks = looks();
        for (n, (a, seen_a)) in looks.iter().enumerate() {
            for (b, seen_b) in &looks[n + 1..] {
                for from_a in seen_a.windows(WINDOW) {
                    for from_b in seen_b.windows(WINDOW) {
                        let differing = from_a.iter().zip(from_b).filter(|(a, b)| a != b);
                        assert!(differing.count() >= VISIBLE, "{a} can look like {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_steady_lamp_is_no_sign_and_only_down_is_dark() {
        for (name, seen) in looks() {
            let steady = |lit| seen.windows(WINDOW).any(|w| w.iter().all(|&l| l == lit));
            assert!(!steady(true), "{name} would hide a frozen board");
            assert_eq!(steady(false), name == "Down", "{name}");
        }
    }

    #[test]
    fn the_panel_speaks_through_every_lamp_while_it_starts_is_stale_or_dark() {
        for state in [State::Starting, State::Stale, State::Dark] {
            for place in 0..4 {
                let patterns = SIGNS.map(|sign| Own { lamp: 5, sign }.pattern(&state, place));
                assert!(patterns.iter().all(|pattern| *pattern == patterns[0]));
            }
        }
    }

    #[test]
    fn lamps_of_their_own_cost_a_healthy_panel_no_wake_up() {
        let lamps = [5, 6, 13];
        let own = lamps.map(|lamp| Own { lamp, sign: Sign::Well });
        let face = Face { own: own.into(), ..State::Well.into() };
        let (mut at, mut changes) = (Duration::ZERO, 0);
        while at < Duration::from_secs(60) {
            let (now, next) = face.lamps(at);
            assert!(lamps.iter().all(|&lamp| now.own.has(lamp) == now.green));
            at += next.unwrap();
            changes += 1;
        }
        assert_eq!(changes, 30);
    }

    #[test]
    fn numbers_hold_what_was_put_in() {
        let numbers = Numbers::NONE.with(2).with(27).with(2);
        let held: Vec<u8> = (0..32).filter(|&lamp| numbers.has(lamp)).collect();
        assert_eq!(held, [2, 27]);
    }
}
