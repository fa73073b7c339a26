//! Everything around the daemon, and the daemon in it: nameservers, network, GitHub, files, time.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use jiff::Timestamp;
use pilotlight::config::Config;
use pilotlight::daemon::{Order, Parts, run};
use pilotlight::io::clock::Clock;
use pilotlight::io::gpio::driver::Nothing;
use pilotlight::io::gpio::panel::Panel;
use pilotlight::io::system::files::Places;
use pilotlight::io::system::systemd::Manager;
use pilotlight::io::system::token::TokenError;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{advance, timeout};

use super::script::{Act, Edit, Given, Link, MIDNIGHT, Network, Site};
use crate::fakes::dns::memnet::MemNet;
use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::github::{Fault, GitHub, TOKEN};

/// How far the clock is moved at a time while a request hangs, when it does not move by itself. An
/// exchange over TCP takes eight of these, and may take 2 s.
const TICK: Duration = Duration::from_millis(100);

/// Yields after each of these moves, so that everything that became due has its turn.
const TURNS: usize = 8;

/// How long a daemon that was told to stop may take, in its own time.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

const ZONES: [&str; 5] =
    ["example.net", "example.org", "example.com", "example.edu", "example.info"];

const RECORDS: &str = "\
@ 3600 SOA ns1.example.net. hostmaster.example.net. 2026030100 7200 3600 1209600 3600
@ 3600 NS ns1.example.net.
@ 3600 NS ns2.example.net.
www 300 A 192.0.2.80";

/// The NS set of [`RECORDS`], whoever is watched.
const NS: &str =
    r#"{ name = "@", type = "NS", values = ["ns1.example.net.", "ns2.example.net."] }"#;

const ROOT: &str = "\
@ 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2026030100 1800 900 604800 86400
@ 86400 NS a.root-servers.net.";

/// Where a nameserver, or an anchor, is in each family.
struct Host {
    name: &'static str,
    v4: &'static str,
    v6: &'static str,
}

/// The last of these are anchors. Every address is loopback, should one ever leave the memory.
const HOSTS: [Host; 5] = [
    host("ns1", "127.0.1.1:53", "[::1]:5301"),
    host("ns2", "127.0.1.2:53", "[::1]:5302"),
    host("ns3", "127.0.1.3:53", "[::1]:5303"),
    host("anchor1", "127.0.9.1:53", "[::1]:5391"),
    host("anchor2", "127.0.9.2:53", "[::1]:5392"),
];

const fn host(name: &'static str, v4: &'static str, v6: &'static str) -> Host {
    Host { name, v4, v6 }
}

const NOWHERE: [&str; 2] = ["127.0.9.53:53", "[::1]:5353"];

pub(crate) struct World {
    net: MemNet,
    /// As [`HOSTS`].
    hosts: Vec<Nameserver>,
    zones: Vec<ZoneData>,
    pub(crate) github: GitHub,
    hanging: bool,
    folder: TempDir,
    file: File,
    has_token: bool,
    clock: Clock,
    daemon: Option<Daemon>,
    /// Requests and writes that GitHub had seen at each of the times that lines have.
    marks: Vec<(Duration, usize, usize)>,
    /// The highest number of an issue that a line has spoken of.
    pub(super) spoken_of: u64,
}

struct Daemon {
    life: Pin<Box<dyn Future<Output = ()>>>,
    orders: mpsc::Sender<Order>,
}

/// The configuration file.
struct File {
    ipv6: bool,
    heartbeat: String,
    assignees: Vec<String>,
    schedule: Vec<(String, String)>,
    nameservers: Vec<String>,
    endpoints: Vec<String>,
    www: String,
    broken: bool,
}

