//! The core of the story, each time: a card is put in, a nameserver dies and returns, the uplink goes and
//! comes back, the daemon is killed, updates come, somebody makes a mistake in the configuration.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use pilotlight::decide::show::panel::PanelState;

use super::care::{cared_for, damaged_root, mistake, power_off, screen};
use super::lamp_reader::{self, Sample, WINDOW};
use super::machine::CLOSED;
use super::report::{Outcome, seconds};
use super::setup::{BOOT, ROUNDS, Setup, again, well};
use super::update;
use super::world::TOKEN;

const GREEN: usize = 0;
const RED: usize = 2;

/// How long somebody waits for an answer through the firewall who gets none.
const NO_ANSWER: Duration = Duration::from_secs(10);

/// What was said of the first outage, also in an earlier boot.
pub const OUTAGE_IN_THE_JOURNAL: &str =
    "journalctl -q -t pilotlight NAMESERVER=ns2.example.net -o cat --no-pager | head -n 1";

/// All of the core; `false` when the board did not come up, and there is no going on.
pub fn core(setup: &mut Setup) -> bool {
    if !first_boot(setup) {
        return false;
    }
    token_is_taken_in(setup);
    outage(setup);
    uplink(setup);
    death(setup);
    nothing_failed(setup);
    cared_for(setup);
    nobody_gets_in(setup);
    people_get_in(setup);
    written(setup);
    update::core(setup);
    power_off(setup);
    damaged_root(setup);
    mistake(setup)
}

/// Nothing but updates, all of them.
pub fn updates(setup: &mut Setup) {
    if first_boot(setup) {
        update::core(setup);
        update::hard(setup);
    }
}

/// From power to the first verdict, and the wink.
fn first_boot(setup: &mut Setup) -> bool {
    setup.report.say("power on");
    setup.power_on();
    let lamps = &setup.machine().lamps;
    let first = lamps.until(Duration::ZERO, BOOT, |samples| {
        samples.iter().find(|sample| sample.lit != [false; 3]).map(|sample| sample.at)
    });
    let Some(first) = first else {
        let silence = Err(format!("no lamp was lit within {}", seconds(BOOT)));
        return setup.report.check("the chase is seen", silence);
    };
    let chased = lamps.until(first, WINDOW, |samples| lamp_reader::chased(samples).then_some(()));
    let chased = chased.ok_or("the lamps were not lit one after the other".into());
    setup
        .report
        .check("the chase is seen", chased.map(|()| format!("{} after power", seconds(first))));
    if !setup.comes_up_well("all is well", &well()) {
        return false;
    }
    let kernel = setup.root("cat /proc/uptime").map(|text| {
        let up: f64 = text.split(' ').next().and_then(|up| up.parse().ok()).unwrap_or(0.0);
        setup.machine().lamps.now().saturating_sub(Duration::from_secs_f64(up))
    });
    if let Ok(kernel) = kernel {
        setup.report.figure("kernel start to first lamp", seconds(first.saturating_sub(kernel)));
    }
    let rounds =
        setup.root("journalctl -b -t pilotlight -o short-monotonic --no-pager -g '^round: '");
    let verdict = rounds.and_then(|text| {
        let line = text.lines().find(|line| line.ends_with(": well")).map(str::to_owned);
        line.ok_or(format!("no round was well: {text}"))
    });
    if let Ok(line) = &verdict {
        let at = line.trim_start_matches(['[', ' ']).split(']').next();
        let at = Duration::from_secs_f64(at.and_then(|at| at.parse().ok()).unwrap_or(0.0));
        setup.report.figure("kernel start to first verdict", seconds(at));
    }
    setup.report.check("a verdict is in the journal", verdict);
    screen(setup, "name, address and state", &["pilotlight.local", "10.0.2.15", "all well"]);
    let wink = wink(setup);
    setup.report.check("green winks", wink)
}

