//! A card, and a board that starts with it again and again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::context::{CardPaths, Judge};
use super::import::import;
use super::judge::{CANDIDATE, by_this_program};
use super::report::{ProvisionReport, one_line, problem};
use crate::config::{Config, EXAMPLE};
use crate::io::system::disk::Disk;

const GOOD: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                    zone = [{ name = 'example.net' }]\n";
const OTHER: &str = "nameserver = [{ name = 'ns2.example.net', addresses = ['192.0.2.2'] }]\n\
                     zone = [{ name = 'example.net' }]\ngithub = { repository = 'o/r', ca = 'tls/ca.pem' }\n";
const PAGE: &str = "endpoint = [{ url = 'https://www.example.net/', ca = 'tls/web.pem' }]\n";
const AUTHORITY: &str = include_str!("../../tests/fakes/web/ca.pem");
const BAD: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.300'] }]\r\n\
                   zone = [{ naem = 'example.net' }]\r\n";
const TOKEN: &str = "github_pat_11SECRET0abcdefghijklmnop";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T me@laptop\n";
const WIFI: &str = "ssid = Home\npassphrase = correct horse\ncountry = DE\n";

const CONFIG: &str = "data/pilotlight/config/pilotlight.toml";
const KEYS: &str = "data/ssh/authorized_keys";
const STORED_TOKEN: &str = "data/pilotlight/github-token";
const NOTICE: &str = "run/pilotlight-notices/card";
const PROBLEMS: &str = "card/PROBLEMS.txt";

struct Board {
    dir: tempfile::TempDir,
    paths: CardPaths,
    judge: Judge<'static>,
}

