//! `pilotlight report`: proves the way to GitHub before an outage has to.

use std::io::{self, Write};
use std::path::Path;
use std::thread;

use crate::cli::common::{Failed, load};
use crate::cli::services;
use crate::config::GitHub as GitHubSettings;
use crate::decide::report::github::IssueState;
use crate::decide::report::marker::comment;
use crate::decide::time::wall_text;
use crate::decide::track::reported::Failure;
use crate::io::github::api::{GitHub, WRITE_PAUSE};
use crate::io::system::token;
use crate::text::count;

/// `@ACCOUNTS@` in it are the logins whose signs of life are believed.
const WORKFLOW: &str = include_str!("workflow.yml");

pub(super) fn report(path: &Path, test: bool, workflow: bool) -> Result<u8, Failed> {
    let config = load(path)?;
    let out = &mut io::stdout().lock();
    let sent = !test || services::try_all(out, &config)?;
    let Some(settings) = &config.github else {
        if test && (!config.notify.is_empty() || config.heartbeat.is_some()) {
            return Ok(u8::from(!sent));
        }
        return Err(Failed::Other(format!(
            "{}: there is no [github] section, so nothing is reported; add one with repository = \"owner/name\"",
            path.display()
        )));
    };
    let token = token::read(settings.token_file.as_deref())
        .map_err(|error| Failed::Other(format!("{error}\n{}", how_to_make_one(settings, path))))?;
    let mut github =
        GitHub::new(settings, &token).map_err(|error| Failed::Other(error.to_string()))?;
    let access = github.access().map_err(failed)?;
    if workflow {
        let accounts = std::iter::once(&access.login).chain(&settings.accounts);
        let accounts: Vec<&str> = accounts.map(String::as_str).collect();
        write!(out, "{}", WORKFLOW.replace("@ACCOUNTS@", &accounts.join(" ")))?;
        return Ok(0);
    }
    writeln!(out, "token      belongs to {}", access.login)?;
    if let Some(expires) = github.expires() {
        writeln!(out, "expires    {}", wall_text(Some(expires)))?;
    }
    let open = count(access.open, "open issue");
    writeln!(out, "repository {}, {open} of ours", settings.repository)?;
    if test {
        try_writing(out, &mut github, &config.vantage.name)?;
    } else {
        writeln!(
            out,
            "writing    not tried; `pilotlight report --test` opens a test issue and closes it"
        )?;
    }
    Ok(u8::from(!sent))
}

/// Opens an issue, comments on it and closes it.
fn try_writing(out: &mut impl Write, github: &mut GitHub, vantage: &str) -> Result<(), Failed> {
    let text = format!("A test by `pilotlight report --test` from *{vantage}*. It closes itself.");
    let issue = match github.create("pilotlight: test", &text, true) {
        Err(failure) if github.may_omit_labels(&failure) => {
            thread::sleep(WRITE_PAUSE);
            github.create("pilotlight: test", &text, false)
        }
        created => created,
    };
    let issue = issue.map_err(failed)?;
    writeln!(out, "opened     issue #{}", issue.number)?;
    let said = comment(&format!("test/{}", issue.number), "Comments work.");
    thread::sleep(WRITE_PAUSE);
    let commented = github.comment(issue.number, &format!("test/{}", issue.number), &said);
    // Closed even when commenting failed: a test must not leave anything open.
    thread::sleep(WRITE_PAUSE);
    let closed = github.edit(issue.number, None, None, Some(IssueState::Completed));
    commented.map_err(failed)?;
    writeln!(out, "commented  on it")?;
    closed.map_err(failed)?;
    writeln!(out, "closed     it: outages will be reported")?;
    Ok(())
}

fn how_to_make_one(settings: &GitHubSettings, config: &Path) -> String {
    let GitHubSettings { api, repository, .. } = settings;
    let site = api.replacen("://api.", "://", 1);
    let site = site.strip_suffix("/api/v3").unwrap_or(&site); // GitHub Enterprise
    format!(
        "Make a fine-grained token: {site}/settings/personal-access-tokens/new\n    \
         with access to the repository {repository}, and the permission \"Issues: read and write\"\n\
         Try it:\n    \
         GITHUB_TOKEN=… pilotlight report --test --config {}\n\
         Give it to the service:\n    \
         sudo install -Dm600 /dev/stdin /etc/credstore/github-token    # paste it, then Enter and Ctrl-D\n    \
         sudo systemctl restart pilotlight",
        config.display()
    )
}

fn failed(failure: Failure) -> Failed {
    Failed::Other(failure.why)
}
