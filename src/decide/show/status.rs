//! What `status` and `check` show: all that is believed, as plain data with a stable JSON form.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{Config, addresses_text};
use crate::decide::judge::finding::Finding;
use crate::decide::judge::uplink::{Family, Uplink};
use crate::decide::probe::query::dig_root;
use crate::decide::show::panel::{PanelState, PanelView};
use crate::decide::time::{Moment, wall_text};
use crate::decide::track::health_state::HealthState;
use crate::decide::track::reported::ReportingState;
use crate::decide::track::state::{MonitorState, Notice};
use crate::decide::track::subject::Subject;
use crate::decide::track::subject_kind::SubjectKind;

/// The whole view. `version` changes when a member changes its meaning or goes; new ones may come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub version: u32,
    /// The program's version.
    pub pilotlight: String,
    pub vantage: String,
    /// The panel's state: `starting`, `well`, `suspect`, `degraded`, `down`, `offline`, `intercepted`,
    /// `unconfigured`.
    pub state: String,
    /// The same as a sentence.
    pub meaning: String,
    /// The time of writing.
    pub at: Option<Timestamp>,
    /// `None` before the first round.
    pub uplink: Option<Uplink>,
    /// Servers that prove the uplink.
    #[serde(default)]
    pub anchors: Vec<SocketAddr>,
    pub reporting: ReportingState,
    pub reporting_why: Option<String>,
    /// Notices on this machine that wait for the user.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The process ID of the daemon; `None` in `check`.
    pub pid: Option<u32>,
    /// The file of the running program.
    #[serde(default)]
    pub program: Option<Program>,
    /// Until this uptime of the machine, in seconds, the status is valid.
    pub good_until: Option<f64>,
    /// In the configuration's order.
    pub nameservers: Vec<SubjectStatus>,
    #[serde(default)]
    pub endpoints: Vec<SubjectStatus>,
    /// As the world sees them, in the configuration's order; without those of which nothing can be seen.
    #[serde(default)]
    pub zones: Vec<SubjectStatus>,
}

/// A program's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// SHA-256 of its content, in hexadecimal digits.
    pub hash: String,
    /// When the file was put there.
    pub since: Option<Timestamp>,
}

impl Program {
    /// The first digits of a hash, which are enough to tell the files of one board apart.
    #[must_use]
    pub fn short(hash: &str) -> &str {
        hash.get(..12).unwrap_or(hash)
    }
}

/// `3f2a9c0b1d2e, here since 2026-01-31 12:00:00 UTC`.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, here since {}", Self::short(&self.hash), wall_text(self.since))
    }
}

/// One nameserver, web endpoint or zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectStatus {
    /// The name, or the URL of an endpoint.
    pub name: String,
    pub state: HealthState,
    /// The beginning of the trouble.
    pub since: Option<Timestamp>,
    /// Queries of the last round, to the addresses that could be observed.
    pub questions: usize,
    /// The median of the right answers, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Addresses that could not be observed, because our own side failed.
    #[serde(rename = "unseen")]
    pub unobserved_addresses: Vec<SocketAddr>,
    /// Why, if the uplink is not the reason.
    #[serde(default)]
    #[serde(rename = "unseen_why")]
    pub unobserved_why: Option<String>,
    pub faults: Vec<Finding>,
    /// Its issue; open, unless a person closed it.
    pub issue: Option<u64>,
}

impl Status {
    /// The version of the form.
    pub const VERSION: u32 = 1;

    /// What a monitor state believes now.
    #[must_use]
    pub fn of(monitor: &MonitorState, config: &Config, now: &Moment) -> Self {
        let panel = monitor.panel_view();
        let mut meaning = panel.meaning();
        if matches!(panel.state, PanelState::Down(_)) {
            let down = monitor.subjects.iter().filter(|subject| subject.is_down());
            let names: Vec<&str> = down.map(|subject| subject.name.as_str()).collect();
            meaning = format!("down: {}{}", names.join(", "), panel.meaning_added());
        }
        let view = |kind: SubjectKind| {
            let shown =
                |s: &&Subject| s.kind == kind && (kind != SubjectKind::Zone || s.is_known());
            let subjects = monitor.subjects.iter().filter(shown);
            subjects.map(SubjectStatus::of).collect()
        };
        Self {
            version: Self::VERSION,
            pilotlight: env!("CARGO_PKG_VERSION").to_owned(),
            vantage: config.vantage.name.clone(),
            state: panel.state.word().to_owned(),
            meaning,
            at: now.wall,
            uplink: monitor.uplink,
            anchors: config.vantage.anchors.clone(),
            reporting: monitor.reporting.state,
            reporting_why: monitor.reporting.why.clone(),
            notices: monitor.notices.clone(),
            pid: None,
            program: None,
            good_until: None,
            nameservers: view(SubjectKind::Nameserver),
            endpoints: view(SubjectKind::Endpoint),
            zones: view(SubjectKind::Zone),
        }
    }

