//! Issues of ours that are about no incident: each vantage has at most one open issue of each kind.

use serde::de::DeserializeOwned;

use crate::decide::report::github::{AuxiliaryIssue, IssueState, Listing, Step};
use crate::decide::report::marker::{read, without_record};

/// The issues whose record is of this type and fits, open ones first, then the oldest.
pub(super) fn find<T: DeserializeOwned>(
    listing: &Listing,
    fits: impl Fn(&T) -> bool,
) -> Vec<(&AuxiliaryIssue, T)> {
    let all = listing.auxiliary.iter();
    let all = all.filter_map(|issue| Some((issue, read::<T>(&issue.body)?)));
    let mut found: Vec<_> = all.filter(|(_, record)| fits(record)).collect();
    found.sort_by_key(|(issue, _)| (!issue.open, issue.number));
    found
}

/// Closes the open issues after the first, which were created when the first seemed lost.
pub(super) fn close_duplicates<T>(found: &[(&AuxiliaryIssue, T)]) -> impl Iterator<Item = Step> {
    let open = found.iter().skip(1).filter(|(issue, _)| issue.open);
    open.map(|(issue, _)| {
        let body = without_record(&issue.body);
        Step::edit(issue.number, body, Some(IssueState::NotPlanned))
    })
}
