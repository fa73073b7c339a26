//! The shell: one loop that senses, judges and acts, and the way out of it.
//!
//! Nothing is decided here. A round becomes a judgement, the judgement becomes a [`MonitorState`], and from the
//! watch come the panel's face, the status file, what must survive a power cut, and what GitHub should
//! hold. A round, a report and the person's own command may be under way at the same time; none waits for
//! another.

mod hook;
mod log;
mod outside;
mod reporter;
mod unconfigured;

use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::decide::judge::round::judge;
use crate::decide::probe::endpoint::{EndpointCheck, endpoint_checks};
use crate::decide::probe::query::{Target, targets};
use crate::decide::probe::round::Round;
use crate::decide::report::heartbeat::HeartbeatInput;
use crate::decide::show::change::StateChange;
use crate::decide::track::reported::{Failure, Report};
use crate::decide::track::state::{CLOCK_PATIENCE, MonitorState, Reporting};
use crate::decide::track::stored::StoredIncident;
use crate::io::clock;
use crate::io::clock::Clock;
use crate::io::dns::limits::ProbeLimits;
use crate::io::gpio::panel::Panel;
use crate::io::inspector::Inspector;
use crate::io::system::files::Places;
use crate::io::system::hardware;
use crate::io::system::systemd::Manager;
use hook::{Hook, Told};
pub use reporter::TokenFrom;
use reporter::{Reporter, report};
pub use unconfigured::unconfigured;

/// How much later than it must a round may end before panel and watchdog stop believing it.
const SLACK: Duration = Duration::from_secs(10);

/// How often the loop shows that it turns, and how long the panel believes it without.
const TICK: Duration = Duration::from_secs(20);
const LEASE: Duration = Duration::from_secs(60);

/// A frame takes microseconds; a panel that does not draw one in this time hangs.
const FRAME_WITHIN: Duration = Duration::from_secs(1);

/// How often reporting looks whether the wall clock has been set.
const CLOCK_POLL: Duration = Duration::from_secs(10);

/// The first wait after a failed report; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(30);

/// The longest wait after a failed report, unless GitHub asks for more.
const BACKOFF_LAST: Duration = Duration::from_secs(600);

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Read the configuration again.
    Reload,
    /// Stop.
    Stop,
}

/// What the daemon needs from outside.
pub struct Parts<P> {
    /// The network that questions travel over.
    pub network: P,
    /// The clock.
    pub clock: Clock,
    /// The lamps.
    pub panel: Panel,
    /// The service manager.
    pub manager: Manager,
    /// Where files go.
    pub places: Places,
    /// Where others leave notices for a person.
    pub notices: PathBuf,
    /// Reads GitHub's token, if there is one, from the file that the configuration names or else elsewhere.
    pub token: TokenFrom,
    /// Where [`Order::Reload`] reads the configuration.
    pub config: PathBuf,
    /// What signals ask for. When the sender is gone the daemon stops.
    pub orders: mpsc::Receiver<Order>,
}

type Job<T> = Option<Pin<Box<dyn Future<Output = T>>>>;

