//! `cargo run --example demo`: the whole story on loopback in half a minute.
//!
//! Two nameservers, an anchor and a GitHub that keeps state are embedded, the very ones that the tests
//! use; the daemon between them is the real one. Only its time is hurried: tokio's clock is paused and
//! moved by hand, quickly while something happens and at a leap where nothing does.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "the peers are the tests', and written as tests are"
)]

#[path = "fakes/mod.rs"]
pub mod fakes;

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, mpsc as thread};
use std::time::Duration;

use jiff::Timestamp;
use pilotlight::config::Config;
use pilotlight::daemon::{Order, Parts, run};
use pilotlight::decide::show::status::Status;
use pilotlight::io::clock::Clock;
use pilotlight::io::dns::socket::Net;
use pilotlight::io::gpio::panel::Panel;
use pilotlight::io::gpio::terminal::Terminal;
use pilotlight::io::system::files::Places;
use pilotlight::io::system::log;
use pilotlight::io::system::systemd::Manager;
use tokio::sync::mpsc;

use fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use fakes::dns::socket::SocketServer;
use fakes::example::{self, ZONE};
use fakes::github::{GitHub, REPO, TOKEN};

/// 2026-03-01T09:00:00Z: when the story begins.
const MORNING: i64 = 1_772_355_600;

/// How often the clock is moved, in real time.
const TICK: Duration = Duration::from_millis(10);

/// How much faster than real time it goes while something happens. A DNS timeout of 2 s is still 200 ms,
/// which loopback never needs.
const SPEED: u32 = 10;

fn main() -> io::Result<()> {
    let runtime = pilotlight::io::runtime::builder().start_paused(true).build()?;
    runtime.block_on(async {
        // As long as a blocking task runs, the paused clock stands still until it is told to move.
        let (done, until_done) = thread::channel::<()>();
        tokio::task::spawn_blocking(move || until_done.recv());
        let told = tell().await;
        drop(done);
        told
    })
}

async fn tell() -> io::Result<()> {
    let local = |last: u8| IpAddr::from([127, 0, 0, last]);
    let zone = || ZoneData::parse("example.net", ZONE);
    let ns1 = SocketServer::start(local(11), 0, Nameserver::new([zone()]));
    let ns2 = SocketServer::start(local(12), 0, Nameserver::new([zone()]));
    let anchor = SocketServer::start(local(13), 0, Nameserver::new([ZoneData::root()]));
    let github = GitHub::start();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pilotlight.toml");
    let repository = format!("repository = \"{REPO}\"\napi = \"{}\"", github.url());
    let servers = [ns1.addr(), ns2.addr()];
    std::fs::write(&path, example::config("home", &repository, "", anchor.addr(), servers))?;
    let config = Config::load(&path).map_err(io::Error::other)?;

    let morning = Timestamp::from_second(MORNING).map_err(io::Error::other)?;
    let clock = Clock::starting_at(morning);
    let now = Arc::new(AtomicI64::new(MORNING));
    let shared = Arc::clone(&now);
    github.set_clock(move || {
        let second = Timestamp::from_second(shared.load(Ordering::Relaxed));
        second.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    });
    let colour = io::stdout().is_terminal();
    log::plain(Screen::new, colour, Some(clock));
    let places = Places { runtime: folder.path().join("run"), state: folder.path().join("state") };
    let (orders, receiver) = mpsc::channel(1);
    let parts = Parts {
        network: Net::default(),
        clock,
        panel: Panel::spawn(Box::new(Terminal::stdout(colour))),
        manager: Manager::new(None, |_| ()),
        places: places.clone(),
        notices: places.runtime.join("notices"),
        token: |_| Ok(TOKEN.to_owned()),
        config: path,
        orders: receiver,
    };
    let servers = [ns1, ns2, anchor];
    let story = Story { clock, now, status: places.status(), github, servers };
    let hurry = story.hurry();
    let told = async {
        let told = tokio::select! { told = story.play() => told, () = hurry => Ok(()) };
        // The daemon ends the demo as it ends a day at work: by being told to stop.
        let _ = orders.send(Order::Stop).await;
        told
    };
    let (told, ()) = tokio::join!(told, run(config, parts));
    told
}

struct Story {
    clock: Clock,
    now: Arc<AtomicI64>,
    status: std::path::PathBuf,
    github: GitHub,
    /// `ns1`, `ns2` and the anchor.
    servers: [SocketServer; 3],
}

impl Story {
    async fn play(&self) -> io::Result<()> {
        say(
            "Two nameservers, ns1 and ns2, serve example.net. pilotlight asks them every ten minutes.",
        );
        self.until("well").await?;
        say(
            "All is well: green, with a wink, so that a frozen board cannot pass for a healthy one.",
        );
        self.watch(3).await;
        self.outage(&self.servers[1]).await?;
        self.cut_uplink().await
    }

