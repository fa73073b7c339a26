//! What the lamp of one subject can show.

use std::time::Duration;

use super::*;
use crate::decide::show::panel::PanelView;

const STEP_MS: u64 = 100; // no step of any pattern is finer
const WINDOW: usize = 50; // 5 s
const VISIBLE: usize = 3; // 300 ms, as on the panel

const SIGNS: [LampState; 5] =
    [LampState::Well, LampState::Degraded, LampState::Asked, LampState::Down, LampState::Unknown];

/// One lamp at every step of a turn, and of a window after it.
fn samples(pattern: &Pattern) -> Vec<bool> {
    let steps = pattern.turn().as_millis() as u64 / STEP_MS + WINDOW as u64;
    let at = |step| pattern.at(Duration::from_millis(step * STEP_MS)).0;
    (0..steps).map(at).collect()
}

/// What one lamp can do, with a name; under well, any other state shows the same signs.
fn looks() -> Vec<(String, Vec<bool>)> {
    let lamp = |sign| SubjectLamp { lamp: 5, state: sign };
    let mut looks: Vec<_> =
        SIGNS.map(|sign| (format!("{sign:?}"), lamp(sign).pattern(&PanelState::Well, 0))).into();
    for state in [PanelState::Starting, PanelState::Stale] {
        let pattern = lamp(LampState::Well).pattern(&state, 0);
        looks.push((state.word().to_owned(), pattern));
    }
    looks.iter().map(|(name, p)| (name.clone(), samples(p))).collect()
}

#[test]
fn no_two_lamp_states_look_the_same_over_any_five_seconds() {
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
fn a_subject_lamp_is_never_steady_and_dark_only_when_down() {
    for (name, seen) in looks() {
        let steady = |lit| seen.windows(WINDOW).any(|w| w.iter().all(|&l| l == lit));
        assert!(!steady(true), "{name} would hide a frozen board");
        assert_eq!(steady(false), name == "Down", "{name}");
    }
}

#[test]
fn starting_stale_and_dark_use_every_lamp() {
    for state in [PanelState::Starting, PanelState::Stale, PanelState::Dark] {
        for place in 0..4 {
            let patterns =
                SIGNS.map(|sign| SubjectLamp { lamp: 5, state: sign }.pattern(&state, place));
            assert!(patterns.iter().all(|pattern| *pattern == patterns[0]));
        }
    }
}

#[test]
fn subject_lamps_cost_a_healthy_panel_no_wake_up() {
    let lamps = [5, 6, 13];
    let own = lamps.map(|lamp| SubjectLamp { lamp, state: LampState::Well });
    let view = PanelView { lamps: own.into(), ..PanelState::Well.into() };
    let (mut at, mut changes) = (Duration::ZERO, 0);
    while at < Duration::from_secs(60) {
        let (now, next) = view.lamps(at);
        assert!(lamps.iter().all(|&lamp| now.subjects.has(lamp) == now.green));
        at += next.unwrap();
        changes += 1;
    }
    assert_eq!(changes, 30);
}

#[test]
fn a_set_of_numbers_holds_the_inserted_ones() {
    let numbers = LampSet::NONE.with(2).with(27).with(2);
    let held: Vec<u8> = (0..32).filter(|&lamp| numbers.has(lamp)).collect();
    assert_eq!(held, [2, 27]);
}