impl Board {
    fn new(files: &[(&str, &str)]) -> Self {
        // Hundreds of starts with dozens of fsyncs each are fast only in memory.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        let [card, data, run] = ["card", "data", "run"].map(|name| dir.path().join(name));
        for folder in [&card, &data, &run] {
            fs::create_dir(folder).unwrap();
        }
        let paths = CardPaths { card, data, run, durable: true };
        let board = Self { dir, paths, judge: &by_this_program };
        board.put(files);
        board
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.paths.card.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.paths.card.join(name)).unwrap();
    }

    fn start_with(&self, mut disk: Disk) -> ProvisionReport {
        import(&self.paths, &mut disk, self.judge)
    }

    fn disk(&self) -> Disk {
        Disk::with_card(&self.paths.card)
    }

    fn start(&self) -> ProvisionReport {
        let report = self.start_with(self.disk());
        assert!(!report.failed, "{report:?}");
        report
    }

    /// Starts; the problems, one on each line.
    fn problems(&self) -> String {
        let problems = self.start().problems;
        problems.iter().map(|problem| one_line(problem) + "\n").collect()
    }

    /// Modes and contents of all files that outlive the power.
    fn snapshot(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.paths.card.clone(), self.paths.data.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = path.symlink_metadata().unwrap();
                let name = path.strip_prefix(self.dir.path()).unwrap().display().to_string();
                if metadata.is_dir() {
                    folders.push(path);
                } else if metadata.is_symlink() {
                    files.insert(name, fs::read_link(&path).unwrap().display().to_string());
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    files.insert(name, format!("{:o} {text}", metadata.permissions().mode()));
                }
            }
        }
        files
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.at(name)).ok()
    }

    fn mode(&self, name: &str) -> u32 {
        self.at(name).metadata().unwrap().permissions().mode() & 0o777
    }

    /// The names in a folder, in order.
    fn list(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(name)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

#[test]
fn all_files_on_the_card_are_imported_and_the_second_start_changes_nothing() {
    let both = format!("{OTHER}{PAGE}");
    let board = Board::new(&[
        ("pilotlight.toml", &both),
        ("tls/ca.pem", AUTHORITY),
        ("tls/web.pem", AUTHORITY),
        ("github-token", &format!("{TOKEN}\r\n")),
        ("authorized_keys", KEY),
        ("root_keys", KEY),
        ("wifi.conf", WIFI),
        ("PROBLEMS.txt", "old ones"),
    ]);
    let report = board.start();
    assert!(report.problems.is_empty() && report.first_step.is_none(), "{report:?}");
    for (file, mode, text) in [
        (CONFIG, 0o644, both.as_str()),
        ("data/pilotlight/config/tls/ca.pem", 0o644, AUTHORITY),
        ("data/pilotlight/config/tls/web.pem", 0o644, AUTHORITY),
        (STORED_TOKEN, 0o600, TOKEN),
        ("run/credstore/github-token", 0o600, TOKEN),
        (KEYS, 0o644, KEY),
        ("data/ssh/root_keys", 0o644, KEY),
        ("data/wifi/Home.psk", 0o600, "[Security]\nPassphrase=correct\\shorse\n"),
        (
            "data/wifi/main.conf",
            0o600,
            "[General]\nCountry=DE\n[DriverQuirks]\nPowerSaveDisable=brcmfmac\nSaeDisable=brcmfmac\n",
        ),
    ] {
        assert_eq!(board.read(file).as_deref(), Some(text));
        assert_eq!(board.mode(file), mode, "{file}");
    }
    assert!(Config::load(&board.at(CONFIG)).unwrap().files().all(Path::exists));
    assert_eq!((board.mode("data/wifi"), board.mode("run/credstore")), (0o700, 0o700));
    assert_eq!((board.read("card/github-token"), board.read(PROBLEMS)), (None, None));
    let before = board.snapshot();
    let report = board.start_with(board.disk().cut_after(0));
    assert!(!report.failed && report.done.is_empty(), "nothing is written: {report:?}");
    assert_eq!(board.snapshot(), before);
}

#[test]
fn zone_files_are_imported_with_the_configuration_and_a_broken_one_leaves_the_old_in_force() {
    const SOA: &str = "@ SOA ns1 hostmaster 0 7200 3600 1209600 300\r\n";
    let config = GOOD.replace("'example.net' }", "'example.net', file = 'zones/example.net' }");
    let board = Board::new(&[("pilotlight.toml", &config), ("zones/example.net", SOA)]);
    assert_eq!(board.problems(), "");
    let imported = || board.read("data/pilotlight/config/zones/example.net").unwrap();
    assert_eq!(imported(), SOA);
    board.put(&[("zones/example.net", &format!("{SOA}www A 192.0.2.300\r\n"))]);
    let problems = board.problems();
    assert!(problems.starts_with("zones/example.net:2: \"www A 192.0.2.300\" is"), "{problems}");
    assert_eq!(imported(), SOA);
    // The configuration is the same, but not the file that it names.
    let changed = format!("{SOA}www A 192.0.2.30\r\n");
    board.put(&[("zones/example.net", &changed)]);
    assert_eq!(board.problems(), "");
    assert_eq!(imported(), changed);
    board.remove("zones/example.net");
    let problems = board.problems();
    assert!(problems.starts_with("pilotlight.toml:2: zone[0].file: \"zones/"), "{problems}");
}

#[test]
fn each_start_installs_the_credential_even_without_a_card() {
    let board = Board::new(&[("github-token", TOKEN)]);
    board.start();
    fs::remove_dir_all(board.at("run/credstore")).unwrap();
    fs::remove_dir_all(&board.paths.card).unwrap();
    let report = board.start_with(board.disk());
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    assert!(
        report.failed && report.problems[0].reason.contains("/card: No such file"),
        "{report:?}"
    );
}

#[test]
fn a_configuration_with_problems_is_explained_on_the_card_and_the_last_good_one_stays() {
    let board = Board::new(&[("pilotlight.toml", GOOD)]);
    board.start();
    board.put(&[("pilotlight.toml", BAD)]);
    let count = board.start().problems.len();
    assert_eq!(board.read(CONFIG).as_deref(), Some(GOOD));
    let text = board.read(PROBLEMS).unwrap();
    let mut from = 0;
    for part in [
        "\r\n\r\npilotlight.toml:1: nameserver[0].addresses[0]: \"192.0.2.300\" is not an IP address\r\n    write",
        "\r\n\r\npilotlight.toml:2: zone[0]",
        "\r\n\r\nUntil then the configuration imported before stays in force: config-",
        ", which watches ns1.example.net.\r\n",
    ] {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part:?} is missing: {text}"));
    }
    let notice = board.read(NOTICE).unwrap();
    assert_eq!(notice.lines().count(), count, "{notice}");
    assert!(notice.starts_with("pilotlight.toml:1: nameserver[0].addresses[0]: "), "{notice}");
    let before = board.snapshot();
    board.start();
    assert_eq!(board.snapshot(), before);
    // Corrected, in a file with another name.
    board.remove("pilotlight.toml");
    let good = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    board.put(&[("PILOTL~1.TOM", "x"), ("Pilotlight.toml.txt", &good)]);
    assert!(board.start().done.is_empty(), "the same as before");
    assert_eq!((board.read(PROBLEMS), board.read(NOTICE)), (None, None));
}

