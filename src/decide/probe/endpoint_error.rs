//! Why an endpoint check fails.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::decide::time::{span_text, wall_text};
use crate::text::{printable, printable_up_to};

/// Completes the sentence "it …".
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EndpointError {
    #[error("says that the name has no address, neither A nor AAAA")]
    NoAddress,
    #[error("takes no connection within {}", span_text(*.0))]
    Silent(Duration),
    #[error("takes the connection, and does not answer completely within {}", span_text(*.0))]
    Mute(Duration),
    #[error("refuses the connection: nothing listens on the port")]
    Closed,
    /// The network has no route.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("breaks the connection off before its answer is complete")]
    BrokenOff,
    /// The reply is not HTTP.
    #[error("sends something that is not an answer: {}", short(.0))]
    Garbled(String),
    /// The TLS handshake failed.
    #[error("takes the connection, and then no TLS: {}", short(.0))]
    Tls(String),
    /// It uses something that this program cannot speak, read or verify.
    #[error("cannot be judged: pilotlight cannot {}", printable(.0))]
    Unsupported(String),
    #[error("has a certificate that ended at {0}")]
    CertificateEnded(CertificateEnd),
    #[error("has a certificate that is not valid yet")]
    CertificateAhead,
    /// The certificate is for these names.
    #[error("has a certificate for {}", other_names(.0))]
    CertificateName(Vec<String>),
    #[error(
        "has a certificate for {} in its common name (CN) only, which counts no more: add a subject alternative name \
         (SAN)",
        short(.0)
    )]
    CertificateCommonName(String),
    #[error("has a certificate that is not trusted: {0}")]
    CertificateUntrusted(String),
    #[error("has a certificate that ends at {0}: it should have been renewed by now")]
    CertificateEnds(CertificateEnd),
    #[error("answers with {status}, not {expected}{}", headers(location, retry_after))]
    Status { status: u16, expected: String, location: Option<String>, retry_after: Option<String> },
    /// The `Location` header, and the expected one.
    #[error("leads {}, not to {}", target(.0), .1)]
    Location(Option<String>, String),
    #[error("answers with a page that does not contain {0:?} in its first megabyte")]
    Text(String),
}

/// The certificate of a chain that ends first.
#[derive(Debug, Clone, PartialEq)]
pub struct CertificateEnd {
    pub at: Timestamp,
    /// The name of an issuer's certificate; `None`: the server's own.
    pub issuer: Option<String>,
}

impl fmt::Display for CertificateEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", wall_text(Some(self.at)))?;
        match &self.issuer {
            Some(issuer) => write!(f, " (not its own, but that of its issuer, {})", short(issuer)),
            None => Ok(()),
        }
    }
}

fn short(text: &str) -> String {
    printable_up_to(text, 200)
}

fn other_names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(5).map(|name| short(name)).collect();
    match names.len() {
        0 => "no name at all".to_owned(),
        1..=5 => format!("other names: {}", shown.join(", ")),
        _ => format!("other names: {}, …", shown.join(", ")),
    }
}

fn target(location: &Option<String>) -> String {
    location.as_ref().map_or_else(|| "nowhere".to_owned(), |to| format!("to {}", short(to)))
}

fn headers(location: &Option<String>, retry_after: &Option<String>) -> String {
    let leads = location.as_ref().map(|to| format!(", and leads to {}", short(to)));
    let waits = retry_after
        .as_ref()
        .map(|time| format!(", and asks to wait (Retry-After: {})", short(time)));
    leads.unwrap_or_default() + &waits.unwrap_or_default()
}
