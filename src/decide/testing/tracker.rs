//! A GitHub in memory, and a process that reports to it as the daemon's reporter does: list, compare, do
//! the steps. The line between the two can break after any call, with or without the call going through.

use jiff::Timestamp;

use crate::decide::report::github::{
    AuxiliaryIssue, Context, Issue, IssueState, Listing, Plan, Step,
};
use crate::decide::report::marker::{VantageObservation, comment_key};
use crate::decide::report::plan::{needs_closed, plan};
use crate::decide::testing::{Led, at, config};
use crate::decide::tests::alive;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::{Failure, Report};
use crate::decide::track::state::MonitorState;
use crate::decide::track::stored::StoredIncident;

/// An issue as GitHub has it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::decide) struct Kept {
    pub(in crate::decide) number: u64,
    pub(in crate::decide) title: String,
    pub(in crate::decide) body: String,
    pub(in crate::decide) open: bool,
    pub(in crate::decide) reopened: bool,
    pub(in crate::decide) closed_at: Option<Timestamp>,
    pub(in crate::decide) comments: Vec<String>,
    updated: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::decide) struct Tracker {
    pub(in crate::decide) issues: Vec<Kept>,
    /// Signs of life.
    pub(in crate::decide) asides: Vec<AuxiliaryIssue>,
    /// Which issue has ever recorded which incident.
    pub(in crate::decide) recorded: Vec<(String, u64)>,
    writes: u64,
}

impl Tracker {
    pub(in crate::decide) fn add(&mut self, title: &str, body: &str) -> u64 {
        let number = self.issues.iter().map(|i| i.number).max().unwrap_or(0) + 1;
        self.issues.push(Kept {
            number,
            title: title.to_owned(),
            body: String::new(),
            open: true,
            reopened: false,
            closed_at: None,
            comments: Vec::new(),
            updated: 0,
        });
        self.edit(number, None, Some(body), None, at(0).wall);
        number
    }

    pub(in crate::decide) fn get(&mut self, number: u64) -> &mut Kept {
        let mut issues = self.issues.iter_mut();
        issues.find(|issue| issue.number == number).unwrap()
    }

    pub(in crate::decide) fn edit(
        &mut self,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
        state: Option<IssueState>,
        now: Option<Timestamp>,
    ) {
        self.writes += 1;
        let updated = self.writes;
        let issue = self.get(number);
        issue.updated = updated;
        if let Some(title) = title {
            issue.title = title.to_owned();
        }
        if let Some(body) = body {
            issue.body = body.to_owned();
        }
        if let Some(state) = state {
            let open = state == IssueState::Open;
            if issue.open != open {
                issue.closed_at = if open { None } else { now };
                issue.reopened = open;
            }
            issue.open = open;
        }
        let record = VantageObservation::find(&issue.body);
        self.recorded.extend(record.map(|record| (record.incident, number)));
    }

    fn comment(&mut self, number: u64, key: &str, body: &str) {
        self.writes += 1;
        let updated = self.writes;
        let issue = self.get(number);
        let said = |comment: &String| comment_key(comment).as_deref() == Some(key);
        if !issue.comments.iter().any(said) {
            issue.comments.push(body.to_owned());
            issue.updated = updated;
        }
    }

    /// Brings the comment with this key to this text.
    fn observe(&mut self, number: u64, key: &str, body: &str) {
        self.writes += 1;
        let updated = self.writes;
        let issue = self.get(number);
        let same = |said: &&mut String| comment_key(said).as_deref() == Some(key);
        match issue.comments.iter_mut().find(same) {
            Some(said) => body.clone_into(said),
            None => issue.comments.push(body.to_owned()),
        }
        issue.updated = updated;
    }

    pub(in crate::decide) fn list(&self, closed: bool, at: Option<Timestamp>) -> Listing {
        let shown = |kept: &Kept| {
            Some(Issue {
                number: kept.number,
                title: kept.title.clone(),
                body: kept.body.clone(),
                open: kept.open,
                reopened: kept.reopened,
                closed_at: kept.closed_at,
                partial: false,
                opener: VantageObservation::find(&kept.body)?,
                secondary: match kept.open {
                    true => kept
                        .comments
                        .iter()
                        .filter_map(|text| VantageObservation::find(text))
                        .collect(),
                    false => Vec::new(),
                },
            })
        };
        let mut last: Vec<&Kept> = self.issues.iter().collect();
        last.sort_by_key(|kept| std::cmp::Reverse(kept.updated));
        let open = self.issues.iter().filter(|kept| kept.open);
        let shut = last.into_iter().filter(|kept| !kept.open);
        Listing {
            open: open.filter_map(shown).collect(),
            closed: if closed { shut.filter_map(shown).collect() } else { Vec::new() },
            auxiliary: self.asides.clone(),
            at,
            token_expires: None,
        }
    }
}

/// How many calls go through before the line breaks, and whether one more does whose reply is lost.
#[derive(Debug, Clone, Copy)]
pub(in crate::decide) struct Line {
    pub(in crate::decide) calls: usize,
    pub(in crate::decide) lost: bool,
}

