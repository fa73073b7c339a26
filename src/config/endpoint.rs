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
use crate::text::has_token;

const ENDPOINT: &str =
    "name url status contains location headers timeout certificate-warning ca cert key lamp";

/// Keys about an HTTP response, and keys about a certificate.
const OF_PAGES: [&str; 4] = ["status", "contains", "location", "headers"];
const OF_CERTIFICATES: [&str; 4] = ["certificate-warning", "ca", "cert", "key"];

/// A page that takes longer is useless, and all of them share a round.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

const NEXT: &str =
    "write url = \"…\", such as \"https://www.example.net/\" or \"tcp://mail.example.net:25\"";

#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Unique; the URL unless the file has a name.
    pub name: String,
    /// As in the file, with the host in lower case, and with a path if it is a page.
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
    /// More headers of the request.
    pub headers: Vec<(String, String)>,
    /// For the whole check.
    pub timeout: Duration,
    /// A certificate with less than this left is a fault.
    pub certificate_warning: Duration,
    /// A PEM file with the certificate authority to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// PEM files with our own certificate and its private key, for a server that asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
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
    /// TLS, and nothing inside.
    Tls,
    /// TLS after STARTTLS.
    Smtp,
    Imap,
}

impl Scheme {
    /// Whether it has pages.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Https | Self::Http)
    }

    /// As it stands before `://`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Absolute.
    Name(Name),
    Address(IpAddr),
}

/// File names are relative to `folder`. `taken` are the names of nameservers.
pub(super) fn endpoints<'a>(
    root: &Node<'a>,
    folder: &Path,
    pins: &mut PinAssignments<'a>,
    environment: Environment<'_>,
    taken: impl Iterator<Item = String>,
) -> Vec<Endpoint> {
    let next = "write a table [[endpoint]] for each, with its url";
    let mut seen: HashMap<String, String> =
        taken.map(|name| (name, "a nameserver".to_owned())).collect();
    let tables = root.get("endpoint").tables(ENDPOINT, next).into_iter();
    let one = |table: Node<'a>| endpoint(&table, &mut seen, pins, folder, environment);
    tables.filter_map(one).collect()
}

fn endpoint<'a>(
    table: &Node<'a>,
    seen: &mut HashMap<String, String>,
    pins: &mut PinAssignments<'a>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<Endpoint> {
    let (address, name) = subject(table, seen);
    let scheme = address.as_ref().map(|address| address.scheme);
    reject_foreign_keys(table, scheme);
    let words = |key| {
        table.get(key).text("Welcome", |text| match text {
            "" => reject("is empty", "write some text, or leave the key out"),
            text => Ok(text.to_owned()),
        })
    };
    let time = |key, default, longest| time(&table.get(key), default, SECOND..=longest);
    let (status, headers) = (status(&table.get("status")), headers(&table.get("headers")));
    let (contains, location) = (words("contains"), words("location"));
    let timeout = time("timeout", "10s", LONGEST_TIMEOUT);
    let certificate_warning = time("certificate-warning", "14d", LONGEST);
    let ca = table.get("ca").text("ca.pem", |text| match scheme {
        Some(Scheme::Http | Scheme::Tcp) => Ok(folder.join(text)),
        _ => environment.authorities(folder.join(text)),
    });
    let lamp = pins.add_subject(&table.get("lamp"));
    let Address { url, scheme, host, port } = address?;
    Some(Endpoint {
        name: name.unwrap_or_else(|| url.clone()),
        url,
        scheme,
        host,
        port,
        status,
        contains,
        location,
        headers,
        timeout,
        certificate_warning,
        ca,
        client: client(table, folder, environment),
        lamp,
    })
}

