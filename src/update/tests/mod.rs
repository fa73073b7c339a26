//! A board, its service, and binaries that behave as their text says: a version and a behaviour.

mod power_cut;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use crate::decide::time::Moment;
use crate::io::system::disk::Disk;
use crate::io::system::executable::sha256;
use crate::io::system::unit::ProcessEnd;
use crate::update::error::UpdateError;
use crate::update::paths::UpdatePaths;
use crate::update::probation::TimeLimits;
use crate::update::state::{Binary, Outcome, UpdateState};
use crate::update::system::{ServiceState, System};
use crate::update::updater::{ROLLBACK, Updater};

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// Something that happens at a time, in seconds.
type Event = (u64, Box<dyn FnMut(&UpdatePaths)>);

struct FakeSystem {
    paths: UpdatePaths,
    now: Duration,
    run: usize,
    /// The running binary, and since when it runs.
    running: (PathBuf, Duration),
    events: Vec<Event>,
}

impl FakeSystem {
    fn new(paths: &UpdatePaths) -> Self {
        let running = (paths.factory.clone(), Duration::ZERO);
        Self { paths: paths.clone(), now: Duration::ZERO, run: 0, running, events: Vec::new() }
    }
}

impl System for FakeSystem {
    fn test_run(&mut self, hash: &str) -> Result<String, UpdateError> {
        let text = text(&self.paths.store.join(hash));
        let (version, behaviour) = text.split_once(' ').unwrap();
        let end = ProcessEnd::Exited("78".to_owned());
        let refusal = UpdateError::TestRun { option: "config", end, output: String::new() };
        if behaviour == "refuses" { Err(refusal) } else { Ok(version.to_owned()) }
    }

    fn restart(&mut self) -> Result<(), UpdateError> {
        self.run += 1;
        let binary = fs::read_link(self.paths.current()).unwrap();
        assert!(is_intact(&binary, &self.paths), "only an intact binary is started");
        self.running = (binary, self.now);
        Ok(())
    }

    fn service(&mut self) -> ServiceState {
        let intact = binaries(&self.paths).into_iter().filter(|file| is_intact(file, &self.paths));
        assert!(intact.count() <= 3);
        let (file, since) = &self.running;
        let (text, age) = (text(file), (self.now - *since).as_secs());
        let end = match text.split_once(' ').unwrap().1 {
            "exits" if age >= 1 => Some(ProcessEnd::Exited("3".to_owned())),
            "wedges" if age >= 65 => Some(ProcessEnd::Watchdog),
            _ => None,
        };
        let finished_round = !text.ends_with("late") && age >= 5 && end.is_none();
        let finished_round = finished_round.then(|| sha256(text.as_bytes()));
        ServiceState { run: self.run.to_string(), end, finished_round }
    }

    fn wait(&mut self) {
        self.now += Duration::from_secs(1);
        assert!(self.now < Duration::from_secs(9999), "an update ends");
        for (_, act) in self.events.iter_mut().filter(|(at, _)| *at == self.now.as_secs()) {
            act(&self.paths);
        }
    }

    fn now(&self) -> Moment {
        Moment { uptime: self.now, ..Moment::default() }
    }
}

/// True for the card's own binary, and for one with the content that its name promises.
fn is_intact(file: &Path, paths: &UpdatePaths) -> bool {
    let is_named_by = |bytes: Vec<u8>| file.ends_with(sha256(&bytes));
    file == paths.factory || fs::read(file).is_ok_and(is_named_by)
}

fn binaries(paths: &UpdatePaths) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(&paths.store).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| *path != paths.state()).collect()
}

struct Board {
    _dir: tempfile::TempDir,
    paths: UpdatePaths,
    system: FakeSystem,
}

