//! A card, and a board that starts with it again and again.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::{Config, EXAMPLE};

const GOOD: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                    zone = [{ name = 'example.net' }]\n";
const OTHER: &str = "nameserver = [{ name = 'ns2.example.net', addresses = ['192.0.2.2'] }]\n\
                     zone = [{ name = 'example.net' }]\ngithub = { repository = 'o/r', ca = 'tls/ca.pem' }\n";
const PAGE: &str = "endpoint = [{ url = 'https://www.example.net/', ca = 'tls/web.pem' }]\n";
const BAD: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.300'] }]\r\n\
                   zone = [{ naem = 'example.net' }]\r\n";
const TOKEN: &str = "github_pat_11SECRET0abcdefghijklmnop";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T me@laptop\n";
const WIFI: &str = "ssid = Home\npassphrase = correct horse\ncountry = DE\n";

struct Board {
    dir: tempfile::TempDir,
    places: Places,
}

impl Board {
    fn new() -> Self {
        // Hundreds of starts, each with dozens of fsyncs: in memory where there is such a folder.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        let [card, data, run] = ["card", "data", "run"].map(|name| dir.path().join(name));
        for folder in [&card, &data, &run] {
            fs::create_dir(folder).unwrap();
        }
        Self { dir, places: Places { card, data, run, durable: true } }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let board = Self::new();
        board.put(files);
        board
    }

    fn put(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.places.card.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.places.card.join(name)).unwrap();
    }

    fn start(&self) -> Taken {
        let taken = take_in(&self.places, &mut Disk::new(&self.places.card));
        assert!(!taken.failed, "{taken:?}");
        taken
    }

    /// Everything that is there, but for what is gone with the power.
    fn all(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.places.card.clone(), self.places.data.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let about = path.symlink_metadata().unwrap();
                let name = path.strip_prefix(self.dir.path()).unwrap().display().to_string();
                if about.is_dir() {
                    folders.push(path);
                } else if about.is_symlink() {
                    all.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()));
                } else {
                    let mode = about.permissions().mode() & 0o777;
                    let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
                    all.insert(name, format!("{mode:o} {text}"));
                }
            }
        }
        all
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.dir.path().join(name)).ok()
    }

    fn mode(&self, name: &str) -> u32 {
        self.dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777
    }

    fn in_force(&self) -> Option<String> {
        self.read("data/pilotlight/config/pilotlight.toml")
    }
}

#[test]
fn everything_on_the_card_is_taken_in_and_the_second_start_changes_nothing() {
    let both = format!("{OTHER}{PAGE}");
    let board = Board::with(&[
        ("pilotlight.toml", &both),
        ("tls/ca.pem", "certificate"),
        ("tls/web.pem", "certificate"),
        ("github-token", &format!("{TOKEN}\r\n")),
        ("authorized_keys", KEY),
        ("root_keys", KEY),
        ("wifi.conf", WIFI),
        ("PROBLEMS.txt", "old ones"),
    ]);
    let taken = board.start();
    assert!(taken.problems.is_empty() && taken.first.is_none(), "{taken:?}");
    assert_eq!(board.in_force(), Some(both));
    assert_eq!(board.read("data/pilotlight/config/tls/ca.pem").as_deref(), Some("certificate"));
    let config =
        Config::load(&board.places.data.join("pilotlight/config/pilotlight.toml")).unwrap();
    assert!(config.files().all(Path::exists));
    for (file, mode, text) in [
        ("data/pilotlight/github-token", 0o600, TOKEN),
        ("run/credstore/github-token", 0o600, TOKEN),
        ("data/pilotlight/config/tls/web.pem", 0o644, "certificate"),
        ("data/ssh/authorized_keys", 0o644, KEY),
        ("data/ssh/root_keys", 0o644, KEY),
        ("data/wifi/Home.psk", 0o600, "[Security]\nPassphrase=correct horse\n"),
        ("data/wifi/main.conf", 0o600, "[General]\nCountry=DE\n"),
    ] {
        assert_eq!(board.read(file).as_deref(), Some(text));
        assert_eq!(board.mode(file), mode, "{file}");
    }
    assert_eq!((board.mode("data/wifi"), board.mode("run/credstore")), (0o700, 0o700));
    assert_eq!(board.read("card/github-token"), None);
    assert_eq!(board.read("card/PROBLEMS.txt"), None);
    let before = board.all();
    let mut disk = Disk::new(&board.places.card).cut_after(0);
    let taken = take_in(&board.places, &mut disk);
    assert!(!taken.failed && taken.done.is_empty(), "nothing is written: {taken:?}");
    assert_eq!(board.all(), before);
}

