//! The token: it goes to the API's host and nowhere else, and no message repeats it.

use std::time::Duration;

use pilotlight::io::github::api::GitHub;

use super::{canned, reply, settings, user};
use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher, Permission};

const SECRET: &str = "github_pat_11AAAAAAA0SECRETSECRET";

#[test]
fn a_next_page_on_another_host_is_not_requested() {
    let thief = Peer::start();
    for link in [
        format!("{}/repositories/1/issues?page=2", thief.url()),
        thief.url().replace("http://", "http://127.0.0.1:1@"),
    ] {
        let first = reply(200, &format!("link: <{link}>; rel=\"next\"\r\n"), "[]");
        let (api, served) = canned(vec![user(), first]);
        let mut settings = settings(&thief);
        settings.api = api;
        let failure = GitHub::new(&settings, SECRET).unwrap().list(false).unwrap_err();
        assert_eq!(failure.why, format!("a page of the listing lies elsewhere, at {link}"));
        served.join().unwrap();
    }
    assert!(!thief.wait_for_connections(1, Duration::ZERO));
}

#[test]
fn a_redirect_is_not_followed() {
    let thief = Peer::start();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/user\r\n", thief.url());
        let (api, served) = canned(vec![reply(status, &location, "{}")]);
        let mut settings = settings(&thief);
        settings.api = api;
        let mut github = GitHub::new(&settings, SECRET).unwrap();
        assert!(github.list(false).is_err(), "{status}");
        served.join().unwrap();
    }
    assert!(!thief.wait_for_connections(1, Duration::ZERO));
}

#[test]
fn an_answer_of_another_shape_is_a_failure_and_not_an_empty_listing() {
    let odd = ["", "null", "{}", "[{}]", "[{\"number\": -1}]", "\u{fffd}\u{0}", "["];
    for body in odd {
        let (api, served) = canned(vec![user(), reply(200, "", body)]);
        let mut settings = settings(&Peer::start());
        settings.api = api;
        let mut github = GitHub::new(&settings, SECRET).unwrap();
        let failure = github.list(false).unwrap_err();
        let start = "GitHub's answer makes no sense: GET /repos/owner/infra/issues?";
        assert!(failure.why.starts_with(start), "{body}: {}", failure.why);
        served.join().unwrap();
    }
}

#[test]
fn no_failure_repeats_the_token() {
    let faults = [
        Fault::LoseBefore,
        Fault::TruncatedBody,
        Fault::Garbage,
        Fault::Status(301),
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(410),
        Fault::Status(422),
        Fault::Status(500),
        Fault::PrimaryLimit { reset_epoch: 0 },
    ];
    let peer = Peer::start();
    peer.add_user(SECRET, LOGIN);
    let mut said = Vec::new();
    for fault in faults {
        for (method, path) in [("GET", "/user"), ("GET", "state=open"), ("POST", "/issues$")] {
            peer.inject(Matcher::new(method, path), fault, 1);
            let mut github = GitHub::new(&settings(&peer), SECRET).unwrap();
            let listed = github.list(false);
            let failed = listed.err().or_else(|| github.create("t", "b", true).err());
            said.push(failed.unwrap().why);
        }
    }
    peer.set_permission(SECRET, Permission::Read);
    let mut github = GitHub::new(&settings(&peer), SECRET).unwrap();
    said.push(github.create("t", "b", true).unwrap_err().why);
    // A slip of the hand: the token with something in it that no header can carry.
    let mut github = GitHub::new(&settings(&peer), &format!("{SECRET}\n{SECRET}")).unwrap();
    let broken = github.list(false).unwrap_err().why;
    assert_eq!(broken, "the token has characters that no token has: copy it again");
    let down = settings(&peer);
    drop(peer);
    said.push(GitHub::new(&down, SECRET).unwrap().list(false).unwrap_err().why);
    for why in said {
        assert!(!why.contains("SECRET"), "{why}");
    }
}
