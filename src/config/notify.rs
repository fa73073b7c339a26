//! Services on the web that get a message at each change, or a heartbeat after each round.

use std::path::{Path, PathBuf};

use super::document::Node;
use super::problem::{Rejection, reject};
use super::value;

/// Each may take a thread.
const MOST: usize = 8;

const NEXT: &str = "write url = \"…\", such as \"https://ntfy.sh/topic\"";

/// A service that gets a message at each change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    pub url: String,
    pub style: NotifyStyle,
    /// A file with a token for the header `Authorization`, read again for each message.
    pub token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyStyle {
    /// The document that the `on-change` command gets.
    Json,
    /// The title, priority and text of <https://ntfy.sh>.
    Ntfy,
}

/// A service that raises an alarm when no request comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub url: String,
    /// While something is down.
    pub down_url: String,
}

impl Notify {
    /// The host of a URL. The rest of it is often a secret.
    #[must_use]
    pub fn host(url: &str) -> &str {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }
}

/// File names are relative to `folder`.
pub(super) fn notify(root: &Node<'_>, folder: &Path) -> Vec<Notify> {
    let next = "write a table [[notify]] for each service, with its url";
    let key = root.get("notify");
    let tables = key.tables("url style token-file", next);
    if tables.len() > MOST {
        key.reject(format!("has more than {MOST} tables"), "remove some");
    }
    tables.iter().filter_map(|table| one(table, folder)).collect()
}

fn one(table: &Node<'_>, folder: &Path) -> Option<Notify> {
    let token = table.get("token-file");
    let url = table.require("url", NEXT).text("https://ntfy.sh/topic", |text| {
        let loopback = web_url(text)?;
        match token.exists() && !loopback && text.starts_with("http:") {
            true => reject(
                "would send the token over the network without encryption",
                "write https://, or leave token-file out",
            ),
            false => Ok(text.to_owned()),
        }
    });
    let style = table.get("style").text("ntfy", |text| match text {
        "json" => Ok(NotifyStyle::Json),
        "ntfy" => Ok(NotifyStyle::Ntfy),
        _ => reject("is not a style", "write \"json\" or \"ntfy\""),
    });
    // The token may come later, as GitHub's may.
    let token_file = token.text("ntfy-token", |text| match text {
        "" => reject("is empty", "name a file, or leave the key out"),
        text => Ok(folder.join(text)),
    });
    Some(Notify { url: url?, style: style.unwrap_or(NotifyStyle::Json), token_file })
}

pub(super) fn heartbeat(root: &Node<'_>) -> Option<Heartbeat> {
    let table = root.get("heartbeat").table("url down-url");
    if !table.exists() {
        return None;
    }
    let next = "write url = \"…\", such as \"https://hc-ping.com/UUID\"";
    let example = "https://hc-ping.com/UUID";
    let read = |text: &str| web_url(text).map(|_| text.to_owned());
    let down_url = table.get("down-url").text(example, read);
    let url = table.require("url", next).text(example, read)?;
    Some(Heartbeat { down_url: down_url.unwrap_or_else(|| url.clone()), url })
}

/// Whether the host of this URL is this machine.
fn web_url(text: &str) -> Result<bool, Rejection> {
    let url = value::url(text, NEXT)?;
    if text.contains('#') {
        return reject("has a fragment, which a server never receives", "remove it, from the # on");
    }
    if !["http", "https"].contains(&url.scheme.as_str()) {
        return reject("begins with neither https:// nor http://", NEXT);
    }
    Ok(value::is_loopback(url.bare_host()))
}
