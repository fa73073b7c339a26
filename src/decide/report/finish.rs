//! Incidents that are over, and their issues.

use jiff::Timestamp;

use crate::decide::report::github::{Issue, IssueState, Step};
use crate::decide::report::observations::others_see;
use crate::decide::report::reconcile::{Candidate, Place, Reconciler, is_own};
use crate::decide::report::text::closed_text;
use crate::decide::report::turns::{COMPARE_AFTER, until_turn};
use crate::decide::track::incident::DesiredIssue;

impl<'a> Reconciler<'a> {
    /// An incident that is over: its issue is closed and says so.
    pub(super) fn finish(&mut self, wanted: &DesiredIssue) {
        let id = &wanted.incident.id;
        match self.find(wanted) {
            Place::Open(issue) => match self.filed_before(&issue, wanted) {
                Some(first) => {
                    self.close_duplicate(&issue, first.number);
                    self.write(&first, wanted, None);
                }
                None => self.finish_in(&issue, wanted, Some(IssueState::Completed)),
            },
            // Closed by hand before it was over; now it is.
            Place::ClosedByHand(issue) if issue.opened_here => self.finish_in(&issue, wanted, None),
            Place::ClosedByHand(issue)
                if is_own(&issue, wanted) && issue.opener.by_hand && !issue.over() =>
            {
                self.note_end(&issue, wanted);
            }
            Place::ClosedByHand(issue) | Place::Ended(issue) if is_own(&issue, wanted) => {
                self.plan.resolved.push(id.clone());
            }
            // Another vantage has reported the same incident, and our vantage could not until now.
            Place::ClosedByHand(issue) | Place::Ended(issue)
                if !issue.opened_here && self.same_story(&issue, wanted) =>
            {
                self.write(&issue, wanted, None);
            }
            Place::Gone(_) => self.plan.resolved.push(id.clone()),
            _ => self.file(wanted),
        }
    }

    /// Opens an issue about an incident that is over: one in each turn, so that other vantages find it.
    fn file(&mut self, wanted: &DesiredIssue) {
        let filed = |step: &Step| matches!(step, Step::Create { resolved: true, .. });
        let turn = until_turn(self.listing, self.context);
        match turn {
            Some(wait) if !wait.is_zero() || self.plan.steps.first().is_some_and(filed) => {
                let wait = self.plan.again.map_or(wait, |again| again.min(wait));
                self.plan.again = Some(wait);
            }
            _ => {
                self.create(wanted);
                self.plan.steps.rotate_right(1); // nothing between the listing and this
                self.plan.again = turn.map(|_| COMPARE_AFTER);
            }
        }
    }

    fn finish_in(
        &mut self,
        issue: &Candidate<'a>,
        wanted: &DesiredIssue,
        state: Option<IssueState>,
    ) {
        let id = wanted.incident.id.as_str();
        let mut wanted = wanted.clone();
        if issue.lasts_here() && issue.incident() != id {
            // An earlier process opened it. The incident keeps our identity, by which it is found after a lost
            // reply, and gets the beginning of the older one.
            wanted.incident.since = self.context.now.recalled(issue.opener.since);
        }
        // Its duplicates first: once the incident is resolved they are overlooked.
        let same = |other: &Candidate<'_>| [id, issue.incident()].contains(&other.incident());
        while let Some(at) = self.open.iter().position(|other| other.ours.is_some() && same(other))
        {
            let other = self.open.remove(at);
            self.leave_duplicate(&other, issue.number);
        }
        self.claimed.push((wanted.subject.clone(), issue.number));
        if state.is_some() && others_see(self.listing, &wanted.subject, self.context.vantage) {
            self.write(issue, &wanted, None);
            // The fault may be back already.
            return self.open.push(Candidate { recovered_here: true, ..*issue });
        }
        if state.is_some() && !issue.over() {
            let text = closed_text(&wanted, &wanted.ended.unwrap_or(self.context.now));
            self.comment(issue.number, &format!("{id}/closed"), &text);
        }
        self.write(issue, &wanted, state);
    }

    /// The closed issue of another vantage about the same outage, if it is older than ours.
    fn filed_before(&self, ours: &Candidate<'_>, wanted: &DesiredIssue) -> Option<Candidate<'a>> {
        let span = wanted.incident.since.wall.zip(wanted.ended?.wall)?;
        let first = older_about(&self.closed, ours, span).copied();
        first.filter(|first| ours.opened_here && !first.opened_here)
    }

    /// Two vantages have filed the same outage: the younger issue becomes a duplicate of the older one.
    pub(super) fn merge_closed(&mut self) {
        let within = self.context.schedule.reopen_within;
        let lately = |issue: &Issue| {
            let closed = issue.closed_at.zip(self.listing.at);
            closed.is_some_and(|(closed, now)| now < closed + within)
        };
        let claimed =
            |issue: &Issue| self.claimed.iter().any(|(_, number)| *number == issue.number);
        let filed = self.closed.iter().filter(|c| c.opened_here && c.over() && !c.opener.by_hand);
        let pairs = filed.filter(|c| lately(c) && !claimed(c)).filter_map(|issue| {
            let span = issue.opener.since.zip(issue.opener.ended_at)?;
            let first = older_about(&self.closed, issue, span)?;
            (!first.opened_here).then_some((*issue, first.number))
        });
        for (issue, first) in pairs.collect::<Vec<_>>() {
            self.close_duplicate(&issue, first);
        }
    }
}

/// The oldest closed issue, older than this one, about an outage of the same subject at the same time.
fn older_about<'b, 'a>(
    closed: &'b [Candidate<'a>],
    issue: &Issue,
    (since, end): (Timestamp, Timestamp),
) -> Option<&'b Candidate<'a>> {
    let same = closed.iter().filter(|other| {
        let opener = &other.opener;
        let during = opener.since.is_some_and(|at| at <= end)
            && opener.ended_at.is_some_and(|at| since <= at);
        other.number < issue.number
            && opener.subject == issue.opener.subject
            && other.over()
            && during
    });
    same.min_by_key(|other| other.number)
}
