//! Why an endpoint check fails.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::time::{span_text, wall_text};

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
    /// The certificate ended at this time.
    CertificateEnded(Option<Timestamp>),
    /// The certificate is not valid yet.
    CertificateAhead,
    /// The certificate is for these names.
    CertificateName(Vec<String>),
    /// The certificate is not trusted.
    CertificateUntrusted(String),
    /// The certificate ends soon, at this time.
    CertificateEnds(Timestamp),
    /// The status, and the expected ones.
    Status(u16, String),
    /// The `Location` header, and the expected one.
    Location(Option<String>, String),
    /// The page does not contain this text.
    Text(String),
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
            Self::Garbled(why) => write!(f, "sends something that is not an answer: {why}"),
            Self::Tls(why) => write!(f, "takes the connection, and then no TLS: {why}"),
            Self::CertificateEnded(Some(at)) => {
                write!(f, "has a certificate that ended at {}", wall_text(Some(*at)))
            }
            Self::CertificateEnded(None) => f.write_str("has a certificate that has ended"),
            Self::CertificateAhead => f.write_str("has a certificate that is not valid yet"),
            Self::CertificateName(names) if names.is_empty() => {
                f.write_str("has a certificate for no name at all")
            }
            Self::CertificateName(names) => {
                let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
                let more = if names.len() > 5 { ", …" } else { "" };
                write!(f, "has a certificate for other names: {}{more}", shown.join(", "))
            }
            Self::CertificateUntrusted(why) => {
                write!(f, "has a certificate that is not trusted: {why}")
            }
            Self::CertificateEnds(at) => write!(
                f,
                "has a certificate that ends at {}: it should have been renewed by now",
                wall_text(Some(*at))
            ),
            Self::Status(status, expected) => write!(f, "answers with {status}, not {expected}"),
            Self::Location(Some(location), expected) => {
                write!(f, "leads to {location}, not to {expected}")
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
