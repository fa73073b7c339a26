//! The step without a clock; then the thread, with a driver that reports what it was calls.

use crate::io::gpio::driver::Nothing;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Long enough for any machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
const LONG_LEASE: Duration = Duration::from_secs(3_600);

#[derive(Debug, PartialEq)]
enum Call {
    PanelView(PanelView),
    Lamps(Lamps),
    Dark,
}

struct Fake {
    calls: Sender<Call>,
    /// How many more frames fail.
    failures: usize,
}

impl Fake {
    fn failing(failures: usize) -> (Box<Self>, Receiver<Call>) {
        let (calls, heard) = channel();
        (Box::new(Self { calls, failures }), heard)
    }
}

impl Driver for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn announce(&mut self, view: &PanelView) -> Result<(), LampError> {
        self.calls
            .send(Call::PanelView(view.clone()))
            .map_err(|error| LampError::new("fake", error))
    }

    fn show(&mut self, lamps: Lamps) -> Result<(), LampError> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err(LampError::new("fake", "the pin is gone"));
        }
        self.calls.send(Call::Lamps(lamps)).map_err(|error| LampError::new("fake", error))
    }

    fn dark(&mut self) -> Result<(), LampError> {
        self.calls.send(Call::Dark).map_err(|error| LampError::new("fake", error))
    }
}

fn well() -> PanelView {
    PanelState::Well.into()
}

const GREEN: Lamps = Lamps { green: true, amber: false, red: false, ..Lamps::DARK };
const ALL_BUT_AMBER: Lamps = Lamps { green: true, amber: false, red: true, ..Lamps::DARK };

#[test]
fn a_healthy_minute_is_thirty_steps_and_thirty_frames() {
    let (fake, heard) = Fake::failing(0);
    let mut hand = PanelWorker::new(fake);
    let shown = PanelDisplay::new(well(), Duration::ZERO, LONG_LEASE);
    let (mut now, mut steps) = (Duration::ZERO, 0);
    while now < Duration::from_secs(60) {
        let (next, error) = hand.step(Some(&shown), now);
        assert_eq!(error, None);
        now += next.unwrap();
        steps += 1;
    }
    assert_eq!(steps, 30);
    let calls: Vec<Call> = heard.try_iter().collect();
    assert_eq!(calls.len(), 1 + 30);
    assert_eq!(calls[..3], [Call::PanelView(well()), Call::Lamps(GREEN), Call::Lamps(Lamps::DARK)]);
}

#[test]
fn no_frame_is_drawn_twice_and_a_late_wake_up_shows_the_current_one() {
    let (fake, heard) = Fake::failing(0);
    let mut hand = PanelWorker::new(fake);
    let shown = PanelDisplay::new(well(), Duration::ZERO, LONG_LEASE);
    for ms in [0, 1, 2, 3_700, 8_001, 11_900] {
        hand.step(Some(&shown), Duration::from_millis(ms));
    }
    let calls: Vec<Call> = heard.try_iter().collect();
    assert_eq!(calls, [Call::PanelView(well()), Call::Lamps(GREEN), Call::Lamps(Lamps::DARK)]);
}

#[test]
fn the_lamps_are_dark_before_the_first_state_and_stale_after_the_lease() {
    let (fake, heard) = Fake::failing(0);
    let mut hand = PanelWorker::new(fake);
    assert_eq!(hand.step(None, Duration::ZERO), (None, None));
    let shown = PanelDisplay::new(well(), Duration::ZERO, RETRY_AFTER);
    assert_eq!(hand.step(Some(&shown), Duration::ZERO), (Some(RETRY_AFTER), None));
    hand.step(Some(&shown), RETRY_AFTER);
    let calls: Vec<Call> = heard.try_iter().collect();
    let stale = Call::PanelView(PanelState::Stale.into());
    let well = Call::PanelView(well());
    let lamps = [Lamps::DARK, GREEN, ALL_BUT_AMBER].map(Call::Lamps);
    let [first, second, third] = lamps;
    assert_eq!(calls, [first, well, second, stale, third]);
}

#[test]
fn a_frame_that_failed_is_drawn_again_within_a_second() {
    let (fake, heard) = Fake::failing(2);
    let mut hand = PanelWorker::new(fake);
    let error = Some(LampError::new("fake", "the pin is gone"));
    assert_eq!(hand.step(None, Duration::ZERO), (Some(RETRY_AFTER), error.clone()));
    let shown = PanelDisplay::new(well(), Duration::ZERO, LONG_LEASE);
    assert_eq!(hand.step(Some(&shown), Duration::ZERO), (Some(RETRY_AFTER), error));
    assert_eq!(hand.step(Some(&shown), RETRY_AFTER), (Some(Duration::from_millis(2_800)), None));
    assert_eq!(heard.try_iter().last(), Some(Call::Lamps(GREEN)));
}

