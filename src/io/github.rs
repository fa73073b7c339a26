//! GitHub's issues, as far as they concern us: list, create, comment, edit.
//!
//! Every call is blocking; the reporter runs on a thread of its own. A failed call ends the attempt: what
//! it left undone is found again by the next comparison, and nothing here remembers.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};

use super::http::{Error, Http, Response};
use crate::config::GitHub as Settings;
use crate::decide::issue::{Marker, comment_key};
use crate::decide::reconcile::{Failure, Issue, IssueState, Listing};
use crate::decide::watch::Reported;

/// The version of the REST API that the shapes below are from.
const API_VERSION: &str = "2022-11-28";

/// GitHub's largest page.
const PAGE: u32 = 100;

/// A bound on following pages: 10,000 issues of our own are a fault, not a listing.
const PAGES: usize = 100;

/// What to leave between two writes. GitHub asks for at least one second.
pub const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// GitHub's advice for a secondary limit that names no time: wait at least a minute.
const SECONDARY_WAIT: Duration = Duration::from_secs(60);

/// After a write whose answer was lost, listings may lag behind the truth.
const LAG: Duration = Duration::from_secs(60);

/// One repository, through one token.
pub struct GitHub {
    http: Http,
    settings: Settings,
    token: String,
    login: Option<String>,
}

/// What a person learns from `pilotlight report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whose token it is.
    pub login: String,
    /// How many open issues of ours there are.
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
}

#[derive(Deserialize)]
struct Comment {
    body: Option<String>,
    user: Option<User>,
}

/// What a call is for, so that its failure can name the permission that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Token,
    Read,
    Write,
}

