//! What takes too long for every run: ten quiet minutes, updates that take longer, ten power cuts, a
//! destroyed partition.
//!
//! A cut here loses what the guest has not handed to its card yet. What a real card loses of what it was
//! handed, or writes in another order, is not emulated.

use std::thread::sleep;
use std::time::Duration;

use pilotlight::decide::show::panel::PanelView;

use super::stage::{ROUNDS, Stage, again, well};
use super::story::{OUTAGE_IN_THE_JOURNAL, bytes_written, expect, something};
use super::update;
use super::world::TOKEN;
use crate::peers::rng::Rng;

const QUIET: Duration = Duration::from_secs(600);

/// The journal is moved for the first time five minutes after the start, or a minute later.
const FIRST_MOVE: Duration = Duration::from_secs(480);

/// The time is noted in a file now and then.
const WHILE_QUIET: u64 = 64 << 10;

/// What a quiet day may write.
const A_DAYS_JOURNAL: u64 = 1_000_000;

const CUTS: u64 = 10;

/// A plug is pulled within so many milliseconds after power: in the boot, or soon after it.
const WITHIN: u64 = 100_000;

/// All of it, on a board that is on and well.
pub fn all(stage: &mut Stage, seed: u64) {
    quiet(stage);
    update::hard(stage);
    let key = stage.root("cat /data/ssh/ssh_host_ed25519_key.pub");
    let key = key.unwrap_or_else(|why| why);
    let mut random = Rng::new(seed);
    for cut in 1..=CUTS {
        power_cut(stage, cut, random.below(WITHIN), &key);
    }
    destroyed(stage, &key);
}

/// Ten minutes in which nothing happens, and then what it costs to move their journal to the card. They
/// have 120 rounds, nearly as many as a day has at the interval of the default.
fn quiet(stage: &mut Stage) {
    const MOVE: &str = "systemctl start pilotlight-journal && sync";
    let moved = again(FIRST_MOVE, || {
        something(stage.root("systemctl show --value -p LastTriggerUSec pilotlight-journal.timer"))
    });
    stage.report.check("the journal of the boot is moved to the card", moved);
    stage.report.say("ten quiet minutes");
    let settled = stage.root(MOVE).and_then(|_| bytes_written(stage));
    sleep(QUIET);
    let quiet = bytes_written(stage);
    let moved = stage.root(MOVE).and_then(|_| bytes_written(stage));
    written(stage, "in ten quiet minutes", settled, &quiet, WHILE_QUIET);
    written(stage, "to move their journal to the card", quiet, &moved, A_DAYS_JOURNAL);
}

/// What was written meanwhile: nothing but data, and not more of it than this.
fn written(
    stage: &mut Stage,
    when: &str,
    before: Result<[u64; 3], String>,
    after: &Result<[u64; 3], String>,
    most: u64,
) {
    let outcome = before.and_then(|before| {
        let after = after.clone()?;
        let [boot, root, data] = [0, 1, 2].map(|n: usize| after[n] - before[n]);
        let text = format!("boot {boot}, root {root}, data {data} bytes");
        if boot + root == 0 && data <= most { Ok(text) } else { Err(text) }
    });
    let (Ok(text) | Err(text)) = &outcome;
    stage.report.figure(&format!("written {when}"), text.as_str());
    stage.report.check(&format!("at most {most} bytes are written {when}"), outcome);
}

/// Somebody gives the board a new setting, and the power goes while it starts.
fn power_cut(stage: &mut Stage, cut: u64, after: u64, key: &str) {
    if let Some(machine) = stage.machine.take() {
        machine.pull_the_plug();
    }
    let remark = format!("cut {cut}");
    stage.card.put("pilotlight.toml", &stage.world.config(&remark));
    stage.card.put("github-token", TOKEN);
    let name = format!("power cut {cut}, {:.1} s after power", after as f64 / 1e3);
    stage.report.say(&name);
    stage.power_on();
    sleep(Duration::from_millis(after));
    if let Some(machine) = stage.machine.take() {
        machine.pull_the_plug();
    }
    stage.power_on();
    if stage.comes_up_well(&name, &well()) {
        intact(stage, &name, &remark, key);
    }
}

/// Nothing that was given to the board is lost.
fn intact(stage: &mut Stage, name: &str, remark: &str, key: &str) {
    let line = stage.root("head -n 1 /data/pilotlight/config/pilotlight.toml");
    let config = expect(line, &format!("# {remark}"));
    stage.report.check(&format!("{name}: configuration"), config);
    let token = stage.reports().and_then(|_| match stage.card.boot_partition_shows(TOKEN) {
        true => Err("its bytes are still on the boot partition".into()),
        false => Ok(String::new()),
    });
    stage.report.check(&format!("{name}: token"), token);
    let host_key = expect(stage.root("cat /data/ssh/ssh_host_ed25519_key.pub"), key);
    stage.report.check(&format!("{name}: host key"), host_key.map(|_| String::new()));
    let outage = something(stage.root(OUTAGE_IN_THE_JOURNAL));
    stage.report.check(&format!("{name}: journal"), outage);
    let failed = stage.root("systemctl --failed --plain --no-legend --no-pager");
    stage.report.check(&format!("{name}: no unit has failed"), expect(failed, ""));
}

/// Nothing is left of the data partition, and the token with it; the rest is on the boot partition still.
fn destroyed(stage: &mut Stage, key: &str) {
    stage.report.say("the data partition is destroyed");
    if let Some(machine) = stage.machine.take() {
        machine.pull_the_plug();
    }
    stage.card.destroy_data();
    stage.power_on();
    let tokenless = PanelView { cannot_report: true, ..well() };
    if !stage.comes_up_well("it watches, and says that it cannot report", &tokenless) {
        return;
    }
    let made = stage.root("findmnt -no FSTYPE,SOURCE /data");
    stage.report.check("the data partition is made again", expect(made, "ext4 /dev/mmcblk0p3"));
    let other = again(ROUNDS, || stage.root("cat /data/ssh/ssh_host_ed25519_key.pub"));
    let other = other.and_then(|other| if other == key { Err(other) } else { Ok(String::new()) });
    stage.report.check("with a host key of its own", other);
    let failed = stage.root("systemctl --failed --plain --no-legend --no-pager");
    stage.report.check("and no unit has failed", expect(failed, ""));
}
