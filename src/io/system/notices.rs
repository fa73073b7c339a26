//! Notices: what others on this machine have to say to a person. Each is a file in one folder; its name says
//! who speaks, its text what to do. A name that begins with a dot is a file that somebody still writes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::decide::track::state::Notice;
use crate::text::printable_lines;

/// More than anybody would read.
const MOST: usize = 16;
const LONGEST: u64 = 4096;

/// The notices in this folder, by name. One that is not there, or cannot be read, has none.
#[must_use]
pub fn read(folder: &Path) -> Vec<Notice> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    names.truncate(MOST);
    names.into_iter().filter_map(|source| notice(folder, source)).collect()
}

fn notice(folder: &Path, source: String) -> Option<Notice> {
    let mut bytes = Vec::new();
    File::open(folder.join(&source)).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // Terminals and journals show it.
    let text = printable_lines(text.trim());
    (!text.is_empty()).then_some(Notice { source, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_with_a_text_is_a_notice_and_a_folder_that_is_missing_has_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join("missing")).is_empty());
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("update", "not taken:\n\x1b[31mtoo old\n");
        write("card", "wifi.conf:1: write a country\n");
        write("empty", " \n");
        write(".new", "half of it");
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        let told = read(dir.path()).into_iter().map(|n| format!("{}: {}", n.source, n.text));
        let expected =
            ["card: wifi.conf:1: write a country", "update: not taken:\n\\u{1b}[31mtoo old"];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