#[test]
fn only_the_configuration_in_force_is_stored() {
    let board = Board::new(&[("pilotlight.toml", GOOD)]);
    board.start();
    let changed = format!("{AUTHORITY}\n");
    for certificate in [AUTHORITY, &changed] {
        board.put(&[("pilotlight.toml", OTHER), ("tls/ca.pem", certificate)]);
        board.start();
    }
    assert_eq!(board.read("data/pilotlight/config/tls/ca.pem").as_deref(), Some(&*changed));
    assert_eq!(board.list("data/pilotlight").len(), 2);
    // A damaged file is replaced from the card.
    fs::write(board.at(CONFIG), "").unwrap();
    board.start();
    assert_eq!(board.read(CONFIG).as_deref(), Some(OTHER));
}

#[test]
fn the_files_that_a_configuration_names_must_be_on_the_card() {
    for (name, expected) in [
        (
            "tls/ca.pem",
            "pilotlight.toml:3: github.ca: \"tls/ca.pem\" names a file that does not exist",
        ),
        (
            "../secret",
            "pilotlight.toml:3: github.ca: \"../secret\" names a file that does not exist",
        ),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes/web/ca.pem"), ""), // not on the card
    ] {
        let config = OTHER.replace("tls/ca.pem", name);
        let board = Board::new(&[("pilotlight.toml", &config), ("../secret", "x")]);
        let problems = board.problems();
        assert!(problems.starts_with(expected), "{problems}");
        assert_eq!(problems.is_empty(), expected.is_empty(), "{problems}");
        assert_eq!(board.read(CONFIG).is_some(), expected.is_empty());
    }
}

#[test]
fn a_new_card_names_the_first_step_and_that_is_not_a_problem() {
    let board = Board::new(&[("pilotlight.toml", &EXAMPLE.replace('\n', "\r\n"))]);
    let report = board.start();
    assert!(report.problems.is_empty() && report.first_step.is_some(), "{report:?}");
    let text = board.read(PROBLEMS).unwrap();
    assert!(
        text.contains("one thing to do") && text.contains("put your own nameservers"),
        "{text}"
    );
    assert_eq!((board.read(NOTICE), board.read(CONFIG)), (None, None));
    // An editor saved the real one as pilotlight.toml.txt beside the example.
    board.put(&[("pilotlight.toml.txt", GOOD)]);
    assert!(board.start().first_step.is_none());
    assert_eq!(board.read(CONFIG).as_deref(), Some(GOOD));
    board.remove("pilotlight.toml.txt");
    assert!(board.start().first_step.is_none(), "the example does not replace it");
    assert_eq!(board.read(PROBLEMS), None);
    assert!(Board::new(&[]).start().first_step.is_some(), "a card without any");
}

#[test]
fn a_missing_or_empty_file_changes_nothing_but_comments_alone_remove() {
    let files = [("pilotlight.toml", GOOD), ("authorized_keys", KEY), ("root_keys", KEY)];
    let board = Board::new(&files);
    board.put(&[("wifi.conf", WIFI), ("github-token", TOKEN)]);
    board.start();
    let names = ["pilotlight.toml", "authorized_keys", "root_keys", "wifi.conf"];
    names.iter().for_each(|name| board.remove(name));
    let before = board.snapshot();
    assert_eq!(board.problems(), "");
    assert_eq!(board.snapshot(), before);
    board.put(&names.map(|name| (name, "")));
    board.put(&[("github-token", "")]);
    let problems = board.problems();
    let starts = ["pilotlight.toml: is empty; ", "github-token: is empty; "];
    assert!(
        problems.lines().zip(starts).all(|(line, start)| line.starts_with(start)),
        "{problems}"
    );
    assert_eq!(problems.lines().count(), 2);
    assert_eq!(board.read(CONFIG).as_deref(), Some(GOOD));
    assert_eq!(board.read(KEYS).as_deref(), Some(KEY));
    board.put(&[("authorized_keys", "# none\n"), ("wifi.conf", "# none\n")]);
    board.start();
    assert_eq!(board.read(KEYS).as_deref(), Some(""));
    assert_eq!(board.read("data/ssh/root_keys").as_deref(), Some(KEY));
    assert_eq!(board.list("data/wifi"), [""; 0]);
}

