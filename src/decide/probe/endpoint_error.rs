//! Why an endpoint check fails.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::time::{span_text, wall_text};
use crate::text::{printable, printable_up_to};

#[derive(Debug, Clone, PartialEq)]
pub enum EndpointError {
    /// The host name has neither A nor AAAA.
    NoAddress,
    /// No connection within this time.
    Silent(Duration),
    /// A connection, and no complete answer within this time.
    Mute(Duration),
    /// Nothing listens on the port.
    Closed,
    /// The network has no route.
    Unreachable(String),
    /// The connection ended before the answer did.
    BrokenOff,
    /// The reply is not HTTP.
    Garbled(String),
    /// The TLS handshake failed.
    Tls(String),
    /// It uses something that this program cannot speak, read or verify.
    Unsupported(String),
    /// A certificate has ended.
    CertificateEnded(CertificateEnd),
    /// The certificate is not valid yet.
    CertificateAhead,
    /// The certificate is for these names.
    CertificateName(Vec<String>),
    /// The certificate has only this common name.
    CertificateCommonName(String),
    /// The certificate is not trusted.
    CertificateUntrusted(String),
    /// A certificate ends soon.
    CertificateEnds(CertificateEnd),
    Status {
        status: u16,
        expected: String,
        location: Option<String>,
        retry_after: Option<String>,
    },
    /// The `Location` header, and the expected one.
    Location(Option<String>, String),
    /// The page does not contain this text.
    Text(String),
}

/// The certificate of a chain that ends first.
#[derive(Debug, Clone, PartialEq)]
pub struct CertificateEnd {
    pub at: Timestamp,
    /// The name of an issuer's certificate; `None`: the server's own.
    pub issuer: Option<String>,
}

/// Completes "has a certificate that ends at".
impl fmt::Display for CertificateEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", wall_text(Some(self.at)))?;
        match &self.issuer {
            Some(issuer) => write!(f, " (not its own, but that of its issuer, {})", short(issuer)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EndpointError {}

fn short(text: &str) -> String {
    printable_up_to(text, 200)
}

/// Completes the sentence "it …".
impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress => f.write_str("says that the name has no address, neither A nor AAAA"),
            Self::Silent(time) => write!(f, "takes no connection within {}", span_text(*time)),
            Self::Mute(time) => write!(
                f,
                "takes the connection, and does not answer completely within {}",
                span_text(*time)
            ),
            Self::Closed => f.write_str("refuses the connection: nothing listens on the port"),
            Self::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Self::BrokenOff => {
                f.write_str("breaks the connection off before its answer is complete")
            }
            Self::Garbled(why) => {
                write!(f, "sends something that is not an answer: {}", short(why))
            }
            Self::Tls(why) => {
                write!(f, "takes the connection, and then no TLS: {}", short(why))
            }
            Self::Unsupported(what) => {
                write!(f, "cannot be judged: pilotlight cannot {}", printable(what))
            }
            Self::CertificateEnded(end) => write!(f, "has a certificate that ended at {end}"),
            Self::CertificateAhead => f.write_str("has a certificate that is not valid yet"),
            Self::CertificateName(names) if names.is_empty() => {
                f.write_str("has a certificate for no name at all")
            }
            Self::CertificateCommonName(name) => write!(
                f,
                "has a certificate for {} in its common name (CN) only, which counts no more: add a subject \
                 alternative name (SAN)",
                short(name)
            ),
            Self::CertificateName(names) => {
                let shown: Vec<String> = names.iter().take(5).map(|name| short(name)).collect();
                let more = if names.len() > 5 { ", …" } else { "" };
                write!(f, "has a certificate for other names: {}{more}", shown.join(", "))
            }
            Self::CertificateUntrusted(why) => {
                write!(f, "has a certificate that is not trusted: {why}")
            }
            Self::CertificateEnds(end) => {
                write!(
                    f,
                    "has a certificate that ends at {end}: it should have been renewed by now"
                )
            }
            Self::Status { status, expected, location, retry_after } => {
                write!(f, "answers with {status}, not {expected}")?;
                if let Some(location) = location {
                    write!(f, ", and leads to {}", short(location))?;
                }
                match retry_after {
                    Some(time) => write!(f, ", and asks to wait (Retry-After: {})", short(time)),
                    None => Ok(()),
                }
            }
            Self::Location(Some(location), expected) => {
                write!(f, "leads to {}, not to {expected}", short(location))
            }
            Self::Location(None, expected) => write!(f, "leads nowhere, not to {expected}"),
            Self::Text(text) => {
                write!(
                    f,
                    "answers with a page that does not contain {text:?} in its first megabyte"
                )
            }
        }
    }
}
