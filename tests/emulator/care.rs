//! What the card sees to by itself: its screen, its power supply, a damaged root, another signature, and a mistake in
//! the configuration.

use pilotlight::decide::show::panel::PanelView;

use super::boot_test::{OUTAGE_IN_THE_JOURNAL, expect, something};
use super::setup::{ROUNDS, Setup, again, well};
use super::update;

/// The byte of a FAT32 that is not 0 after a power cut while something was written.
const DIRTY: u64 = 0x41;

/// The screen shows these words within some rounds, and the serial console has them too.
pub fn screen(setup: &mut Setup, what: &str, words: &[&str]) {
    let shown = again(ROUNDS, || {
        let text = setup.root("cat /dev/vcs1")?;
        let both = [&text, &setup.machine().serial()];
        match words.iter().find(|word| !both.iter().all(|text| text.contains(*word))) {
            None => Ok(words.join(", ")),
            Some(word) => Err(format!("{word} is not in {text}")),
        }
    });
    setup.report.check(&format!("the screen shows {what}"), shown);
}

/// What looks after the board has run, and notices what the kernel says.
pub fn cared_for(setup: &mut Setup) {
    const LOOK: &str = "systemctl start pilotlight-care && cat /run/pilotlight-notices/power";
    let said = "echo '<2>hwmon hwmon1: Undervoltage detected!' >/dev/kmsg; sleep 2";
    let notice = again(ROUNDS, || setup.root(said).and_then(|_| setup.root(LOOK)));
    setup.report.check("a weak power supply is noticed", something(notice));
    let gone = setup.root("rm /run/pilotlight-notices/power");
    setup.report.check("that notice goes", gone);
    let sensor = setup.root("grep -lx rpi_volt /sys/class/hwmon/*/name");
    setup.report.check("the sensor for it is there", something(sensor));
}

/// A card whose root cannot be read, in its superblock or in a program: the board restarts until it can.
pub fn damaged_root(setup: &mut Setup) {
    /// Times ten seconds.
    const PATIENCE: usize = 18;
    /// The superblock, and what of the files is sure to be there.
    const SUPERBLOCK: (u64, usize) = (0, 96);
    const FILES: (u64, usize) = (1 << 20, 31 << 20);
    let cases = [
        (SUPERBLOCK, "initramfs: /dev/mmcblk0p2 cannot be mounted: the card is damaged"),
        (FILES, "Kernel panic - not syncing: Attempted to kill init!"),
    ];
    for ((at, length), words) in cases {
        let before = setup.card.change(2, at, &vec![0; length]);
        setup.power_on();
        let machine = setup.machine.as_mut().expect("the power is on");
        // QEMU ends when the board restarts, and only then.
        let outcome = match (machine.goes_off(PATIENCE), machine.serial()) {
            (true, serial) if serial.contains(words) => Ok(words.to_owned()),
            (true, serial) => Err(serial),
            (false, _) => Err("it stays on".into()),
        };
        setup.report.check("a board with a damaged root restarts", outcome);
        setup.machine = None;
        setup.card.change(2, at, &before);
    }
}

/// Somebody edits the configuration on Windows, which changes the card's signature, and mistypes a key.
pub fn mistake(setup: &mut Setup) -> bool {
    setup.report.say("a mistake in the configuration, and another signature of the card");
    setup.card.change(0, 440, b"\x12\x34\x56\x78");
    setup.card.change(1, DIRTY, &[1]);
    let wrong = setup.world.config("with a mistake").replace("interval", "intervall");
    setup.card.put("pilotlight.toml", &wrong.replace('\n', "\r\n"));
    setup.power_on();
    let noticed = PanelView { notice: true, ..well() };
    if !setup.comes_up_well("all is well, and there is a notice", &noticed) {
        return false;
    }
    found_and_clean(setup);
    screen(setup, "and PROBLEMS.txt", &["schedule.intervall"]);
    update::stays(setup);
    let force = setup.root("head -n 1 /data/pilotlight/config/pilotlight.toml");
    setup.report.check("the last good configuration is in force", expect(force, "# the first"));
    let problems =
        again(ROUNDS, || setup.card.read("PROBLEMS.txt").ok_or("it is not there".into()));
    let said = problems.and_then(|text| {
        if text.contains("pilotlight.toml:15: schedule.intervall") {
            Ok(String::new())
        } else {
            Err(text)
        }
    });
    setup.report.check("PROBLEMS.txt says what is wrong, and where", said);
    // systemd-timesyncd says so: there is no clock on the board, and the network's comes later.
    let clock = setup
        .root("journalctl -q -b -u systemd-timesyncd -o cat --no-pager -g 'recorded timestamp'");
    setup.report.check("the clock goes on from where it was", something(clock));
    let outage = setup.root(OUTAGE_IN_THE_JOURNAL);
    setup.report.check("the journal has the outage of before", something(outage));
    let kept = setup.journal().map(drop);
    setup.report.check("the journal of this boot is kept here", kept.map(|()| String::new()));
    true
}

/// The card is found without its signature, and the mark of an unfinished write is gone.
fn found_and_clean(setup: &mut Setup) {
    let found = match setup.machine().serial() {
        serial if serial.contains("initramfs: /dev/mmcblk0 has another signature") => {
            Ok(String::new())
        }
        serial => Err(serial),
    };
    setup.report.check("a card with another signature is found", found);
    let repaired =
        setup.root("journalctl -q -b -u pilotlight-data --no-pager -o cat -g 'was not clean'");
    setup.report.check("its boot partition was not clean", something(repaired));
    let clean = match setup.card.change(1, DIRTY, &[0])[..] {
        [0] => Ok(String::new()),
        _ => Err("it is not".into()),
    };
    setup.report.check("and is clean now", clean);
}

/// Shuts the board down, as somebody does at the other end of ssh.
pub fn power_off(setup: &mut Setup) {
    /// Times ten seconds.
    const PATIENCE: usize = 18;
    let _ = setup.root("systemctl reboot"); // which ends the connection
    let machine = setup.machine.as_mut().expect("the power is on");
    let off = machine.goes_off(PATIENCE);
    let outcome = if off { Ok(String::new()) } else { Err("it stays on".into()) };
    setup.report.check("the board shuts down", outcome);
    setup.machine = None;
}
