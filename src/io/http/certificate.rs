//! The verdict on a chain of certificates, and its earliest end.

use std::time::Duration;

use jiff::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::decide::probe::endpoint_error::{CertificateEnd, EndpointError};

/// What is verified, and with which keys; OpenSSL verifies more.
const ALGORITHMS: &str = "verify the key or the signature of its certificate (pilotlight has RSA from 2048 bits, \
     ECDSA P-256 and P-384 with SHA-256 and SHA-384, Ed25519)";

/// The object identifiers of an RSA key and of a common name, in DER.
const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

/// A public key of RSA with 2048 bits takes 294 bytes in DER, one with 1024 bits 162.
const SMALL_RSA: usize = 256;

/// The certificates that are trusted.
#[derive(Debug)]
pub(super) struct Trust {
    roots: Vec<TrustAnchor<'static>>,
    /// The certificates of a `ca` file: the server's own may be among them.
    given: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// The public certificate authorities, or only those of a `ca` file.
    pub(super) fn new(
        given: Option<Vec<CertificateDer<'static>>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let roots = match &given {
            None => webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            Some(given) => {
                let anchors = given.iter().map(anchor_from_trusted_cert);
                anchors.filter_map(|anchor| Some(anchor.ok()?.to_owned())).collect()
            }
        };
        Self { roots, given: given.unwrap_or_default(), algorithms }
    }

    /// The certificate of the chain that ends first.
    pub(super) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<CertificateEnd, EndpointError> {
        let wrong = |error| self.wrong(&error, leaf, others);
        let certificate = EndEntityCert::try_from(leaf).map_err(wrong)?;
        let chain = if self.given.contains(leaf) {
            match lifetime(leaf, now) {
                Some(error) => return Err(wrong(error)),
                None => vec![leaf.clone()],
            }
        } else {
            let (usage, algorithms) = (KeyUsage::server_auth(), self.algorithms.all);
            let path = certificate
                .verify_for_usage(algorithms, &self.roots, others, now, usage, None, None)
                .map_err(wrong)?;
            // An authority that was renewed may be there twice.
            let same = |given: &&CertificateDer<'_>| {
                let given = EndEntityCert::try_from(*given);
                given.is_ok_and(|given| given.subject() == path.anchor().subject.as_ref())
            };
            let roots = self.given.iter().filter(same);
            let root = roots.max_by_key(|root| end(root, false).map(|end| end.at));
            let issuers = path.intermediate_certificates().map(|issuer| issuer.der());
            let issuers: Vec<_> = issuers.map(CertificateDer::into_owned).collect();
            [leaf.clone()].into_iter().chain(issuers).chain(root.cloned()).collect()
        };
        certificate.verify_is_valid_for_subject_name(name).map_err(wrong)?;
        let ends = chain.iter().filter_map(|one| end(one, one == leaf));
        let earliest = ends
            .min_by_key(|end| end.at)
            .ok_or_else(|| EndpointError::CertificateUntrusted("it has no end".to_owned()))?;
        match earliest.at.as_second() < i64::try_from(now.as_secs()).unwrap_or(i64::MAX) {
            true => Err(EndpointError::CertificateEnded(earliest)),
            false => Ok(earliest),
        }
    }

    fn wrong(
        &self,
        error: &Error,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> EndpointError {
        let mut chain = std::iter::once(leaf).chain(others);
        let why = match error {
            Error::CertExpired { not_after, .. } => {
                let ends = chain.filter_map(|one| end(one, one == leaf));
                let at = timestamp(*not_after);
                let ended = ends.into_iter().find(|end| end.at == at);
                let ended = ended.unwrap_or(CertificateEnd { at, issuer: None });
                return EndpointError::CertificateEnded(ended);
            }
            Error::CertNotValidYet { .. } => return EndpointError::CertificateAhead,
            Error::CertNotValidForName(names) => {
                let own = EndEntityCert::try_from(leaf).ok();
                let common = own.and_then(|own| common_name(own.subject()));
                return match common.filter(|_| names.presented.is_empty()) {
                    Some(common) => EndpointError::CertificateCommonName(common),
                    None => EndpointError::CertificateName(
                        names.presented.iter().filter_map(|name| plain(name)).collect(),
                    ),
                };
            }
            Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                return EndpointError::Unsupported(ALGORITHMS.to_owned());
            }
            Error::InvalidSignatureForPublicKey
                if chain.any(has_small_rsa) || self.given.iter().any(has_small_rsa) =>
            {
                return EndpointError::Unsupported(ALGORITHMS.to_owned());
            }
            Error::UnsupportedCertVersion => {
                let what = "verify certificates of X.509 version 1, such as this one";
                return EndpointError::Unsupported(what.to_owned());
            }
            Error::UnsupportedCriticalExtension => {
                let what = "judge a critical extension of its certificate";
                return EndpointError::Unsupported(what.to_owned());
            }
            error => why(error),
        };
        EndpointError::CertificateUntrusted(why.to_owned())
    }
}

