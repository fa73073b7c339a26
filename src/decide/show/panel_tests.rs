//! What a person can tell apart, at every phase; then the words.

use std::collections::HashSet;

use super::*;

const WINDOW_MS: usize = 5_000;

/// Every state, without and with each sign where that shows.
fn views() -> Vec<PanelView> {
    let downs: [&[usize]; 8] = [&[], &[1], &[2], &[3], &[1, 2], &[1, 3], &[2, 3], &[1, 2, 3]];
    let mut views = PanelView::tour(&[]);
    views.push(PanelState::Dark.into());
    views.extend(downs.map(|numbers| PanelState::Down(numbers.to_vec()).into()));
    for (cannot_report, notice) in [(true, false), (false, true), (true, true)] {
        let signed = views.clone().into_iter().filter(|view| view.state.takes_signs());
        views.extend(
            signed.map(|view| PanelView { cannot_report, notice, ..view }).collect::<Vec<_>>(),
        );
    }
    views.sort_by_key(|view| format!("{view:?}"));
    views.dedup();
    views
}

/// Whether the panel means the same by both: a notice waits while we cannot report.
fn same(a: &PanelView, b: &PanelView) -> bool {
    let sign = |view: &PanelView| (view.cannot_report, view.notice && !view.cannot_report);
    a.state.word() == b.state.word() && sign(a) == sign(b)
}

/// What is lit at every `step_ms` of one joint turn of the three lamps and `tail_ms` after it.
fn samples(view: &PanelView, step_ms: usize, tail_ms: usize) -> Vec<Lamps> {
    let gcd = |mut a: u128, mut b: u128| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let turn = view.patterns().into_iter().map(|pattern| pattern.turn().as_millis());
    let turn = turn.fold(1, |a, b| a / gcd(a, b) * b) as usize;
    let times = (0..turn + tail_ms).step_by(step_ms);
    times.map(|ms| view.lamps(Duration::from_millis(ms as u64)).0).collect()
}

#[test]
fn no_two_states_look_the_same_over_any_five_seconds() {
    const STEP_MS: usize = 10;
    let views = views();
    // As bytes, because this is a million lamps to hash.
    let byte = |lamps: Lamps| {
        u8::from(lamps.green) | u8::from(lamps.amber) << 1 | u8::from(lamps.red) << 2
    };
    let seen: Vec<Vec<u8>> = views
        .iter()
        .map(|view| samples(view, STEP_MS, WINDOW_MS).into_iter().map(byte).collect())
        .collect();
    let windows: Vec<HashSet<&[u8]>> =
        seen.iter().map(|seen| seen.windows(WINDOW_MS / STEP_MS).collect()).collect();
    for (a, seen_a) in views.iter().zip(&windows) {
        for (b, seen_b) in views.iter().zip(&windows) {
            assert!(same(a, b) || seen_a.is_disjoint(seen_b), "{a:?} can look like {b:?}");
        }
    }
}

/// Different is not yet visible: a person must get at least 300 ms of it, however the two begin.
#[test]
fn any_two_states_differ_visibly() {
    const STEP_MS: usize = 100; // no step of any pattern is finer
    const VISIBLE_MS: usize = 300;
    let views = views();
    let samples: Vec<_> = views.iter().map(|view| samples(view, STEP_MS, WINDOW_MS)).collect();
    let differ = |a: &[Lamps], b: &[Lamps]| {
        let differing = a.iter().zip(b).filter(|(a, b)| a != b);
        differing.take(VISIBLE_MS / STEP_MS).count() == VISIBLE_MS / STEP_MS
    };
    for (n, (a, seen_a)) in views.iter().zip(&samples).enumerate() {
        for (b, seen_b) in views.iter().zip(&samples).skip(n) {
            if same(a, b) {
                continue;
            }
            let visible = seen_a
                .windows(WINDOW_MS / STEP_MS)
                .all(|a| seen_b.windows(WINDOW_MS / STEP_MS).all(|b| differ(a, b)));
            assert!(visible, "{a:?} is too much like {b:?}");
        }
    }
}

