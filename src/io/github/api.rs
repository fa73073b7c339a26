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

use crate::config::GitHub as Settings;
use crate::decide::report::github::{AuxiliaryIssue, Issue, IssueState, Listing};
use crate::decide::report::marker::{VantageObservation, comment_key, hidden};
use crate::decide::report::observations::observation_key;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::{Failure, FailureKind};
use crate::io::github::errors::{LAG, Need, http_date, refused};
use crate::io::http::client::Http;
use crate::io::http::error::HttpError;

/// The version of the REST API that the shapes below are from.
const API_VERSION: &str = "2022-11-28";

/// GitHub's largest page.
const PAGE: u32 = 100;

/// A bound on following pages: 10,000 issues of our own are a fault, not a listing.
const PAGES: usize = 100;

/// What to leave between two writes. GitHub asks for at least one second.
pub const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// What is kept to ask GitHub whether it has changed: this many pages, none of them larger.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 256 * 1024;

/// One repository, through one token.
pub struct GitHub {
    http: Http,
    pub(super) settings: Settings,
    token: String,
    login: Option<String>,
    /// The pages read last. GitHub does not send or count a page that has not changed.
    kept: Vec<Page>,
    at: Option<Timestamp>,
    expires: Option<Timestamp>,
}

/// An answer that GitHub may say is still true (its `ETag`).
struct Page {
    url: String,
    tag: String,
    next: Option<String>,
    body: String,
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
    pub fn new(settings: &Settings, token: &str) -> Result<Self, String> {
        Ok(Self {
            http: Http::new(settings.ca.as_ref()).map_err(|error| error.to_string())?,
            settings: settings.clone(),
            token: token.to_owned(),
            login: None,
            kept: Vec::new(),
            at: None,
            expires: None,
        })
    }

    /// Whether this is the token that it has.
    #[must_use]
    pub fn has(&self, token: &str) -> bool {
        self.token == token
    }

