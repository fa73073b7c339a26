//! Looking: all of it, and only ours.

use pilotlight::io::github::GitHub;
use serde_json::json;

use super::{canned, client, marked, reply, settings, user};
use crate::peers::github::{Fault, GitHub as Peer, LOGIN, Matcher, TOKEN};

fn numbers(issues: &[pilotlight::decide::reconcile::Issue]) -> Vec<u64> {
    issues.iter().map(|issue| issue.number).collect()
}

#[test]
fn every_page_is_read_and_only_marked_issues_of_our_own_are_taken() {
    let peer = Peer::start();
    let first = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    peer.fill(450);
    let second = peer.open_as(LOGIN, "renamed by a person", &marked("b"));
    peer.open_as("octocat", "a copy by somebody else", &marked("c"));
    peer.open_pull_request_as(LOGIN, "a pull request", &marked("d"));
    peer.open_as(LOGIN, "without a marker", "words");
    peer.open_as(LOGIN, "without a body", "");
    let over = peer.open_as(LOGIN, "ns1.example.net is down", &marked("e"));
    peer.close_by_hand(over);
    peer.fill(450);
    let last = peer.open_as(LOGIN, "ns1.example.net is down", &marked("f"));

    let mut github = client(&peer);
    let listing = github.list(false).unwrap();
    assert_eq!(numbers(&listing.open), [first, second, last]);
    assert_eq!(listing.open[1].title, "renamed by a person");
    assert_eq!(listing.open[1].marker.incident, "b");
    assert_eq!(listing.closed, None);
    // Of the 907, the 232 of our login on three pages.
    let asked = peer.requests();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[0], "GET /user");
    assert!(asked[3].ends_with("&page=3"), "{asked:?}");

    let listing = github.list(true).unwrap();
    assert_eq!(numbers(&listing.open), [first, second, last]);
    let closed = listing.closed.unwrap();
    assert_eq!(numbers(&closed), [over]);
    assert!(closed[0].closed_at.is_some() && !closed[0].open);
    let logins = peer.requests();
    let logins = logins.iter().filter(|asked| *asked == "GET /user");
    assert_eq!(logins.count(), 1, "our login does not change");
}

#[test]
fn of_the_closed_issues_the_hundred_that_changed_last_are_enough() {
    let peer = Peer::start();
    for n in 0..130 {
        let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked(&n.to_string()));
        peer.close_by_hand(issue);
    }
    peer.set_clock(|| "2026-03-01T12:00:00Z".to_owned());
    peer.comment_as("octocat", 7, "That was me."); // a change
    let closed = client(&peer).list(true).unwrap().closed.unwrap();
    assert_eq!(closed.len(), 100);
    assert_eq!(numbers(&closed)[..3], [7, 130, 129]);
}

#[test]
fn a_listing_without_one_of_its_pages_is_no_listing() {
    let peer = Peer::start();
    peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    peer.fill(600);
    peer.open_as(LOGIN, "ns1.example.net is down", &marked("b"));
    let faults = [
        Fault::LoseBefore,
        Fault::LoseAfter,
        Fault::TruncatedBody,
        Fault::Garbage,
        Fault::Status(500),
        Fault::Status(404),
        Fault::SecondaryLimit { status: 429, retry_after: None },
    ];
    for page in ["state=open", "page=2", "state=closed"] {
        for fault in faults {
            peer.inject(Matcher::new("GET", page), fault, 1);
            let listing = client(&peer).list(true);
            assert!(listing.is_err(), "{page} {fault:?}: {listing:?}");
            assert_eq!(peer.clear_faults(), 0);
        }
    }
    assert_eq!(client(&peer).list(true).unwrap().open.len(), 2);
}

#[test]
fn an_issue_that_a_person_opened_again_is_told_from_one_that_was_never_closed() {
    let peer = Peer::start();
    let number = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let reopened = || client(&peer).list(false).unwrap().open[0].reopened;
    assert!(!reopened());
    peer.close_by_hand(number);
    peer.reopen_by_hand(number);
    assert!(reopened());
}

#[test]
fn an_issue_by_somebody_else_or_by_nobody_is_not_ours_whatever_was_asked_for() {
    let by = |user: serde_json::Value| {
        json!({
            "number": 1, "title": "ns1.example.net is down", "state": "open", "body": marked("a"),
            "user": user, "closed_at": null,
        })
    };
    // A deleted account leaves its issues behind.
    let listed =
        json!([by(json!({ "login": "octocat" })), by(json!(null)), by(json!({ "login": LOGIN }))]);
    let (api, served) = canned(vec![user(), reply(200, "", &listed.to_string())]);
    let mut settings = settings(&Peer::start());
    settings.api = api;
    let listing = GitHub::new(&settings, TOKEN).unwrap().list(false);
    assert_eq!(listing.unwrap().open.len(), 1);
    served.join().unwrap();
}
