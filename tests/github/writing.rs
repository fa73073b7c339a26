//! Writing: what is sent, and what is not said twice.

use pilotlight::decide::report::github::IssueState;
use pilotlight::decide::report::marker::comment;
use pilotlight::io::github::api::GitHub;
use serde_json::{Value, json};

use super::{client, marked, settings};
use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher, TOKEN};

#[test]
fn labels_and_assignees_are_sent_and_nothing_depends_on_them() {
    let peer = Peer::start();
    let mut settings = settings(&peer);
    settings.labels = vec!["outage".to_owned(), "dns".to_owned()];
    settings.assignees = vec!["octocat".to_owned()];
    let mut github = GitHub::new(&settings, TOKEN).unwrap();
    let first = github.create("ns1.example.net is down", &marked("a"), true).unwrap();
    peer.drop_labels(true); // GitHub does so in silence when the token's owner may not push
    let second = github.create("ns1.example.net is down", &marked("b"), true).unwrap();
    let issues = peer.issues();
    assert_eq!(issues[0].labels, ["outage", "dns"]);
    assert_eq!(issues[0].assignees, ["octocat"]);
    assert!(issues[1].labels.is_empty() && issues[1].assignees.is_empty());
    let found = github.list(false).unwrap().open;
    let found: Vec<u64> = found.iter().map(|issue| issue.number).collect();
    assert_eq!(found, [first.number, second.number]);
}

#[test]
fn a_comment_is_found_by_its_key_on_any_page_and_not_repeated() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let chat = |count| {
        for n in 0..count {
            peer.comment_as("octocat", issue, &format!("Still looking, {n}."));
        }
    };
    let mut github = client(&peer);
    assert!(github.comment(issue, "a/1", &comment("a/1", "one")).unwrap());
    chat(150);
    assert!(github.comment(issue, "a/2", &comment("a/2", "two")).unwrap());
    chat(150);
    assert!(github.comment(issue, "a/3", &comment("a/3", "three")).unwrap());
    let written = peer.writes();
    for key in ["a/1", "a/2", "a/3"] {
        assert!(!github.comment(issue, key, &comment(key, "again")).unwrap());
    }
    assert_eq!(peer.writes(), written);
    // The same key in somebody else's comment is a quotation.
    peer.comment_as("octocat", issue, &comment("a/4", "copied"));
    assert!(github.comment(issue, "a/4", &comment("a/4", "four")).unwrap());
}

#[test]
fn without_the_list_of_comments_no_comment_is_written() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    for _ in 0..150 {
        peer.comment_as("octocat", issue, "Still looking.");
    }
    for fault in [Fault::Status(502), Fault::LoseBefore, Fault::Garbage] {
        peer.inject(Matcher::new("GET", "page=2"), fault, 1);
        let said = client(&peer).comment(issue, "a/1", &comment("a/1", "one"));
        assert!(said.is_err(), "{fault:?}");
    }
    assert_eq!(peer.writes(), 0);
}

#[test]
fn an_edit_sends_what_changes_and_nothing_else() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let mut github = client(&peer);
    let mut sent = |title, body, state| -> Value {
        github.edit(issue, title, body, state).unwrap();
        let request = peer.requests_detailed().pop().unwrap();
        assert_eq!(request.method, "PATCH");
        serde_json::from_str(&request.body).unwrap()
    };
    let title = "ns1.example.net is degraded";
    assert_eq!(sent(Some(title), None, None), json!({ "title": title }));
    let body = marked("b");
    assert_eq!(sent(None, Some(&body), None), json!({ "body": body }));
    for (state, expected) in [
        (IssueState::NotPlanned, ["closed", "not_planned"]),
        (IssueState::Open, ["open", "reopened"]),
        (IssueState::Completed, ["closed", "completed"]),
    ] {
        let [state_name, reason] = expected;
        let content = json!({ "state": state_name, "state_reason": reason });
        assert_eq!(sent(None, None, Some(state)), content);
        assert_eq!(peer.issues()[0].state_reason.as_deref(), Some(reason));
    }
    assert_eq!(peer.issues()[0].title, title);
}

#[test]
fn every_request_names_the_program_and_the_api_version() {
    let peer = Peer::start();
    let mut github = client(&peer);
    github.list(true).unwrap();
    let issue = github.create("t", "b", true).unwrap().number;
    github.comment(issue, "k", &comment("k", "c")).unwrap();
    github.edit(issue, None, Some("b"), None).unwrap();
    for request in peer.requests_detailed() {
        let header = |name| request.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(header("accept"), "application/vnd.github+json");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
        assert!(header("user-agent").starts_with("pilotlight/"));
    }
}

#[test]
fn what_people_write_between_listing_and_edit_stays() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    let mut github = client(&peer);
    let listed = github.list(false).unwrap().open[0].body.clone();
    peer.edit_by_hand(issue, |issue| {
        issue.body = format!("Known.\n{}\nThe power is back.", issue.body)
    });
    github.edit(issue, None, Some(&listed.replace("words", "new words")), None).unwrap();
    let expected = marked("a").replace("words", "new words");
    assert_eq!(peer.issues()[0].body, format!("Known.\n{expected}\nThe power is back."));
}
