//! How long a view may be shown: the panel holds it on a lease, and says so itself when it runs out.
//!
//! All times are monotonic, from the same origin; which one does not matter here.

use std::time::Duration;

use crate::decide::show::panel::{Lamps, PanelState, PanelView};

/// A view that somebody asked for.
///
/// ```text
///            renewed, same view: the rhythm goes on
///            ┌──────┐
///   new ──▶ view ◀──┘── renewed, other view: its rhythm begins ──▶ view
///            │  ▲
///   lease    │  │ renewed: its rhythm begins
///   runs out ▼  │
///           stale
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelDisplay {
    view: PanelView,
    since: Duration,
    lease_until: Duration,
}

impl PanelDisplay {
    /// PanelDisplay from `now` on, for as long as `lease`.
    pub fn new(view: PanelView, now: Duration, lease: Duration) -> Self {
        Self { view, since: now, lease_until: now.saturating_add(lease) }
    }

    /// PanelDisplay from `now` on, for as long as `lease`, whatever was left before.
    ///
    /// The same view keeps its rhythm: a healthy panel that is renewed often must still get to wink.
    pub fn renewed(self, view: PanelView, now: Duration, lease: Duration) -> Self {
        let (showing, since) = self.at(now);
        let since = if showing == view { since } else { now };
        Self { since, ..Self::new(view, now, lease) }
    }

    /// The view `now` and since when: stale from the moment on that the lease has run out.
    pub fn at(&self, now: Duration) -> (PanelView, Duration) {
        if now >= self.lease_until {
            (self.view.stale(), self.lease_until)
        } else {
            (self.view.clone(), self.since)
        }
    }

    /// What to draw `now`, and when to look again.
    pub fn frame(&self, now: Duration) -> Frame {
        let (view, since) = self.at(now);
        let (lamps, change) = view.lamps(now.saturating_sub(since));
        let lease = self.lease_until.checked_sub(now).filter(|left| !left.is_zero());
        Frame { view, lamps, next: change.into_iter().chain(lease).min() }
    }
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub view: PanelView,
    pub lamps: Lamps,
    /// How long this frame holds; `None`: until the next order.
    pub next: Option<Duration>,
}

impl Frame {
    /// Before anybody has asked for a view.
    pub fn dark() -> Self {
        Self { view: PanelState::Dark.into(), lamps: Lamps::DARK, next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::show::panel::{LampState, SubjectLamp};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn well() -> PanelView {
        PanelState::Well.into()
    }

    fn stale() -> PanelView {
        PanelState::Stale.into()
    }

    #[test]
    fn a_lease_without_renewal_becomes_stale() {
        let shown =
            PanelDisplay::new(PanelView { cannot_report: true, ..well() }, ms(1_000), ms(600));
        assert_eq!(shown.at(ms(1_599)).0, PanelView { cannot_report: true, ..well() });
        assert_eq!(shown.at(ms(1_600)), (stale(), ms(1_600)));
        assert_eq!(shown.at(ms(9_999)), (stale(), ms(1_600)));
    }

    #[test]
    fn a_subject_lamp_is_stale_with_the_panel_and_not_dark() {
        let lamp = |sign| SubjectLamp { lamp: 5, state: sign };
        let view = PanelView { lamps: vec![lamp(LampState::Well)], ..well() };
        let shown = PanelDisplay::new(view, ms(0), ms(600));
        let lit = |at| shown.frame(ms(at)).lamps.subjects.has(5);
        assert!(lit(0) && lit(599));
        assert_eq!([600, 700, 800, 900].map(lit), [false, true, false, true]);
    }

    #[test]
    fn the_panel_wakes_when_the_lease_ends_or_the_lamps_change() {
        let shown = PanelDisplay::new(well(), ms(0), ms(5_000));
        assert_eq!(shown.frame(ms(0)).next, Some(ms(3_800)));
        assert_eq!(shown.frame(ms(4_500)).next, Some(ms(500)));
        let dark = PanelDisplay::new(PanelState::Dark.into(), ms(0), ms(5_000));
        assert_eq!(dark.frame(ms(0)).next, Some(ms(5_000)));
        assert_eq!(dark.frame(ms(5_000)).view, stale());
        assert_eq!(dark.frame(ms(5_000)).next, Some(ms(100)));
    }

    #[test]
    fn renewing_the_same_state_keeps_its_rhythm() {
        let mut shown = PanelDisplay::new(well(), ms(0), ms(600));
        for renewal in 1..=8 {
            shown = shown.renewed(well(), ms(renewal * 500), ms(600));
        }
        assert_eq!(shown.frame(ms(3_900)).lamps, Lamps::DARK);
        assert_eq!(shown.at(ms(4_599)), (well(), ms(0)));
        assert_eq!(shown.at(ms(4_600)), (stale(), ms(4_600)));
    }

    #[test]
    fn another_state_begins_its_rhythm_and_so_does_a_state_after_stale() {
        let shown = PanelDisplay::new(well(), ms(0), ms(600));
        let offline = shown.clone().renewed(PanelState::Offline.into(), ms(100), ms(600));
        assert_eq!(offline.at(ms(100)), (PanelState::Offline.into(), ms(100)));
        let again = shown.renewed(well(), ms(700), ms(600));
        assert_eq!(again.at(ms(700)), (well(), ms(700)));
    }

    #[test]
    fn a_clock_that_jumps_does_no_harm() {
        let shown = PanelDisplay::new(well(), ms(1_000), Duration::MAX);
        assert_eq!(shown.frame(ms(0)).view, well());
        assert_eq!(PanelDisplay::new(well(), ms(0), Duration::ZERO).frame(ms(0)).view, stale());
        assert_eq!(shown.frame(Duration::MAX).view, stale());
    }
}