/// Watches until it is told to stop.
pub async fn run<P: RuntimeProvider>(config: Config, parts: Parts<P>) {
    let Parts { network, clock, panel, manager, places, notices, token, config: path, mut orders } =
        parts;
    let mut daemon = Daemon {
        watch: MonitorState::new(&config),
        targets: targets(&config),
        checks: endpoint_checks(&config),
        inspector: Inspector::new(network, clock, limits(&config)),
        reporter: Reporter::new(&config, token),
        regular: Duration::ZERO,
        report_after: Duration::ZERO,
        left_alone_until: Duration::ZERO,
        report_due: true,
        reported: Vec::new(),
        stored: Vec::new(),
        hook: Hook::default(),
        sighted: false,
        config,
        look_by: Duration::ZERO,
        tick_at: Duration::ZERO,
        clock,
        panel,
        manager,
        places,
        notices,
    };
    daemon.look_by = daemon.longest_round(&daemon.targets) + SLACK;
    daemon.manager.starting(daemon.look_by);
    daemon.restore();
    daemon.publish();
    log::started(&daemon.config, &daemon.targets);
    let mut looking: Job<Round> = None;
    let mut reporting: Job<Report> = None;
    let mut telling: Job<Told> = None;
    loop {
        if telling.is_none() {
            telling = daemon.hook.next(&daemon.config.hooks);
        }
        let look_at = daemon.next_look();
        let report_at = daemon.next_report();
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Reload) => {
                    daemon.manager.reloading();
                    if daemon.reload(&path, token) {
                        looking = None; // its questions are the old ones
                    }
                    daemon.manager.reloaded();
                }
                Some(Order::Stop) | None => break,
            },
            report = maybe(&mut reporting) => {
                reporting = None;
                daemon.reported(&report);
            }
            round = maybe(&mut looking) => {
                looking = None;
                daemon.judged(&round);
            }
            told = maybe(&mut telling) => {
                telling = None;
                told.log();
                continue; // nothing has changed
            }
            () = clock.sleep_until(daemon.tick_at) => {
                if !daemon.tick() {
                    continue; // nothing has changed
                }
            }
            () = clock.sleep_until(look_at), if looking.is_none() => {
                looking = Some(daemon.look());
            }
            () = clock.sleep_until(report_at), if reporting.is_none() && report_at < Duration::MAX => {
                reporting = daemon.report();
            }
        }
        daemon.publish();
    }
    daemon.remove_metrics();
    outside::leave(daemon.panel, &mut daemon.manager, &daemon.places);
}

async fn maybe<T>(job: &mut Job<T>) -> T {
    match job {
        Some(job) => job.await,
        None => pending().await,
    }
}

fn limits(config: &Config) -> ProbeLimits {
    ProbeLimits::at_rate(config.schedule.queries_per_second)
}

struct Daemon<P> {
    config: Config,
    targets: Vec<Arc<Target>>,
    checks: Vec<Arc<EndpointCheck>>,
    inspector: Inspector<P>,
    reporter: Option<Reporter>,
    clock: Clock,
    panel: Panel,
    manager: Manager,
    places: Places,
    notices: PathBuf,
    watch: MonitorState,
    /// Uptime by which the round under way, or the next one, must have been judged.
    look_by: Duration,
    /// Uptime of the next [`Daemon::tick`].
    tick_at: Duration,
    /// Uptime of the next regular round.
    regular: Duration,
    /// Uptime of the next attempt to report, as patient as we are.
    report_after: Duration,
    /// Uptime before which GitHub is left alone, because it said so or because its listings may lag.
    left_alone_until: Duration,
    /// A report should be made, whether or not anything has changed.
    report_due: bool,
    /// What the last report that went through was about.
    reported: Vec<String>,
    /// What is in the state directory.
    stored: Vec<StoredIncident>,
    /// What the person's own command is still to be told.
    hook: Hook,
    /// The uplink has worked since the start.
    sighted: bool,
}

impl<P: RuntimeProvider> Daemon<P> {
    fn next_look(&self) -> Duration {
        let again = self.watch.subjects.iter().filter_map(|subject| subject.again);
        again.fold(self.regular, Duration::min)
    }

    /// Renews the panel's lease, and earns the watchdog's ping: by rounds that finish in time, and by a
    /// panel that draws. Whether GitHub answers is no part of it: a restart would not bring GitHub back.
    ///
    /// Says whether there is news, which only somebody alive may tell.
    fn tick(&mut self) -> bool {
        let news = self.noticed();
        let now = self.clock.now().uptime;
        let wanted = self.manager.ping_every();
        self.tick_at = now + wanted.map_or(TICK, |every| every.min(TICK));
        if now > self.look_by {
            log::once_a_reason("no sign of life", "a round does not come to its end");
            return false;
        }
        self.panel.show(self.watch.panel_view(), LEASE);
        if wanted.is_some() {
            if self.panel.answers(FRAME_WITHIN) {
                self.manager.ping();
            } else {
                log::once_a_reason("no sign of life", "the panel does not draw");
            }
        }
        news
    }

