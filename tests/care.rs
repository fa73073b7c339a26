//! What looks after the board, and what its screen shows (`care` and `screen` in `image/root/usr/lib/pilotlight`), run in
//! a folder that stands for `/`, with programs that only note how they are called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/image/root");

const NOW: i64 = 1_800_000_000;

/// A board of files.
struct Board(TempDir);

impl Board {
    fn new() -> Self {
        let board = Self(tempfile::tempdir().unwrap());
        for folder in
            ["run/pilotlight-notices", "run/pilotlight-care", "sys/class/net", "data/wifi"]
        {
            fs::create_dir_all(board.path(folder)).unwrap();
        }
        board.program("journalctl", "cat kernel");
        board.program("ip", "cat routes");
        board.program(
            "date",
            &format!("[ $1 != +%s ] || exec echo {NOW}\nexec /usr/bin/date \"$@\""),
        );
        for name in ["systemctl", "modprobe"] {
            board.program(name, &format!("echo {name} \"$@\" >>calls"));
        }
        board.write("kernel", "");
        board.write("routes", "default via 192.0.2.1 dev wlan0\n");
        board.debian_is(0);
        board.up(100);
        board
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The kernel logs these lines, each a second after the one before.
    fn kernel(&self, lines: &str) {
        let mut log = fs::read_to_string(self.path("kernel")).unwrap();
        for line in lines.lines() {
            log += &format!("[{:5}.000201] kernel: {line}\n", 8 + log.lines().count());
        }
        self.write("kernel", &log);
    }

    fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.write(&path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn up(&self, seconds: u64) {
        self.write("proc/uptime", &format!("{seconds}.25 1.00\n"));
    }

    fn debian_is(&self, days: i64) {
        let at = Timestamp::from_second(NOW).unwrap() - SignedDuration::from_hours(24 * days);
        self.write("usr/lib/pilotlight/debian-date", &format!("{}\n", &at.to_string()[..10]));
    }

    fn notice(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("run/pilotlight-notices").join(name)).ok()
    }

    /// Runs it once; what it writes to the journal.
    fn care(&self) -> String {
        run(&self.0.path().join("bin"), self.0.path(), "care")
    }

    /// How often the radio has been restarted. Forgets it.
    fn restarts(&self) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.path("calls"));
        let one = "systemctl stop iwd\nmodprobe -qr brcmfmac-wcc brcmfmac-cyw brcmfmac\nsystemctl start iwd\n";
        assert_eq!(calls.replace(one, ""), "");
        calls.len() / one.len()
    }
}