pub(in crate::decide) const STEADY: Line = Line { calls: usize::MAX, lost: false };

/// A process, what it has on disk, and GitHub.
#[derive(Clone)]
pub(in crate::decide) struct World {
    pub(in crate::decide) led: Led,
    pub(in crate::decide) tracker: Tracker,
    /// What GitHub shows instead of what it has.
    pub(in crate::decide) lagging: Option<Tracker>,
    /// The first listing of a process has the closed issues.
    pub(in crate::decide) greeted: bool,
    /// Where it looks from.
    pub(in crate::decide) vantage: String,
    pub(in crate::decide) quorum: u32,
    /// GitHub's time, where that is another than ours.
    pub(in crate::decide) github_seconds: Option<u64>,
}

impl World {
    pub(in crate::decide) fn new() -> Self {
        Self {
            led: Led::new(),
            // Its own heartbeat: it is the only vantage.
            tracker: Tracker { asides: alive(&["home"]), ..Tracker::default() },
            lagging: None,
            greeted: false,
            vantage: "home".to_owned(),
            quorum: 1,
            github_seconds: None,
        }
    }

    pub(in crate::decide) fn plan(&self) -> Plan {
        let config = config();
        let subjects: Vec<String> = config.nameservers.iter().map(|n| n.name.clone()).collect();
        let input = self.led.monitor.report_input();
        let context = Context {
            vantage: &self.vantage,
            quorum: self.quorum,
            subjects: &subjects,
            last_well: &input.last_well,
            well: &input.well,
            unobserved: &input.unobserved,
            resolved: &input.resolved,
            schedule: &config.schedule,
            now: at(self.led.seconds),
        };
        let shown = self.lagging.as_ref().unwrap_or(&self.tracker);
        let list =
            |closed| shown.list(closed, at(self.github_seconds.unwrap_or(self.led.seconds)).wall);
        let closed = !self.greeted || needs_closed(&input.wanted, None, &list(false));
        plan(&input.wanted, None, &list(closed), &context).0
    }

    pub(in crate::decide) fn report(&mut self) -> Plan {
        self.report_over(STEADY).0
    }

    /// Returns the plan, and whether all of it was done.
    pub(in crate::decide) fn report_over(&mut self, mut line: Line) -> (Plan, bool) {
        let plan = self.plan();
        self.greeted = plan.again.is_none();
        let mut report = Report {
            known: plan.known.clone(),
            resolved: plan.resolved.clone(),
            resume: plan.resume.clone(),
            ..Report::default()
        };
        let done =
            plan.steps.iter().all(|step| self.carry_out(step, &mut line, &mut report).is_some());
        report.failed = (!done).then(|| Failure::transient("the line broke".to_owned(), None));
        let now = at(self.led.seconds);
        self.led.monitor = self.led.monitor.clone().reported(&report, &now);
        (plan, done)
    }

    /// What the reporter does with a step; `None` when the line broke.
    fn carry_out(&mut self, step: &Step, line: &mut Line, report: &mut Report) -> Option<()> {
        let now = at(self.github_seconds.unwrap_or(self.led.seconds)).wall;
        let tracker = &mut self.tracker;
        match step {
            Step::Create { incident, title, body, resolved, no_labels: _ } => {
                let number = line.call(|| tracker.add(title, body))?;
                let closed_by_hand = false;
                let issue = IssueRef { number, closed_by_hand };
                report.known.push((incident.clone(), issue));
                if *resolved {
                    let closed = Some(IssueState::Completed);
                    line.call(|| tracker.edit(number, None, None, closed, now))?;
                    report.resolved.push(incident.clone());
                }
            }
            Step::Comment { issue, key, body } => {
                assert_eq!(comment_key(body).as_ref(), Some(key));
                line.call(|| tracker.comment(*issue, key, body))?;
            }
            Step::Observe { issue, key, body, resolves } => {
                assert_eq!(comment_key(body).as_ref(), Some(key));
                line.call(|| tracker.observe(*issue, key, body))?;
                report.resolved.extend(resolves.clone());
            }
            Step::Edit { issue, title, body, state, resolves, reports } => {
                line.call(|| tracker.edit(*issue, title.as_deref(), Some(body), *state, now))?;
                report.resolved.extend(resolves.clone());
                let reported = IssueRef { number: *issue, closed_by_hand: false };
                report.known.extend(reports.clone().map(|id| (id, reported)));
            }
        }
        Some(())
    }

    /// The power goes, and comes again.
    pub(in crate::decide) fn restart(&mut self, on_disk: &[StoredIncident]) {
        let json = serde_json::to_vec(on_disk).unwrap();
        let stored = serde_json::from_slice(&json).unwrap();
        self.led.monitor = MonitorState::new(&config()).restored(stored, &at(self.led.seconds));
        self.greeted = false;
    }
}

impl Line {
    fn call<T>(&mut self, call: impl FnOnce() -> T) -> Option<T> {
        if self.calls == 0 {
            if std::mem::take(&mut self.lost) {
                call();
            }
            return None;
        }
        self.calls -= 1;
        Some(call())
    }
}