#[test]
fn a_token_is_never_repeated_and_other_text_is_not_imported() {
    let utf16: Vec<u8> = TOKEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(Vec<u8>, bool); 8] = [
        (format!("\u{feff}{TOKEN}\n").into(), true),
        ([&[0xff, 0xfe], &utf16[..]].concat(), true),
        (format!("{TOKEN}\n{TOKEN}\n").into(), false),
        (format!("token = {TOKEN}\n").into(), false),
        (format!("{TOKEN}\u{7}").into(), false),
        (utf16, false),
        (b"\xffSECRET0".into(), false),
        (b"\0\0\0SECRET0".into(), false),
    ];
    for (bytes, good) in cases {
        let board = Board::new(&[]);
        let file = board.at("card/Github-Token.txt");
        fs::write(&file, bytes).unwrap();
        let report = board.start();
        assert_eq!(board.read(STORED_TOKEN).is_some(), good, "{report:?}");
        assert_eq!(
            (file.exists(), report.problems.len()),
            (!good, usize::from(!good)),
            "{report:?}"
        );
        let text = format!("{report:?}{:?}", board.read(PROBLEMS));
        assert!(!text.contains("SECRET0"), "{text}");
    }
    let board = Board::new(&[("github-token", TOKEN), ("github-token.txt", "another")]);
    let problems = board.problems();
    assert!(problems.starts_with("github-token and github-token.txt: "), "{problems}");
}

#[test]
fn the_rest_of_an_interrupted_token_overwrite_is_removed() {
    for rest in ["\0\0\0\0", "\n\n", &format!("\0\0\0{}", &TOKEN[20..])] {
        let board = Board::new(&[("github-token", TOKEN)]);
        board.start();
        board.put(&[("github-token", rest)]);
        let report = board.start();
        assert!(report.problems.is_empty() && report.done.is_empty(), "{report:?}");
        assert_eq!(board.read("card/github-token"), None);
        assert_eq!(board.read(STORED_TOKEN).as_deref(), Some(TOKEN));
    }
}

#[test]
fn a_token_stays_on_the_card_if_the_data_partition_is_only_memory() {
    let mut board = Board::new(&[("github-token", TOKEN)]);
    board.paths.durable = false;
    let report = board.start();
    assert!(report.done.iter().any(|done| done.contains("stays on the card")), "{report:?}");
    assert_eq!(board.read("card/github-token").as_deref(), Some(TOKEN));
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    let here = Path::new("/");
    assert!(CardPaths::new(here, Path::new("/proc"), here).durable, "a mount, but not memory");
}

#[test]
fn good_keys_are_imported_beside_bad_ones_and_a_private_key_changes_nothing() {
    let board = Board::new(&[("authorized_keys", &format!("# mine\r\nssh-rsa AAAA\r\n{KEY}"))]);
    let problems = board.problems();
    assert_eq!(board.read(KEYS).as_deref(), Some(KEY));
    assert!(problems.starts_with("authorized_keys:2: this is not a complete"), "{problems}");
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET0\n-----END OPENSSH PRIVATE KEY-----\n";
    for text in [private.to_owned(), format!("{KEY}{private}"), "nonsense\n".to_owned()] {
        board.put(&[("authorized_keys", &text)]);
        let problems = board.problems();
        assert_eq!(board.read(KEYS).as_deref(), Some(KEY), "its owner can still log in");
        assert_eq!(problems.lines().count(), 1, "{problems}");
        assert_eq!(problems.contains("PRIVATE"), text.contains("PRIVATE"), "{problems}");
        let text = board.read(PROBLEMS).unwrap();
        assert!(!text.contains("SECRET0") && text.contains("stay in force"), "{text}");
    }
}