    /// When the token expires, as far as GitHub has said.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
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
        for login in &accounts {
            let url = format!(
                "{issues}?creator={login}&per_page={PAGE}&state=open&sort=created&direction=asc"
            );
            for item in self.pages::<Item>(url, PAGES)? {
                let (number, comments) = (item.number, item.comments);
                let Some(mut issue) = note(&mut listing, item, login) else { continue };
                if comments > 0 {
                    issue.secondary = self.observations(number)?;
                }
                listing.open.push(issue);
            }
        }
        listing.open.sort_by_key(|issue| issue.number);
        (listing.at, listing.token_expires) = (self.at, self.expires);
        if needs_closed(&listing) {
            for login in &accounts {
                // Only the issues of the last hours matter, and they are on the first page.
                let url = format!(
                    "{issues}?creator={login}&per_page={PAGE}&state=closed&sort=updated&direction=desc"
                );
                for item in self.pages::<Item>(url, 1)? {
                    let found = note(&mut listing, item, login);
                    listing.closed.extend(found);
                }
            }
            (listing.at, listing.token_expires) = (self.at, self.expires);
        }
        Ok(listing)
    }

    /// The observation comments of an issue.
    fn observations(&mut self, issue: u64) -> Result<Vec<VantageObservation>, Failure> {
        let accounts = self.accounts()?;
        let comments = self.comments(issue)?.into_iter().filter(|comment| comment.by(&accounts));
        let observations = comments.filter_map(|comment| {
            let body = comment.body?;
            let found = VantageObservation::find(&body)?;
            (comment_key(&body)? == observation_key(&found.vantage)).then_some(found)
        });
        Ok(observations.collect())
    }

    /// Opens an issue and returns its number.
    ///
    /// # Errors
    /// When it was not opened, or may have been.
    pub fn create(&mut self, title: &str, body: &str) -> Result<IssueRef, Failure> {
        let Settings { labels, assignees, .. } = self.settings.clone();
        self.create_with(title, body, &labels, &assignees).or_else(|failure| {
            if failure.kind != FailureKind::Rejected || labels.is_empty() && assignees.is_empty() {
                return Err(failure);
            }
            // An assignee who has left, perhaps. That must not keep an outage secret.
            tracing::warn!("without labels and assignees, because: {}", failure.why);
            self.create_with(title, body, &[], &[])
        })
    }

    /// Opens an issue with these labels and assignees, or not at all.
    ///
    /// # Errors
    /// When it was not opened, or may have been.
    pub fn create_with(
        &mut self,
        title: &str,
        body: &str,
        labels: &[String],
        assignees: &[String],
    ) -> Result<IssueRef, Failure> {
        let url = format!("{}/issues", self.repository());
        let content = json!({
            "title": title, "body": body, "labels": labels, "assignees": assignees,
        });
        let created = self.call::<Item>("POST", &url, Some(&content), Need::Write)?.1;
        Ok(IssueRef { number: created.number, closed_by_hand: false })
    }

    /// Comments, unless a comment of ours with this key is there. Returns whether it did.
    ///
    /// # Errors
    /// When it was not said, or may have been.
    pub fn comment(&mut self, issue: u64, key: &str, body: &str) -> Result<bool, Failure> {
        let accounts = self.accounts()?;
        let comments = self.comments(issue)?;
        if comments.iter().any(|said| said.by(&accounts) && said.key().as_deref() == Some(key)) {
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
        let comments = self.comments(issue)?;
        let same = |said: &&Comment| {
            said.by(std::slice::from_ref(&login)) && said.key().as_deref() == Some(key)
        };
        match comments.iter().find(same) {
            Some(said) if said.body.as_deref() == Some(body) => Ok(()),
            Some(said) => {
                let url = format!("{}/issues/comments/{}", self.repository(), said.id);
                self.call::<Value>("PATCH", &url, Some(&json!({ "body": body })), Need::Write)?;
                Ok(())
            }
            None => self.say(issue, body),
        }
    }

    fn say(&mut self, issue: u64, body: &str) -> Result<(), Failure> {
        let url = self.comments_url(issue);
        self.call::<Value>("POST", &url, Some(&json!({ "body": body })), Need::Write)?;
        Ok(())
    }

    fn comments(&mut self, issue: u64) -> Result<Vec<Comment>, Failure> {
        self.pages(format!("{}?per_page={PAGE}", self.comments_url(issue)), PAGES)
    }

    fn comments_url(&self, issue: u64) -> String {
        format!("{}/issues/{issue}/comments", self.repository())
    }

    /// Changes an issue.
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
        self.call::<Value>("PATCH", &url, Some(&content.into()), Need::Write)?;
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

    /// The accounts whose markers are believed: ours, and those of other vantages.
    fn accounts(&mut self) -> Result<Vec<String>, Failure> {
        let own = self.login()?;
        let others = self.settings.accounts.iter();
        let others = others.filter(|other| !other.eq_ignore_ascii_case(&own)).cloned();
        Ok(std::iter::once(own.clone()).chain(others).collect())
    }

    /// What is on up to that many pages.
    fn pages<T: DeserializeOwned>(&mut self, url: String, most: usize) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        let mut next = Some(url);
        for _ in 0..most {
            let Some(url) = next.take() else { break };
            let (following, items): (_, Vec<T>) = self.call("GET", &url, None, Need::Read)?;
            all.extend(items);
            next = following;
        }
        match next {
            Some(_) if most == PAGES => Err(Failure::transient(
                format!("more than {PAGES} pages: a part of them is none"),
                None,
            )),
            _ => Ok(all),
        }
    }

    /// One request; with what it says comes the next page's address, if there is one.
    fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        url: &str,
        content: Option<&Value>,
        need: Need,
    ) -> Result<(Option<String>, T), Failure> {
        // A next page is wherever the server says; the token goes nowhere else than the API.
        if !url.starts_with(&format!("{}/", self.settings.api)) {
            return Err(Failure::transient(
                format!("a page of the listing lies elsewhere, at {url}"),
                None,
            ));
        }
        let kept = self.kept.iter().position(|page| page.url == url && method == "GET");
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Accept", "application/vnd.github+json")
            .header("X-GitHub-Api-Version", API_VERSION)
            .header("Content-Type", "application/json");
        if let Some(at) = kept {
            request = request.header("If-None-Match", &self.kept[at].tag);
        }
        let request = request.body(content.map(Value::to_string).unwrap_or_default());
        let request = request.map_err(|_| {
            Failure::needs_operator(
                "the token has characters that no token has: copy it again".to_owned(),
            )
        })?;
        let writes = method != "GET";
        let place = || format!("{method} {}", url.strip_prefix(&self.settings.api).unwrap_or(url));
        let response = self.http.send(request).map_err(|error| {
            let wait = (writes && matches!(error, HttpError::Ambiguous(_))).then_some(LAG);
            Failure::transient(format!("GitHub is out of reach: {}: {error}", place()), wait)
        })?;
        let header = |name| response.headers.get(name).and_then(|value| value.to_str().ok());
        self.at = header("date").and_then(http_date);
        let expires = header("github-authentication-token-expiration").and_then(expiry);
        self.expires = expires.or(self.expires);
        let page = match (response.status, kept) {
            (304, Some(at)) => self.kept.remove(at),
            (200..300, _) => Page {
                url: url.to_owned(),
                tag: header("etag").unwrap_or_default().to_owned(),
                next: next_page(&response.headers),
                body: response.body,
            },
            _ => return Err(refused(&self.settings.repository, &response, need, &place())),
        };
        let parsed = serde_json::from_str(&page.body).map_err(|error| {
            let why = format!("GitHub's answer makes no sense: {}: {error}", place());
            Failure::transient(why, writes.then_some(LAG))
        })?;
        let next = page.next.clone();
        self.kept.retain(|kept| kept.url != url);
        if !writes && !page.tag.is_empty() && page.body.len() <= KEPT_BYTES {
            self.kept.truncate(KEPT - 1);
            self.kept.insert(0, page);
        }
        Ok((next, parsed))
    }
}

/// `2026-12-01 10:00:00 UTC`, or with an offset (`+0200`) in the place of UTC.
fn expiry(text: &str) -> Option<Timestamp> {
    let text = text.replace(" UTC", " +0000");
    Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text.trim()).ok()
}

/// The `rel="next"` of a `Link` header.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
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
        body,
    })
}