    /// Begins a round: over everybody when it is time for that, else over those who are to be asked again.
    fn look(&mut self) -> Pin<Box<dyn Future<Output = Round>>> {
        let now = self.clock.now().uptime;
        let schedule = &self.config.schedule;
        let everybody = now >= self.regular;
        if everybody {
            let splay = schedule.splay.as_millis().max(1);
            let late = u128::from(clock::random()) % splay;
            let late = Duration::from_millis(u64::try_from(late).unwrap_or_default());
            self.regular = now + schedule.interval + late;
            self.report_due = true;
        }
        let due = |index: usize| {
            let subject = self.watch.subjects.get(index);
            subject.is_some_and(|subject| subject.again.is_some_and(|at| at <= now))
        };
        let asked = self.targets.iter().filter(|target| everybody || due(target.nameserver));
        let asked: Vec<Arc<Target>> = asked.cloned().collect();
        let due = self.checks.iter().filter(|check| everybody || due(check.subject));
        let checks: Vec<Arc<EndpointCheck>> = due.cloned().collect();
        let asked = self.with_what_is_due(asked, now);
        for subject in &mut self.watch.subjects {
            // Whoever is asked has been asked; the verdict says when to ask again.
            subject.again = subject.again.filter(|at| *at > now && !everybody);
        }
        self.look_by = now + self.longest_round(&asked) + SLACK;
        let (inspector, vantage) = (self.inspector.clone(), self.config.vantage.clone());
        Box::pin(async move { inspector.round(&asked, &checks, &vantage).await })
    }

    fn longest_round(&self, targets: &[Arc<Target>]) -> Duration {
        self.inspector.limits().longest_round(targets)
    }

    /// Leaves the question about recursion out where it is not its time.
    fn with_what_is_due(&mut self, asked: Vec<Arc<Target>>, now: Duration) -> Vec<Arc<Target>> {
        let mut last = None;
        let mut whole = |target: &Target| match last {
            Some((nameserver, due)) if nameserver == target.nameserver => due,
            _ => {
                let due = self.watch.ask_about_recursion(target.nameserver, now);
                last = Some((target.nameserver, due));
                due
            }
        };
        let fit = |target: Arc<Target>| match whole(&target) {
            true => target,
            false => Arc::new(target.without_recursion()),
        };
        asked.into_iter().map(fit).collect()
    }

    fn judged(&mut self, round: &Round) {
        let now = self.clock.now();
        let schedule = &self.config.schedule;
        let judgement = judge(&self.config, round);
        let fresh = format!("{:016x}", clock::random());
        let (watch, changes) = self.watch.clone().after(&judgement, now, schedule, &fresh);
        log::unseen(&self.watch, &watch);
        let old = std::mem::replace(&mut self.watch, watch);
        self.hook.tell(StateChange::between(&old, &self.watch, &self.config.vantage.name, &now));
        let before = old.uplink;
        self.sighted |= self.watch.uplink.is_some_and(|uplink| !uplink.is_down());
        if self.watch.uplink.is_some_and(|uplink| uplink.is_down()) {
            // The lamps should say soon that the connection is back. After a start that is sooner still: a
            // board looks before it has an address.
            let soon = if self.sighted { schedule.recover } else { schedule.recheck };
            self.regular = self.regular.min(now.uptime + soon);
        } else if before.is_some_and(|uplink| uplink.is_down()) {
            self.report_after = now.uptime; // GitHub was out of reach with everything else
        }
        log::round(&self.watch, &judgement, before, now.uptime.saturating_sub(round.at.uptime));
        for (index, change) in &changes {
            log::change(&self.watch.subjects[*index], change, &now, schedule);
        }
        self.look_by = self.next_look() + self.longest_round(&self.targets) + SLACK;
        self.manager.status(&self.view(&now).meaning); // before READY: it is the first thing to see
        self.manager.ready();
    }

