//! GitHub's token. It is moved off the card, where everybody can read it, and given to systemd at each start. No
//! message contains any part of it.

use std::fs;

use super::card_file::{self, CardFile};
use super::context::{Import, Result};

const NAME: &str = "github-token";

pub(super) fn import(import: &mut Import<'_>) -> Result {
    let home = import.paths.data.join("pilotlight");
    let stored = home.join(NAME);
    let old = fs::read(&stored).unwrap_or_default();
    let mut files = Vec::new();
    for file in card_file::find(import, NAME)? {
        if file.bytes.is_empty() {
            let next = "copy the token into it again, or remove the file";
            import.problem(&file.name, None, "is empty", next);
        } else if is_remainder(&file.bytes, &old) {
            import.disk.wipe(&file.path, file.bytes.len())?;
        } else {
            files.push(file);
        }
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    if names.len() > 1 {
        card_file::ambiguous(import, &names);
        return Ok(());
    }
    let Some(file) = files.first() else { return Ok(()) };
    let token = match parse(file) {
        Ok(token) => token,
        Err(reason) => {
            let next = "write only the token, on one line, as GitHub showed it";
            import.problem(&file.name, None, reason, next);
            return Ok(());
        }
    };
    import.disk.folder(&home, 0o755)?;
    if import.disk.put(&stored, Some(token.as_bytes()), Some(0o600))? {
        import.done(&file.name, "imported");
    }
    if import.paths.durable {
        import.disk.wipe(&file.path, file.bytes.len())?;
        import.done(&file.name, "overwritten and removed on the card");
    } else {
        import.done(&file.name, "stays on the card, as the data partition cannot be used");
    }
    Ok(())
}

/// Copies the stored token to where `LoadCredential=` finds it.
pub(super) fn install_credential(import: &mut Import<'_>) -> Result {
    let stored = import.paths.data.join("pilotlight").join(NAME);
    if let Ok(token) = fs::read(stored) {
        let store = import.paths.run.join("credstore");
        import.disk.folder(&store, 0o700)?;
        import.disk.put(&store.join(NAME), Some(&token), Some(0o600))?;
    }
    Ok(())
}

/// True for a file that a power cut left partly overwritten with zeros.
fn is_remainder(bytes: &[u8], stored: &[u8]) -> bool {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = card_file::decode(&bytes[zeros..]).unwrap_or_default();
    card_file::is_blank(bytes) || zeros > 0 && stored.ends_with(rest.trim().as_bytes())
}

/// The token, or why this is not one.
fn parse(file: &CardFile) -> std::result::Result<String, &'static str> {
    let text = card_file::decode(&file.bytes).map_err(|_| "is not text")?;
    match text.trim() {
        token if token.lines().nth(1).is_some() => Err("has more than one line"),
        token if !token.chars().all(|c| c.is_ascii_graphic()) => {
            Err("contains a character that is never in a token")
        }
        token => Ok(token.to_owned()),
    }
}
