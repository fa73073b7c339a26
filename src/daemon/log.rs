//! What the log says: one line a round when all is well; a change says what, since when, and what happens
//! next. Fields are named so that a journal can be searched by them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::config::{Config, Problems, Schedule, address_text, addresses_text};
use crate::decide::judge::finding::Finding;
use crate::decide::judge::round::Judgement;
use crate::decide::judge::uplink::Uplink;
use crate::decide::judge::uplink::uplink_text;
use crate::decide::probe::query::Target;
use crate::decide::time::{Moment, span_text, wall_text};
use crate::decide::track::health::Change;
use crate::decide::track::incident::Incident;
use crate::decide::track::reported::{Report, Reporting};
use crate::decide::track::state::{MonitorState, Notice};
use crate::decide::track::subject::Subject;
use crate::decide::track::subject_kind::SubjectKind;
use crate::io::system::executable;
use crate::text::count;

pub(super) fn started(config: &Config, targets: &[Arc<Target>]) {
    let file = executable::this().map_or_else(String::new, |program| format!(" ({program})"));
    info!("pilotlight {}{file}: {}", env!("CARGO_PKG_VERSION"), task(config, targets));
    if config.github.is_none() {
        info!("no [github] in the configuration: lamps and log only");
    }
}

pub(super) fn unconfigured(config: &Path) {
    warn!(
        "{}: there is no configuration, so no server is watched; write one (`pilotlight config --example` \
         prints one to begin with) and start again",
        config.display()
    );
}

pub(super) fn notices(before: &[Notice], now: &[Notice]) {
    for notice in now.iter().filter(|notice| !before.contains(notice)) {
        warn!("notice from {}: {}", notice.source, notice.text.replace('\n', "; "));
    }
    for gone in before.iter().filter(|gone| now.iter().all(|notice| notice.source != gone.source)) {
        info!("the notice from {} is gone", gone.source);
    }
}

pub(super) fn reloaded(config: &Config, targets: &[Arc<Target>]) {
    info!("configuration read again: {}", task(config, targets));
}

fn task(config: &Config, targets: &[Arc<Target>]) -> String {
    let questions: usize = targets.iter().map(|target| target.regular()).sum();
    format!(
        "{} at {}, {}{} every {}",
        count(config.nameservers.len(), "nameserver"),
        count(targets.len(), "address"),
        count(questions, "question"),
        match config.endpoints.len() {
            0 => String::new(),
            n => format!(", and {}", count(n, "endpoint")),
        },
        span_text(config.schedule.interval)
    )
}

pub(super) fn stopping() {
    info!("stopping");
}

pub(super) fn bad_config(problems: &Problems) {
    warn!("the configuration has problems, and the old one stays in force:\n{problems}");
}

/// A line for a round over nameservers, and a line when the uplink has changed.
pub(super) fn round(
    monitor: &MonitorState,
    judgement: &Judgement,
    before: Option<Uplink>,
    anchors: &[SocketAddr],
    took: Duration,
) {
    let Some(uplink) = monitor.uplink else { return };
    if before != Some(uplink) {
        let text = uplink_text(uplink);
        if uplink.intercepted() {
            warn!(
                "uplink: {text}: something in this network answers for other servers on port 53; what it covers is not judged"
            );
        } else if let silent @ [_, ..] = uplink.silent(anchors).as_slice() {
            warn!("uplink: {text}: no answer from {}", addresses_text(silent));
        } else if before.is_some() {
            warn!("uplink: {text}");
        } else {
            info!("uplink: {text}");
        }
    }
    if uplink.is_down() && before == Some(uplink) {
        return; // every minute, for as long as it lasts, there is nothing new to say
    }
    let asked: usize = judgement.verdicts.iter().map(|(_, verdict)| verdict.queries).sum();
    let kinds = judgement.verdicts.iter().filter_map(|(index, _)| monitor.subjects.get(*index));
    let nameservers = kinds.filter(|subject| subject.kind == SubjectKind::Nameserver).count();
    if nameservers > 0 {
        info!(
            "round: {} of {} in {}: {}",
            count(asked, "question"),
            count(nameservers, "nameserver"),
            span_text(took),
            monitor.panel_view().state.word()
        );
    }
}

/// Why a subject can no longer be observed, or not for another reason than before.
pub(super) fn unobserved(before: &MonitorState, now: &MonitorState) {
    for (old, new) in before.subjects.iter().zip(&now.subjects) {
        if let Some(why) = new.why.as_ref().filter(|_| old.why != new.why) {
            warn!("{} cannot be judged: {why}", new.name);
        }
    }
}

