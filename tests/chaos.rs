//! Chaos: three vantages as three processes and one GitHub, through outages with kills, a GitHub that is away, and
//! people who close issues and write in them. Each run is made by chance from its seed.
//!
//! After each outage the oracle looks: one issue tells of it, nothing is open, and no person's word is lost.
//!
//! `PILOTLIGHT_SEED=S PILOTLIGHT_MINUTES=N cargo test --test pilotlight -- chaos` runs another seed, for longer.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::{GitHub, Issue, LOGIN};
use crate::fakes::rng::Rng;
use crate::home::{Home, PATIENCE, shows, wait};

const NAMES: [&str; 3] = ["home", "office", "cabin"];

/// An outage, and what else happens in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Nothing,
    /// From before the outage until after it.
    GitHubAwayThroughout,
    /// From before the outage until its middle.
    GitHubAwayAtFirst,
    /// From the middle of the outage until after it.
    GitHubAwayAtLast,
    /// A vantage is killed and starts again.
    Kill(usize),
    /// A person closes the issue.
    Close,
    /// A person writes below the text.
    Write,
}

struct Chaos {
    seed: u64,
    rng: Rng,
    github: Arc<GitHub>,
    homes: [Home; 3],
    outages: usize,
    words: Vec<(u64, String)>,
    story: Vec<String>,
}

/// Issues about outages, without their duplicates.
fn about(github: &GitHub) -> Vec<Issue> {
    let issues = github.issues().into_iter().skip(NAMES.len());
    issues.filter(|issue| issue.body.contains("\"incident\":")).collect()
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let github = Arc::new(GitHub::start());
        github.set_clock(|| Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        for name in NAMES {
            let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
            let heartbeat = format!(
                "<!-- pilotlight {{\"life\":\"{name}\",\"at\":\"{at}\",\"every\":86400}} -->"
            );
            github.open_as(LOGIN, &format!("pilotlight: {name} is watching"), &heartbeat);
        }
        let homes = NAMES.map(|name| Home::at_vantage(name, &github));
        for home in &homes {
            // So that each outage has an issue of its own.
            let config = std::fs::read_to_string(home.at("pilotlight.toml")).unwrap();
            let config = config.replace("[schedule]\n", "[schedule]\nreopen-within = \"1s\"\n");
            std::fs::write(home.at("pilotlight.toml"), config).unwrap();
            home.start();
        }
        let new = Self {
            seed,
            rng: Rng::new(seed),
            github,
            homes,
            outages: 0,
            words: Vec::new(),
            story: Vec::new(),
        };
        new.until_well();
        new
    }

    fn until_well(&self) {
        for home in &self.homes {
            home.until("well", shows("well"));
        }
    }

    fn outage(&mut self) {
        let event = match self.rng.below(8) {
            0 => Event::GitHubAwayThroughout,
            1 => Event::GitHubAwayAtFirst,
            2 => Event::GitHubAwayAtLast,
            3 => Event::Kill(usize::try_from(self.rng.below(3)).unwrap()),
            4 => Event::Close,
            5 => Event::Write,
            _ => Event::Nothing,
        };
        // Which vantages see it: a set that is not empty.
        let observers = 1 + self.rng.below(7);
        let sees = |index: usize| observers >> index & 1 == 1;
        self.outages += 1;
        self.story.push(format!("outage {}: {event:?}, seen by {observers:03b}", self.outages));
        let away = |event: Event, of: [Event; 2]| of.contains(&event);
        if away(event, [Event::GitHubAwayThroughout, Event::GitHubAwayAtFirst]) {
            self.github.set_down(true);
        }
        for (index, home) in self.homes.iter().enumerate().filter(|(index, _)| sees(*index)) {
            // Not all at the same moment.
            sleep(Duration::from_millis(self.rng.below(300)));
            home.servers[1].nameserver().set(Behaviour::PortClosed);
            self.story.push(format!("  {} sees it", NAMES[index]));
        }
        for (index, home) in self.homes.iter().enumerate().filter(|(index, _)| sees(*index)) {
            home.until(NAMES[index], shows("down"));
        }
        self.in_the_middle(event);
        for home in &self.homes {
            sleep(Duration::from_millis(self.rng.below(300)));
            home.servers[1].nameserver().set(Behaviour::Good);
        }
        self.until_well();
        self.github.set_down(false);
        self.check();
    }

    fn in_the_middle(&mut self, event: Event) {
        let told =
            |issues: &[Issue]| issues.iter().skip(NAMES.len()).any(|issue| issue.state == "open");
        match event {
            Event::Nothing | Event::GitHubAwayThroughout => {}
            Event::GitHubAwayAtFirst => self.github.set_down(false),
            Event::GitHubAwayAtLast => self.github.set_down(true),
            Event::Kill(index) => {
                self.homes[index].kill();
                self.homes[index].start();
            }
            Event::Close | Event::Write => {
                assert!(self.github.wait_for(told, PATIENCE), "no issue: {}", self.why());
                let mut open = self.github.issues().into_iter().skip(NAMES.len());
                let number = open.find(|issue| issue.state == "open").unwrap().number;
                if event == Event::Close {
                    self.github.close_by_hand(number);
                } else {
                    let words = format!("A note of a person, {}.", self.outages);
                    self.github.edit_by_hand(number, |issue| issue.body += &format!("\n{words}"));
                    self.words.push((number, words));
                }
            }
        }
        sleep(Duration::from_millis(self.rng.below(3000)));
    }

    /// One issue for each outage, none open; and it stays so.
    fn check(&self) {
        let right = |issues: &[Issue]| {
            let about = issues.iter().skip(NAMES.len());
            let mut about = about.filter(|issue| issue.body.contains("\"incident\":"));
            let count = about.clone().count();
            count == self.outages && about.all(|issue| issue.state == "closed")
        };
        assert!(self.github.wait_for(right, PATIENCE), "{}", self.why());
        let writes = self.github.writes();
        let quiet = || self.github.writes() != writes;
        wait(Duration::from_secs(4), quiet);
        assert!(right(&self.github.issues()), "it did not stay so: {}", self.why());
        for (number, words) in &self.words {
            let issue = self.github.issues().into_iter().find(|issue| issue.number == *number);
            assert!(issue.unwrap().body.contains(words), "lost: {words}\n{}", self.why());
        }
    }

    fn why(&self) -> String {
        let issues: Vec<String> = about(&self.github)
            .iter()
            .map(|issue| format!("#{} {} {}", issue.number, issue.state, issue.body))
            .collect();
        let logs: Vec<String> = self.homes.iter().map(Home::log).collect();
        let (story, issues, logs) = (self.story.join("\n"), issues.join("\n"), logs.join("\n\n"));
        format!("seed {}\n{story}\n{issues}\n{logs}", self.seed)
    }
}

#[test]
fn each_outage_is_one_closed_issue_in_chaos() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let lasts = Duration::from_secs(60 * number("PILOTLIGHT_MINUTES").unwrap_or(0));
    let start = Instant::now();
    let mut chaos = Chaos::new(number("PILOTLIGHT_SEED").unwrap_or(1));
    while chaos.outages < 4 || start.elapsed() < lasts {
        chaos.outage();
    }
}
