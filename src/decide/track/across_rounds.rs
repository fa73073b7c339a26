//! What one round alone cannot say, and what not every round has to ask.

use std::time::Duration;

use crate::config::Schedule;
use crate::decide::judge::fault_code::FaultKind;
use crate::decide::judge::finding::{Finding, Verdict};
use crate::decide::judge::round::Judgement;
use crate::decide::time::Moment;
use crate::decide::track::serials;
use crate::decide::track::state::MonitorState;

/// The time between two hourly queries to one nameserver.
const HOUR: Duration = Duration::from_secs(3600);

impl MonitorState {
    /// What a round and those before it say of the serials and signatures of all nameservers.
    pub(super) fn compare_serials(
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

    /// The servers of a parent may disagree for so long, as secondaries may.
    pub(super) fn wait_for_parents(
        &mut self,
        index: usize,
        verdict: &mut Verdict,
        now: Duration,
        grace: Duration,
    ) {
        let Some(subject) = self.subjects.get_mut(index) else { return };
        let differ = |finding: &Finding| finding.fault == FaultKind::ParentsDiffer;
        if !verdict.findings.iter().any(differ) {
            // An unknown verdict is no agreement.
            if verdict.observed_addresses > 0 {
                subject.parents_differ = None;
            }
            return;
        }
        let since = *subject.parents_differ.get_or_insert(now);
        if now.saturating_sub(since) < grace {
            verdict.findings.retain(|finding| !differ(finding));
            verdict.failed_queries.truncate(verdict.findings.len());
        }
    }

    /// The turn of the hourly queries to a nameserver, if they are due: once an hour, and every time while something
    /// is wrong with it. Then it is the same turn, since the fault may be in an hourly query.
    pub fn hourly_turn(&mut self, index: usize, now: Duration) -> Option<usize> {
        let subject = self.subjects.get_mut(index)?;
        let suspect = subject.health.trouble().is_some();
        match subject.hourly {
            Some((_, turn)) if suspect => Some(turn),
            Some((at, _)) if at > now => None,
            last => {
                let turn = last.map_or(0, |(_, turn)| turn + 1);
                subject.hourly = Some((now + HOUR, turn));
                Some(turn)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::judge::fault::Fault;
    use crate::decide::judge::finding::FailedQuery;
    use crate::decide::testing::{Led, at, config, resume, row, schedule, well};
    use crate::decide::track::health::Change;

    #[test]
    fn hourly_queries_are_sent_once_an_hour_in_turns() {
        let mut monitor = MonitorState::new(&config());
        assert_eq!(monitor.hourly_turn(0, Duration::ZERO), Some(0));
        assert_eq!(monitor.hourly_turn(1, HOUR / 2), Some(0), "each has its own time");
        assert_eq!(monitor.hourly_turn(0, HOUR - Duration::from_millis(1)), None);
        assert_eq!(monitor.hourly_turn(0, HOUR), Some(1));
        assert_eq!(monitor.hourly_turn(0, HOUR + HOUR / 2), None);
        assert_eq!(monitor.hourly_turn(9, HOUR), None, "there is nobody");
        let mut same = monitor.reconfigured(&config());
        assert_eq!(same.hourly_turn(0, HOUR + HOUR / 2), None, "a reload is no reason");
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
            [0, 1].map(|index| led.monitor.hourly_turn(index, now).is_some())
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
        assert_eq!(led.monitor.hourly_turn(0, Duration::ZERO), Some(0));
        assert_eq!(led.monitor.hourly_turn(0, HOUR), Some(0), "the same until it is well");
    }

    #[test]
    fn a_serial_fault_is_listed_beside_the_findings_of_the_round() {
        let served = |address: &str, serial| crate::decide::judge::finding::ZoneSerial {
            address: address.parse().unwrap(),
            zone: "example.net".to_owned(),
            query: crate::decide::probe::query::targets(&config())[0].queries[0].clone(),
            serial,
            signed: None,
        };
        let with = |address, serial, verdict: Verdict| Verdict {
            serials: vec![served(address, serial)],
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