impl World {
    pub(super) fn new(given: &[Given]) -> Self {
        let count = given.iter().find_map(|given| match given {
            Given::Zones(count) => Some(*count),
            _ => None,
        });
        let zones = ZONES[..count.unwrap_or(1)].iter();
        let zones: Vec<ZoneData> = zones.map(|zone| ZoneData::parse(zone, RECORDS)).collect();
        let root = ZoneData::parse(".", ROOT);
        let (net, mut hosts) = (MemNet::new(), Vec::new());
        for Host { name, v4, v6 } in HOSTS {
            let server = match name {
                "anchor1" | "anchor2" => Nameserver::new([root.clone()]),
                _ => Nameserver::new(zones.clone()),
            };
            net.add(v4.parse().unwrap(), server.clone());
            net.add(v6.parse().unwrap(), server.clone());
            hosts.push(server);
        }
        let github = GitHub::start();
        let clock = Clock::starting_at(Timestamp::from_second(MIDNIGHT.into()).unwrap());
        let runtime = tokio::runtime::Handle::current();
        github.set_clock(move || {
            // The peer answers on threads of its own, and the time that stands still is the runtime's.
            let _inside = runtime.enter();
            let now = clock.now().wall.unwrap();
            now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        });
        let schedule = given.iter().filter_map(|given| match given {
            Given::Schedule(key, value) => Some((key.clone(), value.clone())),
            _ => None,
        });
        let endpoints = given.iter().filter_map(|given| match given {
            Given::Endpoint(url) => Some(url.clone()),
            _ => None,
        });
        let heartbeat = given.iter().find_map(|given| match given {
            Given::Heartbeat(every) => Some(every.clone()),
            _ => None,
        });
        let assignees = given.iter().filter_map(|given| match given {
            Given::Assignee(login) => Some(login.clone()),
            _ => None,
        });
        let file = File {
            assignees: assignees.collect(),
            ipv6: given.iter().any(|given| matches!(given, Given::Ipv6)),
            heartbeat: heartbeat.unwrap_or_else(|| "off".to_owned()),
            schedule: schedule.collect(),
            endpoints: endpoints.collect(),
            nameservers: vec!["ns1".to_owned(), "ns2".to_owned()],
            www: "192.0.2.80".to_owned(),
            broken: false,
        };
        let without_token = given.iter().any(|given| matches!(given, Given::NoToken));
        let world = Self {
            net,
            hosts,
            zones,
            github,
            hanging: false,
            folder: tempfile::tempdir().unwrap(),
            file,
            has_token: !without_token,
            clock,
            daemon: None,
            marks: Vec::new(),
            spoken_of: 0,
        };
        world.write_config();
        world
    }

    /// Lets the day go on until then.
    ///
    /// # Errors
    /// When the daemon ends by itself.
    pub(super) async fn run_until(&mut self, at: Duration) -> Result<(), String> {
        let clock = self.clock;
        let hanging = self.hanging;
        let time = async move {
            // While a request hangs, the clock of the runtime does not move by itself.
            while hanging && clock.now().uptime < at {
                advance(TICK.min(at - clock.now().uptime)).await;
                for _ in 0..TURNS {
                    yield_now().await;
                }
            }
            clock.sleep_until(at).await;
        };
        let Some(daemon) = &mut self.daemon else {
            time.await;
            return Ok(());
        };
        tokio::select! {
            biased;
            () = &mut daemon.life => Err("the daemon has ended by itself".to_owned()),
            () = time => Ok(()),
        }
    }

    pub(super) fn mark(&mut self, at: Duration) {
        let counts = (self.github.requests().len(), self.github.writes());
        self.marks.push((at, counts.0, counts.1));
    }

    /// While a request hangs the clock moves without it, and it may still be on its way to the peer.
    pub(super) fn await_requests(&self, count: usize, since: Duration) -> Result<(), String> {
        if self.hanging {
            let missing = count.saturating_sub(self.since(since)?.0);
            let wanted = self.github.requests().len() + missing;
            let patience = Duration::from_secs(10);
            if !self.github.wait_for_requests(wanted, patience) {
                return Err("no request came".to_owned());
            }
        }
        Ok(())
    }

