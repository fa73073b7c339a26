//! What should be on GitHub, compared with what is there, yields what to do.
//!
//! Levels, not edges: whatever was lost, answered twice or done by hand since the last time, the next
//! comparison sees it. Doing all the steps of a plan leaves nothing to do.

use std::ops::Deref;
use std::time::Duration;

use crate::decide::report::github::{Context, Issue, IssueState, Listing, NeedClosed, Plan};
use crate::decide::report::marker::{Marker, remark};
use crate::decide::report::observations::{others_see, sees};
use crate::decide::report::text::closed_text;
use crate::decide::time::Moment;
use crate::decide::track::incident::{DesiredIssue, IssueRef};
use crate::decide::track::reported::RememberedIncident;
use crate::decide::track::subject_kind::SubjectKind;

/// An issue that a person closed silences its incident. RememberedIncident by a new process, it does so only when
/// it was closed this recently: older ones may be about a fault that ended while nobody watched.
const CLOSED_BY_HAND_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// Compares what should be with what is.
///
/// # Errors
/// [`NeedClosed`] when an incident has no open issue and the closed ones were not listed.
pub fn reconcile(
    wanted: &[DesiredIssue],
    listing: &Listing,
    context: &Context<'_>,
) -> Result<Plan, NeedClosed> {
    let vantage = context.vantage;
    let mut desk = Reconciler {
        context,
        wanted,
        listing,
        open: Vec::new(),
        from_other_vantages: Vec::new(),
        closed: listing.closed.as_ref().map(|all| {
            let ours = all.iter().filter(|issue| issue.marker.vantage == vantage);
            ours.map(|issue| OwnIssue { issue, marker: issue.marker.clone() }).collect()
        }),
        plan: Plan::default(),
        resolved: context.resolved.to_vec(),
        claimed: Vec::new(),
    };
    for issue in &listing.open {
        // A person opened it again after its end: to add something, and to close it when that is done.
        if issue.marker.ended && issue.reopened {
            continue;
        }
        match OwnIssue::of(issue, vantage) {
            Some(view) => desk.open.push(view),
            None => desk.from_other_vantages.push(issue),
        }
    }
    // Those that are over take their issues first; what is left may belong to one that goes on.
    let (over, lasting): (Vec<&DesiredIssue>, Vec<&DesiredIssue>) =
        wanted.iter().partition(|w| w.ended.is_some());
    for wanted in over {
        desk.finish(wanted)?;
    }
    for wanted in lasting {
        desk.keep(wanted)?;
    }
    desk.left_over()?;
    Ok(desk.plan)
}

/// An issue in which our vantage has its say: in the body, or as a guest in a comment.
#[derive(Debug, Clone)]
pub(crate) struct OwnIssue<'a> {
    pub(super) issue: &'a Issue,
    /// What we have said there.
    pub(super) marker: Marker,
}

impl Deref for OwnIssue<'_> {
    type Target = Issue;

    fn deref(&self) -> &Issue {
        self.issue
    }
}

impl<'a> OwnIssue<'a> {
    pub(super) fn of(issue: &'a Issue, vantage: &str) -> Option<Self> {
        let mut marker = issue.claims().find(|claim| claim.vantage == vantage)?.clone();
        if issue.marker.vantage != vantage {
            marker.passed = marker.ended;
            marker.ended = issue.marker.ended;
        }
        Some(Self { issue, marker })
    }

    pub(super) fn is_secondary(&self) -> bool {
        self.issue.marker.vantage != self.marker.vantage
    }
}

pub(crate) struct Reconciler<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) wanted: &'a [DesiredIssue],
    pub(super) listing: &'a Listing,
    pub(super) open: Vec<OwnIssue<'a>>,
    /// Open issues in which we have no say yet.
    pub(super) from_other_vantages: Vec<&'a Issue>,
    /// Those that we opened.
    pub(super) closed: Option<Vec<OwnIssue<'a>>>,
    pub(super) plan: Plan,
    /// Incidents whose issues say all, now or after this plan.
    pub(super) resolved: Vec<String>,
    /// The issue that each subject keeps, so that any other is its duplicate.
    pub(super) claimed: Vec<(String, u64)>,
}

