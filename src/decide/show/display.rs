//! What the lamps say of all that is believed.

use crate::decide::judge::finding::Severity;
use crate::decide::judge::uplink::Uplink;
use crate::decide::show::panel::{LampState, PanelState, PanelView, SubjectLamp};
use crate::decide::track::health::Health;
use crate::decide::track::reported::ReportingState;
use crate::decide::track::state::MonitorState;
use crate::decide::track::subject::Subject;
use crate::decide::track::subject_kind::SubjectKind;

/// Failed attempts in a row after which the panel says so. One lost connection is no news.
const FAILURES_SHOWN: u32 = 3;

impl MonitorState {
    /// What the panel should show, and the nameservers' own lamps.
    #[must_use]
    pub fn panel_view(&self) -> PanelView {
        let state = match self.uplink {
            None => PanelState::Starting,
            Some(uplink) if uplink.is_down() && uplink.intercepted() => PanelState::Intercepted,
            Some(uplink) if uplink.is_down() => PanelState::Offline,
            Some(uplink) => self.state(uplink),
        };
        let uplink_down = self.uplink.is_none_or(|uplink| uplink.is_down());
        let own = self.subjects.iter().filter_map(|subject| {
            let lamp = subject.lamp?;
            let lamp_state = if uplink_down { LampState::Unknown } else { subject.lamp_state() };
            Some(SubjectLamp { lamp, state: lamp_state })
        });
        PanelView {
            state,
            cannot_report: self.cannot_report(),
            notice: !self.notices.is_empty() || self.subjects.iter().any(Subject::out_of_sight),
            lamps: own.collect(),
        }
    }

    fn state(&self, uplink: Uplink) -> PanelState {
        let numbered =
            self.subjects.iter().enumerate().filter(|(_, s)| s.kind == SubjectKind::Nameserver);
        let down = numbered.filter(|(_, s)| s.is_down()).map(|(n, _)| n + 1).collect();
        let any = |test: fn(&Subject) -> bool| self.subjects.iter().any(test);
        if any(Subject::is_down) {
            PanelState::Down(down)
        } else if any(|s| matches!(s.health, Health::Suspect(_))) {
            PanelState::Suspect
        } else if any(|s| s.health.incident().is_some()) {
            PanelState::Degraded
        } else if uplink.intercepted() {
            PanelState::Intercepted
        } else if any(|s| s.unobserved && !s.out_of_sight() && s.kind != SubjectKind::Zone) {
            // One family works and another does not: some server could not be looked at at all.
            PanelState::Offline
        } else {
            PanelState::Well
        }
    }

    /// Whether the panel must show that an outage would not be reported.
    #[must_use]
    pub fn cannot_report(&self) -> bool {
        // Without an uplink GitHub is out of reach as well, and the panel says so already.
        let online = self.uplink.is_some_and(|uplink| !uplink.is_down());
        self.reporting.state == ReportingState::Denied
            || (self.reporting.attempts >= FAILURES_SHOWN && online)
    }
}

impl Subject {
    /// Nothing is seen of it, and that is not the uplink's doing: a name that this system cannot resolve, say. A
    /// person should know, and the lamps of the others must not suffer.
    fn out_of_sight(&self) -> bool {
        self.unobserved && self.why.is_some() && self.kind != SubjectKind::Zone
    }

