//! The steps themselves: what is written into an issue, and by whom.

use std::time::Duration;

use jiff::Timestamp;

use crate::decide::judge::finding::Severity;
use crate::decide::report::github::{Issue, IssueState, Step};
use crate::decide::report::marker::{Marker, comment, merge, remark, reseen, unmark};
use crate::decide::report::observations::alive_vantages;
use crate::decide::report::observations::{CONFIRM_EVERY, Observers, age, observation_key, sees};
use crate::decide::report::reconcile::{OwnIssue, Reconciler};
use crate::decide::report::text::{
    again_text, alert_digest, body, body_digest, changed_text, is_our_title, observation_comment,
    observation_text, title,
};
use crate::decide::track::incident::DesiredIssue;

/// A person hears at most once in this time that an incident has changed.
const COMMENT_EVERY: Duration = Duration::from_secs(3600);

impl<'a> Reconciler<'a> {
    /// Brings what we say up to date, and tells people when they would act on it.
    pub(super) fn update(&mut self, issue: &OwnIssue<'_>, wanted: &DesiredIssue) {
        let marker = &issue.marker;
        if wanted.incident.findings.is_empty() {
            return; // adopted and not seen faulty yet: the issue knows more than we do
        }
        let old = age(marker, self.listing.at).is_some_and(|age| age >= CONFIRM_EVERY);
        let old = old && !self.context.unobserved.contains(&wanted.subject);
        if issue.is_secondary() {
            if old || marker.passed || marker.body_digest != body_digest(wanted) {
                self.edit(issue, wanted, None);
            }
            return;
        }
        let now = self.context.now;
        // From the future: a clock was wrong once, and must not silence us until then.
        let past = |at: Timestamp| now.wall.is_some_and(|wall| at <= wall);
        let told = |at| past(at) && now.since(&now.recalled(Some(at))) < COMMENT_EVERY;
        let quiet = now.wall.is_none() || marker.alerted_at.is_some_and(told);
        let vantages = self.vantages(Some(issue), true, false);
        if marker.alerted_digest != alert_digest(wanted) && !quiet {
            let last = marker.alerted_at.map_or(0, Timestamp::as_second);
            let key = format!("{}/{}/{last}", marker.incident, alert_digest(wanted));
            self.comment(issue.number, &key, &changed_text(wanted));
            self.edit(issue, wanted, None);
        } else if old
            || marker.body_digest != body_digest(wanted)
            || !issue.body.contains(&vantages)
        {
            let mut next = self.marker(wanted);
            next.alerted_digest.clone_from(&marker.alerted_digest);
            next.alerted_at = marker.alerted_at;
            self.edit_as(issue, wanted, &next, None);
        }
    }

    /// Opens an issue again. Only then is it the incident's: before that it must not be taken for known.
    pub(super) fn again(&mut self, issue: &OwnIssue<'_>, wanted: &DesiredIssue) {
        let id = &wanted.incident.id;
        self.claimed.push((wanted.subject.clone(), issue.number));
        self.comment(issue.number, &format!("{id}/again"), &again_text(wanted));
        self.edit(issue, wanted, Some(IssueState::Open));
    }

    pub(super) fn create(&mut self, wanted: &DesiredIssue) {
        let marker = self.marker(wanted);
        let (severity, vantages) = (self.shown(None, &marker), self.vantages(None, true, false));
        self.plan.steps.push(Step::Create {
            incident: wanted.incident.id.clone(),
            title: title(&wanted.subject, severity),
            body: body(wanted, &marker, self.context.schedule, &vantages),
            over: marker.ended,
            calm: false,
        });
    }

    pub(super) fn comment(&mut self, issue: u64, key: &str, text: &str) {
        self.plan.steps.push(Step::Comment {
            issue,
            key: key.to_owned(),
            body: comment(key, text),
        });
    }

    /// Writes what we see where our place is: into the body, or as a guest into our comment.
    pub(super) fn edit(
        &mut self,
        issue: &OwnIssue<'_>,
        wanted: &DesiredIssue,
        state: Option<IssueState>,
    ) {
        let marker = self.marker(wanted);
        if !issue.is_secondary() {
            return self.edit_as(issue, wanted, &marker, state);
        }
        let settles = match state {
            None => self.settling(issue, wanted),
            Some(_) => Vec::new(),
        };
        self.observation_comment(
            issue,
            &marker,
            &observation_text(self.context.vantage, wanted),
            settles,
        );
        let Some(state) = state else { return };
        // Nobody else is there to write the body: whoever opened it has passed, or is gone.
        let mut host = issue.issue.marker.clone();
        host.ended = state != IssueState::Open;
        host.ended_at = wanted.ended.and_then(|end| end.wall);
        host.passed |= !host.ended;
        let vantages = self.vantages(Some(issue), true, host.ended);
        let body = reseen(&remark(&issue.body, &host), &vantages);
        let settles = self.settling(issue, wanted);
        let reports = (state == IssueState::Open).then(|| wanted.incident.id.clone());
        let issue = issue.number;
        let state = Some(state);
        self.plan.steps.push(Step::Edit { issue, title: None, body, state, settles, reports });
    }

