//! What somebody sees who looks at the lamps: samples in, a view out. Pure: no clock and no emulator.
//!
//! The board is emulated on a busy machine: a frame may be late, and a sample may be missing. So a step of
//! a rhythm counts as seen when a sample shows it within [`SLACK`] of where it belongs. A view is what is
//! shown when its steps explain the samples, and the samples show its steps: without the second, a
//! frozen green would pass for a wink.

use std::sync::LazyLock;
use std::time::Duration;

use pilotlight::decide::show::panel::{Lamps, PanelState, PanelView};

/// The lamps at one instant: green, amber, red.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When, since the power came on.
    pub at: Duration,
    /// Which of them are lit.
    pub lit: [bool; 3],
}

/// Any five seconds tell the state; one more for what is late.
pub const WINDOW: Duration = Duration::from_secs(6);

/// Rhythms are looked at in cells of this length; every step of a pattern is a multiple of it.
const CELL: Duration = Duration::from_millis(50);

/// How far from its place, in cells, a step may be seen.
const SLACK: usize = 3;

/// No pattern has a longer turn than this many cells; it is where a look may begin in one.
const TURN: usize = 100;

/// No look takes more cells.
const LONGEST: usize = 200;

/// What must be explained of all samples, and shown of all steps.
const EXPLAINED: f64 = 0.95;
const SHOWN: f64 = 0.75;

/// A view, and what it does from the beginning of its turn on, cell by cell.
struct Script {
    view: PanelView,
    lit: Vec<[bool; 3]>,
    /// What may be seen around each cell: a bit for each lamp that is lit, and one that is dark.
    near: Vec<u8>,
}

static SCRIPTS: LazyLock<Vec<Script>> =
    LazyLock::new(|| views().into_iter().map(Script::of).collect());

/// The view that these samples show, if it is one of ours.
pub fn view(samples: &[Sample]) -> Option<PanelView> {
    let scored = SCRIPTS.iter().map(|script| (script.score(samples), &script.view));
    let (score, view) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.0).then(|| view.clone())
}

/// All the views that could be seen with two nameservers, one of which goes down.
fn views() -> Vec<PanelView> {
    let mut views = PanelView::tour(&[]);
    views.retain(|view| PanelView::from(view.state.clone()) == *view);
    views.retain(|view| !matches!(view.state, PanelState::Down(_)));
    views.extend(
        [PanelState::Down(vec![1]), PanelState::Down(vec![2]), PanelState::Dark]
            .map(PanelView::from),
    );
    for view in views.clone() {
        // Not every state has room for a sign.
        let differs =
            |view: &PanelView| view.meaning() != PanelView::from(view.state.clone()).meaning();
        let signs =
            [PanelView { cannot_report: true, ..view.clone() }, PanelView { notice: true, ..view }];
        views.extend(signs.into_iter().filter(differs));
    }
    views
}

impl Script {
    fn of(view: PanelView) -> Self {
        let cells = 0..u32::try_from(TURN + LONGEST + SLACK).expect("a look takes seconds");
        let lit: Vec<[bool; 3]> = cells.map(|n| lit(view.lamps(CELL * n).0)).collect();
        let near = (0..lit.len()).map(|n| {
            let around = &lit[n.saturating_sub(SLACK)..lit.len().min(n + SLACK + 1)];
            around.iter().fold(0, |bits, lit| bits | self::bits(*lit))
        });
        Self { near: near.collect(), view, lit }
    }

    /// How well it fits, at the place of its turn where it fits best; 0 when it does not.
    fn score(&self, samples: &[Sample]) -> f64 {
        let Some(first) = samples.first() else {
            return 0.0;
        };
        let cell = |sample: &Sample| {
            let cells = (sample.at - first.at).as_millis() / CELL.as_millis();
            usize::try_from(cells).unwrap_or(LONGEST).min(LONGEST - 1)
        };
        let seen: Vec<(usize, u8)> = samples.iter().map(|s| (cell(s), bits(s.lit))).collect();
        (0..TURN).map(|phase| self.fit(phase, &seen)).fold(0.0, f64::max)
    }

    /// The same, when the first sample lies at this place.
    fn fit(&self, phase: usize, seen: &[(usize, u8)]) -> f64 {
        let share = |holds: &dyn Fn(&(usize, u8)) -> bool| {
            seen.iter().filter(|sample| holds(sample)).count() as f64 / seen.len() as f64
        };
        if share(&|(cell, bits)| self.near[phase + cell] & bits == *bits) < EXPLAINED {
            return 0.0;
        }
        // Of views that would do, the one that fits without any slack.
        let mut score = share(&|(cell, bits)| self::bits(self.lit[phase + cell]) == *bits);
        let length = seen.last().map_or(0, |(cell, _)| cell + 1);
        for lamp in 0..3 {
            let lit = |cell: usize| self.lit[phase + cell][lamp];
            // The steps that lie in the window as a whole; a lamp that never changes has none.
            let ends: Vec<usize> = (1..length).filter(|n| lit(*n) != lit(n - 1)).collect();
            let shown = |step: &&[usize]| {
                let wanted = if lit(step[0]) { LIT } else { DARK } << lamp;
                let from = seen.partition_point(|(cell, _)| cell + SLACK < step[0]);
                let near = seen[from..].iter().take_while(|(cell, _)| *cell < step[1] + SLACK);
                near.into_iter().any(|(_, bits)| bits & wanted != 0)
            };
            if ends.len() > 1 {
                let shown = ends.windows(2).filter(shown).count() as f64 / (ends.len() - 1) as f64;
                score *= if shown < SHOWN { 0.0 } else { shown };
            } else if self.lit[..TURN].iter().any(|lit| lit[lamp] != self.lit[0][lamp]) {
                return 0.0; // too short a look at a lamp that should change
            }
        }
        score
    }
}