impl Board {
    /// A board that has accepted these updates.
    fn new(updates: &[&str]) -> Self {
        // Hundreds of starts with dozens of fsyncs each are fast only in memory.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        let [uploads, store, run, factory] =
            ["home/update", "store", "run", "factory"].map(|name| dir.path().join(name));
        let paths = UpdatePaths { uploads, store, run, factory };
        fs::create_dir(&paths.store).unwrap();
        fs::write(&paths.factory, "0.1.0 good").unwrap();
        let mut board = Self { _dir: dir, system: FakeSystem::new(&paths), paths };
        board.start(Disk::default()).unwrap();
        for update in updates {
            board.update(update);
            assert!(board.runs(update), "{:?}", board.state());
        }
        board
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.paths.uploads.join(name), text).unwrap();
    }

    fn updater(&mut self, disk: Disk) -> Updater<'_, FakeSystem> {
        let second = Duration::from_secs;
        let limits = TimeLimits { ready: second(90), probation: second(75) };
        let hash = sha256(&fs::read(&self.paths.factory).unwrap());
        let factory = Binary { version: "0.1.0".into(), hash, since: None };
        Updater::new(&self.paths, disk, &mut self.system, limits, factory)
    }

    /// Installs all uploads and returns the log.
    fn install(&mut self) -> String {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || Log(writer.clone()));
        // With one subscriber only, tracing asks that of the thread which logs a line first: another test's.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        tracing::subscriber::with_default(subscriber.finish(), || {
            self.updater(Disk::default()).install_uploads().unwrap();
        });
        assert_eq!(fs::read_dir(&self.paths.uploads).unwrap().count(), 0, "all are removed");
        assert!(!self.paths.uploads.with_file_name(".update").join("upload").exists());
        assert!(binaries(&self.paths).len() <= 2);
        String::from_utf8(log.lock().unwrap().clone()).unwrap()
    }

    fn update(&mut self, text: &str) -> String {
        self.put("pilotlight", text);
        self.install()
    }

    fn roll_back(&mut self) {
        self.put(ROLLBACK, "");
        self.install();
    }

    /// Starts after a power cut: what was in memory is gone, and nothing runs yet.
    fn start(&mut self, disk: Disk) -> Result<(), UpdateError> {
        for folder in [&self.paths.run, self.paths.uploads.parent().unwrap()] {
            let _ = fs::remove_dir_all(folder);
        }
        fs::create_dir_all(&self.paths.uploads).unwrap();
        self.system = FakeSystem::new(&self.paths);
        self.updater(disk).recover()?;
        self.system.restart()
    }

    fn state(&self) -> UpdateState {
        self.paths.load_state()
    }

    fn rejection(&self) -> String {
        let state = self.state();
        state.rejection().map_or_else(|| panic!("{state:?}"), |(_, reason)| reason.to_owned())
    }

    fn runs(&self, start: &str) -> bool {
        let file = &self.system.running.0;
        assert_eq!(&fs::read_link(self.paths.current()).unwrap(), file);
        text(file).starts_with(start)
    }

    fn notice(&self) -> Option<String> {
        fs::read_to_string(self.paths.notice()).ok()
    }
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_good_update_stays_in_use_after_the_next_start_and_the_previous_one_is_stored() {
    let mut board = Board::new(&["0.2.0 good"]);
    let state = board.state();
    assert_eq!(state.last.unwrap().outcome, Outcome::Accepted);
    assert_eq!((state.previous, board.notice()), (None, None));
    board.start(Disk::default()).unwrap();
    assert!(board.runs("0.2.0"));
    let log = board.update("0.3.0 good");
    assert!(board.runs("0.3.0") && log.contains("it takes the place of 0.2.0 ("), "{log}");
    assert_eq!(board.state().previous.unwrap().version, "0.2.0");
    assert_eq!(binaries(&board.paths).len(), 2);
}

#[test]
fn a_bad_update_is_undone_and_the_reason_is_in_the_journal_in_status_and_on_the_panel() {
    for (behaviour, reason) in [
        ("refuses", "run with `config`, it exited with 78; it said: "),
        ("exits", "it exited with 3 before it had finished a round"),
        ("late", "it has not finished a round within 1 min 30 s"),
        ("wedges", "it hung, and the watchdog ended it after its first round"),
    ] {
        for before in [&["0.2.0 good"][..], &[]] {
            let mut board = Board::new(before);
            let old = board.state();
            let log = board.update(&format!("0.3.0 {behaviour}"));
            assert!(board.runs(before.first().unwrap_or(&"0.1.0")), "{log}");
            assert_eq!(board.rejection(), reason);
            let state = board.state();
            assert_eq!((state.current, state.previous), (old.current, old.previous));
            let notice = board.notice().unwrap();
            assert!(log.contains(reason) && notice.contains(reason), "{log} {notice}");
            assert!(notice.contains(" is in use\n"), "{notice}");
            board.update("0.4.0 good");
            assert!(board.runs("0.4.0") && board.notice().is_none());
        }
    }
}

#[test]
fn an_upload_that_is_not_a_normal_file_is_rejected_and_removed() {
    let make_fifo = |at: &Path| {
        assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
    };
    type Case = (&'static str, fn(&Path), &'static str);
    let cases: [Case; 6] = [
        ("a link", |at| symlink("/bin/sh", at).unwrap(), "is a symbolic link: "),
        ("a link to nowhere", |at| symlink("/nowhere", at).unwrap(), "is a symbolic link: "),
        ("a folder", |at| fs::create_dir_all(at.join("in/it")).unwrap(), "is not a regular file"),
        ("a pipe", make_fifo, "is not a regular file"),
        ("a device", |at| symlink("/dev/zero", at).unwrap(), "is a symbolic link: "),
        ("2 GB", |at| File::create(at).unwrap().set_len(2 << 30).unwrap(), "is larger than 16 MB"),
    ];
    let mut board = Board::new(&["0.2.0 good"]);
    let left = board.paths.uploads.with_file_name(".update").join("upload.1/in/it");
    fs::create_dir_all(&left).unwrap(); // by a removal that was interrupted
    let run = board.system.run;
    for (name, make, reason) in cases {
        make(&board.paths.uploads.join(name));
        let log = board.install();
        assert!(board.rejection().contains(reason), "{name}: {log}");
        assert!(log.contains(&format!("{name}: rejected: ")), "{log}");
        assert!(board.notice().unwrap().starts_with(&format!("{name} was rejected: ")));
        assert_eq!((board.system.run, binaries(&board.paths).len()), (run, 1), "{name}");
    }
    assert!(Path::new("/bin/sh").exists() && !left.exists());
}

