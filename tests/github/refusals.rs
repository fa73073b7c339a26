//! A no, or no answer at all: what it means, whether waiting helps, and what to do.

use std::time::Duration;

use pilotlight::decide::track::reported::{Failure, FailureKind};
use pilotlight::io::github::api::GitHub;

use super::{client, marked, settings};
use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher, Permission, TOKEN};

/// What a write whose answer was lost asks for: by then, GitHub's listings show what it did.
const LAG: Option<Duration> = Some(Duration::from_secs(60));

fn denied(why: &str) -> Failure {
    Failure::needs_operator(why.to_owned())
}

fn status(peer: &Peer, method: &str, path: &str, status: u16) {
    peer.inject(Matcher::new(method, path), Fault::Status(status), 1);
}

#[test]
fn a_token_that_github_does_not_know_is_named_as_wrong() {
    let peer = Peer::start();
    let mut github = GitHub::new(&settings(&peer), "expired").unwrap();
    let why =
        "the token is wrong, expired or revoked (401 Bad credentials): put a new one in its place";
    assert_eq!(github.list(false).unwrap_err(), denied(why));
    assert_eq!(github.create("t", "b", true).unwrap_err(), denied(why));
}

#[test]
fn a_token_that_may_not_write_gets_the_name_of_the_missing_permission() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    peer.set_permission(TOKEN, Permission::Read);
    let mut github = client(&peer);
    assert_eq!(github.list(true).unwrap().open.len(), 1);
    let why = denied(
        "the token may not write issues of owner/infra (403 Resource not accessible by personal access \
         token): give it the permission \"Issues: read and write\"",
    );
    assert_eq!(github.create("t", "b", true).unwrap_err(), why);
    assert_eq!(github.comment(issue, "k", "c").unwrap_err(), why);
    assert_eq!(github.edit(issue, None, Some("b"), None).unwrap_err(), why);
}

#[test]
fn a_token_that_may_not_read_gets_the_name_of_the_missing_permission() {
    let peer = Peer::start();
    status(&peer, "GET", "state=open", 403);
    let why = "the token may not read issues of owner/infra (403 Server Error): give it the permission \
               \"Issues: read and write\"";
    assert_eq!(client(&peer).list(false).unwrap_err(), denied(why));
}

#[test]
fn a_repository_that_the_token_cannot_see_is_named() {
    let peer = Peer::start();
    peer.set_permission(TOKEN, Permission::None);
    let why = "there is no repository owner/infra that the token may see (404 Not Found): check \
               github.repository, and give the token access to it with the permission \"Issues: read and \
               write\"";
    assert_eq!(client(&peer).list(false).unwrap_err(), denied(why));
    assert_eq!(client(&peer).create("t", "b", true).unwrap_err(), denied(why));
}

#[test]
fn switched_off_issues_a_moved_repository_and_a_refused_text_are_named() {
    let peer = Peer::start();
    peer.set_issues_enabled(false);
    let off = "issues are switched off in owner/infra (410 Issues are disabled for this repo): switch them \
               on in its settings";
    assert_eq!(client(&peer).create("t", "b", true).unwrap_err(), denied(off));
    peer.set_issues_enabled(true);

    for moved in [301, 307, 308] {
        status(&peer, "GET", "state=open", moved);
        let why = format!("owner/infra has moved ({moved}): put its new name in github.repository");
        assert_eq!(client(&peer).list(false).unwrap_err(), denied(&why));
    }

    let refused = client(&peer).create(&"t".repeat(257), "b", true).unwrap_err();
    assert!(!refused.may_pass());
    let start = "GitHub does not accept what we write: POST /repos/owner/infra/issues: 422 {";
    assert!(refused.why.starts_with(start), "{}", refused.why);
    let end = "title is too long (maximum is 256 characters)";
    assert!(refused.why.contains(end), "{}", refused.why);
    assert_eq!(peer.issues(), []);
}

#[test]
fn an_error_of_github_is_transient_and_after_a_write_it_is_ambiguous() {
    let peer = Peer::start();
    for code in [500, 502, 503, 504] {
        status(&peer, "GET", "state=open", code);
        let failure = client(&peer).list(false).unwrap_err();
        let why = format!(
            "GitHub is in trouble: GET /repos/owner/infra/issues?creator=pilot&per_page=100&state=open\
             &sort=created&direction=asc: {code} Server Error"
        );
        assert_eq!(failure.why, why);
        assert_eq!((failure.may_pass(), failure.wait), (true, None));

        status(&peer, "POST", "/issues$", code);
        let failure = client(&peer).create("t", "b", true).unwrap_err();
        let why =
            format!("GitHub is in trouble: POST /repos/owner/infra/issues: {code} Server Error");
        assert_eq!(failure.why, why);
        assert_eq!((failure.may_pass(), failure.wait), (true, LAG));
    }
}

