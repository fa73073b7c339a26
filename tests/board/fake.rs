//! A Raspberry Pi as far as its files go, in a mount namespace: `/dev` with nothing but what the board has,
//! the device tree that tells its model, and registers that are a file, so that a test can read what was
//! last written to them.

use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Long enough for any machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Offsets of registers of the BCM2835 and its successors (ARM Peripherals, 6.1), in bytes.
pub const GPFSEL: [u64; 3] = [0x00, 0x04, 0x08];
pub const GPSET0: u64 = 0x1c;
pub const GPCLR0: u64 = 0x28;

pub struct Board {
    dir: TempDir,
    registers: PathBuf,
    unprivileged: bool,
    held: Option<u8>,
    /// A nameserver and an anchor that never answer: the daemon is starting for some seconds.
    silent: [UdpSocket; 2],
}

impl Board {
    /// As Raspberry Pi's own kernel shows a Pi 3.
    pub fn pi3() -> Self {
        let board = Self::empty();
        board.model("raspberrypi,3-model-b\0brcm,bcm2837\0");
        board.device("gpiochip0", "pinctrl-bcm2835");
        board.device("gpiomem", &"\0".repeat(0x1000));
        board
    }

    /// As Raspberry Pi's own kernel shows a Pi 5.
    pub fn pi5() -> Self {
        let mut board = Self::empty();
        board.model("raspberrypi,5-model-b\0brcm,bcm2712\0");
        board.device("gpiochip0", "pinctrl-rp1");
        board.device("gpiomem0", &"\0".repeat(0x3_0000));
        board.registers.set_file_name("gpiomem0");
        board
    }

