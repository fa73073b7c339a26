//! What a failed check says about the endpoint, or about our own side.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::EndpointError;
use crate::decide::probe::round::Outcome;
use crate::io::dns::message::io_outcome;

/// Something on our side failed.
pub(super) fn local(error: impl ToString) -> EndpointReply {
    EndpointReply::Local(error.to_string())
}

/// The endpoint took no connection.
pub(super) fn unconnected(error: &io::Error, timeout: Duration) -> EndpointReply {
    EndpointReply::Failed(match io_outcome(error) {
        Outcome::Silent => EndpointError::Silent(timeout),
        Outcome::Closed => EndpointError::Closed,
        Outcome::Unreachable(why) => EndpointError::Unreachable(why),
        Outcome::Garbled(_) | Outcome::Answer(_) => EndpointError::BrokenOff,
        Outcome::Local(why) => return EndpointReply::Local(why),
    })
}

/// The connection failed before the answer was complete.
pub(super) fn broken(error: &io::Error, timeout: Duration) -> EndpointReply {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::FailedToGetCurrentTime) => {
            local("the clock is not set yet, so no certificate can be judged")
        }
        Some(error) => EndpointReply::Failed(tls_error(error)),
        None if error.kind() == io::ErrorKind::TimedOut => {
            EndpointReply::Failed(EndpointError::Mute(timeout))
        }
        None => unconnected(error, timeout),
    }
}

fn tls_error(error: &rustls::Error) -> EndpointError {
    let rustls::Error::InvalidCertificate(error) = error else {
        return EndpointError::Tls(error.to_string());
    };
    match error {
        CertificateError::Expired => EndpointError::CertificateEnded(None),
        CertificateError::ExpiredContext { not_after, .. } => {
            EndpointError::CertificateEnded(timestamp(*not_after))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            EndpointError::CertificateAhead
        }
        CertificateError::NotValidForName => EndpointError::CertificateName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            EndpointError::CertificateName(presented.iter().map(|name| plain(name)).collect())
        }
        CertificateError::UnknownIssuer => EndpointError::CertificateUntrusted(
            "its issuer is unknown, or it has signed itself".to_owned(),
        ),
        error => EndpointError::CertificateUntrusted(error.to_string()),
    }
}

/// The name in rustls' `DnsName("www.example.net")` or `IpAddress(192.0.2.1)`.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"').to_owned()
}

pub(super) fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok()
}
