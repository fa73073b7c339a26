//! Updates by scp: good ones and bad ones, which come over the network to the login account's folder and are
//! followed as a person would, by the lamps, `status` and the journal.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pilotlight::decide::show::panel::PanelView;

use super::report::{Outcome, seconds};
use super::stage::{ROUNDS, Stage, again, well};
use super::story::{dark, expect, something};

/// How long an update may take, until it is said what became of it.
const ENDS: Duration = Duration::from_secs(300);

/// How soon somebody watches again, whatever was copied: two minutes, and one more for a busy machine.
const ALIVE: Duration = Duration::from_secs(180);

/// What the login user asks.
const STATUS: &str = "pilotlight update --status";

/// A good one and two bad ones, each time.
pub fn core(stage: &mut Stage) {
    let good = good(stage, 1);
    accepted(stage, &good);
    undone(stage, "EXITS", "exits", "it exited with 3 before it had finished a round");
    undone(
        stage,
        "WEDGES",
        "hangs once it is ready",
        "it hung, and the watchdog ended it after its first round",
    );
}

/// The rest, which takes longer.
pub fn hard(stage: &mut Stage) {
    let before = in_use(stage);
    undone(stage, "LATE", "never becomes ready", "it has not finished a round within");
    cut(stage, &before);
    let way_back = stage.ssh().run("pilotlight", "pilotlight update --rollback");
    stage.report.check("the login user asks for the version before", way_back);
    let back = became(stage, ": accepted");
    stage.report.check("and gets it", back);
    let factory = in_use(stage).and_then(|file| expect(Ok(file), "/usr/bin/pilotlight"));
    stage.report.check("which is the card's own", factory);
}

/// The board's own program, with bytes behind its end that nobody reads: another one, and as good.
fn good(stage: &Stage, number: u8) -> PathBuf {
    let file = stage.dir.join("pilotlight");
    stage.ssh().fetch("/usr/bin/pilotlight", &file).expect("its program can be copied");
    OpenOptions::new().append(true).open(&file).unwrap().write_all(&[number]).unwrap();
    file
}

/// The file that the service runs.
fn in_use(stage: &Stage) -> Outcome {
    stage.root("readlink /proc/$(systemctl show --value -p MainPID pilotlight)/exe")
}

/// What was accepted outlives a restart of the board.
pub fn stays(stage: &mut Stage) {
    let runs = in_use(stage).and_then(|file| match file.starts_with("/data/update/") {
        true => Ok(file),
        false => Err(file),
    });
    stage.report.check("the update is in use still", runs);
}

/// Waits until no update is under way, and the last one has come to this end.
fn became(stage: &Stage, outcome: &str) -> Outcome {
    again(ENDS, || {
        let said = stage.ssh().run("pilotlight", STATUS)?;
        let last = said.lines().last().unwrap_or_default().to_owned();
        if last.contains(outcome) { Ok(last) } else { Err(said) }
    })
}

fn told(stage: &Stage, words: &str) -> Outcome {
    let journal =
        format!("journalctl -q -b -t pilotlight -o cat --no-pager -g '{words}' | tail -n 1");
    something(stage.ssh().run("pilotlight", &journal))
}

/// Copies it; when that was done.
fn copy(stage: &mut Stage, name: &str, file: &Path) -> Duration {
    let copied = stage.ssh().copy(file, "update/pilotlight");
    stage.report.check(&format!("{name}: scp brings it"), copied);
    stage.machine().lamps.now()
}

fn accepted(stage: &mut Stage, file: &Path) {
    let name = "a good update";
    stage.report.say(name);
    let from = copy(stage, name, file);
    let outcome = became(stage, ": accepted");
    stage.report.check(&format!("{name}: it is accepted"), outcome);
    let after = stage.machine().lamps.now() - from;
    stage.report.figure("scp to an accepted update", seconds(after));
    let hash = pilotlight::io::system::executable::sha256(&fs::read(file).unwrap());
    let runs = expect(in_use(stage), &format!("/data/update/{hash}"));
    stage.report.check(&format!("{name}: it runs"), runs);
    stage.lamps_show(&format!("{name}: lamps"), &well(), ROUNDS);
    let journal = told(stage, "accepted$");
    stage.report.check(&format!("{name}: the journal tells it"), journal);
    let status =
        stage.ssh().run("pilotlight", &format!("pilotlight status | grep {}", &hash[..12]));
    stage.report.check(&format!("{name}: status names it"), status);
}

/// One of tests/units/bad.c, what it does, and what is said of it.
fn undone(stage: &mut Stage, how: &str, does: &str, words: &str) {
    let name = format!("an update that {does}");
    stage.report.say(&name);
    let before = in_use(stage);
    let file = stage.dir.join(how);
    let from = copy(stage, &name, &file);
    // It lights no lamp, and what was lit is made dark when it takes the place of the one before.
    let dark = stage.machine().lamps.until(from, ALIVE, dark);
    let tried = dark.map(|at| format!("after {}", seconds(at - from)));
    stage.report.check(&format!("{name}: it is tried"), tried.ok_or("no lamp went out".into()));
    let noticed = PanelView { notice: true, ..well() };
    let begin = dark.unwrap_or(from);
    let seen = stage.lamps_show_from(&format!("{name}: lamps"), &noticed, begin, ALIVE);
    if let Some(at) = seen {
        let after = seconds(at.saturating_sub(from));
        stage.report.figure(&format!("{name}: scp to well again"), after);
    }
    let outcome = became(stage, &format!("rejected: {words}"));
    stage.report.check(&format!("{name}: it is rejected"), outcome);
    let runs = before.and_then(|before| expect(in_use(stage), &before));
    stage.report.check(&format!("{name}: the one before runs"), runs);
    let journal = told(stage, &format!("^0.*rejected: {words}"));
    stage.report.check(&format!("{name}: the journal tells it"), journal);
    let failed = stage.root("systemctl --failed --plain --no-legend --no-pager");
    stage.report.check(&format!("{name}: no unit has failed"), expect(failed, ""));
}

/// The power goes while a good one is tried.
fn cut(stage: &mut Stage, before: &Outcome) {
    let name = "a power cut in an update";
    stage.report.say(name);
    let file = good(stage, 2);
    copy(stage, name, &file);
    let trying = again(ENDS, || {
        let now = in_use(stage)?;
        let tried = now.starts_with("/data/update/") && Ok(&now) != before.as_ref();
        if tried { Ok(now) } else { Err(now) }
    });
    stage.report.check(&format!("{name}: it is being tried"), trying);
    if let Some(machine) = stage.machine.take() {
        machine.pull_the_plug();
    }
    stage.power_on();
    let noticed = PanelView { notice: true, ..well() };
    if !stage.comes_up_well(name, &noticed) {
        return;
    }
    let runs = before.clone().and_then(|before| expect(in_use(stage), &before));
    stage.report.check(&format!("{name}: the accepted one runs"), runs);
    let journal = told(stage, "^0.*rejected: the power went");
    stage.report.check(&format!("{name}: the journal tells it"), journal);
    let kept = expect(stage.root("ls /data/update | wc -l"), "2");
    stage.report.check(&format!("{name}: nothing is left of it"), kept);
}
