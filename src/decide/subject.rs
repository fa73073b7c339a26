//! How a subject's verdicts become an incident, and how the incident ends.
//!
//! ```text
//!            faulty                    faulty, open-after in a row
//!    Well ───────────▶ Suspect ───────────────────────────────▶ Failing ◀──────┐
//!     ▲  ▲               │ ▲ faulty                               │ ▲ faulty   │
//!     │  └───────────────┘ └──(count)                        well │ └──(count) │ faulty
//!     │        well                                               ▼            │
//!     └──────────────────────────────────────────────────────── Recovering ────┘
//!              well, close-after in a row                         ▲ well
//!                                                                 └──(count)
//! ```
//!
//! An unknown verdict moves nothing, wherever it arrives. Open-after = 1 leads from Well straight to
//! Failing, close-after = 1 from Failing straight to Well.
//!
//! An incident that an issue or the state directory remembers ([`Health::adopt`]) leads from Well to
//! Recovering and from Suspect to Failing; elsewhere it only gives its identity.
//!
//! How bad an incident is follows the same rule: it becomes *down* after open-after verdicts in a row
//! said so, and *degraded* again after close-after in a row that were better. A verdict that saw less than
//! what is believed to be down, because an address was out of sight, neither counts nor interrupts.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Row, Severity};
use super::judge::Verdict;
use super::moment::Moment;
use crate::config::Schedule;

/// How many verdicts an incident remembers, for its issue.
const REMEMBERED: usize = 10;

/// A fault that was seen often enough to be believed, or that the issue tracker remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Tells it from every other incident, on every vantage.
    pub id: String,
    /// The first faulty verdict.
    pub since: Moment,
    /// How bad it is.
    pub severity: Severity,
    /// How bad it has been.
    pub worst: Severity,
    /// It was down, or seen to last, so that an issue should tell of it.
    pub reportable: bool,
    /// What is wrong, as last seen.
    pub rows: Vec<Row>,
    /// Where it was, as an issue remembers it: addresses that have not been seen since.
    pub places: Vec<SocketAddr>,
    /// The last verdicts, oldest first.
    pub history: Vec<Past>,
}

/// One verdict, as an issue shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// When.
    pub at: Option<Timestamp>,
    /// What; `None` is well.
    pub severity: Option<Severity>,
    /// How many zones were affected.
    pub zones: usize,
}

/// What is believed of a subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Health {
    /// Nothing is wrong.
    #[default]
    Well,
    /// Something looked wrong, and is being asked again.
    Suspect(Suspicion),
    /// Something is wrong.
    Failing(Failing),
    /// It looked well again, and is being asked again; with the well verdicts in a row.
    Recovering(Incident, u32),
}

/// Faulty verdicts that are not enough for an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspicion {
    /// What the incident will be, if it becomes one.
    pub incident: Incident,
    /// Faulty verdicts in a row, and how many of the last ones said down.
    pub faulty: u32,
    down: u32,
}

/// An incident whose fault was there when last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// Which.
    pub incident: Incident,
    /// Verdicts in a row that were worse or better than what is believed.
    unlike: u32,
}

/// What a verdict changed, for the log and for hooks.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Well → Suspect.
    Suspected(Incident),
    /// Suspect → Well: a false alarm that nobody heard.
    Cleared(Incident),
    /// → Failing.
    Opened(Incident),
    /// Down ↔ degraded.
    Shifted(Incident),
    /// Failing → Recovering.
    Recovering(Incident),
    /// Recovering → Failing.
    Relapsed(Incident),
    /// → Well.
    Closed(Incident),
}

/// What a verdict says, seen from what was known before it.
enum Sight {
    Unknown,
    Well,
    /// What is wrong and how bad it is; `None`: what was down is out of sight, and the rest is not.
    Faulty(Vec<Row>, Option<Severity>),
}

impl Health {
    /// The incident that is open, if one is.
    #[must_use]
    pub fn incident(&self) -> Option<&Incident> {
        match self {
            Self::Failing(failing) => Some(&failing.incident),
            Self::Recovering(incident, _) => Some(incident),
            Self::Well | Self::Suspect(_) => None,
        }
    }

    /// The incident that is open or may come.
    pub(super) fn incident_mut(&mut self) -> Option<&mut Incident> {
        match self {
            Self::Well => None,
            Self::Suspect(suspicion) => Some(&mut suspicion.incident),
            Self::Failing(failing) => Some(&mut failing.incident),
            Self::Recovering(incident, _) => Some(incident),
        }
    }

