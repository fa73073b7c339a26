//! HTTP, as one call: a request goes out, a status, headers and a bounded body come back.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{HeaderMap, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// From resolving the name to the last byte of the body. GitHub gives up after 10 s by itself.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A page of 100 issues with long bodies is a few MB at most.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// Who asks.
pub(super) const USER_AGENT: &str = concat!("pilotlight/", env!("CARGO_PKG_VERSION"));

/// Sends requests.
pub struct Http {
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// All of them.
    pub headers: HeaderMap,
    /// UTF-8, or what can be made of it.
    pub body: String,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It cannot have had an effect: no connection, no name, no trust.
    NotSent(String),
    /// It may have had one: the connection broke, or time ran out, after sending began.
    Ambiguous(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) | Self::Ambiguous(why) => f.write_str(why),
        }
    }
}

impl Http {
    /// Trusts the public certificate authorities (as they were when this program was built), or only
    /// those of one PEM file.
    ///
    /// # Errors
    /// When that file cannot be read or holds no certificate; in words, with the path.
    pub fn new(ca: Option<&PathBuf>) -> Result<Self, String> {
        let roots = match ca {
            None => RootCerts::WebPki,
            Some(path) => RootCerts::new_with_certs(&certificates("github.ca", path)?),
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false) // every status is an answer, and judged by the caller
            .max_redirects(0) // a moved repository is said, not followed with a token in hand
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_idle_connections(1)
            .user_agent(USER_AGENT)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Self { agent: config.new_agent() })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// Whether or not the other side may have acted on it.
    pub fn send(&self, request: Request<String>) -> Result<Response, Error> {
        let failed = |error: ureq::Error| {
            let why = error.to_string();
            let unsent = match &error {
                ureq::Error::HostNotFound
                | ureq::Error::ConnectionFailed
                | ureq::Error::Tls(_)
                | ureq::Error::Rustls(_)
                | ureq::Error::BadUri(_)
                | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
                ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
                _ => false,
            };
            if unsent { Error::NotSent(why) } else { Error::Ambiguous(why) }
        };
        let mut response = self.agent.run(request).map_err(failed)?;
        let body =
            response.body_mut().with_config().limit(BODY_LIMIT).lossy_utf8(true).read_to_string();
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: body
                .map_err(|error| Error::Ambiguous(format!("the answer broke off: {error}")))?,
        })
    }
}

/// The certificates in a PEM file that the configuration names at `key`.
pub(super) fn certificates(key: &str, path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let named = |why: &dyn fmt::Display| format!("{key}: {}: {why}", path.display());
    let pem = std::fs::read(path).map_err(|error| named(&error))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(found) = item.map_err(|error| named(&error))? {
            certificates.push(found);
        }
    }
    if certificates.is_empty() {
        return Err(named(&"no certificate in it; it must be a PEM file"));
    }
    Ok(certificates)
}
