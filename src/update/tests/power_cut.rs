//! The power fails before each operation of an update, or only the updater is killed.

use super::*;

/// Earlier updates, and the one during which the power is cut; `None` is a rollback.
type Case = (&'static [&'static str], Option<&'static str>);

const CASES: [Case; 5] = [
    (&[], Some("0.4.0 good")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.4.0 good")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.4.0 exits")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.2.0 good")),
    (&["0.2.0 good"], None),
];

/// An update that is cut after some operations.
struct Cut {
    board: Board,
    before: UpdateState,
    /// There were not so many operations.
    complete: bool,
    name: String,
}

impl Cut {
    fn new((before, upload): Case, operations: usize) -> Self {
        let mut board = Board::new(before);
        let state = board.state();
        board.put(upload.map_or(ROLLBACK, |_| "pilotlight"), upload.unwrap_or_default());
        let result = board.updater(Disk::default().cut_after(operations)).install_uploads();
        let name = format!("{before:?} {upload:?} cut after {operations} operations");
        Self { board, before: state, complete: result.is_ok(), name }
    }

    /// All cuts of a case, up to and including the complete update.
    fn all(case: Case) -> impl Iterator<Item = Self> {
        let mut complete = false;
        (0..200).map_while(move |operations| {
            let cut = (!complete).then(|| Self::new(case, operations))?;
            complete = cut.complete;
            assert!(!complete || operations > 15, "{operations}");
            assert!(operations < 199, "it never ends");
            Some(cut)
        })
    }

    /// Asserts what holds after every start.
    fn assert_sound(&self) {
        let (state, paths) = (self.board.state(), &self.board.paths);
        let case = format!("{}: {state:?}", self.name);
        let outcome = state.last.map(|last| last.outcome);
        assert!(
            state.current == self.before.current || outcome == Some(Outcome::Accepted),
            "{case}"
        );
        let file = paths.binary(state.current.as_ref());
        assert!(is_intact(&file, paths) && self.board.system.running.0 == file, "{case}");
        assert!(text(&file).ends_with("good"), "{case}");
        assert!(outcome != Some(Outcome::Trying), "{case}");
        assert!(binaries(paths).len() <= 2, "{case}");
    }
}

#[test]
fn after_a_power_cut_before_any_operation_the_board_starts_an_accepted_binary() {
    for mut cut in CASES.into_iter().flat_map(Cut::all) {
        cut.board.start(Disk::default()).unwrap();
        cut.assert_sound();
    }
}

#[test]
fn a_second_power_cut_during_the_next_start_changes_nothing() {
    for operations in (0..200).step_by(3) {
        for second in 0..12 {
            let mut cut = Cut::new(CASES[1], operations);
            if cut.complete {
                return;
            }
            let _ = cut.board.start(Disk::default().cut_after(second));
            cut.board.start(Disk::default()).unwrap();
            cut.assert_sound();
        }
    }
    panic!("it never ends");
}

#[test]
fn if_only_the_updater_is_killed_the_service_is_restarted_with_the_old_binary() {
    for mut cut in CASES.into_iter().flat_map(Cut::all) {
        cut.board.updater(Disk::default()).recover().unwrap();
        cut.assert_sound();
        let current = fs::read_link(cut.board.paths.current()).unwrap();
        assert_eq!(current, cut.board.system.running.0);
    }
}
