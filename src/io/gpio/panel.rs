//! The lamps: the drivers that light them, and the thread that keeps them in time.
//!
//! This room decides nothing: what a view looks like, and when its lease has run out, is asked of
//! [`crate::decide::show::panel`]. It knows no nameserver and no round.
//!
//! The panel has a thread of its own, not a task: a runtime that is stuck is exactly what the lamps have
//! to show.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::decide::show::lease::{Frame, PanelDisplay};
use crate::decide::show::panel::{Lamps, PanelState, PanelView};
use crate::io::clock;
use crate::io::gpio::driver::{Driver, LampError};

/// A driver that failed is tried again after this even if its lamps have no reason to change.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long [`Panel::stop`] waits for a driver that does not return. Well under systemd's patience;
/// whoever kills us then makes the lamps dark.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The lamps and the thread that drives them.
///
/// Until the first [`show`](Self::show) the lamps are dark. A panel that is dropped without
/// [`stop`](Self::stop) goes on until its lease runs out, and is stale from then on.
#[derive(Debug)]
pub struct Panel {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    clock: fn() -> Duration,
    name: String,
}

impl Panel {
    /// Starts the thread. If the system grants none, [`error`](Self::error) says so.
    pub fn spawn(driver: Box<dyn Driver + Send>) -> Self {
        Self::with_clock(driver, clock::monotonic)
    }

    fn with_clock(driver: Box<dyn Driver + Send>, clock: fn() -> Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let hand = PanelWorker::new(driver);
        let name = hand.driver.name().to_owned();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("panel".into()).spawn(move || shared.run(hand, clock))
        };
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                shared.board().error = Some(LampError::new(&name, format!("no thread: {error}")));
                None
            }
        };
        Self { shared, thread, clock, name }
    }

    /// The driver's, as in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shows this view from now on and for as long as `lease`, or until the next call. The same view
    /// again renews the lease and leaves the rhythm alone.
    pub fn show(&self, view: PanelView, lease: Duration) {
        let now = (self.clock)();
        let mut board = self.shared.board();
        let shown = match board.shown.take() {
            Some(shown) => shown.renewed(view, now, lease),
            None => PanelDisplay::new(view, now, lease),
        };
        board.shown = Some(shown);
        board.orders += 1;
        self.shared.changed.notify_all();
    }

    /// Asks for a frame and waits until the driver has come back from it: the panel's part of a
    /// watchdog's ping. A driver that hangs does not answer; one that fails does ([`error`](Self::error)
    /// has that).
    pub fn answers(&self, within: Duration) -> bool {
        let mut board = self.shared.board();
        board.orders += 1;
        let order = board.orders;
        self.shared.changed.notify_all();
        let (board, _) = self
            .shared
            .changed
            .wait_timeout_while(board, within, |board| board.answered < order)
            .unwrap_or_else(PoisonError::into_inner);
        board.answered >= order
    }

    /// Why the lamps are not what they should be; `None` again once they are.
    pub fn error(&self) -> Option<LampError> {
        self.shared.board().error.clone()
    }

    /// Makes the lamps dark and ends the thread.
    ///
    /// Waits for at most 2 s. An error means that the lamps may still be lit.
    pub fn stop(self) -> Result<(), LampError> {
        self.stop_within(STOP_WITHIN)
    }

    fn stop_within(mut self, bound: Duration) -> Result<(), LampError> {
        let Some(thread) = self.thread.take() else {
            return Ok(()); // nobody ever lit anything
        };
        let mut board = self.shared.board();
        board.stop = true;
        self.shared.changed.notify_all();
        let (board, _) = self
            .shared
            .changed
            .wait_timeout_while(board, bound, |board| !board.ended)
            .unwrap_or_else(PoisonError::into_inner);
        if !board.ended {
            let why = format!("no answer for {bound:?}, the lamps may still be lit");
            return Err(LampError::new(&self.name, why));
        }
        let error = board.error.clone();
        drop(board);
        // It has nothing left to do, so this does not wait; and it did not panic, or it had not ended.
        let _ = thread.join();
        error.map_or(Ok(()), Err)
    }
}

