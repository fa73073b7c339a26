//! The configuration and the files that it names: checked, copied into a new folder, and put in force by a
//! symbolic link to that folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::card_file::{self, CardText};
use super::error::ProvisionError;
use super::paths::CardPaths;
use super::report::{Problem, ProvisionReport};
use crate::config::{Config, EXAMPLE};
use crate::io::system::disk::Disk;
use crate::io::system::executable::sha256;

const NAME: &str = "pilotlight.toml";

/// A configuration without problems.
struct Checked {
    /// The files by their paths below the folder of the configuration.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// The names of the nameservers.
    watches: String,
}

pub(super) fn import(
    paths: &CardPaths,
    disk: &mut Disk,
    report: &mut ProvisionReport,
) -> Result<(), ProvisionError> {
    let home = paths.data.join("pilotlight");
    let link = home.join("config");
    let in_force = fs::read_link(&link).ok().filter(|_| link.join(NAME).is_file());
    let before = report.problems.len();
    let is_example = |text: &str| text == EXAMPLE;
    let found = card_file::find_one(&paths.card, NAME, is_example, &mut report.problems)?;
    match found.filter(|file| !is_example(&file.text)) {
        None if in_force.is_none() && report.problems.len() == before => {
            report.first_step = Some(Problem::new(
                NAME,
                "has no nameservers yet, so nothing is watched",
                "put your own nameservers and zones in the place of the examples in it, save it here, and \
                 start the board again",
            ));
        }
        None => {}
        Some(file) if file.text.is_empty() => {
            let next = "write it again, or remove it";
            report.problems.push(Problem::new(&file.name, "is empty", next));
        }
        Some(file) => match check(paths, &file) {
            Err(problems) => report.problems.extend(problems),
            Ok(checked) => {
                let folder = checked.folder_name();
                if in_force.as_deref() != Some(Path::new(&folder)) || !checked.is_in(&link) {
                    checked.install(&home, &folder, disk)?;
                    let watches = checked.watches;
                    report
                        .done
                        .push(format!("{}: in force as {folder}, watches {watches}", file.name));
                }
            }
        },
    }
    if let Some(folder) = in_force.filter(|_| report.problems.len() > before) {
        let config = Config::load(&link.join(NAME));
        let watches = config.map_or_else(|_| "nothing".to_owned(), |config| names(&config));
        let folder = folder.display();
        report.in_force.push(format!(
            "the configuration imported before stays in force: {folder}, which watches {watches}"
        ));
    }
    remove_old(&home, disk)
}

fn check(paths: &CardPaths, file: &CardText) -> Result<Checked, Vec<Problem>> {
    let path = paths.card.join(&file.name);
    let config = Config::parse(&path.display().to_string(), &file.text).map_err(|problems| {
        let convert = |problem: crate::config::Problem| {
            // The user reads this with the card in another computer, so paths are relative to the card.
            let named = problem.file.as_ref().map(|path| {
                Path::new(path)
                    .strip_prefix(&paths.card)
                    .unwrap_or(Path::new(path))
                    .display()
                    .to_string()
            });
            let mut place = named.unwrap_or_else(|| file.name.clone());
            if let Some(line) = problem.line {
                place += &format!(":{line}");
            }
            if !problem.key.is_empty() {
                place += &format!(": {}", problem.key);
            }
            let reason = format!("{} {}", problem.value, problem.reason);
            Problem::new(&place, reason.trim_start(), &problem.next)
        };
        problems.list.into_iter().map(convert).collect::<Vec<_>>()
    })?;
    let mut files = vec![(PathBuf::from(NAME), file.text.clone().into_bytes())];
    let mut problems = Vec::new();
    for named in config.files() {
        // Other absolute paths are not on the card; those files stay where they are.
        let Ok(relative) = named.strip_prefix(&paths.card) else { continue };
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        let reason = match fs::read(named) {
            _ if !inside => "is outside this card",
            Ok(bytes) => {
                files.push((relative.to_owned(), bytes));
                continue;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => "is not on this card",
            Err(_) => "cannot be read",
        };
        let next = format!("put the file beside {}, or name another", file.name);
        let reason = format!("{} {reason}", relative.display());
        problems.push(Problem::new(&file.name, &reason, &next));
    }
    if problems.is_empty() { Ok(Checked { files, watches: names(&config) }) } else { Err(problems) }
}

fn names(config: &Config) -> String {
    let names: Vec<&str> = config.nameservers.iter().map(|server| server.name.as_str()).collect();
    names.join(", ")
}

impl Checked {
    fn folder_name(&self) -> String {
        let mut all = Vec::new();
        for (name, bytes) in &self.files {
            all.extend_from_slice(name.as_os_str().as_encoded_bytes());
            all.extend_from_slice(sha256(bytes).as_bytes());
        }
        format!("config-{}", &sha256(&all)[..16])
    }

    fn is_in(&self, folder: &Path) -> bool {
        let same = |(name, bytes): &(PathBuf, Vec<u8>)| {
            fs::read(folder.join(name)).is_ok_and(|installed| installed == *bytes)
        };
        self.files.iter().all(same)
    }

    fn install(&self, home: &Path, name: &str, disk: &mut Disk) -> Result<(), ProvisionError> {
        disk.folder(home, 0o755)?;
        let folder = home.join(name);
        if folder.exists() {
            // An earlier import was interrupted, or the folder in force is damaged.
            disk.remove_folder(&folder)?;
        }
        disk.folder(&folder, 0o755)?;
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(&folder);
            disk.folder(parent, 0o755)?;
            disk.write(&path, bytes, Some(0o644))?;
            disk.sync_folder(parent)?;
        }
        disk.sync_folder(&folder)?;
        Ok(disk.point(&home.join("config"), name)?)
    }
}

/// Removes configurations that are not in force.
fn remove_old(home: &Path, disk: &mut Disk) -> Result<(), ProvisionError> {
    let in_force = fs::read_link(home.join("config")).unwrap_or_default();
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with("config-") && in_force != Path::new(name)) {
        disk.remove_folder(&home.join(name))?;
    }
    Ok(())
}
