//! GitHub's issues: list, create, comment, edit.
//!
//! Every call is blocking; the reporter has a thread of its own. A failed call ends the report, and the next
//! report finds what is left to do.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::GitHub as Settings;
use crate::decide::report::github::{AuxiliaryIssue, Issue, IssueState, Listing};
use crate::decide::report::marker::{
    VantageObservation, comment_key, hidden, with_words_of_others,
};
use crate::decide::report::observations::observation_key;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::{Failure, FailureKind};
use crate::io::github::connection::{Connection, PAGES};
use crate::io::github::errors::Need;
use crate::io::http::error::HttpError;

/// GitHub's largest page.
const PAGE: u32 = 100;

/// A page of comments. Anybody can comment on an issue of a public repository, with 65,536 characters each.
const COMMENTS_PAGE: u32 = 15;

/// What is read of the comments of one issue: 1,500 of them, or this many bytes.
const COMMENTS_PAGES: usize = 100;
const COMMENTS_BYTES: usize = 32 * 1024 * 1024;

/// One issue whose comments cannot be read does not end a listing. So many are a fault of GitHub.
const UNREADABLE: usize = 3;

/// What a process leaves between two writes. GitHub asks for at least one second.
pub const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// One repository, through one token.
pub struct GitHub {
    connection: Connection,
    login: Option<String>,
    /// The issues of the last listing that a person has locked.
    locked: Vec<u64>,
}

