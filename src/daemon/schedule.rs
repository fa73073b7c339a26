//! When the daemon asks again: the rounds that are due, and their start.

use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::runtime::RuntimeProvider;

use crate::daemon::monitor::{Daemon, SLACK};
use crate::decide::probe::endpoint::EndpointCheck;
use crate::decide::probe::query::Target;
use crate::decide::probe::world::WorldCheck;
use crate::io::clock;

/// For one look at a zone from the roots.
const LOOK: Duration = Duration::from_secs(60);

impl<P: RuntimeProvider> Daemon<P> {
    /// Uptime of the next round over nameservers.
    pub(super) fn next_look(&self) -> Duration {
        let nameservers = self.monitor.subjects.iter().take(self.config.nameservers.len());
        let again = nameservers.filter_map(|subject| subject.again);
        again.fold(self.regular, Duration::min)
    }

    /// Uptime of the next check of an endpoint or a zone; `Duration::MAX` if each is under way.
    pub(super) fn next_check(&self) -> Duration {
        let endpoints = self.checks.iter().map(|check| check.subject);
        let subjects = endpoints.chain(self.world.iter().map(|check| check.subject));
        let next = subjects.map(|subject| self.next_check_of(subject));
        next.min().unwrap_or(Duration::MAX)
    }

    fn next_check_of(&self, subject: usize) -> Duration {
        let Some(regular) = self.rounds.next_regular(subject) else { return Duration::MAX };
        self.monitor.subjects.get(subject).and_then(|s| s.again).map_or(regular, |a| a.min(regular))
    }

    /// Starts a round over all nameservers if a regular round is due, else over those to query again.
    pub(super) fn look(&mut self) {
        let now = self.clock.now().uptime;
        let everybody = now >= self.regular;
        if everybody {
            let schedule = &self.config.schedule;
            self.regular = next_regular(schedule.interval, schedule.splay, now);
            self.report_due = true;
        }
        let due = |index: usize| {
            let subject = self.monitor.subjects.get(index);
            subject.is_some_and(|subject| subject.again.is_some_and(|at| at <= now))
        };
        let asked = self.targets.iter().filter(|target| everybody || due(target.nameserver));
        let asked: Vec<Arc<Target>> = asked.cloned().collect();
        let asked = self.with_what_is_due(asked, now);
        for subject in self.monitor.subjects.iter_mut().take(self.config.nameservers.len()) {
            // The verdict of this round decides when to check again.
            subject.again = subject.again.filter(|at| *at > now && !everybody);
        }
        self.round_deadline = now + self.longest_round(&asked) + SLACK;
        let (inspector, vantage) = (self.inspector.clone(), self.config.vantage.clone());
        let round = async move { inspector.round(&asked, &[], &vantage).await };
        self.rounds.look(Box::pin(round));
    }

    /// Starts the checks that are due.
    pub(super) fn check_endpoints(&mut self) {
        let now = self.clock.now().uptime;
        let due = self.checks.iter().filter(|check| self.next_check_of(check.subject) <= now);
        let due: Vec<Arc<EndpointCheck>> = due.cloned().collect();
        let zones = self.world.iter().filter(|check| self.next_check_of(check.subject) <= now);
        let zones: Vec<Arc<WorldCheck>> = zones.cloned().collect();
        let schedule = &self.config.schedule;
        let endpoints = due.iter().map(|check| (check.subject, schedule.interval));
        let looks = zones.iter().map(|check| (check.subject, schedule.interval_of(true)));
        for (subject, interval) in endpoints.chain(looks) {
            self.rounds.begin(subject, now, next_regular(interval, schedule.splay, now));
            if let Some(subject) = self.monitor.subjects.get_mut(subject) {
                subject.again = None; // the verdict decides
            }
        }
        let deadline = now + schedule.interval.max(self.inspector.limits().deadline);
        let rounds = self.inspector.endpoint_rounds(&due, &self.config.vantage, deadline);
        self.rounds.check(rounds);
        let vantage = &self.config.vantage;
        self.rounds.check(self.inspector.world_rounds(&zones, vantage, LOOK, schedule));
    }

    pub(super) fn longest_round(&self, targets: &[Arc<Target>]) -> Duration {
        self.inspector.limits().longest_round(targets)
    }

    /// Removes the hourly queries from targets for which they are not due.
    fn with_what_is_due(&mut self, asked: Vec<Arc<Target>>, now: Duration) -> Vec<Arc<Target>> {
        let mut last = None;
        let mut turn = |nameserver: usize| match last {
            Some((same, turn)) if nameserver == same => turn,
            _ => {
                let turn = self.monitor.hourly_turn(nameserver, now);
                last = Some((nameserver, turn));
                turn
            }
        };
        let fit = |target: Arc<Target>| match turn(target.nameserver) {
            Some(turn) => Arc::new(target.in_turn(&self.config, turn)),
            None => Arc::new(target.without_hourly()),
        };
        asked.into_iter().map(fit).collect()
    }
}

/// Uptime of the regular round after the one that starts now.
fn next_regular(interval: Duration, splay: Duration, now: Duration) -> Duration {
    let splay = splay.as_millis().max(1);
    let late = u128::from(clock::random()) % splay;
    now + interval + Duration::from_millis(u64::try_from(late).unwrap_or_default())
}
