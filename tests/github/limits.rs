//! Limits: how long GitHub wants to be left alone, in its four ways of saying so.

use std::time::Duration;

use super::{client, marked};
use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher};

/// 2031-05-06T07:08:09Z by GitHub's clock, which is not ours.
const GITHUBS_TIME: u64 = 1_935_817_689;

fn peer() -> Peer {
    let peer = Peer::start();
    peer.set_clock(|| "2031-05-06T07:08:09Z".to_owned());
    peer
}

/// How long each kind of request wants us to wait after that fault.
fn waits(fault: Fault) -> Vec<Option<Duration>> {
    let peer = peer();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    peer.inject(Matcher::new("*", ""), fault, 4);
    let mut github = client(&peer);
    let failures = [
        github.list(true).unwrap_err(),
        github.create("t", "b", true).unwrap_err(),
        github.comment(issue, "k", "c").unwrap_err(),
        github.edit(issue, None, Some("b"), None).unwrap_err(),
    ];
    assert_eq!(peer.clear_faults(), 0, "each asked once");
    for failure in &failures {
        assert!(failure.may_pass(), "{failure:?}");
        assert!(failure.why.starts_with("GitHub asks to wait: "), "{failure:?}");
    }
    failures.into_iter().map(|failure| failure.wait).collect()
}

fn seconds(seconds: u64) -> Vec<Option<Duration>> {
    vec![Some(Duration::from_secs(seconds)); 4]
}

#[test]
fn a_secondary_limit_that_names_its_time_is_obeyed() {
    for status in [403, 429] {
        let limit = |retry_after| Fault::SecondaryLimit { status, retry_after: Some(retry_after) };
        assert_eq!(waits(limit(1)), seconds(1));
        assert_eq!(waits(limit(3600)), seconds(3600));
        assert_eq!(waits(limit(0)), seconds(1), "at once is never meant");
        assert_eq!(waits(limit(1_000_000)), seconds(3600), "GitHub's window is an hour");
    }
}

#[test]
fn a_secondary_limit_without_a_time_waits_a_minute() {
    for status in [403, 429] {
        let limit = Fault::SecondaryLimit { status, retry_after: None };
        assert_eq!(waits(limit), seconds(60));
    }
}

#[test]
fn a_used_up_rate_limit_waits_by_githubs_clock() {
    let until = |reset_epoch| Fault::PrimaryLimit { reset_epoch };
    assert_eq!(waits(until(GITHUBS_TIME + 1234)), seconds(1234));
    assert_eq!(waits(until(GITHUBS_TIME)), seconds(1));
    assert_eq!(waits(until(GITHUBS_TIME - 5000)), seconds(1));
}

#[test]
fn a_rejection_without_a_limit_causes_no_wait() {
    let peer = peer();
    peer.inject(Matcher::new("GET", "/user"), Fault::Status(403), 1);
    let failure = client(&peer).list(false).unwrap_err();
    assert_eq!((failure.may_pass(), failure.wait), (false, None));
}