    /// No Pi at all.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("dev")).unwrap();
        fs::create_dir_all(dir.path().join("firmware/devicetree/base")).unwrap();
        fs::write(dir.path().join("cpuinfo"), "").unwrap();
        Self {
            registers: dir.path().join("dev/gpiomem"),
            dir,
            unprivileged: false,
            held: None,
            silent: [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap()),
        }
    }

    fn model(&self, compatible: &str) {
        let base = self.dir.path().join("firmware/devicetree/base");
        fs::write(base.join("compatible"), compatible).unwrap();
    }

    pub fn device(&self, name: &str, content: &str) {
        fs::write(self.dir.path().join("dev").join(name), content).unwrap();
    }

    pub fn without(self, device: &str) -> Self {
        fs::remove_file(self.dir.path().join("dev").join(device)).unwrap();
        self
    }

    /// Nobody without privileges may open it, and the program has none.
    pub fn locked(mut self, device: &str) -> Self {
        let path = self.dir.path().join("dev").join(device);
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        self.unprivileged = true;
        self
    }

    /// Somebody else has this line.
    pub fn held(mut self, line: u8) -> Self {
        self.held = Some(line);
        self
    }

    /// What was last written to this register.
    pub fn word(&self, at: u64) -> u32 {
        let bytes = fs::read(&self.registers).unwrap();
        u32::from_ne_bytes(bytes[at as usize..][..4].try_into().unwrap())
    }

    /// What was last set and what was last cleared, as bits.
    pub fn last(&self) -> (u32, u32) {
        (self.word(GPSET0), self.word(GPCLR0))
    }

    /// Nothing was set or cleared.
    pub fn forget(&self) {
        let mut bytes = fs::read(&self.registers).unwrap();
        for at in [GPSET0, GPCLR0] {
            bytes[at as usize..][..4].fill(0);
        }
        fs::write(&self.registers, bytes).unwrap();
    }

    /// Waits for these to be set and cleared.
    pub fn wait_for(&self, last: (u32, u32)) {
        let began = Instant::now();
        while self.last() != last {
            let late = began.elapsed() > PATIENCE;
            assert!(!late, "{:x?} and never {last:x?}", self.last());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What became of the lines of a GPIO character device.
    pub fn record(&self) -> Vec<String> {
        let record = fs::read_to_string(self.dir.path().join("record")).unwrap_or_default();
        record.lines().map(str::to_owned).collect()
    }

    pub fn wait_for_record(&self, line: &str) {
        let began = Instant::now();
        while self.record().iter().all(|seen| seen != line) {
            let late = began.elapsed() > PATIENCE;
            assert!(!late, "{:?} and never {line}", self.record());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the daemon's status file appears: its loop runs.
    pub fn status(&self) -> bool {
        let began = Instant::now();
        while !self.dir.path().join("status.json").exists() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        began.elapsed() < PATIENCE
    }

    /// `pilotlight ARGUMENTS` with this panel section on this board.
    pub fn command(&self, arguments: &[&str], panel: &str) -> Command {
        let [nameserver, anchor] =
            self.silent.each_ref().map(|socket| socket.local_addr().unwrap());
        let config = format!(
            "[panel]\n{panel}\n[vantage]\nanchors = [\"{anchor}\"]\nintercept = []\n\
             [[zone]]\nname = \"example.net\"\n\
             [[nameserver]]\nname = \"ns1.example.net\"\naddresses = [\"{nameserver}\"]\n"
        );
        self.command_with(arguments, &config)
    }

    /// The same with this configuration, whole.
    pub fn command_with(&self, arguments: &[&str], config: &str) -> Command {
        let file = self.dir.path().join("pilotlight.toml");
        fs::write(&file, config).unwrap();
        self.command_at(arguments, &file)
    }

    /// The same with the configuration that is at this path.
    pub fn command_at(&self, arguments: &[&str], config: &Path) -> Command {
        let mut script =
            String::from("mount --bind dev /dev; mount --bind firmware /sys/firmware; ");
        script.push_str("mount --bind cpuinfo /proc/cpuinfo; exec ");
        if self.unprivileged {
            // Still root by name, so that it may read its own files, and no more than that.
            script.push_str("setpriv --bounding-set=-all --inh-caps=-all ");
        }
        write!(script, "env LD_PRELOAD={} \"$@\"", shim().display()).unwrap();
        let mut command = Command::new("unshare");
        command.args(unshare()).args(["sh", "-ec", &script, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_pilotlight")).args(arguments);
        command.arg("--config").arg(config);
        for place in ["--runtime-dir", "--state-dir"] {
            command.arg(place).arg(self.dir.path());
        }
        command
            .current_dir(self.dir.path())
            .env_remove("GITHUB_TOKEN")
            .env("GPIO_RECORD", self.dir.path().join("record"))
            .envs(self.held.map(|line| ("GPIO_HELD", line.to_string())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// A program that does not outlive its test.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Ends it by a signal, and returns what it said.
    pub fn end(mut self, signal: &str) -> Output {
        let child = self.0.take().unwrap();
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What it said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// How this user gets a mount namespace. A test that cannot have one must not pass.
fn unshare() -> &'static [&'static str] {
    const AS_ROOT: &[&str] = &["--mount"];
    const AS_USER: &[&str] = &["--user", "--map-root-user", "--mount"];
    static WAY: OnceLock<Option<&[&str]>> = OnceLock::new();
    let works = |way: &&&[&str]| {
        let try_it = "mount -t tmpfs none /dev && exec setpriv --bounding-set=-all true";
        let mut command = Command::new("unshare");
        let tried = command.args(**way).args(["sh", "-ec", try_it]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let way = WAY.get_or_init(|| [AS_ROOT, AS_USER].iter().find(works).copied());
    way.expect(
        "a board needs a mount namespace, `unshare` and `setpriv`: run the tests as root, or let users make \
         namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)",
    )
}

/// The GPIO character device: built once for all tests.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/board/gpiochip.c");
        // Processes that test at the same time each write their own, and the last rename wins.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let fresh = folder.join(format!("gpiochip-{}.so", std::process::id()));
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([fresh.as_os_str(), source.as_ref()])
            .output()
            .expect("a C compiler `cc`, which Rust links with anyway");
        assert!(built.status.success(), "{}", said(&built));
        let shim = folder.join("gpiochip.so");
        fs::rename(fresh, &shim).unwrap();
        shim
    })
}