    /// One word for status, log and JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Suspect(_) => "suspect",
            Self::Failing(f) if f.incident.severity == Severity::Down => "down",
            Self::Failing(_) => "degraded",
            Self::Recovering(..) => "recovering",
        }
    }

    /// Takes in a verdict. `fresh` becomes the identity of an incident that begins with it.
    #[must_use]
    pub fn after(
        mut self,
        verdict: &Verdict,
        at: Moment,
        schedule: &Schedule,
        fresh: &str,
    ) -> (Self, Option<Change>) {
        if let Some(incident) = self.incident_mut() {
            incident.places.retain(|place| verdict.unseen.contains(place));
        }
        match self.sight(verdict) {
            Sight::Unknown => (self, None),
            Sight::Well => self.seen_well(at, schedule),
            Sight::Faulty(rows, severity) => self.seen_faulty(rows, severity, at, schedule, fresh),
        }
    }

    /// Rows whose address cannot be seen now are neither gone nor confirmed: they stay, and while only
    /// they are left nothing is known.
    fn sight(&self, verdict: &Verdict) -> Sight {
        let incident = match self {
            Self::Suspect(suspicion) => Some(&suspicion.incident),
            health => health.incident(),
        };
        let known = incident.map_or(&[][..], |incident| &incident.rows);
        let remembered = incident.is_some_and(|incident| !incident.places.is_empty());
        let hidden = known.iter().filter(|row| verdict.unseen.contains(&row.address));
        let hidden: Vec<Row> = hidden.cloned().collect();
        match verdict.severity() {
            Some(severity) => {
                let mut rows = verdict.rows.clone();
                let told = |row: &Row| rows.iter().any(|r| r.address == row.address);
                let kept: Vec<Row> = hidden.into_iter().filter(|row| !told(row)).collect();
                // Nothing eases by being out of sight, and nothing gets worse by it either.
                let hidden_down = kept.iter().any(|row| row.severity == Severity::Down);
                let severity = match severity {
                    Severity::Degraded if hidden_down => None,
                    severity => Some(severity),
                };
                rows.extend(kept);
                Sight::Faulty(rows, severity)
            }
            None if verdict.seen == 0 || !hidden.is_empty() || remembered => Sight::Unknown,
            None => Sight::Well,
        }
    }

    fn seen_well(self, at: Moment, schedule: &Schedule) -> (Self, Option<Change>) {
        let (mut incident, healthy, first) = match self {
            Self::Well => return (Self::Well, None),
            Self::Suspect(s) => return (Self::Well, Some(Change::Cleared(s.incident))),
            Self::Failing(failing) => (failing.incident, 1, true),
            Self::Recovering(incident, healthy) => (incident, healthy + 1, false),
        };
        incident.remember(at, None);
        if healthy >= schedule.close_after {
            return (Self::Well, Some(Change::Closed(incident)));
        }
        let change = first.then(|| Change::Recovering(incident.clone()));
        (Self::Recovering(incident, healthy), change)
    }

    fn seen_faulty(
        self,
        rows: Vec<Row>,
        severity: Option<Severity>,
        at: Moment,
        schedule: &Schedule,
        fresh: &str,
    ) -> (Self, Option<Change>) {
        let (mut incident, mut unlike, relapsed) = match self {
            Self::Well => {
                let suspicion = Suspicion::begin(fresh, at);
                return suspicion.confirmed(rows, severity, at, schedule);
            }
            Self::Suspect(suspicion) => {
                return suspicion.confirmed(rows, severity, at, schedule);
            }
            Self::Failing(failing) => (failing.incident, failing.unlike, false),
            Self::Recovering(incident, _) => (incident, 0, true),
        };
        incident.see(rows, at, severity);
        let mut shifted = false;
        if let Some(severity) = severity {
            unlike = match severity == incident.severity {
                true => 0,
                false => unlike + 1,
            };
            let enough = match severity {
                Severity::Down => schedule.open_after,
                Severity::Degraded => schedule.close_after,
            };
            shifted = unlike >= enough;
            if shifted {
                incident.believe(severity);
                unlike = 0;
            }
        }
        incident.weigh(&at, schedule);
        let change = match (shifted, relapsed) {
            (true, _) => Some(Change::Shifted(incident.clone())),
            (false, true) => Some(Change::Relapsed(incident.clone())),
            (false, false) => None,
        };
        (Self::Failing(Failing { incident, unlike }), change)
    }

    /// How soon the subject should be asked again; `None`: with everybody else.
    #[must_use]
    pub fn ask_again(&self, schedule: &Schedule) -> Option<Duration> {
        // After 10 s, then 20 s, then 40 s, and every 40 s from there on.
        let doubled = |seen: u32| schedule.recheck * 2_u32.pow(seen.saturating_sub(1).min(2));
        match self {
            Self::Well => None,
            Self::Suspect(s) => Some(doubled(s.faulty)),
            Self::Failing(f) if f.unlike == 0 => None,
            Self::Failing(f) if f.incident.severity == Severity::Degraded => {
                Some(doubled(f.unlike))
            }
            Self::Failing(_) | Self::Recovering(..) => Some(schedule.recover),
        }
    }

    /// Takes over an incident that the issue tracker remembers and we do not.
    ///
    /// It counts as recovering with no well verdict yet, so that it closes like any other; a subject
    /// that is already in trouble goes on with the older identity. How bad it is remembered to be holds
    /// until enough verdicts in a row have said otherwise.
    #[must_use]
    pub fn adopt(self, old: Incident) -> Self {
        match self {
            Self::Well => Self::Recovering(old, 0),
            Self::Suspect(s) => {
                let severity = old.severity;
                let unlike = match severity {
                    Severity::Degraded => s.down,
                    Severity::Down => u32::from(s.down == 0),
                };
                let incident = Incident { severity, ..s.incident.renamed(old) };
                Self::Failing(Failing { incident, unlike })
            }
            Self::Failing(f) => {
                Self::Failing(Failing { incident: f.incident.renamed(old), unlike: f.unlike })
            }
            Self::Recovering(incident, healthy) => Self::Recovering(incident.renamed(old), healthy),
        }
    }
}