/// What a person learns from `pilotlight report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The owner of the token.
    pub login: String,
    /// Open issues of that owner in the repository.
    pub open: usize,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Item {
    number: u64,
    title: String,
    body: Option<String>,
    state: String,
    state_reason: Option<String>,
    closed_at: Option<Timestamp>,
    user: Option<User>,
    pull_request: Option<Value>,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    comments: u64,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

impl GitHub {
    /// Prepares; sends nothing.
    ///
    /// # Errors
    /// When the certificate authority's file cannot be used.
    pub fn new(settings: &Settings, token: &str) -> Result<Self, HttpError> {
        Ok(Self { connection: Connection::new(settings, token)?, login: None, locked: Vec::new() })
    }

    /// Whether this is the token that it has.
    #[must_use]
    pub fn has(&self, token: &str) -> bool {
        self.connection.token == token
    }

    /// When the token expires, as far as GitHub has said.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.connection.expires
    }

    /// Proves token, repository and the right to read issues.
    ///
    /// # Errors
    /// What is missing.
    pub fn access(&mut self) -> Result<Access, Failure> {
        let open = self.list(false)?.open.len();
        let login = self.login()?;
        Ok(Access { login, open })
    }

    /// All open issues of ours, with the observations of all vantages; and the closed ones that changed last, on
    /// request.
    ///
    /// # Errors
    /// When any page is missing: half a listing is none.
    pub fn list(&mut self, closed: bool) -> Result<Listing, Failure> {
        self.list_with_closed_if(|_| closed)
    }

    /// The same; whether the closed issues are needed is decided by the open ones.
    ///
    /// # Errors
    /// When any page is missing.
    pub fn list_with_closed_if(
        &mut self,
        needs_closed: impl FnOnce(&Listing) -> bool,
    ) -> Result<Listing, Failure> {
        let mut listing = Listing::default();
        let accounts = self.accounts()?;
        let issues = format!("{}/issues", self.repository());
        let mut unreadable = 0;
        let mut locked = Vec::new();
        for login in &accounts {
            let url = format!(
                "{issues}?creator={login}&per_page={PAGE}&state=open&sort=created&direction=asc"
            );
            for item in self.connection.pages::<Item>(url, PAGES)? {
                let (number, comments) = (item.number, item.comments);
                locked.extend(item.locked.then_some(number));
                let Some(mut issue) = note(&mut listing, item, login) else { continue };
                if comments > 0 {
                    let read = self.comments(number);
                    let passes = |failure: &Failure| {
                        failure.kind != FailureKind::NeedsOperator && failure.wait.is_none()
                    };
                    issue.partial = !matches!(&read, Ok((_, true)));
                    issue.secondary = match read {
                        Ok((comments, _)) => observations(&comments),
                        Err(failure) if passes(&failure) && unreadable < UNREADABLE => {
                            tracing::warn!("comments of issue #{number}: {}", failure.why);
                            unreadable += 1;
                            Vec::new()
                        }
                        Err(failure) => return Err(failure),
                    };
                }
                listing.open.push(issue);
            }
        }
        listing.open.sort_by_key(|issue| issue.number);
        (listing.at, listing.token_expires) = (self.connection.at, self.connection.expires);
        if needs_closed(&listing) {
            for login in &accounts {
                // Only the issues of the last hours matter, and they are on the first page.
                let url = format!(
                    "{issues}?creator={login}&per_page={PAGE}&state=closed&sort=updated&direction=desc"
                );
                for item in self.connection.pages::<Item>(url, 1)? {
                    locked.extend(item.locked.then_some(item.number));
                    let found = note(&mut listing, item, login);
                    listing.closed.extend(found);
                }
            }
            (listing.at, listing.token_expires) = (self.connection.at, self.connection.expires);
        }
        self.locked = locked;
        Ok(listing)
    }

    /// Whether a refused issue may be accepted without the labels and assignees of the configuration.
    #[must_use]
    pub fn may_omit_labels(&self, failure: &Failure) -> bool {
        let Settings { labels, assignees, .. } = &self.connection.settings;
        failure.kind == FailureKind::Rejected && !(labels.is_empty() && assignees.is_empty())
    }

    /// Opens an issue, with the labels and assignees of the configuration or without.
    ///
    /// # Errors
    /// When it was not opened, or may have been.
    pub fn create(&mut self, title: &str, body: &str, labelled: bool) -> Result<IssueRef, Failure> {
        let url = format!("{}/issues", self.repository());
        let mut content = json!({ "title": title, "body": body });
        if labelled {
            let Settings { labels, assignees, .. } = &self.connection.settings;
            (content["labels"], content["assignees"]) = (json!(labels), json!(assignees));
        }
        let created = self.connection.call::<Item>("POST", &url, Some(&content), Need::Write)?.1;
        Ok(IssueRef { number: created.number, closed_by_hand: false })
    }

    /// Comments, unless a comment of ours with this key is there. Returns whether it did.
    ///
    /// # Errors
    /// When it was not said, or may have been.
    pub fn comment(&mut self, issue: u64, key: &str, body: &str) -> Result<bool, Failure> {
        if self.own_comment(issue, key, |_| true)?.is_some() {
            return Ok(false);
        }
        self.say(issue, body)?;
        Ok(true)
    }

    /// Brings our comment with this key to this text, or adds it.
    ///
    /// # Errors
    /// When it was not said, or may have been.
    pub fn observe(&mut self, issue: u64, key: &str, body: &str) -> Result<(), Failure> {
        let login = self.login()?;
        match self.own_comment(issue, key, |said| said.by(std::slice::from_ref(&login)))? {
            Some(said) if said.body.as_deref() == Some(body) => Ok(()),
            Some(said) => {
                let url = format!("{}/issues/comments/{}", self.repository(), said.id);
                self.write(issue, "PATCH", &url, &json!({ "body": body }))
            }
            None => self.say(issue, body),
        }
    }

    fn say(&mut self, issue: u64, body: &str) -> Result<(), Failure> {
        self.write(issue, "POST", &self.comments_url(issue), &json!({ "body": body }))
    }

    fn write(
        &mut self,
        issue: u64,
        method: &str,
        url: &str,
        content: &Value,
    ) -> Result<(), Failure> {
        let need = match self.locked.contains(&issue) {
            true => Need::WriteLocked(issue),
            false => Need::WriteIssue(issue),
        };
        self.connection.call::<Value>(method, url, Some(content), need).map(drop)
    }

    /// The comment with this key.
    fn own_comment(
        &mut self,
        issue: u64,
        key: &str,
        fits: impl Fn(&Comment) -> bool,
    ) -> Result<Option<Comment>, Failure> {
        let (comments, all) = self.comments(issue)?;
        let found = comments.into_iter().find(|c| c.key().as_deref() == Some(key) && fits(c));
        if found.is_none() && !all {
            return Err(Failure::rejected(format!(
                "issue #{issue} has more comments than pilotlight reads: delete those of strangers, and lock it"
            )));
        }
        Ok(found)
    }

    /// The comments of trusted accounts, and whether all comments were read.
    fn comments(&mut self, issue: u64) -> Result<(Vec<Comment>, bool), Failure> {
        let accounts = self.accounts()?;
        let (mut ours, mut bytes) = (Vec::new(), 0);
        let mut next = Some(format!("{}?per_page={COMMENTS_PAGE}", self.comments_url(issue)));
        for _ in 0..COMMENTS_PAGES {
            let Some(url) = next.take_if(|_| bytes < COMMENTS_BYTES) else { break };
            let (following, comments): (_, Vec<Comment>) =
                self.connection.call("GET", &url, None, Need::ReadIssue(issue))?;
            ours.extend(comments.into_iter().filter(|comment| comment.by(&accounts)));
            bytes += self.connection.bytes;
            next = following;
        }
        Ok((ours, next.is_none()))
    }

    fn comments_url(&self, issue: u64) -> String {
        format!("{}/issues/{issue}/comments", self.repository())
    }

    /// Changes an issue. Our part of its text is replaced in the text as it is now: GitHub cannot compare before it
    /// writes, so what a person writes within the same second may be lost.
    ///
    /// # Errors
    /// When it was not changed, or may have been.
    pub fn edit(
        &mut self,
        issue: u64,
        title: Option<&str>,
        body: Option<&str>,
        state: Option<IssueState>,
    ) -> Result<(), Failure> {
        let mut content = serde_json::Map::new();
        if let Some(title) = title {
            content.insert("title".into(), title.into());
        }
        let url = format!("{}/issues/{issue}", self.repository());
        if let Some(body) = body {
            let now = self.connection.call::<Item>("GET", &url, None, Need::ReadIssue(issue))?.1;
            let now = now.body.unwrap_or_default();
            content.insert("body".into(), with_words_of_others(body, &now).into());
        }
        if let Some(state) = state {
            let (state, reason) = match state {
                IssueState::Open => ("open", "reopened"),
                IssueState::Completed => ("closed", "completed"),
                IssueState::NotPlanned => ("closed", "not_planned"),
            };
            content.insert("state".into(), state.into());
            content.insert("state_reason".into(), reason.into());
        }
        self.write(issue, "PATCH", &url, &content.into())
    }

    fn repository(&self) -> String {
        format!("{}/repos/{}", self.connection.settings.api, self.connection.settings.repository)
    }

    /// Whose token it is; asked once.
    fn login(&mut self) -> Result<String, Failure> {
        if let Some(login) = &self.login {
            return Ok(login.clone());
        }
        let url = format!("{}/user", self.connection.settings.api);
        let user: User = self.connection.call("GET", &url, None, Need::Token)?.1;
        self.login = Some(user.login.clone());
        Ok(user.login)
    }

    /// The accounts whose markers are believed: ours, and those of other vantages.
    fn accounts(&mut self) -> Result<Vec<String>, Failure> {
        let own = self.login()?;
        let others = self.connection.settings.accounts.iter();
        let others = others.filter(|other| !other.eq_ignore_ascii_case(&own)).cloned();
        Ok(std::iter::once(own.clone()).chain(others).collect())
    }
}

