//! The public keys of the people that may log in, in sshd's format.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::card_file::{self, CardText};
use super::error::ProvisionError;
use super::paths::CardPaths;
use super::report::{Problem, ProvisionReport};
use crate::io::system::disk::Disk;

pub(super) fn import(
    name: &str,
    paths: &CardPaths,
    disk: &mut Disk,
    report: &mut ProvisionReport,
) -> Result<(), ProvisionError> {
    let problems = &mut report.problems;
    let found = card_file::find_one(&paths.card, name, card_file::only_comments, problems)?;
    let Some(file) = found.filter(|file| !file.text.is_empty()) else { return Ok(()) };
    let home = paths.data.join("ssh");
    let path = home.join(name);
    let in_force = fs::read_to_string(&path).ok();
    let before = problems.len();
    let keys = accepted_keys(&file, in_force.as_deref().unwrap_or_default(), problems)?;
    let rejected = problems.len() > before;
    if keys.is_empty() && (rejected || in_force.is_none()) {
        if in_force.is_some() {
            // The user wants some keys, so the old ones are not removed.
            report.in_force.push(format!("the keys imported before stay in force for {name}"));
        }
        return Ok(());
    }
    let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
    disk.folder(&home, 0o755)?;
    if disk.put(&path, Some(text.as_bytes()), Some(0o644))? {
        report.done.push(format!("{}: imported, keys: {}", file.name, keys.len()));
    }
    Ok(())
}

/// The valid keys. A private key, or one on several lines, invalidates the whole file, as the lines around it
/// belong to it.
fn accepted_keys<'a>(
    file: &'a CardText,
    in_force: &str,
    problems: &mut Vec<Problem>,
) -> Result<Vec<&'a str>, ProvisionError> {
    let (mut keys, mut rejected) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(file.text.lines().map(str::trim)) {
        let problem = |reason, next| Problem::new(&format!("{}:{number}", file.name), reason, next);
        if line.is_empty() || line.starts_with('#') {
            continue;
        } else if line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File") {
            problems.push(problem(
                "this is a PRIVATE key, and everybody with this card can read it",
                "make a new pair, and write only its public half here (the file whose name ends in .pub)",
            ));
            return Ok(Vec::new());
        } else if line.starts_with("---- BEGIN SSH2") {
            problems.push(problem(
                "sshd cannot read a public key in this format",
                "copy the one line that PuTTYgen shows for OpenSSH's authorized_keys",
            ));
            return Ok(Vec::new());
        } else if in_force.lines().any(|old| old == line) || is_public_key(line)? {
            keys.push(line);
        } else {
            rejected.push(problem(
                "this is not a complete public key",
                "write each key on one line, as in the file whose name ends in .pub: ssh-ed25519 AAAA... name",
            ));
        }
    }
    problems.append(&mut rejected);
    Ok(keys)
}

/// A line is a public key if ssh-keygen prints its fingerprint.
fn is_public_key(line: &str) -> Result<bool, ProvisionError> {
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

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T me@laptop";

    #[test]
    fn a_key_has_a_type_and_is_complete() {
        let blob = ED25519.split(' ').nth(1).unwrap();
        for (line, good) in [
            (ED25519.to_owned(), true),
            (format!("restrict,command=\"echo ssh-rsa \\\"a b\\\"\"\t{ED25519}"), true),
            ("ssh-ed25519".to_owned(), false),
            (format!("ssh-rsa {blob}"), false),
            (format!("ssh-ed25519 {}", &blob[..60]), false),
            (blob.to_owned(), false),
        ] {
            assert_eq!(is_public_key(&line).unwrap(), good, "{line}");
        }
    }

    #[test]
    fn a_key_that_is_not_for_sshd_invalidates_the_whole_file() {
        for start in [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "---- BEGIN SSH2 PUBLIC KEY ----",
        ] {
            let text = format!("nonsense\n{ED25519}\n{start}\nb3BlbnNzaC1rZXktdjEA\n");
            let mut problems = Vec::new();
            let file = CardText { name: "root_keys".to_owned(), text };
            assert_eq!(accepted_keys(&file, "", &mut problems).unwrap(), [""; 0]);
            assert!(problems.len() == 1 && problems[0].what.starts_with("root_keys:3: "));
        }
    }
}
