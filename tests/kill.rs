//! The power may go at any instant. The built program is killed at points of a story that a seed chooses,
//! and started again each time; GitHub ends up with one closed issue for each outage, whatever was under
//! way.

use std::thread;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::Issue;
use crate::fakes::rng::Rng;
use crate::home::{Home, PATIENCE, shows, wait};

/// Stories, half of them killed after requests to GitHub and half after DNS packets.
const STORIES: u64 = 10;

/// Kills in each of them.
const KILLS: u64 = 3;

/// How many there are in a story that nobody disturbs, or a few less.
const REQUESTS: u64 = 20;
const PACKETS: u64 = 150;

/// What a story is killed after.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// The request of this number has reached GitHub; its reply is on the way.
    Request(usize),
    /// The nameservers have got so many packets.
    Packet(usize),
}

impl Point {
    fn reached(self, home: &Home) -> bool {
        match self {
            Self::Request(number) => home.github.wait_for_requests(number, PATIENCE),
            Self::Packet(number) => {
                let servers = &home.servers[..2];
                wait(PATIENCE, || {
                    let counts = servers.iter().map(|server| server.nameserver().count());
                    counts.sum::<usize>() >= number
                })
            }
        }
    }
}

fn points(story: u64) -> Vec<Point> {
    let mut points: Vec<u64> = (0..KILLS)
        .map(|kill| {
            // Each kill has its part of the story, so that a story is killed all along.
            let all = if story.is_multiple_of(2) { REQUESTS } else { PACKETS };
            let part = all / KILLS;
            1 + kill * part + Rng::new(story * KILLS + kill).below(part)
        })
        .collect();
    points.sort_unstable();
    let point = |number: u64| {
        let number = usize::try_from(number).unwrap();
        match story.is_multiple_of(2) {
            true => Point::Request(number),
            false => Point::Packet(number),
        }
    };
    points.into_iter().map(point).collect()
}

/// ns2 stops and is started again; then ns1 answers with a wrong address, and with the right one again.
fn story(home: &Home) {
    let set = |server: usize, behaviour| home.servers[server].nameserver().set(behaviour);
    let until = |what: &str, so: fn(&[Issue]) -> bool| {
        let seen = home.github.wait_for(so, PATIENCE);
        assert!(seen, "never {what}: {:#?}\n{}", home.github.issues(), home.log());
    };
    home.until("well", shows("well"));
    set(1, Behaviour::PortClosed);
    until("opened", |issues| issues.iter().any(|i| i.state == "open"));
    set(1, Behaviour::Good);
    until("closed", |issues| issues.iter().all(|i| i.state == "closed"));
    set(0, Behaviour::WrongAddress);
    until("opened", |issues| issues.iter().any(|i| i.state == "open"));
    set(0, Behaviour::Good);
    until("closed", |issues| issues.iter().all(|i| i.state == "closed"));
}

fn killed_story(number: u64) {
    let home = Home::new();
    home.start();
    let points = points(number);
    thread::scope(|scope| {
        scope.spawn(|| {
            for point in &points {
                assert!(point.reached(&home), "story {number} is over before {point:?}");
                home.kill();
                home.start();
            }
        });
        story(&home);
    });
    let kept = home.at("state/unreported.json");
    let settled = || home.status().as_ref().is_some_and(shows("well")) && !kept.exists();
    assert!(wait(PATIENCE, settled), "story {number}: {}", home.log());
    home.signal("-TERM");
    assert!(home.ended(PATIENCE).success());

    let issues = home.github.issues();
    let told: Vec<(&str, &str)> =
        issues.iter().map(|issue| (issue.title.as_str(), issue.state.as_str())).collect();
    let why = || format!("story {number}, killed at {points:?}: {issues:#?}\n{}", home.log());
    let expected = [("ns2.example.net is down", "closed"), ("ns1.example.net is down", "closed")];
    assert_eq!(told, expected, "{}", why());
    for issue in &issues {
        let said: Vec<&str> = issue.comments.iter().map(|c| c.body.as_str()).collect();
        assert_eq!(said.len(), 1, "{}", why());
        assert!(said[0].contains("is well again"), "{}", why());
    }
}

#[test]
fn a_daemon_killed_anywhere_files_each_outage_once() {
    // They wait most of the time, and not for each other.
    thread::scope(|scope| {
        for number in 0..STORIES {
            scope.spawn(move || killed_story(number));
        }
    });
}
