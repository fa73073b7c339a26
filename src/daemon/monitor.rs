//! The state of the daemon, and what a finished round, a finished report and a tick of the clock change in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::daemon::hook::Hook;
use crate::daemon::log;
use crate::daemon::outbox::Outbox;
use crate::daemon::parts::{Job, Order, Parts};
use crate::daemon::reporter::{Reporter, TokenFrom, report};
use crate::daemon::rounds::Rounds;
use crate::decide::judge::round::judge;
use crate::decide::judge::uplink::Uplink;
use crate::decide::probe::endpoint::{EndpointCheck, endpoint_checks};
use crate::decide::probe::query::{Target, targets};
use crate::decide::probe::round::Round;
use crate::decide::probe::world::{WorldCheck, world_checks};
use crate::decide::report::heartbeat::HeartbeatInput;
use crate::decide::show::change::StateChange;
use crate::decide::track::reported::{Failure, Report};
use crate::decide::track::state::{CLOCK_PATIENCE, MonitorState};
use crate::decide::track::stored::StoredIncident;
use crate::decide::track::subject::Subject;
use crate::io::clock;
use crate::io::clock::Clock;
use crate::io::dns::limits::ProbeLimits;
use crate::io::gpio::panel::Panel;
use crate::io::inspector::Inspector;
use crate::io::system::files::Places;
use crate::io::system::hardware;
use crate::io::system::systemd::Manager;

/// A round that is this much overdue withholds the watchdog ping and lets the lease of the panel run out.
pub(super) const SLACK: Duration = Duration::from_secs(10);

/// The time between two renewals of the lease, and the lease.
pub(super) const TICK: Duration = Duration::from_secs(20);
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// A frame takes microseconds; a panel that draws no frame in this time hangs.
pub(super) const FRAME_WITHIN: Duration = Duration::from_secs(1);

/// The time between two checks of whether the wall clock is set, before reports begin.
const CLOCK_POLL: Duration = Duration::from_secs(10);

/// The first wait after a failed report; doubled each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(30);

/// The longest wait after a failed report, unless GitHub asks for more.
const BACKOFF_LAST: Duration = Duration::from_secs(600);

/// The whole state of the daemon.
pub(super) struct Daemon<P> {
    pub(super) config: Config,
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) checks: Vec<Arc<EndpointCheck>>,
    pub(super) world: Vec<Arc<WorldCheck>>,
    pub(super) inspector: Inspector<P>,
    pub(super) rounds: Rounds,
    pub(super) reporter: Option<Reporter>,
    pub(super) clock: Clock,
    pub(super) panel: Panel,
    pub(super) manager: Manager,
    pub(super) places: Places,
    pub(super) notices: PathBuf,
    pub(super) monitor: MonitorState,
    /// Uptime at which the current or next round over nameservers must be judged.
    pub(super) round_deadline: Duration,
    /// Uptime of the next [`Daemon::tick`].
    pub(super) tick_at: Duration,
    /// Uptime of the next regular round over nameservers.
    pub(super) regular: Duration,
    /// Uptime of the next report, by our own back-off.
    pub(super) report_after: Duration,
    /// Uptime of a report that the last one asked for; `Duration::MAX` without one.
    pub(super) report_again: Duration,
    /// Uptime before which GitHub gets no request, because it asks for that or its listings may lag.
    pub(super) github_retry_after: Duration,
    /// A report is due even if nothing has changed.
    pub(super) report_due: bool,
    /// [`Daemon::digest`] at the last report.
    pub(super) reported: Vec<String>,
    /// The content of the state directory.
    pub(super) stored: Vec<StoredIncident>,
    pub(super) hook: Hook,
    pub(super) outbox: Outbox,
    /// The uplink has been online since the start.
    pub(super) uplink_seen: bool,
}

/// What only the loop uses.
pub(super) struct LoopInputs {
    pub(super) config: PathBuf,
    pub(super) token: TokenFrom,
    pub(super) orders: mpsc::Receiver<Order>,
}

