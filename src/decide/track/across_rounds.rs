//! What one round alone cannot say, and what not every round has to ask.

use std::time::Duration;

use crate::config::Schedule;
use crate::decide::judge::fault_code::FaultKind;
use crate::decide::judge::finding::Finding;
use crate::decide::judge::round::Judgement;
use crate::decide::time::Moment;
use crate::decide::track::serials;
use crate::decide::track::state::MonitorState;

/// The time between two recursion queries to one nameserver.
const RECURSION_EVERY: Duration = Duration::from_secs(3600);

impl MonitorState {
    /// What a round and those before it say of the serials and signatures of all nameservers.
    pub(super) fn compare_editions(
        &mut self,
        judgement: &Judgement,
        at: &Moment,
        schedule: &Schedule,
    ) -> Vec<(usize, Finding)> {
        let subjects = &self.subjects;
        let holding = |index: usize| {
            let incident = subjects.get(index).and_then(|subject| subject.health.incident());
            incident.is_some_and(|incident| serials::about_serials(&incident.findings))
        };
        let name = |index: usize| {
            subjects.get(index).map_or_else(String::new, |subject| subject.name.clone())
        };
        let verdicts = judgement.verdicts.iter().map(|(index, verdict)| (*index, verdict));
        self.serials.after(verdicts, at.uptime, schedule.serial_grace, &holding, &name)
    }

    /// Whether a nameserver should be asked about recursion now, and if so takes it for asked: once an hour,
    /// and every time while it is known to be open.
    pub fn ask_about_recursion(&mut self, index: usize, now: Duration) -> bool {
        let Some(subject) = self.subjects.get_mut(index) else {
            return false;
        };
        let open = subject.health.trouble().is_some_and(|incident| {
            // An issue may remember it; it has no rows yet.
            let shown = |finding: &Finding| finding.fault == FaultKind::OpenRecursion;
            incident.findings.is_empty() || incident.findings.iter().any(shown)
        });
        let due = subject.recursion.is_none_or(|at| at <= now);
        if due {
            subject.recursion = Some(now + RECURSION_EVERY);
        }
        due || open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::judge::fault::Fault;
    use crate::decide::judge::finding::{FailedQuery, Verdict};
    use crate::decide::testing::{Led, at, config, resume, row, schedule, well};
    use crate::decide::track::health::Change;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn recursion_is_queried_once_an_hour() {
        let mut monitor = MonitorState::new(&config());
        assert!(monitor.ask_about_recursion(0, Duration::ZERO));
        assert!(monitor.ask_about_recursion(1, HOUR / 2), "each has its own time");
        assert!(!monitor.ask_about_recursion(0, HOUR - Duration::from_millis(1)));
        assert!(monitor.ask_about_recursion(0, HOUR));
        assert!(!monitor.ask_about_recursion(0, HOUR + HOUR / 2));
        assert!(!monitor.ask_about_recursion(2, HOUR), "there is nobody");
        let mut same = monitor.reconfigured(&config());
        assert!(!same.ask_about_recursion(0, HOUR + HOUR / 2), "a reload is no reason");
    }

    /// An open resolver, as a round finds it.
    fn open() -> Verdict {
        let fault = Fault::OpenRecursion.code();
        let row = row("192.0.2.1:53", ".", Fault::OpenRecursion.severity());
        let place = FailedQuery { address: row.address, query: 3, severity: row.severity };
        let rows = vec![crate::decide::judge::finding::Finding { fault, ..row }];
        Verdict { findings: rows, failed_queries: vec![place], ..well() }
    }

    #[test]
    fn an_open_resolver_is_asked_again_each_time_until_it_has_closed_and_others_are_not() {
        let mut led = Led::new();
        let asked = |led: &mut Led| {
            let now = at(led.seconds).uptime;
            [0, 1].map(|index| led.monitor.ask_about_recursion(index, now))
        };
        assert_eq!(asked(&mut led), [true, true]);
        for _ in 0..4 {
            led = led.rounds(1, [open(), well()]);
            assert_eq!(asked(&mut led), [true, false]);
        }
        led = led.rounds(1, [well(), well()]);
        assert_eq!(asked(&mut led), [true, false], "once is not enough");
        led = led.rounds(1, [well(), well()]);
        assert_eq!(asked(&mut led), [false, false]);
    }

    #[test]
    fn a_remembered_incident_about_recursion_is_queried_at_once() {
        let mut led = Led::new().reported(&resume("ns1.example.net", "old", 7));
        assert!(led.monitor.ask_about_recursion(0, Duration::ZERO));
        assert!(led.monitor.ask_about_recursion(0, Duration::ZERO));
    }

    #[test]
    fn a_serial_fault_is_listed_beside_the_findings_of_the_round() {
        let edition = |address: &str, serial| crate::decide::judge::finding::ZoneSerial {
            address: address.parse().unwrap(),
            zone: "example.net".to_owned(),
            query: crate::decide::probe::query::targets(&config())[0].queries[0].clone(),
            serial,
            signed: None,
        };
        let with = |address, serial, verdict: Verdict| Verdict {
            serials: vec![edition(address, serial)],
            ..verdict
        };
        let round = |rest: Verdict| {
            let verdicts = [with("192.0.2.1:53", 7, well()), with("192.0.2.2:53", 6, rest)];
            crate::decide::testing::judgement(verdicts)
        };
        let schedule = Schedule { open_after: 1, ..schedule() };
        let mut monitor = MonitorState::new(&config());
        let mut changes = Vec::new();
        for (seconds, rest) in [(0, well()), (3600, crate::decide::testing::down())] {
            (monitor, changes) = monitor.after(&round(rest), at(seconds), &schedule, "new");
        }
        let [(1, Change::Opened(incident))] = &changes[..] else {
            panic!("{changes:?}");
        };
        let faults: Vec<_> = incident.findings.iter().map(|row| row.fault.to_string()).collect();
        assert_eq!(faults, ["silent", "serial-behind"], "worst first");
        assert!(monitor.subjects[0].health.incident().is_none());
    }
}
