//! A board, a service on it, and binaries that are as good or as bad as their text says.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::*;

/// A whole program, as far as its tables tell: they are empty. It is of this version and does this.
fn program(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[16] = 3;
    bytes[18..20].copy_from_slice(&elf::MACHINE.0.to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

/// The same, with a table at its end.
fn with_table(text: &str) -> Vec<u8> {
    let mut bytes = program(text);
    bytes[40] = u8::try_from(bytes.len()).unwrap();
    (bytes[58], bytes[60]) = (64, 1);
    bytes.extend([0; 64]);
    bytes
}

fn text(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    String::from_utf8_lossy(&bytes[64..]).trim_matches('\0').to_owned()
}

type Deed = (u64, Box<dyn FnMut(&Places)>);

/// Systemd, and time.
struct Machine {
    places: Places,
    now: Duration,
    run: usize,
    /// What runs, and since when.
    running: (PathBuf, Duration),
    /// What somebody does, so many seconds later.
    meanwhile: Vec<Deed>,
}

impl Board for Machine {
    fn try_out(&mut self, hash: &str) -> Result<String, String> {
        let text = text(&self.places.store.join(hash));
        let (version, does) = text.split_once(' ').unwrap();
        if does == "refuses" { Err("it exited with 78".into()) } else { Ok(version.to_owned()) }
    }

    fn restart(&mut self) -> Result<(), String> {
        self.run += 1;
        let link = self.places.current();
        assert!(
            intact_file(&fs::read_link(&link).unwrap(), &self.places),
            "only what is whole is run"
        );
        self.running = (fs::read_link(link).unwrap(), self.now);
        Ok(())
    }

    fn look(&mut self) -> Seen {
        let whole = |path: &&PathBuf| intact_file(path, &self.places);
        assert!(binaries(&self.places).iter().filter(whole).count() <= 3);
        let (file, since) = &self.running;
        let (text, age) = (text(file), self.now - *since);
        let after = |seconds, why: &str| (age.as_secs() >= seconds).then(|| why.to_owned());
        let died = match text.split_once(' ').unwrap().1 {
            "exits" => after(1, "it exited with 3"),
            "wedges" => after(65, "it hung, and the watchdog ended it"),
            _ => None,
        };
        let watches = !text.ends_with("late") && age.as_secs() >= 5 && died.is_none();
        let hash = watches.then(|| sha256(&fs::read(file).unwrap()));
        Seen { run: self.run.to_string(), died, watches: hash }
    }

    fn pause(&mut self) {
        self.now += Duration::from_secs(1);
        assert!(self.now < Duration::from_secs(9999), "it ends");
        for (_, deed) in self.meanwhile.iter_mut().filter(|(at, _)| *at == self.now.as_secs()) {
            deed(&self.places);
        }
    }

    fn now(&self) -> Moment {
        Moment { uptime: self.now, wall: None }
    }
}

/// Whether it is the card's own, or has the content that its name says.
fn intact_file(file: &Path, places: &Places) -> bool {
    file == places.factory
        || fs::read(file).is_ok_and(|bytes| Path::new(&sha256(&bytes)) == file.file_name().unwrap())
}

fn binaries(places: &Places) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(&places.store).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| *path != places.state()).collect()
}

struct Home {
    _dir: tempfile::TempDir,
    places: Places,
    machine: Machine,
}

impl Home {
    fn new() -> Self {
        // Hundreds of starts, each with dozens of fsyncs: in memory where there is such a folder.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        let at = |name: &str| dir.path().join(name);
        let factory = at("factory");
        let places =
            Places { uploads: at("home/update"), store: at("store"), run: at("run"), factory };
        fs::create_dir(&places.store).unwrap();
        fs::write(&places.factory, program("0.1.0 good")).unwrap();
        let mut home = Self { _dir: dir, machine: Machine::of(&places), places };
        home.start(Disk::default()).unwrap();
        home
    }