    /// What there is to say without a configuration.
    #[must_use]
    pub fn unconfigured(notices: Vec<Notice>, now: &Moment) -> Self {
        let panel = PanelView::from(PanelState::Unconfigured);
        Self {
            version: Self::VERSION,
            pilotlight: env!("CARGO_PKG_VERSION").to_owned(),
            vantage: "pilotlight".to_owned(),
            state: panel.state.word().to_owned(),
            meaning: panel.meaning(),
            at: now.wall,
            uplink: None,
            anchors: Vec::new(),
            reporting: ReportingState::Off,
            reporting_why: None,
            notices,
            pid: None,
            program: None,
            good_until: None,
            nameservers: Vec::new(),
            endpoints: Vec::new(),
            zones: Vec::new(),
        }
    }

    /// The exit code of `check`, after the conventions of Nagios plugins.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        // Without root servers nothing is known of a zone, and the nameservers still are.
        let zones = self.zones.iter().filter(|zone| zone.state != HealthState::Unknown);
        let all = self.nameservers.iter().chain(&self.endpoints).chain(zones);
        let code = |subject: &SubjectStatus| match subject.state {
            HealthState::Well => 0,
            HealthState::Unknown => 1,
            HealthState::Degraded | HealthState::Suspect | HealthState::Recovering => 2,
            HealthState::Down => 3,
        };
        match all.map(code).max() {
            Some(0) => 0,
            Some(1) | None => 3, // without a configuration no server is watched
            Some(2) => 1,
            Some(_) => 2,
        }
    }

    /// Why some addresses were not seen, for people; `None` when all were.
    #[must_use]
    pub fn unseen_why(&self) -> Option<String> {
        let uplink = self.uplink?;
        let why = |family: Family, name: &str| match family {
            Family::Offline => Some(format!(
                "{name} is offline here, so nothing is known about {name} addresses: {}",
                self.offline_hint(name == "IPv6")
            )),
            Family::Intercepted => Some(format!(
                "{name} is intercepted here: something in this network answers for other servers on port \
                 53 (a router or a provider), so nothing is known about {name} addresses"
            )),
            Family::Unused | Family::Online => None,
        };
        let both = [why(uplink.ipv4, "IPv4"), why(uplink.ipv6, "IPv6")];
        let said: Vec<String> = both.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("\n"))
    }
}

impl Status {
    /// All subjects, with their kind.
    pub fn subjects(&self) -> impl Iterator<Item = (&'static str, &SubjectStatus)> {
        let nameservers = self.nameservers.iter().map(|s| ("nameserver", s));
        let endpoints = self.endpoints.iter().map(|s| ("endpoint", s));
        nameservers.chain(endpoints).chain(self.zones.iter().map(|s| ("zone", s)))
    }

    fn offline_hint(&self, v6: bool) -> String {
        let asked = self.anchors.iter().filter(|anchor| anchor.is_ipv6() == v6).copied();
        let asked: Vec<SocketAddr> = asked.collect();
        let Some(first) = asked.first() else {
            return "no anchor answers".to_owned(); // written by an earlier version
        };
        let unseen = |server: &&SubjectStatus| {
            server.unobserved_addresses.iter().any(|address| address.is_ipv6() == v6)
        };
        if let Some(own) =
            self.nameservers.iter().filter(unseen).find_map(|server| server.unobserved_why.as_ref())
        {
            return own.clone();
        }
        let absent = if v6 { "; if this network has no IPv6, nothing is wrong" } else { "" };
        format!(
            "no answer from {} (vantage.anchors). Try `{}`: if it fails, too, check the \
             cable, the router and a firewall that blocks port {}{absent}",
            addresses_text(&asked),
            dig_root(first),
            first.port()
        )
    }
}

impl SubjectStatus {
    fn of(subject: &Subject) -> Self {
        let verdict = subject.verdict.as_ref();
        let incident = subject.health.trouble();
        let unknown = subject.unobserved || verdict.is_none();
        let state = match subject.health.incident() {
            None if unknown => HealthState::Unknown,
            _ => subject.health.state(),
        };
        Self {
            name: subject.name.clone(),
            state,
            since: incident.and_then(|incident| incident.since.wall),
            questions: verdict.map_or(0, |v| v.queries),
            latency_ms: verdict.and_then(|v| v.latency).map(milliseconds),
            unobserved_addresses: subject.unobserved_addresses.clone(),
            unobserved_why: subject.why.clone(),
            faults: incident.map_or_else(Vec::new, |incident| incident.findings.clone()),
            issue: subject.issue.map(|issue| issue.number),
        }
    }
}

/// To a hundredth; more is noise.
fn milliseconds(latency: Duration) -> f64 {
    (latency.as_secs_f64() * 1e5).round() / 100.0
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