impl Comment {
    fn by(&self, accounts: &[String]) -> bool {
        let user = self.user.as_ref();
        user.is_some_and(|user| accounts.iter().any(|own| own.eq_ignore_ascii_case(&user.login)))
    }

    fn key(&self) -> Option<String> {
        comment_key(self.body.as_deref()?)
    }
}

/// The observations in comments of ours.
fn observations(comments: &[Comment]) -> Vec<VantageObservation> {
    let observations = comments.iter().filter_map(|comment| {
        let found = VantageObservation::find(comment.body.as_deref()?)?;
        (comment.key()? == observation_key(&found.vantage)).then_some(found)
    });
    observations.collect()
}

/// An issue that this account wrote and that carries a vantage's marker, never a pull request; what carries
/// another marker of ours is noted aside.
fn note(listing: &mut Listing, item: Item, login: &str) -> Option<Issue> {
    let body = item.body?;
    let written_by_us = item.user?.login.eq_ignore_ascii_case(login);
    if item.pull_request.is_some() || !written_by_us {
        return None;
    }
    let (number, open) = (item.number, item.state == "open");
    let Some(opener) = VantageObservation::find(&body) else {
        listing.auxiliary.extend(hidden(&body).is_some().then(|| AuxiliaryIssue {
            number,
            body: body.clone(),
            open,
        }));
        return None;
    };
    Some(Issue {
        number,
        title: item.title,
        open,
        reopened: item.state_reason.as_deref() == Some("reopened"),
        closed_at: item.closed_at,
        opener,
        secondary: Vec::new(),
        partial: false,
        body,
    })
}
