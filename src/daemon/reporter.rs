//! Carries plans out: list, compare, do the steps, one at a time.
//!
//! Each call blocks a thread of the pool and not the loop. The first failure ends the attempt.

use std::path::Path;

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

/// A way to GitHub. The job of a report owns it, and returns it with the report.
pub(super) struct Reporter {
    settings: Settings,
    token: TokenFrom,
    /// With the token of the last report. Another token may belong to another account, which starts anew.
    session: Option<Session>,
}

struct Session {
    /// `None` while a thread makes a call.
    github: Option<GitHub>,
    /// The first listing of a process includes the closed issues: an issue that a person closed in the meantime must
    /// stay closed.
    greeted: bool,
}

impl Reporter {
    /// `None` without a repository in the configuration.
    pub(super) fn new(config: &Config, token: TokenFrom) -> Option<Self> {
        let settings = config.github.clone()?;
        Some(Self { settings, token, session: None })
    }

    fn session(&mut self) -> Result<&mut Session, Failure> {
        let token =
            (self.token)(self.settings.token_file.as_deref()).map_err(Failure::needs_operator)?;
        let token = token.ok_or_else(|| {
            Failure::needs_operator(
                "there is no token: put one into the credential github-token or into GITHUB_TOKEN"
                    .to_owned(),
            )
        })?;
        let known = self.session.take();
        let same = |session: &Session| session.github.as_ref().is_some_and(|g| g.has(&token));
        let session = match known.filter(same) {
            Some(session) => session,
            None => {
                let github = GitHub::new(&self.settings, &token)
                    .map_err(|error| Failure::needs_operator(error.to_string()))?;
                Session { github: Some(github), greeted: false }
            }
        };
        Ok(self.session.insert(session))
    }
}

/// One attempt to make GitHub hold what it should.
pub(super) async fn report(
    mut reporter: Reporter,
    belief: ReportInput,
    alive: Option<HeartbeatInput>,
    config: Config,
    clock: Clock,
) -> (Reporter, Report) {
    let mut report = Report::default();
    let quorum = reporter.settings.quorum;
    report.failed = match reporter.session() {
        Ok(session) => {
            let done =
                attempt(session, &belief, alive.as_ref(), &config, quorum, clock, &mut report)
                    .await;
            report.expires = session.github.as_ref().and_then(GitHub::expires);
            done.err()
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = report
        .failed
        .as_mut()
        // An error answer has come through an accepted certificate.
        .filter(|failure| clock.now().wall.is_none() && failure.may_pass())
    {
        failure.why = format!(
            "the clock is not set yet, so GitHub's certificate cannot be verified ({})",
            failure.why
        );
    }
    (reporter, report)
}

async fn attempt(
    session: &mut Session,
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
    let first = !session.greeted;
    let (wanted, input) = (belief.wanted.clone(), alive.cloned());
    let listing = session
        .call(move |github| {
            github.list_with_closed_if(|open| first || needs_closed(&wanted, input.as_ref(), open))
        })
        .await?;
    let (plan, heartbeat) = plan(&belief.wanted, alive, &listing, &context);
    session.greeted = true;
    report.recalled = heartbeat.at.map(|_| heartbeat.record);
    let Plan { steps, known, resolved, resume } = plan;
    report.known = known;
    report.resolved = resolved;
    report.resume = resume;
    for (index, step) in steps.into_iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(WRITE_PAUSE).await;
        }
        session.carry_out(step, report).await?;
    }
    report.heartbeat_written = heartbeat.at;
    Ok(())
}

impl Session {
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

    async fn carry_out(&mut self, step: Step, report: &mut Report) -> Result<(), Failure> {
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