#[test]
fn a_slow_writer_is_waited_for_and_cannot_change_what_was_read() {
    let mut board = Board::new(&[]);
    board.put("pilotlight", "0.2");
    let upload = board.paths.uploads.join("pilotlight");
    let mut writer = OpenOptions::new().append(true).open(upload).unwrap();
    // At 40 s it is on probation.
    for (at, text) in [(8, ".0 "), (16, "good"), (40, "too late")] {
        let mut writer = writer.try_clone().unwrap();
        let write = move |_: &UpdatePaths| writer.write_all(text.as_bytes()).unwrap();
        board.system.events.push((at, Box::new(write)));
    }
    board.install();
    assert_eq!(text(&board.system.running.0), "0.2.0 good");
    writer.write_all(b"later still").unwrap();
    assert_eq!(text(&board.system.running.0), "0.2.0 good");
}

#[test]
fn a_file_that_never_stops_growing_is_rejected() {
    let mut board = Board::new(&[]);
    board.put("pilotlight", "");
    let file = File::options().append(true).open(board.paths.uploads.join("pilotlight")).unwrap();
    for at in (5..1000).step_by(5) {
        let mut file = file.try_clone().unwrap();
        board.system.events.push((at, Box::new(move |_| file.write_all(b"x").unwrap())));
    }
    board.install();
    assert!(board.rejection().starts_with("was still being written"), "{}", board.rejection());
}

#[test]
fn the_binary_in_use_is_not_restarted_and_an_older_one_is_a_downgrade_but_accepted() {
    let mut board = Board::new(&["0.10.0 good"]);
    let (state, run) = (board.state(), board.system.run);
    let log = board.update("0.10.0 good");
    assert!(log.contains("is in use already: nothing to do"), "{log}");
    assert_eq!((board.state(), board.system.run), (state, run));
    let log = board.update("0.9.0 good");
    assert!(board.runs("0.9.0") && log.contains("a downgrade"), "{log}");
    let log = board.update("0.10.0 good");
    assert!(board.runs("0.10.0") && !log.contains("a downgrade"), "the previous one: {log}");
    let log = Board::new(&[]).update("0.1.0 good");
    assert!(log.contains("is in use already"), "the card's own: {log}");
}

#[test]
fn of_several_uploads_the_newest_stays_even_if_it_comes_during_an_update() {
    let mut board = Board::new(&[]);
    board.put("b", "0.2.0 good");
    board.put("a", "0.3.0 good");
    let later = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    File::open(board.paths.uploads.join("a")).unwrap().set_modified(later).unwrap();
    let put = |paths: &UpdatePaths| fs::write(paths.uploads.join("b"), "0.4.0 good").unwrap();
    board.system.events.push((100, Box::new(put)));
    board.install();
    assert!(board.runs("0.4.0") && board.state().previous.unwrap().version == "0.3.0");
}

#[test]
fn a_file_named_rollback_returns_to_the_previous_version_and_a_second_one_undoes_that() {
    let mut board = Board::new(&["0.2.0 good"]);
    board.roll_back();
    assert!(board.runs("0.1.0") && board.state().current.is_none());
    board.start(Disk::default()).unwrap();
    assert!(board.runs("0.1.0"));
    board.roll_back();
    assert!(board.runs("0.2.0") && board.state().rejection().is_none());
    board.roll_back();
    let hash = board.state().previous.unwrap().hash;
    fs::write(board.paths.store.join(hash), "damaged").unwrap();
    board.roll_back();
    assert!(board.runs("0.1.0") && board.rejection().contains("is damaged"));
    let mut board = Board::new(&[]);
    board.roll_back();
    assert!(board.rejection().contains("there is no previous version"), "{}", board.rejection());
}

#[test]
fn a_damaged_binary_is_replaced_at_the_next_start() {
    let mut board = Board::new(&["0.2.0 good", "0.3.0 good"]);
    for (damaged, stays) in [("0.3.0", "0.2.0"), ("0.2.0", "0.1.0")] {
        fs::write(&board.system.running.0, "damaged").unwrap();
        board.start(Disk::default()).unwrap();
        assert!(board.runs(stays));
        assert!(board.notice().unwrap().starts_with(damaged), "{:?}", board.notice());
    }
    assert!(binaries(&board.paths).is_empty());
    fs::write(board.paths.state(), "no JSON").unwrap();
    board.start(Disk::default()).unwrap();
    assert!(board.runs("0.1.0"));
}
