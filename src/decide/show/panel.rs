//! The panel: three lamps, the views that they can show, and how each view looks at any instant; and the
//! nameservers' own lamps beside it ([`own`]).
//!
//! Pure. This room knows no clock, no pin and no nameserver's name: the time since a view was first
//! shown is an argument, and nameservers are numbers.
//!
//! | state | green | amber | red |
//! |---|---|---|---|
//! | starting | 300 ms in turn: | green, amber, | red |
//! | well | on, off for 200 ms every 4 s | – | – |
//! | suspect | as well | 500 ms on, 500 ms off | – |
//! | degraded | as well | on | – |
//! | down | – | – | the number of each nameserver that is down in 300 ms blinks, a pause of 1.5 s, the next |
//! | offline | – | 500 ms on, 500 ms off | – |
//! | intercepted | – | two blinks of 200 ms every 2 s | – |
//! | unconfigured | – | 1 s on, 1 s off | the other way round |
//! | stale | 100 ms on, 100 ms off | the other way round | as green |
//! | dark | – | – | – |
//!
//! **Cannot report** is not a state of its own but added to one. Amber then has a turn of 4 s in two
//! halves: for 2 s what the state shows there, from its beginning; then 400 ms dark, three blinks of
//! 200 ms with 200 ms between them, 600 ms dark. The dark on both sides is what sets the three blinks
//! off from an amber that is on or blinks by itself. Green and red stay as the state has them. Starting
//! (a lamp test), stale (nothing is known), unconfigured (nothing is watched) and dark are shown without it.
//!
//! **Notice** is added in the same way: 400 ms dark, a blink of 800 ms, 200 ms dark, one of 200 ms, 400 ms
//! dark. Where there is something to report and it cannot be, the notice waits: taking turns, they would not
//! both fit into 5 s, and a failing report is more urgent than a notice.
//!
//! **How long to look.** Any 5 s tell the *state*, whenever they begin, and what is added to it, by
//! position and rhythm and not by colour. To read every number of [`PanelState::Down`], look for
//! two turns (the first may begin in the middle of a number); a turn takes 1.2 s for each nameserver
//! that is down, and 0.6 s for each of its blinks.
//!
//! **A frozen board cannot pass for a healthy one**: wherever green means something, it winks. A green
//! that is steady for 5 s is no state of ours.
//!
//! # The lamp of one subject
//!
//! A nameserver's own lamp: one lamp that says of one server what the panel says of all.
//!
//! | sign | the lamp | |
//! |---|---|---|
//! | well | on, off for 200 ms every 4 s | together with the panel's green |
//! | degraded | 1.5 s on, 500 ms off | degraded |
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

use std::time::Duration;

use crate::decide::show::pattern::{
    CHASE_FIRST, CHASE_SECOND, CHASE_THIRD, DEGRADED, FAST, FAST_OTHER, FLASH, OFF, Pattern, SLOW,
    WINK,
};

/// What is lit at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Lamps {
    pub green: bool,
    pub amber: bool,
    pub red: bool,
    /// The lamps of subjects.
    pub subjects: LampSet,
}

impl Lamps {
    /// None of them.
    pub const DARK: Self = Self { green: false, amber: false, red: false, subjects: LampSet::NONE };
}

/// The one thing that the panel says, the most pressing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelState {
    /// The first round is not finished.
    Starting,
    Well,
    /// A subject fails, not often enough for an incident.
    Suspect,
    /// A subject is degraded.
    Degraded,
    /// These nameservers are down: counted from 1 in the order of the configuration, ascending, each
    /// once. Empty when what is down has no number (a web endpoint, a zone): red is then 1.5 s on, 1.5 s off.
    Down(Vec<usize>),
    /// The uplink is down.
    Offline,
    /// Something in our own network answers for other servers.
    Intercepted,
    /// There is no configuration yet.
    Unconfigured,
    /// The lease ran out: the loop hangs.
    Stale,
    /// pilotlight does not run.
    Dark,
}

