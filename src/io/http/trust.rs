//! The certificate authorities of a PEM file.

use std::path::Path;

use rustls::pki_types::CertificateDer;

use crate::config;
use crate::io::http::error::HttpError;

/// The certificates in the PEM file that the configuration names at `key`; at least one.
pub(super) fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let pem = std::fs::read(path).map_err(|error| HttpError::certificates(key, path, error))?;
    config::certificates(&pem).map_err(|why| HttpError::certificates(key, path, why))
}
