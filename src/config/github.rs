//! The repository that holds the issues.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Node;
use super::environment::Environment;
use super::problem::{Rejection, reject};
use super::value::{self, SECOND, time_or_off};

const GITHUB: &str = "repository api ca labels assignees accounts quorum heartbeat token-file";

#[derive(Debug, Clone, PartialEq)]
pub struct GitHub {
    /// `owner/name`.
    pub repository: String,
    /// The base URL, without a slash at the end.
    pub api: String,
    /// A PEM file with the certificate authority to trust instead of the public ones (GitHub
    /// Enterprise behind a private authority).
    pub ca: Option<PathBuf>,
    /// For every issue that we open, if the token has the permission.
    pub labels: Vec<String>,
    /// Login names, for every issue that we open, if the token has the permission.
    pub assignees: Vec<String>,
    /// Login names of other vantages, whose issues and comments are trusted.
    pub accounts: Vec<String>,
    /// A fault seen by fewer vantages counts as degraded; at least 1.
    pub quorum: u32,
    /// Between two updates of the heartbeat issue; `None`: there is no such issue.
    pub heartbeat: Option<Duration>,
    /// A file with the token, used instead of the credential and read again for each report.
    pub token_file: Option<PathBuf>,
}

/// File names are relative to `folder`.
pub(super) fn github(
    root: &Node<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<GitHub> {
    let table = root.get("github").table(GITHUB);
    if !table.exists() {
        return None;
    }
    let next = "write repository = \"owner/name\", or remove [github] to do without issues";
    let strings = |key, example, read: fn(&str) -> Result<String, Rejection>| {
        let list = table.get(key).texts(example, read).unwrap_or_default();
        list.into_iter().filter_map(|(_, text)| text).collect()
    };
    type Check<'a> = &'a dyn Fn(PathBuf) -> Result<PathBuf, Rejection>;
    let file = |key, example, what: &str, check: Check<'_>| {
        table.get(key).text(example, |text| match folder.join(text) {
            _ if text.is_empty() => {
                reject("is empty", format!("name {what}, or leave the key out"))
            }
            path if environment.for_reports => check(path),
            path => Ok(path),
        })
    };
    let public = "https://api.github.com";
    let repository = table.require("repository", next).text("owner/infra", repository);
    Some(GitHub {
        repository: repository.unwrap_or_default(),
        api: table.get("api").text(public, api).unwrap_or_else(|| public.to_owned()),
        ca: file("ca", "ca.pem", "a PEM file", &|path| environment.authorities(path)),
        labels: strings("labels", "outage", label),
        assignees: strings("assignees", "octocat", login),
        accounts: strings("accounts", "office-bot", login),
        heartbeat: time_or_off(&table.get("heartbeat"), "6h", SECOND),
        quorum: table.get("quorum").number(1..=100).unwrap_or(1),
        // The token may come later, and the file is often on another machine than the one that checks the text.
        token_file: file("token-file", "/etc/pilotlight/github-token", "a file", &Ok),
    })
}

fn repository(text: &str) -> Result<String, Rejection> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let owner = |owner: &str| (1..=39).contains(&owner.len()) && owner.chars().all(word);
    let name = |name: &str| {
        (1..=100).contains(&name.len())
            && name.chars().all(|c| word(c) || c == '.')
            && !matches!(name, "." | "..")
            && !name.ends_with(".git")
    };
    match text.split_once('/') {
        Some((o, n)) if owner(o) && name(n) => Ok(text.to_owned()),
        _ => reject(
            "is not the name of a repository",
            "write owner/name as in the repository's address, such as octocat/infra",
        ),
    }
}

fn api(text: &str) -> Result<String, Rejection> {
    let next = "write where the API is, such as https://api.github.com or https://github.example.net/api/v3";
    let url = value::url(text, next)?;
    if text.contains(['?', '#']) {
        return reject("has more than scheme, host, port and path", next);
    }
    match url.scheme.as_str() {
        "https" => {}
        "http" if value::is_loopback(url.bare_host()) => {}
        "http" => {
            return reject(
                "would send the token over the network without encryption",
                "write https://, or name a host on this machine, such as http://127.0.0.1:8080",
            );
        }
        _ => return reject("begins with neither https:// nor http://", next),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn label(text: &str) -> Result<String, Rejection> {
    let next = "write a label of at most 50 characters and without commas, such as outage";
    match text {
        _ if text.trim().is_empty() => reject("is empty", next),
        _ if text.contains(',') => reject("has a comma, which GitHub's labels cannot have", next),
        _ if text.chars().count() > 50 => reject("is too long for a label on GitHub", next),
        _ => Ok(text.to_owned()),
    }
}

fn login(text: &str) -> Result<String, Rejection> {
    let next = "write a login name, such as octocat";
    match text {
        _ if text.trim().is_empty() => reject("is empty", next),
        _ if text.starts_with('@') => reject("begins with @, as a mention does", next),
        _ => Ok(text.to_owned()),
    }
}