/// Waits until the driver gets this call.
fn hear(heard: &Receiver<Call>, wanted: &Call) {
    while heard.recv_timeout(PATIENCE).expect("the driver is called in time") != *wanted {}
}

#[test]
fn a_new_state_is_drawn_at_once_and_stop_makes_the_lamps_dark() {
    let (fake, heard) = Fake::failing(0);
    let panel = Panel::spawn(fake);
    panel.show(well(), LONG_LEASE);
    hear(&heard, &Call::PanelView(well()));
    hear(&heard, &Call::Lamps(GREEN));
    let offline = PanelView::from(PanelState::Offline);
    panel.show(offline.clone(), LONG_LEASE);
    hear(&heard, &Call::PanelView(offline));
    assert!(panel.answers(PATIENCE));
    assert_eq!(panel.error(), None);
    assert_eq!(panel.stop(), Ok(()));
    hear(&heard, &Call::PanelView(PanelState::Dark.into()));
    assert_eq!(heard.recv(), Ok(Call::Dark));
    assert!(heard.recv().is_err(), "the thread is gone, and its driver with it");
}

#[test]
fn a_loop_that_stops_renewing_is_shown_as_stale_until_it_is_back() {
    let (fake, heard) = Fake::failing(0);
    let panel = Panel::spawn(fake);
    panel.show(well(), Duration::from_millis(20));
    hear(&heard, &Call::PanelView(PanelState::Stale.into()));
    hear(&heard, &Call::Lamps(ALL_BUT_AMBER));
    panel.show(well(), LONG_LEASE);
    hear(&heard, &Call::PanelView(well()));
    assert_eq!(panel.stop(), Ok(()));
}

#[test]
fn a_clock_that_stands_still_does_not_keep_a_lease_alive() {
    let (fake, heard) = Fake::failing(0);
    let panel = Panel::with_clock(fake, || Duration::from_secs(100));
    panel.show(well(), Duration::from_millis(20));
    hear(&heard, &Call::PanelView(PanelState::Stale.into()));
    assert_eq!(panel.stop(), Ok(()));
}

#[test]
fn a_driver_that_fails_is_a_readable_error_and_the_daemon_goes_on() {
    let (fake, heard) = Fake::failing(usize::MAX);
    let panel = Panel::spawn(fake);
    panel.show(well(), LONG_LEASE);
    hear(&heard, &Call::PanelView(well()));
    // Its turn is over when the next begins.
    panel.show(PanelState::Offline.into(), LONG_LEASE);
    hear(&heard, &Call::PanelView(PanelState::Offline.into()));
    let error = panel.error().expect("the frame before has failed");
    assert_eq!(error.to_string(), "lamps (fake): the pin is gone");
    assert!(panel.answers(PATIENCE));
    assert_eq!(panel.stop(), Ok(()), "this one still could make its lamps dark");
}

/// A driver that does not return before its channel is closed.
struct Hanging(Mutex<Receiver<()>>);

impl Driver for Hanging {
    fn name(&self) -> &str {
        "hanging"
    }

    fn show(&mut self, _lamps: Lamps) -> Result<(), LampError> {
        let _ = self.0.lock().map(|closed| closed.recv());
        Ok(())
    }
}

#[test]
fn a_driver_that_hangs_blocks_neither_a_new_state_nor_the_shutdown() {
    let (open, closed) = channel();
    let panel = Panel::spawn(Box::new(Hanging(Mutex::new(closed))));
    panel.show(well(), LONG_LEASE);
    assert!(!panel.answers(Duration::from_millis(10)));
    let error = panel.stop_within(Duration::from_millis(10)).expect_err("it hangs");
    assert_eq!(
        error.to_string(),
        "lamps (hanging): no answer for 10ms, the lamps may still be lit"
    );
    drop(open);
}

#[test]
fn a_board_without_lamps_is_driven_like_any_other() {
    let panel = Panel::spawn(Box::new(Nothing));
    panel.show(well(), LONG_LEASE);
    assert_eq!(panel.error(), None);
    assert_eq!(panel.stop(), Ok(()));
}