impl Suspicion {
    fn begin(id: &str, at: Moment) -> Self {
        Self {
            incident: Incident {
                id: id.to_owned(),
                since: at,
                severity: Severity::Degraded, // until more is believed
                worst: Severity::Degraded,
                reportable: false,
                rows: Vec::new(),
                places: Vec::new(),
                history: Vec::new(),
            },
            faulty: 0,
            down: 0,
        }
    }

    /// One more faulty verdict.
    fn confirmed(
        mut self,
        rows: Vec<Row>,
        severity: Option<Severity>,
        at: Moment,
        schedule: &Schedule,
    ) -> (Health, Option<Change>) {
        self.incident.see(rows, at, severity);
        self.faulty += 1;
        self.down = match severity {
            Some(Severity::Down) => self.down + 1,
            Some(Severity::Degraded) => 0,
            None => self.down,
        };
        if self.faulty < schedule.open_after {
            let first = self.faulty == 1;
            let change = first.then(|| Change::Suspected(self.incident.clone()));
            return (Health::Suspect(self), change);
        }
        let Self { mut incident, down, .. } = self;
        let mut unlike = down;
        if down >= schedule.open_after {
            incident.believe(Severity::Down);
            unlike = 0;
        }
        incident.weigh(&at, schedule);
        let opened = Change::Opened(incident.clone());
        (Health::Failing(Failing { incident, unlike }), Some(opened))
    }
}

impl Incident {
    fn see(&mut self, rows: Vec<Row>, at: Moment, severity: Option<Severity>) {
        self.rows = rows;
        self.remember(at, Some(severity.unwrap_or(self.severity)));
    }

    fn believe(&mut self, severity: Severity) {
        self.severity = severity;
        self.worst = self.worst.max(severity);
    }

    /// Bad enough, or seen for long enough, for an issue. Asked when it is seen: time that passes while our
    /// own side is blind says nothing.
    fn weigh(&mut self, now: &Moment, schedule: &Schedule) {
        let lasts = now.since(&self.since) >= schedule.degraded_after;
        self.reportable |= self.worst == Severity::Down || lasts;
    }

    fn remember(&mut self, at: Moment, severity: Option<Severity>) {
        if self.history.len() == REMEMBERED {
            self.history.remove(0);
        }
        self.history.push(Past {
            at: at.wall,
            severity,
            zones: severity.map_or(0, |_| self.zones().len()),
        });
    }

    /// The same with an older identity.
    pub(super) fn renamed(self, old: Self) -> Self {
        Self {
            id: old.id,
            since: old.since,
            worst: self.worst.max(old.worst),
            reportable: self.reportable || old.reportable,
            places: old.places,
            ..self
        }
    }

    /// The zones that are affected, each once, in the order of the rows.
    #[must_use]
    pub fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !zones.contains(&row.zone.as_str()) {
                zones.push(&row.zone);
            }
        }
        zones
    }
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
