//! Where issues go.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ureq::http::Uri;

use super::GitHub;
use super::check::duration;
use super::problem::{Wrong, wrong};
use super::spec::Table;

const GITHUB: &[&str] = &[
    "repository",
    "api",
    "ca",
    "labels",
    "assignees",
    "accounts",
    "quorum",
    "heartbeat",
    "token-file",
];

const HOUR: Duration = Duration::from_secs(3600);

/// Relative paths are taken from `folder`.
pub(super) fn github(root: &Table<'_>, folder: &Path) -> Option<GitHub> {
    let table = root.table("github", GITHUB)?;
    table.require(
        "repository",
        "write repository = \"owner/name\", or take [github] out to do without issues",
    );
    let strings = |key, example, read: fn(&str) -> Result<String, Wrong>| {
        let list = table.texts(key, example, read).unwrap_or_default();
        list.into_iter().filter_map(|(_, text)| text).collect()
    };
    let file = |key, example: &'static str, what: &'static str| {
        table.text(key, example, |text| match text {
            "" => Err(wrong("is empty", format!("name {what}, or leave the key out"))),
            path => Ok(folder.join(path)),
        })
    };
    Some(GitHub {
        repository: table.text("repository", "owner/infra", repository).unwrap_or_default(),
        api: table
            .text("api", "https://api.github.com", api)
            .unwrap_or_else(|| "https://api.github.com".to_owned()),
        ca: file("ca", "ca.pem", "a PEM file"),
        labels: strings("labels", "outage", label),
        assignees: strings("assignees", "octocat", assignee),
        accounts: strings("accounts", "office-bot", assignee),
        heartbeat: table.text("heartbeat", "6h", heartbeat).unwrap_or(Some(6 * HOUR)),
        quorum: table.number("quorum", 1..=100).unwrap_or(1),
        token_file: file("token-file", "/etc/pilotlight/github-token", "a file"),
    })
}

fn heartbeat(text: &str) -> Result<Option<Duration>, Wrong> {
    match text {
        "off" => Ok(None),
        text => match duration(text, Duration::from_secs(1)) {
            Ok(every) => Ok(Some(every)),
            Err(not) => Err(wrong(not.reason, "write a time from 1s to 365d, or \"off\"")),
        },
    }
}

fn repository(text: &str) -> Result<String, Wrong> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let owner = |owner: &str| (1..=39).contains(&owner.len()) && owner.chars().all(word);
    let name = |name: &str| {
        (1..=100).contains(&name.len())
            && name.chars().all(|c| word(c) || c == '.')
            && name != "."
            && name != ".."
            && !name.ends_with(".git")
    };
    match text.split_once('/') {
        Some((o, n)) if owner(o) && name(n) => Ok(text.to_owned()),
        _ => Err(wrong(
            "is not the name of a repository",
            "write owner/name as in the repository's address, such as octocat/infra",
        )),
    }
}

fn api(text: &str) -> Result<String, Wrong> {
    let next = "write where the API is, such as https://api.github.com or https://github.example.net/api/v3";
    let uri: Uri = text.parse().map_err(|_| wrong("is not a URL", next))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("is not a URL", next));
    };
    let bare = match uri.port_u16() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    // A fragment is dropped by the parser, a user or a strange port stays in the authority.
    if authority.as_str() != bare || uri.port_u16() == Some(0) || text.contains(['?', '#']) {
        return Err(wrong("is more than scheme, host, port and path", next));
    }
    let host = authority.host().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match scheme {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(wrong(
                "would send the token through the network in the clear",
                "write https://, or name a host on this machine, such as http://127.0.0.1:8080",
            ));
        }
        _ => return Err(wrong("is neither https nor http", next)),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn label(text: &str) -> Result<String, Wrong> {
    let next = "write a label of at most 50 characters and without commas, such as outage";
    match text {
        _ if text.trim().is_empty() => Err(wrong("is empty", next)),
        _ if text.contains(',') => Err(wrong("has a comma, and GitHub's labels have none", next)),
        _ if text.chars().count() > 50 => Err(wrong("is too long for a label on GitHub", next)),
        _ => Ok(text.to_owned()),
    }
}

fn assignee(text: &str) -> Result<String, Wrong> {
    let next = "write a login name, such as octocat";
    match text {
        _ if text.trim().is_empty() => Err(wrong("is empty", next)),
        _ if text.starts_with('@') => Err(wrong("has the @ of a mention", next)),
        _ => Ok(text.to_owned()),
    }
}