/// Lit for 3.8 s, dark for 0.2 s, over several turns.
fn wink(setup: &Setup) -> Outcome {
    const TURNS: usize = 3;
    let lamps = &setup.machine().lamps;
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        (times.len() >= TURNS).then(|| times[times.len() / 2])
    };
    let from = lamps.now();
    let seen = lamps.until(from, ROUNDS, |samples| {
        let (lit, dark): (Vec<_>, Vec<_>) =
            lamp_reader::steps(samples, GREEN).into_iter().partition(|(lit, _)| *lit);
        let times =
            |steps: Vec<(bool, Duration)>| steps.into_iter().map(|(_, lasts)| lasts).collect();
        middle(times(lit)).zip(middle(times(dark)))
    });
    let (lit, dark) = seen.ok_or("too few turns were seen")?;
    let text = format!("{} lit, {:.2} s dark", seconds(lit), dark.as_secs_f64());
    let near = |time: Duration, wanted: u128| time.as_millis().abs_diff(wanted) <= 150;
    if near(lit, 3_800) && near(dark, 200) { Ok(text) } else { Err(text) }
}

fn token_is_taken_in(setup: &mut Setup) {
    let outcome = setup.reports();
    setup.report.check("the token from the card opens GitHub", outcome);
    let gone = match setup.card.boot_partition_shows(TOKEN) {
        true => Err("its bytes are still there".into()),
        false => Ok(String::new()),
    };
    setup.report.check("the token is gone from the boot partition", gone);
    let kept = setup.root("stat -c '%U %a' /data/pilotlight/github-token");
    setup.report.check("the token is root's alone", expect(kept, "root 600"));
    let silent = setup.journal().and_then(|journal| match journal.contains(TOKEN) {
        true => Err("it is there".into()),
        false => Ok(format!("{} lines", journal.lines().count())),
    });
    setup.report.check("the token is nowhere in the journal", silent);
    let problems = match setup.card.read("PROBLEMS.txt") {
        Some(text) => Err(text),
        None => Ok(String::new()),
    };
    setup.report.check("there is no PROBLEMS.txt", problems);
}

/// The second nameserver dies and returns.
fn outage(setup: &mut Setup) {
    setup.report.say("Knot stops");
    setup.world.ns2.stop();
    let from = setup.machine().lamps.now();
    setup.lamps_show_from(
        "a nameserver that fails is suspect",
        &PanelState::Suspect.into(),
        from,
        ROUNDS,
    );
    let down = PanelState::Down(vec![2]).into();
    if let Some(at) = setup.lamps_show_from("then it is down", &down, from, ROUNDS) {
        setup.report.figure("nameserver stops to red", seconds(at - from));
    }
    let lamps = &setup.machine().lamps;
    let now = lamps.now();
    let counts = lamps.until(now, ROUNDS, |samples| {
        Some(lamp_reader::counts(samples, RED)).filter(|counts| counts.len() >= 3)
    });
    let blinks = match counts {
        Some(counts) if counts.iter().all(|count| *count == 2) => Ok(format!("{counts:?}")),
        counts => Err(format!("{counts:?}, and not 2 each time")),
    };
    setup.report.check("red blinks its number", blinks);
    let opened = issue(setup, "open");
    setup.report.check("an issue is open", opened);

    setup.report.say("Knot returns");
    setup.world.ns2.start_again();
    if let Some(at) = setup.lamps_show("all is well again", &well(), ROUNDS) {
        setup.report.figure("nameserver returns to well", seconds(at.saturating_sub(now)));
    }
    let closed = issue(setup, "closed");
    setup.report.check("the issue is closed", closed);
}

/// Waits until there is one issue, with the right title and in this state.
fn issue(setup: &Setup, state: &str) -> Outcome {
    const TITLE: &str = "ns2.example.net is down";
    let github = &setup.world.github;
    let so = github.wait_for(
        |issues| issues.len() == 1 && issues[0].title == TITLE && issues[0].state == state,
        ROUNDS,
    );
    let issues = github.issues();
    let said: Vec<String> =
        issues.iter().map(|i| format!("#{} {} ({})", i.number, i.title, i.state)).collect();
    if so { Ok(said.join(", ")) } else { Err(format!("there are: {}", said.join(", "))) }
}

