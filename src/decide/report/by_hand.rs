//! Issues that a person closed while their outage lasted.
//!
//! Such an issue silences that outage for all vantages, and no later one. The record in its body names the vantages
//! that still see the fault ([`VantageObservation::lasting`]); they confirm it with every regular round.
//!
//! - An incident that began before the last confirmation is that outage.
//! - An incident that began later may be another one. Its vantage waits as long as a confirmation takes, then opens an
//!   issue.
//! - A vantage that saw the outage and was started again goes on with it, until it has seen the subject well. It cannot
//!   know whether the outage ended meanwhile, so this holds for a day.

use std::time::Duration;

use jiff::Timestamp;

use crate::decide::report::github::Step;
use crate::decide::report::marker::{VantageObservation, names_vantages, with_record};
use crate::decide::report::reconcile::{Candidate, Place, Reconciler};
use crate::decide::report::turns::known_vantages;
use crate::decide::track::incident::DesiredIssue;

/// From a regular round to its report on GitHub.
const REPORTED_WITHIN: Duration = Duration::from_secs(15);

/// For a new process, which knows no incidents, an issue counts only if it was closed this recently.
const HOLDS: Duration = Duration::from_secs(24 * 3600);

impl<'a> Reconciler<'a> {
    /// Whether an issue that a person closed silences an incident that does not know the issue.
    pub(super) fn silences(
        &self,
        issue: &Candidate<'a>,
        wanted: &DesiredIssue,
    ) -> Option<Place<'a>> {
        let opener = &issue.opener;
        let goes_on = issue.opened_here && self.goes_on(issue);
        let elsewhere = self.lasts_elsewhere(issue);
        if !opener.by_hand && !opener.sees() || issue.opened_here && !goes_on && !elsewhere {
            return None;
        }
        let began = wanted.incident.since.wall? + self.github_ahead();
        let last = if issue.over() { opener.ended_at } else { opener.confirmed };
        let last = last.max(issue.closed_at)?;
        let ours = opener.lasting.iter().any(|name| name == self.context.vantage) || goes_on;
        // The last time that it was well is that of the end, if the incident is over.
        let known = ours || wanted.ended.is_some() || self.last_well(issue).is_some();
        let same = began <= last && !goes_on;
        if same || !issue.over() && known && self.closed_by_hand(issue, Some(wanted)) {
            return Some(Place::ClosedByHand(*issue));
        }
        let until = began + self.confirmed_within();
        let unsure = !issue.over() && elsewhere && last + self.confirmed_within() >= began;
        let wait = until.duration_since(self.listing.at?);
        let wait = Duration::try_from(wait).ok().filter(|wait| unsure && !wait.is_zero())?;
        Some(Place::Unsure(wait))
    }

    /// Whether an issue that a person closed still silences its subject: the incident began before, or our vantage
    /// has not seen the end of the fault since.
    pub(super) fn closed_by_hand(
        &self,
        issue: &Candidate<'_>,
        wanted: Option<&DesiredIssue>,
    ) -> bool {
        let Some(closed_at) = issue.closed_at else { return false };
        let before = |at: Timestamp| at + self.github_ahead() <= closed_at;
        if wanted.and_then(|wanted| wanted.incident.since.wall).is_some_and(before) {
            return true;
        }
        let closed = self.context.now.recalled(Some(closed_at));
        let over = wanted.is_some_and(|wanted| wanted.ended.is_some());
        self.context.now.since(&closed) < HOLDS
            && (over || self.last_well(issue).is_none_or(before))
    }

    /// When this process last saw the subject of an issue well.
    fn last_well(&self, issue: &Candidate<'_>) -> Option<Timestamp> {
        let mut last_well = self.context.last_well.iter();
        last_well.find(|(name, _)| name == issue.subject()).map(|(_, at)| *at)
    }

    /// A vantage that sees the fault confirms it in this time.
    fn confirmed_within(&self) -> Duration {
        let schedule = self.context.schedule;
        schedule.interval + schedule.splay + REPORTED_WITHIN
    }

    /// The other vantages that still see the fault, by their last confirmation.
    pub(super) fn lasting(&self, issue: &Candidate<'_>) -> Vec<String> {
        let opener = &issue.opener;
        let fresh = opener.age(self.listing.at).is_none_or(|age| age < self.confirmed_within());
        let others = opener.lasting.iter().filter(|name| fresh && *name != self.context.vantage);
        others.cloned().collect()
    }

    fn lasts_elsewhere(&self, issue: &Candidate<'_>) -> bool {
        // Nobody has noted yet that a person closed it.
        let unnoted = !issue.opener.by_hand && !issue.opened_here;
        unnoted || !self.lasting(issue).is_empty()
    }

    /// Confirms that our vantage sees the fault. Where no other vantage is known, nobody reads that.
    pub(super) fn note_lasting(&mut self, issue: &Candidate<'_>, wanted: &DesiredIssue) {
        let vantage = self.context.vantage;
        let alone =
            known_vantages(self.listing, vantage).len() == 1 && !names_vantages(&issue.body);
        let unobserved = self.context.unobserved.contains(&wanted.subject);
        let noted = issue.opener.lasting.iter().any(|name| name == vantage) && !issue.over();
        let age = issue.opener.age(self.listing.at);
        let confirmed = age.is_none_or(|age| age < self.context.schedule.interval / 2);
        if alone || noted && confirmed || unobserved || wanted.incident.findings.is_empty() {
            return;
        }
        let mut lasting = self.lasting(issue);
        lasting.push(vantage.to_owned());
        let recovered_here = !issue.opened_here && !issue.opener.sees();
        let opener = VantageObservation {
            by_hand: true,
            confirmed: self.listing.at,
            ended: false,
            ended_at: None,
            lasting,
            recovered_here,
            ..issue.opener.clone()
        };
        self.plan.steps.push(Step::edit(issue.number, with_record(&issue.body, &opener), None));
    }

    /// Our vantage, which did not open the issue, sees the fault no more.
    pub(super) fn note_end(&mut self, issue: &Candidate<'_>, wanted: &DesiredIssue) {
        let mut opener = issue.opener.clone();
        opener.lasting = self.lasting(issue);
        if opener.lasting.is_empty() {
            (opener.ended, opener.ended_at) = (true, wanted.ended.and_then(|end| end.wall));
        }
        self.plan.steps.push(Step::Edit {
            issue: issue.number,
            title: None,
            body: with_record(&issue.body, &opener),
            state: None,
            resolves: vec![wanted.incident.id.clone()],
            reports: None,
        });
    }
}
