//! Compares the issues that should exist with the issues that exist; the difference is a plan.
//!
//! It compares states, not events: whatever was lost, done twice or done by hand since the last comparison, the
//! next one finds it. After all steps of a plan, the next plan is empty.
//!
//! For each incident [`Reconciler::find`] looks for its issue, and the answer decides:
//!
//! | its issue is | the incident lasts | the incident is over |
//! |---|---|---|
//! | [`Place::Open`] | bring it up to date | close it, or say that it is over here if other vantages still see it |
//! | [`Place::ClosedByHand`] | leave it closed | note the end in it, without a comment |
//! | [`Place::Unsure`] | wait | create it, and close it |
//! | [`Place::Ended`] | open it again | it is complete |
//! | [`Place::Gone`] | wait: a second issue would be worse | nothing |
//! | [`Place::Nowhere`] | create it | create it, and close it |

use std::ops::Deref;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::decide::report::github::{Context, Issue, Listing, Plan};
use crate::decide::report::marker::VantageObservation;
use crate::decide::track::incident::{DesiredIssue, IssueRef};
use crate::decide::track::reported::RememberedIncident;
use crate::decide::track::subject_kind::SubjectKind;

/// Compares what should be with what is.
#[must_use]
pub fn reconcile(wanted: &[DesiredIssue], listing: &Listing, context: &Context<'_>) -> Plan {
    let candidate = |issue| Candidate::of(issue, context.vantage);
    // A person opened it again after its end, to add something, and closes it when that is done.
    let by_a_person = |issue: &&Issue| issue.opener.ended && issue.reopened;
    let mut reconciler = Reconciler {
        context,
        wanted,
        listing,
        open: listing.open.iter().filter(|issue| !by_a_person(issue)).map(candidate).collect(),
        closed: listing.closed.iter().map(candidate).collect(),
        plan: Plan::default(),
        resolved: context.resolved.to_vec(),
        claimed: Vec::new(),
    };
    // Incidents that are over claim their issues first: what is left may belong to an incident that lasts.
    for wanted in wanted.iter().filter(|wanted| wanted.ended.is_some()) {
        reconciler.finish(wanted);
    }
    for wanted in wanted.iter().filter(|wanted| wanted.ended.is_none()) {
        reconciler.keep(wanted);
    }
    reconciler.left_over();
    reconciler.plan
}

/// An issue, and what our vantage has written there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) issue: &'a Issue,
    /// Our observation: in the body if we opened the issue, else in our comment.
    pub(super) ours: Option<&'a VantageObservation>,
    pub(super) opened_here: bool,
    /// Our observation says that the fault is over here.
    pub(super) recovered_here: bool,
}

impl Deref for Candidate<'_> {
    type Target = Issue;

    fn deref(&self) -> &Issue {
        self.issue
    }
}

impl<'a> Candidate<'a> {
    fn of(issue: &'a Issue, vantage: &str) -> Self {
        let ours = issue.observations().find(|observation| observation.vantage == vantage);
        Self {
            issue,
            ours,
            opened_here: issue.opener.vantage == vantage,
            recovered_here: ours.is_some_and(|ours| !ours.sees()),
        }
    }

    pub(super) fn subject(&self) -> &'a String {
        &self.issue.opener.subject
    }

    /// The incident of our vantage that the issue is about; empty if it has none.
    pub(super) fn incident(&self) -> &'a str {
        self.ours.map_or("", |ours| &ours.incident)
    }

    /// The issue says that the incident is over for all vantages.
    pub(super) fn over(&self) -> bool {
        self.issue.opener.ended
    }

    /// By our observation, our vantage still sees the fault.
    pub(super) fn lasts_here(&self) -> bool {
        self.ours.is_some() && !self.recovered_here && !self.over()
    }
}