#[test]
fn zone_files_are_taken_in_with_the_configuration_and_a_broken_one_leaves_the_old_in_force() {
    const SOA: &str = "@ SOA ns1 hostmaster 0 7200 3600 1209600 300\r\n";
    let config = GOOD.replace("'example.net' }", "'example.net', file = 'zones/example.net' }");
    let board = Board::with(&[("pilotlight.toml", &config)]);
    board.put(&[("zones/example.net", SOA)]);
    assert!(board.start().problems.is_empty());
    let taken_in = || board.read("data/pilotlight/config/zones/example.net");
    assert_eq!(taken_in().as_deref(), Some(SOA));
    let broken = format!("{SOA}www A 192.0.2.300\r\n");
    board.put(&[("zones/example.net", &broken)]);
    let problems = board.start().problems;
    assert_eq!(
        problems,
        [
            "zones/example.net:2: \"www A 192.0.2.300\" is not an IPv4 address\n    write four numbers from \
          0 to 255, such as 192.0.2.80"
        ]
    );
    assert_eq!(taken_in().as_deref(), Some(SOA));
    // The configuration is the same, and what it names is not.
    let changed = format!("{SOA}www A 192.0.2.30\r\n");
    board.put(&[("zones/example.net", &changed)]);
    assert!(board.start().problems.is_empty());
    assert_eq!(taken_in(), Some(changed));
    board.remove("zones/example.net");
    let problems = board.start().problems;
    assert!(problems[0].starts_with("pilotlight.toml:2: zone[0].file: \"zones/"), "{problems:?}");
}

#[test]
fn a_start_after_which_run_is_empty_hands_the_token_over_again() {
    let board = Board::with(&[("github-token", TOKEN)]);
    board.start();
    fs::remove_dir_all(board.places.run.join("credstore")).unwrap();
    fs::remove_dir_all(&board.places.card).unwrap();
    let taken = take_in(&board.places, &mut Disk::new(&board.places.card));
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    assert!(taken.failed && taken.problems[0].contains("/card: No such file"), "{taken:?}");
}

#[test]
fn a_configuration_with_problems_is_explained_on_the_card_and_the_last_good_one_stays() {
    let board = Board::with(&[("pilotlight.toml", GOOD)]);
    board.start();
    board.put(&[("pilotlight.toml", BAD)]);
    board.start();
    assert_eq!(board.in_force().as_deref(), Some(GOOD));
    let said = board.read("card/PROBLEMS.txt").unwrap();
    let mut from = 0;
    for part in [
        "\r\n\r\npilotlight.toml:1: nameserver[0].addresses[0]: \"192.0.2.300\" is not an IP address\r\n    write",
        "\r\n\r\npilotlight.toml:2: zone[0]",
        "\r\n\r\nUntil then the configuration that was taken in before stays in force: config-",
        ", which watches ns1.example.net.\r\n",
    ] {
        let at = said[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part:?} is not there: {said}"));
    }
    let lines = said.lines().filter(|line| line.starts_with("pilotlight.toml:")).count();
    let notice = board.read("run/pilotlight-notices/card").unwrap();
    assert_eq!(notice.lines().count(), lines, "{notice}");
    assert!(notice.starts_with("pilotlight.toml:1: nameserver[0].addresses[0]: "), "{notice}");
    let before = board.all();
    board.start();
    assert_eq!(board.all(), before);
    // Corrected, in a file of another name: there is nothing left to say.
    board.remove("pilotlight.toml");
    board.put(&[
        ("PILOTL~1.TOM", "x"),
        ("Pilotlight.toml.txt", &format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))),
    ]);
    assert!(board.start().done.is_empty(), "the same as before");
    assert_eq!(board.read("card/PROBLEMS.txt"), None);
    assert_eq!(board.read("run/pilotlight-notices/card"), None);
}