    /// What its own lamp says while our uplink sees anything at all.
    fn lamp_state(&self) -> LampState {
        match &self.health {
            Health::Suspect(_) | Health::Recovering(..) => LampState::Asked,
            Health::Failing(failing) if failing.incident.severity == Severity::Down => {
                LampState::Down
            }
            Health::Failing(_) => LampState::Degraded,
            Health::Well if self.unobserved || self.verdict.is_none() => LampState::Unknown,
            Health::Well => LampState::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::decide::judge::fault_code::FaultKind;
    use crate::decide::judge::finding::Finding;
    use crate::decide::judge::finding::{FailedQuery, Verdict};
    use crate::decide::judge::round::Judgement;
    use crate::decide::judge::uplink::Family;
    use crate::decide::time::Moment;

    fn config(lamps: [u8; 2]) -> Config {
        let text = format!(
            "nameserver = [{{ name = 'ns1.example.net', addresses = ['192.0.2.1'], lamp = {} }}, \
             {{ name = 'ns2.example.net', addresses = ['192.0.2.2'], lamp = {} }}]\n\
             zone = [{{ name = 'example.net' }}]",
            lamps[0], lamps[1]
        );
        Config::parse("", &text).unwrap()
    }

    fn well() -> Verdict {
        Verdict { observed_addresses: 1, ..Verdict::default() }
    }

    fn faulty(severity: Severity) -> Verdict {
        let row = Finding {
            address: "192.0.2.2:53".parse().unwrap(),
            zone: "example.net".into(),
            question: "example.net SOA".into(),
            more: 0,
            severity,
            fault: FaultKind::Silent.into(),
            detail: "did not answer".into(),
            command: "dig".into(),
        };
        let place = FailedQuery { address: row.address, query: 0, severity };
        Verdict { findings: vec![row], failed_queries: vec![place], ..well() }
    }

    /// After rounds in which ns1 was well, and ns2 got these verdicts.
    fn after(verdicts: &[Verdict], ipv4: Family) -> MonitorState {
        let config = config([5, 6]);
        let mut monitor = MonitorState::new(&config);
        for verdict in verdicts {
            let judgement = Judgement {
                uplink: Uplink { ipv4, ipv6: Family::Unused },
                verdicts: vec![(0, well()), (1, verdict.clone())],
            };
            let now = Moment::default();
            monitor = monitor.after(&judgement, now, &config.schedule, "new").0;
        }
        monitor
    }

    fn own(monitor: &MonitorState) -> Vec<(u8, LampState)> {
        let own = monitor.panel_view().lamps;
        own.iter().map(|own| (own.lamp, own.state)).collect()
    }

    #[test]
    fn a_subject_lamp_follows_its_nameserver_and_no_other() {
        let (down, degraded) = (faulty(Severity::Down), faulty(Severity::Degraded));
        let unseen = Verdict::default();
        let cases: [(&[&Verdict], LampState); 8] = [
            (&[&well()], LampState::Well),
            (&[&down], LampState::Asked),
            (&[&down, &down, &down], LampState::Down),
            (&[&down, &down, &down, &unseen], LampState::Down),
            (&[&down, &down, &down, &well()], LampState::Asked),
            (&[&down, &down, &down, &well(), &well()], LampState::Well),
            (&[&degraded, &degraded, &degraded], LampState::Degraded),
            (&[&well(), &unseen], LampState::Unknown),
        ];
        for (verdicts, lamp_state) in cases {
            let verdicts: Vec<Verdict> = verdicts.iter().copied().cloned().collect();
            let monitor = after(&verdicts, Family::Online);
            assert_eq!(own(&monitor), [(5, LampState::Well), (6, lamp_state)], "{verdicts:?}");
        }
    }

    #[test]
    fn subject_lamps_are_neutral_before_the_first_round_and_without_an_uplink() {
        let unknown = [(5, LampState::Unknown), (6, LampState::Unknown)];
        assert_eq!(own(&MonitorState::new(&config([5, 6]))), unknown);
        for family in [Family::Offline, Family::Intercepted] {
            let monitor = after(&[well()], family);
            assert_eq!(own(&monitor), unknown);
        }
    }

    #[test]
    fn a_subject_lamp_follows_another_nameserver_after_a_reload() {
        let monitor =
            after(&[faulty(Severity::Down)], Family::Online).reconfigured(&config([6, 5]));
        assert_eq!(own(&monitor), [(6, LampState::Well), (5, LampState::Asked)]);
    }
}
