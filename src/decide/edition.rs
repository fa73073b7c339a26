//! Which edition of a zone each nameserver serves: whether the serials come together again in time, and
//! whether all of them sign.
//!
//! A nameserver that serves an older zone than another is not at fault at once: zones take time to travel. It
//! is when one that was there to be had is still missing after the grace. Serials are compared as RFC 1982
//! has it: they wrap around, and of two that are half the circle apart neither is the newer one.
//!
//! Whose fault it is: whoever is behind. Unless most are: then it is the one that nobody follows. And
//! whoever has gone back, as a primary does that was made anew, is told so, and not those who stayed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::fault::{Fault, Row};
use super::judge::Verdict;
use super::moment::span_text;
use super::question::Question;

/// What one address answered when it was asked for a zone's SOA.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    /// Who.
    pub address: SocketAddr,
    /// The zone, without a dot at the end.
    pub zone: String,
    /// The question.
    pub question: Question,
    /// The SOA's serial.
    pub serial: u32,
    /// Whether it came with a signature; `None` when it was not asked for one.
    pub signed: Option<bool>,
}

/// What sets one server's edition apart from another's. The name is the other server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// It has an older one.
    Behind {
        /// Its serial, and that which it should have by now.
        serials: [u32; 2],
        /// Who has that, or a newer one.
        other: String,
        /// How long it may take.
        grace: Duration,
    },
    /// It had a newer one itself.
    WentBack {
        /// What it had, and what it has.
        serials: [u32; 2],
        /// Who stayed.
        other: String,
    },
    /// Neither is newer.
    Incomparable {
        /// Its serial, and the other.
        serials: [u32; 2],
        /// Who has that.
        other: String,
    },
    /// It has the newest, and most do not follow.
    Ahead {
        /// Its serial.
        serial: u32,
        /// Who has an older one, and which.
        others: Vec<(String, u32)>,
        /// How long it may take.
        grace: Duration,
    },
    /// It does not sign, and another does.
    Unsigned(String),
}

impl Apart {
    /// The end of a [`Fault::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Behind { .. } => "serial-behind",
            Self::WentBack { .. } => "serial-went-back",
            Self::Incomparable { .. } => "serial-incomparable",
            Self::Ahead { .. } => "serial-ahead",
            Self::Unsigned(_) => "unsigned",
        }
    }

    /// Whether that is a code of one of these.
    fn has(code: &str) -> bool {
        code.starts_with("serial-") || code == "unsigned"
    }
}

/// Completes the sentence "it …".
impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = |grace: &Duration| match *grace {
            Duration::ZERO => String::new(),
            grace => format!(", for more than {}", span_text(grace)),
        };
        match self {
            Self::Behind { serials: [own, theirs], other, grace } => write!(
                f,
                "serves serial {own} of the zone, and {other} has {theirs} or a newer one{}: it does not get \
                 the zone, or does not take it",
                long(grace)
            ),
            Self::WentBack { serials: [before, now], other } => write!(
                f,
                "has gone back from serial {before} to {now}, and {other} stays at the newer one: nobody takes \
                 an older zone over; raise its serial above all others"
            ),
            Self::Incomparable { serials: [own, theirs], other } => write!(
                f,
                "serves serial {own} of the zone, and {other} has {theirs}: neither of these is the newer one \
                 (RFC 1982), so neither server will ever take over the other's zone"
            ),
            Self::Ahead { serial, others, grace } => {
                let others: Vec<String> =
                    others.iter().map(|(name, serial)| format!("{name} {serial}")).collect();
                write!(
                    f,
                    "serves serial {serial} of the zone, which most others do not take over ({}){}: it does \
                     not tell or serve them, or it has a zone that nobody should have",
                    others.join(", "),
                    long(grace)
                )
            }
            Self::Unsigned(other) => write!(
                f,
                "answers without signatures (RRSIG), and {other} with them: whoever validates may take its \
                 answers for forgeries"
            ),
        }
    }
}

