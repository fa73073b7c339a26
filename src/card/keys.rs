//! Who may log in: files of public keys, as sshd reads them.

use std::io;

use super::found;
use super::{Disk, Places, Taken};

const TYPES: [&str; 7] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

pub(super) fn take_in(
    name: &str,
    places: &Places,
    disk: &mut Disk,
    taken: &mut Taken,
) -> io::Result<()> {
    let found = found::one(&places.card, name, found::only_comments, &mut taken.problems)?;
    let Some(written) = found.filter(|written| !written.text.is_empty()) else {
        return Ok(());
    };
    let home = places.data.join("ssh");
    let path = home.join(name);
    let (keys, wrong) = sorted(&written.text);
    let bad = !wrong.is_empty();
    let place = |(line, why)| format!("{}:{line}: {why}", written.name);
    taken.problems.extend(wrong.into_iter().map(place));
    if keys.is_empty() && (bad || !path.exists()) {
        if path.exists() {
            // Somebody meant to have some.
            taken
                .stays
                .push(format!("the keys that were taken in before stay in force for {name}"));
        }
        return Ok(());
    }
    let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
    disk.folder(&home, 0o755)?;
    if disk.put(&path, Some(text.as_bytes()), Some(0o644))? {
        taken.done.push(format!("{}: taken in, keys: {}", written.name, keys.len()));
    }
    Ok(())
}

/// The keys, and what is wrong in which line. A private key spoils the whole file, and so does one in a form
/// of many lines: what stands around it is part of it.
fn sorted(text: &str) -> (Vec<&str>, Vec<(usize, &'static str)>) {
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        } else if line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File") {
            let why = "is a PRIVATE key, and whoever holds this card can read it\n    make a new pair, and write \
                       only its public half here (the file whose name ends in .pub)";
            return (Vec::new(), vec![(number, why)]);
        } else if line.starts_with("---- BEGIN SSH2") {
            let why = "is a public key in a form that sshd does not read\n    copy the one line that PuTTYgen \
                       shows for OpenSSH's authorized_keys";
            return (Vec::new(), vec![(number, why)]);
        } else if is_key(line) {
            keys.push(line);
        } else {
            wrong.push((
                number,
                "is no public key, or not the whole of it\n    write each on one line, as in the file whose \
                 name ends in .pub: ssh-ed25519 AAAA... name",
            ));
        }
    }
    (keys, wrong)
}

/// Options or none, a type, and a key of that type.
fn is_key(line: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    let mut words = line.split(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\';
        c.is_whitespace() && !quoted
    });
    let known = |word: &str| TYPES.contains(&word);
    let first = words.next().unwrap_or_default();
    let kind = if known(first) { Some(first) } else { words.find(|word| !word.is_empty()) };
    let Some(kind) = kind.filter(|kind| known(kind)) else { return false };
    let key = words.find(|word| !word.is_empty()).and_then(base64);
    key.is_some_and(|key| {
        fields(&key).is_some_and(|fields| fields > 1) && key[4..].starts_with(kind.as_bytes())
    })
}

/// How many fields a key has, each behind its length (RFC 4253, section 6.6); `None`: it breaks off.
fn fields(mut key: &[u8]) -> Option<usize> {
    let mut count = 0;
    while let Some((length, rest)) = key.split_first_chunk::<4>() {
        key = rest.get(usize::try_from(u32::from_be_bytes(*length)).ok()?..)?;
        count += 1;
    }
    key.is_empty().then_some(count)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T me@laptop";

    #[test]
    fn a_key_is_known_by_its_type_and_that_nothing_of_it_is_missing() {
        let blob = ED25519.split(' ').nth(1).unwrap();
        for good in [
            ED25519.to_owned(),
            format!("ssh-ed25519  {blob}"),
            format!("restrict,command=\"echo ssh-rsa \\\"a b\\\"\"\t{ED25519}"),
        ] {
            assert!(is_key(&good), "{good}");
        }
        for bad in [
            "ssh-ed25519".to_owned(),
            format!("ssh-rsa {blob}"),
            format!("ssh-ed25519 {}", &blob[..60]),
            format!("ssh-ed25519 {}", &blob[4..]),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5".to_owned(),
            format!("ssh-dss {blob}"),
            format!("from=\"a b\" restrict {ED25519}"),
            blob.to_owned(),
        ] {
            assert!(!is_key(&bad), "{bad}");
        }
    }

    #[test]
    fn what_people_paste_by_mistake_spoils_the_whole_file() {
        for start in [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "---- BEGIN SSH2 PUBLIC KEY ----",
        ] {
            let text = format!("{ED25519}\n\n{start}\nb3BlbnNzaC1rZXktdjEA\n");
            let (keys, wrong) = sorted(&text);
            assert!(keys.is_empty());
            assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3], "{start}");
        }
    }
}