fn run(programs: &Path, root: &Path, script: &str) -> String {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let script = Path::new(ROOT).join("usr/lib/pilotlight").join(script);
    let output = Command::new("sh")
        .arg(script)
        .current_dir(root)
        .env("PATH", path)
        .env("TZ", "UTC")
        .output();
    let output = output.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{} {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_firmware_file_that_the_radio_lacks_is_named() {
    let asked = |file: &str| {
        format!("brcmfmac mmc1:0001:1: Direct firmware load for brcm/{file} failed with error -2\n")
    };
    let optional = [
        "brcmfmac43430-sdio.raspberrypi,model-zero-2-w.bin",
        "brcmfmac43430b0-sdio.raspberrypi,model-zero-2-w.bin",
        "brcmfmac43430-sdio.clm_blob",
        "brcmfmac43455-sdio.txcap_blob",
    ];
    let board = Board::new();
    board.kernel(&optional.map(asked).concat());
    assert_eq!((board.care().as_str(), board.notice("radio")), ("", None));
    for file in ["brcmfmac43430b0-sdio.bin", "brcmfmac43430b0-sdio.txt", "brcmfmac43456-sdio.bin"] {
        board.kernel(&(asked(optional[1]) + &asked(file)));
        let said = board.care();
        let notice = board.notice("radio").unwrap();
        assert!(notice.contains(&format!(" needs the file firmware/brcm/{file},")), "{notice}");
        assert_eq!(said, format!("<4>radio: {notice}"));
    }
    assert_eq!(board.care(), "", "the kernel asks once, and the notice stays");
    assert!(board.notice("radio").is_some());
}

#[test]
fn a_weak_power_supply_is_a_notice() {
    let board = Board::new();
    board.kernel("hwmon hwmon1: Voltage normalised");
    assert_eq!((board.care().as_str(), board.notice("power")), ("", None));
    for first in [true, false] {
        board.kernel("hwmon hwmon1: Undervoltage detected!\nhwmon hwmon1: Voltage normalised");
        assert_eq!(!board.care().is_empty(), first, "one line in the journal");
        assert!(board.notice("power").unwrap().starts_with("the power supply is too weak: "));
    }
    fs::remove_file(board.path("run/pilotlight-notices/power")).unwrap(); // as systemd-tmpfiles does
    assert_eq!((board.care().as_str(), board.notice("power")), ("", None), "that was before");
}

#[test]
fn a_card_is_old_after_180_days() {
    let board = Board::new();
    for (days, old) in [(0, false), (-3, false), (179, false), (180, true), (400, true)] {
        board.debian_is(days);
        let said = board.care();
        let notice = board.notice("age");
        assert_eq!((notice.is_some(), !said.is_empty()), (old, old), "{days} days: {said}");
        let text = format!("the Debian on this card is {days} days old");
        assert!(notice.is_none_or(|notice| notice.starts_with(&text)), "{said}");
    }
}

#[test]
fn wifi_that_is_gone_for_ten_minutes_is_started_again_four_times_a_day() {
    let board = Board::new();
    board.write("data/wifi/home.psk", "");
    board.write("routes", "");
    let restarts = |from: u64, to: u64| {
        let one_run = |up| {
            board.up(up);
            let said = board.care();
            let restarted = board.restarts();
            assert_eq!(said.matches("its radio is started again").count(), restarted, "{said}");
            restarted
        };
        (from..to).step_by(600).map(one_run).sum::<usize>()
    };
    assert_eq!(restarts(1_000, 1_600), 0);
    assert_eq!(restarts(1_600, 1_610), 1);
    assert_eq!(restarts(1_900, 86_000), 3);
    assert_eq!(restarts(88_900, 172_000), 4, "another day");
}

#[test]
fn wifi_is_left_alone_with_a_cable_without_a_network_and_online() {
    let cases: [(&str, &str, &str, bool); 8] = [
        ("routes", "", "offline", true),
        ("run/pilotlight/status.json", "{\"state\":\"offline\"}", "no anchor answers", true),
        ("run/pilotlight/status.json", "{\n  \"state\": \"offline\"}", "no anchor answers", true),
        (
            "run/pilotlight/status.json",
            "{\"state\":\"down\",\"uplink\":{\"ipv6\":\"offline\"}}",
            "one family",
            false,
        ),
        ("sys/class/net/eth0/carrier", "1\n", "a cable", false),
        ("sys/class/net/usb0/carrier", "1\n", "an adapter", false),
        ("sys/class/net/eth0/carrier", "0\n", "online", false),
        ("data/wifi/home.psk", "", "online", false),
    ];
    for (file, text, what, restarted) in cases {
        let board = Board::new();
        board.write("data/wifi/home.open", "");
        if file.starts_with("sys") && text != "0\n" {
            board.write("routes", "");
        }
        board.write(file, text);
        for up in [1_000, 1_600] {
            board.up(up);
            board.care();
        }
        assert_eq!(board.restarts() == 1, restarted, "{what}");
    }
    let board = Board::new();
    board.write("routes", "");
    for up in [1_000, 1_600] {
        board.up(up);
        board.care();
    }
    assert_eq!(board.restarts(), 0, "no network to join");
}

/// What `screen` writes to the screen and to the serial console, with these words of `pilotlight status` in turn.
fn screens(words: &[&str], change: impl Fn(&Board)) -> [String; 2] {
    let board = Board::new();
    board.write("proc/sys/kernel/hostname", "attic\n");
    board.write("proc/sys/kernel/printk", "7 4 1 7\n");
    board.write("sys/class/tty/console/active", "tty0 ttyS1\n");
    board.program(
        "ip",
        "echo '2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global dynamic eth0'",
    );
    for (number, words) in words.iter().enumerate() {
        board.write(&format!("status/{number}"), words);
    }
    board.program("pilotlight", "cat $(ls -d status/* | head -n 1)");
    // A screen of files keeps what was written before.
    let keep = |file| format!("cat dev/{file} >>all/{file} 2>/dev/null && rm dev/{file}; ");
    let next = "rm $(ls -d status/* | head -n 1); ls status/* >/dev/null 2>&1";
    board.program("sleep", &(keep("tty1") + &keep("console") + next));
    for folder in ["dev", "all", "boot/firmware"] {
        fs::create_dir_all(board.path(folder)).unwrap();
    }
    change(&board);
    assert_eq!(run(&board.path("bin"), &board.path(""), "screen"), "");
    assert_eq!(fs::read_to_string(board.path("proc/sys/kernel/printk")).unwrap(), "4\n");
    ["all/tty1", "all/console"].map(|file| fs::read_to_string(board.path(file)).unwrap_or_default())
}

#[test]
fn the_screen_has_name_address_and_state_and_is_drawn_at_a_change_only() {
    let well = |minute| {
        format!("home at 2026-11-29 10:{minute}:00 UTC: all well\n\n1 ns1.example.net well\n")
    };
    let down = "home at 2026-11-29 10:20:00 UTC: nameserver 2 is down\n\ncannot report: no token\n\nnotice from card: a\n\
                notice from power: too weak\n";
    let [screen, serial] = screens(&[&well(10), &well(11), down], |_| ());
    let begin = "pilotlight on attic      ssh pilotlight@attic.local\n\neth0  192.0.2.7\n\n";
    let texts = [
        format!("{begin}all well\n"),
        format!(
            "{begin}nameserver 2 is down\ncannot report: no token\nnotice from power: too weak\n"
        ),
    ];
    let drawn = texts.each_ref().map(|text| format!("\u{1b}[H\u{1b}[2J\u{1b}[?25l{text}"));
    assert_eq!(screen, drawn.concat());
    assert_eq!(serial, texts.map(|text| format!("\n{text}")).concat());
}

#[test]
fn the_screen_has_what_is_wrong_on_the_card_and_fits() {
    let [screen, serial] = screens(&["pilotlight: no daemon runs\n"], |board| {
        board.write("sys/class/tty/console/active", "ttyS1 tty0\n");
        let line = format!("pilotlight.toml:3: {}\n", "word ".repeat(30));
        board.write("boot/firmware/PROBLEMS.txt", &line.repeat(20));
        board.program("ip", "true");
    });
    assert!(
        screen.contains("\nno address: no cable is in, or no WiFi is joined\n\nno daemon runs\n"),
        "{screen}"
    );
    assert!(screen.contains("\npilotlight.toml:3: word "), "{screen}");
    assert_eq!(serial, "", "the last console is the screen");
    let widest = screen.lines().skip(1).map(str::len).max();
    assert!(screen.lines().count() <= 24 && widest <= Some(79), "{screen}");
}
