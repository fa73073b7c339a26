//! GitHub's token: where it comes from. What is in it is never said.

use std::path::{Path, PathBuf};

/// Reads the token: from this file, else from systemd's credential, else from the environment; without the
/// line end that an editor adds. It is read again for each report, so a new one needs no restart.
///
/// # Errors
/// In words, with the path, when a file is there and cannot be read.
pub fn read(file: Option<&Path>) -> Result<Option<String>, String> {
    let credential = || {
        let dir = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        Some(PathBuf::from(dir).join("github-token")).filter(|path| path.exists())
    };
    let text = match file.map(Path::to_owned).or_else(credential) {
        Some(path) => std::fs::read_to_string(&path)
            .map_err(|error| format!("the token in {}: {error}", path.display()))?,
        None => std::env::var("GITHUB_TOKEN").unwrap_or_default(),
    };
    let token = text.trim();
    Ok((!token.is_empty()).then(|| token.to_owned()))
}