#[test]
fn one_configuration_is_kept_and_no_other() {
    let board = Board::with(&[("pilotlight.toml", GOOD)]);
    board.start();
    board.put(&[("pilotlight.toml", OTHER), ("tls/ca.pem", "one")]);
    board.start();
    board.put(&[("tls/ca.pem", "two")]);
    board.start();
    assert_eq!(board.read("data/pilotlight/config/tls/ca.pem").as_deref(), Some("two"));
    assert_eq!(fs::read_dir(board.places.data.join("pilotlight")).unwrap().count(), 2);
    // What a failing card did to the one in force is mended from the card.
    fs::write(board.places.data.join("pilotlight/config/pilotlight.toml"), "").unwrap();
    board.start();
    assert_eq!(board.in_force().as_deref(), Some(OTHER));
}

#[test]
fn files_that_a_configuration_names_must_be_on_the_card() {
    let said = |text: &str| {
        let board = Board::with(&[("pilotlight.toml", text), ("../secret", "x")]);
        let taken = board.start();
        assert_eq!(board.in_force().is_none(), !taken.problems.is_empty());
        taken.problems.join("\n")
    };
    let missing = said(OTHER);
    assert!(
        missing.starts_with("pilotlight.toml: tls/ca.pem is not on this card\n    put"),
        "{missing}"
    );
    let outside = said(&OTHER.replace("tls/ca.pem", "../secret"));
    assert!(
        outside.starts_with("pilotlight.toml: ../secret is not a place on this card"),
        "{outside}"
    );
    assert_eq!(
        said(&OTHER.replace("tls/ca.pem", "/etc/ssl/ca.pem")),
        "",
        "not the card's business"
    );
}

#[test]
fn a_card_as_it_was_shipped_says_the_one_thing_to_do_and_is_no_problem() {
    let board = Board::with(&[("pilotlight.toml", &EXAMPLE.replace('\n', "\r\n"))]);
    let taken = board.start();
    assert!(taken.problems.is_empty() && taken.first.is_some(), "{taken:?}");
    let said = board.read("card/PROBLEMS.txt").unwrap();
    assert!(
        said.contains("There is one thing to do") && said.contains("put your own nameservers"),
        "{said}"
    );
    assert_eq!(board.read("run/pilotlight-notices/card"), None);
    assert_eq!(board.in_force(), None);
    // Beside it one that an editor called pilotlight.toml.txt: that is meant.
    board.put(&[("pilotlight.toml.txt", GOOD)]);
    assert!(board.start().first.is_none());
    assert_eq!(board.in_force().as_deref(), Some(GOOD));
    board.remove("pilotlight.toml.txt");
    assert!(board.start().first.is_none(), "the example takes nothing back");
    assert_eq!(board.read("card/PROBLEMS.txt"), None);
    // Without any it is the same as with the example.
    let board = Board::new();
    assert!(board.start().first.is_some());
}

#[test]
fn what_is_absent_or_empty_leaves_in_force_what_there_was() {
    let files = ["pilotlight.toml", "authorized_keys", "root_keys", "wifi.conf"];
    let texts = [GOOD, KEY, KEY, WIFI];
    let board = Board::with(&files.into_iter().zip(texts).collect::<Vec<_>>());
    board.put(&[("github-token", TOKEN)]);
    board.start();
    for name in files {
        board.remove(name);
    }
    let before = board.all();
    assert!(board.start().problems.is_empty());
    assert_eq!(board.all(), before);
    board.put(&files.map(|name| (name, "")));
    board.put(&[("github-token", "")]);
    let problems = board.start().problems;
    assert!(problems[0].starts_with("pilotlight.toml: is empty\n"), "{problems:?}");
    assert!(problems[1].starts_with("github-token: is empty\n"), "{problems:?}");
    assert_eq!(problems.len(), 2);
    assert_eq!(board.in_force().as_deref(), Some(GOOD));
    assert_eq!(board.read("data/ssh/authorized_keys").as_deref(), Some(KEY));
    // Comments alone are meant.
    board.put(&[("authorized_keys", "# nobody\n"), ("wifi.conf", "# none\n")]);
    board.start();
    assert_eq!(board.read("data/ssh/authorized_keys").as_deref(), Some(""));
    assert_eq!(board.read("data/ssh/root_keys").as_deref(), Some(KEY));
    assert_eq!(fs::read_dir(board.places.data.join("wifi")).unwrap().count(), 0);
}

