//! Carries plans out: list, compare, do the steps, one at a time.
//!
//! Each call blocks a thread of the pool and not the loop. The first failure ends the attempt.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Config, GitHub as Settings};
use crate::decide::report::github::{Context, IssueState, Plan, Step};
use crate::decide::report::heartbeat::HeartbeatInput;
use crate::decide::report::plan::{needs_closed, plan};
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::{Failure, Report};
use crate::decide::track::state::ReportInput;
use crate::io::clock::Clock;
use crate::io::github::api::{GitHub, WRITE_PAUSE};

/// Reads the token; the path is `github.token-file`.
pub type TokenFrom = fn(Option<&Path>) -> Result<Option<String>, String>;

/// A way to GitHub.
#[derive(Clone)]
pub(super) struct Reporter {
    settings: Settings,
    token: TokenFrom,
    /// With the token of the last report. Another token may belong to another account, which starts anew.
    line: Arc<Mutex<Option<Line>>>,
}

#[derive(Clone)]
struct Line {
    github: Arc<Mutex<GitHub>>,
    /// The first listing of a process includes the closed issues: one that a person closed while nobody
    /// watched must stay closed.
    greeted: Arc<Mutex<bool>>,
}

impl Reporter {
    /// `None` without a repository in the configuration.
    pub(super) fn new(config: &Config, token: TokenFrom) -> Option<Self> {
        let settings = config.github.clone()?;
        Some(Self { settings, token, line: Arc::default() })
    }

    fn line(&self) -> Result<Line, Failure> {
        let token =
            (self.token)(self.settings.token_file.as_deref()).map_err(Failure::needs_operator)?;
        let token = token.ok_or_else(|| {
            Failure::needs_operator(
                "there is no token: put one into the credential github-token or into GITHUB_TOKEN"
                    .to_owned(),
            )
        })?;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |line: &&Line| line.github.lock().unwrap_or_else(PoisonError::into_inner).has(&token);
        if let Some(line) = line.as_ref().filter(same) {
            return Ok(line.clone());
        }
        let github = GitHub::new(&self.settings, &token)
            .map_err(|error| Failure::needs_operator(error.to_string()))?;
        let github = Arc::new(Mutex::new(github));
        Ok(line.insert(Line { github, greeted: Arc::default() }).clone())
    }
}

/// One attempt to make GitHub hold what it should.
pub(super) async fn report(
    reporter: Reporter,
    belief: ReportInput,
    alive: Option<HeartbeatInput>,
    config: Config,
    clock: Clock,
) -> Report {
    let mut report = Report::default();
    report.failed = match reporter.line() {
        Ok(line) => {
            let quorum = reporter.settings.quorum;
            let done =
                attempt(&line, &belief, alive.as_ref(), &config, quorum, clock, &mut report).await;
            report.expires = line.github.lock().unwrap_or_else(PoisonError::into_inner).expires();
            done.err()
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = report
        .failed
        .as_mut()
        // An answer, even a no, has come through a certificate that was accepted.
        .filter(|failure| clock.now().wall.is_none() && failure.may_pass())
    {
        failure.why = format!(
            "the clock is not set yet, so GitHub's certificate cannot be judged ({})",
            failure.why
        );
    }
    report
}

async fn attempt(
    line: &Line,
    belief: &ReportInput,
    alive: Option<&HeartbeatInput>,
    config: &Config,
    quorum: u32,
    clock: Clock,
    report: &mut Report,
) -> Result<(), Failure> {
    let subjects: Vec<String> = config.subjects().map(|(name, _)| name.to_owned()).collect();
    let context = Context {
        vantage: &config.vantage.name,
        quorum,
        subjects: &subjects,
        well: &belief.well,
        unobserved: &belief.unobserved,
        resolved: &belief.resolved,
        schedule: &config.schedule,
        now: clock.now(),
    };
    let greeted = *line.greeted.lock().unwrap_or_else(PoisonError::into_inner);
    let (wanted, input) = (belief.wanted.clone(), alive.cloned());
    let listing = line
        .call(move |github| {
            let first = !greeted;
            github.list_with_closed_if(|open| first || needs_closed(&wanted, input.as_ref(), open))
        })
        .await?;
    let (plan, heartbeat) = plan(&belief.wanted, alive, &listing, &context);
    *line.greeted.lock().unwrap_or_else(PoisonError::into_inner) = true;
    report.recalled = heartbeat.at.map(|_| heartbeat.record);
    let Plan { steps, known, resolved, resume } = plan;
    report.known = known;
    report.resolved = resolved;
    report.resume = resume;
    for (index, step) in steps.into_iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(WRITE_PAUSE).await;
        }
        line.carry_out(step, report).await?;
    }
    report.heartbeat_written = heartbeat.at;
    Ok(())
}

impl Line {
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut GitHub) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let github = Arc::clone(&self.github);
        let blocking = move || call(&mut github.lock().unwrap_or_else(PoisonError::into_inner));
        let done = tokio::task::spawn_blocking(blocking).await;
        // Cancelled only when the program ends.
        done.unwrap_or_else(|error| Err(Failure::transient(error.to_string(), None)))
    }

    async fn carry_out(&self, step: Step, report: &mut Report) -> Result<(), Failure> {
        match step {
            Step::Create { incident, title, body, resolved, no_labels } => {
                let named = title.clone();
                let issue = self
                    .call(move |github| match no_labels {
                        true => github.create_with(&title, &body, &[], &[]),
                        false => github.create(&title, &body),
                    })
                    .await?;
                report.done.push(format!("opened issue #{}: {named}", issue.number));
                report.known.push((incident.clone(), issue));
                if resolved {
                    tokio::time::sleep(WRITE_PAUSE).await;
                    let closed = Some(IssueState::Completed);
                    self.call(move |github| github.edit(issue.number, None, None, closed)).await?;
                    report
                        .done
                        .push(format!("closed issue #{}: it was over already", issue.number));
                    report.resolved.push(incident);
                }
            }
            Step::Comment { issue, key, body } => {
                let said = self.call(move |github| github.comment(issue, &key, &body)).await?;
                if said {
                    report.done.push(format!("commented on issue #{issue}"));
                }
            }
            Step::Observe { issue, key, body, resolves } => {
                self.call(move |github| github.observe(issue, &key, &body)).await?;
                report.done.push(format!("updated our observation in issue #{issue}"));
                report.resolved.extend(resolves);
            }
            Step::Edit { issue, title, body, state, resolves, reports } => {
                self.call(move |github| github.edit(issue, title.as_deref(), Some(&body), state))
                    .await?;
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
}