/// What changed, since when, and what happens next.
pub(super) fn change(subject: &Subject, change: &Change, now: &Moment, schedule: &Schedule) {
    let name = subject.name.as_str();
    let next = subject.again.map(|at| span_text(at.saturating_sub(now.uptime)));
    let next = next.map_or_else(String::new, |wait| format!("; asked again in {wait}"));
    let place = |row: &Finding| format!("{} {}", address_text(&row.address), row.question);
    let since = |incident: &Incident| wall_text(incident.since.wall);
    let lasted = |incident: &Incident| span_text(now.since(&incident.since));
    match change {
        Change::Suspected(incident) => {
            let row = incident.findings.first();
            let why = row.map(|row| format!("{}: {}", place(row), row.detail)).unwrap_or_default();
            line(subject, None, row, true, &format!("{name} is suspect: {why}{next}"));
        }
        Change::Cleared(_) => {
            let text = format!("{name} is well: nothing was wrong the second time");
            line(subject, None, None, false, &text);
        }
        Change::Opened(incident) | Change::Shifted(incident) => {
            for row in &incident.findings {
                let what = format!("{} since {}", incident.severity, since(incident));
                let text = format!("{name} is {what}: {}: it {}", place(row), row.detail);
                line(subject, Some(incident), Some(row), true, &text);
            }
            if !incident.reportable {
                let wait = span_text(schedule.degraded_after);
                let text = format!("{name}: no issue unless it lasts {wait}");
                line(subject, Some(incident), None, false, &text);
            }
        }
        Change::Recovering(incident) => {
            let text = format!("{name} answers again, after {}{next}", lasted(incident));
            line(subject, Some(incident), None, false, &text);
        }
        Change::Relapsed(incident) => {
            let (severity, since) = (incident.severity, since(incident));
            let text = format!("{name} is {severity} again, since {since} all in all");
            line(subject, Some(incident), None, true, &text);
        }
        Change::Closed(incident) => {
            let (worst, span) = (incident.worst, lasted(incident));
            let text = format!("{name} is well again; it was {worst} for {span}");
            line(subject, Some(incident), None, false, &text);
        }
    }
}

/// A line with the journal's fields; a field without a value is left out.
fn line(
    subject: &Subject,
    incident: Option<&Incident>,
    row: Option<&Finding>,
    warning: bool,
    text: &str,
) {
    let (server, endpoint) = match subject.kind {
        SubjectKind::Nameserver => (Some(subject.name.as_str()), None),
        SubjectKind::Endpoint => (None, Some(subject.name.as_str())),
        SubjectKind::Zone => (None, None), // its findings have ZONE
    };
    let (zone, fault) = (row.map(|row| &*row.zone), row.map(|row| row.fault.to_string()));
    let (fault, id) = (fault.as_deref(), incident.map(|incident| &*incident.id));
    if warning {
        warn!(
            NAMESERVER = server,
            ENDPOINT = endpoint,
            ZONE = zone,
            FAULT = fault,
            INCIDENT = id,
            "{text}"
        );
    } else {
        info!(
            NAMESERVER = server,
            ENDPOINT = endpoint,
            ZONE = zone,
            FAULT = fault,
            INCIDENT = id,
            "{text}"
        );
    }
}

/// What was done at GitHub, and why it could not be.
pub(super) fn report(config: &Config, report: &Report, before: &Reporting) {
    let repository = config.github.as_ref().map_or("", |github| github.repository.as_str());
    for done in &report.done {
        info!("{repository}: {done}");
    }
    for found in &report.resume {
        let number = found.reported.number;
        let endpoint = (found.kind == SubjectKind::Endpoint).then_some(found.subject.as_str());
        let server = (found.kind == SubjectKind::Nameserver).then_some(found.subject.as_str());
        info!(
            NAMESERVER = server,
            ENDPOINT = endpoint,
            INCIDENT = found.incident,
            "{repository}: issue #{number} is about {}: taken over",
            found.subject
        );
    }
    match (&report.failed, &before.why) {
        (None, Some(_)) => info!("{repository}: reporting works again"),
        (Some(failure), why) if why.as_ref() != Some(&failure.why) => {
            warn!("cannot report: {}", failure.why)
        }
        _ => {}
    }
}

/// A failure that would otherwise be said at every turn of the loop.
pub(super) fn once_a_reason(what: &'static str, why: &str) {
    static SAID: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.iter().any(|(about, text)| *about == what && text == why) {
        return;
    }
    said.retain(|(about, _)| *about != what);
    said.push((what, why.to_owned()));
    warn!("{what}: {why}");
}
