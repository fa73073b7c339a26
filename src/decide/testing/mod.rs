//! What the tests of this room build their worlds from: times, rows, verdicts, schedules.

pub(super) mod tracker;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Config, Schedule};
use crate::decide::judge::finding::{FailedQuery, Verdict};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::judge::round::Judgement;
use crate::decide::judge::uplink::{Family, Uplink};
use crate::decide::show::panel::PanelState;
use crate::decide::time::Moment;
use crate::decide::track::incident::{DesiredIssue, IssueRef};
use crate::decide::track::reported::{RememberedIncident, Report};
use crate::decide::track::state::MonitorState;
use crate::decide::track::subject_kind::SubjectKind;

/// The nameserver's address of each family.
pub(super) const V4: &str = "192.0.2.1:53";
pub(super) const V6: &str = "[2001:db8::1]:53";

pub(super) const ONLINE: Uplink = Uplink { ipv4: Family::Online, ipv6: Family::Online };

/// So many seconds after the program started, which was at noon of the first day of 2026.
pub(super) fn at(seconds: u64) -> Moment {
    let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    Moment {
        uptime: Duration::from_secs(seconds),
        wall: Some(noon + Duration::from_secs(seconds)),
        ..Moment::default()
    }
}

/// The same, before anybody has set the clock.
pub(super) fn undated(seconds: u64) -> Moment {
    Moment { wall: None, ..at(seconds) }
}

/// A configuration of two nameservers, with GitHub.
pub(super) fn config() -> Config {
    static READ: LazyLock<Config> = LazyLock::new(|| Config::parse("test.toml", TEXT).unwrap());
    READ.clone()
}

const TEXT: &str = r#"
        vantage = { name = "home" }
        github = { repository = "owner/infra" }
        nameserver = [
            { name = "ns1.example.net", addresses = ["192.0.2.1", "2001:db8::1"] },
            { name = "ns2.example.net", addresses = ["192.0.2.2", "2001:db8::2"] },
        ]
        zone = [{ name = "example.net" }]
"#;

pub(super) fn schedule() -> Schedule {
    config().schedule
}

pub(super) fn row(address: &str, zone: &str, severity: Severity) -> Finding {
    let address: SocketAddr = address.parse().unwrap();
    let (fault, detail, options) = match severity {
        Severity::Down => ("silent", "does not answer within 2 s", " +tries=1 +time=2"),
        Severity::Degraded => (
            "tcp-closed",
            "answers over UDP, but over TCP it refuses packets: nothing listens on the port",
            " +tcp",
        ),
    };
    Finding {
        address,
        zone: zone.to_owned(),
        question: format!("{zone} SOA"),
        more: 0,
        severity,
        fault: fault.to_owned().into(),
        detail: detail.to_owned(),
        command: format!(
            "dig @{} +norecurse +nocookie +bufsize=1232{options} {zone} SOA",
            address.ip()
        ),
    }
}

/// A verdict from an uplink where both families work.
pub(super) fn verdict(rows: Vec<Finding>) -> Verdict {
    let place =
        |row: &Finding| FailedQuery { address: row.address, query: 0, severity: row.severity };
    Verdict {
        failed_queries: rows.iter().map(place).collect(),
        findings: rows,
        observed_addresses: 2,
        queries: 6,
        latency: Some(Duration::from_millis(20)),
        ..Verdict::default()
    }
}

pub(super) fn well() -> Verdict {
    verdict(Vec::new())
}

pub(super) fn down() -> Verdict {
    verdict(vec![row(V4, "example.net", Severity::Down)])
}

pub(super) fn degraded() -> Verdict {
    verdict(vec![row(V4, "example.net", Severity::Degraded)])
}

/// The same verdict, if one address was not observed.
pub(super) fn without(address: &str, verdict: Verdict) -> Verdict {
    let address: SocketAddr = address.parse().unwrap();
    Verdict {
        findings: verdict.findings.into_iter().filter(|row| row.address != address).collect(),
        failed_queries: verdict
            .failed_queries
            .into_iter()
            .filter(|place| place.address != address)
            .collect(),
        unobserved_addresses: vec![address],
        observed_addresses: 1,
        ..verdict
    }
}

/// Nothing could be seen.
pub(super) fn unknown() -> Verdict {
    Verdict {
        unobserved_addresses: vec![V4.parse().unwrap(), V6.parse().unwrap()],
        ..Verdict::default()
    }
}

/// What a round over the first nameservers says when the uplink is fine.
pub(super) fn judgement(verdicts: impl IntoIterator<Item = Verdict>) -> Judgement {
    Judgement { uplink: ONLINE, verdicts: verdicts.into_iter().enumerate().collect() }
}

#[derive(Clone)]
/// A monitor state that is led through rounds, ten seconds apart.
pub(super) struct Led {
    pub(super) monitor: MonitorState,
    pub(super) seconds: u64,
    rounds: u64,
    /// What its incidents are called after, beside the number of the round.
    pub(super) prefix: &'static str,
}

impl Led {
    pub(super) fn new() -> Self {
        Self { monitor: MonitorState::new(&config()), seconds: 0, rounds: 0, prefix: "round" }
    }

    pub(super) fn judged(&mut self, judgement: &Judgement) {
        self.seconds += 10;
        self.rounds += 1;
        let fresh = format!("{}{}", self.prefix, self.rounds);
        let monitor = self.monitor.clone();
        let (monitor, _) = monitor.after(judgement, at(self.seconds), &schedule(), &fresh);
        self.monitor = monitor;
    }

    pub(super) fn rounds(mut self, rounds: usize, verdicts: [Verdict; 2]) -> Self {
        for _ in 0..rounds {
            self.judged(&judgement(verdicts.clone()));
        }
        self
    }

    pub(super) fn uplink(mut self, ipv4: Family, ipv6: Family, verdicts: [Verdict; 2]) -> Self {
        let uplink = Uplink { ipv4, ipv6 };
        self.judged(&Judgement { uplink, ..judgement(verdicts) });
        self
    }

    pub(super) fn reported(mut self, report: &Report) -> Self {
        self.monitor = self.monitor.reported(report, &at(self.seconds));
        self
    }

    pub(super) fn state(&self) -> PanelState {
        self.monitor.panel_view().state
    }

    /// Incident, whether it is over, number of its issue.
    pub(super) fn wanted(&self) -> Vec<(String, bool, Option<u64>)> {
        let wanted = self.monitor.desired_issues().into_iter();
        let short =
            |w: DesiredIssue| (w.incident.id, w.ended.is_some(), w.issue.map(|issue| issue.number));
        wanted.map(short).collect()
    }
}

pub(super) fn known(incident: &str, number: u64) -> Report {
    Report { known: vec![(incident.to_owned(), issue(number))], ..Report::default() }
}

pub(super) fn resume(subject: &str, incident: &str, number: u64) -> Report {
    Report {
        resume: vec![RememberedIncident {
            subject: subject.to_owned(),
            kind: SubjectKind::of_name(subject),
            incident: incident.to_owned(),
            since: at(0).wall,
            severity: Severity::Down,
            worst: Severity::Down,
            places: Vec::new(),
            reported: issue(number),
        }],
        ..Report::default()
    }
}

pub(super) fn issue(number: u64) -> IssueRef {
    IssueRef { number, closed_by_hand: false }
}
