//! What should be on GitHub, compared with what is there, yields what to do.
//!
//! Levels, not edges: whatever was lost, answered twice or done by hand since the last time, the next
//! comparison sees it. Doing all the steps of a plan leaves nothing to do.

use std::time::Duration;

use jiff::Timestamp;

use super::fault::Severity;
use super::issue::{
    Marker, again_text, body, changed_text, closed_text, comment, is_our_title, merge, says, shows,
    title,
};
use super::moment::Moment;
use super::watch::{Reported, Wanted};
use crate::config::Schedule;

/// A person hears at most once in this time that an incident has changed.
const COMMENT_EVERY: Duration = Duration::from_secs(3600);

/// An issue that a person closed silences its incident. Found by a new process, it does so only when
/// it was closed this recently: older ones may be about a fault that ended while nobody watched.
const CLOSED_BY_HAND_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// An issue that carries our marker and that our own login wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// As it is now; people may have changed it.
    pub title: String,
    /// As it is now; people may have added to it.
    pub body: String,
    /// Open.
    pub open: bool,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What it says to us.
    pub marker: Marker,
}

/// What is on GitHub: complete, or not used at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// All open issues of ours, oldest first.
    pub open: Vec<Issue>,
    /// The closed ones that changed last, if they were asked for.
    pub closed: Option<Vec<Issue>>,
}

/// What reconciling needs to know beside the issues.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Our vantage's name; issues of others are left alone.
    pub vantage: &'a str,
    /// Every name that the configuration watches.
    pub subjects: &'a [String],
    /// The thresholds.
    pub schedule: &'a Schedule,
    /// Now.
    pub now: Moment,
}

/// One call that changes something.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Open an issue, and close it at once if the incident is over.
    Create {
        /// Whose.
        incident: String,
        /// The title.
        title: String,
        /// The body.
        body: String,
        /// The incident is over.
        over: bool,
    },
    /// Say something, unless a comment with this key is there already.
    Comment {
        /// Where.
        issue: u64,
        /// What makes it unique.
        key: String,
        /// The whole comment, key included.
        body: String,
    },
    /// Change an issue.
    Edit {
        /// Which.
        issue: u64,
        /// A new title.
        title: Option<String>,
        /// The new body.
        body: String,
        /// A new state.
        state: Option<IssueState>,
        /// The incident that needs nothing more after this.
        settles: Option<String>,
    },
}

/// GitHub's `state` and `state_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    /// `open`.
    Open,
    /// `closed`, `completed`.
    Completed,
    /// `closed`, `not_planned`: a duplicate, or nobody watches it any more.
    NotPlanned,
}

/// An incident that an issue remembers and we do not.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The nameserver's name.
    pub subject: String,
    /// Which incident.
    pub incident: String,
    /// When it began.
    pub since: Option<Timestamp>,
    /// How bad it was.
    pub severity: Severity,
    /// Its issue.
    pub reported: Reported,
}

/// What is to be done, and what was learned by looking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// Incidents and their issues.
    pub known: Vec<(String, Reported)>,
    /// Incidents that need nothing more.
    pub settled: Vec<String>,
    /// Incidents to take over.
    pub adopt: Vec<Found>,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Incidents and their issues.
    pub known: Vec<(String, Reported)>,
    /// Incidents that need nothing more.
    pub settled: Vec<String>,
    /// Incidents to take over.
    pub adopt: Vec<Found>,
    /// What was done, for the log.
    pub done: Vec<String>,
    /// Why it stopped.
    pub failed: Option<Failure>,
}

/// Why reporting stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words, with what to do.
    pub why: String,
    /// Waiting does not help.
    pub final_until_a_person_acts: bool,
    /// How long to leave GitHub alone, at least.
    pub wait: Option<Duration>,
}

/// The closed issues are needed before anything can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedClosed;

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
    let mut desk = Desk {
        context,
        wanted: wanted.iter().map(|w| w.incident.id.as_str()).collect(),
        open: listing.open.iter().filter(ours).collect(),
        closed: listing
            .closed
            .as_ref()
            .map(|all| all.iter().filter(ours).collect()),
        plan: Plan::default(),
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
    /// Every incident that should have an issue.
    wanted: Vec<&'a str>,
    open: Vec<&'a Issue>,
    closed: Option<Vec<&'a Issue>>,
    plan: Plan,
    /// The issue that each subject keeps, so that any other is its duplicate.
    kept: Vec<(String, u64)>,
}