fn limits(config: &Config) -> ProbeLimits {
    ProbeLimits::at_rate(config.schedule.queries_per_second)
}

impl<P: RuntimeProvider> Daemon<P> {
    /// The daemon before its first round, and what only its loop uses.
    pub(super) fn new(config: Config, parts: Parts<P>) -> (Self, LoopInputs) {
        let Parts { network, clock, panel, manager, places, notices, token, config: path, orders } =
            parts;
        let mut daemon = Self {
            monitor: MonitorState::new(&config),
            targets: targets(&config),
            checks: endpoint_checks(&config),
            world: world_checks(&config),
            inspector: Inspector::new(network, clock, limits(&config)),
            rounds: Rounds::default(),
            reporter: Reporter::new(&config, token, clock),
            regular: Duration::ZERO,
            report_after: Duration::ZERO,
            report_again: Duration::MAX,
            github_retry_after: Duration::ZERO,
            report_due: true,
            reported: Vec::new(),
            stored: Vec::new(),
            hook: Hook::default(),
            outbox: Outbox::default().configured(&config),
            uplink_seen: false,
            config,
            round_deadline: Duration::ZERO,
            tick_at: Duration::ZERO,
            clock,
            panel,
            manager,
            places,
            notices,
        };
        daemon.round_deadline = daemon.longest_round(&daemon.targets) + SLACK;
        (daemon, LoopInputs { config: path, token, orders })
    }

    /// Before the first round.
    pub(super) fn start(&mut self) {
        self.manager.starting(self.round_deadline);
        self.restore();
        self.publish();
        log::started(&self.config, &self.targets);
    }

    /// Renews the panel's lease and pings the watchdog, unless the round is overdue or the panel does not draw. A
    /// GitHub that fails does not matter here: a restart would not bring it back.
    ///
    /// Returns whether a notice has changed; false while the round is overdue, so that nothing is published.
    pub(super) fn tick(&mut self) -> bool {
        let changed = self.noticed();
        let now = self.clock.now().uptime;
        let wanted = self.manager.ping_every();
        self.tick_at = now + wanted.map_or(TICK, |every| every.min(TICK));
        if now > self.round_deadline {
            log::once_a_reason("watchdog ping withheld", "the round is overdue");
            return false;
        }
        self.panel.show(self.monitor.panel_view(), LEASE);
        if wanted.is_some() {
            if self.panel.answers(FRAME_WITHIN) {
                self.manager.ping();
            } else {
                log::once_a_reason("watchdog ping withheld", "the panel does not draw");
            }
        }
        changed
    }

    pub(super) fn judged(&mut self, round: &Round) {
        let now = self.clock.now();
        let schedule = &self.config.schedule;
        let mut judgement = judge(&self.config, round);
        let of_nameservers = !round.observed.is_empty();
        if of_nameservers {
            self.rounds.judged = round.at.uptime;
        } else if round.at.uptime < self.rounds.judged {
            judgement.uplink = Uplink::UNUSED; // newer replies of the anchors are known
        }
        let fresh = format!("{:016x}", clock::random());
        let (monitor, changes) = self.monitor.clone().after(&judgement, now, schedule, &fresh);
        log::unobserved(&self.monitor, &monitor);
        let old = std::mem::replace(&mut self.monitor, monitor);
        let vantage = &self.config.vantage.name;
        let state_changes = StateChange::between(&old, &self.monitor, vantage, &now);
        self.outbox.notify(&state_changes, now.uptime);
        self.hook.add(state_changes);
        let before = old.uplink;
        self.uplink_seen |= self.monitor.uplink.is_some_and(|uplink| !uplink.is_down());
        // A look at a zone that has reached no root server says nothing of the uplink.
        let seen = judgement.uplink != Uplink::UNUSED;
        if seen && self.monitor.uplink.is_some_and(|uplink| uplink.is_down()) {
            // The lamps should show soon that the uplink is back; even sooner after a start, since a board
            // runs its first round before it has an address.
            let soon = if self.uplink_seen { schedule.recover } else { schedule.recheck };
            self.regular = self.regular.min(now.uptime + soon);
            self.rounds.check_endpoints_by(now.uptime + soon);
        } else if before.is_some_and(|uplink| uplink.is_down()) {
            self.report_after = now.uptime; // GitHub was unreachable, too
        }
        let took = now.uptime.saturating_sub(round.at.uptime);
        log::round(&self.monitor, &judgement, before, &self.config.vantage.anchors, took);
        for (index, change) in &changes {
            log::change(&self.monitor.subjects[*index], change, &now, schedule);
        }
        if of_nameservers {
            let down = self.monitor.subjects.iter().any(Subject::is_down);
            self.outbox.beat(&self.config, down, now.uptime);
            self.round_deadline = self.next_look() + self.longest_round(&self.targets) + SLACK;
            self.manager.status(&self.view(&now).meaning); // before READY: it is the first thing to see
            self.manager.ready();
        }
    }

