//! What should be on GitHub, compared with what is there, yields what to do.
//!
//! Levels, not edges: whatever was lost, answered twice or done by hand since the last time, the next
//! comparison sees it. Doing all the steps of a plan leaves nothing to do.

mod plan;

use std::time::Duration;

use jiff::Timestamp;

use super::issue::{
    Marker, again_text, body, changed_text, closed_text, comment, is_our_title, merge, remark,
    says, shows, title, unmark,
};
use super::moment::Moment;
use super::watch::{Reported, Wanted};
pub use plan::{
    Context, Failure, Found, Issue, IssueState, Listing, NeedClosed, Plan, Report, Step,
};

/// A person hears at most once in this time that an incident has changed.
const COMMENT_EVERY: Duration = Duration::from_secs(3600);

/// An issue that a person closed silences its incident. Found by a new process, it does so only when
/// it was closed this recently: older ones may be about a fault that ended while nobody watched.
const CLOSED_BY_HAND_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// Compares what should be with what is.
///
/// # Errors
/// [`NeedClosed`] when an incident has no open issue and the closed ones were not listed.
pub fn reconcile(
    wanted: &[Wanted],
    listing: &Listing,
    context: &Context<'_>,
) -> Result<Plan, NeedClosed> {
    let ours = |issue: &&Issue| issue.marker.vantage == context.vantage;
    // A person opened it again after its end: to add something, and to close it when that is done.
    let theirs = |issue: &&Issue| issue.marker.ended && issue.reopened;
    let open = listing.open.iter().filter(ours);
    let mut desk = Desk {
        context,
        wanted,
        open: open.filter(|issue| !theirs(issue)).collect(),
        closed: listing.closed.as_ref().map(|all| all.iter().filter(ours).collect()),
        plan: Plan::default(),
        settled: context.settled.to_vec(),
        kept: Vec::new(),
    };
    // Those that are over take their issues first; what is left may belong to one that goes on.
    let (over, lasting): (Vec<&Wanted>, Vec<&Wanted>) =
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

struct Desk<'a> {
    context: &'a Context<'a>,
    wanted: &'a [Wanted],
    open: Vec<&'a Issue>,
    closed: Option<Vec<&'a Issue>>,
    plan: Plan,
    /// Incidents whose issues say all, now or after this plan.
    settled: Vec<String>,
    /// The issue that each subject keeps, so that any other is its duplicate.
    kept: Vec<(String, u64)>,
}