impl<'a> Desk<'a> {
    /// An incident that is over: its issue is closed and says so.
    fn finish(&mut self, wanted: &Wanted) -> Result<(), NeedClosed> {
        let id = &wanted.incident.id;
        let ended = wanted.ended.unwrap_or(self.context.now);
        let of_incident = |issue: &Issue| issue.marker.incident == *id;
        // What an earlier process opened for the same trouble, before GitHub was out of reach.
        let inherited = |issue: &Issue| {
            let marker = &issue.marker;
            let spoken_for = self.wanted.contains(&marker.incident.as_str());
            marker.subject == wanted.subject && !marker.ended && !spoken_for
        };
        let own = take(&mut self.open, of_incident);
        if let Some(issue) = own.or_else(|| take(&mut self.open, inherited)) {
            let told = self.since_told(wanted, issue);
            if !issue.marker.ended {
                let text = closed_text(&told, &ended);
                self.comment(issue.number, &format!("{id}/closed"), &text);
            }
            self.edit(issue, &told, Some(IssueState::Completed));
            self.kept.push((wanted.subject.clone(), issue.number));
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        let own = closed.iter().find(|issue| of_incident(issue));
        let by_hand = || {
            let mut closed = closed.iter();
            closed.find(|issue| inherited(issue) && self.holds(issue, Some(wanted)))
        };
        match (own.or_else(by_hand).copied(), wanted.issue) {
            (Some(issue), _) if issue.marker.ended => self.plan.settled.push(id.clone()),
            // Closed by hand before it was over: now it is.
            (Some(issue), _) => {
                self.kept.push((wanted.subject.clone(), issue.number));
                let told = self.since_told(wanted, issue);
                self.edit(issue, &told, None);
            }
            // It had an issue that nobody finds any more: deleted or moved, and none of our business.
            (None, Some(_)) => self.plan.settled.push(id.clone()),
            (None, None) => self.create(wanted),
        }
        Ok(())
    }

    /// An incident that goes on: exactly one open issue, unless a person closed it.
    fn keep(&mut self, wanted: &Wanted) -> Result<(), NeedClosed> {
        let id = &wanted.incident.id;
        let subject = &wanted.subject;
        let of_incident = |issue: &Issue| issue.marker.incident == *id;
        let of_subject = |issue: &Issue| issue.marker.subject == *subject && !issue.marker.ended;
        if let Some(issue) = take(&mut self.open, of_incident) {
            self.known(wanted, issue.number, false);
            self.update(issue, wanted);
            return Ok(());
        }
        if let Some(issue) = take(&mut self.open, of_subject) {
            // An earlier process opened it for the same trouble: that is the one to go on with.
            self.adopt(issue, false);
            let mut told = self.since_told(wanted, issue);
            told.incident.id.clone_from(&issue.marker.incident);
            self.update(issue, &told);
            return Ok(());
        }
        let closed = self.closed.as_ref().ok_or(NeedClosed)?;
        if let Some(issue) = closed.iter().find(|issue| of_incident(issue)) {
            let number = issue.number;
            self.known(wanted, number, true);
            return Ok(());
        }
        if let Some(reported) = wanted.issue {
            // We know its number and cannot find it: a lagging listing, or deleted. A second issue
            // would be worse than waiting.
            self.known(wanted, reported.number, true);
            return Ok(());
        }
        let by_hand = closed
            .iter()
            .find(|i| of_subject(i) && self.holds(i, Some(wanted)))
            .copied();
        if let Some(issue) = by_hand {
            self.adopt(issue, true);
            return Ok(());
        }
        let again = closed
            .iter()
            .find(|i| i.marker.subject == *subject && self.recent(i, wanted));
        match again.copied() {
            Some(issue) => {
                self.comment(issue.number, &format!("{id}/again"), &again_text(wanted));
                self.edit(issue, wanted, Some(IssueState::Open));
                // Its issue only once the next listing shows it open: the edit may fail.
                self.kept.push((subject.clone(), issue.number));
            }
            None => self.create(wanted),
        }
        Ok(())
    }

    /// Open issues that nothing asked for.
    fn left_over(&mut self) -> Result<(), NeedClosed> {
        for issue in std::mem::take(&mut self.open) {
            let marker = &issue.marker;
            let (subject, incident) = (&marker.subject, &marker.incident);
            let mut closed = self.closed.as_ref().ok_or(NeedClosed)?.iter();
            let told = closed.find(|told| told.marker.incident == *incident && told.marker.ended);
            if let Some(told) = told.map(|told| told.number) {
                // Its creation seemed lost for longer than listings lag, and was made up for.
                self.duplicate(issue, told);
            } else if marker.ended {
                // Filed after the fact, and cut off before it could be closed.
                self.close(issue, IssueState::Completed);
            } else if !self.context.subjects.contains(subject) {
                let text =
                    format!("**{subject}** is no longer in the configuration of this vantage.");
                self.comment(issue.number, &format!("{incident}/unwatched"), &text);
                self.close(issue, IssueState::NotPlanned);
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
            if !issue.marker.ended && watched && free && self.holds(issue, None) {
                self.adopt(issue, true);
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, issue: &Issue, of: u64) {
        let key = format!("{}/duplicate-{}", issue.marker.incident, issue.number);
        self.comment(issue.number, &key, &format!("Duplicate of #{of}."));
        self.close(issue, IssueState::NotPlanned);
    }

    /// An incident with the beginning that its issue, opened under another identity, has told of.
    fn since_told(&self, wanted: &Wanted, issue: &Issue) -> Wanted {
        let mut told = wanted.clone();
        if told.incident.id != issue.marker.incident {
            told.incident.since = self.context.now.recalled(issue.marker.since);
        }
        told
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
        let gap = |closed_at| since.since(&since.recalled(Some(closed_at)));
        issue.marker.ended
            && since.wall.is_some()
            && issue
                .closed_at
                .is_some_and(|at| gap(at) < self.context.schedule.reopen_within)
    }

    fn known(&mut self, wanted: &Wanted, number: u64, closed_by_hand: bool) {
        let reported = Reported {
            number,
            closed_by_hand,
        };
        self.kept.push((wanted.subject.clone(), number));
        self.plan.known.push((wanted.incident.id.clone(), reported));
    }

    fn adopt(&mut self, issue: &Issue, closed_by_hand: bool) {
        let Marker {
            subject,
            incident,
            since,
            severity,
            ..
        } = issue.marker.clone();
        let number = issue.number;
        self.kept.push((subject.clone(), number));
        self.plan.adopt.push(Found {
            subject,
            incident,
            since,
            severity,
            reported: Reported {
                number,
                closed_by_hand,
            },
        });
    }

    /// Brings the body up to date, and says so when a person would act on it.
    fn update(&mut self, issue: &Issue, wanted: &Wanted) {
        let marker = &issue.marker;
        if wanted.incident.rows.is_empty() {
            return; // adopted and not seen faulty yet: the issue knows more than we do
        }
        let now = self.context.now;
        let told = |at: Timestamp| now.since(&now.recalled(Some(at))) < COMMENT_EVERY;
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
            super::issue::remark(&issue.body, marker)
        } else {
            merge(&issue.body, &body(wanted, marker, self.context.schedule))
        };
        let next = title(&wanted.subject, marker.severity);
        let rename = next != issue.title && is_our_title(&wanted.subject, &issue.title);
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: rename.then_some(next),
            body: ours,
            state,
            settles: wanted.ended.is_some().then(|| wanted.incident.id.clone()),
        });
    }

    /// Closes an issue that no incident of ours stands behind.
    fn close(&mut self, issue: &Issue, state: IssueState) {
        let mut marker = issue.marker.clone();
        marker.ended = true;
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: None,
            body: super::issue::remark(&issue.body, &marker),
            state: Some(state),
            settles: None,
        });
    }

    fn marker(&self, wanted: &Wanted) -> Marker {
        let incident = &wanted.incident;
        let ended = wanted.ended.is_some();
        Marker {
            v: Marker::VERSION,
            vantage: self.context.vantage.to_owned(),
            subject: wanted.subject.clone(),
            incident: incident.id.clone(),
            since: incident.since.wall,
            severity: if ended {
                incident.worst
            } else {
                incident.severity
            },
            shows: shows(wanted),
            said: says(wanted),
            said_at: self.context.now.wall,
            ended,
        }
    }
}

/// Takes the first that fits out of a list.
fn take<'a>(issues: &mut Vec<&'a Issue>, fits: impl Fn(&Issue) -> bool) -> Option<&'a Issue> {
    let at = issues.iter().position(|issue| fits(issue))?;
    Some(issues.remove(at))
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