    async fn outage(&self, ns2: &SocketServer) -> io::Result<()> {
        say("ns2 stops. Nobody knows yet; the next round is minutes away.");
        ns2.stop();
        self.leap_to_round().await;
        self.until("suspect").await?;
        say(
            "One failed round is no outage. ns2 is a suspect, and asked again after 10 and 20 seconds.",
        );
        self.until("down").await?;
        self.until_github(|issues| issues.len() == 1).await?;
        say("Three times in a row: red, blinking the number of the nameserver, and an issue:");
        show_issue(&self.github);
        self.watch(4).await;

        say("ns2 is started again.");
        ns2.start_again();
        self.leap_to_round().await;
        self.until("well").await?;
        self.until_github(|issues| issues[0].state == "closed").await?;
        say("It answered twice in a row. The issue is closed:");
        let comment = self.github.issues()[0].comments.last().map(|c| c.body.clone());
        quote(&comment.unwrap_or_default());
        self.watch(3).await;
        Ok(())
    }

    async fn cut_uplink(&self) -> io::Result<()> {
        say("Now the uplink of this home is cut. Nothing answers any more, the anchors neither.");
        let network = |behaviour: Behaviour| {
            for server in &self.servers {
                server.nameserver().set(behaviour.clone());
            }
        };
        network(Behaviour::Silent);
        self.leap_to_round().await;
        self.until("offline").await?;
        self.watch(3).await;
        let filed = self.github.issues().len();
        say(&format!("Amber: our own connection is what is broken. Issues in all: still {filed}."));
        network(Behaviour::Good);
        self.until("well").await?;
        say("The uplink is back, and all is well.");
        self.watch(2).await;
        match filed {
            1 => Ok(()),
            _ => Err(io::Error::other("the cut uplink opened an issue")),
        }
    }

    /// Moves the clock, for as long as the story lasts.
    async fn hurry(&self) {
        let (tick, mut ticks) = mpsc::channel(1);
        std::thread::spawn(move || {
            while tick.blocking_send(()).is_ok() {
                std::thread::sleep(TICK);
            }
        });
        while ticks.recv().await.is_some() {
            tokio::time::advance(TICK * SPEED).await;
            self.now
                .store(self.clock.now().wall.map_or(0, Timestamp::as_second), Ordering::Relaxed);
        }
    }

    /// Lets people watch the panel for some seconds of their own time.
    async fn watch(&self, seconds: u32) {
        tokio::time::sleep(Duration::from_secs(1) * seconds * SPEED).await;
    }

    /// To a moment before the next regular round: rounds start every ten minutes from the beginning.
    async fn leap_to_round(&self) {
        let round = Duration::from_secs(600);
        let into = self.clock.now().uptime.as_secs() % round.as_secs();
        let rest = round.saturating_sub(Duration::from_secs(into + 2));
        tokio::time::advance(rest).await;
        say(&format!("… {} minutes later:", rest.as_secs().div_ceil(60)));
    }

    /// Waits until the status file says so: for a quarter of an hour of the story's time at most.
    async fn until(&self, state: &str) -> io::Result<()> {
        for _ in 0..1800 {
            if state_of(&self.status).as_deref() == Some(state) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(io::Error::other(format!("the panel never showed {state}")))
    }

    async fn until_github(
        &self,
        holds: impl Fn(&[fakes::github::Issue]) -> bool,
    ) -> io::Result<()> {
        for _ in 0..1800 {
            if holds(&self.github.issues()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(io::Error::other("GitHub never held what it should"))
    }
}

fn state_of(status: &Path) -> Option<String> {
    let view: Status = serde_json::from_slice(&std::fs::read(status).ok()?).ok()?;
    Some(view.state)
}

fn show_issue(github: &GitHub) {
    let issue = &github.issues()[0];
    quote(&format!("#{} {}\n\n{}", issue.number, issue.title, issue.body));
}

/// Text from GitHub, without what its readers do not see.
fn quote(text: &str) {
    let seen = text.lines().filter(|line| !line.starts_with("<!--"));
    let lines: Vec<String> = seen.map(|line| format!("    │ {line}")).collect();
    print(&lines.join("\n"));
}

fn say(text: &str) {
    let bold = if io::stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    print(&format!("\n{}{text}{}", bold.0, bold.1));
}

fn print(text: &str) {
    let mut screen = Screen::new();
    // Nobody is left to tell when standard output has gone away.
    let _ = writeln!(screen, "{text}");
}

/// Standard output, shared with the panel, which draws itself again and again on the last line.
struct Screen;

/// Lines so far; the first one needs no clearing.
static LINES: AtomicU32 = AtomicU32::new(0);

impl Screen {
    fn new() -> Self {
        Self
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = io::stdout().lock();
        if LINES.fetch_add(1, Ordering::Relaxed) > 0 && io::stdout().is_terminal() {
            out.write_all(b"\r\x1b[K")?;
        }
        out.write_all(bytes)?;
        out.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