    /// Requests and writes since the first line of that time.
    pub(super) fn since(&self, at: Duration) -> Result<(usize, usize), String> {
        let mark = self.marks.iter().find(|(then, ..)| *then == at);
        let &(_, requests, writes) = match mark {
            Some(mark) => mark,
            None if at.is_zero() => &(at, 0, 0),
            None => return Err("no line before has that time".to_owned()),
        };
        let github = &self.github;
        Ok((github.requests().len() - requests, github.writes() - writes))
    }

    pub(super) async fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Start => self.start()?,
            Act::Stop => self.stop().await?,
            Act::Kill => self.daemon = None,
            Act::Reload => {
                let daemon = self.daemon.as_ref().ok_or("no daemon runs")?;
                let sent = daemon.orders.try_send(Order::Reload);
                sent.map_err(|error| error.to_string())?;
                self.run_until(self.clock.now().uptime).await?;
            }
            Act::Server(name, behaviour) => self.host(name).set(behaviour.clone()),
            Act::Zone(origin, name, rtype, values) => {
                let known = self.zones.iter().find(|zone| {
                    let zone = zone.origin().to_ascii();
                    zone.trim_end_matches('.') == origin
                });
                let zone = known.ok_or("no such zone is served")?;
                let rtype: RecordType = rtype.parse().map_err(|_| "no such type")?;
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                zone.set(name, rtype, &values);
            }
            Act::Uplink(link, families) => {
                for &family in families {
                    match link {
                        Link::Cut => self.net.cut(family),
                        Link::Gone => self.net.unreachable(family),
                        Link::Mended => self.net.mend(family),
                    }
                }
            }
            Act::Network(network) => self.intercept(*network),
            Act::GitHub(site) => {
                self.hanging = matches!(site, Site::Hangs);
                self.github.set_hang(self.hanging);
                self.github.set_down(matches!(site, Site::Down));
            }
            Act::Next(times, matcher, fault) => self.github.inject(matcher.clone(), *fault, *times),
            Act::Exhausted(matcher, seconds) => {
                let now = self.clock.now().wall.unwrap().as_second().unsigned_abs();
                let reset_epoch = now + seconds;
                let fault = Fault::PrimaryLimit { reset_epoch };
                self.github.inject(matcher.clone(), fault, 1);
            }
            Act::Calm => drop(self.github.clear_faults()),
            Act::Token(permission) => self.github.set_permission(TOKEN, *permission),
            Act::Expiry(at) => self.github.set_expiry(Some(at)),
            Act::Closes(issue) => self.github.close_by_hand(*issue),
            Act::ClosesLast => {
                let issues = self.github.issues();
                if let Some(last) = issues.iter().rfind(|issue| issue.state == "open") {
                    self.github.close_by_hand(last.number);
                }
            }
            Act::Reopens(issue) => self.github.reopen_by_hand(*issue),
            Act::Retitles(issue, title) => self.github.edit_by_hand(*issue, |issue| {
                issue.title.clone_from(title);
            }),
            Act::Adds(issue, text) => self.github.edit_by_hand(*issue, |issue| {
                issue.body = format!("{}\n\n{text}", issue.body);
            }),
            Act::Comments(issue, text) => self.github.comment_as("octocat", *issue, text),
            Act::Config(edit) => {
                match edit {
                    Edit::Adds(name) => self.file.nameservers.push(name.clone()),
                    Edit::Drops(name) => self.file.nameservers.retain(|known| known != name),
                    Edit::Expects(address) => self.file.www.clone_from(address),
                    Edit::Breaks => self.file.broken = true,
                    Edit::Mends => self.file.broken = false,
                }
                self.write_config();
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), String> {
        if self.daemon.is_some() {
            return Err("one runs already".to_owned());
        }
        let path = self.config_path();
        let config = Config::load(&path).map_err(|problems| problems.to_string())?;
        let (orders, receiver) = mpsc::channel(4);
        let now = self.clock.now().wall.unwrap();
        let parts = Parts {
            network: self.net.clone(),
            clock: Clock::starting_at(now), // a new process has a new uptime
            panel: Panel::spawn(Box::new(Nothing)),
            manager: Manager::new(None, |_| {}),
            places: self.places(),
            notices: self.places().runtime.join("notices"),
            token: if self.has_token {
                |_| Ok(TOKEN.to_owned())
            } else {
                |_| Err(TokenError::Missing(String::new()))
            },
            config: path,
            orders: receiver,
        };
        let life = Box::pin(run(config, parts));
        self.daemon = Some(Daemon { life, orders });
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), String> {
        let daemon = self.daemon.take().ok_or("no daemon runs")?;
        let sent = daemon.orders.try_send(Order::Stop);
        sent.map_err(|error| error.to_string())?;
        let ended = timeout(STOPS_WITHIN, daemon.life).await;
        ended.map_err(|_| format!("it does not stop within {STOPS_WITHIN:?}"))
    }

