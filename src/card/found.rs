//! What lies on the card, as its user wrote it: on any system, with any editor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Nobody writes more; whatever is bigger is not one of ours.
const LARGEST: u64 = 1 << 20;

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

/// What there is of one of the files that are looked for.
#[derive(Debug)]
pub(super) enum Found {
    /// No such file.
    Nothing,
    /// One without anything in it: what a power cut leaves. It counts as none.
    Empty(String),
    /// Something that cannot be used; why, and what to do.
    Refused(String),
    /// This.
    Text(Text),
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
        let about = fs::metadata(&path).map_err(|error| named(error, &path))?;
        if about.is_file() && about.len() <= LARGEST {
            let bytes = fs::read(&path).map_err(|error| named(error, &path))?;
            found.push(Raw { name, path, bytes });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The one file of this name that counts. Of several, those that are as they were shipped (`idle`) do not.
pub(super) fn one(card: &Path, wanted: &str, idle: fn(&str) -> bool) -> io::Result<Found> {
    let (empty, written): (Vec<Raw>, _) =
        files(card, wanted)?.into_iter().partition(|file| blank(&file.bytes));
    let mut texts = Vec::new();
    for file in written {
        match decoded(&file.bytes) {
            Ok(text) => texts.push(Text { name: file.name, text }),
            Err(line) => {
                return Ok(Found::Refused(format!(
                    "{}:{line}: is not UTF-8 text from here on\n    save the file as UTF-8",
                    file.name
                )));
            }
        }
    }
    if texts.iter().any(|text| !idle(&text.text)) {
        texts.retain(|text| !idle(&text.text));
    } else {
        texts.truncate(1);
    }
    Ok(match (texts.len(), texts.pop(), empty.into_iter().next()) {
        (0, _, None) => Found::Nothing,
        (0, _, Some(empty)) => Found::Empty(empty.name),
        (1, Some(text), _) => Found::Text(text),
        (_, last, _) => {
            let names = texts.iter().chain(&last).map(|text| text.name.as_str());
            Found::Refused(both(&names.collect::<Vec<_>>()))
        }
    })
}

/// Two files claim to be the same.
pub(super) fn both(names: &[&str]) -> String {
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
            match one(dir.path(), "wifi.conf", only_comments).unwrap() {
                Found::Nothing => "nothing".to_owned(),
                Found::Empty(name) => format!("empty {name}"),
                Found::Refused(why) => why,
                Found::Text(text) => format!("{}: {}", text.name, text.text),
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
        assert_eq!(found(&[("wifi.conf", "")]), "empty wifi.conf");
        let both = "wifi.conf and wifi.conf.txt: only one of them can count\n    remove the other";
        assert_eq!(found(&[("wifi.conf", "x"), ("wifi.conf.txt", "y")]), both);
        assert_eq!(found(&[("wifi.conf", "#"), ("wifi.conf.txt", "# ")]), "wifi.conf: #");
    }
}