#[test]
fn two_whole_cycles_show_which_nameservers_are_down() {
    const STEP_MS: usize = 100;
    let turn = |view: &PanelView| view.patterns()[2].turn().as_millis() as usize;
    let downs: Vec<PanelView> = views()
        .into_iter()
        .filter(|view| {
            matches!(view.state, PanelState::Down(_)) && !view.cannot_report && !view.notice
        })
        .collect();
    for a in &downs {
        for b in downs.iter().filter(|b| *b != a) {
            let look = 2 * turn(a).max(turn(b));
            let seen_a: HashSet<Vec<Lamps>> =
                samples(a, STEP_MS, look).windows(look / STEP_MS).map(<[Lamps]>::to_vec).collect();
            let seen_b = samples(b, STEP_MS, look);
            let alike = seen_b.windows(look / STEP_MS).any(|window| seen_a.contains(window));
            assert!(!alike, "{a:?} can look like {b:?} for {look} ms");
        }
    }
}

#[test]
fn green_is_never_steady_and_only_dark_never_changes() {
    for view in views() {
        let samples = samples(&view, 10, WINDOW_MS);
        let steady =
            samples.windows(WINDOW_MS / 10).any(|seen| seen.iter().all(|lamps| lamps.green));
        assert!(!steady, "{view:?} would hide a frozen board");
        assert_eq!(
            view.lamps(Duration::ZERO).1.is_none(),
            view.state == PanelState::Dark,
            "{view:?}"
        );
    }
}

#[test]
fn the_lamps_hold_until_the_next_change_and_differ_after_it() {
    const HAIR: Duration = Duration::from_nanos(1);
    let signs = [LampState::Degraded, LampState::Unknown, LampState::Asked, LampState::Well];
    let own = signs.into_iter().zip(5..);
    let with_own = PanelView {
        lamps: own.map(|(sign, lamp)| SubjectLamp { lamp, state: sign }).collect(),
        ..PanelState::Down(vec![2]).into()
    };
    for view in views().into_iter().chain([with_own]) {
        let mut at = Duration::ZERO;
        while at < Duration::from_secs(60) {
            let (lamps, next) = view.lamps(at);
            let Some(next) = next else { break };
            assert!(next.as_millis().is_multiple_of(100), "{view:?} at {at:?}");
            assert_eq!(view.lamps(at + next - HAIR), (lamps, Some(HAIR)), "{view:?} at {at:?}");
            assert_ne!(view.lamps(at + next).0, lamps, "{view:?} at {at:?}");
            at += next;
        }
    }
}

#[test]
fn a_healthy_panel_wakes_at_most_thirty_times_a_minute() {
    let (mut at, mut changes) = (Duration::ZERO, 0);
    while let (_, Some(next)) = PanelView::from(PanelState::Well).lamps(at) {
        at += next;
        if at > Duration::from_secs(60) {
            break;
        }
        changes += 1;
    }
    assert_eq!(changes, 30);
}

#[test]
fn overlays_leave_green_and_red_unchanged() {
    let signs = [(true, false), (false, true), (true, true)];
    for (view, (cannot_report, notice)) in
        views().into_iter().flat_map(|f| signs.map(|s| (f.clone(), s)))
    {
        let signed = PanelView { cannot_report, notice, ..view.clone() };
        let quiet = PanelView { cannot_report: false, notice: false, ..view };
        assert_eq!(signed.patterns()[0], quiet.patterns()[0]);
        assert_eq!(signed.patterns()[2], quiet.patterns()[2]);
        let shows = signed.patterns()[1] != quiet.patterns()[1];
        assert_eq!(shows, signed.meaning() != quiet.meaning(), "{signed:?}");
    }
}

#[test]
fn every_state_has_a_plain_sentence() {
    let down = |numbers: &[usize]| PanelView::from(PanelState::Down(numbers.to_vec())).meaning();
    assert_eq!(down(&[2]), "nameserver 2 is down");
    assert_eq!(down(&[1, 3]), "nameservers 1 and 3 are down");
    assert_eq!(down(&[1, 2, 4]), "nameservers 1, 2 and 4 are down");
    assert_eq!(down(&[]), "a watched service is down");
    let unheard = PanelView { cannot_report: true, ..PanelState::Well.into() };
    assert_eq!(unheard.meaning(), "all well; cannot report to GitHub");
    let noticed = PanelView { notice: true, ..PanelState::Well.into() };
    assert_eq!(noticed.meaning(), "all well; there is a notice");
    let words: HashSet<_> = views().iter().map(|view| view.state.word()).collect();
    assert_eq!(words.len(), 10);
}
