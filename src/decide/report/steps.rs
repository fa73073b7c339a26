//! The steps themselves: what our vantage writes into an issue.

use std::time::Duration;

use jiff::Timestamp;

use crate::decide::judge::finding::Severity;
use crate::decide::report::github::{IssueState, Step};
use crate::decide::report::heartbeat::alive_vantages;
use crate::decide::report::marker::{
    VantageObservation, comment, length_of_others, merge, observation_comment, with_record,
    with_vantages,
};
use crate::decide::report::observations::{CONFIRM_EVERY, Observers, observation_key, others_see};
use crate::decide::report::reconcile::{Candidate, Reconciler};
use crate::decide::report::text::{
    again_text, alert_digest, body, body_digest, changed_text, is_our_title, observation_text,
    title,
};
use crate::decide::track::incident::DesiredIssue;

/// People are notified of changes of an incident at most once in this time.
const COMMENT_EVERY: Duration = Duration::from_secs(3600);

/// The record of an observation holds at most this many addresses.
const PLACES: usize = 200;

impl<'a> Reconciler<'a> {
    /// Brings our observation up to date, and notifies people of what they would act on.
    pub(super) fn update(&mut self, issue: &Candidate<'_>, wanted: &DesiredIssue) {
        let Some(ours) = issue.ours.filter(|_| !issue.recovered_here) else {
            // Open, should the last other vantage close it just now.
            return self.write(issue, wanted, issue.opened_here.then_some(IssueState::Open));
        };
        if wanted.incident.findings.is_empty() {
            return; // resumed and not seen faulty yet: the issue knows more than we do
        }
        let now = self.context.now;
        // A time in the future comes from a wrong clock, and must not silence us until then.
        let past = |at: Timestamp| now.wall.is_some_and(|wall| at <= wall);
        let lately = |at| past(at) && now.since(&now.recalled(Some(at))) < COMMENT_EVERY;
        let quiet = now.wall.is_none() || ours.alerted_at.is_some_and(lately);
        let changed = alert_digest(wanted);
        if issue.opened_here && ours.alerted_digest != changed && !quiet {
            let last = ours.alerted_at.map_or(0, Timestamp::as_second);
            let key = format!("{}/{changed}/{last}", ours.incident);
            self.comment(issue.number, &key, &changed_text(wanted));
            return self.write(issue, wanted, None);
        }
        let unconfirmed = ours.age(self.listing.at).is_some_and(|age| age >= CONFIRM_EVERY);
        let unobserved = self.context.unobserved.contains(&wanted.subject);
        let vantages = self.vantages(Some(issue), true, false);
        if unconfirmed && !unobserved
            || ours.body_digest != body_digest(wanted)
            || issue.opened_here && !issue.body.contains(&vantages)
        {
            let mut next = self.observation(wanted);
            next.alerted_digest.clone_from(&ours.alerted_digest);
            next.alerted_at = ours.alerted_at;
            self.write_as(issue, wanted, next, None);
        }
    }

    /// Opens an issue again. Only after that is it the incident's: before, it must not count as known.
    pub(super) fn again(&mut self, issue: &Candidate<'_>, wanted: &DesiredIssue) {
        self.claim(&wanted.subject, issue.number);
        let key = format!("{}/again", wanted.incident.id);
        self.comment(issue.number, &key, &again_text(wanted));
        self.write(issue, wanted, Some(IssueState::Open));
    }

    pub(super) fn create(&mut self, wanted: &DesiredIssue) {
        let observation = self.observation(wanted);
        let observers = self.observers(None, true, false);
        let severity = self.shown(&observers, observation.severity);
        let vantages = observers.text(false, self.context.quorum);
        self.plan.steps.push(Step::Create {
            incident: wanted.incident.id.clone(),
            title: title(&wanted.subject, severity),
            body: body(wanted, &observation, self.context.schedule, &vantages, 0),
            resolved: observation.ended,
            no_labels: false,
        });
    }

    pub(super) fn comment(&mut self, issue: u64, key: &str, text: &str) {
        let body = comment(key, text);
        self.plan.steps.push(Step::Comment { issue, key: key.to_owned(), body });
    }

    pub(super) fn observe(
        &mut self,
        issue: u64,
        observation: &VantageObservation,
        text: &str,
        resolves: Vec<String>,
    ) {
        let key = observation_key(self.context.vantage);
        let body = observation_comment(&key, observation, text);
        self.plan.steps.push(Step::Observe { issue, key, body, resolves });
    }