impl PanelState {
    /// One word in kebab case, for status lines and for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Well => "well",
            Self::Suspect => "suspect",
            Self::Degraded => "degraded",
            Self::Down(_) => "down",
            Self::Offline => "offline",
            Self::Intercepted => "intercepted",
            Self::Unconfigured => "unconfigured",
            Self::Stale => "stale",
            Self::Dark => "dark",
        }
    }

    /// Whether signs are added to it: not where the lamps say nothing about what we see.
    fn takes_signs(&self) -> bool {
        !matches!(self, Self::Starting | Self::Unconfigured | Self::Stale | Self::Dark)
    }
}

/// All that the panel says: a state, whether anybody else can be told about it, and whether something here
/// waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelView {
    pub state: PanelState,
    /// Reports to GitHub fail: token, permission, repository.
    pub cannot_report: bool,
    /// A notice on this machine waits for the user.
    pub notice: bool,
    /// In the order of the configuration.
    pub lamps: Vec<SubjectLamp>,
}

impl From<PanelState> for PanelView {
    /// The state alone.
    fn from(state: PanelState) -> Self {
        Self { state, cannot_report: false, notice: false, lamps: Vec::new() }
    }
}

impl PanelView {
    /// Every view that a person should have seen once, in the order of a walk; dark is not among them.
    ///
    /// The nameservers' own `lamps` say of each of them what the panel says of all.
    pub fn tour(lamps: &[u8]) -> Vec<Self> {
        let view = |state, sign| Self {
            lamps: lamps.iter().map(|&lamp| SubjectLamp { lamp, state: sign }).collect(),
            ..Self::from(state)
        };
        let well = || view(PanelState::Well, LampState::Well);
        vec![
            view(PanelState::Starting, LampState::Unknown),
            well(),
            view(PanelState::Suspect, LampState::Asked),
            view(PanelState::Degraded, LampState::Degraded),
            view(PanelState::Down(vec![1, 2]), LampState::Down),
            view(PanelState::Offline, LampState::Unknown),
            view(PanelState::Intercepted, LampState::Unknown),
            view(PanelState::Unconfigured, LampState::Unknown),
            view(PanelState::Stale, LampState::Unknown),
            Self { cannot_report: true, ..well() },
            Self { notice: true, ..well() },
        ]
    }

    /// The view after the lease ran out: everything is unknown, the reports included.
    pub(super) fn stale(&self) -> Self {
        Self { lamps: self.lamps.clone(), ..PanelState::Stale.into() }
    }

    /// One plain sentence for a person in front of the lamps, without a capital letter or a full stop.
    pub fn meaning(&self) -> String {
        let state = match &self.state {
            PanelState::Starting => "starting, the first round is not finished".into(),
            PanelState::Well => "all well".into(),
            PanelState::Suspect => "something failed and is being asked again".into(),
            PanelState::Degraded => "everything answers, but not as it should".into(),
            PanelState::Down(numbers) => down(numbers),
            PanelState::Offline => "our own uplink is down, the nameservers are unknown".into(),
            PanelState::Intercepted => "our own network answers for the nameservers".into(),
            PanelState::Unconfigured => "not configured, no server is watched".into(),
            PanelState::Stale => "pilotlight is stuck, nothing is being watched".into(),
            PanelState::Dark => "not running".into(),
        };
        state + self.meaning_added()
    }