#[test]
fn a_lost_or_truncated_reply_is_not_a_rejection() {
    let peer = Peer::start();
    for (fault, effect) in [
        (Fault::LoseBefore, false),
        (Fault::LoseAfter, true),
        (Fault::TruncatedBody, true),
        (Fault::Garbage, false),
        (Fault::StatusAfter(502), true),
    ] {
        let before = peer.issues().len();
        peer.inject(Matcher::new("POST", "/issues$"), fault, 1);
        let failure = client(&peer).create("t", "b", true).unwrap_err();
        assert_eq!(failure.wait, LAG, "{fault:?}: {failure:?}");
        assert!(failure.may_pass(), "{fault:?}: {failure:?}");
        assert_eq!(peer.issues().len() - before, usize::from(effect), "{fault:?}");
        assert_eq!(peer.writes(), peer.requests().len(), "sent once and not again");

        // Looking has no effect, so looking again may come as soon as we like.
        let peer = Peer::start();
        peer.inject(Matcher::new("GET", "state=open"), fault, 1);
        let failure = client(&peer).list(false).unwrap_err();
        assert_eq!((failure.may_pass(), failure.wait), (true, None));
    }
}

#[test]
fn an_unreachable_github_has_not_acted() {
    let peer = Peer::start();
    let settings = settings(&peer);
    drop(peer);
    let failure = GitHub::new(&settings, TOKEN).unwrap().create("t", "b", true).unwrap_err();
    assert_eq!((failure.may_pass(), failure.wait), (true, None));
    let start = "GitHub is out of reach: POST /repos/owner/infra/issues: ";
    assert!(failure.why.starts_with(start), "{}", failure.why);
}

#[test]
fn a_refusal_of_one_issue_is_not_taken_for_one_of_the_repository() {
    let deleted = "has been deleted, or the token may not see it";
    let moved = "has moved to another repository";
    for (code, why) in [(404, deleted), (410, deleted), (301, moved), (307, moved), (422, "")] {
        let peer = Peer::start();
        let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
        status(&peer, "PATCH", "/issues/1", code);
        let mut failures = vec![client(&peer).edit(issue, None, Some("b"), None).unwrap_err()];
        for method in ["GET", "POST"] {
            status(&peer, method, "/comments", code);
            failures.push(client(&peer).comment(issue, "k", "c").unwrap_err());
        }
        for failure in failures {
            assert_eq!(failure.kind, FailureKind::Rejected, "{failure:?}");
            let expected = format!("issue #1 of owner/infra {why} ({code} Server Error)");
            assert!(why.is_empty() || failure.why == expected, "{failure:?}");
        }
    }
}

#[test]
fn a_refusal_of_a_locked_issue_is_about_that_issue_whatever_its_text() {
    let peer = Peer::start();
    let issue = peer.open_as(LOGIN, "ns1.example.net is down", &marked("a"));
    for locked in [false, true] {
        peer.edit_by_hand(issue, |issue| issue.locked = locked);
        let mut github = client(&peer);
        github.list(false).unwrap();
        status(&peer, "POST", "/comments", 403);
        status(&peer, "PATCH", "/issues/1", 403);
        let comment = github.comment(issue, "k", "c").unwrap_err();
        let edit = github.edit(issue, None, Some("b"), None).unwrap_err();
        for failure in [comment, edit] {
            let kind = if locked { FailureKind::Rejected } else { FailureKind::NeedsOperator };
            assert_eq!(failure.kind, kind, "{}", failure.why);
            let why =
                "issue #1 of owner/infra is locked, and this account may not write there (403 ";
            assert_eq!(failure.why.starts_with(why), locked, "{}", failure.why);
        }
    }
    // A closed issue, too; and a limit is a limit.
    peer.close_by_hand(issue);
    let mut github = client(&peer);
    github.list(true).unwrap();
    status(&peer, "PATCH", "/issues/1", 403);
    assert_eq!(github.edit(issue, None, None, None).unwrap_err().kind, FailureKind::Rejected);
    let limit = Fault::SecondaryLimit { status: 403, retry_after: Some(7) };
    peer.inject(Matcher::new("PATCH", "/issues/1"), limit, 1);
    assert_eq!(github.edit(issue, None, None, None).unwrap_err().kind, FailureKind::Transient);
}
