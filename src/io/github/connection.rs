//! Requests to GitHub: pages, conditional requests, and what the headers say.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{HeaderMap, Request};

use crate::config::GitHub as Settings;
use crate::decide::track::reported::Failure;
use crate::io::github::errors::{LAG, Need, http_date, refused};
use crate::io::http::client::Http;
use crate::io::http::error::HttpError;

/// The version of the REST API that the shapes below are from.
const API_VERSION: &str = "2022-11-28";

/// A bound on following pages: 10,000 issues of our own are a fault, not a listing.
pub(super) const PAGES: usize = 100;

/// What is kept to ask GitHub whether it has changed: this many pages, none of them larger.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 256 * 1024;

/// The API, with one token.
pub(super) struct Connection {
    http: Http,
    pub(super) settings: Settings,
    pub(super) token: String,
    /// The pages read last. GitHub does not send or count a page that has not changed.
    kept: Vec<Page>,
    /// The size of the last page.
    pub(super) bytes: usize,
    /// The time of the last answer, by GitHub's clock.
    pub(super) at: Option<Timestamp>,
    /// When the token expires, as far as GitHub has said.
    pub(super) expires: Option<Timestamp>,
}

/// An answer that GitHub may say is still true (its `ETag`).
struct Page {
    url: String,
    tag: String,
    next: Option<String>,
    body: String,
}

impl Connection {
    /// Sends nothing yet.
    pub(super) fn new(settings: &Settings, token: &str) -> Result<Self, HttpError> {
        Ok(Self {
            http: Http::new(settings.ca.as_ref())?,
            settings: settings.clone(),
            token: token.to_owned(),
            kept: Vec::new(),
            bytes: 0,
            at: None,
            expires: None,
        })
    }

    /// What is on up to that many pages.
    pub(super) fn pages<T: DeserializeOwned>(
        &mut self,
        url: String,
        most: usize,
    ) -> Result<Vec<T>, Failure> {
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
    pub(super) fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        url: &str,
        content: Option<&Value>,
        need: Need,
    ) -> Result<(Option<String>, T), Failure> {
        let kept = self.kept.iter().position(|page| page.url == url && method == "GET");
        let request = self.request(method, url, content, kept)?;
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
        self.bytes = page.body.len();
        self.kept.retain(|kept| kept.url != url);
        if !writes && !page.tag.is_empty() && page.body.len() <= KEPT_BYTES {
            self.kept.truncate(KEPT - 1);
            self.kept.insert(0, page);
        }
        Ok((next, parsed))
    }
}

impl Connection {
    /// A request with the token. `kept`: the index of the page that GitHub need not send again.
    fn request(
        &self,
        method: &str,
        url: &str,
        content: Option<&Value>,
        kept: Option<usize>,
    ) -> Result<Request<String>, Failure> {
        // A next page is wherever the server says; the token goes nowhere else than the API.
        if !url.starts_with(&format!("{}/", self.settings.api)) {
            let why = format!("a page of the listing lies elsewhere, at {url}");
            return Err(Failure::transient(why, None));
        }
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
        request.map_err(|_| {
            Failure::needs_operator(
                "the token has characters that no token has: copy it again".to_owned(),
            )
        })
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