    fn host(&self, name: &str) -> &Nameserver {
        let at = HOSTS.iter().position(|host| host.name == name);
        &self.hosts[at.expect("the script knows no other names")]
    }

    fn intercept(&self, network: Network) {
        let mut zones = self.zones.clone();
        zones.push(ZoneData::parse(".", ROOT));
        let router = Nameserver::behaving(zones, Behaviour::NotAuthoritative);
        for (Host { v4, v6, .. }, server) in HOSTS.iter().zip(&self.hosts) {
            let answers = match network {
                Network::Intercepts => &router,
                Network::MakesUp | Network::Honest => server,
            };
            self.net.add(v4.parse().unwrap(), answers.clone());
            self.net.add(v6.parse().unwrap(), answers.clone());
        }
        for address in NOWHERE {
            let address: SocketAddr = address.parse().unwrap();
            match network {
                Network::Intercepts | Network::MakesUp => self.net.add(address, router.clone()),
                Network::Honest => self.net.remove(address),
            }
        }
    }

    pub(super) fn places(&self) -> Places {
        Places { runtime: self.folder.path().join("run"), state: self.folder.path().join("state") }
    }

    fn config_path(&self) -> PathBuf {
        self.folder.path().join("pilotlight.toml")
    }

    fn write_config(&self) {
        let addresses = |host: &Host| match self.file.ipv6 {
            true => format!("{:?}", [host.v4, host.v6]),
            false => format!("{:?}", [host.v4]),
        };
        let anchors: Vec<&str> = HOSTS[3..].iter().flat_map(|h| [h.v4, h.v6]).collect();
        let mut text = format!(
            "[github]\nrepository = \"owner/infra\"\napi = \"{}\"\nheartbeat = \"{}\"\nassignees = {:?}\n\n[vantage]\nname = \"home\"\n\
             anchors = {anchors:?}\nintercept = {NOWHERE:?}\n\n[schedule]\nsplay = \"0s\"\n",
            self.github.url(),
            self.file.heartbeat,
            self.file.assignees
        );
        for (key, value) in &self.file.schedule {
            text += &format!("{key} = \"{value}\"\n");
        }
        let listed = |host: &&Host| self.file.nameservers.iter().any(|name| name == host.name);
        for host in HOSTS.iter().filter(listed) {
            let (name, addresses) = (host.name, addresses(host));
            text += &format!(
                "\n[[nameserver]]\nname = \"{name}.example.net\"\naddresses = {addresses}\n"
            );
        }
        for zone in &self.zones {
            let (name, www) = (zone.origin().to_ascii(), &self.file.www);
            text += &format!(
                "\n[[zone]]\nname = \"{name}\"\nrecords = [{{ name = \"www\", type = \"A\", values = [\"{www}\"] }}, {NS}]\n"
            );
        }
        for url in &self.file.endpoints {
            text += &format!("\n[[endpoint]]\nurl = \"{url}\"\n");
        }
        if self.file.broken {
            text += "\n[[zone]]\nnaem = \"example.net\"\n";
        }
        fs::write(self.config_path(), text).unwrap();
    }
}
