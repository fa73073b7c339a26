//! The configuration and the files that it names: copied, judged, and put in force by a symbolic link to their
//! folder.

use std::fs;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use super::card_file;
use super::context::{Import, Result};
use super::judge::{CANDIDATE, NAME};
use super::report::problem;
use super::settings::CardText;
use crate::config::{EXAMPLE, Problem};
use crate::io::system::disk::{Disk, has_content};
use crate::io::system::executable::sha256;

/// Bytes of the files that a configuration names, together: with more the board has no memory for their queries.
const MAX_NAMED: usize = 8 << 20;

/// A configuration on the card.
struct Candidate {
    /// The files by their paths below the folder of the configuration.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Those that only the daemon may read.
    secrets: Vec<PathBuf>,
    /// The names of the nameservers.
    watches: String,
}

pub(super) fn import(import: &mut Import<'_>) -> Result {
    let home = import.paths.data.join("pilotlight");
    let link = home.join("config");
    let in_force = fs::read_link(&link).ok().filter(|_| link.join(NAME).is_file());
    let before = import.report.problems.len();
    let is_example = |text: &str| text == EXAMPLE;
    let found = card_file::find_one(import, NAME, is_example)?;
    match found.filter(|file| !is_example(&file.text)) {
        None if in_force.is_none() && import.report.problems.len() == before => {
            let reason = "has no nameservers yet, so nothing is watched";
            let next = "put your own nameservers and zones in the place of the examples in it, save it here, and \
                        start the board again";
            import.report.first_step = Some(problem(NAME, None, reason, next));
        }
        None => {}
        Some(file) if file.text.is_empty() => {
            import.problem(&file.name, None, "is empty", "write it again, or remove it");
        }
        Some(file) => match Candidate::read(&import.paths.card, &file) {
            Err(problems) => import.report.problems.extend(problems),
            Ok(candidate) => {
                let folder = candidate.folder_name();
                let is_in_force = in_force.as_deref() == Some(Path::new(&folder));
                if !is_in_force || !candidate.is_in(&link) {
                    let problems = candidate.problems(import, &file.name)?;
                    if problems.is_empty() {
                        candidate.install(&home, &folder, import.disk)?;
                        let watches = candidate.watches;
                        import
                            .done(&file.name, &format!("in force as {folder}, watches {watches}"));
                    }
                    import.report.problems.extend(problems);
                }
            }
        },
    }
    if let Some(folder) = in_force.filter(|_| import.report.problems.len() > before) {
        let text = fs::read_to_string(link.join(NAME)).unwrap_or_default();
        let watches = names(&toml::from_str(&text).unwrap_or_default());
        let folder = folder.display();
        import.report.in_force.push(format!(
            "the configuration imported before stays in force: {folder}, which watches {watches}"
        ));
    }
    remove_old(&home, import.disk)
}

impl Candidate {
    /// Reads a configuration without its keys, which another version may know: each text in it that is the path of
    /// a file on the card names that file.
    fn read(card: &Path, file: &CardText) -> std::result::Result<Self, Vec<Problem>> {
        // What is wrong with the text, the judge finds.
        let table: Table = toml::from_str(&file.text).unwrap_or_default();
        let (watches, mut named, mut secrets) = (names(&table), Vec::new(), Vec::new());
        texts("", &Value::Table(table), &mut named, &mut secrets);
        named.sort_unstable();
        named.dedup();
        let mut files = vec![(PathBuf::from(NAME), file.text.clone().into_bytes())];
        let mut left = MAX_NAMED;
        for text in named {
            // An absolute path of another folder names no file on the card.
            let path = card.join(&text);
            let Ok(relative) = path.strip_prefix(card) else { continue };
            let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
            if !inside || card_file::is_secret(relative) || !path.is_file() {
                continue;
            }
            let mistake = |reason, next| Err(vec![problem(&text, None, reason, next)]);
            match card_file::read_up_to(&path, left) {
                Err(_) => return mistake("cannot be read", "copy it to the card again"),
                Ok(None) => {
                    let reason =
                        "and the other files that pilotlight.toml names are larger than 8 MB";
                    return mistake(
                        reason,
                        "name smaller files: the board has no memory for these",
                    );
                }
                Ok(Some(bytes)) => {
                    left -= bytes.len();
                    files.push((relative.to_owned(), bytes));
                }
            }
        }
        let relative = |text: &String| Some(card.join(text).strip_prefix(card).ok()?.to_owned());
        let secrets = secrets.iter().filter_map(relative).collect();
        Ok(Self { files, secrets, watches })
    }