    /// Uptime of the next report; `Duration::MAX` if there is nothing to report, or no repository.
    pub(super) fn next_report(&self) -> Duration {
        let quiet = !self.report_due && self.digest() == self.reported;
        // Before the first round even the uplink is unknown.
        if self.reporter.is_none() || self.monitor.uplink.is_none() {
            return Duration::MAX;
        }
        let after = if quiet { Duration::MAX } else { self.report_after };
        after.min(self.report_again).max(self.github_retry_after)
    }

    /// A digest of what a report would write: if it changes, a new report is due.
    fn digest(&self) -> Vec<String> {
        let wanted = self.monitor.desired_issues();
        let shows = crate::decide::report::text::body_digest;
        wanted
            .iter()
            .map(|w| format!("{} {} {}", w.incident.id, w.ended.is_some(), shows(w)))
            .collect()
    }

    pub(super) fn report(&mut self) -> Job<(Reporter, Report)> {
        let now = self.clock.now();
        if now.wall.is_none() && now.uptime < CLOCK_PATIENCE {
            // Certificates cannot be verified, and the times in an issue would be wrong.
            log::once_a_reason("reporting waits", "the clock is not set yet");
            self.report_after = now.uptime + CLOCK_POLL;
            return None;
        }
        self.report_due = false;
        self.report_again = Duration::MAX;
        self.reported = self.digest();
        let reporter = self.reporter.take()?;
        let every = self.config.github.as_ref().and_then(|github| github.heartbeat);
        let heartbeat = every.map(|every| HeartbeatInput {
            view: self.view(&now),
            past: self.monitor.uptime.clone(),
            board: hardware::read(Path::new("/")),
            // A heartbeat is part of a report, and each round makes one report at most.
            every: every.max(self.config.schedule.interval),
        });
        let (input, config) = (self.monitor.report_input(), self.config.clone());
        Some(Box::pin(report(reporter, input, heartbeat, config)))
    }

    pub(super) fn reported(&mut self, reporter: Reporter, report: &Report) {
        let written = reporter.written;
        let reporter = self.reporter.get_or_insert(reporter); // a reload has made a new one
        reporter.written = reporter.written.max(written);
        let now = self.clock.now();
        let before = self.monitor.reporting.clone();
        self.monitor = self.monitor.clone().reported(report, &now);
        self.report_again = report.again.map_or(Duration::MAX, |wait| now.uptime + wait);
        if let Some(failure) = &report.failed {
            self.report_again = Duration::MAX;
            self.report_due = true;
            self.report_after = now.uptime + self.backoff(failure);
            self.github_retry_after = now.uptime + failure.wait.unwrap_or_default();
        }
        log::report(&self.config, report, &before);
    }

