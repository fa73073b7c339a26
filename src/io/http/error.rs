//! What can go wrong with HTTP, by what the caller may do about it.

use std::path::{Path, PathBuf};

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpError {
    /// The request cannot have had an effect: no connection, no name, no trust.
    #[error("{0}")]
    NotSent(String),
    /// The request may have had an effect: the connection broke, or time ran out, after sending began.
    #[error("{0}")]
    Ambiguous(String),
    /// A file of certificates that the configuration names cannot be used.
    #[error("{key}: {}: {why}", path.display())]
    Certificates { key: &'static str, path: PathBuf, why: String },
}

impl HttpError {
    pub(super) fn certificates(key: &'static str, path: &Path, why: impl ToString) -> Self {
        Self::Certificates { key, path: path.to_owned(), why: why.to_string() }
    }
}