impl<'a> Reconciler<'a> {
    /// An incident that is over: its issue is closed and says so.
    pub(super) fn finish(&mut self, wanted: &DesiredIssue) -> Result<(), NeedClosed> {
        let id = &wanted.incident.id;
        let own = take(&mut self.open, |issue| issue.marker.incident == *id);
        if let Some(host) = self.elder(wanted, own.as_ref()) {
            own.into_iter().for_each(|own| self.duplicate(&own, host.number));
            self.finish_in(&host, wanted, Some(IssueState::Completed));
            return Ok(());
        }
        if let Some(issue) = own {
            self.finish_in(&issue, wanted, Some(IssueState::Completed));
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let found = closed.iter().find(|issue| issue.marker.incident == *id).cloned();
        match (found, wanted.issue) {
            (Some(issue), _) if issue.marker.ended => self.plan.resolved.push(id.clone()),
            // Closed by hand before it was over: now it is.
            (Some(issue), _) => self.finish_in(&issue, wanted, None),
            // It had an issue that nobody finds any more: deleted or moved, and none of our business. Or
            // it was another vantage's, and is closed.
            (None, Some(_)) => self.plan.resolved.push(id.clone()),
            (None, None) => self.finish_untold(wanted)?,
        }
        Ok(())
    }

    /// One that was over before anybody could be told, unless an earlier process had told of it.
    pub(super) fn finish_untold(&mut self, wanted: &DesiredIssue) -> Result<(), NeedClosed> {
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let same = |issue: &OwnIssue<'_>| self.goes_on(issue, &wanted.subject);
        let open = self.open.iter().position(same);
        let by_hand = closed.iter().position(|i| same(i) && self.holds(i, Some(wanted)));
        let (issue, state) = match (open, by_hand, &mut self.closed) {
            (Some(at), ..) => (self.open.remove(at), Some(IssueState::Completed)),
            (None, Some(at), Some(closed)) => (closed.remove(at), None),
            _ => {
                match self.host_closed(wanted) {
                    Some(host) => self.edit(&host, wanted, None),
                    None => self.create(wanted),
                }
                return Ok(());
            }
        };
        // It keeps our identity, by which we find it after a lost reply, and its own beginning.
        let mut wanted = wanted.clone();
        wanted.incident.since = self.context.now.recalled(issue.marker.since);
        self.finish_in(&issue, &wanted, state);
        Ok(())
    }

    pub(super) fn finish_in(
        &mut self,
        issue: &OwnIssue<'a>,
        wanted: &DesiredIssue,
        state: Option<IssueState>,
    ) {
        // Its duplicates first: once it is settled they are overlooked.
        let same = |other: &OwnIssue<'_>| other.marker.incident == issue.marker.incident;
        while let Some(other) = take(&mut self.open, same) {
            self.duplicate(&other, issue.number);
        }
        if state.is_some() && others_see(self.listing, &wanted.subject, self.context.vantage) {
            self.claimed.push((wanted.subject.clone(), issue.number));
            return self.pass(issue, wanted);
        }
        if state.is_some() && !issue.marker.ended {
            let id = &wanted.incident.id;
            let ended = wanted.ended.unwrap_or(self.context.now);
            let text = closed_text(wanted, &ended);
            self.comment(issue.number, &format!("{id}/closed"), &text);
        }
        self.edit(issue, wanted, state);
        self.claimed.push((wanted.subject.clone(), issue.number));
    }

    /// An incident that goes on: exactly one open issue, unless a person closed it.
    pub(super) fn keep(&mut self, wanted: &DesiredIssue) -> Result<(), NeedClosed> {
        let (id, subject) = (&wanted.incident.id, &wanted.subject);
        let of_incident = |issue: &OwnIssue<'_>| issue.marker.incident == *id;
        let own = take(&mut self.open, of_incident);
        if let Some(host) = self.elder(wanted, own.as_ref()) {
            self.known(wanted, host.number, false);
            self.edit(&host, wanted, None);
            own.into_iter().for_each(|own| self.duplicate(&own, host.number));
            return Ok(());
        }
        if let Some(issue) = own {
            self.known(wanted, issue.number, false);
            self.update(&issue, wanted);
            return Ok(());
        }
        // Others see it still, and we do again.
        if let Some(issue) =
            take(&mut self.open, |i| i.marker.passed && i.marker.subject == *subject)
        {
            self.known(wanted, issue.number, false);
            // Open, should the last of them close it just now.
            let state = (!issue.is_secondary()).then_some(IssueState::Open);
            self.edit(&issue, wanted, state);
            return Ok(());
        }
        let earlier = self.open.iter().position(|i| self.goes_on(i, subject));
        if let Some(at) = earlier {
            // An earlier process opened it for the same trouble: that is the one to go on with.
            let issue = self.open.remove(at);
            self.adopt(&issue, false);
            let mut told = wanted.clone();
            told.incident.id.clone_from(&issue.marker.incident);
            told.incident.since = self.context.now.recalled(issue.marker.since);
            self.update(&issue, &told);
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let known = wanted.issue.map(|reported| reported.number);
        let own = closed.iter().filter(|issue| of_incident(issue)).cloned();
        let (ended, lasting): (Vec<OwnIssue<'_>>, Vec<OwnIssue<'_>>) =
            own.partition(|i| i.marker.ended);
        let by_hand = lasting.iter().map(|issue| issue.number);
        let by_hand = by_hand.min_by_key(|number| Some(*number) != known);
        if let (Some(issue), None) = (ended.first(), by_hand) {
            self.again(issue, wanted);
            return Ok(());
        }
        if by_hand.is_none() && self.with_host_closed(wanted) {
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        // Closed by hand. Or we know its number and cannot find it: a lagging listing, or deleted. A
        // second issue would be worse than waiting.
        if let Some(number) = by_hand.or(known) {
            self.known(wanted, number, true);
            return Ok(());
        }
        let by_hand =
            closed.iter().find(|i| self.goes_on(i, subject) && self.holds(i, Some(wanted)));
        if let Some(issue) = by_hand.cloned() {
            self.adopt(&issue, true);
            return Ok(());
        }
        let again = closed.iter().find(|issue| self.recent(issue, wanted));
        match again.cloned() {
            Some(issue) => self.again(&issue, wanted),
            None => self.create(wanted),
        }
        Ok(())
    }

    /// Whether an issue tells of trouble that nobody has seen the end of, and that may be this one.
    pub(super) fn goes_on(&self, issue: &OwnIssue<'_>, subject: &str) -> bool {
        let Marker { subject: of, incident, ended, passed, .. } = &issue.marker;
        of == subject
            && !ended
            && !passed
            && !self.claimed(issue)
            && !self.resolved.contains(incident)
    }

    /// Whether the issue is that of an incident that we know.
    pub(super) fn claimed(&self, issue: &OwnIssue<'_>) -> bool {
        let id = &issue.marker.incident;
        self.wanted.iter().any(|wanted| wanted.incident.id == *id)
    }

    /// Open issues that nothing asked for.
    pub(super) fn left_over(&mut self) -> Result<(), NeedClosed> {
        for issue in std::mem::take(&mut self.open) {
            let marker = &issue.marker;
            let (subject, incident) = (&marker.subject, &marker.incident);
            if issue.is_secondary() || marker.passed {
                self.left_with_others(&issue);
                continue;
            }
            let mut closed = self.closed.as_ref().ok_or(NeedClosed)?.iter();
            let told = closed.find(|told| {
                let same = told.marker.incident == *incident && told.marker.ended;
                same && told.number != issue.number
            });
            if let Some(told) = told.map(|told| told.number) {
                // Its creation seemed lost for longer than listings lag, and was made up for.
                self.duplicate(&issue, told);
            } else if marker.ended {
                // Filed after the fact, and cut off before it could be closed.
                let body = issue.body.clone();
                self.close(&issue, body, IssueState::Completed);
            } else if self.context.resolved.contains(incident) {
                // It is closed, and the listing does not know yet.
            } else if !self.context.subjects.contains(subject) {
                let text =
                    format!("**{subject}** is no longer in the configuration of this vantage.");
                self.comment(issue.number, &format!("{incident}/unwatched"), &text);
                let mut marker = marker.clone();
                if others_see(self.listing, subject, self.context.vantage) {
                    marker.passed = true;
                    self.rewrite(&issue, remark(&issue.body, &marker), None);
                    continue;
                }
                marker.ended = true;
                self.close(&issue, remark(&issue.body, &marker), IssueState::NotPlanned);
            } else if let Some(first) = self.kept_for(subject) {
                self.duplicate(&issue, first);
            } else {
                self.adopt(&issue, false);
            }
        }
        self.left_by_strangers();
        // What a person closed while we were away keeps its silence until we see the end of it.
        for issue in self.closed.take().unwrap_or_default() {
            let subject = &issue.marker.subject;
            let watched = self.context.subjects.contains(subject);
            let free = self.kept_for(subject).is_none();
            if self.goes_on(&issue, subject) && watched && free && self.holds(&issue, None) {
                self.adopt(&issue, true);
            }
        }
        Ok(())
    }

    pub(super) fn kept_for(&self, subject: &str) -> Option<u64> {
        let kept = self.claimed.iter().find(|(name, _)| name == subject);
        kept.map(|(_, number)| *number)
    }

    /// Whether an issue that a person closed still silences its subject.
    pub(super) fn holds(&self, issue: &Issue, wanted: Option<&DesiredIssue>) -> bool {
        let Some(closed_at) = issue.closed_at else {
            return false;
        };
        let after = |moment: &Moment| moment.wall.is_some_and(|wall| wall <= closed_at);
        let closed = self.context.now.recalled(Some(closed_at));
        wanted.is_some_and(|wanted| after(&wanted.incident.since))
            || self.context.now.since(&closed) < CLOSED_BY_HAND_HOLDS
    }

    /// Whether an incident follows so soon on an issue's end that it is the same story.
    pub(super) fn recent(&self, issue: &OwnIssue<'_>, wanted: &DesiredIssue) -> bool {
        let since = wanted.incident.since;
        let gap = |end| since.since(&since.recalled(Some(end)));
        issue.marker.subject == wanted.subject
            // Who closed it says that it ended, unless who opened it wrote at the same time.
            && !sees(&issue.marker)
            // An incident that is not settled yet needs its issue to be found.
            && !self.claimed(issue)
            && since.wall.is_some()
            // What was filed late, or closed early by hand, ended at another time than it was closed.
            && (issue.marker.ended_at.or(issue.closed_at))
                .is_some_and(|end| gap(end) < self.context.schedule.reopen_within)
    }

    pub(super) fn known(&mut self, wanted: &DesiredIssue, number: u64, closed_by_hand: bool) {
        let reported = IssueRef { number, closed_by_hand };
        self.claimed.push((wanted.subject.clone(), number));
        self.plan.known.push((wanted.incident.id.clone(), reported));
    }

    pub(super) fn adopt(&mut self, issue: &OwnIssue<'_>, closed_by_hand: bool) {
        let Marker { subject, incident, since, severity, worst, places, .. } = issue.marker.clone();
        let number = issue.number;
        self.claimed.push((subject.clone(), number));
        self.plan.resume.push(RememberedIncident {
            kind: SubjectKind::of_name(&subject),
            subject,
            incident,
            since,
            severity,
            worst,
            places,
            reported: IssueRef { number, closed_by_hand },
        });
    }
}

/// Takes the first that fits out of a list.
fn take<'a>(
    issues: &mut Vec<OwnIssue<'a>>,
    fits: impl Fn(&OwnIssue<'_>) -> bool,
) -> Option<OwnIssue<'a>> {
    let at = issues.iter().position(fits)?;
    Some(issues.remove(at))
}

#[cfg(test)]
#[path = "comment_tests.rs"]
mod comment_tests;
#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
