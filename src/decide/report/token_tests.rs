//! What the issue about the end of a token contains, and when it is written.

use super::*;
use crate::decide::testing::at;

const DAY: u64 = 86_400;

/// It expires so many seconds from now.
fn left(seconds: u64) -> (Option<Timestamp>, Option<Timestamp>) {
    (at(seconds).wall, at(0).wall)
}

#[test]
fn the_panel_warns_in_the_last_three_days_and_after_the_end() {
    let shown = |(expires, now)| notice(expires, now).map(|notice| notice.source);
    assert_eq!(shown(left(3 * DAY + 1)), None);
    assert_eq!(shown(left(3 * DAY)), Some("token".to_owned()));
    assert_eq!(shown((at(0).wall, at(DAY).wall)), Some("token".to_owned()));
    assert_eq!(shown((None, at(0).wall)), None, "it never expires");
    let text = notice(at(DAY).wall, at(0).wall).unwrap().text;
    assert_eq!(
        text,
        "GitHub's token expires on 2026-01-02 12:00:00 UTC: replace it with a new one"
    );
}

#[test]
fn each_warning_comes_once_and_none_long_before_the_end() {
    let listing = |days, auxiliary| Listing {
        auxiliary,
        at: at(0).wall,
        token_expires: at(days * DAY).wall,
        ..Listing::default()
    };
    let steps = |days, auxiliary| plan("home", &listing(days, auxiliary));
    assert_eq!(steps(15, Vec::new()), []);
    let [Step::Create { body, title, .. }] = &steps(14, Vec::new())[..] else { panic!() };
    assert_eq!(title, "pilotlight: the token of home expires on 2026-01-15");
    let known = |body: &str| vec![AuxiliaryIssue { number: 4, body: body.to_owned(), open: true }];
    assert_eq!(steps(14, known(body)), []);
    // A week later it is another listing's time; here another token's end.
    let [Step::Comment { key, .. }, Step::Edit { body: next, state: None, .. }] =
        &steps(7, known(&format!("Mine.\n{body}")))[..]
    else {
        panic!()
    };
    assert!(key.ends_with("/7") && next.starts_with("Mine.\n"), "{key} {next}");
    assert_eq!(steps(7, known(next)), []);
    // It was renewed; one of another vantage is none of our business.
    let closed = &steps(90, known(next))[..];
    assert!(
        matches!(closed, [_, Step::Edit { state: Some(IssueState::Completed), .. }]),
        "{closed:?}"
    );
    assert_eq!(steps(90, known(&next.replace("home", "office"))), []);
}

#[test]
fn the_closed_issues_are_needed_in_the_last_two_weeks() {
    let listing =
        |days| Listing { at: at(0).wall, token_expires: at(days * DAY).wall, ..Listing::default() };
    assert!(expires_soon(&listing(14)) && !expires_soon(&listing(15)));
    assert!(!expires_soon(&Listing { token_expires: None, ..listing(1) }));
}
