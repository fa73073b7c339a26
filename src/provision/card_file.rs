//! The user's files on the card, saved by any editor on any system.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::context::{Import, ProvisionError, Result};
use super::settings::CardText;

/// Far more than any of these files needs.
const MAX_SIZE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct CardFile {
    /// The name on the card, such as `Pilotlight.toml.txt`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

/// True for `wanted` in upper case, as FAT may store it, and with a `.txt` added by an editor.
fn is_called(name: &str, wanted: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.strip_suffix(".txt").unwrap_or(&lower) == wanted
}

/// True for a file on the card that only root may read.
pub(super) fn is_secret(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["github-token", "wifi.conf", "user-data", "network-config", "rpi-preseed.toml"]
        .iter()
        .any(|secret| is_called(&name, secret))
}

/// The content of a file, or `None` if that is more than `size` bytes.
pub(super) fn read_up_to(path: &Path, size: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(size as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= size))
}

/// Finds files by name. One that is too large is a problem.
pub(super) fn find(import: &mut Import<'_>, wanted: &str) -> Result<Vec<CardFile>> {
    let card = &import.paths.card;
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| ProvisionError::Card { path, source }
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(card).map_err(at(card))? {
        let path = entry.map_err(at(card))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_called(&name, wanted) && path.is_file() {
            match read_up_to(&path, MAX_SIZE).map_err(at(&path))? {
                Some(bytes) => found.push(CardFile { name, path, bytes }),
                None => {
                    let next = "write only what belongs into it, or remove the file";
                    import.problem(&name, None, "is larger than 1 MB, and is not imported", next);
                }
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Finds the one file to import. A blank file, or one that `is_unedited`, counts only if there is no other.
pub(super) fn find_one(
    import: &mut Import<'_>,
    wanted: &str,
    is_unedited: fn(&str) -> bool,
) -> Result<Option<CardText>> {
    let mut texts = Vec::new();
    for CardFile { name, bytes, .. } in find(import, wanted)? {
        match decode(&bytes) {
            _ if is_blank(&bytes) => texts.push(CardText { name, text: String::new() }),
            Ok(text) => texts.push(CardText { name, text }),
            Err(line) => {
                let reason = "from here on this is not UTF-8 text";
                import.problem(&name, Some(line), reason, "save the file as UTF-8");
                return Ok(None);
            }
        }
    }
    texts.sort_by_key(|file| (file.text.is_empty(), is_unedited(&file.text)));
    let edited = texts.iter().filter(|file| !file.text.is_empty() && !is_unedited(&file.text));
    let edited: Vec<&str> = edited.map(|file| file.name.as_str()).collect();
    if edited.len() > 1 {
        ambiguous(import, &edited);
        return Ok(None);
    }
    Ok(texts.into_iter().next())
}

/// Finds a file that has keys, networks or the host name. With only a comment it takes back what was imported, but not
/// what a broken file of Imager might set.
pub(super) fn find_own(import: &mut Import<'_>, wanted: &str) -> Result<Option<CardText>> {
    let found = find_one(import, wanted, only_comments)?;
    let broken = import.imager.broken;
    let is_comment = |file: &CardText| broken && only_comments(&file.text);
    Ok(found.filter(|file| !file.text.is_empty() && !is_comment(file)))
}

pub(super) fn ambiguous(import: &mut Import<'_>, names: &[&str]) {
    let reason = "only one of these files can be used";
    import.problem(&names.join(" and "), None, reason, "remove the others");
}

/// Also true for zeros, which a file system puts in the place of lost bytes.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

pub(super) fn only_comments(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Decodes UTF-8, or UTF-16 with a byte order mark.
///
/// # Errors
/// The number of the first line that cannot be decoded.
pub(super) fn decode(bytes: &[u8]) -> std::result::Result<String, usize> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let chars = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
        let text: String = chars.map_while(|char| char.ok()).collect();
        let complete = odd.is_empty() && text.encode_utf16().count() == pairs.len();
        (text, complete)
    };
    let (text, complete) = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            let valid = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            (valid.to_owned(), valid.len() == rest.len())
        }
    };
    if complete { Ok(text.replace("\r\n", "\n")) } else { Err(text.matches('\n').count() + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::system::disk::Disk;
    use crate::provision::context::CardPaths;
    use crate::provision::judge::by_this_program;
    use crate::provision::report::{ProvisionReport, one_line};
    use crate::provision::settings::ImagerSettings;

    #[test]
    fn text_is_decoded_from_utf_8_and_utf_16_or_the_bad_line_is_named() {
        let text = "\u{feff}a = \"ü\"\r\nb\r\n";
        let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
        let good: [Vec<u8>; 4] = [
            text.into(),
            text.replace(['\u{feff}', '\r'], "").into(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ];
        for bytes in good {
            assert_eq!(decode(&bytes), Ok("a = \"ü\"\nb\n".to_owned()), "{bytes:?}");
        }
        assert_eq!(decode(b"a\nb \xfc\n"), Err(2), "Latin 1");
        assert_eq!(decode(&[0xff, 0xfe, b'a', 0, b'\n', 0, 0, 0xd8]), Err(2), "half a pair");
        assert_eq!(decode(&[0xff, 0xfe, b'a']), Err(1), "half a character");
    }

    #[test]
    fn a_file_is_found_in_upper_case_and_with_txt_appended() {
        let both =
            "wifi.conf and wifi.conf.txt: only one of these files can be used; remove the others";
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[("wifi.conf.bak", "x"), ("xwifi.conf", "x")], ""),
            (&[("Wifi.Conf", "x")], "Wifi.Conf: x"),
            (&[("wifi.conf.TXT", "x")], "wifi.conf.TXT: x"),
            (&[("wifi.conf", "# as shipped\n"), ("wifi.conf.txt", "x")], "wifi.conf.txt: x"),
            (&[("wifi.conf", "x"), ("wifi.conf.txt", "\0\0")], "wifi.conf: x"),
            (&[("wifi.conf", "")], "wifi.conf: "),
            (&[("wifi.conf", "x"), ("wifi.conf.txt", "y")], both),
            (&[("wifi.conf", "#"), ("wifi.conf.txt", "# ")], "wifi.conf: #"),
        ];
        for (files, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                fs::write(dir.path().join(name), text).unwrap();
            }
            fs::create_dir(dir.path().join("WIFI.CONF")).unwrap();
            let paths = CardPaths::new(dir.path(), dir.path(), dir.path());
            let (disk, report) = (&mut Disk::default(), ProvisionReport::default());
            let judge = &by_this_program;
            let imager = ImagerSettings::default();
            let mut import = Import { paths: &paths, disk, judge, report, imager };
            let found = find_one(&mut import, "wifi.conf", only_comments).unwrap();
            let found = match (found, &import.report.problems[..]) {
                (Some(file), []) => format!("{}: {}", file.name, file.text),
                (_, problems) => problems.iter().map(one_line).collect(),
            };
            assert_eq!(found, expected);
        }
    }
}