/// Whether serial `a` is newer than `b` (RFC 1982, section 3.2).
fn newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// What every address serves, as last seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Editions(BTreeMap<String, Vec<Copy>>);

/// One address's copy of a zone.
#[derive(Debug, Clone, PartialEq)]
struct Copy {
    subject: usize,
    edition: Edition,
    /// The last round over its nameserver has seen it.
    seen: bool,
    /// Uptime at which it was first seen, and at which its serial changed.
    known: Duration,
    changed: Duration,
    /// The serial that it had before it went back.
    before: Option<u32>,
    /// A serial that it should have, and since when.
    behind: Option<(u32, Duration)>,
    /// Since when another signs and it does not.
    unsigned: Option<Duration>,
}

/// What the comparison of copies needs to know beside them.
struct Setting<'a> {
    now: Duration,
    grace: Duration,
    /// Whose copies have been apart for so long that only coming together ends it.
    holding: &'a dyn Fn(usize) -> bool,
    name: &'a dyn Fn(usize) -> String,
}

impl Editions {
    /// Takes in what a round's verdicts saw; returns a row, and its subject, for each that is apart for too long.
    ///
    /// Once a fault is told it lasts until the copies come together, also for a process that has just
    /// started and remembers it from an issue.
    pub(super) fn after<'a>(
        &mut self,
        verdicts: impl Iterator<Item = (usize, &'a Verdict)> + Clone,
        now: Duration,
        grace: Duration,
        holding: &dyn Fn(usize) -> bool,
        name: &dyn Fn(usize) -> String,
    ) -> Vec<(usize, Row)> {
        for (subject, verdict) in verdicts.clone() {
            self.note(subject, verdict, now);
        }
        let setting = Setting { now, grace, holding, name };
        let mut rows = Vec::new();
        for copies in self.0.values_mut() {
            rows.extend(setting.compare(copies));
        }
        let asked = |subject: usize| verdicts.clone().any(|(asked, _)| asked == subject);
        rows.retain(|(subject, _)| asked(*subject));
        rows
    }

    fn note(&mut self, subject: usize, verdict: &Verdict, now: Duration) {
        for copy in self.0.values_mut().flatten().filter(|copy| copy.subject == subject) {
            copy.seen = false;
        }
        for edition in &verdict.editions {
            let copies = self.0.entry(edition.zone.clone()).or_default();
            let known = copies.iter_mut().find(|copy| copy.edition.address == edition.address);
            let Some(copy) = known else {
                copies.push(Copy {
                    subject,
                    edition: edition.clone(),
                    seen: true,
                    known: now,
                    changed: now,
                    before: None,
                    behind: None,
                    unsigned: None,
                });
                continue;
            };
            let before = copy.edition.serial;
            if before != edition.serial {
                copy.changed = now;
                copy.before = (!newer(edition.serial, before)).then_some(before);
            }
            copy.edition.serial = edition.serial;
            copy.edition.signed = edition.signed;
            copy.seen = true;
        }
    }
}

/// Whether any of these rows tells of copies that are apart, or nothing is known but that there is a fault.
pub(super) fn tells(rows: &[Row]) -> bool {
    rows.is_empty() || rows.iter().any(|row| Apart::has(&row.fault))
}