#[test]
fn a_token_is_never_said_and_what_is_none_is_not_taken_for_one() {
    let wide: Vec<u8> = TOKEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(Vec<u8>, bool); 8] = [
        (format!("\u{feff}{TOKEN}\n").into(), true),
        ([&[0xff, 0xfe], &wide[..]].concat(), true),
        (format!("{TOKEN}\n{TOKEN}\n").into(), false),
        (format!("token = {TOKEN}\n").into(), false),
        (format!("{TOKEN}\u{7}").into(), false),
        (wide, false),
        (b"\xffSECRET0".into(), false),
        (b"\0\0\0SECRET0".into(), false),
    ];
    for (bytes, good) in cases {
        let board = Board::new();
        let file = board.places.card.join("Github-Token.txt");
        fs::write(&file, bytes).unwrap();
        let taken = board.start();
        assert_eq!(board.read("data/pilotlight/github-token").is_some(), good, "{taken:?}");
        assert_eq!((file.exists(), taken.problems.len()), (!good, usize::from(!good)), "{taken:?}");
        let said = format!("{taken:?}{:?}", board.read("card/PROBLEMS.txt"));
        assert!(!said.contains("SECRET0"), "{said}");
    }
    let board = Board::with(&[("github-token", TOKEN), ("github-token.txt", "another")]);
    let taken = board.start();
    assert!(taken.problems[0].starts_with("github-token and github-token.txt: "), "{taken:?}");
}

#[test]
fn what_is_left_of_a_token_that_was_being_overwritten_is_removed_without_a_word() {
    for rest in ["\0\0\0\0", "\n\n", &format!("\0\0\0{}", &TOKEN[20..])] {
        let board = Board::with(&[("github-token", TOKEN)]);
        board.start();
        board.put(&[("github-token", rest)]);
        let taken = board.start();
        assert!(taken.problems.is_empty() && taken.done.is_empty(), "{taken:?}");
        assert_eq!(board.read("card/github-token"), None);
        assert_eq!(board.read("data/pilotlight/github-token").as_deref(), Some(TOKEN));
    }
}

#[test]
fn a_token_stays_on_the_card_where_nothing_else_would_outlive_the_power() {
    let mut board = Board::with(&[("github-token", TOKEN)]);
    board.places.durable = false;
    let taken = board.start();
    assert!(taken.done.iter().any(|done| done.contains("stays on the card")), "{taken:?}");
    assert_eq!(board.read("card/github-token").as_deref(), Some(TOKEN));
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    let here = Path::new("/");
    assert!(Places::new(here, Path::new("/proc"), here).durable, "a mount, and no memory");
}

#[test]
fn good_keys_come_in_beside_bad_ones_and_a_private_key_lets_nobody_in_or_out() {
    let board = Board::with(&[("authorized_keys", &format!("# mine\r\nssh-rsa AAAA\r\n{KEY}"))]);
    let taken = board.start();
    assert_eq!(board.read("data/ssh/authorized_keys").as_deref(), Some(KEY));
    assert!(taken.problems[0].starts_with("authorized_keys:2: is no public key"), "{taken:?}");
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET0\n-----END OPENSSH PRIVATE KEY-----\n";
    for text in [private.to_owned(), format!("{KEY}{private}"), "nonsense\n".to_owned()] {
        board.put(&[("authorized_keys", &text)]);
        let taken = board.start();
        assert_eq!(
            board.read("data/ssh/authorized_keys").as_deref(),
            Some(KEY),
            "still lets its owner in"
        );
        assert_eq!(taken.problems.len(), 1, "{taken:?}");
        assert_eq!(taken.problems[0].contains("PRIVATE"), text.contains("PRIVATE"), "{taken:?}");
        let said = board.read("card/PROBLEMS.txt").unwrap();
        assert!(!said.contains("SECRET0") && said.contains("stay in force"), "{said}");
    }
}

#[test]
fn networks_come_change_and_go_and_what_iwd_added_or_knows_by_itself_stays() {
    let board = Board::with(&[("wifi.conf", WIFI)]);
    board.start();
    let wifi = board.places.data.join("wifi");
    let added = "[Security]\nPassphrase=correct horse\nPreSharedKey=00ff\n";
    fs::write(wifi.join("Home.psk"), added).unwrap();
    fs::write(wifi.join("Friends.psk"), "[Security]\nPassphrase=by iwctl\n").unwrap();
    board.start();
    assert_eq!(board.read("data/wifi/Home.psk").as_deref(), Some(added));
    board.put(&[(
        "wifi.conf",
        "country = FR\nssid = Home\npassphrase = another one\nssid = Caf\u{e9}\n",
    )]);
    board.start();
    assert_eq!(
        board.read("data/wifi/Home.psk").as_deref(),
        Some("[Security]\nPassphrase=another one\n")
    );
    assert_eq!(board.read("data/wifi/main.conf").as_deref(), Some("[General]\nCountry=FR\n"));
    assert!(wifi.join("=436166c3a9.open").exists());
    // A mistake takes nothing away.
    board.put(&[("wifi.conf", "ssid = Home\npassphrase = SECRET0\n")]);
    let taken = board.start();
    assert!(taken.problems[0].starts_with("wifi.conf:2: a passphrase has 8"), "{taken:?}");
    assert!(wifi.join("=436166c3a9.open").exists());
    board.put(&[("wifi.conf", "#")]);
    board.start();
    let mut left: Vec<_> =
        fs::read_dir(wifi).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["Friends.psk"]);
}

