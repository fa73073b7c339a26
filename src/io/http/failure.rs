//! What a failed check says about the endpoint, or about our own side.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, OtherError};

use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::EndpointError;
use crate::decide::probe::round::Outcome;
use crate::io::dns::message::io_outcome;

/// What a server may have instead of the TLS that [`rustls`] has.
const HANDSHAKE: &str = "speak the TLS that it wants (pilotlight has TLS 1.2 and 1.3 with ECDHE, AES-GCM and \
     ChaCha20, and keys of RSA, ECDSA P-256 and P-384, Ed25519)";

const ASKS: &str = "it asks for a client certificate";

pub(super) const HTTP_2: &str = "speak HTTP/2, and it does not offer HTTP/1.1";

/// Something on our side failed.
pub(super) fn local(error: impl ToString) -> EndpointReply {
    EndpointReply::Local(error.to_string())
}

/// The endpoint took no connection.
pub(super) fn unconnected(error: &io::Error, timeout: Duration) -> EndpointReply {
    EndpointReply::Failed(match io_outcome(error) {
        Outcome::Silent | Outcome::Late(_) => EndpointError::Silent(timeout),
        Outcome::Closed => EndpointError::Closed,
        Outcome::Unreachable(why) => EndpointError::Unreachable(why),
        Outcome::Garbled(_) | Outcome::Answer(_) => EndpointError::BrokenOff,
        Outcome::Local(why) => return EndpointReply::Local(why),
    })
}

/// The connection failed before the answer was complete.
pub(super) fn broken(error: &io::Error, timeout: Duration) -> EndpointReply {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::FailedToGetCurrentTime) => {
            local("the clock is not set yet, so no certificate can be judged")
        }
        Some(error) => EndpointReply::Failed(tls_error(error)),
        None if error.kind() == io::ErrorKind::TimedOut => {
            EndpointReply::Failed(EndpointError::Mute(timeout))
        }
        None => unconnected(error, timeout),
    }
}

pub(super) fn tls_error(error: &Error) -> EndpointError {
    let why = match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(error))) => {
            if let Some(error) = error.downcast_ref::<EndpointError>() {
                return error.clone();
            }
            "its certificate is malformed"
        }
        // Of the verifier of rustls, which the client for GitHub has.
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => "its certificate is not trusted",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has ended"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for other names"
            }
            CertificateError::BadSignature => "the signature of its handshake is wrong",
            _ => "its certificate cannot be verified",
        },
        Error::AlertReceived(alert) => return alert_error(*alert),
        Error::PeerIncompatible(_) => return EndpointError::Unsupported(HANDSHAKE.to_owned()),
        Error::InvalidMessage(_) => "its answer is not TLS",
        Error::NoCertificatesPresented => "it has no certificate",
        _ => "its handshake breaks the rules of TLS",
    };
    EndpointError::Tls(why.to_owned())
}

fn alert_error(alert: AlertDescription) -> EndpointError {
    use AlertDescription as Alert;
    let why = match alert {
        // The server does not say which: a person must look.
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => {
            return EndpointError::Unsupported(HANDSHAKE.to_owned());
        }
        Alert::NoApplicationProtocol => return EndpointError::Unsupported(HTTP_2.to_owned()),
        Alert::CertificateRequired | Alert::NoCertificate => ASKS,
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA => "it does not accept our client certificate",
        Alert::AccessDenied => "it denies us access",
        Alert::UnrecognisedName => "it does not know the host name of the URL (SNI)",
        Alert::InternalError => "it has an internal error",
        Alert::CloseNotify | Alert::UserCanceled => "it ends the handshake",
        _ => "it rejects our handshake",
    };
    EndpointError::Tls(format!("{why} (alert {})", alert_name(alert)))
}

/// The name that IANA lists.
fn alert_name(alert: AlertDescription) -> Cow<'static, str> {
    use AlertDescription as Alert;
    Cow::Borrowed(match alert {
        Alert::CloseNotify => "close_notify",
        Alert::UnexpectedMessage => "unexpected_message",
        Alert::BadRecordMac => "bad_record_mac",
        Alert::RecordOverflow => "record_overflow",
        Alert::HandshakeFailure => "handshake_failure",
        Alert::NoCertificate => "no_certificate",
        Alert::BadCertificate => "bad_certificate",
        Alert::UnsupportedCertificate => "unsupported_certificate",
        Alert::CertificateRevoked => "certificate_revoked",
        Alert::CertificateExpired => "certificate_expired",
        Alert::CertificateUnknown => "certificate_unknown",
        Alert::IllegalParameter => "illegal_parameter",
        Alert::UnknownCA => "unknown_ca",
        Alert::AccessDenied => "access_denied",
        Alert::DecodeError => "decode_error",
        Alert::DecryptError => "decrypt_error",
        Alert::InternalError => "internal_error",
        Alert::InappropriateFallback => "inappropriate_fallback",
        Alert::UserCanceled => "user_canceled",
        Alert::MissingExtension => "missing_extension",
        Alert::UnsupportedExtension => "unsupported_extension",
        Alert::UnrecognisedName => "unrecognized_name",
        Alert::CertificateRequired => "certificate_required",
        other => return Cow::Owned(u8::from(other).to_string()),
    })
}

/// A failure after the server has chosen version and ciphers: from then on no `handshake_failure` means that there is
/// nothing to choose. `asked`: it wanted a client certificate.
pub(super) fn after_agreement(error: &io::Error, asked: bool, timeout: Duration) -> EndpointReply {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let ends =
        matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
    let why = match inner {
        Some(Error::AlertReceived(AlertDescription::HandshakeFailure)) if asked => ASKS,
        Some(Error::AlertReceived(AlertDescription::HandshakeFailure)) => {
            "it ends the handshake after its certificate"
        }
        None if ends && asked => "it asks for a client certificate, and then ends the connection",
        _ => return broken(error, timeout),
    };
    let alert = if inner.is_some() { " (alert handshake_failure)" } else { "" };
    EndpointReply::Failed(EndpointError::Tls(format!("{why}{alert}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerIncompatible, PeerMisbehaved};

    #[test]
    fn no_word_of_the_tls_library_reaches_a_person() {
        let mut errors: Vec<Error> =
            (0..=255).map(|alert| Error::AlertReceived(AlertDescription::from(alert))).collect();
        errors.extend([
            Error::InvalidCertificate(CertificateError::BadSignature),
            Error::InvalidCertificate(CertificateError::BadEncoding),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerMisbehaved(PeerMisbehaved::IllegalMiddleboxChangeCipherSpec),
            Error::NoCertificatesPresented,
            Error::DecryptError,
            Error::General("General { why }".to_owned()),
        ]);
        for error in errors {
            let text = tls_error(&error).to_string();
            let camel = |word: &str| {
                let mut pairs = word.as_bytes().windows(2);
                pairs.any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            };
            let ours = ["ChaCha20"];
            let words = text.split(|c: char| !c.is_alphanumeric());
            let foreign: Vec<&str> =
                words.filter(|word| camel(word) && !ours.contains(word)).collect();
            let code = ["{", "::", "(\""].iter().any(|code| text.contains(code));
            assert!(foreign.is_empty() && !code, "{error:?}: {text}");
        }
    }
}