    pub(super) fn observation_comment(
        &mut self,
        issue: &OwnIssue<'_>,
        marker: &Marker,
        text: &str,
        settles: Vec<String>,
    ) {
        let key = observation_key(self.context.vantage);
        let body = observation_comment(&key, marker, text);
        self.plan.steps.push(Step::Observe { issue: issue.number, key, body, settles });
    }

    /// The incidents that need nothing more, once this is written.
    fn settling(&mut self, issue: &OwnIssue<'_>, wanted: &DesiredIssue) -> Vec<String> {
        let mut settles = Vec::new();
        if wanted.ended.is_some() {
            // An earlier process may have given it another identity.
            settles.extend([wanted.incident.id.clone(), issue.marker.incident.clone()]);
            settles.dedup();
            self.resolved.extend(settles.iter().cloned());
        }
        settles
    }

    pub(super) fn edit_as(
        &mut self,
        issue: &OwnIssue<'_>,
        wanted: &DesiredIssue,
        marker: &Marker,
        state: Option<IssueState>,
    ) {
        let vantages = self.vantages(Some(issue), sees(marker) || marker.ended, marker.ended);
        let ours = match wanted.incident.findings.is_empty() {
            // Nothing was seen since it was adopted: only the marker is ours to change.
            true if vantages.is_empty() => remark(&issue.body, marker),
            true => reseen(&remark(&issue.body, marker), &vantages),
            false => merge(&issue.body, &body(wanted, marker, self.context.schedule, &vantages)),
        };
        let next = title(&wanted.subject, self.shown(Some(issue), marker));
        let rename = next != issue.title && is_our_title(&wanted.subject, &issue.title);
        let settles = self.settling(issue, wanted);
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: rename.then_some(next),
            body: ours,
            state,
            settles,
            reports: (state == Some(IssueState::Open)).then(|| wanted.incident.id.clone()),
        });
    }

    /// Closes an issue that no incident of ours stands behind.
    pub(super) fn close(&mut self, issue: &Issue, body: String, state: IssueState) {
        self.rewrite(issue, body, Some(state));
    }

    pub(super) fn rewrite(&mut self, issue: &Issue, body: String, state: Option<IssueState>) {
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: None,
            body,
            state,
            settles: Vec::new(),
            reports: None,
        });
    }

    /// Leaves an issue that says what another one says: closes it, unless it is another vantage's. Without
    /// a marker it is nobody's, so that it is never taken for the other.
    pub(super) fn duplicate(&mut self, issue: &OwnIssue<'_>, first: u64) {
        if issue.is_secondary() {
            return self.leave(issue, &format!("now in #{first}"));
        }
        self.close_duplicate(issue.issue, first);
    }

    pub(super) fn close_duplicate(&mut self, issue: &Issue, first: u64) {
        let key = format!("{}/duplicate-{}", issue.marker.incident, issue.number);
        self.comment(issue.number, &key, &format!("Duplicate of #{first}."));
        self.close(issue, unmark(&issue.body), IssueState::NotPlanned);
    }

    pub(super) fn marker(&self, wanted: &DesiredIssue) -> Marker {
        let incident = &wanted.incident;
        let ended = wanted.ended.is_some();
        let mut places = incident.unobserved_addresses.clone();
        places.extend(incident.findings.iter().map(|row| row.address));
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
            body_digest: body_digest(wanted),
            alerted_digest: alert_digest(wanted),
            alerted_at: self.context.now.wall,
            ended,
            passed: false,
            confirmed: self.listing.at,
            ended_at: wanted.ended.and_then(|end| end.wall),
        }
    }

    fn voices(&self, issue: Option<&OwnIssue<'_>>, we_see: bool, over: bool) -> Observers {
        let ours = (self.context.vantage, we_see);
        let issue = issue.map(|view| view.issue);
        Observers::count(issue, ours, over, alive_vantages(self.listing), self.listing.at)
    }

    /// What the issue should say of the vantages.
    pub(super) fn vantages(
        &self,
        issue: Option<&OwnIssue<'_>>,
        we_see: bool,
        over: bool,
    ) -> String {
        self.voices(issue, we_see, over).text(over, self.context.quorum)
    }

    /// How bad the title says it is.
    fn shown(&self, issue: Option<&OwnIssue<'_>>, marker: &Marker) -> Severity {
        let voices = self.voices(issue, sees(marker) || marker.ended, marker.ended);
        match voices.below_quorum(self.context.quorum) {
            true => Severity::Degraded,
            false => marker.severity,
        }
    }
}
