//! Open issues that no incident of ours has asked for: after a restart, from other vantages, or duplicates.
//!
//! One issue is about a fault, whichever vantages see it: of two, the older one. The last vantage that sees the
//! fault closes the issue. An issue that only silent vantages stand behind is closed by any vantage that sees the
//! subject well.

use std::time::Duration;

use crate::decide::report::github::{Issue, IssueState, Step};
use crate::decide::report::marker::{
    VantageObservation, with_record, with_vantages, without_record,
};
use crate::decide::report::observations::others_see;
use crate::decide::report::reconcile::{Candidate, Reconciler};

/// A vantage that sees the last of a fault has closed the issue after this time.
const CLOSES_WITHIN: Duration = Duration::from_secs(30);

impl<'a> Reconciler<'a> {
    /// Deals with the open issues that are left once every incident has its own.
    pub(super) fn left_over(&mut self) {
        for issue in std::mem::take(&mut self.open) {
            let incident = issue.ours.unwrap_or(&issue.opener).incident.as_str();
            let complete = self.closed.iter().find(|other| {
                let same = other.opened_here && other.incident() == issue.incident();
                same && other.over() && other.number != issue.number
            });
            if let Some(complete) = complete.filter(|_| issue.opened_here) {
                // Its creation seemed lost for longer than listings lag, so it was created twice.
                self.leave_duplicate(&issue, complete.number);
            } else if issue.over() {
                if issue.opened_here {
                    // Created after the end, and cut off before it was closed.
                    self.rewrite(&issue, issue.body.clone(), Some(IssueState::Completed));
                }
            } else if issue.ours.is_some_and(VantageObservation::sees)
                && self.resolved.iter().any(|id| id == incident)
            {
                // It is closed, or has just been written, and the listing does not know yet.
            } else if issue.lasts_here() {
                self.left_from_before(&issue);
            } else {
                self.left_to_others(&issue);
            }
        }
        self.merge_closed();
        // What a person closed while no process ran stays silent until the end of its fault is seen.
        for issue in std::mem::take(&mut self.closed) {
            let subject = issue.subject();
            let watched = self.context.subjects.contains(subject);
            let silenced = self.goes_on(&issue) && self.closed_by_hand(&issue, None);
            if issue.opened_here && watched && silenced && self.claimed_for(subject).is_none() {
                self.resume(&issue, true);
            }
        }
    }

    /// By our observation the fault lasts here, and no incident of this process is about it.
    fn left_from_before(&mut self, issue: &Candidate<'a>) {
        let subject = issue.subject();
        let claimed = self.claimed_for(subject).filter(|claimed| *claimed != issue.number);
        if !self.context.subjects.contains(subject) {
            self.withdraw(issue);
        } else if let Some(first) = claimed {
            self.leave_duplicate(issue, first);
        } else {
            self.resume(issue, false);
        }
    }

    /// The fault is over here, or was never seen here.
    fn left_to_others(&mut self, issue: &Candidate<'a>) {
        let subject = issue.subject();
        let others = others_see(self.listing, subject, self.context.vantage);
        let ours = issue.ours.is_some();
        // Vantages that have written lately take care of it themselves.
        if !ours && issue.observations().any(|other| other.fresh(self.listing.at)) {
            return;
        }
        match self.claimed_for(subject).filter(|claimed| *claimed != issue.number) {
            _ if others && ours => {
                let vantages = self.vantages(Some(issue), false, false);
                if issue.opened_here && !issue.body.contains(&vantages) {
                    self.rewrite(issue, with_vantages(&issue.body, &vantages), None);
                }
            }
            Some(first) if issue.opened_here || !ours && first < issue.number => {
                self.close_duplicate(issue, first);
            }
            None if !others
                && self.context.well.contains(subject)
                && !self.closes_itself(issue) =>
            {
                self.close_for_all(issue);
            }
            _ => {}
        }
    }

    /// Whether another vantage has just written that the fault is over there: between that and the end of the issue
    /// lie its pauses, and two that close it notify people twice.
    fn closes_itself(&self, issue: &Candidate<'_>) -> bool {
        let mut others = issue.observations().filter(|other| other.vantage != self.context.vantage);
        others.any(|other| other.age(self.listing.at).is_some_and(|age| age < CLOSES_WITHIN))
    }

    /// Closes an issue that no vantage stands behind any more.
    fn close_for_all(&mut self, issue: &Candidate<'_>) {
        let (vantage, subject) = (self.context.vantage, issue.subject());
        let text = match issue.ours {
            Some(_) => format!("No vantage sees a fault of **{subject}** any more."),
            None => format!(
                "*{vantage}* sees no fault of **{subject}**, and *{}* has been silent for hours.",
                issue.opener.vantage
            ),
        };
        self.comment(issue.number, &format!("{}/closed", issue.opener.incident), &text);
        let mut opener = issue.opener.clone();
        opener.ended = true;
        opener.ended_at = self.listing.at.or(self.context.now.wall);
        let body = with_record(&issue.body, &opener);
        self.rewrite(issue, body, Some(IssueState::Completed));
    }

    /// The subject is no longer in our configuration.
    fn withdraw(&mut self, issue: &Candidate<'_>) {
        let subject = issue.subject();
        if !issue.opened_here {
            return self.leave(issue, "it is no longer in the configuration there");
        }
        let text = format!("**{subject}** is no longer in the configuration of this vantage.");
        self.comment(issue.number, &format!("{}/unwatched", issue.incident()), &text);
        let others = others_see(self.listing, subject, self.context.vantage);
        let mut opener = issue.opener.clone();
        (opener.recovered_here, opener.ended) = (others, !others);
        let body = with_record(&issue.body, &opener);
        self.rewrite(issue, body, (!others).then_some(IssueState::NotPlanned));
    }

    /// Leaves an issue about a fault that an older issue is about: closes it if we opened it, else withdraws our
    /// observation.
    pub(super) fn leave_duplicate(&mut self, issue: &Candidate<'_>, first: u64) {
        match issue.opened_here {
            true => self.close_duplicate(issue, first),
            false => self.leave(issue, &format!("now in #{first}")),
        }
    }

    pub(super) fn close_duplicate(&mut self, issue: &Issue, first: u64) {
        let key = format!("{}/duplicate-{}", issue.opener.incident, issue.number);
        self.comment(issue.number, &key, &format!("Duplicate of #{first}."));
        // Without a record it is never taken for the other issue.
        self.rewrite(issue, without_record(&issue.body), Some(IssueState::NotPlanned));
    }

    /// Withdraws the observation in our comment.
    fn leave(&mut self, issue: &Candidate<'_>, why: &str) {
        let Some(ours) = issue.ours.filter(|ours| ours.sees()) else { return };
        let mut ours = ours.clone();
        (ours.ended, ours.confirmed) = (true, self.listing.at);
        let text = format!("*{}* saw it as well: {why}.", self.context.vantage);
        self.observe(issue.number, &ours, &text, Vec::new());
    }

    fn rewrite(&mut self, issue: &Issue, body: String, state: Option<IssueState>) {
        self.plan.steps.push(Step::edit(issue.number, body, state));
    }
}