/// The uplink goes and comes back, and nobody is accused.
fn uplink(setup: &mut Setup) {
    let before = setup.world.github.writes();
    let plug = |setup: &mut Setup, plugged| {
        let word = if plugged { "in" } else { "out" };
        setup.report.say(&format!("the uplink is plugged {word}"));
        setup.machine().uplink(plugged).expect("QEMU runs");
    };
    plug(setup, false);
    let from = setup.machine().lamps.now();
    let offline = PanelState::Offline.into();
    if let Some(at) = setup.lamps_show("a cut uplink is what the lamps say", &offline, ROUNDS) {
        setup.report.figure("uplink cut to amber", seconds(at - from));
    }
    plug(setup, true);
    setup.lamps_show("all is well when it is back", &well(), ROUNDS);
    let outcome = setup.reports();
    setup.report.check("GitHub is reached again", outcome);
    let accused = match setup.world.github.writes() - before {
        0 => Ok(String::new()),
        writes => Err(format!("{writes} requests that write, {:?}", setup.world.github.issues())),
    };
    setup.report.check("nobody was accused", accused);
}

/// `kill -9`, and what systemd makes of it.
fn death(setup: &mut Setup) {
    setup.report.say("kill -9");
    let from = setup.machine().lamps.now();
    let killed = setup.root("kill -9 \"$(systemctl show --value -p MainPID pilotlight)\"");
    setup.report.check("the daemon can be killed", killed);
    let lamps = &setup.machine().lamps;
    let dark = lamps.until(from, ROUNDS, dark);
    let outcome = dark.map(|at| format!("after {}", seconds(at - from)));
    setup.report.check("its lamps go dark", outcome.ok_or("they do not".into()));
    let from = dark.unwrap_or(from);
    if let Some(at) = setup.lamps_show_from("it lives again", &well(), from, ROUNDS) {
        setup.report.figure("dark to well after a kill", seconds(at - from));
    }
}

/// When all lamps went out, for longer than any view of ours is dark.
pub fn dark(samples: &[Sample]) -> Option<Duration> {
    const DARK: Duration = Duration::from_secs(2);
    let mut dark = samples.split(|sample| sample.lit != [false; 3]).filter(|run| run.len() > 1);
    dark.find(|run| run[run.len() - 1].at - run[0].at > DARK).map(|run| run[0].at)
}

fn nothing_failed(setup: &mut Setup) {
    let running = again(ROUNDS, || {
        let state = setup.root("systemctl is-system-running; true")?;
        if state == "starting" { Err(state) } else { Ok(state) }
    });
    setup.report.check("the system runs", expect(running, "running"));
    let failed = setup.root("systemctl --failed --plain --no-legend --no-pager");
    setup.report.check("no unit has failed", expect(failed, ""));
    let analysis = "systemd-analyze security --no-pager pilotlight.service | tail -n 1";
    let exposure = setup.root(analysis).and_then(|text| {
        let number = text.split(' ').find_map(|word| word.parse::<f64>().ok());
        if number.is_some_and(|n| n <= 1.5) { Ok(text) } else { Err(text) }
    });
    setup.report.check("systemd-analyze security gives it 1.5 at most", exposure);
}

