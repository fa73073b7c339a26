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
//! An incident that an issue or the state directory remembers ([`Health::resume`]) leads from Well to
//! Recovering and from Suspect to Failing; elsewhere it only gives its identity.
//!
//! "In a row" is said of verdicts about the same: one question, at least, is wrong in each of them. Packets get
//! lost, and the larger a zone is the more often some question of it gets no answer three times; but not the
//! same one, round after round. Where it is another one each time it takes three times as many verdicts:
//! then the way there loses more than anybody should have to bear.
//!
//! How bad an incident is follows the same rule: it becomes *down* after open-after verdicts in a row
//! said so, and *degraded* again after close-after in a row that were better. A verdict that saw less than
//! what is believed to be down, because an address was not observed, neither counts nor interrupts.

use std::time::Duration;

use crate::config::Schedule;
use crate::decide::judge::finding::{FailedQuery, Verdict};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::time::Moment;
use crate::decide::track::health_state::HealthState;
use crate::decide::track::incident::Incident;

/// What is believed of a subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Health {
    #[default]
    Well,
    /// A fault was seen, not often enough for an incident.
    Suspect(Suspicion),
    Failing(Failing),
    /// Well again, with this many well verdicts in a row.
    Recovering(Incident, u32),
}

/// Faulty verdicts that are not enough for an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspicion {
    /// The incident that it may become.
    pub incident: Incident,
    /// Faulty verdicts in a row, and the last of them that were down.
    faulty: Streak,
    down: Streak,
}

/// An incident whose fault was there when last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    pub incident: Incident,
    /// Verdicts in a row that differ in severity from the incident.
    unlike: Streak,
}

/// Verdicts in a row.
#[derive(Debug, Clone, PartialEq, Default)]
struct Streak {
    all: u32,
    /// The last of them: each has a failed query in common with the one before.
    same: u32,
    places: Vec<FailedQuery>,
}

/// So many times as many verdicts are needed when they are about this and that.
const LOOSE: u32 = 3;

impl Streak {
    /// One more verdict; what counts is as bad as this at least.
    fn and(self, verdict: &Verdict, severity: Severity) -> Self {
        let places: Vec<FailedQuery> = verdict
            .failed_queries
            .iter()
            .filter(|place| place.severity >= severity)
            .copied()
            .collect();
        let at = |place: &FailedQuery| (place.address, place.query);
        let known = |place: &FailedQuery| self.places.iter().any(|before| at(before) == at(place));
        let same = match places.iter().any(known) {
            true => self.same + 1,
            false => 1,
        };
        Self { all: self.all + 1, same, places }
    }

    fn reaches(&self, enough: u32) -> bool {
        self.same >= enough || self.all >= enough.saturating_mul(LOOSE)
    }
}

/// What a verdict changed, for the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Well → Suspect.
    Suspected(Incident),
    /// Suspect → Well.
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

/// A faulty verdict.
struct Faulty<'a> {
    verdict: &'a Verdict,
    /// With those of addresses that are not observed now.
    findings: Vec<Finding>,
    /// `None`: the addresses that were down are not observed now.
    severity: Option<Severity>,
}

