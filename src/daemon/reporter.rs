//! Carries plans out: list, compare, do the steps, one at a time.
//!
//! Each call blocks a thread of the pool and not the loop. The first failure ends the attempt.

use std::path::Path;
use std::time::Duration;

use crate::config::{Config, GitHub as Settings};
use crate::decide::report::github::{Context, IssueState, Plan, Step};
use crate::decide::report::heartbeat::HeartbeatInput;
use crate::decide::report::marker::comment;
use crate::decide::report::plan::{needs_closed, plan};
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::{Failure, FailureKind, Report};
use crate::decide::track::state::ReportInput;
use crate::io::clock::Clock;
use crate::io::github::api::{GitHub, WRITE_PAUSE};
use crate::io::system::token::TokenError;

/// Reads the token; the path is `github.token-file`.
pub type TokenFrom = fn(Option<&Path>) -> Result<String, TokenError>;

/// An issue that GitHub has refused to change in so many reports is given up: its incident gets another one.
const REFUSED_TIMES: usize = 3;

const TEXT_REFUSED: &str = "GitHub does not accept a new text of this issue, so the text above is out of date. Comments \
                            and the state of the issue are up to date. Shorten what people have added to the text.";

/// A way to GitHub. The job of a report owns it, and returns it with the report.
pub(super) struct Reporter {
    settings: Settings,
    token: TokenFrom,
    clock: Clock,
    /// With the token of the last report, which may belong to another account than the next. `None` while a thread
    /// makes a call.
    github: Option<GitHub>,
    /// The first listing of a process includes the closed issues: an issue that a person closed in the meantime must
    /// stay closed.
    greeted: bool,
    /// The issues that GitHub has refused to change, once for each time in a row.
    refused: Vec<u64>,
    /// Uptime at the end of the last write.
    pub(super) written: Option<Duration>,
}

impl Reporter {
    /// `None` without a repository in the configuration.
    pub(super) fn new(config: &Config, token: TokenFrom, clock: Clock) -> Option<Self> {
        let settings = config.github.clone()?;
        Some(Self {
            settings,
            token,
            clock,
            github: None,
            greeted: false,
            refused: Vec::new(),
            written: None,
        })
    }

    fn connect(&mut self) -> Result<(), Failure> {
        let token = (self.token)(self.settings.token_file.as_deref()).map_err(|error| {
            Failure::needs_operator(format!("{error}; `pilotlight report` says how to make one"))
        })?;
        if self.github.as_ref().is_some_and(|github| github.has(&token)) {
            return Ok(());
        }
        let github = GitHub::new(&self.settings, &token)
            .map_err(|error| Failure::needs_operator(error.to_string()))?;
        (self.github, self.greeted) = (Some(github), false);
        Ok(())
    }
}

/// One attempt to make GitHub hold what it should.
pub(super) async fn report(
    mut reporter: Reporter,
    input: ReportInput,
    heartbeat_input: Option<HeartbeatInput>,
    config: Config,
) -> (Reporter, Report) {
    let mut report = Report::default();
    let done = match reporter.connect() {
        Ok(()) => reporter.attempt(&input, heartbeat_input.as_ref(), &config, &mut report).await,
        Err(failure) => Err(failure),
    };
    report.expires = reporter.github.as_ref().and_then(GitHub::expires);
    report.failed = done.err();
    if let Some(failure) = report
        .failed
        .as_mut()
        // An error answer has come through an accepted certificate.
        .filter(|failure| reporter.clock.now().wall.is_none() && failure.may_pass())
    {
        failure.why = format!(
            "the clock is not set yet, so GitHub's certificate cannot be verified ({})",
            failure.why
        );
    }
    (reporter, report)
}

impl Reporter {
    async fn attempt(
        &mut self,
        input: &ReportInput,
        heartbeat_input: Option<&HeartbeatInput>,
        config: &Config,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let subjects: Vec<String> = config.subjects().map(|(name, _)| name.to_owned()).collect();
        let context = Context {
            vantage: &config.vantage.name,
            quorum: self.settings.quorum,
            subjects: &subjects,
            last_well: &input.last_well,
            well: &input.well,
            unobserved: &input.unobserved,
            resolved: &input.resolved,
            schedule: &config.schedule,
            now: self.clock.now(),
        };
        let first = !self.greeted;
        let (wanted, written) = (input.wanted.clone(), heartbeat_input.cloned());
        let mut listing = self
            .call(move |github| {
                github.list_with_closed_if(|open| {
                    first || needs_closed(&wanted, written.as_ref(), open)
                })
            })
            .await?;
        let mut wanted = input.wanted.clone();
        let given_up = |number: u64| {
            self.refused.iter().filter(|refused| **refused == number).count() >= REFUSED_TIMES
        };
        listing.open.retain(|issue| !given_up(issue.number));
        for wanted in &mut wanted {
            wanted.issue = wanted.issue.filter(|issue| !given_up(issue.number));
        }
        let (plan, heartbeat) = plan(&wanted, heartbeat_input, &listing, &context);
        self.greeted = plan.again.is_none();
        report.again = plan.again;
        report.recalled = heartbeat.at.map(|_| heartbeat.record);
        let Plan { steps, known, resolved, resume, .. } = plan;
        report.known = known;
        report.resolved = resolved;
        report.resume = resume;
        self.carry_out_all(steps, report).await?;
        report.heartbeat_written = heartbeat.at;
        Ok(())
    }