impl Setting<'_> {
    fn compare(&self, copies: &mut [Copy]) -> Vec<(usize, Row)> {
        let mut seen: Vec<&mut Copy> = copies.iter_mut().filter(|copy| copy.seen).collect();
        let Some(newest) = newest(&seen) else {
            return Vec::new();
        };
        let signer = seen.iter().find(|copy| copy.edition.signed == Some(true));
        let signer = signer.map(|copy| copy.subject);
        for copy in &mut seen {
            let serial = copy.edition.serial;
            copy.behind = match copy.behind {
                _ if serial == newest => None,
                Some((missed, since)) if serial != missed && !newer(serial, missed) => {
                    Some((missed, since))
                }
                _ => Some((newest, self.now)), // what it missed it has got, and there is more already
            };
            copy.unsigned = match copy.edition.signed {
                Some(false) if signer.is_some() => copy.unsigned.or(Some(self.now)),
                _ => None,
            };
        }
        if seen.iter().all(|copy| copy.edition.serial == newest) {
            seen.iter_mut().for_each(|copy| copy.before = None);
        }
        let mut rows = self.blame(&seen, newest);
        for copy in &seen {
            let late = copy.unsigned.is_some_and(|since| self.late(copy, since));
            if let (true, Some(signer)) = (late, signer) {
                rows.push(copy.row(Apart::Unsigned((self.name)(signer))));
            }
        }
        rows
    }

    fn late(&self, copy: &Copy, since: Duration) -> bool {
        let held = since < self.now || copy.known == self.now;
        self.now.saturating_sub(since) >= self.grace || (held && (self.holding)(copy.subject))
    }

    fn blame(&self, seen: &[&mut Copy], newest: u32) -> Vec<(usize, Row)> {
        let late: Vec<(&Copy, u32)> = seen
            .iter()
            .filter_map(|copy| {
                let (missed, since) = copy.behind?;
                self.late(copy, since).then_some((&**copy, missed))
            })
            .collect();
        let who = |serial: u32| {
            let holder = seen.iter().find(|copy| copy.edition.serial == serial);
            holder.map_or_else(String::new, |copy| (self.name)(copy.subject))
        };
        let went_back = late.iter().filter_map(|(copy, _)| {
            let serials = [copy.before?, copy.edition.serial];
            Some(copy.row(Apart::WentBack { serials, other: who(newest) }))
        });
        let went_back: Vec<_> = went_back.collect();
        if !went_back.is_empty() {
            return went_back;
        }
        let subjects = |of: &mut dyn Iterator<Item = usize>| {
            let mut all: Vec<usize> = of.collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let behind = subjects(&mut late.iter().map(|(copy, _)| copy.subject));
        let all = subjects(&mut seen.iter().map(|copy| copy.subject));
        let grace = self.grace;
        if behind > 1 && behind * 2 > all {
            let mut others: Vec<(String, u32)> = Vec::new();
            for (copy, _) in &late {
                let other = ((self.name)(copy.subject), copy.edition.serial);
                if !others.contains(&other) {
                    others.push(other);
                }
            }
            let holders = seen.iter().filter(|copy| copy.edition.serial == newest);
            return holders
                .map(|copy| {
                    copy.row(Apart::Ahead { serial: newest, others: others.clone(), grace })
                })
                .collect();
        }
        let each = late.iter().map(|(copy, missed)| {
            let serials = [copy.edition.serial, *missed];
            let other = who(newest);
            copy.row(match newer(newest, copy.edition.serial) {
                true => Apart::Behind { serials, other, grace },
                false => Apart::Incomparable { serials, other },
            })
        });
        each.collect()
    }
}

impl Copy {
    fn row(&self, apart: Apart) -> (usize, Row) {
        let Edition { address, zone, question, .. } = &self.edition;
        (self.subject, Row::new(*address, zone.clone(), question, &Fault::Apart(apart)))
    }
}

/// The newest serial. Where two cannot be compared, the one that more servers have, or have had for longer.
fn newest(seen: &[&mut Copy]) -> Option<u32> {
    let votes = |serial: u32| seen.iter().filter(|copy| copy.edition.serial == serial).count();
    let first = seen
        .iter()
        .min_by_key(|copy| (std::cmp::Reverse(votes(copy.edition.serial)), copy.changed))?;
    let newest = seen.iter().map(|copy| copy.edition.serial);
    Some(newest.fold(first.edition.serial, |newest, serial| match newer(serial, newest) {
        true => serial,
        false => newest,
    }))
}

#[cfg(test)]
#[path = "edition_tests.rs"]
mod tests;
