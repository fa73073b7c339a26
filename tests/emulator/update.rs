//! Updates by scp: good ones and bad ones, which come over the network to the login account's folder and are
//! followed as a person would, by the lamps, `status` and the journal.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pilotlight::decide::show::panel::PanelView;

use super::boot_test::{dark, expect, something};
use super::report::{Outcome, seconds};
use super::setup::{ROUNDS, Setup, again, well};

/// How long an update may take, until it is said what became of it.
const ENDS: Duration = Duration::from_secs(300);

/// How soon somebody watches again, whatever was copied: two minutes, and one more for a busy machine.
const ALIVE: Duration = Duration::from_secs(180);

/// What the login user asks.
const STATUS: &str = "pilotlight update --status";

/// A good one and two bad ones, each time.
pub fn core(setup: &mut Setup) {
    let good = good(setup, 1);
    accepted(setup, &good);
    undone(setup, "EXITS", "exits", "it exited with 3 before it had finished a round");
    undone(
        setup,
        "WEDGES",
        "hangs once it is ready",
        "it hung, and the watchdog ended it after its first round",
    );
}

/// The rest, which takes longer.
pub fn hard(setup: &mut Setup) {
    let before = in_use(setup);
    undone(setup, "LATE", "never becomes ready", "it has not finished a round within");
    cut(setup, &before);
    let way_back = setup.ssh().run("pilotlight", "pilotlight update --rollback");
    setup.report.check("the login user asks for the version before", way_back);
    let back = became(setup, ": accepted");
    setup.report.check("and gets it", back);
    let factory = in_use(setup).and_then(|file| expect(Ok(file), "/usr/bin/pilotlight"));
    setup.report.check("which is the card's own", factory);
}

/// The board's own program, with bytes behind its end that nobody reads: another one, and as good.
fn good(setup: &Setup, number: u8) -> PathBuf {
    let file = setup.dir.join("pilotlight");
    setup.ssh().fetch("/usr/bin/pilotlight", &file).expect("its program can be copied");
    OpenOptions::new().append(true).open(&file).unwrap().write_all(&[number]).unwrap();
    file
}

/// The file that the service runs.
fn in_use(setup: &Setup) -> Outcome {
    setup.root("readlink /proc/$(systemctl show --value -p MainPID pilotlight)/exe")
}

/// What was accepted outlives a restart of the board.
pub fn stays(setup: &mut Setup) {
    let runs = in_use(setup).and_then(|file| match file.starts_with("/data/update/") {
        true => Ok(file),
        false => Err(file),
    });
    setup.report.check("the update is in use still", runs);
}

/// Waits until no update is under way, and the last one has come to this end.
fn became(setup: &Setup, outcome: &str) -> Outcome {
    again(ENDS, || {
        let said = setup.ssh().run("pilotlight", STATUS)?;
        let last = said.lines().last().unwrap_or_default().to_owned();
        if last.contains(outcome) { Ok(last) } else { Err(said) }
    })
}

fn told(setup: &Setup, words: &str) -> Outcome {
    let journal =
        format!("journalctl -q -b -t pilotlight -o cat --no-pager -g '{words}' | tail -n 1");
    something(setup.ssh().run("pilotlight", &journal))
}

/// Copies it; when that was done.
fn copy(setup: &mut Setup, name: &str, file: &Path) -> Duration {
    let copied = setup.ssh().copy(file, "update/pilotlight");
    setup.report.check(&format!("{name}: scp brings it"), copied);
    setup.machine().lamps.now()
}

fn accepted(setup: &mut Setup, file: &Path) {
    let name = "a good update";
    setup.report.say(name);
    let from = copy(setup, name, file);
    let outcome = became(setup, ": accepted");
    setup.report.check(&format!("{name}: it is accepted"), outcome);
    let after = setup.machine().lamps.now() - from;
    setup.report.figure("scp to an accepted update", seconds(after));
    let hash = pilotlight::io::system::executable::sha256(&fs::read(file).unwrap());
    let runs = expect(in_use(setup), &format!("/data/update/{hash}"));
    setup.report.check(&format!("{name}: it runs"), runs);
    setup.lamps_show(&format!("{name}: lamps"), &well(), ROUNDS);
    let journal = told(setup, "accepted$");
    setup.report.check(&format!("{name}: the journal tells it"), journal);
    let status =
        setup.ssh().run("pilotlight", &format!("pilotlight status | grep {}", &hash[..12]));
    setup.report.check(&format!("{name}: status names it"), status);
}

/// One of tests/units/bad.c, what it does, and what is said of it.
fn undone(setup: &mut Setup, how: &str, does: &str, words: &str) {
    let name = format!("an update that {does}");
    setup.report.say(&name);
    let before = in_use(setup);
    let file = setup.dir.join(how);
    let from = copy(setup, &name, &file);
    // It lights no lamp, and what was lit is made dark when it takes the place of the one before.
    let dark = setup.machine().lamps.until(from, ALIVE, dark);
    let tried = dark.map(|at| format!("after {}", seconds(at - from)));
    setup.report.check(&format!("{name}: it is tried"), tried.ok_or("no lamp went out".into()));
    let noticed = PanelView { notice: true, ..well() };
    let begin = dark.unwrap_or(from);
    let seen = setup.lamps_show_from(&format!("{name}: lamps"), &noticed, begin, ALIVE);
    if let Some(at) = seen {
        let after = seconds(at.saturating_sub(from));
        setup.report.figure(&format!("{name}: scp to well again"), after);
    }
    let outcome = became(setup, &format!("rejected: {words}"));
    setup.report.check(&format!("{name}: it is rejected"), outcome);
    let runs = before.and_then(|before| expect(in_use(setup), &before));
    setup.report.check(&format!("{name}: the one before runs"), runs);
    let journal = told(setup, &format!("^0.*rejected: {words}"));
    setup.report.check(&format!("{name}: the journal tells it"), journal);
    let failed = setup.root("systemctl --failed --plain --no-legend --no-pager");
    setup.report.check(&format!("{name}: no unit has failed"), expect(failed, ""));
}

/// The power goes while a good one is tried.
fn cut(setup: &mut Setup, before: &Outcome) {
    let name = "a power cut in an update";
    setup.report.say(name);
    let file = good(setup, 2);
    copy(setup, name, &file);
    let trying = again(ENDS, || {
        let now = in_use(setup)?;
        let tried = now.starts_with("/data/update/") && Ok(&now) != before.as_ref();
        if tried { Ok(now) } else { Err(now) }
    });
    setup.report.check(&format!("{name}: it is being tried"), trying);
    if let Some(machine) = setup.machine.take() {
        machine.pull_the_plug();
    }
    setup.power_on();
    let noticed = PanelView { notice: true, ..well() };
    if !setup.comes_up_well(name, &noticed) {
        return;
    }
    let runs = before.clone().and_then(|before| expect(in_use(setup), &before));
    setup.report.check(&format!("{name}: the accepted one runs"), runs);
    let journal = told(setup, "^0.*rejected: the power went");
    setup.report.check(&format!("{name}: the journal tells it"), journal);
    let kept = expect(setup.root("ls /data/update | wc -l"), "2");
    setup.report.check(&format!("{name}: nothing is left of it"), kept);
}
