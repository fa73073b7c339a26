//! What must answer on the web: pages, and ports that take connections.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ureq::http::Uri;

use super::check::duration;
use super::lamps::{self, Wires};
use super::problem::{Wrong, wrong};
use super::spec::Table;
use super::{Endpoint, Host, Scheme, name};

const ENDPOINT: &[&str] =
    &["url", "status", "contains", "location", "timeout", "certificate-warning", "ca", "lamp"];

/// What only an answer over HTTP has, and what only a certificate has.
const OF_PAGES: [&str; 3] = ["status", "contains", "location"];
const OF_CERTIFICATES: [&str; 2] = ["certificate-warning", "ca"];

/// A page that takes longer is no page, and all of them share a round.
const LONGEST: Duration = Duration::from_secs(30);

const NEXT: &str =
    "write url = \"…\", such as \"https://www.example.net/\" or \"tcp://mail.example.net:25\"";

/// Relative paths are taken from `folder`; lamps of their own go into `wires`.
pub(super) fn endpoints<'a>(
    root: &Table<'a>,
    folder: &Path,
    wires: &mut Wires<'a>,
) -> Vec<Endpoint> {
    let next = "write a table [[endpoint]] for each, with its url";
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for table in root.tables("endpoint", ENDPOINT, next) {
        table.require("url", NEXT);
        let lamp = lamps::own(&table, wires);
        let address = table.text("url", "https://www.example.net/", |text| {
            let address = url(text)?;
            match endpoints.iter().position(|other| other.url == address.url) {
                Some(i) => {
                    Err(wrong(format!("is already endpoint[{i}]"), "take one of the two out"))
                }
                None => Ok(address),
            }
        });
        let time = |key: &str, default: &'static str, longest| {
            let least = Duration::from_secs(1);
            let read = |text: &str| match duration(text, least)? {
                time if time > longest => {
                    Err(wrong("is too long", format!("write {longest:?} at most")))
                }
                time => Ok(time),
            };
            let written = table.text(key, default, read);
            written.unwrap_or_else(|| duration(default, least).expect("the defaults are good"))
        };
        let words = |key| {
            table.text(key, "Welcome", |text| match text {
                "" => Err(wrong("is empty", "write some text, or leave the key out")),
                text => Ok(text.to_owned()),
            })
        };
        let endpoint = Endpoint {
            status: status(&table),
            contains: words("contains"),
            location: words("location"),
            timeout: time("timeout", "10s", LONGEST),
            certificate_warning: time("certificate-warning", "14d", Duration::MAX),
            ca: table.text("ca", "ca.pem", |text| match folder.join(text) {
                path if path.is_file() => Ok(path),
                _ => Err(wrong(
                    "names a file that is not there",
                    "write the path of a PEM file, seen from the folder of this one",
                )),
            }),
            lamp,
            ..address.unwrap_or_else(nothing)
        };
        let foreign: Vec<&str> = match endpoint.scheme {
            Scheme::Https => Vec::new(),
            Scheme::Http => OF_CERTIFICATES.to_vec(),
            Scheme::Tcp => OF_PAGES.into_iter().chain(OF_CERTIFICATES).collect(),
        };
        for node in foreign.into_iter().filter_map(|key| table.get(key)) {
            let scheme = endpoint.scheme.word();
            node.refuse(wrong(format!("says nothing about {scheme}://"), "take it out"));
        }
        endpoints.push(endpoint);
    }
    endpoints
}

/// Stands where a URL was refused.
fn nothing() -> Endpoint {
    Endpoint {
        url: String::new(),
        scheme: Scheme::Https,
        host: Host::Address(IpAddr::from([0, 0, 0, 0])),
        port: 0,
        status: Vec::new(),
        contains: None,
        location: None,
        timeout: Duration::ZERO,
        certificate_warning: Duration::ZERO,
        ca: None,
        lamp: None,
    }
}

fn status(table: &Table<'_>) -> Vec<u16> {
    table.require_items("status", "write the status that is right, such as 200");
    let mut all: Vec<u16> = Vec::new();
    for (node, status) in table.numbers("status", 200..=599) {
        match u16::try_from(status) {
            Ok(status) if all.contains(&status) => {
                node.refuse(wrong("stands here twice", "take one of the two out"));
            }
            status => all.extend(status.ok()),
        }
    }
    all
}

/// The part of an endpoint that its URL says.
fn url(text: &str) -> Result<Endpoint, Wrong> {
    // It is shown in issues, and stands in commands that a person copies into a shell.
    let known = |c: &char| c.is_ascii_alphanumeric() || "-._~:/?[]@!$&()+,;=%".contains(*c);
    if let Some(other) = text.chars().find(|c| !known(c)) {
        let next = "write it percent-encoded, or a host in its xn-- form (punycode)";
        return Err(match other {
            '#' => wrong("has a fragment, which no server ever sees", "take it out, from the # on"),
            other => wrong(format!("has a {other:?} in it"), next),
        });
    }
    let uri: Uri = text.parse().map_err(|_| wrong("is not a URL", NEXT))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("is not a URL", NEXT));
    };
    let (scheme, port) = match scheme {
        "https" => (Scheme::Https, Some(443)),
        "http" => (Scheme::Http, Some(80)),
        "tcp" => (Scheme::Tcp, None),
        _ => return Err(wrong("is neither https://, http:// nor tcp://", NEXT)),
    };
    let host = match uri.port_u16() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    if host != authority.as_str() || uri.port_u16() == Some(0) {
        return Err(wrong("has more than a host and a port before its path", NEXT));
    }
    let Some(port) = uri.port_u16().or(port) else {
        return Err(wrong("has no port", "write it, such as tcp://mail.example.net:25"));
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if scheme == Scheme::Tcp && !matches!(path, "" | "/") {
        return Err(wrong("has a path, and only pages have", "take it out"));
    }
    let path = if scheme == Scheme::Tcp { "" } else { path };
    let bare = authority.host().trim_matches(['[', ']']);
    let (name, place) = match bare.parse() {
        Ok(address) => (host.clone(), Host::Address(address)),
        Err(_) => {
            let name = name::host(bare)?;
            (host.to_ascii_lowercase(), Host::Name(name::absolute(&name)?))
        }
    };
    let url = format!("{}://{name}{path}", scheme.word());
    Ok(Endpoint { url, scheme, host: place, port, ..nothing() })
}
