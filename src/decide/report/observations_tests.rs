//! What is said of who sees what.

use super::*;

fn text(observers: &[&str], others: &[&str], over: bool, quorum: u32) -> String {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Observers { observing: set(observers), others: set(others) }.text(over, quorum)
}

#[test]
fn an_issue_tells_an_outage_from_a_fault_that_one_vantage_sees() {
    assert_eq!(text(&["home"], &[], false, 1), "", "there is no other");
    assert_eq!(
        text(&["home", "office"], &["cabin"], false, 1),
        "**Seen from *home* and *office*: 2 of 3 vantages**, not from *cabin*."
    );
    assert_eq!(
        text(&["office"], &["cabin", "home"], false, 2),
        "**Seen only from *office*: 1 of 3 vantages**, not from *cabin* and *home*. The fault may lie on \
         the path from there. It counts as degraded, because fewer than 2 vantages see it."
    );
    assert_eq!(
        text(&["cabin", "home", "office"], &[], true, 1),
        "Seen from *cabin*, *home* and *office*: 3 of 3 vantages."
    );
    assert_eq!(text(&[], &["home", "office"], false, 1), "No vantage sees it any more.");
}
