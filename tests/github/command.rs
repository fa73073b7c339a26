//! `pilotlight report` and `report --test`, as the built program.

use crate::fakes::github::{Fault, GitHub as Peer, LOGIN, Matcher, Permission, TOKEN};
use crate::program::{Ran, Setting, loopback};

/// Exit code, standard output, standard error.
type Said = (Option<i32>, String, String);

fn report(peer: &Peer, arguments: &[&str]) -> Said {
    let [server, anchor] = ["127.0.0.1:9", "127.0.0.9:9"].map(|address| address.parse().unwrap());
    let zones = "[[zone]]\nname = \"example.net\"\n";
    let config = loopback(&[server], &[anchor], zones);
    let api = peer.url();
    let setting =
        Setting::new(&format!("[github]\nrepository = \"owner/infra\"\napi = \"{api}\"\n{config}"));
    let mut command = setting.command(&["report"]);
    command.args(arguments).env("GITHUB_TOKEN", TOKEN);
    let Ran { code, out, err } = Ran::of(command.env_remove("CREDENTIALS_DIRECTORY"));
    (code, out, err)
}

const READ: &str = "\
token      belongs to pilot
repository owner/infra, 0 open issues of ours
";

#[test]
fn report_tests_token_repository_and_permission_to_read_and_writes_nothing() {
    let peer = Peer::start();
    peer.fill(10);
    let (code, out, err) = report(&peer, &[]);
    let writing =
        "writing    not tried; `pilotlight report --test` opens a test issue and closes it\n";
    assert_eq!(out, format!("{READ}{writing}"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(peer.writes(), 0);
}

#[test]
fn report_test_opens_an_issue_comments_on_it_and_closes_it() {
    let peer = Peer::start();
    let (code, out, err) = report(&peer, &["--test"]);
    let wrote = "opened     issue #1\ncommented  on it\nclosed     it: outages will be reported\n";
    assert_eq!(out, format!("{READ}{wrote}"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let issue = &peer.issues()[0];
    assert_eq!((issue.state.as_str(), issue.user.as_str()), ("closed", LOGIN));
    assert_eq!(issue.title, "pilotlight: test");
    assert!(issue.body.contains("*test*"), "{}", issue.body);
    assert_eq!(issue.comments.len(), 1);
    // The daemon must not take it for an outage.
    assert!(!issue.body.contains("<!-- pilotlight"), "{}", issue.body);
}

#[test]
fn report_names_what_is_missing_and_fails() {
    let peer = Peer::start();
    peer.set_permission(TOKEN, Permission::Read);
    let (code, out, err) = report(&peer, &["--test"]);
    assert_eq!((code, out.as_str()), (Some(1), READ));
    assert_eq!(
        err,
        "pilotlight: the token may not write issues of owner/infra (403 Resource not accessible by \
         personal access token): give it the permission \"Issues: read and write\"\n"
    );
    peer.set_permission(TOKEN, Permission::None);
    let (code, out, err) = report(&peer, &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let start = "pilotlight: there is no repository owner/infra that the token may see";
    assert!(err.starts_with(start), "{err}");
}

#[test]
fn a_test_issue_is_closed_even_when_commenting_fails() {
    let peer = Peer::start();
    let comments = Matcher::new("POST", "/comments$");
    peer.inject(comments, Fault::Status(500), 1);
    let (code, out, err) = report(&peer, &["--test"]);
    assert_eq!((code, out), (Some(1), format!("{READ}opened     issue #1\n")));
    let place = "POST /repos/owner/infra/issues/1/comments: 500 Server Error";
    assert_eq!(err, format!("pilotlight: GitHub is in trouble: {place}\n"));
    assert_eq!(peer.issues()[0].state, "closed");
}