    /// One issue that cannot be read or changed does not keep the others from being written.
    async fn carry_out_all(
        &mut self,
        steps: Vec<Step>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut first_failure = None;
        let mut unreadable = Vec::new();
        for step in steps {
            let issue = step.issue();
            if issue.is_some_and(|number| unreadable.contains(&number)) {
                continue;
            }
            let changes = !matches!(step, Step::Comment { .. });
            match (self.carry_out(step, report).await, issue) {
                (Ok(()), _) if !changes => {}
                (Ok(()), _) => self.refused.retain(|refused| Some(*refused) != issue),
                (Err(failure), _) if failure.kind == FailureKind::Rejected => {
                    self.refused.extend(issue);
                    first_failure.get_or_insert(failure);
                }
                // Its comments could not be read.
                (Err(failure), Some(number))
                    if failure.may_pass() && failure.wait.is_none() && unreadable.is_empty() =>
                {
                    unreadable.push(number);
                    first_failure.get_or_insert(failure);
                }
                (Err(failure), _) => return Err(failure),
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn call<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut GitHub) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(mut github) = self.github.take() else {
            return Err(Failure::transient("the program ends".to_owned(), None));
        };
        let blocking = move || {
            let done = call(&mut github);
            (github, done)
        };
        // Cancelled only when the program ends.
        let (github, done) = tokio::task::spawn_blocking(blocking)
            .await
            .map_err(|error| Failure::transient(error.to_string(), None))?;
        self.github = Some(github);
        done
    }

    /// A call that writes once at most.
    async fn write<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut GitHub) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if let Some(written) = self.written {
            self.clock.sleep_until(written + WRITE_PAUSE).await;
        }
        let done = self.call(call).await;
        self.written = Some(self.clock.now().uptime);
        done
    }

    /// Opens an issue, without labels and assignees if GitHub does not accept them: an assignee may have left. That
    /// must not keep an outage secret.
    async fn create(
        &mut self,
        title: String,
        body: String,
        labelled: bool,
    ) -> Result<IssueRef, Failure> {
        let (name, text) = (title.clone(), body.clone());
        match self.write(move |github| github.create(&name, &text, labelled)).await {
            Err(failure)
                if labelled
                    && self
                        .github
                        .as_ref()
                        .is_some_and(|github| github.may_omit_labels(&failure)) =>
            {
                tracing::warn!("without labels and assignees, because: {}", failure.why);
                self.write(move |github| github.create(&title, &body, false)).await
            }
            done => done,
        }
    }

    async fn carry_out(&mut self, step: Step, report: &mut Report) -> Result<(), Failure> {
        match step {
            Step::Create { incident, title, body, resolved, no_labels } => {
                let named = title.clone();
                let issue = self.create(title, body, !no_labels).await?;
                let number = issue.number;
                report.done.push(format!("opened issue #{number}: {named}"));
                report.known.push((incident.clone(), issue));
                if resolved {
                    let closed = Some(IssueState::Completed);
                    self.write(move |github| github.edit(number, None, None, closed)).await?;
                    report.done.push(format!("closed issue #{number}: it was over already"));
                    report.resolved.push(incident);
                }
            }
            Step::Comment { issue, key, body } => {
                let said = self.write(move |github| github.comment(issue, &key, &body)).await?;
                if said {
                    report.done.push(format!("commented on issue #{issue}"));
                }
            }
            Step::Observe { issue, key, body, resolves } => {
                self.write(move |github| github.observe(issue, &key, &body)).await?;
                report.done.push(format!("updated our observation in issue #{issue}"));
                report.resolved.extend(resolves);
            }
            Step::Edit { issue, title, body, state, resolves, reports } => {
                let name = title.clone();
                let edited = self
                    .write(move |github| github.edit(issue, title.as_deref(), Some(&body), state))
                    .await;
                match edited {
                    Err(failure) if failure.kind == FailureKind::Rejected => {
                        self.edit_without_text(issue, name, state).await?;
                        report.done.push(format!("issue #{issue} keeps its text: {}", failure.why));
                    }
                    edited => edited?,
                }
                report.done.push(match state {
                    None => format!("updated issue #{issue}"),
                    Some(IssueState::Open) => format!("reopened issue #{issue}"),
                    Some(_) => format!("closed issue #{issue}"),
                });
                report.resolved.extend(resolves);
                let reported = IssueRef { number: issue, closed_by_hand: false };
                report.known.extend(reports.map(|id| (id, reported)));
            }
        }
        Ok(())
    }

    /// What is left where GitHub refuses the text of an issue: one comment, the title and the state.
    async fn edit_without_text(
        &mut self,
        issue: u64,
        title: Option<String>,
        state: Option<IssueState>,
    ) -> Result<(), Failure> {
        let key = format!("text-refused/{issue}");
        let text = comment(&key, TEXT_REFUSED);
        self.write(move |github| github.comment(issue, &key, &text)).await?;
        if title.is_some() || state.is_some() {
            self.write(move |github| github.edit(issue, title.as_deref(), None, state)).await?;
        }
        Ok(())
    }
}