    fn with(texts: &[&str]) -> Self {
        let mut home = Self::new();
        for text in texts {
            home.put("pilotlight", &program(text));
            home.take_in();
            assert!(home.runs(text), "{:?}", home.kept());
        }
        home
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.places.uploads.join(name), bytes).unwrap();
    }

    fn updates(&mut self, disk: Disk) -> Updates<'_, Machine> {
        let second = Duration::from_secs;
        let patience = Patience { ready: second(90), proof: second(75) };
        let hash = sha256(&fs::read(&self.places.factory).unwrap());
        let factory = Binary { version: "0.1.0".into(), hash, since: None };
        Updates::new(&self.places, disk, &mut self.machine, patience, factory)
    }

    /// Takes in what is there; what the journal says.
    fn take_in(&mut self) -> String {
        let said = Arc::new(Mutex::new(Vec::new()));
        let writer = said.clone();
        let log =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || Pen(writer.clone()));
        tracing::subscriber::with_default(log.finish(), || {
            self.updates(Disk::default()).take_in().unwrap();
        });
        assert_eq!(fs::read_dir(&self.places.uploads).unwrap().count(), 0, "nothing stays");
        assert!(!self.places.uploads.with_file_name(".update").join("upload").exists());
        assert!(binaries(&self.places).len() <= 2);
        String::from_utf8(said.lock().unwrap().clone()).unwrap()
    }

    /// The power comes back: what was in memory is gone, and nothing runs yet.
    fn start(&mut self, disk: Disk) -> io::Result<()> {
        for folder in [&self.places.run, self.places.uploads.parent().unwrap()] {
            let _ = fs::remove_dir_all(folder);
        }
        fs::create_dir_all(&self.places.uploads).unwrap();
        self.machine = Machine::of(&self.places);
        self.updates(disk).settle()?;
        self.machine.restart().map_err(io::Error::other)
    }

    fn kept(&self) -> Kept {
        kept(&self.places)
    }

    fn last(&self) -> Outcome {
        self.kept().last.unwrap().outcome
    }

    fn rejection(&self) -> String {
        match self.last() {
            Outcome::Rejected(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn runs(&self, wanted: &str) -> bool {
        let file = &self.machine.running.0;
        assert_eq!(&fs::read_link(self.places.current()).unwrap(), file);
        text(file).starts_with(wanted)
    }

    fn notice(&self) -> Option<String> {
        fs::read_to_string(self.places.notice()).ok()
    }
}

impl Machine {
    fn of(places: &Places) -> Self {
        let running = (places.factory.clone(), Duration::ZERO);
        Self { places: places.clone(), now: Duration::ZERO, run: 0, running, meanwhile: Vec::new() }
    }
}

struct Pen(Arc<Mutex<Vec<u8>>>);

impl io::Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_good_one_is_in_use_from_then_on_and_at_the_next_start_and_the_one_before_is_kept() {
    let mut home = Home::with(&["0.2.0 good"]);
    assert_eq!((home.last(), home.notice()), (Outcome::Accepted, None));
    assert_eq!(home.kept().previous, None);
    home.start(Disk::default()).unwrap();
    assert!(home.runs("0.2.0"));
    home.put("pilotlight-0.3", &program("0.3.0 good"));
    let said = home.take_in();
    assert!(home.runs("0.3.0") && said.contains("it takes the place of 0.2.0 ("), "{said}");
    assert_eq!(home.kept().previous.unwrap().version, "0.2.0");
    assert_eq!(binaries(&home.places).len(), 2);
}

#[test]
fn a_bad_one_undoes_itself_and_says_why_in_the_journal_in_status_and_on_the_panel() {
    for (does, why) in [
        ("refuses", "it exited with 78"),
        ("exits", "it exited with 3 before it had finished a round"),
        ("late", "it has not finished a round within 1 min 30 s"),
        ("wedges", "it hung, and the watchdog ended it after its first round"),
    ] {
        for before in [&["0.2.0 good"][..], &[]] {
            let mut home = Home::with(before);
            let kept = home.kept();
            home.put("pilotlight", &program(&format!("0.3.0 {does}")));
            let said = home.take_in();
            assert!(home.runs(before.first().unwrap_or(&"0.1.0")), "{said}");
            assert_eq!(home.rejection(), why);
            assert_eq!((home.kept().current, home.kept().previous), (kept.current, kept.previous));
            let notice = home.notice().unwrap();
            assert!(said.contains(why) && notice.contains(why), "{said} {notice}");
            assert!(notice.contains(" is in use\n"), "{notice}");
            home.put("pilotlight", &program("0.4.0 good"));
            home.take_in();
            assert!(home.runs("0.4.0") && home.notice().is_none());
        }
    }
}

#[test]
fn what_is_no_program_for_this_board_gets_its_answer_and_is_removed() {
    type Make = fn(&Path);
    let odd: [(&str, Make, &str); 8] = [
        ("a script", |at| fs::write(at, "#!/bin/sh\nexit 0\n").unwrap(), "is no program: "),
        (
            "wrong architecture",
            |at| fs::write(at, elsewhere()).unwrap(),
            "is a program, but not for ",
        ),
        ("a link", |at| symlink("/bin/sh", at).unwrap(), "is a symbolic link: "),
        ("a link to nowhere", |at| symlink("/nowhere", at).unwrap(), "is a symbolic link: "),
        ("a folder", |at| fs::create_dir_all(at.join("in/it")).unwrap(), "is a folder"),
        ("a pipe", fifo, "otherwise no file"),
        (
            "2 GB",
            |at| fs::File::create(at).unwrap().set_len(2 << 30).unwrap(),
            "is larger than 16 MB",
        ),
        (
            "torn",
            |at| fs::write(at, &with_table("0.2.0 good")[..90]).unwrap(),
            "is not whole: 90 of at least 138 ",
        ),
    ];
    let mut home = Home::with(&["0.2.0 good"]);
    let run = home.machine.run;
    for (name, make, answer) in odd {
        make(&home.places.uploads.join(name));
        let said = home.take_in();
        assert!(home.rejection().contains(answer), "{name}: {said}");
        assert!(said.contains(&format!("{name}: rejected: ")), "{said}");
        assert!(home.notice().unwrap().starts_with(&format!("{name} was rejected: ")));
        assert_eq!((home.machine.run, binaries(&home.places).len()), (run, 1), "{name}");
    }
    assert!(Path::new("/bin/sh").exists());
}

fn elsewhere() -> Vec<u8> {
    let mut bytes = program("0.2.0 good");
    bytes[18] ^= 0xff;
    bytes
}

fn fifo(at: &Path) {
    assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
}

#[test]
fn a_writer_that_is_slow_is_waited_for_and_cannot_touch_what_was_read() {
    let mut home = Home::new();
    let whole = with_table("0.2.0 good");
    home.put("pilotlight", &whole[..10]);
    let mut writer =
        fs::OpenOptions::new().append(true).open(home.places.uploads.join("pilotlight")).unwrap();
    let rest: Vec<(u64, Vec<u8>)> = vec![
        (20, whole[10..100].to_vec()),
        (70, whole[100..].to_vec()),
        (90, b"too late".to_vec()), // it is being tried by then
    ];
    for (at, bytes) in rest {
        let mut writer = writer.try_clone().unwrap();
        let write = move |_: &Places| io::Write::write_all(&mut writer, &bytes).unwrap();
        home.machine.meanwhile.push((at, Box::new(write)));
    }
    home.take_in();
    assert!(home.runs("0.2.0"));
    assert_eq!(fs::read(&home.machine.running.0).unwrap(), whole);
    io::Write::write_all(&mut writer, b"later still").unwrap();
    assert_eq!(fs::read(&home.machine.running.0).unwrap(), whole);
}

#[test]
fn the_same_one_again_is_no_news_and_an_older_one_is_a_downgrade_and_taken() {
    let mut home = Home::with(&["0.10.0 good"]);
    let (kept, run) = (home.kept(), home.machine.run);
    home.put("pilotlight", &program("0.10.0 good"));
    let said = home.take_in();
    assert!(said.contains("is in use already: nothing to do"), "{said}");
    assert_eq!((home.kept(), home.machine.run), (kept, run));
    home.put("pilotlight", &program("0.9.0 good"));
    let said = home.take_in();
    assert!(home.runs("0.9.0") && said.contains("a downgrade"), "{said}");
    home.put("pilotlight", &program("0.10.0 good"));
    let said = home.take_in();
    assert!(home.runs("0.10.0") && !said.contains("a downgrade"), "the previous one: {said}");
    let mut home = Home::new();
    home.put("pilotlight", &program("0.1.0 good"));
    assert!(home.take_in().contains("is in use already"), "the card's own");
}

#[test]
fn of_two_that_are_there_or_come_meanwhile_the_last_one_stays() {
    let mut home = Home::new();
    home.put("b", &program("0.2.0 good"));
    home.put("a", &program("0.3.0 good"));
    let later = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    fs::File::open(home.places.uploads.join("a")).unwrap().set_modified(later).unwrap();
    let put = |places: &Places| {
        fs::write(places.uploads.join("b"), program("0.4.0 good")).unwrap();
    };
    home.machine.meanwhile.push((100, Box::new(put)));
    home.take_in();
    assert!(home.runs("0.4.0") && home.kept().previous.unwrap().version == "0.3.0");
}

#[test]
fn a_file_named_rollback_goes_back_and_done_twice_forth_again() {
    let mut home = Home::with(&["0.2.0 good"]);
    let roll_back = |home: &mut Home| {
        home.put(ROLLBACK, b"");
        home.take_in()
    };
    roll_back(&mut home);
    assert!(home.runs("0.1.0") && home.kept().current.is_none());
    home.start(Disk::default()).unwrap();
    assert!(home.runs("0.1.0"));
    roll_back(&mut home);
    assert!(home.runs("0.2.0") && home.last() == Outcome::Accepted);
    roll_back(&mut home);
    let hash = home.kept().previous.unwrap().hash;
    fs::write(home.places.store.join(hash), "damaged").unwrap();
    roll_back(&mut home);
    assert!(home.runs("0.1.0") && home.rejection().contains("is damaged"), "{}", home.rejection());
    let mut home = Home::new();
    roll_back(&mut home);
    assert!(home.rejection().contains("there is none before it"), "{}", home.rejection());
}

#[test]
fn a_damaged_binary_gives_way_at_the_next_start() {
    let mut home = Home::with(&["0.2.0 good", "0.3.0 good"]);
    for (damaged, stays) in [("0.3.0", "0.2.0"), ("0.2.0", "0.1.0")] {
        fs::write(&home.machine.running.0, "damaged").unwrap();
        home.start(Disk::default()).unwrap();
        assert!(home.runs(stays));
        assert!(home.notice().unwrap().starts_with(damaged), "{:?}", home.notice());
    }
    assert!(binaries(&home.places).is_empty());
    fs::write(home.places.state(), "no JSON").unwrap();
    home.start(Disk::default()).unwrap();
    assert!(home.runs("0.1.0"));
}

/// What somebody did before, and the binary that comes; `None`: the way back is asked for.
type Case = (&'static [&'static str], Option<&'static str>);

const CASES: [Case; 5] = [
    (&[], Some("0.4.0 good")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.4.0 good")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.4.0 exits")),
    (&["0.2.0 good", "0.3.0 good"], Some("0.2.0 good")),
    (&["0.2.0 good"], None),
];

/// Does it, until the disk does no more; whether it was done.
fn cut(before: &[&str], comes: Option<&str>, operations: usize) -> (Home, Kept, bool) {
    let mut home = Home::with(before);
    let kept = home.kept();
    match comes {
        Some(text) => home.put("pilotlight", &program(text)),
        None => home.put(ROLLBACK, b""),
    }
    let done = home.updates(Disk::default().cut_after(operations)).take_in().is_ok();
    (home, kept, done)
}

/// What must hold whenever the board has started after that.
fn sound(home: &Home, before: &Kept, case: &str) {
    let kept = home.kept();
    let accepted = home.kept().last.is_some_and(|last| last.outcome == Outcome::Accepted);
    assert!(kept.current == before.current || accepted, "{case}: {kept:?}");
    let file = home.places.file(kept.current.as_ref());
    assert!(intact_file(&file, &home.places) && home.machine.running.0 == file, "{case}: {kept:?}");
    assert!(text(&file).ends_with("good"), "{case}: {kept:?}");
    assert!(kept.last.is_none_or(|last| last.outcome != Outcome::Trying), "{case}");
    assert!(binaries(&home.places).len() <= 2, "{case}");
}

#[test]
fn after_a_cut_between_any_two_operations_the_board_starts_with_what_was_accepted() {
    for (before, comes) in CASES {
        let mut operations = 0;
        loop {
            let case = format!("{before:?} {comes:?} {operations}");
            let (mut home, kept, done) = cut(before, comes, operations);
            home.start(Disk::default()).unwrap();
            sound(&home, &kept, &case);
            if done {
                break;
            }
            operations += 1;
            assert!(operations < 200, "{case}");
        }
        assert!(operations > 15, "{operations}");
    }
}

#[test]
fn a_second_cut_while_it_starts_again_changes_nothing() {
    let (before, comes) = CASES[1];
    for operations in (0..200).step_by(3) {
        for second in 0..12 {
            let (mut home, kept, done) = cut(before, comes, operations);
            if done {
                return;
            }
            let _ = home.start(Disk::default().cut_after(second));
            home.start(Disk::default()).unwrap();
            sound(&home, &kept, &format!("{operations} {second}"));
        }
    }
    panic!("it is never done");
}

#[test]
fn when_only_the_update_is_killed_the_service_is_started_with_the_one_before() {
    for (before, comes) in CASES {
        for operations in 0.. {
            let (mut home, kept, done) = cut(before, comes, operations);
            if done {
                break;
            }
            home.updates(Disk::default()).settle().unwrap();
            sound(&home, &kept, &format!("{before:?} {comes:?} {operations}"));
            assert_eq!(fs::read_link(home.places.current()).unwrap(), home.machine.running.0);
        }
    }
}