impl<'a> Desk<'a> {
    /// An incident that is over: its issue is closed and says so.
    fn finish(&mut self, wanted: &Wanted) -> Result<(), NeedClosed> {
        let id = &wanted.incident.id;
        if let Some(issue) = take(&mut self.open, |issue| issue.marker.incident == *id) {
            self.finish_in(issue, wanted, Some(IssueState::Completed));
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let found = closed.iter().find(|issue| issue.marker.incident == *id);
        match (found.copied(), wanted.issue) {
            (Some(issue), _) if issue.marker.ended => self.plan.settled.push(id.clone()),
            // Closed by hand before it was over: now it is.
            (Some(issue), _) => self.finish_in(issue, wanted, None),
            // It had an issue that nobody finds any more: deleted or moved, and none of our business.
            (None, Some(_)) => self.plan.settled.push(id.clone()),
            (None, None) => self.finish_untold(wanted)?,
        }
        Ok(())
    }

    /// One that was over before anybody could be told, unless an earlier process had told of it.
    fn finish_untold(&mut self, wanted: &Wanted) -> Result<(), NeedClosed> {
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let same = |issue: &Issue| self.goes_on(issue, &wanted.subject);
        let open = self.open.iter().position(|issue| same(issue));
        let by_hand = closed.iter().position(|i| same(i) && self.holds(i, Some(wanted)));
        let (issue, state) = match (open, by_hand, &mut self.closed) {
            (Some(at), ..) => (self.open.remove(at), Some(IssueState::Completed)),
            (None, Some(at), Some(closed)) => (closed.remove(at), None),
            _ => {
                self.create(wanted);
                return Ok(());
            }
        };
        // It keeps our identity, by which we find it after a lost reply, and its own beginning.
        let mut wanted = wanted.clone();
        wanted.incident.since = self.context.now.recalled(issue.marker.since);
        self.finish_in(issue, &wanted, state);
        Ok(())
    }

    fn finish_in(&mut self, issue: &Issue, wanted: &Wanted, state: Option<IssueState>) {
        // Its duplicates first: once it is settled they are overlooked.
        let same = |other: &Issue| other.marker.incident == issue.marker.incident;
        while let Some(other) = take(&mut self.open, same) {
            self.duplicate(other, issue.number);
        }
        if state.is_some() && !issue.marker.ended {
            let id = &wanted.incident.id;
            let ended = wanted.ended.unwrap_or(self.context.now);
            let text = closed_text(wanted, &ended);
            self.comment(issue.number, &format!("{id}/closed"), &text);
        }
        self.edit(issue, wanted, state);
        self.kept.push((wanted.subject.clone(), issue.number));
    }

    /// An incident that goes on: exactly one open issue, unless a person closed it.
    fn keep(&mut self, wanted: &Wanted) -> Result<(), NeedClosed> {
        let (id, subject) = (&wanted.incident.id, &wanted.subject);
        let of_incident = |issue: &Issue| issue.marker.incident == *id;
        if let Some(issue) = take(&mut self.open, of_incident) {
            self.known(wanted, issue.number, false);
            self.update(issue, wanted);
            return Ok(());
        }
        let earlier = self.open.iter().position(|i| self.goes_on(i, subject));
        if let Some(at) = earlier {
            // An earlier process opened it for the same trouble: that is the one to go on with.
            let issue = self.open.remove(at);
            self.adopt(issue, false);
            let mut told = wanted.clone();
            told.incident.id.clone_from(&issue.marker.incident);
            told.incident.since = self.context.now.recalled(issue.marker.since);
            self.update(issue, &told);
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let known = wanted.issue.map(|reported| reported.number);
        let own = closed.iter().copied().filter(|issue| of_incident(issue));
        let (ended, lasting): (Vec<&Issue>, Vec<&Issue>) = own.partition(|i| i.marker.ended);
        let by_hand = lasting.iter().map(|issue| issue.number);
        let by_hand = by_hand.min_by_key(|number| Some(*number) != known);
        if let (Some(issue), None) = (ended.first(), by_hand) {
            self.again(issue, wanted);
            return Ok(());
        }
        // Closed by hand. Or we know its number and cannot find it: a lagging listing, or deleted. A
        // second issue would be worse than waiting.
        if let Some(number) = by_hand.or(known) {
            self.known(wanted, number, true);
            return Ok(());
        }
        let by_hand =
            closed.iter().find(|i| self.goes_on(i, subject) && self.holds(i, Some(wanted)));
        if let Some(issue) = by_hand.copied() {
            self.adopt(issue, true);
            return Ok(());
        }
        let again = closed.iter().find(|issue| self.recent(issue, wanted));
        match again.copied() {
            Some(issue) => self.again(issue, wanted),
            None => self.create(wanted),
        }
        Ok(())
    }

    /// Whether an issue tells of trouble that nobody has seen the end of, and that may be this one.
    fn goes_on(&self, issue: &Issue, subject: &str) -> bool {
        let Marker { subject: of, incident, ended, .. } = &issue.marker;
        of == subject && !ended && !self.claimed(issue) && !self.settled.contains(incident)
    }

    /// Whether the issue is that of an incident that we know.
    fn claimed(&self, issue: &Issue) -> bool {
        let id = &issue.marker.incident;
        self.wanted.iter().any(|wanted| wanted.incident.id == *id)
    }

    /// Open issues that nothing asked for.
    fn left_over(&mut self) -> Result<(), NeedClosed> {
        for issue in std::mem::take(&mut self.open) {
            let marker = &issue.marker;
            let (subject, incident) = (&marker.subject, &marker.incident);
            let mut closed = self.closed.as_ref().ok_or(NeedClosed)?.iter();
            let told = closed.find(|told| {
                let same = told.marker.incident == *incident && told.marker.ended;
                same && told.number != issue.number
            });
            if let Some(told) = told.map(|told| told.number) {
                // Its creation seemed lost for longer than listings lag, and was made up for.
                self.duplicate(issue, told);
            } else if marker.ended {
                // Filed after the fact, and cut off before it could be closed.
                let body = issue.body.clone();
                self.close(issue, body, IssueState::Completed);
            } else if self.context.settled.contains(incident) {
                // It is closed, and the listing does not know yet.
            } else if !self.context.subjects.contains(subject) {
                let text =
                    format!("**{subject}** is no longer in the configuration of this vantage.");
                self.comment(issue.number, &format!("{incident}/unwatched"), &text);
                let mut marker = marker.clone();
                marker.ended = true;
                self.close(issue, remark(&issue.body, &marker), IssueState::NotPlanned);
            } else if let Some(first) = self.kept_for(subject) {
                self.duplicate(issue, first);
            } else {
                self.adopt(issue, false);
            }
        }
        // What a person closed while we were away keeps its silence until we see the end of it.
        for issue in self.closed.take().unwrap_or_default() {
            let subject = &issue.marker.subject;
            let watched = self.context.subjects.contains(subject);
            let free = self.kept_for(subject).is_none();
            if self.goes_on(issue, subject) && watched && free && self.holds(issue, None) {
                self.adopt(issue, true);
            }
        }
        Ok(())
    }

    /// Closes an issue that says what another one says. Without a marker it is nobody's, so that it is
    /// never taken for the other.
    fn duplicate(&mut self, issue: &Issue, first: u64) {
        let key = format!("{}/duplicate-{}", issue.marker.incident, issue.number);
        self.comment(issue.number, &key, &format!("Duplicate of #{first}."));
        self.close(issue, unmark(&issue.body), IssueState::NotPlanned);
    }

    fn kept_for(&self, subject: &str) -> Option<u64> {
        let kept = self.kept.iter().find(|(name, _)| name == subject);
        kept.map(|(_, number)| *number)
    }

    /// Whether an issue that a person closed still silences its subject.
    fn holds(&self, issue: &Issue, wanted: Option<&Wanted>) -> bool {
        let Some(closed_at) = issue.closed_at else {
            return false;
        };
        let after = |moment: &Moment| moment.wall.is_some_and(|wall| wall <= closed_at);
        let closed = self.context.now.recalled(Some(closed_at));
        wanted.is_some_and(|wanted| after(&wanted.incident.since))
            || self.context.now.since(&closed) < CLOSED_BY_HAND_HOLDS
    }

    /// Whether an incident follows so soon on an issue's end that it is the same story.
    fn recent(&self, issue: &Issue, wanted: &Wanted) -> bool {
        let since = wanted.incident.since;
        let gap = |end| since.since(&since.recalled(Some(end)));
        issue.marker.subject == wanted.subject
            && issue.marker.ended
            // An incident that is not settled yet needs its issue to be found.
            && !self.claimed(issue)
            && since.wall.is_some()
            // What was filed late, or closed early by hand, ended at another time than it was closed.
            && (issue.marker.ended_at.or(issue.closed_at))
                .is_some_and(|end| gap(end) < self.context.schedule.reopen_within)
    }

    fn known(&mut self, wanted: &Wanted, number: u64, closed_by_hand: bool) {
        let reported = Reported { number, closed_by_hand };
        self.kept.push((wanted.subject.clone(), number));
        self.plan.known.push((wanted.incident.id.clone(), reported));
    }

    fn adopt(&mut self, issue: &Issue, closed_by_hand: bool) {
        let Marker { subject, incident, since, severity, worst, places, .. } = issue.marker.clone();
        let number = issue.number;
        self.kept.push((subject.clone(), number));
        self.plan.adopt.push(Found {
            subject,
            incident,
            since,
            severity,
            worst,
            places,
            reported: Reported { number, closed_by_hand },
        });
    }

    /// Brings the body up to date, and says so when a person would act on it.
    fn update(&mut self, issue: &Issue, wanted: &Wanted) {
        let marker = &issue.marker;
        if wanted.incident.rows.is_empty() {
            return; // adopted and not seen faulty yet: the issue knows more than we do
        }
        let now = self.context.now;
        // From the future: a clock was wrong once, and must not silence us until then.
        let past = |at: Timestamp| now.wall.is_some_and(|wall| at <= wall);
        let told = |at| past(at) && now.since(&now.recalled(Some(at))) < COMMENT_EVERY;
        let quiet = now.wall.is_none() || marker.said_at.is_some_and(told);
        if marker.said != says(wanted) && !quiet {
            let last = marker.said_at.map_or(0, Timestamp::as_second);
            let key = format!("{}/{}/{last}", marker.incident, says(wanted));
            self.comment(issue.number, &key, &changed_text(wanted));
            self.edit(issue, wanted, None);
        } else if marker.shows != shows(wanted) {
            let mut next = self.marker(wanted);
            next.said.clone_from(&marker.said);
            next.said_at = marker.said_at;
            self.edit_as(issue, wanted, &next, None);
        }
    }

    /// Opens an issue again. Only then is it the incident's: before that it must not be taken for known.
    fn again(&mut self, issue: &Issue, wanted: &Wanted) {
        let id = &wanted.incident.id;
        self.kept.push((wanted.subject.clone(), issue.number));
        self.comment(issue.number, &format!("{id}/again"), &again_text(wanted));
        self.edit(issue, wanted, Some(IssueState::Open));
    }

    fn create(&mut self, wanted: &Wanted) {
        let marker = self.marker(wanted);
        self.plan.steps.push(Step::Create {
            incident: wanted.incident.id.clone(),
            title: title(&wanted.subject, marker.severity),
            body: body(wanted, &marker, self.context.schedule),
            over: marker.ended,
        });
    }

    fn comment(&mut self, issue: u64, key: &str, text: &str) {
        self.plan.steps.push(Step::Comment {
            issue,
            key: key.to_owned(),
            body: comment(key, text),
        });
    }

    fn edit(&mut self, issue: &Issue, wanted: &Wanted, state: Option<IssueState>) {
        let marker = self.marker(wanted);
        self.edit_as(issue, wanted, &marker, state);
    }

    fn edit_as(
        &mut self,
        issue: &Issue,
        wanted: &Wanted,
        marker: &Marker,
        state: Option<IssueState>,
    ) {
        let ours = if wanted.incident.rows.is_empty() {
            // Nothing was seen since it was adopted: only the marker is ours to change.
            remark(&issue.body, marker)
        } else {
            merge(&issue.body, &body(wanted, marker, self.context.schedule))
        };
        let next = title(&wanted.subject, marker.severity);
        let rename = next != issue.title && is_our_title(&wanted.subject, &issue.title);
        let id = &wanted.incident.id;
        let mut settles = Vec::new();
        if wanted.ended.is_some() {
            // An earlier process may have given it another identity.
            settles.extend([id.clone(), issue.marker.incident.clone()]);
            settles.dedup();
            self.settled.extend(settles.iter().cloned());
        }
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: rename.then_some(next),
            body: ours,
            state,
            settles,
            reports: (state == Some(IssueState::Open)).then(|| id.clone()),
        });
    }

