//! The certificate authorities of a PEM file.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::io::http::error::HttpError;

/// The certificates in the PEM file that the configuration names at `key`; at least one.
pub(super) fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let pem = std::fs::read(path).map_err(|error| HttpError::certificates(key, path, error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(HttpError::certificates(key, path, "no certificate in it; it must be a PEM file"))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(HttpError::certificates(key, path, error)),
    }
}
