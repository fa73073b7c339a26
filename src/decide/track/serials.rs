//! The zone serials of all nameservers: whether they become equal within the grace, and whether all nameservers
//! sign.
//!
//! A nameserver that serves an older zone than another is not at fault at once: zones take time to travel. It
//! is when one that was there to be had is still missing after the grace. Serials are compared as RFC 1982
//! has it: they wrap around, and of two that are half the circle apart neither is the newer one.
//!
//! Blame the server with the older serial; if most are older, blame the one with the newer serial. A server whose
//! serial went back, such as a primary after a new installation, gets a fault of its own, and the others get none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decide::judge::fault::{Fault, SerialFault};
use crate::decide::judge::finding::{Finding, Verdict, ZoneSerial};

/// Whether serial `a` is newer than `b` (RFC 1982, section 3.2).
fn newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// What every address serves, as last seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Serials(BTreeMap<String, Vec<ServedSerial>>);

/// One address's copy of a zone.
#[derive(Debug, Clone, PartialEq)]
struct ServedSerial {
    subject: usize,
    served: ZoneSerial,
    /// The last round over its nameserver observed it.
    seen: bool,
    /// Uptime of the first observation, and of the last change of the serial.
    known: Duration,
    changed: Duration,
    /// The serial before it went back.
    before: Option<u32>,
    /// A serial that it should have, and since when.
    behind: Option<(u32, Duration)>,
    /// Since when another nameserver signs and this one does not.
    unsigned: Option<Duration>,
}

/// What the comparison of copies needs to know beside them.
struct CompareContext<'a> {
    now: Duration,
    grace: Duration,
    /// Whether an incident of this subject is open for this reason: then the grace does not count.
    holding: &'a dyn Fn(usize) -> bool,
    name: &'a dyn Fn(usize) -> String,
}

impl Serials {
    /// Takes in what a round's verdicts saw; returns a finding, and its subject, for each that differs for too long.
    ///
    /// Once a fault is reported it lasts until the serials are equal, also for a process that has just
    /// started and remembers it from an issue.
    pub(super) fn after<'a>(
        &mut self,
        verdicts: impl Iterator<Item = (usize, &'a Verdict)> + Clone,
        now: Duration,
        grace: Duration,
        holding: &dyn Fn(usize) -> bool,
        name: &dyn Fn(usize) -> String,
    ) -> Vec<(usize, Finding)> {
        for (subject, verdict) in verdicts.clone() {
            self.note(subject, verdict, now);
        }
        let setting = CompareContext { now, grace, holding, name };
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
        for served in &verdict.serials {
            let copies = self.0.entry(served.zone.clone()).or_default();
            let known = copies.iter_mut().find(|copy| copy.served.address == served.address);
            let Some(copy) = known else {
                copies.push(ServedSerial {
                    subject,
                    served: served.clone(),
                    seen: true,
                    known: now,
                    changed: now,
                    before: None,
                    behind: None,
                    unsigned: None,
                });
                continue;
            };
            let before = copy.served.serial;
            if before != served.serial {
                copy.changed = now;
                copy.before = (!newer(served.serial, before)).then_some(before);
            }
            copy.served.serial = served.serial;
            copy.served.signed = served.signed;
            copy.seen = true;
        }
    }
}

/// Whether any of these findings is about differing serials, or only the existence of a fault is known.
pub(super) fn about_serials(rows: &[Finding]) -> bool {
    rows.is_empty() || rows.iter().any(|row| row.fault.is_between_nameservers())
}