/// What the panel and its thread both see.
#[derive(Debug, Default)]
struct Shared {
    board: Mutex<PanelShared>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PanelShared {
    /// Only the latest order: a thread that is late has nothing to catch up with.
    shown: Option<PanelDisplay>,
    /// Counts the orders, so that none is missed while the driver works.
    orders: u64,
    stop: bool,
    ended: bool,
    /// The last order with a drawn frame.
    answered: u64,
    error: Option<LampError>,
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, PanelShared> {
        // Every write leaves the board whole, so a panic elsewhere is no reason for another here.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: draw, sleep until something changes, and again.
    fn run(&self, mut hand: PanelWorker, clock: fn() -> Duration) {
        let mut slept_until = Duration::ZERO;
        loop {
            // What we slept has passed, whatever the clock says: if it stands still, leases end anyhow.
            let now = clock().max(slept_until);
            let (shown, orders, stop) = {
                let board = self.board();
                (board.shown.clone(), board.orders, board.stop)
            };
            if stop {
                break;
            }
            // Without the lock: a driver that hangs must not hang the loop that would show a view.
            let (next, error) = hand.step(shown.as_ref(), now);
            let mut board = self.board();
            board.answered = orders;
            self.changed.notify_all();
            board.error = error;
            if board.stop || board.orders != orders {
                continue;
            }
            match next {
                // A false alarm costs one more turn of the loop, which draws nothing.
                None => drop(self.changed.wait(board).unwrap_or_else(PoisonError::into_inner)),
                Some(next) => {
                    let waited = self.changed.wait_timeout(board, next);
                    let waited = waited.unwrap_or_else(PoisonError::into_inner);
                    if waited.1.timed_out() {
                        slept_until = now.saturating_add(next);
                    }
                }
            }
        }
        let error = hand.dark().err();
        let mut board = self.board();
        board.error = error;
        board.ended = true;
        self.changed.notify_all();
    }
}

/// What the thread does between two sleeps. It reads no clock, so that a test can give it any time.
struct PanelWorker {
    driver: Box<dyn Driver + Send>,
    /// What the driver announced without an error: it is not announced twice.
    announced: Option<PanelView>,
    lit: Option<Lamps>,
}

impl PanelWorker {
    fn new(driver: Box<dyn Driver + Send>) -> Self {
        Self { driver, announced: None, lit: None }
    }

    /// Brings the lamps to what they should be `now`; says how long to sleep (`None`: until somebody
    /// asks for something) and what went wrong.
    fn step(
        &mut self,
        shown: Option<&PanelDisplay>,
        now: Duration,
    ) -> (Option<Duration>, Option<LampError>) {
        let frame = shown.map_or_else(Frame::dark, |shown| shown.frame(now));
        let announce = shown.map(|_| &frame.view); // the dark before the first view is not news
        match self.draw(announce, frame.lamps) {
            Ok(()) => (frame.next, None),
            Err(error) => {
                let next = frame.next.map_or(RETRY_AFTER, |next| next.min(RETRY_AFTER));
                (Some(next), Some(error))
            }
        }
    }

    fn draw(&mut self, announce: Option<&PanelView>, lamps: Lamps) -> Result<(), LampError> {
        if let Some(view) = announce.filter(|&view| self.announced.as_ref() != Some(view)) {
            self.driver.announce(view)?;
            self.announced = Some(view.clone());
            self.lit = None; // the first frame of a view is always shown
        }
        if self.lit != Some(lamps) {
            self.lit = None;
            self.driver.show(lamps)?;
            self.lit = Some(lamps);
        }
        Ok(())
    }

    /// The end. The lamps are made dark even if the announcement fails: they are what remains.
    fn dark(&mut self) -> Result<(), LampError> {
        let announced = self.driver.announce(&PanelState::Dark.into());
        self.driver.dark().and(announced)
    }
}

#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
