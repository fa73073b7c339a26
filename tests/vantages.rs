//! Three vantages as three processes, each with its own way to the nameservers, and one repository: a partial
//! outage, written so that anybody understands it.

use std::sync::Arc;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::{GitHub, Issue, LOGIN};
use crate::home::{Home, PATIENCE, shows, wait};

const NAMES: [&str; 3] = ["home", "office", "cabin"];

/// The signs of life, so that each knows of the others.
const SIGNS: u64 = 3;

fn outage(github: &GitHub) -> Issue {
    let issues = github.issues();
    assert_eq!(issues.len() as u64, SIGNS + 1, "{issues:#?}");
    issues[SIGNS as usize].clone()
}

#[test]
fn a_partial_outage_is_one_issue_with_its_observers() {
    let github = Arc::new(GitHub::start());
    for name in NAMES {
        let sign = format!(
            "<!-- pilotlight {{\"life\":\"{name}\",\"at\":\"2026-01-01T00:00:00Z\",\"every\":21600}} -->"
        );
        github.open_as(LOGIN, &format!("pilotlight: {name} is watching"), &sign);
    }
    let homes = NAMES.map(|name| Home::at_vantage(name, &github));
    let [home, office, cabin] = &homes;
    let logs = || homes.iter().map(Home::log).collect::<Vec<_>>().join("\n");
    let says = |words: &str| {
        let said = |issues: &[Issue]| issues.last().is_some_and(|last| last.body.contains(words));
        let seen = github.wait_for(said, PATIENCE);
        assert!(seen, "never {words:?}: {:#?}\n{}", github.issues(), logs());
    };
    let set = |home: &Home, behaviour| home.servers[1].nameserver().set(behaviour);
    for each in &homes {
        each.start();
        each.until("well", shows("well"));
    }

    set(office, Behaviour::PortClosed);
    says("**Seen only from *office*: 1 of 3 vantages**, not from *cabin* and *home*.");
    assert_eq!(outage(&github).title, "ns2.example.net is down");
    set(home, Behaviour::PortClosed);
    says("**Seen from *home* and *office*: 2 of 3 vantages**, not from *cabin*.");
    let [sight] = &outage(&github).comments[..] else { panic!("{:#?}", outage(&github)) };
    assert!(sight.body.contains("Also seen from *home*: **ns2.example.net** is **down**"));

    // Who opened it is killed and comes back, and then it recovers first; the other still sees it.
    office.kill();
    office.start();
    office.until("down", shows("down"));
    set(office, Behaviour::Good);
    says("**Seen only from *home*: 1 of 3 vantages**, not from *cabin* and *office*.");
    let issue = outage(&github);
    assert_eq!((issue.state.as_str(), issue.comments.len()), ("open", 1));
    set(home, Behaviour::Good);
    let closed = |issues: &[Issue]| issues.last().is_some_and(|last| last.state == "closed");
    assert!(github.wait_for(closed, PATIENCE), "{:#?}\n{}", outage(&github), logs());
    says("Seen from *home* and *office*: 2 of 3 vantages, not from *cabin*.");

    for each in &homes {
        assert!(wait(PATIENCE, || each.status().as_ref().is_some_and(shows("well"))));
        each.signal("-TERM");
        assert!(each.ended(PATIENCE).success());
    }
    let issue = outage(&github);
    assert_eq!(issue.state, "closed");
    let said: Vec<&str> = issue.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].contains("It is well again"), "{said:#?}");
    assert!(said[1].contains("is well again"), "{said:#?}");
    assert!(!cabin.log().contains("issue #"), "{}", cabin.log());
}
