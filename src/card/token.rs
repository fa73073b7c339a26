//! GitHub's token: moved off the card, where anybody could read it, and handed to systemd at each start. What
//! is in it is never said.

use std::fs;
use std::io;

use super::found::{self, Raw};
use super::{Disk, Places, Taken};

const NAME: &str = "github-token";

pub(super) fn take_in(places: &Places, disk: &mut Disk, taken: &mut Taken) -> io::Result<()> {
    let home = places.data.join("pilotlight");
    let kept = home.join(NAME);
    let had = fs::read(&kept).unwrap_or_default();
    let mut fresh = Vec::new();
    for file in found::files(&places.card, NAME)? {
        if file.bytes.is_empty() {
            taken.problems.push(format!(
                "{}: is empty\n    copy the token into it again, or remove the file",
                file.name
            ));
        } else if is_rest(&file.bytes, &had) {
            disk.wipe(&file.path, file.bytes.len())?;
        } else {
            fresh.push(file);
        }
    }
    let (file, token) = match &fresh[..] {
        [] => return Ok(()),
        [file] => match token(file) {
            Ok(token) => (file, token),
            Err(why) => {
                taken.problems.push(why);
                return Ok(());
            }
        },
        files => {
            taken.problems.push(found::both(files.iter().map(|file| file.name.as_str())));
            return Ok(());
        }
    };
    disk.folder(&home, 0o755)?;
    if disk.put(&kept, Some(token.as_bytes()), Some(0o600))? {
        taken.done.push(format!("{}: taken in", file.name));
    }
    let became = if places.durable {
        disk.wipe(&file.path, file.bytes.len())?;
        "overwritten and removed on the card".to_owned()
    } else {
        format!("stays on the card, as {} is gone with the power", places.data.display())
    };
    taken.done.push(format!("{}: {became}", file.name));
    Ok(())
}

/// Gives the token to systemd (`LoadCredential=` looks there), whatever became of the card.
pub(super) fn hand_over(places: &Places, disk: &mut Disk, _: &mut Taken) -> io::Result<()> {
    let Ok(token) = fs::read(places.data.join("pilotlight").join(NAME)) else {
        return Ok(());
    };
    let store = places.run.join("credstore");
    disk.folder(&store, 0o700)?;
    disk.put(&store.join(NAME), Some(&token), Some(0o600)).map(drop)
}

/// Whether this is what a power cut left of a token that was being overwritten.
fn is_rest(bytes: &[u8], had: &[u8]) -> bool {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = found::decoded(&bytes[zeros..]).unwrap_or_default();
    found::blank(bytes) || zeros > 0 && had.ends_with(rest.trim().as_bytes())
}

fn token(file: &Raw) -> Result<String, String> {
    let next = "write the token and nothing else, on one line, as GitHub showed it";
    let wrong = |why: &str| format!("{}: {why}\n    {next}", file.name);
    let text = found::decoded(&file.bytes).map_err(|_| wrong("is no text"))?;
    let token = text.trim();
    match token {
        _ if token.lines().nth(1).is_some() => Err(wrong("has more than one line")),
        _ if !token.chars().all(|c| c.is_ascii_graphic()) => {
            Err(wrong("has something in it that no token has"))
        }
        _ => Ok(token.to_owned()),
    }
}