    /// Writes our observation, and the issue's new state.
    pub(super) fn write(
        &mut self,
        issue: &Candidate<'_>,
        wanted: &DesiredIssue,
        state: Option<IssueState>,
    ) {
        self.write_as(issue, wanted, self.observation(wanted), state);
    }

    /// The vantage that opened the issue writes into the body. Any other writes into its comment; it edits the
    /// body only with a new state, because then no other vantage is there to do it.
    fn write_as(
        &mut self,
        issue: &Candidate<'_>,
        wanted: &DesiredIssue,
        mut ours: VantageObservation,
        state: Option<IssueState>,
    ) {
        let (mut resolves, ended) = (Vec::new(), wanted.ended.is_some());
        if ended {
            // An earlier process may have given it another identity.
            let incidents = [wanted.incident.id.as_str(), issue.incident()];
            resolves
                .extend(incidents.iter().filter(|id| !id.is_empty()).map(|id| (*id).to_owned()));
            resolves.dedup();
            self.resolved.extend(resolves.iter().cloned());
        }
        if !issue.opened_here {
            let last = if state.is_none() { std::mem::take(&mut resolves) } else { Vec::new() };
            self.observe(
                issue.number,
                &ours,
                &observation_text(self.context.vantage, wanted),
                last,
            );
            if state.is_none() {
                return;
            }
            ours = VantageObservation { ended_at: ours.ended_at, ..issue.opener.clone() };
        }
        ours.by_hand = !issue.open && state.is_none();
        ours.lasting = if ours.by_hand { self.lasting(issue) } else { Vec::new() };
        let resolved = ended
            && ours.lasting.is_empty()
            && !others_see(self.listing, &wanted.subject, self.context.vantage);
        ours.ended = resolved;
        ours.recovered_here = !resolved && (ended || !issue.opened_here);
        let observers = self.observers(Some(issue), resolved || !ended, resolved);
        let vantages = observers.text(resolved, self.context.quorum);
        let body = match issue.opened_here && !wanted.incident.findings.is_empty() {
            true => {
                let theirs = length_of_others(&issue.body);
                merge(&issue.body, &body(wanted, &ours, self.context.schedule, &vantages, theirs))
            }
            // Without findings of ours only the record and the vantages are ours to change.
            false if vantages.is_empty() => with_record(&issue.body, &ours),
            false => with_vantages(&with_record(&issue.body, &ours), &vantages),
        };
        let next = title(&wanted.subject, self.shown(&observers, ours.severity));
        let rename = next != issue.title && is_our_title(&wanted.subject, &issue.title);
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: rename.then_some(next),
            body,
            state,
            resolves,
            reports: (state == Some(IssueState::Open)).then(|| wanted.incident.id.clone()),
        });
    }

    fn observation(&self, wanted: &DesiredIssue) -> VantageObservation {
        let incident = &wanted.incident;
        let ended = wanted.ended.is_some();
        let mut places = incident.unobserved_addresses.clone();
        places.extend(incident.findings.iter().map(|finding| finding.address));
        places.sort();
        places.dedup();
        places.truncate(PLACES);
        VantageObservation {
            v: VantageObservation::VERSION,
            vantage: self.context.vantage.to_owned(),
            subject: wanted.subject.clone(),
            incident: incident.id.clone(),
            since: incident.since.wall,
            severity: if ended { incident.worst } else { incident.severity },
            worst: incident.worst,
            places,
            body_digest: body_digest(wanted),
            alerted_digest: alert_digest(wanted),
            alerted_at: self.context.now.wall,
            ended,
            recovered_here: false,
            by_hand: false,
            lasting: Vec::new(),
            confirmed: self.listing.at,
            ended_at: wanted.ended.and_then(|end| end.wall),
        }
    }

    fn observers(
        &self,
        issue: Option<&Candidate<'_>>,
        sees_here: bool,
        resolved: bool,
    ) -> Observers {
        let issue = issue.map(|candidate| candidate.issue);
        let ours = (self.context.vantage, sees_here);
        Observers::count(issue, ours, resolved, alive_vantages(self.listing), self.listing.at)
    }

    /// The paragraph about the vantages in the issue.
    pub(super) fn vantages(
        &self,
        issue: Option<&Candidate<'_>>,
        sees_here: bool,
        resolved: bool,
    ) -> String {
        self.observers(issue, sees_here, resolved).text(resolved, self.context.quorum)
    }

    /// The severity in the title.
    fn shown(&self, observers: &Observers, severity: Severity) -> Severity {
        match observers.below_quorum(self.context.quorum) {
            true => Severity::Degraded,
            false => severity,
        }
    }
}
