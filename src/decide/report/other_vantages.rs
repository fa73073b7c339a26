//! Issues that another vantage opened, and what of ours other vantages still need.
//!
//! One issue tells of a subject's fault, whoever sees it: of two, the older one. Whoever is the last to see the
//! fault closes it; what only vantages saw that have fallen silent is closed by anybody who sees it well.

use jiff::SignedDuration;

use crate::decide::report::github::{Issue, IssueState};
use crate::decide::report::marker::{remark, reseen};
use crate::decide::report::observations::{fresh, others_see, sees};
use crate::decide::report::reconcile::{OwnIssue, Reconciler};
use crate::decide::track::incident::DesiredIssue;

impl<'a> Reconciler<'a> {
    /// Another vantage's open issue that tells of this, if it is older than ours.
    pub(super) fn elder(
        &mut self,
        wanted: &DesiredIssue,
        own: Option<&OwnIssue<'a>>,
    ) -> Option<OwnIssue<'a>> {
        let subject = &wanted.subject;
        let ours = self.open.iter().filter(|i| i.marker.subject == *subject && !i.marker.ended);
        let first = ours.chain(own).map(|issue| issue.number).min();
        let at = self.from_other_vantages.iter().position(|issue| {
            let same = issue.marker.subject == *subject && !issue.marker.ended;
            same && first.is_none_or(|first| issue.number < first) && self.overlaps(issue, wanted)
        })?;
        let issue = self.from_other_vantages.remove(at);
        Some(self.as_guest(issue, wanted))
    }

    fn as_guest(&self, issue: &'a Issue, wanted: &DesiredIssue) -> OwnIssue<'a> {
        let mut marker = self.marker(wanted);
        marker.ended = issue.marker.ended;
        OwnIssue { issue, marker }
    }

    /// Closed issues that other vantages opened, those that changed last first.
    fn far(&self) -> impl Iterator<Item = &'a Issue> {
        let closed = self.listing.closed.iter().flatten();
        closed.filter(|issue| issue.marker.vantage != self.context.vantage)
    }

    /// Another vantage's closed issue that told of an incident which we could not tell of.
    pub(super) fn host_closed(&self, wanted: &DesiredIssue) -> Option<OwnIssue<'a>> {
        let mut far = self.far();
        let host = far.find(|i| i.marker.subject == wanted.subject && self.overlaps(i, wanted))?;
        Some(self.as_guest(host, wanted))
    }

    /// An incident that goes on, and that a closed issue of another vantage tells of. Whether there is one.
    pub(super) fn with_host_closed(&mut self, wanted: &DesiredIssue) -> bool {
        let known = wanted.issue.map(|reported| reported.number);
        let far: Vec<&Issue> =
            self.far().filter(|issue| issue.marker.subject == wanted.subject).collect();
        let ours = far.iter().find(|issue| Some(issue.number) == known);
        // Its last vantage left before we came: it is ours to open again.
        let over = |issue: &&&Issue| !sees(&issue.marker) && self.follows(issue, wanted);
        let again = ours.filter(|issue| issue.marker.ended).or_else(|| far.iter().find(over));
        if let Some(issue) = again {
            let view = self.as_guest(issue, wanted);
            self.again(&view, wanted);
            return true;
        }
        let by_hand = |issue: &&&Issue| {
            let view = self.as_guest(issue, wanted);
            sees(&issue.marker) && self.holds(&view, Some(wanted))
        };
        let by_hand = ours.or_else(|| far.iter().find(by_hand)).map(|issue| issue.number);
        by_hand.inspect(|number| self.known(wanted, *number, true)).is_some()
    }

    /// Whether an issue tells of the same time, but for clocks that differ.
    fn overlaps(&self, issue: &Issue, wanted: &DesiredIssue) -> bool {
        let within = self.context.schedule.reopen_within;
        let ended = wanted.ended.unwrap_or(self.context.now).wall;
        let begins = issue.marker.since.zip(ended).is_none_or(|(begin, end)| begin <= end + within);
        let end = issue.marker.ended_at.or(issue.closed_at);
        let since = wanted.incident.since.wall;
        begins && end.is_none_or(|end| since.is_some_and(|since| since <= end + within))
    }

    /// Whether an incident follows so soon on the end of another vantage's issue that it is the same story.
    fn follows(&self, issue: &Issue, wanted: &DesiredIssue) -> bool {
        let ends = [issue.marker.ended_at, issue.closed_at].into_iter().flatten();
        // By GitHub's clock, as it was closed by that one.
        let now = self.listing.at.zip(self.context.now.wall);
        let ahead = now.map_or(SignedDuration::ZERO, |(at, wall)| at.duration_since(wall));
        let since = wanted.incident.since.wall.and_then(|since| since.checked_add(ahead).ok());
        ends.min()
            .zip(since)
            .is_some_and(|(end, since)| since <= end + self.context.schedule.reopen_within)
    }

    /// It is over for us, and others see it still: we only say so.
    pub(super) fn pass(&mut self, issue: &OwnIssue<'a>, wanted: &DesiredIssue) {
        if issue.is_secondary() {
            self.edit(issue, wanted, None);
        } else {
            let mut marker = self.marker(wanted);
            (marker.ended, marker.passed) = (false, true);
            self.edit_as(issue, wanted, &marker, None);
        }
        // It may be back already.
        let mut passed = issue.clone();
        passed.marker.passed = true;
        self.open.push(passed);
    }

    /// Takes back what we said as a guest.
    pub(super) fn leave(&mut self, issue: &OwnIssue<'_>, why: &str) {
        if issue.marker.passed {
            return;
        }
        let mut marker = issue.marker.clone();
        (marker.ended, marker.confirmed) = (true, self.listing.at);
        let text = format!("*{}* saw it as well: {why}.", self.context.vantage);
        self.observation_comment(issue, &marker, &text, Vec::new());
    }

    /// An open issue that we have passed, or where we are a guest, and that no incident of ours asked for.
    pub(super) fn left_with_others(&mut self, issue: &OwnIssue<'a>) {
        let marker = &issue.marker;
        let subject = &marker.subject;
        if issue.issue.marker.ended || self.resolved.contains(&marker.incident) {
            return; // being closed, or just written
        }
        let kept = self.kept_for(subject).filter(|kept| *kept != issue.number);
        if !marker.passed {
            match kept {
                _ if !self.context.subjects.contains(subject) => {
                    self.leave(issue, "it is no longer in the configuration there");
                }
                Some(first) => self.leave(issue, &format!("now in #{first}")),
                None => self.adopt(issue, false),
            }
            return;
        }
        if others_see(self.listing, subject, self.context.vantage) {
            let vantages = self.vantages(Some(issue), false, false);
            if !issue.is_secondary() && !issue.body.contains(&vantages) {
                self.rewrite(issue, reseen(&issue.body, &vantages), None);
            }
        } else if let (false, Some(first)) = (issue.is_secondary(), kept) {
            self.close_duplicate(issue, first);
        } else if kept.is_none() && self.context.well.contains(subject) {
            self.end(issue, format!("No vantage sees **{subject}** at fault any more."));
        }
    }

    /// Open issues of vantages that have fallen silent.
    pub(super) fn left_by_strangers(&mut self) {
        let at = self.listing.at;
        for issue in std::mem::take(&mut self.from_other_vantages) {
            let subject = &issue.marker.subject;
            if issue.claims().any(|claim| fresh(claim, at)) {
                continue; // they take care of it themselves
            }
            let vantage = self.context.vantage;
            match self.kept_for(subject) {
                Some(first) if first < issue.number => self.close_duplicate(issue, first),
                Some(_) => {}
                None if self.context.well.contains(subject)
                    && !others_see(self.listing, subject, vantage) =>
                {
                    let text = format!(
                        "*{vantage}* sees **{subject}** well, and *{}* has not been heard of for hours.",
                        issue.marker.vantage
                    );
                    self.end(issue, text);
                }
                None => {}
            }
        }
    }

    /// Closes an issue that nobody stands behind any more, whoever opened it.
    fn end(&mut self, issue: &Issue, text: String) {
        let mut marker = issue.marker.clone();
        marker.ended = true;
        marker.ended_at = self.listing.at.or(self.context.now.wall);
        self.comment(issue.number, &format!("{}/closed", marker.incident), &text);
        self.close(issue, remark(&issue.body, &marker), IssueState::Completed);
    }
}
