//! How each subject has done, by the hour and by the day, for the heartbeat.
//!
//! What a round made us believe is counted for the time until the next one. What could not be seen is
//! counted neither way, nor is anything while the clock is not set. Lengths are from the clock that never
//! steps; the wall clock only decides which hour they belong to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Schedule;
use crate::decide::judge::finding::Severity;
use crate::decide::time::Moment;
use crate::decide::track::subject::Subject;

/// What is kept: a day by the hour, and a month by the day, each with the one that has begun.
const HOURS: i64 = 24;
const DAYS: i64 = 30;

/// A round that comes later than this after its time says that we stood still, and saw nothing.
const STOOD_STILL: Duration = Duration::from_secs(600);

/// What a record may take of an issue's body.
const RECORD: usize = 25_000;

/// All that was counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UptimeHistory {
    /// The end of the last round.
    pub round: Option<Moment>,
    /// The record of an earlier process has been added.
    pub recalled: bool,
    /// When our last heartbeat was written, by GitHub's clock.
    pub heartbeat_written: Option<Timestamp>,
    subjects: BTreeMap<String, SubjectUptime>,
}

/// By the number of the hour, and of the day, since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct SubjectUptime {
    hours: BTreeMap<i64, Count>,
    days: BTreeMap<i64, Count>,
}

/// How a subject did in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    well: Duration,
    degraded: Duration,
    down: Duration,
    /// The sum of microseconds times seconds, and of the seconds.
    latency: u64,
    timed: u64,
}

/// The same, as the heartbeat carries it: for each subject, hours and days as
/// `age.well.latency.degraded.down`, in hours or days before the newest, seconds, and microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UptimeRecord {
    v: u32,
    /// The number of the newest hour.
    hour: i64,
    past: BTreeMap<String, [String; 2]>,
}

impl UptimeHistory {
    /// Counts the time since the last round as what was believed in it.
    pub fn count(&mut self, subjects: &[Subject], now: &Moment, schedule: &Schedule) {
        let last = self.round.replace(*now);
        let (Some(last), Some(hour)) = (last, now.wall.map(hour)) else { return };
        let span = now.uptime.saturating_sub(last.uptime);
        if span > schedule.interval + schedule.splay + STOOD_STILL {
            return;
        }
        for subject in subjects.iter().filter(|subject| !subject.unobserved) {
            let Some(verdict) = &subject.verdict else { continue };
            let mut count = Count::default();
            let severity = subject.health.incident().map(|incident| incident.severity);
            match severity {
                None => count.well = span,
                Some(Severity::Degraded) => count.degraded = span,
                Some(Severity::Down) => count.down = span,
            }
            if let (Some(latency), true) = (verdict.latency, severity != Some(Severity::Down)) {
                count.timed = span.as_secs();
                count.latency = micros(latency).saturating_mul(count.timed);
            }
            let past = self.subjects.entry(subject.name.clone()).or_default();
            past.add(hour, hour.div_euclid(24), &count);
            // Also what a clock that was wrong has put into the future.
            past.hours.retain(|at, _| (hour - HOURS..=hour).contains(at));
            let day = hour.div_euclid(24);
            past.days.retain(|at, _| (day - DAYS..=day).contains(at));
        }
    }

    /// How a subject did in the last hours.
    #[must_use]
    pub fn hours(&self, subject: &str, now: Timestamp, hours: i64) -> Count {
        let now = hour(now);
        self.subjects.get(subject).map_or_else(Count::default, |past| {
            past.hours.range(now - hours..=now).fold(Count::default(), |sum, (_, c)| sum.and(c))
        })
    }

    /// How a subject did in the last days.
    #[must_use]
    pub fn days(&self, subject: &str, now: Timestamp, days: i64) -> Count {
        (0..=days).fold(Count::default(), |sum, ago| sum.and(&self.day(subject, now, ago)))
    }

    /// How a subject did on the day that was so many days ago.
    #[must_use]
    pub fn day(&self, subject: &str, now: Timestamp, ago: i64) -> Count {
        let day = hour(now).div_euclid(24) - ago;
        self.subjects.get(subject).and_then(|past| past.days.get(&day)).copied().unwrap_or_default()
    }