/// A start with everything on it, over an older one, is cut off before each thing that it does.
#[test]
fn wherever_the_power_goes_the_next_start_comes_to_the_same_end() {
    let board = || {
        let board = Board::with(&[
            ("pilotlight.toml", GOOD),
            ("github-token", "github_pat_old"),
            ("authorized_keys", KEY),
            ("wifi.conf", "country = FR\nssid = Old\npassphrase = correct horse\nssid = Home\n"),
        ]);
        board.start();
        board.put(&[
            ("pilotlight.toml", OTHER),
            ("tls/ca.pem", "certificate"),
            ("github-token", &format!("{TOKEN}\n")),
            ("authorized_keys", "# nobody\n"),
            ("root_keys", &format!("{KEY}nonsense\n")),
            ("wifi.conf", WIFI),
        ]);
        board
    };
    let reference = board();
    reference.start();
    let end = reference.all();
    let cut_off = |operations: usize| {
        let board = board();
        let mut disk = Disk::new(&board.places.card).cut_after(operations);
        let taken = take_in(&board.places, &mut disk);
        (board, taken)
    };
    for cut in 0.. {
        let (board, taken) = cut_off(cut);
        let place = format!("cut before operation {cut}: {taken:?}");
        let config = board.places.data.join("pilotlight/config/pilotlight.toml");
        let config = Config::load(&config).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert!(config.files().all(Path::exists), "{place}");
        let kept = board.read("data/pilotlight/github-token").unwrap();
        let on_card = board.read("card/github-token").unwrap_or_default();
        let old = kept == "github_pat_old" && on_card.trim() == TOKEN;
        assert!(kept == TOKEN || old, "{place}");
        if !taken.failed {
            assert!(cut > 50, "{cut} operations");
            break; // it came to its end
        }
        board.start();
        assert_eq!(board.all(), end, "{place}");
        // And if its user has changed the card meanwhile: no network is known that nobody names.
        let (board, _) = cut_off(cut);
        board.put(&[("wifi.conf", "# none\n")]);
        board.start();
        let left = board
            .all()
            .into_keys()
            .filter(|name| name.ends_with(".psk") || name.ends_with(".open"));
        assert_eq!(left.count(), 0, "{place}");
    }
}

#[test]
fn the_files_that_are_shipped_ask_for_nothing_and_say_how_to() {
    let wifi = include_str!("../../image/card/wifi.conf");
    let keys = include_str!("../../image/card/authorized_keys");
    let readme = include_str!("../../image/card/README.txt");
    let shipped = [("wifi.conf", wifi), ("authorized_keys", keys), ("README.txt", readme)];
    let board = Board::with(&[&shipped[..], &[("pilotlight.toml", EXAMPLE)]].concat());
    let taken = board.start();
    assert!(taken.problems.is_empty() && taken.first.is_some(), "{taken:?}");
    assert_eq!(fs::read_dir(&board.places.data).unwrap().count(), 0);
    assert!(shipped.iter().all(|(_, text)| text.is_ascii()));
    assert!(readme.lines().count() <= 30 && readme.lines().all(|line| line.len() <= 79));
    // As its reader does it: a setting is a line behind a bare #.
    let settings = wifi.lines().filter_map(|line| line.strip_prefix('#'));
    let settings: Vec<&str> =
        settings.filter(|line| line.starts_with(char::is_alphabetic)).collect();
    board.put(&[("wifi.conf", &settings.join("\r\n"))]);
    assert!(board.start().problems.is_empty());
    assert_eq!(
        board.read("data/wifi/My network.psk").as_deref(),
        Some("[Security]\nPassphrase=8 to 63 characters\n")
    );
}
