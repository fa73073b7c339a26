//! What can be wrong with an endpoint, in words and for machines.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::decide::time::{span_text, wall_text};

/// What is wrong with an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum EndpointError {
    /// The name leads nowhere.
    NoAddress,
    /// No connection within this time.
    Silent(Duration),
    /// A connection, and no complete answer within this time.
    Mute(Duration),
    /// Nothing listens there.
    Closed,
    /// The network knows no way there.
    Unreachable(String),
    /// The connection ended before the answer did.
    BrokenOff,
    /// What came is not HTTP.
    Garbled(String),
    /// There is no TLS to be had.
    Tls(String),
    /// The certificate has ended, then.
    CertificateEnded(Option<Timestamp>),
    /// The certificate begins later.
    CertificateAhead,
    /// The certificate is for these names.
    CertificateName(Vec<String>),
    /// Nobody whom we trust has signed the certificate.
    CertificateUntrusted(String),
    /// The certificate ends soon: then.
    CertificateEnds(Timestamp),
    /// Another status than one of these.
    Status(u16, String),
    /// It leads elsewhere, or nowhere: there, and not here.
    Location(Option<String>, String),
    /// This text is missing.
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
                write!(f, "has a certificate that nobody vouches for whom we trust: {why}")
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