#[test]
fn networks_are_added_changed_and_removed_but_not_those_that_iwd_added() {
    let board = Board::new(&[("wifi.conf", WIFI)]);
    board.start();
    let home = || board.read("data/wifi/Home.psk").unwrap();
    let derived = "[Security]\nPassphrase=correct horse\nPreSharedKey=00ff\n";
    fs::write(board.at("data/wifi/Home.psk"), derived).unwrap();
    fs::write(board.at("data/wifi/Friends.psk"), "[Security]\nPassphrase=by iwctl\n").unwrap();
    board.start();
    assert_eq!(home(), derived);
    let changed = "country = FR\nssid = Home\npassphrase = another one\nssid = Caf\u{e9}\n";
    board.put(&[("wifi.conf", changed)]);
    board.start();
    assert_eq!(home(), "[Security]\nPassphrase=another\\sone\n");
    assert!(board.read("data/wifi/main.conf").unwrap().starts_with("[General]\nCountry=FR\n"));
    let networks = ["=436166c3a9.open", "Friends.psk", "Home.psk", "from-the-card", "main.conf"];
    assert_eq!(board.list("data/wifi"), networks);
    board.put(&[("wifi.conf", &format!("{changed}hidden = yes\n"))]);
    board.start();
    let hidden = "[Settings]\nAutoConnect=true\nHidden=true\n";
    assert_eq!(board.read("data/wifi/=436166c3a9.open").unwrap(), hidden);
    board.put(&[("wifi.conf", "ssid = Home\npassphrase = SECRET0\n")]);
    let problems = board.problems();
    assert!(problems.starts_with("wifi.conf:2: a passphrase has 8"), "{problems}");
    assert_eq!(board.list("data/wifi"), networks, "a mistake removes nothing");
    board.put(&[("wifi.conf", "#")]);
    board.start();
    assert_eq!(board.list("data/wifi"), ["Friends.psk"]);
}

/// The power fails before each operation of a start that changes everything.
#[test]
fn after_a_power_cut_at_any_time_the_next_start_has_the_same_result() {
    let board = || {
        let board = Board::new(&[
            ("pilotlight.toml", GOOD),
            ("github-token", "github_pat_old"),
            ("authorized_keys", KEY),
            ("wifi.conf", "country = FR\nssid = Old\npassphrase = correct horse\nssid = Home\n"),
        ]);
        board.start();
        board.put(&[
            ("pilotlight.toml", OTHER),
            ("tls/ca.pem", AUTHORITY),
            ("github-token", &format!("{TOKEN}\n")),
            ("authorized_keys", "# none\n"),
            ("root_keys", &format!("{KEY}nonsense\n")),
            ("wifi.conf", WIFI),
        ]);
        board
    };
    let reference = board();
    reference.start();
    let end = reference.snapshot();
    let cut_after = |operations: usize| {
        let board = board();
        let report = board.start_with(board.disk().cut_after(operations));
        (board, report)
    };
    for operations in 0.. {
        let (board, report) = cut_after(operations);
        let case = format!("cut after {operations} operations: {report:?}");
        let config = Config::load(&board.at(CONFIG)).unwrap_or_else(|e| panic!("{case}: {e}"));
        assert!(config.files().all(Path::exists), "{case}");
        let stored = board.read(STORED_TOKEN).unwrap();
        let on_card = board.read("card/github-token").unwrap_or_default();
        let old = stored == "github_pat_old" && on_card.trim() == TOKEN;
        assert!(stored == TOKEN || old, "{case}");
        if !report.failed {
            assert!(operations > 50, "{case}");
            break;
        }
        board.start();
        assert_eq!(board.snapshot(), end, "{case}");
        // The user removed all networks from the card before that next start.
        let (board, _) = cut_after(operations);
        board.put(&[("wifi.conf", "# none\n")]);
        board.start();
        let left = board.snapshot().into_keys();
        let left = left.filter(|name| name.ends_with(".psk") || name.ends_with(".open"));
        assert_eq!(left.count(), 0, "{case}");
    }
}