/// Where an incident has its issue.
pub(super) enum Place<'a> {
    Open(Candidate<'a>),
    /// Closed while the fault lasted: a person wants no more of it.
    ClosedByHand(Candidate<'a>),
    /// A person closed an issue that may be about the same fault. This will be known after this time.
    Unsure(Duration),
    /// Closed when the fault was over.
    Ended(Candidate<'a>),
    /// The issue with this number is not listed: the listing lags, or a person deleted or moved it.
    Gone(u64),
    Nowhere,
}

pub(super) struct Reconciler<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) wanted: &'a [DesiredIssue],
    pub(super) listing: &'a Listing,
    /// Open issues that no incident has claimed yet.
    pub(super) open: Vec<Candidate<'a>>,
    pub(super) closed: Vec<Candidate<'a>>,
    pub(super) plan: Plan,
    /// Incidents whose issues are complete, now or after this plan.
    pub(super) resolved: Vec<String>,
    /// The issue that each subject has, so that any other issue is its duplicate.
    pub(super) claimed: Vec<(String, u64)>,
}

impl<'a> Reconciler<'a> {
    /// An incident that lasts: exactly one open issue, unless a person closed it.
    fn keep(&mut self, wanted: &DesiredIssue) {
        let place = self.find(wanted);
        let resumes = |issue: &Candidate<'_>| {
            issue.opened_here && issue.incident() != wanted.incident.id && self.goes_on(issue)
        };
        match place {
            Place::Open(issue) if issue.lasts_here() && issue.incident() != wanted.incident.id => {
                // An earlier process opened it for the same fault.
                self.resume(&issue, false);
                let mut resumed = wanted.clone();
                issue.incident().clone_into(&mut resumed.incident.id);
                resumed.incident.since = self.context.now.recalled(issue.opener.since);
                self.update(&issue, &resumed);
            }
            Place::Open(issue) => {
                self.known(wanted, issue.number, false);
                self.update(&issue, wanted);
            }
            Place::ClosedByHand(issue) if resumes(&issue) => {
                self.resume(&issue, true);
                self.note_lasting(&issue, wanted);
            }
            Place::ClosedByHand(issue) => {
                self.known(wanted, issue.number, true);
                self.note_lasting(&issue, wanted);
            }
            Place::Unsure(wait) => {
                self.plan.again = Some(self.plan.again.map_or(wait, |again| again.min(wait)));
            }
            Place::Ended(issue) => self.again(&issue, wanted),
            Place::Gone(number) => self.known(wanted, number, true),
            Place::Nowhere => self.create(wanted),
        }
    }

    /// Looks for the issue of an incident, the surest first, and takes an open one out of the list.
    pub(super) fn find(&mut self, wanted: &DesiredIssue) -> Place<'a> {
        let id = &wanted.incident.id;
        let subject = &wanted.subject;
        let of_incident = |c: &Candidate<'_>| c.ours.is_some() && c.incident() == id;
        let lasting = |c: &Candidate<'_>| c.subject() == subject && !c.over();
        let ours = self.open.iter().filter(|c| of_incident(c) || c.ours.is_some() && lasting(c));
        let first = ours.map(|issue| issue.number).min();
        // Of two issues about one fault, the older one stays, whichever vantage opened it.
        let older = |c: &Candidate<'_>| {
            let older = lasting(c) && first.is_none_or(|first| c.number < first);
            c.ours.is_none() && older && self.same_story(c, wanted)
        };
        // Other vantages see the fault still, and ours does again.
        let returned = |c: &Candidate<'_>| {
            let same = wanted.ended.is_none() || self.same_story(c, wanted);
            lasting(c) && c.recovered_here && same
        };
        let earlier =
            |c: &Candidate<'_>| c.subject() == subject && c.ours.is_some() && self.goes_on(c);
        let open = |fits: &dyn Fn(&Candidate<'_>) -> bool| self.open.iter().position(fits);
        let certain = open(&older).or_else(|| open(&of_incident)).or_else(|| open(&returned));
        let earlier = || open(&earlier);

        let own = || self.closed.iter().filter(|c| is_own(c, wanted) && c.subject() == subject);
        let number = wanted.issue.map(|issue| issue.number);
        let lasts = wanted.ended.is_none();
        let by_hand = own().filter(|c| !c.over() || lasts && c.opener.by_hand);
        let by_hand = by_hand.min_by_key(|c| Some(c.number) != number);
        let own =
            by_hand.map(|c| Place::ClosedByHand(*c)).or_else(|| Some(Place::Ended(*own().next()?)));
        let at = certain.or_else(|| if lasts { earlier() } else { None });
        let at = at.or_else(|| if own.is_none() && number.is_none() { earlier() } else { None });
        if let Some(at) = at {
            return Place::Open(self.open.remove(at));
        }
        let others = || self.closed.iter().filter(|c| c.subject() == subject);
        let ended = |c: &&Candidate<'_>| {
            !c.opener.sees() && !c.opener.by_hand && self.same_story(c, wanted)
        };
        own.or(number.map(Place::Gone))
            .or_else(|| others().find_map(|c| self.silences(c, wanted)))
            .or_else(|| Some(Place::Ended(*others().find(ended)?)))
            .unwrap_or(Place::Nowhere)
    }

    /// Whether the issue is about a fault that nobody has seen the end of, and that no incident of ours is about.
    pub(super) fn goes_on(&self, issue: &Candidate<'_>) -> bool {
        let observation = issue.ours.unwrap_or(&issue.opener);
        let id = &observation.incident;
        !issue.over()
            && !issue.recovered_here
            && observation.sees()
            && !self.is_wanted(id)
            && !self.resolved.contains(id)
    }

    fn is_wanted(&self, incident: &String) -> bool {
        self.wanted.iter().any(|wanted| wanted.incident.id == *incident)
    }

    /// How far GitHub's clock is ahead of ours.
    pub(super) fn github_ahead(&self) -> SignedDuration {
        let both = self.listing.at.zip(self.context.now.wall);
        both.map_or(SignedDuration::ZERO, |(at, wall)| at.duration_since(wall))
    }

    /// Whether an incident is about the same time as an issue, or follows so soon that it is the same story.
    pub(super) fn same_story(&self, issue: &Candidate<'_>, wanted: &DesiredIssue) -> bool {
        let within = self.context.schedule.reopen_within;
        let Some(since) = wanted.incident.since.wall else { return false };
        if issue.opened_here {
            // An incident that is not resolved yet needs its issue to be found.
            let end = issue.opener.ended_at.or(issue.closed_at);
            return !self.is_wanted(&issue.opener.incident)
                && end.is_some_and(|end| since < end + within);
        }
        // The times in a record are from the clock of a vantage; the issue was closed by GitHub's clock.
        let ahead = self.github_ahead();
        let until = wanted.ended.unwrap_or(self.context.now).wall;
        let began =
            issue.opener.since.zip(until).is_none_or(|(begin, until)| begin <= until + within);
        let before =
            |since: Timestamp, end: Option<Timestamp>| end.is_none_or(|e| since <= e + within);
        began && before(since, issue.opener.ended_at) && before(since + ahead, issue.closed_at)
    }

    pub(super) fn claimed_for(&self, subject: &str) -> Option<u64> {
        let claimed = self.claimed.iter().find(|(name, _)| name == subject);
        claimed.map(|(_, number)| *number)
    }

    pub(super) fn claim(&mut self, subject: &str, number: u64) {
        self.claimed.push((subject.to_owned(), number));
    }

    fn known(&mut self, wanted: &DesiredIssue, number: u64, closed_by_hand: bool) {
        self.claim(&wanted.subject, number);
        let issue = IssueRef { number, closed_by_hand };
        self.plan.known.push((wanted.incident.id.clone(), issue));
    }

    /// Goes on with an incident that an earlier process has reported.
    pub(super) fn resume(&mut self, issue: &Candidate<'_>, closed_by_hand: bool) {
        let Some(ours) = issue.ours.cloned() else { return };
        let VantageObservation { subject, incident, since, severity, worst, places, .. } = ours;
        self.claim(&subject, issue.number);
        let reported = IssueRef { number: issue.number, closed_by_hand };
        self.plan.resume.push(RememberedIncident {
            kind: SubjectKind::of_name(&subject),
            subject,
            incident,
            since,
            severity,
            worst,
            places,
            reported,
        });
    }
}

/// Whether this is the closed issue of an incident. Comments of closed issues are not read: there the number
/// must be known.
pub(super) fn is_own(issue: &Candidate<'_>, wanted: &DesiredIssue) -> bool {
    match issue.opened_here {
        true => issue.incident() == wanted.incident.id,
        false => wanted.issue.is_some_and(|known| known.number == issue.number),
    }
}

#[cfg(test)]
#[path = "comment_tests.rs"]
mod comment_tests;
#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
