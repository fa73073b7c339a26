//! Three vantages and one repository, through outages that all or some of them see, while each loses the way to
//! GitHub, is killed, and has a clock of its own; each run is made by chance from its seed.
//!
//! What must hold: at the end one closed issue tells of each outage and nothing is open; and at no time is an
//! issue closed while a vantage that GitHub has heard of lately sees the fault.

use crate::decide::report::github::AuxiliaryIssue;
use crate::decide::report::heartbeat::Heartbeat;
use crate::decide::report::marker::{VantageObservation, hide};
use crate::decide::report::observations::{CONFIRM_EVERY, STALE};
use crate::decide::report::text::tests::sample;
use crate::decide::testing::tracker::{Kept, Line, STEADY, Tracker, World};
use crate::decide::testing::{at, down, well};
use crate::decide::track::health::Health;
use crate::rng::Rng;

/// How many runs; with `PILOTLIGHT_SEEDS` another number.
const SEEDS: u64 = 1000;

pub(super) const NAMES: [&str; 3] = ["home", "office", "cabin"];

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// From one outage to the next.
const CYCLE: u64 = 7 * HOUR;

/// No clock is further from the true time than this, one way or the other.
const SKEW: u64 = 15 * MINUTE;

/// From the one time to before the other.
type Span = (u64, u64);

fn within(spans: &[Span], now: u64) -> bool {
    spans.iter().any(|(from, to)| (*from..*to).contains(&now))
}

struct Vantage {
    world: World,
    /// Ahead of the true time by this, and by [`SKEW`] less.
    ahead: u64,
    sees: Vec<Span>,
    cut: Vec<Span>,
    dead: Vec<Span>,
    was_dead: bool,
    next_round: u64,
    report_due: bool,
    /// The seconds that it waits for its turn.
    waits: u64,
    /// When GitHub last heard, in full, that it sees the fault.
    reported_at: Option<u64>,
}

impl Vantage {
    fn sees_a_fault(&self) -> bool {
        matches!(self.world.led.monitor.subjects[0].health, Health::Failing(_))
    }
}

struct Run {
    seed: u64,
    rng: Rng,
    tracker: Tracker,
    vantages: Vec<Vantage>,
    outages: u64,
    now: u64,
    said: String,
}

