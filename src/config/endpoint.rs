//! Web endpoints: pages, and ports that accept connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hickory_resolver::proto::rr::Name;

use super::document::{Node, distinct};
use super::environment::Environment;
use super::name;
use super::panel::PinAssignments;
use super::problem::{Rejection, reject};
use super::value::{self, LONGEST, SECOND, time};

const ENDPOINT: &str = "url status contains location timeout certificate-warning ca lamp";

/// Keys about an HTTP response, and keys about a certificate.
const OF_PAGES: [&str; 3] = ["status", "contains", "location"];
const OF_CERTIFICATES: [&str; 2] = ["certificate-warning", "ca"];

/// A page that takes longer is useless, and all of them share a round.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

const NEXT: &str =
    "write url = \"…\", such as \"https://www.example.net/\" or \"tcp://mail.example.net:25\"";

#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// As in the file, with the host in lower case, and with a path if it is a page; unique.
    pub url: String,
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
    /// The right ones. Empty: any 2xx, or any 3xx if a [`Self::location`] is expected.
    pub status: Vec<u16>,
    /// A text in the page.
    pub contains: Option<String>,
    /// The target of a redirect.
    pub location: Option<String>,
    /// For the whole check.
    pub timeout: Duration,
    /// A certificate with less than this left is a fault.
    pub certificate_warning: Duration,
    /// A PEM file with the certificate authority to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// The BCM number of its own lamp.
    pub lamp: Option<u8>,
}

impl Endpoint {
    /// The host of the URL, and its port if it has one.
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// The host as it is in the URL: there may be a dot at its end.
    #[must_use]
    pub fn url_host(&self) -> &str {
        let port = |rest: &str| rest.bytes().all(|c| c.is_ascii_digit());
        match self.authority().rsplit_once(':') {
            Some((host, rest)) if port(rest) => host,
            _ => self.authority(),
        }
    }

    /// The path of the URL, with its query.
    #[must_use]
    pub fn path(&self) -> &str {
        let before = self.scheme.word().len() + "://".len() + self.authority().len();
        &self.url[before..]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Https,
    Http,
    Tcp,
}

impl Scheme {
    /// As it stands before `://`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Absolute.
    Name(Name),
    Address(IpAddr),
}

/// File names are relative to `folder`.
pub(super) fn endpoints<'a>(
    root: &Node<'a>,
    folder: &Path,
    pins: &mut PinAssignments<'a>,
    environment: Environment<'_>,
) -> Vec<Endpoint> {
    let next = "write a table [[endpoint]] for each, with its url";
    let mut endpoints = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for table in root.get("endpoint").tables(ENDPOINT, next) {
        let address = table.require("url", NEXT).text("https://www.example.net/", |text| {
            let address = address(text)?;
            let place = seen.entry(address.url.clone()).or_insert_with(|| table.path.clone());
            if *place == table.path {
                return Ok(address);
            }
            reject(format!("is already {place}"), "remove one of the two")
        });
        let scheme = address.as_ref().map(|address| address.scheme);
        reject_foreign_keys(&table, scheme);
        let words = |key| {
            table.get(key).text("Welcome", |text| match text {
                "" => reject("is empty", "write some text, or leave the key out"),
                text => Ok(text.to_owned()),
            })
        };
        let time = |key, default, longest| time(&table.get(key), default, SECOND..=longest);
        let status = status(&table.get("status"));
        let (contains, location) = (words("contains"), words("location"));
        let timeout = time("timeout", "10s", LONGEST_TIMEOUT);
        let certificate_warning = time("certificate-warning", "14d", LONGEST);
        let ca = table.get("ca");
        let ca = ca.text("ca.pem", |text| match scheme {
            Some(Scheme::Http | Scheme::Tcp) => Ok(folder.join(text)),
            _ => environment.authorities(folder.join(text)),
        });
        let lamp = pins.add_subject(&table.get("lamp"));
        endpoints.extend(address.map(|Address { url, scheme, host, port }| Endpoint {
            url,
            scheme,
            host,
            port,
            status,
            contains,
            location,
            timeout,
            certificate_warning,
            ca,
            lamp,
        }));
    }
    endpoints
}

/// The parts of an endpoint that its URL has.
struct Address {
    url: String,
    scheme: Scheme,
    host: Host,
    port: u16,
}

fn reject_foreign_keys(table: &Node<'_>, scheme: Option<Scheme>) {
    let Some(scheme) = scheme else { return };
    let foreign: Vec<&str> = match scheme {
        Scheme::Https => Vec::new(),
        Scheme::Http => OF_CERTIFICATES.to_vec(),
        Scheme::Tcp => OF_PAGES.into_iter().chain(OF_CERTIFICATES).collect(),
    };
    for node in foreign.into_iter().map(|key| table.get(key)).filter(Node::exists) {
        node.reject(format!("does not apply to {}://", scheme.word()), "remove it");
    }
}

fn status(key: &Node<'_>) -> Vec<u16> {
    key.reject_empty("write the right status, such as 200");
    distinct(key.numbers(200..=599)).into_iter().filter_map(|n| u16::try_from(n).ok()).collect()
}

fn address(text: &str) -> Result<Address, Rejection> {
    // Issues show it, in commands that a person copies into a shell.
    let known = |c: &char| c.is_ascii_alphanumeric() || "-._~:/?[]@!$&()+,;=%".contains(*c);
    match text.chars().find(|c| !known(c)) {
        None => {}
        Some('#') => {
            return reject(
                "has a fragment, which a server never receives",
                "remove it, from the # on",
            );
        }
        Some(other) => {
            let next = "write it percent-encoded, or a host in its xn-- form (punycode)";
            return reject(format!("has a {other:?} in it"), next);
        }
    }
    let parts = value::url(text, NEXT)?;
    let (scheme, default) = match parts.scheme.as_str() {
        "https" => (Scheme::Https, Some(443)),
        "http" => (Scheme::Http, Some(80)),
        "tcp" => (Scheme::Tcp, None),
        _ => return reject("begins with neither https://, http:// nor tcp://", NEXT),
    };
    let Some(port) = parts.port.or(default) else {
        return reject("has no port", "write it, such as tcp://mail.example.net:25");
    };
    let path = match (scheme, parts.path.as_str()) {
        (Scheme::Tcp, "" | "/") => "",
        (Scheme::Tcp, _) => {
            return reject("has a path, but a tcp:// endpoint has none", "remove it");
        }
        (_, "") => "/",
        (_, path) => path,
    };
    let host = match parts.bare_host().parse() {
        Ok(address) => Host::Address(address),
        Err(_) => Host::Name(name::absolute(&name::host(parts.bare_host())?)?),
    };
    let port_text = parts.port.map_or_else(String::new, |port| format!(":{port}"));
    let place = format!("{}{port_text}", parts.host.to_ascii_lowercase());
    let url = format!("{}://{place}{path}", scheme.word());
    Ok(Address { url, scheme, host, port })
}
