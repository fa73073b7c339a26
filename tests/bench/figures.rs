//! The figures: each takes its own setup, and says what it found beside what is wanted.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Figure;
use crate::fakes::github::{GitHub, REPO};
use crate::fakes::real::free_port;
use crate::fakes::tls;
use crate::setup::{Blackbox, HERE, Setting, Stat, anchor, dnsperf, nsd, peak_memory};

const MB: f64 = 1_000_000.0;

/// How many probes of blackbox_exporter make its CPU time, which the kernel counts in hundredths of a
/// second, more than noise.
const PROBES: u32 = 2000;

/// How often each of two that are compared is measured, in turns; the best counts, for what else the
/// machine does slows down either.
const TURNS: usize = 3;

/// CPU time of one check, from the program's start to its end, against blackbox_exporter's.
pub(crate) fn cpu_per_check() -> Vec<Figure> {
    const HOSTS: u32 = 14_000;
    const QUESTIONS: u32 = HOSTS + 3; // SOA over UDP and TCP, and NS
    let (server, anchor) = (nsd(HOSTS as usize), anchor());
    let address = server.addresses()[0];
    let setting = Setting::hosts(&[address], &anchor, HOSTS as usize);
    let blackbox = Blackbox::start();
    blackbox.probe(address, PROBES / 10); // what it does once is not counted
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        ours = ours.min(setting.check() / QUESTIONS);
        let before = Stat::of(blackbox.pid()).cpu;
        blackbox.probe(address, PROBES);
        theirs = theirs.min((Stat::of(blackbox.pid()).cpu - before) / PROBES);
    }
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    vec![
        Figure::beside("CPU time per check, pilotlight", micros(ours)),
        Figure::beside("CPU time per check, blackbox_exporter", micros(theirs)),
        Figure::wanted("  how many times less", format!("{ratio:.1}x"), ">= 10x", ratio >= 10.0),
    ]
}

/// A big round, against a load generator's pace.
pub(crate) fn speed_of_a_round() -> Vec<Figure> {
    const HOSTS: usize = 10_000;
    let (server, anchor) = (nsd(HOSTS), anchor());
    let address = server.addresses()[0];
    let setting = Setting::hosts(&[address], &anchor, HOSTS);
    let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
    for _ in 0..TURNS {
        ours = ours.max(HOSTS as f64 / setting.round().as_secs_f64());
        theirs = theirs.max(dnsperf(address, HOSTS, 10, setting.dir.path()));
    }
    let share = 100.0 * ours / theirs;
    vec![
        Figure::beside("questions a second, a round of 10,000 in pilotlight", format!("{ours:.0}")),
        Figure::beside("questions a second, dnsperf", format!("{theirs:.0}")),
        Figure::wanted("  share", format!("{share:.0} %"), ">= 20 %", share >= 20.0),
    ]
}

/// How much more memory the daemon takes for each question more, over two nameservers: nobody has fewer.
pub(crate) fn growth_per_check() -> Vec<Figure> {
    const QUESTIONS: [usize; 3] = [1000, 8000, 14_000];
    let (server, anchor) = (nsd(QUESTIONS[2]), anchor());
    let growth = |servers: &[SocketAddr]| {
        let peaks = QUESTIONS.map(|questions| {
            let hosts = questions / servers.len();
            let setting = Setting::hosts(servers, &anchor, hosts);
            let peak = |_| peak_memory(setting.daemon("well").id());
            (0..TURNS).map(peak).fold(f64::INFINITY, f64::min)
        });
        [(peaks[1] - peaks[0]) / 7000.0, (peaks[2] - peaks[1]) / 6000.0]
    };
    let wanted = |what, growth: f64| {
        Figure::wanted(what, format!("{growth:.0} bytes"), "< 2048", growth < 2048.0)
    };
    let both = growth(server.addresses());
    let bend = both[1] / both[0];
    let one = growth(&server.addresses()[..1]);
    vec![
        wanted("memory per check, from 1,000 to 10,000", both[0]),
        wanted("memory per check, from 10,000 to 20,000", both[1]),
        // What there is at the start weighs most on the first stretch, and lists double their room. A square would make
        // this 2.7.
        Figure::wanted("  one to the other: linear", format!("{bend:.2}"), "<= 2", bend <= 2.0),
        // Then it is not the checks that take the most but the file, while it is being read.
        Figure::beside("memory per check, one nameserver", format!("{:.0} bytes", one[1])),
    ]
}

/// The daemon with two nameservers, one of which dies: an issue is opened and closed over TLS.
pub(crate) fn memory_of_the_daemon() -> Vec<Figure> {
    let (server, anchor, github) = (nsd(20), anchor(), GitHub::start());
    let dir = tempfile::tempdir().unwrap();
    let (port, _socat) = tls::before(&github, dir.path(), HERE);
    let tls = SocketAddr::from((HERE, port));
    let dead = SocketAddr::from((HERE, free_port(&[HERE])));
    let records: String = (0..20)
        .map(crate::setup::host)
        .map(|(name, address)| {
            format!("{{ name = \"{name}\", type = \"A\", values = [\"{address}\"] }},\n")
        })
        .collect();
    let setting = Setting::new(&format!(
        "[github]\nrepository = \"{REPO}\"\napi = \"https://{tls}\"\nca = \"{}\"\nheartbeat = \"off\"\n[vantage]\nname = \
         \"bench\"\nanchors = [\"{}\"]\nintercept = []\n[schedule]\ninterval = \"1s\"\nrecheck = \
         \"200ms\"\n[panel]\ndriver = \"none\"\n[[nameserver]]\nname = \"ns1.example.net\"\naddresses = \
         [\"{}\"]\n[[nameserver]]\nname = \"ns2.example.net\"\naddresses = [\"{dead}\"]\n[[zone]]\nname = \
         \"example.net\"\nrecords = [\n{records}]\n",
        dir.path().join("ca.pem").display(),
        anchor.addr(),
        server.addresses()[0],
    ));
    let daemon = setting.daemon("down");
    let filed = github.wait_for(
        |issues| issues.iter().any(|issue| issue.state == "open"),
        Duration::from_secs(60),
    );
    assert!(filed, "an issue is opened: {}", daemon.log());
    let ours = peak_memory(daemon.id());
    let theirs = peak_memory(Blackbox::start().pid());
    vec![
        Figure::wanted(
            "peak memory, two nameservers and an issue over TLS",
            mb(ours),
            "<= 9 MB",
            ours <= 9.0 * MB,
        ),
        Figure::beside("peak memory, blackbox_exporter before its first probe", mb(theirs)),
    ]
}

fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

pub(crate) fn mb(bytes: f64) -> String {
    format!("{:.1} MB", bytes / MB)
}