#[test]
fn the_shipped_files_change_nothing_and_explain_themselves() {
    let wifi = include_str!("../../image/card/wifi.conf");
    let keys = include_str!("../../image/card/authorized_keys");
    let readme = include_str!("../../image/card/README.txt");
    let shipped = [("wifi.conf", wifi), ("authorized_keys", keys), ("README.txt", readme)];
    let board = Board::new(&shipped);
    board.put(&[("pilotlight.toml", EXAMPLE)]);
    let report = board.start();
    assert!(report.problems.is_empty() && report.first_step.is_some(), "{report:?}");
    assert_eq!(board.list("data"), [""; 0]);
    assert!(shipped.iter().all(|(_, text)| text.is_ascii()));
    assert!(readme.lines().count() <= 30 && readme.lines().all(|line| line.len() <= 79));
    // As its reader does it: a setting is a line with a bare # before it.
    let settings = wifi.lines().filter_map(|line| line.strip_prefix('#'));
    let settings: Vec<&str> =
        settings.filter(|line| line.starts_with(char::is_alphabetic)).collect();
    board.put(&[("wifi.conf", &settings.join("\r\n"))]);
    assert_eq!(board.problems(), "");
    assert_eq!(
        board.read("data/wifi/My network.psk").as_deref(),
        Some("[Security]\nPassphrase=8\\sto\\s63\\scharacters\n")
    );
}

/// A file that names no byte of the card's disk.
fn put_zeros(board: &Board, name: &str, megabytes: u64) {
    fs::File::create(board.at(name)).unwrap().set_len(megabytes << 20).unwrap();
}

#[test]
fn a_file_that_does_not_fit_into_memory_is_said() {
    let zone = GOOD.replace("'example.net' }", "'example.net', file = 'example.net.zone' }");
    for name in ["pilotlight.toml", "github-token", "authorized_keys", "wifi.conf"] {
        let board = Board::new(&[]);
        put_zeros(&board, &format!("card/{name}"), 100);
        let problems = board.problems();
        assert!(problems.starts_with(&format!("{name}: is larger than 1 MB")), "{problems}");
        assert!(board.read(PROBLEMS).unwrap().contains("is larger than 1 MB"));
    }
    let board = Board::new(&[("pilotlight.toml", &zone)]);
    put_zeros(&board, "card/example.net.zone", 9);
    put_zeros(&board, PROBLEMS, 100);
    let problems = board.problems();
    assert!(problems.starts_with("example.net.zone: and the other files that"), "{problems}");
    assert!(board.read(PROBLEMS).unwrap().contains("are larger than 8 MB"));
    let board =
        Board::new(&[("authorized_keys", &KEY.repeat(201)), ("wifi.conf", &"x\n".repeat(60))]);
    let problems = board.problems();
    assert!(problems.starts_with("authorized_keys: has more than 200 lines"), "{problems}");
    assert!(
        problems.ends_with("\n10 more problems are not shown; correct these first\n"),
        "{problems}"
    );
}

#[test]
fn the_version_in_use_judges_the_configuration_and_its_new_keys_name_files() {
    let mut board =
        Board::new(&[("pilotlight.toml.txt", "[new]\nkey = ['new/file', 'github-token']\n")]);
    board.put(&[("new/file", "content"), ("github-token", TOKEN)]);
    assert!(board.problems().contains("pilotlight.toml.txt:1: "), "this program knows no such key");
    board.judge = &|run| {
        let folder = run.join(CANDIDATE);
        assert_eq!(fs::read_to_string(folder.join("new/file")).unwrap(), "content");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "no secret is beside it");
        Ok(())
    };
    assert_eq!(board.problems(), "");
    assert_eq!(board.read("data/pilotlight/config/new/file").as_deref(), Some("content"));
    board.put(&[("pilotlight.toml.txt", "other = 1\n")]);
    board.judge = &|_| Err(vec![problem("", None, "pilotlight.toml:1: other: is new", "wait")]);
    assert_eq!(board.problems(), "pilotlight.toml.txt:1: other: is new; wait\n");
    assert_eq!(board.list("run/pilotlight-config"), [""; 0]);
}