/// An outage that begins within an hour from then, and what happens to the vantages during it.
fn add_outage(vantages: &mut [Vantage], rng: &mut Rng, hour: u64, dies: Option<usize>) {
    let from = hour + rng.below(HOUR);
    let lasts = 40 * MINUTE + rng.below(90 * MINUTE);
    // What comes back within the hour is the same story, if GitHub has heard of its end.
    let returns = rng.one_in(3);
    // Who sees it: a set that is not empty.
    let observers = 1 + rng.below(7);
    for (index, vantage) in vantages.iter_mut().enumerate() {
        if observers >> index & 1 == 1 {
            let late = rng.below(3) * rng.below(5 * MINUTE);
            let until = from + lasts + rng.below(20 * MINUTE);
            vantage.sees.push((from + late, until));
            if returns {
                let again = from + lasts + 20 * MINUTE + rng.below(10 * MINUTE);
                vantage.sees.push((again, again + 30 * MINUTE));
            }
        }
        if returns {
            continue;
        }
        if dies == Some(index) {
            vantage.dead.push((from + 30 * MINUTE + rng.below(lasts), u64::MAX));
            continue;
        }
        if rng.one_in(2) {
            let at = from + rng.below(lasts);
            vantage.cut.push((at, at + rng.below(80 * MINUTE)));
        }
        if rng.one_in(3) {
            let at = from + 15 * MINUTE + rng.below(lasts);
            vantage.dead.push((at, at + MINUTE + rng.below(20 * MINUTE)));
        }
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let outages = 1 + rng.below(2);
        // One may die for good in the middle of the last outage.
        let dies = rng.one_in(5).then(|| usize::try_from(rng.below(3)).unwrap());
        let mut vantages: Vec<Vantage> = NAMES
            .into_iter()
            .map(|name| {
                let mut world = World::new();
                world.vantage = name.to_owned();
                world.led.prefix = name;
                Vantage {
                    world,
                    ahead: rng.below(2 * SKEW),
                    sees: Vec::new(),
                    cut: Vec::new(),
                    dead: Vec::new(),
                    was_dead: false,
                    next_round: rng.below(3) * MINUTE,
                    report_due: false,
                    waits: 0,
                    reported_at: None,
                }
            })
            .collect();
        for outage in 0..outages {
            let dies = dies.filter(|_| outage + 1 == outages);
            add_outage(&mut vantages, &mut rng, outage * CYCLE + HOUR, dies);
        }
        let (tracker, said) = (Tracker::default(), String::new());
        Self { seed, rng, tracker, vantages, outages, now: 0, said }
    }

    fn play(&mut self) {
        while self.now < self.outages * CYCLE + STALE.as_secs() {
            let before = self.tracker.clone();
            for index in 0..self.vantages.len() {
                self.step(index, &before);
            }
            self.now += MINUTE;
        }
        self.check();
    }

    /// One minute of one vantage.
    fn step(&mut self, index: usize, before: &Tracker) {
        let now = self.now;
        let vantage = &mut self.vantages[index];
        let dead = within(&vantage.dead, now);
        if dead {
            vantage.was_dead = true;
            vantage.reported_at = None;
            return;
        }
        let world = &mut vantage.world;
        world.led.seconds = 10 * HOUR + now + vantage.ahead - SKEW - 10;
        if std::mem::take(&mut vantage.was_dead) {
            let on_disk = world.led.monitor.unreported();
            world.led.seconds += 10;
            world.restart(&on_disk);
            world.led.seconds -= 10;
            vantage.next_round = now;
        }
        if now >= vantage.next_round {
            let verdict = if within(&vantage.sees, now) { down() } else { well() };
            world.led = world.led.clone().rounds(1, [verdict, well()]);
            let again = world.led.monitor.subjects[0].again.is_some();
            vantage.next_round = now + if again { MINUTE } else { 10 * MINUTE };
            vantage.report_due = true;
        } else {
            world.led.seconds += 10;
        }
        if vantage.report_due && !within(&vantage.cut, now) {
            self.report(index, before);
        }
    }

    fn report(&mut self, index: usize, before: &Tracker) {
        let (now, lagging) = (self.now, self.rng.one_in(4));
        let line = match self.rng.below(8) {
            0 => {
                let calls = usize::try_from(self.rng.below(4)).unwrap();
                Line { calls, lost: self.rng.one_in(2) }
            }
            _ => STEADY,
        };
        let open: Vec<u64> = open(&self.tracker);
        let vantage = &mut self.vantages[index];
        let world = &mut vantage.world;
        world.led.seconds += vantage.waits;
        world.github_seconds = Some(10 * HOUR + now + vantage.waits);
        // Two that look before either has written; for the rest listings are up to date.
        world.lagging = lagging.then(|| before.clone());
        std::mem::swap(&mut world.tracker, &mut self.tracker);
        let (plan, done) = world.report_over(line);
        std::mem::swap(&mut world.tracker, &mut self.tracker);
        world.lagging = None;
        vantage.report_due = !done || plan.again.is_some();
        vantage.waits = (vantage.waits + plan.again.unwrap_or_default().as_secs()) % MINUTE;
        if !plan.steps.is_empty() {
            let steps = plan.steps.iter().map(|step| format!("    {step:.1?}\n"));
            let steps: String =
                steps.map(|step| step.chars().take(700).collect::<String>()).collect();
            let (name, at) = (NAMES[index], now / MINUTE);
            self.said += &format!("{at} min, {name}, lagging {lagging}, {line:?}\n{steps}\n");
        }
        if done && !lagging {
            vantage.reported_at = vantage.sees_a_fault().then_some(now);
        }
        for number in open {
            let issue = self.tracker.get(number);
            let duplicate = VantageObservation::find(&issue.body).is_none();
            if issue.open || duplicate || lagging {
                continue;
            }
            for (other, vantage) in self.vantages.iter().enumerate() {
                let lately = (STALE - CONFIRM_EVERY).as_secs();
                let heard = vantage.reported_at.is_some_and(|at| now - at < lately);
                let sees = other != index && heard && vantage.sees_a_fault();
                let why =
                    format!("{} closed #{number}, and {} sees it", NAMES[index], NAMES[other]);
                assert!(!sees, "seed {}: {why}\n{}", self.seed, self.said);
            }
        }
    }

    /// What must hold in the end.
    fn check(&self) {
        let why = || {
            let issues: Vec<&Kept> = self.tracker.issues.iter().collect();
            format!("seed {}\n{}\n{issues:#?}", self.seed, self.said)
        };
        assert_eq!(open(&self.tracker), Vec::<u64>::new(), "{}", why());
        let filed =
            self.tracker.issues.iter().filter_map(|issue| VantageObservation::find(&issue.body));
        let filed: Vec<VantageObservation> = filed.collect();
        assert_eq!(u64::try_from(filed.len()).unwrap(), self.outages, "{}", why());
        assert!(!filed.iter().any(VantageObservation::sees), "{}", why());
        for vantage in self.vantages.iter().filter(|v| !within(&v.dead, self.now)) {
            assert_eq!(vantage.world.led.monitor.desired_issues(), [], "{}", why());
        }
    }
}

