//! What lies on the card, as its user wrote it: on any system, with any editor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file on the card.
#[derive(Debug)]
pub(super) struct Raw {
    /// As the card has it: `Pilotlight.toml.txt`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

/// A file's text, with the line ends of this system and no byte order mark.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
}

/// Every file on the card that goes by this name: in capitals or not, as FAT has it, and also with the
/// `.txt` that an editor appended.
pub(super) fn files(card: &Path, wanted: &str) -> io::Result<Vec<Raw>> {
    let named = |error: io::Error, path: &Path| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(card).map_err(|error| named(error, card))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let plain = name.to_ascii_lowercase();
        if plain.strip_suffix(".txt").unwrap_or(&plain) != wanted {
            continue;
        }
        if path.is_file() {
            let bytes = fs::read(&path).map_err(|error| named(error, &path))?;
            found.push(Raw { name, path, bytes });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The one file of this name that counts, if there is one that can be used. Of several, those that are as
/// they were shipped (`idle`) do not count, nor does an empty one beside another.
pub(super) fn one(
    card: &Path,
    wanted: &str,
    idle: fn(&str) -> bool,
    problems: &mut Vec<String>,
) -> io::Result<Option<Text>> {
    let mut texts = Vec::new();
    for Raw { name, bytes, .. } in files(card, wanted)? {
        match decoded(&bytes) {
            _ if blank(&bytes) => texts.push(Text { name, text: String::new() }),
            Ok(text) => texts.push(Text { name, text }),
            Err(line) => {
                problems.push(format!(
                    "{name}:{line}: is not UTF-8 text from here on\n    save the file as UTF-8"
                ));
                return Ok(None);
            }
        }
    }
    let counts = |text: &Text| !text.text.is_empty() && !idle(&text.text);
    if !texts.iter().any(counts) {
        texts.sort_by_key(|text| text.text.is_empty());
        return Ok(texts.into_iter().next());
    }
    texts.retain(counts);
    if texts.len() > 1 {
        problems.push(both(texts.iter().map(|text| text.name.as_str())));
        return Ok(None);
    }
    Ok(texts.into_iter().next())
}

/// Two files claim to be the same.
pub(super) fn both<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("{}: only one of them can count\n    remove the other", names.join(" and "))
}

/// Whether there is nothing in it: not a byte, or what a file system puts in the place of lost ones.
pub(super) fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

/// Whether it has nothing but comments.
pub(super) fn only_comments(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// The text, or the first line that is none.
pub(super) fn decoded(bytes: &[u8]) -> Result<String, usize> {
    let wide = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let (mut text, mut bad) = (String::new(), !odd.is_empty());
        for char in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
            match char {
                Ok(char) => text.push(char),
                Err(_) => {
                    bad = true;
                    break;
                }
            }
        }
        if bad { Err(text.matches('\n').count() + 1) } else { Ok(text) }
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest)?,
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest)?,
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => match std::str::from_utf8(rest) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let good = &rest[..error.valid_up_to()];
                return Err(good.iter().filter(|byte| **byte == b'\n').count() + 1);
            }
        },
    };
    Ok(text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_understood_however_windows_saved_it() {
        let wide = |order: fn(u16) -> [u8; 2]| {
            "\u{feff}a = \"ü\"\r\nb\r\n".encode_utf16().flat_map(order).collect::<Vec<u8>>()
        };
        let said = "a = \"ü\"\nb\n";
        for bytes in [
            said.as_bytes().to_vec(),
            "\u{feff}a = \"ü\"\r\nb\r\n".into(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes), Ok(said.to_owned()), "{bytes:?}");
        }
        assert_eq!(decoded(b"a\nb \xfc\n"), Err(2), "Latin 1");
        assert_eq!(decoded(&[0xff, 0xfe, b'a', 0, b'\n', 0, 0, 0xd8]), Err(2), "half a pair");
        assert_eq!(decoded(&[0xff, 0xfe, b'a']), Err(1), "half a character");
    }

    #[test]
    fn a_name_counts_in_capitals_and_with_txt_behind_it() {
        let found = |files: &[(&str, &str)]| {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                fs::write(dir.path().join(name), text).unwrap();
            }
            fs::create_dir(dir.path().join("WIFI.CONF")).unwrap();
            let mut problems = Vec::new();
            let found = one(dir.path(), "wifi.conf", only_comments, &mut problems).unwrap();
            match found {
                Some(text) => format!("{}: {}", text.name, text.text),
                None => problems.pop().unwrap_or("nothing".to_owned()),
            }
        };
        assert_eq!(found(&[("wifi.conf.bak", "x"), ("xwifi.conf", "x")]), "nothing");
        assert_eq!(found(&[("Wifi.Conf", "x")]), "Wifi.Conf: x");
        assert_eq!(found(&[("wifi.conf.TXT", "x")]), "wifi.conf.TXT: x");
        assert_eq!(
            found(&[("wifi.conf", "# as shipped\n"), ("wifi.conf.txt", "x")]),
            "wifi.conf.txt: x"
        );
        assert_eq!(found(&[("wifi.conf", "x"), ("wifi.conf.txt", "\0\0")]), "wifi.conf: x");
        assert_eq!(found(&[("wifi.conf", "")]), "wifi.conf: ");
        let both = "wifi.conf and wifi.conf.txt: only one of them can count\n    remove the other";
        assert_eq!(found(&[("wifi.conf", "x"), ("wifi.conf.txt", "y")]), both);
        assert_eq!(found(&[("wifi.conf", "#"), ("wifi.conf.txt", "# ")]), "wifi.conf: #");
    }
}
