//! A card, and a board that starts with it again and again.

mod configuration;
mod secrets;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, EXAMPLE};
use crate::io::system::disk::Disk;
use crate::provision::context::{CardPaths, Judge};
use crate::provision::import::import;
use crate::provision::judge::{CANDIDATE, by_this_program};
use crate::provision::report::{ProvisionReport, one_line, problem};

const GOOD: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                    zone = [{ name = 'example.net' }]\n";
const OTHER: &str = "nameserver = [{ name = 'ns2.example.net', addresses = ['192.0.2.2'] }]\n\
                     zone = [{ name = 'example.net' }]\ngithub = { repository = 'o/r', ca = 'tls/ca.pem' }\n";
const PAGE: &str = "endpoint = [{ url = 'https://www.example.net/', ca = 'tls/web.pem' }]\n";
const AUTHORITY: &str = include_str!("../../../tests/fakes/web/ca.pem");
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

pub(super) struct Board {
    dir: tempfile::TempDir,
    pub(super) paths: CardPaths,
    judge: Judge<'static>,
}

impl Board {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
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

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn put(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.paths.card.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.paths.card.join(name)).unwrap();
    }

    pub(super) fn start_with(&self, mut disk: Disk) -> ProvisionReport {
        import(&self.paths, &mut disk, self.judge)
    }

    pub(super) fn disk(&self) -> Disk {
        Disk::with_card(&self.paths.card)
    }

    pub(super) fn start(&self) -> ProvisionReport {
        let report = self.start_with(self.disk());
        assert!(!report.failed, "{report:?}");
        report
    }

    /// Starts; the problems, one on each line.
    pub(super) fn problems(&self) -> String {
        let problems = self.start().problems;
        problems.iter().map(|problem| one_line(problem) + "\n").collect()
    }

    /// Modes and contents of all files that outlive the power.
    pub(super) fn snapshot(&self) -> BTreeMap<String, String> {
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

    pub(super) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.at(name)).ok()
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        self.at(name).metadata().unwrap().permissions().mode() & 0o777
    }

    /// The names in a folder, in order.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
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
    let wifi = include_str!("../../../image/card/wifi.conf");
    let keys = include_str!("../../../image/card/authorized_keys");
    let readme = include_str!("../../../image/card/README.txt");
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