    fn backoff(&self, failure: &Failure) -> Duration {
        if !failure.may_pass() {
            return BACKOFF_LAST;
        }
        let doublings = self.monitor.reporting.attempts.saturating_sub(1).min(10);
        (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_LAST)
    }

    /// Returns whether issues go to another repository from now on.
    pub(super) fn reload(&mut self, path: &Path, token: TokenFrom) -> bool {
        let repository = |config: &Config| {
            config.github.as_ref().map(|github| (github.api.clone(), github.repository.clone()))
        };
        let before = repository(&self.config);
        self.manager.reloading();
        match Config::load(path) {
            Ok(config) => self.reconfigure(config, token),
            Err(problems) => log::bad_config(&problems),
        }
        self.manager.reloaded();
        repository(&self.config) != before
    }

    fn reconfigure(&mut self, config: Config, token: TokenFrom) {
        if config.panel != self.config.panel {
            tracing::warn!(
                "the lamps have changed (panel section, or a nameserver's lamp); this takes effect at the next start"
            );
        }
        if config.metrics != self.config.metrics {
            self.remove_metrics();
        }
        self.monitor = self.monitor.clone().reconfigured(&config);
        self.targets = targets(&config);
        self.checks = endpoint_checks(&config);
        self.world = world_checks(&config);
        self.inspector.set_limits(limits(&config));
        self.rounds = Rounds::default(); // those under way are of the old configuration
        let now = self.clock.now();
        self.reporter = Reporter::new(&config, token, self.clock);
        if let Some(reporter) = &mut self.reporter {
            reporter.written = Some(now.uptime); // a write of the old one may be under way
        }
        self.regular = now.uptime;
        self.report_after = self.regular;
        if config.github != self.config.github {
            self.github_retry_after = self.regular; // the wait was for the old account
        }
        self.outbox = std::mem::take(&mut self.outbox).configured(&config);
        self.config = config;
        log::reloaded(&self.config, &self.targets);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc as Shared, Mutex};

    use super::*;
    use crate::io::dns::socket::Net;
    use crate::io::gpio::driver::Nothing;
    use crate::io::gpio::panel::Panel;
    use crate::io::system::files::Places;
    use crate::io::system::systemd::Manager;
    use crate::io::system::token::TokenError;

    #[tokio::test(start_paused = true)]
    async fn an_overdue_round_stops_the_watchdog_pings() {
        let folder = tempfile::tempdir().unwrap();
        let messages = Shared::new(Mutex::new(Vec::new()));
        let heard = Shared::clone(&messages);
        let tell = move |states: &[sd_notify::NotifyState<'_>]| {
            heard.lock().unwrap().extend(states.iter().map(ToString::to_string));
        };
        let parts = Parts {
            network: Net::default(),
            clock: crate::io::clock::Clock::system(),
            panel: Panel::spawn(Box::new(Nothing)),
            manager: Manager::new(Some(Duration::from_secs(60)), tell),
            places: Places { runtime: folder.path().into(), state: folder.path().into() },
            notices: folder.path().join("notices"),
            token: |_| Err(TokenError::Missing(String::new())),
            config: folder.path().join("pilotlight.toml"),
            orders: tokio::sync::mpsc::channel(1).1,
        };
        let (mut daemon, _) = Daemon::new(crate::config::Config::parse("", CONFIG).unwrap(), parts);
        let pings = || messages.lock().unwrap().iter().filter(|m| *m == "WATCHDOG=1").count();
        daemon.tick();
        assert_eq!(pings(), 1);
        daemon.round_deadline = daemon.clock.now().uptime;
        tokio::time::advance(Duration::from_millis(1)).await;
        daemon.tick();
        assert_eq!(pings(), 1, "the round is overdue");
        daemon.round_deadline += Duration::from_secs(1);
        daemon.tick();
        assert_eq!(pings(), 2);
    }

    const CONFIG: &str = "nameserver = [{ name = 'ns1.example.net', addresses = ['127.0.0.1'] }]\n\
                          zone = [{ name = 'example.net' }]";
}