    /// The problems that the judge finds in a copy.
    fn problems(&self, import: &mut Import<'_>, name: &str) -> Result<Vec<Problem>> {
        let folder = import.paths.run.join(CANDIDATE);
        let mut memory = Disk::volatile();
        if folder.exists() {
            memory.remove_folder(&folder)?;
        }
        self.write(&folder, &mut memory)?;
        let judged = (import.judge)(&import.paths.run);
        memory.remove_folder(&folder)?;
        let mut problems = judged.err().unwrap_or_default();
        for place in
            problems.iter_mut().flat_map(|problem| [&mut problem.file, &mut problem.reason])
        {
            // On the card it may be called pilotlight.toml.txt.
            if let Some(rest) = place.strip_prefix(NAME) {
                *place = format!("{name}{rest}");
            }
        }
        Ok(problems)
    }

    /// The same content has the same name.
    fn folder_name(&self) -> String {
        let one = |(name, bytes): &(PathBuf, Vec<u8>)| {
            // A copy that an earlier version has made is readable by everybody.
            let secret = if self.secrets.contains(name) { "secret " } else { "" };
            format!("{secret}{}{}", name.display(), sha256(bytes))
        };
        let all: String = self.files.iter().map(one).collect();
        format!("config-{}", &sha256(all.as_bytes())[..16])
    }

    fn is_in(&self, folder: &Path) -> bool {
        self.files.iter().all(|(name, bytes)| has_content(&folder.join(name), bytes))
    }

    fn install(&self, home: &Path, name: &str, disk: &mut Disk) -> Result {
        disk.folder(home, 0o755)?;
        let folder = home.join(name);
        if folder.exists() {
            // An earlier import was interrupted, or the folder in force is damaged.
            disk.remove_folder(&folder)?;
        }
        self.write(&folder, disk)?;
        Ok(disk.point(&home.join("config"), Path::new(name))?)
    }

    fn write(&self, folder: &Path, disk: &mut Disk) -> Result {
        disk.folder(folder, 0o755)?;
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            disk.folder(parent, 0o755)?;
            // The unit's group is the daemon's.
            let mode = if self.secrets.contains(name) { 0o640 } else { 0o644 };
            disk.write(&path, bytes, Some(mode))?;
            disk.sync_folder(parent)?;
        }
        Ok(disk.sync_folder(folder)?)
    }
}

/// Collects all texts of a value, and those of a private key or a token, which `key` tells.
fn texts(key: &str, value: &Value, found: &mut Vec<String>, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.push(text.clone());
            if ["key", "token-file"].contains(&key) {
                secrets.push(text.clone());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(key, value, found, secrets)),
        Value::Table(table) => {
            table.iter().for_each(|(key, value)| texts(key, value, found, secrets));
        }
        _ => {}
    }
}

/// The names of the nameservers.
fn names(config: &Table) -> String {
    let servers = config.get("nameserver").and_then(Value::as_array);
    let names = servers.into_iter().flatten().filter_map(|server| server.get("name")?.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// Removes configurations that are not in force.
fn remove_old(home: &Path, disk: &mut Disk) -> Result {
    let in_force = fs::read_link(home.join("config")).unwrap_or_default();
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with("config-") && in_force != Path::new(name)) {
        disk.remove_folder(&home.join(name))?;
    }
    Ok(())
}