    /// Uptime of the next report; never, when there is nothing to say and nobody to say it to.
    fn next_report(&self) -> Duration {
        let quiet = !self.report_due && self.digest() == self.reported;
        // Before the first round nothing is known, not even whether there is an uplink.
        if self.reporter.is_none() || quiet || self.watch.uplink.is_none() {
            return Duration::MAX;
        }
        self.report_after.max(self.left_alone_until)
    }

    /// What a report would be about: changes when a new one is worth making.
    fn digest(&self) -> Vec<String> {
        let wanted = self.watch.desired_issues();
        let shows = crate::decide::report::text::body_digest;
        wanted
            .iter()
            .map(|w| format!("{} {} {}", w.incident.id, w.ended.is_some(), shows(w)))
            .collect()
    }

    fn report(&mut self) -> Job<Report> {
        let now = self.clock.now();
        if now.wall.is_none() && now.uptime < CLOCK_PATIENCE {
            // Certificates cannot be judged, and an issue would carry times from nowhere.
            log::once_a_reason("reporting waits", "the clock is not set yet");
            self.report_after = now.uptime + CLOCK_POLL;
            return None;
        }
        self.report_due = false;
        self.reported = self.digest();
        let reporter = self.reporter.clone()?;
        let heartbeat = self.config.github.as_ref().and_then(|github| github.heartbeat);
        let alive = heartbeat.map(|every| HeartbeatInput {
            view: self.view(&now),
            past: self.watch.uptime.clone(),
            board: hardware::read(Path::new("/")),
            // It is given with a report, and there is none more often than there are rounds.
            every: every.max(self.config.schedule.interval),
        });
        let (belief, config) = (self.watch.report_input(), self.config.clone());
        Some(Box::pin(report(reporter, belief, alive, config, self.clock)))
    }

    fn reported(&mut self, report: &Report) {
        let now = self.clock.now();
        let before = self.watch.reporting.clone();
        self.watch = self.watch.clone().reported(report, &now);
        if let Some(failure) = &report.failed {
            self.report_due = true;
            self.report_after = now.uptime + self.backoff(failure);
            self.left_alone_until = now.uptime + failure.wait.unwrap_or_default();
        }
        log::report(&self.config, report, &before);
    }

    fn backoff(&self, failure: &Failure) -> Duration {
        match &self.watch.reporting {
            Reporting::Failing { attempts, .. } if failure.may_pass() => {
                let doublings = attempts.saturating_sub(1).min(10);
                (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_LAST)
            }
            _ => BACKOFF_LAST,
        }
    }

    fn reload(&mut self, path: &Path, token: TokenFrom) -> bool {
        let config = match Config::load(path) {
            Ok(config) => config,
            Err(problems) => {
                log::bad_config(&problems);
                return false;
            }
        };
        if config.panel != self.config.panel {
            tracing::warn!(
                "the lamps have changed (panel section, or a nameserver's lamp); that takes effect with the next start"
            );
        }
        if config.metrics != self.config.metrics {
            self.remove_metrics();
        }
        self.watch = self.watch.clone().reconfigured(&config);
        self.targets = targets(&config);
        self.checks = endpoint_checks(&config);
        self.inspector.set_limits(limits(&config));
        self.reporter = Reporter::new(&config, token);
        self.regular = self.clock.now().uptime;
        self.report_after = self.regular;
        if config.github != self.config.github {
            self.left_alone_until = self.regular; // that was somebody else
        }
        self.config = config;
        log::reloaded(&self.config, &self.targets);
        true
    }
}