fn nobody_gets_in(setup: &mut Setup) {
    for user in ["pilotlight", "root"] {
        let said = setup.ssh().without_a_key(user);
        let only = said.contains("Permission denied (publickey).");
        let outcome = if only { Ok(said) } else { Err(said) };
        setup.report.check(&format!("no password lets {user} in"), outcome);
    }
    // A listener that is there is what the firewall is about.
    let listen = format!("systemd-run -q --unit=listener /usr/sbin/sshd -D -p {CLOSED}");
    let inside = format!(
        "timeout 60 bash -c 'until exec 3<>/dev/tcp/127.0.0.1/{CLOSED}; do sleep 1; done; head -c 4 <&3'",
    );
    let inside = setup.root(&listen).and_then(|_| setup.root(&format!("{inside} 2>/dev/null")));
    setup.report.check("something listens on another port", expect(inside, "SSH-"));
    let from_outside = |setup: &Setup| {
        let stream = TcpStream::connect(("127.0.0.1", setup.machine().closed));
        let mut stream = stream.map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(NO_ANSWER)).map_err(|error| error.to_string())?;
        let mut answer = [0; 4];
        // QEMU takes the connection itself, and hands on what the guest sends.
        match stream.read(&mut answer) {
            Ok(0) => Err("refused".into()),
            Ok(_) => Ok(String::from_utf8_lossy(&answer).into_owned()),
            Err(_) => Ok("nothing".to_owned()),
        }
    };
    let outside = from_outside(setup);
    setup.report.check("nobody gets there from outside", expect(outside, "nothing"));
    let open = setup
        .root("nft flush ruleset")
        .and_then(|_| again(ROUNDS, || expect(from_outside(setup), "SSH-")));
    setup.report.check("without the firewall they would", open);
    let shut = setup.root("nft -f /etc/nftables.conf && systemctl stop listener");
    setup.report.check("the firewall is up again", shut);
}

fn people_get_in(setup: &mut Setup) {
    let ssh = setup.ssh();
    let journal = ssh.run("pilotlight", "journalctl -q -b -t pilotlight -n 1 -o cat --no-pager");
    setup.report.check("the login user reads the journal", something(journal));
    let status = ssh.run("pilotlight", "pilotlight status | head -n 1");
    setup.report.check("and what the daemon sees", something(status));
    let copied = ssh.copy(&setup.dir.join("ca.pem"), "/tmp/copied");
    setup.report.check("plain scp copies a file there", copied);
    let size = setup.root("lsblk -bno SIZE /dev/mmcblk0p3");
    let room = setup.card.room_for_data();
    setup
        .report
        .check("the data partition is as large as the card", expect(size, &room.to_string()));
    // ext4 keeps some of it for itself.
    let usable = setup.root("df -B1 --output=size /data | tail -n 1").and_then(|text| {
        let size: u64 = text.trim().parse().map_err(|_| text.clone())?;
        let text = format!("{} MB", size / 1_000_000);
        if size > room / 10 * 8 { Ok(text) } else { Err(text) }
    });
    setup.report.check("and so is its file system", usable);
}

/// Bytes written to each partition since the boot.
pub fn bytes_written(setup: &Setup) -> Result<[u64; 3], String> {
    let text = setup.root("for p in 1 2 3; do cat /sys/block/mmcblk0/mmcblk0p$p/stat; done")?;
    let sectors =
        text.lines().filter_map(|line| line.split_whitespace().nth(6)?.parse::<u64>().ok());
    let bytes: Vec<u64> = sectors.map(|sectors| sectors * 512).collect();
    bytes.try_into().map_err(|_| text)
}

fn written(setup: &mut Setup) {
    let outcome = bytes_written(setup).and_then(|[boot, root, data]| {
        let text = format!("boot {boot}, root {root}, data {data} bytes");
        if root == 0 { Ok(text) } else { Err(text) }
    });
    if let Ok(text) = &outcome {
        setup.report.figure("written so far", text.as_str());
    }
    setup.report.check("the root is never written", outcome);
}

/// The outcome, if it is this and nothing else.
pub fn expect(outcome: Outcome, wanted: &str) -> Outcome {
    match outcome {
        Ok(text) if text == wanted => Ok(text),
        Ok(text) => Err(format!("{text:?} and not {wanted:?}")),
        wrong => wrong,
    }
}

/// The outcome, if there is any.
pub fn something(outcome: Outcome) -> Outcome {
    outcome.and_then(|text| if text.is_empty() { Err("nothing".into()) } else { Ok(text) })
}