impl CompareContext<'_> {
    fn compare(&self, copies: &mut [ServedSerial]) -> Vec<(usize, Finding)> {
        let mut seen: Vec<&mut ServedSerial> = copies.iter_mut().filter(|copy| copy.seen).collect();
        let Some(newest) = newest(&seen) else {
            return Vec::new();
        };
        let signer = seen.iter().find(|copy| copy.served.signed == Some(true));
        let signer = signer.map(|copy| copy.subject);
        for copy in &mut seen {
            let serial = copy.served.serial;
            copy.behind = match copy.behind {
                _ if serial == newest => None,
                Some((missed, since)) if serial != missed && !newer(serial, missed) => {
                    Some((missed, since))
                }
                _ => Some((newest, self.now)), // what it missed it has got, and there is more already
            };
            copy.unsigned = match copy.served.signed {
                Some(false) if signer.is_some() => copy.unsigned.or(Some(self.now)),
                _ => None,
            };
        }
        if seen.iter().all(|copy| copy.served.serial == newest) {
            seen.iter_mut().for_each(|copy| copy.before = None);
        }
        let mut rows = self.blame(&seen, newest);
        for copy in &seen {
            let late = copy.unsigned.is_some_and(|since| self.late(copy, since));
            if let (true, Some(signer)) = (late, signer) {
                rows.push(copy.row(SerialFault::Unsigned((self.name)(signer))));
            }
        }
        rows
    }

    fn late(&self, copy: &ServedSerial, since: Duration) -> bool {
        let held = since < self.now || copy.known == self.now;
        self.now.saturating_sub(since) >= self.grace || (held && (self.holding)(copy.subject))
    }

    fn blame(&self, seen: &[&mut ServedSerial], newest: u32) -> Vec<(usize, Finding)> {
        let late: Vec<(&ServedSerial, u32)> = seen
            .iter()
            .filter_map(|copy| {
                let (missed, since) = copy.behind?;
                self.late(copy, since).then_some((&**copy, missed))
            })
            .collect();
        let who = |serial: u32| {
            let holder = seen.iter().find(|copy| copy.served.serial == serial);
            holder.map_or_else(String::new, |copy| (self.name)(copy.subject))
        };
        let went_back = late.iter().filter_map(|(copy, _)| {
            let serials = [copy.before?, copy.served.serial];
            Some(copy.row(SerialFault::Regressed { serials, other: who(newest) }))
        });
        let went_back: Vec<_> = went_back.collect();
        if !went_back.is_empty() {
            return went_back;
        }
        let behind: BTreeSet<usize> = late.iter().map(|(copy, _)| copy.subject).collect();
        let all: BTreeSet<usize> = seen.iter().map(|copy| copy.subject).collect();
        if behind.len() > 1 && behind.len() * 2 > all.len() {
            return self.not_replicated(seen, newest, &late);
        }
        let grace = self.grace;
        let each = late.iter().map(|(copy, missed)| {
            let serials = [copy.served.serial, *missed];
            let other = who(newest);
            copy.row(match newer(newest, copy.served.serial) {
                true => SerialFault::Stale { serials, other, grace },
                false => SerialFault::Incomparable { serials, other },
            })
        });
        each.collect()
    }

    /// Most servers are late, so the fault is with those that have the newest serial.
    fn not_replicated(
        &self,
        seen: &[&mut ServedSerial],
        newest: u32,
        late: &[(&ServedSerial, u32)],
    ) -> Vec<(usize, Finding)> {
        let mut others: Vec<(String, u32)> = Vec::new();
        for (copy, _) in late {
            let other = ((self.name)(copy.subject), copy.served.serial);
            if !others.contains(&other) {
                others.push(other);
            }
        }
        let fault = SerialFault::NotReplicated { serial: newest, others, grace: self.grace };
        let holders = seen.iter().filter(|copy| copy.served.serial == newest);
        holders.map(|copy| copy.row(fault.clone())).collect()
    }
}

impl ServedSerial {
    fn row(&self, apart: SerialFault) -> (usize, Finding) {
        let ZoneSerial { address, zone, query: question, .. } = &self.served;
        (self.subject, Fault::Serial(apart).finding(*address, zone.clone(), question, false))
    }
}

/// The newest serial. Where two cannot be compared, the one that more servers have, or have had for longer.
fn newest(seen: &[&mut ServedSerial]) -> Option<u32> {
    let votes = |serial: u32| seen.iter().filter(|copy| copy.served.serial == serial).count();
    let first = seen
        .iter()
        .min_by_key(|copy| (std::cmp::Reverse(votes(copy.served.serial)), copy.changed))?;
    let newest = seen.iter().map(|copy| copy.served.serial);
    Some(newest.fold(first.served.serial, |newest, serial| match newer(serial, newest) {
        true => serial,
        false => newest,
    }))
}

#[cfg(test)]
#[path = "serials_tests.rs"]
mod tests;
