//! GitHub's token. It is moved off the card, where everybody can read it, and given to systemd at each start. No
//! message contains any part of it.

use std::fs;

use super::card_file::{self, CardFile};
use super::error::ProvisionError;
use super::paths::CardPaths;
use super::report::{Problem, ProvisionReport};
use crate::io::system::disk::Disk;

const NAME: &str = "github-token";

pub(super) fn import(
    paths: &CardPaths,
    disk: &mut Disk,
    report: &mut ProvisionReport,
) -> Result<(), ProvisionError> {
    let home = paths.data.join("pilotlight");
    let stored = home.join(NAME);
    let old = fs::read(&stored).unwrap_or_default();
    let mut files = Vec::new();
    for file in card_file::find(&paths.card, NAME)? {
        if file.bytes.is_empty() {
            let next = "copy the token into it again, or remove the file";
            report.problems.push(Problem::new(&file.name, "is empty", next));
        } else if is_remainder(&file.bytes, &old) {
            disk.wipe(&file.path, file.bytes.len())?;
        } else {
            files.push(file);
        }
    }
    let file = match &files[..] {
        [] => return Ok(()),
        [file] => file,
        _ => {
            let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            report.problems.push(card_file::ambiguous(&names));
            return Ok(());
        }
    };
    let token = match parse(file) {
        Ok(token) => token,
        Err(problem) => {
            report.problems.push(problem);
            return Ok(());
        }
    };
    disk.folder(&home, 0o755)?;
    if disk.put(&stored, Some(token.as_bytes()), Some(0o600))? {
        report.done.push(format!("{}: imported", file.name));
    }
    let result = if paths.durable {
        disk.wipe(&file.path, file.bytes.len())?;
        "overwritten and removed on the card".to_owned()
    } else {
        format!("stays on the card, as {} loses it without power", paths.data.display())
    };
    report.done.push(format!("{}: {result}", file.name));
    Ok(())
}

/// Copies the stored token to where `LoadCredential=` finds it.
pub(super) fn install_credential(
    paths: &CardPaths,
    disk: &mut Disk,
    _: &mut ProvisionReport,
) -> Result<(), ProvisionError> {
    let Ok(token) = fs::read(paths.data.join("pilotlight").join(NAME)) else {
        return Ok(());
    };
    let store = paths.run.join("credstore");
    disk.folder(&store, 0o700)?;
    disk.put(&store.join(NAME), Some(&token), Some(0o600))?;
    Ok(())
}

/// True for a file that a power cut left partly overwritten with zeros.
fn is_remainder(bytes: &[u8], stored: &[u8]) -> bool {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = card_file::decode(&bytes[zeros..]).unwrap_or_default();
    card_file::is_blank(bytes) || zeros > 0 && stored.ends_with(rest.trim().as_bytes())
}

fn parse(file: &CardFile) -> Result<String, Problem> {
    let invalid = |reason| {
        let next = "write only the token, on one line, as GitHub showed it";
        Problem::new(&file.name, reason, next)
    };
    let text = card_file::decode(&file.bytes).map_err(|_| invalid("is not text"))?;
    match text.trim() {
        token if token.lines().nth(1).is_some() => Err(invalid("has more than one line")),
        token if !token.chars().all(|c| c.is_ascii_graphic()) => {
            Err(invalid("contains a character that is never in a token"))
        }
        token => Ok(token.to_owned()),
    }
}
