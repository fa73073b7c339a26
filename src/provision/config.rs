//! The configuration and the files that it names: checked, copied into a new folder, and put in force by a
//! symbolic link to that folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::card_file::{self, CardText};
use super::context::{CardPaths, Import, Result, problem};
use crate::config::{Config, EXAMPLE, Environment, Problem, read_file};
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
        Some(file) => match check(import.paths, &file) {
            Err(problems) => import.report.problems.extend(problems),
            Ok(checked) => {
                let folder = checked.folder_name();
                if in_force.as_deref() != Some(Path::new(&folder)) || !checked.is_in(&link) {
                    checked.install(&home, &folder, import.disk)?;
                    let watches = checked.watches;
                    import.done(&file.name, &format!("in force as {folder}, watches {watches}"));
                }
            }
        },
    }
    if let Some(folder) = in_force.filter(|_| import.report.problems.len() > before) {
        let config = Config::load(&link.join(NAME));
        let watches = config.map_or_else(|_| "nothing".to_owned(), |config| names(&config));
        let folder = folder.display();
        import.report.in_force.push(format!(
            "the configuration imported before stays in force: {folder}, which watches {watches}"
        ));
    }
    remove_old(&home, import.disk)
}

fn check(paths: &CardPaths, file: &CardText) -> std::result::Result<Checked, Vec<Problem>> {
    let path = paths.card.join(&file.name);
    let environment = Environment { host_name: "", read: &read_file, for_reports: false };
    let config = Config::parse_in(environment, &path.display().to_string(), &file.text);
    let config = config.map_err(|mut problems| {
        for problem in &mut problems.list {
            // The user reads this with the card in another computer, so paths are relative to the card.
            let relative = Path::new(&problem.file).strip_prefix(&paths.card);
            if let Ok(below) = relative.map(|path| path.display().to_string()) {
                problem.file = below;
            }
        }
        problems.list
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
        let reason = format!("{} {reason}", relative.display());
        let next = format!("put the file beside {}, or name another", file.name);
        problems.push(problem(&file.name, None, &reason, &next));
    }
    if problems.is_empty() { Ok(Checked { files, watches: names(&config) }) } else { Err(problems) }
}

fn names(config: &Config) -> String {
    let names: Vec<&str> = config.nameservers.iter().map(|server| server.name.as_str()).collect();
    names.join(", ")
}

impl Checked {
    /// The same content has the same name.
    fn folder_name(&self) -> String {
        let one = |(name, bytes): &(PathBuf, Vec<u8>)| name.display().to_string() + &sha256(bytes);
        let all: String = self.files.iter().map(one).collect();
        format!("config-{}", &sha256(all.as_bytes())[..16])
    }

    fn is_in(&self, folder: &Path) -> bool {
        let is_same = |path: &Path, bytes: &[u8]| fs::read(path).is_ok_and(|old| old == bytes);
        self.files.iter().all(|(name, bytes)| is_same(&folder.join(name), bytes))
    }

    fn install(&self, home: &Path, name: &str, disk: &mut Disk) -> Result {
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
        Ok(disk.point(&home.join("config"), Path::new(name))?)
    }
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