pub(super) fn open(tracker: &Tracker) -> Vec<u64> {
    let open = tracker.issues.iter().filter(|issue| issue.open);
    open.map(|issue| issue.number).collect()
}

#[test]
fn three_vantages_share_one_issue_and_close_it_when_none_sees_the_fault() {
    let seeds = std::env::var("PILOTLIGHT_SEEDS").ok().and_then(|n| n.parse().ok());
    let seeds: u64 = seeds.unwrap_or(SEEDS);
    let first = std::env::var("PILOTLIGHT_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut parts = [0; 6];
    let words = [
        "Observe {",
        "Duplicate of #",
        "\\\"passed\\\":true",
        "/again",
        "has been silent for hours",
        "Seen only from",
    ];
    for seed in first..first + seeds {
        let mut run = Run::new(seed);
        run.play();
        for (part, word) in parts.iter_mut().zip(words) {
            *part += u64::from(run.said.contains(word));
        }
    }
    // Nothing is proved by runs in which nothing happens.
    assert!(seeds < SEEDS || parts.iter().all(|runs| *runs > 10), "{parts:?}");
}

/// A vantage of its own kind, with the same GitHub.
pub(super) fn world(vantage: &'static str) -> World {
    let mut world = World::new();
    world.vantage = vantage.to_owned();
    world.led.prefix = vantage;
    world
}

/// So many rounds, and a report to this GitHub.
pub(super) fn report(world: &mut World, tracker: &mut Tracker, rounds: usize, fault: bool) {
    let verdict = if fault { down() } else { well() };
    world.led = world.led.clone().rounds(rounds, [verdict, well()]);
    std::mem::swap(&mut world.tracker, tracker);
    world.report();
    std::mem::swap(&mut world.tracker, tracker);
}

/// A GitHub that has heard of all three.
pub(super) fn three_alive() -> Tracker {
    let mut tracker = Tracker::default();
    tracker.asides.extend(alive(&NAMES));
    tracker
}

/// The heartbeats of these vantages.
pub(in crate::decide) fn alive(names: &[&str]) -> Vec<AuxiliaryIssue> {
    let heartbeat = |name: &&str| {
        let vantage = (*name).to_owned();
        let heartbeat = Heartbeat { vantage, at: at(0).wall.unwrap(), every: 365 * 24 * HOUR };
        AuxiliaryIssue { number: 100, body: hide(&heartbeat), open: true }
    };
    names.iter().map(heartbeat).collect()
}

#[test]
fn the_issue_of_an_outage_that_two_of_three_see() {
    let mut tracker = three_alive();
    let (mut home, mut office) = (world("home"), world("office"));
    report(&mut office, &mut tracker, 3, true);
    report(&mut home, &mut tracker, 3, true);
    report(&mut office, &mut tracker, 1, true);
    let issue = tracker.get(1);
    let text = format!("{}\n\n{}\n\n{}", issue.title, issue.body, issue.comments[0]);
    sample("vantages", text.trim_end());
}

#[test]
fn below_the_quorum_an_outage_counts_as_degraded() {
    let mut tracker = three_alive();
    let (mut home, mut office) = (world("home"), world("office"));
    (home.quorum, office.quorum) = (2, 2);
    report(&mut office, &mut tracker, 3, true);
    assert_eq!(tracker.get(1).title, "ns1.example.net is degraded");
    assert!(
        tracker
            .get(1)
            .body
            .contains("It counts as degraded, because fewer than 2 vantages see it.")
    );
    report(&mut home, &mut tracker, 3, true);
    report(&mut office, &mut tracker, 1, true);
    assert_eq!(tracker.get(1).title, "ns1.example.net is down");
    assert!(!tracker.get(1).body.contains("fewer than"));
}
