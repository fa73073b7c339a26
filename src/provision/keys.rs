//! The public keys of the people that may log in, in sshd's format.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::card_file;
use super::context::{Import, ProvisionError, Result};
use super::settings::CardText;

/// Each takes a run of ssh-keygen, and a start may take a minute.
const MAX_LINES: usize = 200;

pub(super) fn import(import: &mut Import<'_>, name: &str) -> Result {
    let own = card_file::find_own(import, name)?;
    let imager = import.imager.keys.take_if(|_| name == "authorized_keys");
    let file = match (own, imager) {
        (Some(own), Some(imager)) if card_file::only_comments(&own.text) => imager,
        (Some(file), _) | (None, Some(file)) => file,
        (None, None) => return Ok(()),
    };
    let home = import.paths.data.join("ssh");
    let path = home.join(name);
    let in_force = fs::read_to_string(&path).ok();
    let before = import.report.problems.len();
    let keys = accepted_keys(import, &file, in_force.as_deref().unwrap_or_default())?;
    let rejected = import.report.problems.len() > before;
    if keys.is_empty() && in_force.is_none() {
        return Ok(());
    } else if keys.is_empty() && rejected {
        // The user wants some keys, so the old ones are not removed.
        import.report.in_force.push(format!("the keys imported before stay in force for {name}"));
        return Ok(());
    }
    let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
    import.disk.folder(&home, 0o755)?;
    if import.disk.put(&path, Some(text.as_bytes()), Some(0o644))? {
        import.done(&file.name, &format!("imported, keys: {}", keys.len()));
    }
    Ok(())
}

/// The valid keys. A private key, or one on several lines, invalidates the whole file, as the lines around it
/// belong to it.
fn accepted_keys<'a>(
    import: &mut Import<'_>,
    file: &'a CardText,
    in_force: &str,
) -> Result<Vec<&'a str>> {
    let before = import.report.problems.len();
    let mut keys = Vec::new();
    if file.text.lines().filter(|line| !line.trim().is_empty()).nth(MAX_LINES).is_some() {
        let reason = format!("has more than {MAX_LINES} lines, and is not imported");
        import.problem(&file.name, None, &reason, "write only the keys of people that log in");
        return Ok(keys);
    }
    for (number, line) in (1..).zip(file.text.lines().map(str::trim)) {
        let (invalidates_file, reason, next) = if line.is_empty() || line.starts_with('#') {
            continue;
        } else if line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File") {
            let next = "make a new pair, and write only its public half here (the file whose name ends in .pub)";
            (true, "this is a PRIVATE key, and everybody with this card can read it", next)
        } else if line.starts_with("---- BEGIN SSH2") {
            let next = "copy the one line that PuTTYgen shows for OpenSSH's authorized_keys";
            (true, "sshd cannot read a public key in this format", next)
        } else if in_force.lines().any(|old| old == line) || is_public_key(line)? {
            keys.push(line);
            continue;
        } else {
            let next = "write each key on one line, as in the file whose name ends in .pub: ssh-ed25519 AAAA... name";
            (false, "this is not a complete public key", next)
        };
        if invalidates_file {
            import.report.problems.truncate(before);
        }
        import.problem(&file.name, Some(number), reason, next);
        if invalidates_file {
            return Ok(Vec::new());
        }
    }
    Ok(keys)
}

/// A line is a public key if ssh-keygen prints its fingerprint.
fn is_public_key(line: &str) -> Result<bool> {
    let run = || {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-l", "-f", "-"]).stdin(Stdio::piped());
        let mut keygen = keygen.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if let Some(mut stdin) = keygen.stdin.take() {
            stdin.write_all(line.as_bytes())?;
        }
        io::Result::Ok(keygen.wait()?.success())
    };
    run().map_err(ProvisionError::SshKeygen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_type_and_is_complete() {
        const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T";
        for (line, good) in [
            (format!("ssh-ed25519 {BLOB} me@laptop"), true),
            (format!("restrict,command=\"echo ssh-rsa \\\"a b\\\"\"\tssh-ed25519 {BLOB}"), true),
            ("ssh-ed25519".to_owned(), false),
            (format!("ssh-rsa {BLOB}"), false),
            (format!("ssh-ed25519 {}", &BLOB[..60]), false),
            (BLOB.to_owned(), false),
        ] {
            assert_eq!(is_public_key(&line).unwrap(), good, "{line}");
        }
    }
}