impl GitHub {
    /// Prepares; sends nothing.
    ///
    /// # Errors
    /// When the certificate authority's file cannot be used.
    pub fn new(settings: &Settings, token: &str) -> Result<Self, String> {
        Ok(Self {
            http: Http::new(settings.ca.as_ref())?,
            settings: settings.clone(),
            token: token.to_owned(),
            login: None,
        })
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

    /// All our open issues; and the closed ones that changed last, on request.
    ///
    /// # Errors
    /// When any page is missing: half a listing is none.
    pub fn list(&mut self, closed: bool) -> Result<Listing, Failure> {
        let login = self.login()?;
        let base = format!("{}/issues?creator={login}&per_page={PAGE}", self.repository());
        let url = format!("{base}&state=open&sort=created&direction=asc");
        let mut open = self.pages(url, PAGES, &login)?;
        open.sort_by_key(|issue| issue.number);
        let closed = match closed {
            // Ours of the last hours are on the first page; only they matter.
            true => {
                let url = format!("{base}&state=closed&sort=updated&direction=desc");
                Some(self.pages(url, 1, &login)?)
            }
            false => None,
        };
        Ok(Listing { open, closed })
    }

    /// Opens an issue and returns its number.
    ///
    /// # Errors
    /// When it was not opened, or may have been.
    pub fn create(&self, title: &str, body: &str) -> Result<Reported, Failure> {
        let url = format!("{}/issues", self.repository());
        let create = |labels: &[String], assignees: &[String]| {
            let content = json!({
                "title": title, "body": body, "labels": labels, "assignees": assignees,
            });
            self.call::<Item>("POST", &url, Some(&content), Need::Write)
        };
        let (labels, assignees) = (&self.settings.labels, &self.settings.assignees);
        let created = create(labels, assignees).or_else(|failure| {
            if !failure.refused || labels.is_empty() && assignees.is_empty() {
                return Err(failure);
            }
            // An assignee who has left, perhaps. That must not keep an outage secret.
            tracing::warn!("without labels and assignees, because: {}", failure.why);
            create(&[], &[])
        });
        let item = created?.1;
        Ok(Reported { number: item.number, closed_by_hand: false })
    }

    /// Comments, unless a comment of ours with this key is there. Returns whether it did.
    ///
    /// # Errors
    /// When it was not said, or may have been.
    pub fn comment(&mut self, issue: u64, key: &str, body: &str) -> Result<bool, Failure> {
        let login = self.login()?;
        let url = format!("{}/issues/{issue}/comments", self.repository());
        let mut next = Some(format!("{url}?per_page={PAGE}"));
        for _ in 0..PAGES {
            let Some(page) = next.take() else { break };
            let (headers, comments): (_, Vec<Comment>) =
                self.call("GET", &page, None, Need::Read)?;
            let said = comments.iter().any(|comment| {
                comment.user.as_ref().is_some_and(|user| user.login == login)
                    && comment.body.as_deref().and_then(comment_key).as_deref() == Some(key)
            });
            if said {
                return Ok(false);
            }
            next = next_page(&headers);
        }
        let _: (_, Value) = self.call("POST", &url, Some(&json!({ "body": body })), Need::Write)?;
        Ok(true)
    }

    /// Changes an issue.
    ///
    /// # Errors
    /// When it was not changed, or may have been.
    pub fn edit(
        &self,
        issue: u64,
        title: Option<&str>,
        body: Option<&str>,
        state: Option<IssueState>,
    ) -> Result<(), Failure> {
        let mut content = serde_json::Map::new();
        if let Some(title) = title {
            content.insert("title".into(), title.into());
        }
        if let Some(body) = body {
            content.insert("body".into(), body.into());
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
        let url = format!("{}/issues/{issue}", self.repository());
        let _: (_, Value) = self.call("PATCH", &url, Some(&content.into()), Need::Write)?;
        Ok(())
    }

    fn repository(&self) -> String {
        format!("{}/repos/{}", self.settings.api, self.settings.repository)
    }

    /// Whose token it is; asked once.
    fn login(&mut self) -> Result<String, Failure> {
        if let Some(login) = &self.login {
            return Ok(login.clone());
        }
        let url = format!("{}/user", self.settings.api);
        let user: User = self.call("GET", &url, None, Need::Token)?.1;
        self.login = Some(user.login.clone());
        Ok(user.login)
    }

    /// Issues of ours on up to that many pages.
    fn pages(&self, url: String, most: usize, login: &str) -> Result<Vec<Issue>, Failure> {
        let mut issues = Vec::new();
        let mut next = Some(url);
        for _ in 0..most {
            let Some(url) = next.take() else { break };
            let (headers, items): (_, Vec<Item>) = self.call("GET", &url, None, Need::Read)?;
            issues.extend(items.into_iter().filter_map(|item| ours(item, login)));
            next = next_page(&headers);
        }
        match next {
            Some(_) if most == PAGES => Err(passing(
                format!("more than {PAGES} pages of open issues: a part of them is none"),
                None,
            )),
            _ => Ok(issues),
        }
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        url: &str,
        content: Option<&Value>,
        need: Need,
    ) -> Result<(HeaderMap, T), Failure> {
        // A next page is wherever the server says; the token goes nowhere else than the API.
        if !url.starts_with(&format!("{}/", self.settings.api)) {
            return Err(passing(format!("a page of the listing lies elsewhere, at {url}"), None));
        }
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Accept", "application/vnd.github+json")
            .header("X-GitHub-Api-Version", API_VERSION)
            .header("Content-Type", "application/json")
            .body(content.map(Value::to_string).unwrap_or_default());
        let request = request.map_err(|_| {
            denied("the token has characters that no token has: copy it again".to_owned())
        })?;
        let writes = method != "GET";
        let place = || format!("{method} {}", url.strip_prefix(&self.settings.api).unwrap_or(url));
        let response = self.http.send(request).map_err(|error| {
            let wait = (writes && matches!(error, Error::Ambiguous(_))).then_some(LAG);
            passing(format!("GitHub is out of reach: {}: {error}", place()), wait)
        })?;
        if !(200..300).contains(&response.status) {
            return Err(self.refused(&response, need, &place()));
        }
        let parsed = serde_json::from_str(&response.body).map_err(|error| {
            let why = format!("GitHub's answer makes no sense: {}: {error}", place());
            passing(why, writes.then_some(LAG))
        })?;
        Ok((response.headers, parsed))
    }

    /// An answer that is a no: what it means, and what to do.
    fn refused(&self, response: &Response, need: Need, place: &str) -> Failure {
        let status = response.status;
        let said = serde_json::from_str::<Value>(&response.body).ok();
        let said = said.as_ref().and_then(|body| body["message"].as_str()).unwrap_or("").to_owned();
        let repository = &self.settings.repository;
        if let Some(wait) = limited(response, &said) {
            let why = format!("GitHub asks to wait: {place}: {status} {said}");
            return passing(why, Some(wait));
        }
        match (status, need) {
            (401, _) => denied(format!(
                "the token is wrong, expired or revoked ({status} {said}): put a new one in its place"
            )),
            (403, Need::Write) => denied(format!(
                "the token may not write issues of {repository} ({status} {said}): give it the permission \
                 \"Issues: read and write\""
            )),
            (403, _) => denied(format!(
                "the token may not read issues of {repository} ({status} {said}): give it the permission \
                 \"Issues: read and write\""
            )),
            (404, _) => denied(format!(
                "there is no repository {repository} that the token may see ({status} {said}): check \
                 github.repository, and give the token access to it with the permission \"Issues: read and \
                 write\""
            )),
            (410, _) => denied(format!(
                "issues are switched off in {repository} ({status} {said}): switch them on in its settings"
            )),
            (301 | 307 | 308, _) => denied(format!(
                "{repository} has moved ({status}): put its new name in github.repository"
            )),
            (422, _) => Failure {
                refused: true,
                ..denied(format!(
                    "GitHub does not accept what we write: {place}: {status} {}",
                    response.body.chars().take(500).collect::<String>()
                ))
            },
            (500.., Need::Write) => {
                passing(format!("GitHub is in trouble: {place}: {status} {said}"), Some(LAG))
            }
            _ => passing(format!("GitHub is in trouble: {place}: {status} {said}"), None),
        }
    }
}

fn passing(why: String, wait: Option<Duration>) -> Failure {
    Failure { why, final_until_a_person_acts: false, refused: false, wait }
}

fn denied(why: String) -> Failure {
    Failure { why, final_until_a_person_acts: true, refused: false, wait: None }
}

/// How long GitHub wants to be left alone, if that is what it says.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
fn limited(response: &Response, said: &str) -> Option<Duration> {
    let header = |name: &str| response.headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    if !matches!(response.status, 403 | 429 | 500..) {
        return None;
    }
    // GitHub's window is an hour. Whatever asks for more is not GitHub, or wrong.
    let seconds = |n: i64| Duration::from_secs(n.clamp(1, 3600).unsigned_abs());
    if let Some(wait) = header("retry-after") {
        return Some(seconds(wait));
    }
    if response.status >= 500 {
        return None;
    }
    if header("x-ratelimit-remaining") == Some(0) {
        // Both times are GitHub's, so that our own clock does not matter.
        let date = response.headers.get("date").and_then(|date| date.to_str().ok());
        let now = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let reset = header("x-ratelimit-reset");
        let wait = reset.zip(now).map(|(reset, now)| seconds(reset - now.timestamp().as_second()));
        return Some(wait.unwrap_or(SECONDARY_WAIT));
    }
    let secondary = response.status == 429 || said.to_lowercase().contains("secondary rate limit");
    secondary.then_some(SECONDARY_WAIT)
}

/// The `rel="next"` of a `Link` header.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// An issue that our own login wrote and that carries our marker; never a pull request.
fn ours(item: Item, login: &str) -> Option<Issue> {
    let body = item.body?;
    let marker = Marker::find(&body)?;
    let written_by_us = item.user?.login == login;
    if item.pull_request.is_some() || !written_by_us {
        return None;
    }
    Some(Issue {
        number: item.number,
        title: item.title,
        open: item.state == "open",
        reopened: item.state_reason.as_deref() == Some("reopened"),
        closed_at: item.closed_at,
        marker,
        body,
    })
}