    /// Closes an issue that no incident of ours stands behind.
    fn close(&mut self, issue: &Issue, body: String, state: IssueState) {
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: None,
            body,
            state: Some(state),
            settles: Vec::new(),
            reports: None,
        });
    }

    fn marker(&self, wanted: &Wanted) -> Marker {
        let incident = &wanted.incident;
        let ended = wanted.ended.is_some();
        let mut places = incident.places.clone();
        places.extend(incident.rows.iter().map(|row| row.address));
        places.sort();
        places.dedup();
        Marker {
            v: Marker::VERSION,
            vantage: self.context.vantage.to_owned(),
            subject: wanted.subject.clone(),
            incident: incident.id.clone(),
            since: incident.since.wall,
            severity: if ended { incident.worst } else { incident.severity },
            worst: incident.worst,
            places,
            shows: shows(wanted),
            said: says(wanted),
            said_at: self.context.now.wall,
            ended,
            ended_at: wanted.ended.and_then(|end| end.wall),
        }
    }
}

/// Takes the first that fits out of a list.
fn take<'a>(issues: &mut Vec<&'a Issue>, fits: impl Fn(&Issue) -> bool) -> Option<&'a Issue> {
    let at = issues.iter().position(|issue| fits(issue))?;
    Some(issues.remove(at))
}

#[cfg(test)]
mod said_tests;
#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
