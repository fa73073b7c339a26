//! What takes too long for every run: ten quiet minutes, updates that take longer, ten power cuts, a
//! destroyed partition.
//!
//! A cut here loses what the guest has not handed to its card yet. What a real card loses of what it was
//! handed, or writes in another order, is not emulated.

use std::thread::sleep;
use std::time::Duration;

use pilotlight::decide::show::panel::PanelView;

use super::boot_test::{OUTAGE_IN_THE_JOURNAL, bytes_written, expect, something};
use super::setup::{ROUNDS, Setup, again, well};
use super::update;
use super::world::TOKEN;
use crate::fakes::rng::Rng;

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
pub fn all(setup: &mut Setup, seed: u64) {
    quiet(setup);
    update::hard(setup);
    let key = setup.root("cat /data/ssh/ssh_host_ed25519_key.pub");
    let key = key.unwrap_or_else(|why| why);
    let mut random = Rng::new(seed);
    for cut in 1..=CUTS {
        power_cut(setup, cut, random.below(WITHIN), &key);
    }
    destroyed(setup, &key);
}

/// Ten minutes in which nothing happens, and then what it costs to move their journal to the card. They
/// have 120 rounds, nearly as many as a day has at the interval of the default.
fn quiet(setup: &mut Setup) {
    const MOVE: &str = "systemctl start pilotlight-journal && sync";
    let moved = again(FIRST_MOVE, || {
        something(setup.root("systemctl show --value -p LastTriggerUSec pilotlight-journal.timer"))
    });
    setup.report.check("the journal of the boot is moved to the card", moved);
    setup.report.say("ten quiet minutes");
    let settled = setup.root(MOVE).and_then(|_| bytes_written(setup));
    sleep(QUIET);
    let quiet = bytes_written(setup);
    let moved = setup.root(MOVE).and_then(|_| bytes_written(setup));
    written(setup, "in ten quiet minutes", settled, &quiet, WHILE_QUIET);
    written(setup, "to move their journal to the card", quiet, &moved, A_DAYS_JOURNAL);
}

/// What was written meanwhile: nothing but data, and not more of it than this.
fn written(
    setup: &mut Setup,
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
    setup.report.figure(&format!("written {when}"), text.as_str());
    setup.report.check(&format!("at most {most} bytes are written {when}"), outcome);
}

/// Somebody gives the board a new setting, and the power goes while it starts.
fn power_cut(setup: &mut Setup, cut: u64, after: u64, key: &str) {
    if let Some(machine) = setup.machine.take() {
        machine.pull_the_plug();
    }
    let remark = format!("cut {cut}");
    setup.card.put("pilotlight.toml", &setup.world.config(&remark));
    setup.card.put("github-token", TOKEN);
    let name = format!("power cut {cut}, {:.1} s after power", after as f64 / 1e3);
    setup.report.say(&name);
    setup.power_on();
    sleep(Duration::from_millis(after));
    if let Some(machine) = setup.machine.take() {
        machine.pull_the_plug();
    }
    setup.power_on();
    if setup.comes_up_well(&name, &well()) {
        intact(setup, &name, &remark, key);
    }
}

/// Nothing that was given to the board is lost.
fn intact(setup: &mut Setup, name: &str, remark: &str, key: &str) {
    let line = setup.root("head -n 1 /data/pilotlight/config/pilotlight.toml");
    let config = expect(line, &format!("# {remark}"));
    setup.report.check(&format!("{name}: configuration"), config);
    let token = setup.reports().and_then(|_| match setup.card.boot_partition_shows(TOKEN) {
        true => Err("its bytes are still on the boot partition".into()),
        false => Ok(String::new()),
    });
    setup.report.check(&format!("{name}: token"), token);
    let host_key = expect(setup.root("cat /data/ssh/ssh_host_ed25519_key.pub"), key);
    setup.report.check(&format!("{name}: host key"), host_key.map(|_| String::new()));
    let outage = something(setup.root(OUTAGE_IN_THE_JOURNAL));
    setup.report.check(&format!("{name}: journal"), outage);
    let failed = setup.root("systemctl --failed --plain --no-legend --no-pager");
    setup.report.check(&format!("{name}: no unit has failed"), expect(failed, ""));
}

/// Nothing is left of the data partition, and the token with it; the rest is on the boot partition still.
fn destroyed(setup: &mut Setup, key: &str) {
    setup.report.say("the data partition is destroyed");
    if let Some(machine) = setup.machine.take() {
        machine.pull_the_plug();
    }
    setup.card.destroy_data();
    setup.power_on();
    let tokenless = PanelView { cannot_report: true, ..well() };
    if !setup.comes_up_well("it watches, and says that it cannot report", &tokenless) {
        return;
    }
    let made = setup.root("findmnt -no FSTYPE,SOURCE /data");
    setup.report.check("the data partition is made again", expect(made, "ext4 /dev/mmcblk0p3"));
    let other = again(ROUNDS, || setup.root("cat /data/ssh/ssh_host_ed25519_key.pub"));
    let other = other.and_then(|other| if other == key { Err(other) } else { Ok(String::new()) });
    setup.report.check("with a host key of its own", other);
    let failed = setup.root("systemctl --failed --plain --no-legend --no-pager");
    setup.report.check("and no unit has failed", expect(failed, ""));
}