/// The files of our own certificate and its key.
fn client(
    table: &Node<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<(PathBuf, PathBuf)> {
    let [cert, key] = ["cert", "key"].map(|key| table.get(key));
    match (cert.exists(), key.exists()) {
        (true, false) => cert.reject("has no key", "name the file of its private key: key = \"…\""),
        (false, true) => key.reject("has no certificate", "name its file: cert = \"…\""),
        _ => {}
    }
    let file =
        |key: &Node<'_>| key.text("client.pem", |text| environment.existing(folder.join(text)));
    file(&cert).zip(file(&key))
}

/// The URL, and the name if there is one.
fn subject(
    table: &Node<'_>,
    seen: &mut HashMap<String, String>,
) -> (Option<Address>, Option<String>) {
    let mut new = |name: &str, next: &str| {
        let place = seen.entry(name.to_owned()).or_insert_with(|| table.path.clone());
        match *place == table.path {
            true => Ok(()),
            false => reject(format!("is already {place}"), next),
        }
    };
    let name = table.get("name").text("shop", |text| {
        let known = |c: char| c.is_alphanumeric() || " .-_:/".contains(c);
        if text.trim() != text || text.is_empty() || text.len() > 100 || !text.chars().all(known) {
            return reject(
                "is not a name",
                "write up to 100 letters, digits, spaces, dots and dashes",
            );
        }
        new(text, "write another name")?;
        Ok(text.to_owned())
    });
    let address = table.require("url", NEXT).text("https://www.example.net/", |text| {
        let address = address(text)?;
        if !table.get("name").exists() {
            new(&address.url, "remove one of the two, or give this one a name")?;
        }
        Ok(address)
    });
    (address, name)
}

/// Headers of the request, such as `Accept`.
fn headers(key: &Node<'_>) -> Vec<(String, String)> {
    let next = "write a table: headers = { Accept = \"text/html\" }";
    let own = ["host", "connection", "accept-encoding", "content-length", "transfer-encoding"];
    let header = |(name, value): (&str, Node<'_>)| {
        let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            value.reject(
                "is not the value of a header",
                "write its name in letters, digits and hyphens",
            );
            return None;
        }
        if own.contains(&name.to_ascii_lowercase().as_str()) {
            value.reject("is a header that pilotlight sets itself", "remove it");
            return None;
        }
        let text = value.any_text("text/html", |text| {
            if has_token(text) {
                return reject(
                    "contains a GitHub token, which everybody who reads this file can use",
                    "remove this header, and check a page that needs no token",
                );
            }
            match text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                true => Ok(text.to_owned()),
                false => {
                    reject("is not the value of a header", "write ASCII characters in one line")
                }
            }
        })?;
        Some((name.to_owned(), text))
    };
    key.exists().then(|| key.entries(next)).into_iter().flatten().filter_map(header).collect()
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
        Scheme::Tls | Scheme::Smtp | Scheme::Imap => OF_PAGES.to_vec(),
    };
    for node in foreign.into_iter().map(|key| table.get(key)).filter(Node::exists) {
        node.reject(format!("does not apply to {}://", scheme.word()), "remove it");
    }
}

fn status(key: &Node<'_>) -> Vec<u16> {
    key.reject_empty("write the right status, such as 200");
    distinct(key.numbers(200..=599)).into_iter().filter_map(|n| u16::try_from(n).ok()).collect()
}

/// Issues show the URL, in commands that a person copies into a shell.
fn reject_foreign_characters(text: &str) -> Result<(), Rejection> {
    let known = |c: &char| c.is_ascii_alphanumeric() || "-._~:/?[]@!$&()+,;=%".contains(*c);
    match text.chars().find(|c| !known(c)) {
        None => Ok(()),
        Some('#') => {
            reject("has a fragment, which a server never receives", "remove it, from the # on")
        }
        Some(other) => {
            let next = "write it percent-encoded, or a host in its xn-- form (punycode)";
            reject(format!("has a {other:?} in it"), next)
        }
    }
}

fn address(text: &str) -> Result<Address, Rejection> {
    reject_foreign_characters(text)?;
    let parts = value::url(text, NEXT)?;
    let (scheme, default) = match parts.scheme.as_str() {
        "https" => (Scheme::Https, Some(443)),
        "http" => (Scheme::Http, Some(80)),
        "tcp" => (Scheme::Tcp, None),
        "tls" => (Scheme::Tls, None),
        "smtp" => (Scheme::Smtp, Some(25)),
        "imap" => (Scheme::Imap, Some(143)),
        _ => {
            let why = "begins with neither https://, http://, tcp://, tls://, smtp:// nor imap://";
            return reject(why, NEXT);
        }
    };
    let Some(port) = parts.port.or(default) else {
        let next = format!("write it, such as {}://mail.example.net:993", scheme.word());
        return reject("has no port", next);
    };
    let path = match (scheme, parts.path.as_str()) {
        (Scheme::Https | Scheme::Http, "") => "/",
        (Scheme::Https | Scheme::Http, path) => path,
        (_, "" | "/") => "",
        _ => {
            let why = format!("has a path, but a {}:// endpoint has none", scheme.word());
            return reject(why, "remove it");
        }
    };
    let host = match parts.bare_host().parse() {
        Ok(address) => Host::Address(address),
        Err(_) => {
            // An underscore is none of a host name, but web servers have them.
            name::host(&parts.bare_host().replace('_', "x"))?;
            Host::Name(name::zone_name(parts.bare_host())?)
        }
    };
    let port_text = parts.port.map_or_else(String::new, |port| format!(":{port}"));
    let place = format!("{}{port_text}", parts.host.to_ascii_lowercase());
    let url = format!("{}://{place}{path}", scheme.word());
    Ok(Address { url, scheme, host, port })
}