/// What a verdict means after what was known before it.
enum Evidence<'a> {
    Unknown,
    Well,
    Faulty(Faulty<'a>),
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
    #[must_use]
    pub fn trouble(&self) -> Option<&Incident> {
        match self {
            Self::Suspect(suspicion) => Some(&suspicion.incident),
            health => health.incident(),
        }
    }

    /// The same, to be changed.
    pub(super) fn trouble_mut(&mut self) -> Option<&mut Incident> {
        match self {
            Self::Well => None,
            Self::Suspect(suspicion) => Some(&mut suspicion.incident),
            Self::Failing(failing) => Some(&mut failing.incident),
            Self::Recovering(incident, _) => Some(incident),
        }
    }

    /// Its state, apart from whether it can be observed.
    #[must_use]
    pub fn state(&self) -> HealthState {
        match self {
            Self::Well => HealthState::Well,
            Self::Suspect(_) => HealthState::Suspect,
            Self::Failing(f) if f.incident.severity == Severity::Down => HealthState::Down,
            Self::Failing(_) => HealthState::Degraded,
            Self::Recovering(..) => HealthState::Recovering,
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
        if let Some(incident) = self.trouble_mut() {
            incident
                .unobserved_addresses
                .retain(|place| verdict.unobserved_addresses.contains(place));
        }
        match self.evidence(verdict) {
            Evidence::Unknown => (self, None),
            Evidence::Well => self.seen_well(at, schedule),
            Evidence::Faulty(faulty) => self.seen_faulty(faulty, at, schedule, fresh),
        }
    }

    /// Rows whose address cannot be seen now are neither gone nor confirmed: they stay, and while only
    /// they are left nothing is known.
    fn evidence<'a>(&self, verdict: &'a Verdict) -> Evidence<'a> {
        let incident = self.trouble();
        let known = incident.map_or(&[][..], |incident| &incident.findings);
        let remembered = incident.is_some_and(|incident| !incident.unobserved_addresses.is_empty());
        let hidden = known.iter().filter(|row| verdict.unobserved_addresses.contains(&row.address));
        let hidden: Vec<Finding> = hidden.cloned().collect();
        match verdict.severity() {
            Some(severity) => {
                let mut rows = verdict.findings.clone();
                let observed = |row: &Finding| rows.iter().any(|r| r.address == row.address);
                let kept: Vec<Finding> = hidden.into_iter().filter(|row| !observed(row)).collect();
                // An address that is not observed makes nothing better and nothing worse.
                let hidden_down = kept.iter().any(|row| row.severity == Severity::Down);
                let severity = match severity {
                    Severity::Degraded if hidden_down => None,
                    severity => Some(severity),
                };
                rows.extend(kept);
                Evidence::Faulty(Faulty { verdict, findings: rows, severity })
            }
            None if verdict.observed_addresses == 0 || !hidden.is_empty() || remembered => {
                Evidence::Unknown
            }
            None => Evidence::Well,
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
        faulty: Faulty<'_>,
        at: Moment,
        schedule: &Schedule,
        fresh: &str,
    ) -> (Self, Option<Change>) {
        let (mut incident, mut unlike, relapsed) = match self {
            Self::Well => return Suspicion::begin(fresh, at).confirmed(faulty, at, schedule),
            Self::Suspect(suspicion) => return suspicion.confirmed(faulty, at, schedule),
            Self::Failing(failing) => (failing.incident, failing.unlike, false),
            Self::Recovering(incident, _) => (incident, Streak::default(), true),
        };
        let Faulty { verdict, findings, severity } = faulty;
        incident.see(findings, at, severity);
        let mut shifted = false;
        if let Some(severity) = severity {
            unlike = match severity == incident.severity {
                true => Streak::default(),
                false => unlike.and(verdict, severity),
            };
            shifted = match severity {
                Severity::Down => unlike.reaches(schedule.open_after),
                Severity::Degraded => unlike.all >= schedule.close_after,
            };
            if shifted {
                incident.believe(severity);
                unlike = Streak::default();
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
            Self::Suspect(s) => Some(doubled(s.faulty.all)),
            Self::Failing(f) if f.unlike.all == 0 => None,
            Self::Failing(f) if f.incident.severity == Severity::Degraded => {
                Some(doubled(f.unlike.all))
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
    pub fn resume(self, old: Incident) -> Self {
        match self {
            Self::Well => Self::Recovering(old, 0),
            Self::Suspect(s) => {
                let severity = old.severity;
                let unlike = match severity {
                    Severity::Degraded => s.down,
                    Severity::Down if s.down.all == 0 => Streak { all: 1, ..Streak::default() },
                    Severity::Down => Streak::default(),
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
            incident: Incident::begin(id, at),
            faulty: Streak::default(),
            down: Streak::default(),
        }
    }

    /// One more faulty verdict.
    fn confirmed(
        mut self,
        faulty: Faulty<'_>,
        at: Moment,
        schedule: &Schedule,
    ) -> (Health, Option<Change>) {
        let Faulty { verdict, findings, severity } = faulty;
        self.incident.see(findings, at, severity);
        self.faulty = self.faulty.and(verdict, Severity::Degraded);
        self.down = match severity {
            Some(Severity::Down) => self.down.and(verdict, Severity::Down),
            Some(Severity::Degraded) => Streak::default(),
            None => self.down,
        };
        if !self.faulty.reaches(schedule.open_after) {
            let first = self.faulty.all == 1;
            let change = first.then(|| Change::Suspected(self.incident.clone()));
            return (Health::Suspect(self), change);
        }
        let Self { mut incident, down, .. } = self;
        let mut unlike = down;
        if unlike.reaches(schedule.open_after) {
            incident.believe(Severity::Down);
            unlike = Streak::default();
        }
        incident.weigh(&at, schedule);
        let opened = Change::Opened(incident.clone());
        (Health::Failing(Failing { incident, unlike }), Some(opened))
    }
}

#[cfg(test)]
#[path = "health_resume_tests.rs"]
mod resume_tests;
#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
