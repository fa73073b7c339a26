//! `pilotlight lamps`: every view once, so that a person knows them, and knows that the wires are right.
//!
//! No panel and no lease: what is shown is asked of nobody. The time is what was slept.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::decide::show::panel::{PanelState, PanelView};
use crate::io::gpio::driver::{Driver, LampError};

/// A person who presses Ctrl-C should not have to press it again.
const STOP_NOTICED_WITHIN: Duration = Duration::from_millis(100);
/// Dark between two views, so that one is seen to end.
const GAP: Duration = Duration::from_millis(500);

/// Shows each view of [`PanelView::tour`] for as long as `each`, with the nameservers' `own` lamps, and says
/// on `out` which one it is and what it means; then leaves the lamps dark. Ends early, as dark, once `stop`
/// is set.
///
/// `sleep` is [`std::thread::sleep`] everywhere but in a test.
pub fn lamp_test(
    out: &mut dyn Write,
    driver: &mut dyn Driver,
    own: &[u8],
    each: Duration,
    stop: &AtomicBool,
    sleep: &mut dyn FnMut(Duration),
) -> Result<(), LampError> {
    let mut walk = LampTest { out, driver, stop, sleep };
    let shown = walk.tour(own, each);
    // Whatever went wrong, dark is where we leave the lamps.
    let dark = walk.driver.dark();
    shown.and(dark)
}

struct LampTest<'a> {
    out: &'a mut dyn Write,
    driver: &'a mut dyn Driver,
    stop: &'a AtomicBool,
    sleep: &'a mut dyn FnMut(Duration),
}

impl LampTest<'_> {
    fn tour(&mut self, own: &[u8], each: Duration) -> Result<(), LampError> {
        for view in PanelView::tour(own) {
            if self.stopped() {
                break;
            }
            self.say(&view)?;
            self.driver.announce(&view)?;
            self.view(&view, each)?;
            self.driver.dark()?;
            self.pause(GAP);
        }
        self.say(&PanelState::Dark.into())
    }

    fn view(&mut self, view: &PanelView, each: Duration) -> Result<(), LampError> {
        let mut at = Duration::ZERO;
        while at < each && !self.stopped() {
            let (lamps, next) = view.lamps(at);
            self.driver.show(lamps)?;
            let left = each - at;
            at += self.pause(next.map_or(left, |next| next.min(left)));
        }
        Ok(())
    }

    /// Sleeps, and says for how long: less than asked for when stopped.
    fn pause(&mut self, time: Duration) -> Duration {
        let mut slept = Duration::ZERO;
        while slept < time && !self.stopped() {
            let nap = STOP_NOTICED_WITHIN.min(time - slept);
            (self.sleep)(nap);
            slept += nap;
        }
        slept
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn say(&mut self, view: &PanelView) -> Result<(), LampError> {
        let word = match view {
            PanelView { cannot_report: true, .. } => "cannot-report",
            PanelView { notice: true, .. } => "notice",
            PanelView { state, .. } => state.word(),
        };
        let said =
            writeln!(self.out, "{word:<15}{}", view.meaning()).and_then(|()| self.out.flush());
        said.map_err(|error| LampError::new("walk", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::show::panel::Lamps;

    const EACH: Duration = Duration::from_secs(5);

    #[derive(Default)]
    struct Fake {
        shown: Vec<Lamps>,
        fails: bool,
    }

    impl Driver for Fake {
        fn name(&self) -> &str {
            "fake"
        }

        fn show(&mut self, lamps: Lamps) -> Result<(), LampError> {
            self.shown.push(lamps);
            if self.fails { Err(LampError::new("fake", "the pin is gone")) } else { Ok(()) }
        }
    }

    #[test]
    fn a_lamp_test_shows_and_names_every_state_and_ends_dark() {
        let (mut out, mut fake, mut slept) = (Vec::new(), Fake::default(), Duration::ZERO);
        let stop = AtomicBool::new(false);
        lamp_test(&mut out, &mut fake, &[], EACH, &stop, &mut |nap| slept += nap).unwrap();
        assert_eq!(slept, (EACH + GAP) * PanelView::tour(&[]).len() as u32);
        assert_eq!(fake.shown.last(), Some(&Lamps::DARK));
        let chase = [(true, false, false), (false, true, false), (false, false, true)];
        let chase = chase.map(|(green, amber, red)| Lamps { green, amber, red, ..Lamps::DARK });
        assert_eq!(fake.shown[..3], chase);
        let said = String::from_utf8(out).unwrap();
        let words: Vec<&str> = said.lines().map(|line| line.split_once(' ').unwrap().0).collect();
        assert_eq!(
            words,
            [
                "starting",
                "well",
                "suspect",
                "degraded",
                "down",
                "offline",
                "intercepted",
                "unconfigured",
                "stale",
                "cannot-report",
                "notice",
                "dark",
            ],
        );
        assert!(said.contains("down           nameservers 1 and 2 are down\n"), "{said}");
    }

    #[test]
    fn a_lamp_test_lights_every_subject_lamp_too() {
        let mut fake = Fake::default();
        let stop = AtomicBool::new(false);
        let out = &mut Vec::new();
        lamp_test(out, &mut fake, &[5, 6], EACH, &stop, &mut |_| ()).unwrap();
        let lit = |lamps: &Lamps| [lamps.subjects.has(5), lamps.subjects.has(6)];
        let chase: Vec<_> = fake.shown[..3].iter().map(lit).collect();
        assert_eq!(chase, [[true, false], [false, true], [false, false]]);
        assert_eq!(fake.shown.last(), Some(&Lamps::DARK));
    }

    #[test]
    fn a_lamp_test_that_is_stopped_is_dark_at_once() {
        let (mut out, mut fake, mut naps) = (Vec::new(), Fake::default(), 0);
        let stop = AtomicBool::new(false);
        let mut sleep = |nap| {
            assert!(nap <= STOP_NOTICED_WITHIN);
            naps += 1;
            stop.store(naps == 3, Ordering::Relaxed);
        };
        lamp_test(&mut out, &mut fake, &[], EACH, &stop, &mut sleep).unwrap();
        assert_eq!(naps, 3);
        assert_eq!(fake.shown.last(), Some(&Lamps::DARK));
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_lamp_test_with_a_broken_driver_gives_the_reason_and_still_tries_dark() {
        let mut fake = Fake { fails: true, ..Fake::default() };
        let stop = AtomicBool::new(false);
        let error =
            lamp_test(&mut Vec::new(), &mut fake, &[], EACH, &stop, &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "lamps (fake): the pin is gone");
        assert_eq!(fake.shown.last(), Some(&Lamps::DARK));
    }
}