    /// What a later process needs of these subjects, as many as there is room for.
    #[must_use]
    pub fn record<'a>(
        &self,
        subjects: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) -> UptimeRecord {
        let hour = hour(now);
        let mut room = RECORD;
        let text = |counts: &BTreeMap<i64, Count>, newest: i64| {
            let counts = counts.iter().filter(|(at, _)| **at <= newest);
            let counts: Vec<String> = counts.map(|(at, c)| c.text(newest - at)).collect();
            counts.join(" ")
        };
        let known = subjects.filter_map(|name| Some((name, self.subjects.get(name)?)));
        let past = known.map_while(|(name, past)| {
            let texts = [text(&past.hours, hour), text(&past.days, hour.div_euclid(24))];
            let size = name.len() + texts.iter().map(String::len).sum::<usize>() + 10;
            room = room.checked_sub(size)?;
            Some((name.to_owned(), texts))
        });
        UptimeRecord { v: 1, hour, past: past.collect() }
    }

    /// Adds what an earlier process left, once; `None` is nothing.
    pub fn recall(&mut self, record: Option<&UptimeRecord>) {
        if std::mem::replace(&mut self.recalled, true) {
            return;
        }
        for (name, [hours, days]) in record.filter(|r| r.v == 1).iter().flat_map(|r| &r.past) {
            let newest = record.map_or(0, |record| record.hour);
            let past = self.subjects.entry(name.clone()).or_default();
            let (hours, days) = (hours.split(' '), days.split(' '));
            for (ago, count) in hours.filter_map(Count::read) {
                merge(&mut past.hours, newest - ago, &count);
            }
            for (ago, count) in days.filter_map(Count::read) {
                merge(&mut past.days, newest.div_euclid(24) - ago, &count);
            }
        }
    }
}

impl SubjectUptime {
    fn add(&mut self, hour: i64, day: i64, count: &Count) {
        merge(&mut self.hours, hour, count);
        merge(&mut self.days, day, count);
    }
}

fn merge(counts: &mut BTreeMap<i64, Count>, at: i64, count: &Count) {
    let sum = counts.entry(at).or_default();
    *sum = sum.and(count);
}

impl Count {
    fn and(self, other: &Self) -> Self {
        Self {
            well: self.well.saturating_add(other.well),
            degraded: self.degraded.saturating_add(other.degraded),
            down: self.down.saturating_add(other.down),
            latency: self.latency.saturating_add(other.latency),
            timed: self.timed.saturating_add(other.timed),
        }
    }

    /// For how long it was seen.
    #[must_use]
    pub fn seen(&self) -> Duration {
        self.well.saturating_add(self.degraded).saturating_add(self.down)
    }

    /// The share of that in which it was not down, in hundredths of a percent; less is never rounded up.
    #[must_use]
    pub fn up(&self) -> Option<u64> {
        let (seen, down) = (self.seen().as_millis(), self.down.as_millis());
        let up = (seen - down).checked_mul(10_000)?.checked_div(seen)?;
        u64::try_from(up).ok()
    }

    /// The mean of the rounds' latencies.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.latency.checked_div(self.timed).map(Duration::from_micros)
    }

    /// The worst that it was.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        match (self.degraded.is_zero(), self.down.is_zero()) {
            (_, false) => Some(Severity::Down),
            (false, true) => Some(Severity::Degraded),
            (true, true) => None,
        }
    }

    fn text(&self, ago: i64) -> String {
        let latency = self.latency().map_or(0, micros);
        let [well, degraded, down] = [self.well, self.degraded, self.down].map(|d| d.as_secs());
        match degraded + down {
            0 => format!("{ago}.{well}.{latency}"),
            _ => format!("{ago}.{well}.{latency}.{degraded}.{down}"),
        }
    }

    fn read(text: &str) -> Option<(i64, Self)> {
        let mut numbers = text.split('.').map(|number| number.parse::<u32>());
        let mut next = || numbers.next().transpose().ok().map(Option::unwrap_or_default);
        let (ago, well, latency) = (next()?, next()?, u64::from(next()?));
        let (degraded, down) = (next()?, next()?);
        let seconds = |n: u32| Duration::from_secs(n.into());
        let timed = if latency == 0 { 0 } else { u64::from(well) + u64::from(degraded) };
        Some((
            ago.into(),
            Self {
                well: seconds(well),
                degraded: seconds(degraded),
                down: seconds(down),
                latency: latency.saturating_mul(timed),
                timed,
            },
        ))
        .filter(|_| !text.is_empty())
    }
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}

fn micros(latency: Duration) -> u64 {
    latency.as_micros().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "uptime_tests.rs"]
mod tests;
