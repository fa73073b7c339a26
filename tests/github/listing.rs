//! Looking: all of it, and only ours.

use pilotlight::decide::report::marker::comment;
use pilotlight::decide::track::reported::FailureKind;
use pilotlight::io::github::api::GitHub;
use serde_json::json;

use super::{canned, client, marked, reply, settings, user};
use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher, TOKEN};

fn numbers(issues: &[pilotlight::decide::report::github::Issue]) -> Vec<u64> {
    issues.iter().map(|issue| issue.number).collect()
}

#[test]
fn every_page_is_read_and_only_our_marked_issues_are_listed() {
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
    assert_eq!(listing.open[1].opener.incident, "b");
    assert_eq!(listing.closed, []);
    // Of the 907, the 232 of our login on three pages.
    let asked = peer.requests();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[0], "GET /user");
    assert!(asked[3].ends_with("&page=3"), "{asked:?}");

    let listing = github.list(true).unwrap();
    assert_eq!(numbers(&listing.open), [first, second, last]);
    let closed = listing.closed;
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
    let closed = client(&peer).list(true).unwrap().closed;
    assert_eq!(closed.len(), 100);
    assert_eq!(numbers(&closed)[..3], [7, 130, 129]);
}

#[test]
fn a_listing_without_one_of_its_pages_fails() {
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
fn an_issue_that_a_person_reopened_differs_from_one_that_was_never_closed() {
    let peer = Peer::start();
    let number = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let reopened = || client(&peer).list(false).unwrap().open[0].reopened;
    assert!(!reopened());
    peer.close_by_hand(number);
    peer.reopen_by_hand(number);
    assert!(reopened());
}

#[test]
fn an_issue_of_another_account_or_of_none_is_not_ours() {
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

#[test]
fn issues_of_another_account_count_when_the_configuration_names_it() {
    let peer = Peer::start();
    let office = marked("b").replace("home", "office");
    let sight = |vantage: &str| {
        let key = format!("{{\"comment\":\"sight/{vantage}\",");
        marked("c").replace("home", vantage).replacen('{', &key, 1)
    };
    let ours = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let theirs = peer.open_as("Office-Bot", "ns1.example.net is down", &office);
    peer.comment_as("octocat", ours, &sight("shed"));
    peer.comment_as("office-bot", ours, &sight("office"));
    let listing = client(&peer).list(false).unwrap();
    assert_eq!((numbers(&listing.open), listing.open[0].secondary.len()), (vec![ours], 0));

    let mut settings = settings(&peer);
    settings.accounts = vec!["office-bot".to_owned(), "PILOT".to_owned()];
    let listing = GitHub::new(&settings, TOKEN).unwrap().list(false).unwrap();
    assert_eq!(numbers(&listing.open), [ours, theirs]);
    let sights: Vec<&str> = listing.open[0].secondary.iter().map(|s| s.vantage.as_str()).collect();
    assert_eq!(sights, ["office"]);
}

#[test]
fn a_page_is_sent_again_only_when_it_has_changed() {
    let peer = Peer::start();
    for n in 0..130 {
        peer.open_as(LOGIN, "ns1.example.net is down", &marked(&n.to_string()));
    }
    let mut github = client(&peer);
    let first = github.list(true).unwrap();
    assert_eq!((first.open.len(), peer.unchanged()), (130, 0));
    let again = github.list(true).unwrap();
    assert_eq!((again.open, peer.unchanged()), (first.open, 3));
    // The clock of GitHub comes with every answer, also with one that is empty.
    assert!(again.at > first.at);
    peer.edit_by_hand(120, |issue| issue.title = "renamed".to_owned());
    let listing = github.list(true).unwrap();
    assert_eq!((listing.open[119].title.as_str(), peer.unchanged()), ("renamed", 5));
    peer.comment_as("octocat", 7, "words");
    peer.close_by_hand(8);
    let listing = github.list(true).unwrap();
    assert_eq!((listing.open.len(), listing.closed.len()), (129, 1));
    assert_eq!(peer.unchanged(), 5);
}

#[test]
fn when_the_token_expires_is_read_from_an_answer_in_either_of_its_forms() {
    let peer = Peer::start();
    let mut github = client(&peer);
    let mut told = |text| {
        peer.set_expiry(text);
        github.list(false).unwrap();
        github.expires().map(|at| at.to_string())
    };
    assert_eq!(told(None), None);
    let ten = Some("2026-12-01T10:00:00Z".to_owned());
    assert_eq!(told(Some("2026-12-01 10:00:00 UTC")), ten);
    assert_eq!(told(Some("2026-12-01 12:00:00 +0200")), ten);
    assert_eq!(told(Some("soon")), ten, "what it says makes no sense");
}

#[test]
fn comments_of_strangers_are_read_in_small_pages_and_not_kept() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let words = "\u{1f7e9}".repeat(65_536);
    (0..100).for_each(|_| peer.comment_as("octocat", issue, &words));
    let sight = marked("c").replace("home", "office");
    let sight = sight.replacen('{', "{\"comment\":\"sight/office\",", 1);
    peer.comment_as(LOGIN, issue, &sight);
    let listing = client(&peer).list(false).unwrap();
    assert_eq!((listing.open[0].secondary.len(), listing.open[0].partial), (1, false));
    assert!(!client(&peer).comment(issue, "sight/office", &sight).unwrap());

    // What exceeds the bound is not read. Nothing that may be there already is written again.
    (0..40).for_each(|_| peer.comment_as("octocat", issue, &words));
    let late = comment("late", "words");
    peer.comment_as(LOGIN, issue, &late);
    let listing = client(&peer).list(false).unwrap();
    assert_eq!((listing.open[0].secondary.len(), listing.open[0].partial), (1, true));
    let failure = client(&peer).comment(issue, "late", &late).unwrap_err();
    let why =
        "issue #1 has more comments than pilotlight reads: delete those of strangers, and lock it";
    assert_eq!((failure.kind, failure.why.as_str()), (FailureKind::Rejected, why));
    assert_eq!(peer.writes(), 0);
}

#[test]
fn an_issue_whose_comments_cannot_be_read_is_listed_without_them() {
    let peer = Peer::start();
    for incident in ["a", "b"] {
        let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked(incident));
        peer.comment_as("octocat", issue, "words");
    }
    for fault in [
        Fault::LoseBefore,
        Fault::TruncatedBody,
        Fault::Garbage,
        Fault::Status(500),
        Fault::Status(404),
        Fault::Status(410),
        Fault::Status(301),
        Fault::Status(403),
    ] {
        peer.inject(Matcher::new("GET", "/issues/1/comments"), fault, 1);
        let open = client(&peer).list(true).unwrap().open;
        let partial: Vec<bool> = open.iter().map(|issue| issue.partial).collect();
        assert_eq!(partial, [true, false], "{fault:?}");
    }
    // A limit is meant for all requests.
    let limit = Fault::SecondaryLimit { status: 403, retry_after: None };
    peer.inject(Matcher::new("GET", "/issues/1/comments"), limit, 1);
    assert!(client(&peer).list(true).is_err());
}
