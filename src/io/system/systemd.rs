//! The service manager: what it is told, and whether it wants to be told that we live.
//!
//! Without systemd nothing of it is in the way: no socket in the environment, no message.

use std::time::Duration;

use sd_notify::NotifyState;

type Tell = dyn FnMut(&[NotifyState<'_>]);

/// Tells systemd how we are.
pub struct Manager {
    tell: Box<Tell>,
    watchdog: Option<Duration>,
    status: String,
    ready: bool,
}

impl Manager {
    /// The one that started us, if it was systemd and wants to hear from us.
    #[must_use]
    pub fn from_env() -> Self {
        let mut complained = false;
        let tell = move |states: &[NotifyState<'_>]| {
            if let Err(error) = sd_notify::notify(states)
                && !std::mem::replace(&mut complained, true)
            {
                tracing::warn!("systemd does not hear us: {error}");
            }
        };
        Self::new(sd_notify::watchdog_enabled(), tell)
    }

    /// Tells through `tell`; with the time within which `WATCHDOG=1` is expected, if it is.
    pub fn new(watchdog: Option<Duration>, tell: impl FnMut(&[NotifyState<'_>]) + 'static) -> Self {
        Self { tell: Box::new(tell), watchdog, status: String::new(), ready: false }
    }

    /// How often to say that we live: three chances in each watchdog interval. `None`: nobody asks.
    #[must_use]
    pub fn ping_every(&self) -> Option<Duration> {
        self.watchdog.map(|interval| interval / 3)
    }

    /// We live: a round has finished in time and a frame has been drawn in time.
    pub fn ping(&mut self) {
        (self.tell)(&[NotifyState::Watchdog]);
    }

    /// The first round has been judged. Said once.
    pub fn ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            (self.tell)(&[NotifyState::Ready]);
        }
    }

    /// Starting may take this long from now on, because the first round may.
    pub fn starting(&mut self, within: Duration) {
        let microseconds = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
        (self.tell)(&[NotifyState::ExtendTimeoutUsec(microseconds)]);
    }

    /// What `systemctl status` shows; said when it changes.
    pub fn status(&mut self, text: &str) {
        if self.status != text {
            text.clone_into(&mut self.status);
            (self.tell)(&[NotifyState::Status(text)]);
        }
    }

    /// The configuration is being read again; [`Self::reloaded`] follows.
    pub fn reloading(&mut self) {
        let mut states = vec![NotifyState::Reloading];
        states.extend(NotifyState::monotonic_usec_now().ok());
        (self.tell)(&states);
    }

    /// It has been read. Before the first round that does not make us ready.
    pub fn reloaded(&mut self) {
        if self.ready {
            (self.tell)(&[NotifyState::Ready]);
        }
    }

    /// We stop, and mean to.
    pub fn stopping(&mut self) {
        (self.tell)(&[NotifyState::Stopping]);
    }
}
