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

use super::clause::{Act, Edit, Given, Link, Network, Person, Site};
use super::config_file::{File, HOSTS, Host, NOWHERE};
use super::script::MIDNIGHT;
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

/// An empty GitHub with the time of the scenario.
fn github(clock: Clock) -> GitHub {
    let github = GitHub::start();
    let runtime = tokio::runtime::Handle::current();
    github.set_clock(move || {
        // The peer answers on threads of its own, and the time that stands still is the runtime's.
        let _inside = runtime.enter();
        let now = clock.now().wall.unwrap();
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    });
    github
}

impl World {
    pub(super) fn new(given: &[Given]) -> Self {
        let nameservers = vec!["ns1".to_owned(), "ns2".to_owned()];
        let (heartbeat, www) = ("off".to_owned(), "192.0.2.80".to_owned());
        let mut file = File { nameservers, heartbeat, www, ..File::default() };
        let (mut count, mut has_token) = (1, true);
        for given in given {
            match given {
                Given::Ipv6 => file.ipv6 = true,
                Given::Zones(zones) => count = *zones,
                Given::Schedule(key, value) => file.schedule.push((key.clone(), value.clone())),
                Given::NoToken => has_token = false,
                Given::Heartbeat(every) => file.heartbeat.clone_from(every),
                Given::Assignee(login) => file.assignees.push(login.clone()),
                Given::Endpoint(url) => file.endpoints.push(url.clone()),
            }
        }
        let zones = ZONES[..count].iter().map(|zone| ZoneData::parse(zone, RECORDS));
        let zones: Vec<ZoneData> = zones.collect();
        let (net, mut hosts) = (MemNet::new(), Vec::new());
        for Host { name, v4, v6 } in HOSTS {
            let server = match name {
                "anchor1" | "anchor2" => Nameserver::new([ZoneData::root()]),
                _ => Nameserver::new(zones.clone()),
            };
            net.add(v4.parse().unwrap(), server.clone());
            net.add(v6.parse().unwrap(), server.clone());
            hosts.push(server);
        }
        let clock = Clock::starting_at(Timestamp::from_second(MIDNIGHT.into()).unwrap());
        let world = Self {
            net,
            hosts,
            zones,
            github: github(clock),
            hanging: false,
            folder: tempfile::tempdir().unwrap(),
            file,
            has_token,
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
                daemon.orders.try_send(Order::Reload).map_err(|error| error.to_string())?;
                self.run_until(self.clock.now().uptime).await?;
            }
            Act::Server(name, behaviour) => self.host(name).set(behaviour.clone()),
            Act::Zone(origin, name, rtype, values) => self.set(origin, name, rtype, values)?,
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
                let fault = Fault::PrimaryLimit { reset_epoch: now + seconds };
                self.github.inject(matcher.clone(), fault, 1);
            }
            Act::ClearFaults => drop(self.github.clear_faults()),
            Act::Token(permission) => self.github.set_permission(TOKEN, *permission),
            Act::Expiry(at) => self.github.set_expiry(Some(at)),
            Act::Person(person) => self.person(person),
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

    fn set(
        &self,
        origin: &str,
        name: &str,
        rtype: &str,
        values: &[String],
    ) -> Result<(), &'static str> {
        let is_it = |zone: &&ZoneData| zone.origin().to_ascii().trim_end_matches('.') == origin;
        let zone = self.zones.iter().find(is_it).ok_or("no such zone is served")?;
        let rtype: RecordType = rtype.parse().map_err(|_| "no such type")?;
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        zone.set(name, rtype, &values);
        Ok(())
    }

    fn person(&self, person: &Person) {
        let github = &self.github;
        match person {
            Person::Closes(issue) => github.close_by_hand(*issue),
            Person::ClosesLast => {
                let issues = github.issues();
                if let Some(last) = issues.iter().rfind(|issue| issue.state == "open") {
                    github.close_by_hand(last.number);
                }
            }
            Person::Reopens(issue) => github.reopen_by_hand(*issue),
            Person::Retitles(issue, title) => github.edit_by_hand(*issue, |issue| {
                issue.title.clone_from(title);
            }),
            Person::Adds(issue, text) => github.edit_by_hand(*issue, |issue| {
                issue.body = format!("{}\n\n{text}", issue.body);
            }),
            Person::Comments(issue, text) => github.comment_as("octocat", *issue, text),
        }
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
        zones.push(ZoneData::root());
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
        let origins = self.zones.iter().map(|zone| zone.origin().to_ascii());
        let text = self.file.text(&self.github.url(), origins);
        fs::write(self.config_path(), text).unwrap();
    }
}