fn why(error: &Error) -> &'static str {
    match error {
        Error::UnknownIssuer => "its issuer is unknown, or it has signed itself",
        Error::CaUsedAsEndEntity => {
            "it is that of a certificate authority, and not in the `ca` file itself"
        }
        Error::EndEntityUsedAsCa => "its issuer is not a certificate authority",
        Error::InvalidSignatureForPublicKey | Error::SignatureAlgorithmMismatch => {
            "a signature in its chain is wrong"
        }
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => {
            "it is not for servers (extended key usage)"
        }
        Error::NameConstraintViolation => "its issuer may not sign for this name",
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => {
            "its chain is longer than allowed"
        }
        Error::CertDistrusted => "its issuer is distrusted",
        _ => "it is malformed",
    }
}

/// What is wrong with the certificate at this time: it has ended, or is not valid yet.
fn lifetime(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<Error> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    // The lifetime is looked at first. Without roots there is always some error.
    let verified =
        certificate.verify_for_usage(&[], &[], &[], now, KeyUsage::server_auth(), None, None);
    let error = verified.err();
    error.filter(|e| matches!(e, Error::CertExpired { .. } | Error::CertNotValidYet { .. }))
}

fn end(certificate: &CertificateDer<'_>, own: bool) -> Option<CertificateEnd> {
    let never = UnixTime::since_unix_epoch(Duration::MAX);
    let Error::CertExpired { not_after, .. } = lifetime(certificate, never)? else { return None };
    let issuer = (!own).then(|| {
        let issuer = EndEntityCert::try_from(certificate).ok();
        issuer
            .and_then(|issuer| common_name(issuer.subject()))
            .unwrap_or_else(|| "its issuer".to_owned())
    });
    Some(CertificateEnd { at: timestamp(not_after), issuer })
}

pub(super) fn has_small_rsa(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| {
        let key = certificate.subject_public_key_info();
        key.len() < SMALL_RSA && key.windows(RSA.len()).any(|part| part == RSA)
    })
}

/// The last common name (CN) in a subject.
fn common_name(subject: &[u8]) -> Option<String> {
    let at = subject.windows(COMMON_NAME.len()).rposition(|part| part == COMMON_NAME)?;
    let [_type, length, name @ ..] = subject.get(at + COMMON_NAME.len()..)? else { return None };
    let name = name.get(..usize::from(*length))?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// The name in webpki's `DnsName("www.example.net")`, `IpAddress(192.0.2.1)` or `UniformResourceIdentifier("…")`; no
/// server is known by the others.
fn plain(name: &str) -> Option<String> {
    let (_, inner) = name.strip_suffix(')')?.split_once('(')?;
    Some(inner.trim_matches('"').to_owned()).filter(|inner| !inner.starts_with("0x"))
}

/// A certificate without an end has the year 9999 in it.
fn timestamp(time: UnixTime) -> Timestamp {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