/// A bit for each lamp that is lit, and another for each that is dark.
fn bits(lit: [bool; 3]) -> u8 {
    (0..3).map(|lamp| if lit[lamp] { LIT } else { DARK } << lamp).sum()
}

const LIT: u8 = 1;
const DARK: u8 = 8;

fn lit(lamps: Lamps) -> [bool; 3] {
    [lamps.green, lamps.amber, lamps.red]
}

/// How long a lamp was lit or dark, step by step, without the first and the last, which are cut off.
pub fn steps(samples: &[Sample], lamp: usize) -> Vec<(bool, Duration)> {
    let changes: Vec<&Sample> = samples
        .windows(2)
        .filter(|pair| pair[0].lit[lamp] != pair[1].lit[lamp])
        .map(|pair| &pair[1])
        .collect();
    changes.windows(2).map(|pair| (pair[0].lit[lamp], pair[1].at - pair[0].at)).collect()
}

/// How often a lamp blinks between pauses, for every number that was seen from its pause to the next.
pub fn counts(samples: &[Sample], lamp: usize) -> Vec<usize> {
    const PAUSE: Duration = Duration::from_millis(900);
    let (mut counts, mut count) = (Vec::new(), None);
    for (lit, lasts) in steps(samples, lamp) {
        if !lit && lasts > PAUSE {
            counts.extend(count.replace(0));
        } else if lit {
            count = count.map(|n| n + 1);
        }
    }
    counts
}

/// Whether one lamp after the other was lit, alone, from the first to the last.
pub fn chased(samples: &[Sample]) -> bool {
    let mut alone: Vec<usize> = samples
        .iter()
        .filter(|sample| sample.lit.iter().filter(|lit| **lit).count() == 1)
        .filter_map(|sample| sample.lit.iter().position(|lit| *lit))
        .collect();
    alone.dedup();
    alone.starts_with(&[0, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of a view, some 50 ms apart, each frame up to 100 ms late, and one sample in ten lost.
    fn watched(view: &PanelView, from: u64, window: Duration, seed: u64) -> Vec<Sample> {
        let mut noise = seed;
        let mut random = move |below: u64| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 33) % below
        };
        let mut samples = Vec::new();
        let mut at = 0;
        while Duration::from_millis(at) < window {
            let shown = (from + at).saturating_sub(random(100));
            let lit = lit(view.lamps(Duration::from_millis(shown)).0);
            if random(10) > 0 {
                samples.push(Sample { at: Duration::from_millis(at), lit });
            }
            at += 45 + random(30);
        }
        samples
    }

    /// A look may be too blurred to tell; another follows. It is never taken for another view.
    #[test]
    fn every_state_is_recognised_at_any_time() {
        for view in views() {
            let looks = (0..20).map(|n| watched(&view, n * 220, WINDOW, n));
            let seen: Vec<Option<PanelView>> = looks.map(|look| super::view(&look)).collect();
            let told = seen.iter().flatten().filter(|seen| same(seen, &view)).count();
            let wrong: Vec<&PanelView> =
                seen.iter().flatten().filter(|seen| !same(seen, &view)).collect();
            assert_eq!(wrong, [] as [&PanelView; 0], "{view:?}");
            assert!(told >= 15, "{told} of 20: {view:?}");
        }
    }

    /// Not every state has room for a sign.
    fn same(a: &PanelView, b: &PanelView) -> bool {
        (0..200).all(|n| a.lamps(CELL * n).0 == b.lamps(CELL * n).0)
    }

    #[test]
    fn a_frozen_lamp_is_no_state() {
        for lit in [[true, false, false], [false, true, false], [false, false, true]] {
            let samples: Vec<Sample> = (0..120).map(|n| Sample { at: CELL * n, lit }).collect();
            assert_eq!(view(&samples), None);
        }
    }

    #[test]
    fn steps_and_numbers_are_read() {
        let look = Duration::from_secs(12);
        let well = watched(&PanelState::Well.into(), 0, look, 1);
        let steps = steps(&well, 0);
        assert!(steps.iter().any(|(lit, lasts)| *lit && lasts.as_millis().abs_diff(3_800) < 200));
        assert!(steps.iter().any(|(lit, lasts)| !lit && lasts.as_millis().abs_diff(200) < 200));
        let down = watched(&PanelState::Down(vec![1, 2]).into(), 0, look * 2, 1);
        let counts = counts(&down, 2);
        assert!(counts.windows(2).all(|pair| pair[0] + pair[1] == 3), "{counts:?}");
        assert!(counts.len() >= 4, "{counts:?}");
    }

    #[test]
    fn a_chase_goes_through_all_lamps() {
        let chase = watched(&PanelState::Starting.into(), 0, Duration::from_secs(2), 1);
        assert!(chased(&chase));
        assert!(!chased(&watched(&PanelState::Offline.into(), 0, Duration::from_secs(2), 1)));
    }
}