    /// What the signs that are added to the state mean: the end of a sentence, or nothing.
    pub fn meaning_added(&self) -> &'static str {
        match (self.cannot_report, self.notice) {
            _ if !self.state.takes_signs() => "",
            (true, true) => "; cannot report to GitHub; there is a notice",
            (true, false) => "; cannot report to GitHub",
            (false, true) => "; there is a notice",
            (false, false) => "",
        }
    }

    /// What is lit `at` this time since the view was first shown, and the time until that changes;
    /// `None`: never.
    pub fn lamps(&self, at: Duration) -> (Lamps, Option<Duration>) {
        let mut next = None;
        let mut lit = |pattern: &Pattern| {
            let (lit, change) = pattern.at(at);
            next = next.into_iter().chain(change).min();
            lit
        };
        let [green, amber, red] = self.patterns().each_ref().map(&mut lit);
        let mut own = LampSet::NONE;
        for (place, lamp) in self.lamps.iter().enumerate() {
            if lit(&lamp.pattern(&self.state, place)) {
                own = own.with(lamp.lamp);
            }
        }
        let lamps = Lamps { green, amber, red, subjects: own };
        (lamps, next)
    }

    /// The table of the module's documentation: green, amber, red.
    fn patterns(&self) -> [Pattern; 3] {
        use crate::decide::show::pattern::{
            CHASE_FIRST, CHASE_SECOND, CHASE_THIRD, DOUBLE, FAST, FAST_OTHER, LONG_SHORT, OFF, ON,
            SLOW, SWING, SWING_OTHER, TRIPLE, WINK,
        };
        let [green, amber, red] = match &self.state {
            PanelState::Starting => [CHASE_FIRST, CHASE_SECOND, CHASE_THIRD],
            PanelState::Well => [WINK, OFF, OFF],
            PanelState::Suspect => [WINK, SLOW, OFF],
            PanelState::Degraded => [WINK, ON, OFF],
            PanelState::Down(numbers) => [OFF, OFF, Pattern::counting(numbers)],
            PanelState::Offline => [OFF, SLOW, OFF],
            PanelState::Intercepted => [OFF, DOUBLE, OFF],
            PanelState::Unconfigured => [OFF, SWING, SWING_OTHER],
            PanelState::Stale => [FAST, FAST_OTHER, FAST],
            PanelState::Dark => [OFF, OFF, OFF],
        };
        let amber = match (self.cannot_report, self.notice) {
            _ if !self.state.takes_signs() => amber,
            (true, _) => amber.with(&TRIPLE),
            (false, true) => amber.with(&LONG_SHORT),
            (false, false) => amber,
        };
        [green, amber, red]
    }
}

/// "nameserver 2 is down", "nameservers 1, 2 and 4 are down".
fn down(numbers: &[usize]) -> String {
    match numbers {
        [] => "a watched service is down".into(),
        [one] => format!("nameserver {one} is down"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(usize::to_string).collect();
            format!("nameservers {} and {last} are down", most.join(", "))
        }
    }
}

/// What a nameserver's own lamp says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LampState {
    Well,
    Degraded,
    /// Suspect or recovering: it is checked again.
    Asked,
    Down,
    /// It could not be observed.
    Unknown,
}

/// A lamp, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectLamp {
    /// The BCM number of the lamp.
    pub lamp: u8,
    pub state: LampState,
}

impl SubjectLamp {
    /// Under this state of the panel; it is the lamp at this place among its like, counted from 0.
    pub(super) fn pattern(self, state: &PanelState, place: usize) -> Pattern {
        match (state, self.state) {
            (PanelState::Starting, _) => {
                [CHASE_FIRST, CHASE_SECOND, CHASE_THIRD][place % 3].clone()
            }
            (PanelState::Stale, _) => [FAST_OTHER, FAST][place % 2].clone(),
            (PanelState::Dark, _) | (_, LampState::Down) => OFF,
            (_, LampState::Well) => WINK,
            (_, LampState::Degraded) => DEGRADED,
            (_, LampState::Asked) => SLOW,
            (_, LampState::Unknown) => FLASH,
        }
    }
}

/// Which of the nameservers' own lamps are lit, by number; a number is below 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LampSet(u32);

impl LampSet {
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
#[path = "lamp_tests.rs"]
mod lamp_tests;
#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
