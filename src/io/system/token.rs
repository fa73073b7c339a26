//! GitHub's token: where it comes from. Its text is never shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    #[error("the token file {} {}", path.display(), unreadable(error))]
    Unreadable { path: PathBuf, error: io::Error },
    /// With the places that were looked at.
    #[error("there is no token: {0}")]
    Missing(String),
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Reads the token: from this file, else from systemd's credential, else from the environment; without the
/// line end that an editor adds. It is read again for each report, so a new one needs no restart.
///
/// # Errors
/// When the file cannot be read, or none of the places has a token.
pub fn read(file: Option<&Path>) -> Result<String, TokenError> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    let credential = folder.map(|dir| PathBuf::from(dir).join("github-token"));
    let credential = credential.filter(|path| path.exists());
    let looked = match (file, &credential) {
        (Some(file), _) => format!("the file {} is empty", file.display()),
        (None, Some(path)) => format!("the credential {} is empty", path.display()),
        (None, None) => "github.token-file is not in the configuration, this process has no systemd \
                         credential github-token, and the environment variable GITHUB_TOKEN is not set"
            .to_owned(),
    };
    let text = match file.map(Path::to_owned).or(credential) {
        Some(path) => {
            fs::read_to_string(&path).map_err(|error| TokenError::Unreadable { path, error })?
        }
        None => std::env::var("GITHUB_TOKEN").unwrap_or_default(),
    };
    match text.trim() {
        "" => Err(TokenError::Missing(looked)),
        token => Ok(token.to_owned()),
    }
}
