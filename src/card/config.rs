//! The configuration, with the files that it names: checked, copied into a folder of its own, and in force
//! once a symbolic link leads there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::found::{self, Text};
use super::{Disk, Places, Taken};
use crate::config::{Config, EXAMPLE, Problem, Problems};

const NAME: &str = "pilotlight.toml";

/// A file's place below the configuration, and what is in it.
type Copied = (PathBuf, Vec<u8>);

pub(super) fn take_in(places: &Places, disk: &mut Disk, taken: &mut Taken) -> io::Result<()> {
    let home = places.data.join("pilotlight");
    let link = home.join("config");
    let in_force = fs::read_link(&link).ok().filter(|_| link.join(NAME).is_file());
    let before = taken.problems.len();
    let unedited = |text: &str| text == EXAMPLE;
    let found = found::one(&places.card, NAME, unedited, &mut taken.problems)?;
    match found.filter(|text| !unedited(&text.text)) {
        None if in_force.is_none() && taken.problems.len() == before => {
            taken.first = Some(format!(
                "{NAME}: is not written yet, so nobody is watched\n    put your own nameservers and zones \
                 in the place of the examples in it, save it here, and start the board again"
            ));
        }
        None => {}
        Some(text) if text.text.is_empty() => {
            taken
                .problems
                .push(format!("{}: is empty\n    write it again, or remove it", text.name));
        }
        Some(text) => match checked(places, &text) {
            Err(problems) => taken.problems.extend(problems),
            Ok((copies, watched)) => {
                let folder = format!("config-{:016x}", fnv(&copies));
                if in_force.as_deref() != Some(Path::new(&folder)) || !same(&link, &copies) {
                    install(&home, &folder, &copies, disk)?;
                    taken
                        .done
                        .push(format!("{}: in force as {folder}; it watches {watched}", text.name));
                }
            }
        },
    }
    if let Some(folder) = in_force.filter(|_| taken.problems.len() > before) {
        let watched =
            Config::load(&link.join(NAME)).map_or_else(|_| "nobody".to_owned(), |c| watched(&c));
        taken.stays.push(format!(
            "the configuration that was taken in before stays in force: {}, which watches {watched}",
            folder.display()
        ));
    }
    sweep(&home, disk)
}

/// What to copy, and who is watched then; or what is wrong.
fn checked(places: &Places, written: &Text) -> Result<(Vec<Copied>, String), Vec<String>> {
    let path = places.card.join(&written.name);
    let config = Config::parse(&path.display().to_string(), &written.text).map_err(|problems| {
        let one = |problem: Problem| {
            // Whoever reads this has the card, and not the board.
            let file = problem.file.map(|file| {
                let below = Path::new(&file).strip_prefix(&places.card).map(Path::to_owned);
                below.map_or(file, |below| below.display().to_string())
            });
            let problem = Problem { file, ..problem };
            Problems { file: written.name.clone(), list: vec![problem] }.to_string()
        };
        problems.list.into_iter().map(one).collect::<Vec<_>>()
    })?;
    let mut copies = vec![(PathBuf::from(NAME), written.text.clone().into_bytes())];
    let mut problems = Vec::new();
    for file in config.files() {
        // What is not named relative to the card is not on it, and stays where it is.
        let Ok(below) = file.strip_prefix(&places.card) else { continue };
        let wrong = if below.components().any(|part| !matches!(part, Component::Normal(_))) {
            "is not a place on this card"
        } else {
            match fs::read(file) {
                Ok(bytes) => {
                    copies.push((below.to_owned(), bytes));
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => "is not on this card",
                Err(_) => "cannot be read",
            }
        };
        problems.push(format!(
            "{}: {} {wrong}\n    put the file beside {}, or name another",
            written.name,
            below.display(),
            written.name
        ));
    }
    if problems.is_empty() { Ok((copies, watched(&config))) } else { Err(problems) }
}

fn watched(config: &Config) -> String {
    let names: Vec<&str> = config.nameservers.iter().map(|server| server.name.as_str()).collect();
    names.join(", ")
}

fn same(folder: &Path, copies: &[Copied]) -> bool {
    copies
        .iter()
        .all(|(name, bytes)| fs::read(folder.join(name)).is_ok_and(|there| there == *bytes))
}

fn install(home: &Path, name: &str, copies: &[Copied], disk: &mut Disk) -> io::Result<()> {
    disk.folder(home, 0o755)?;
    let folder = home.join(name);
    if folder.exists() {
        // It was not finished; or it is in force and broken, and nothing is lost.
        disk.remove_folder(&folder)?;
    }
    disk.folder(&folder, 0o755)?;
    for (name, bytes) in copies {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        disk.folder(parent, 0o755)?;
        disk.write(&path, bytes, Some(0o644))?;
        disk.sync_folder(parent)?;
    }
    disk.sync_folder(&folder)?;
    disk.point(&home.join("config"), name)
}

/// Removes configurations that are not in force.
fn sweep(home: &Path, disk: &mut Disk) -> io::Result<()> {
    let in_force = fs::read_link(home.join("config")).unwrap_or_default();
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with("config-") && in_force != Path::new(name)) {
        disk.remove_folder(&home.join(name))?;
    }
    Ok(())
}

/// FNV-1a: a name for a configuration, not a proof of anything.
fn fnv(copies: &[Copied]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    copies.iter().fold(0xcbf2_9ce4_8422_2325, |hash, (name, bytes)| {
        let name = name.as_os_str().as_encoded_bytes().iter();
        name.chain(&[0]).chain(bytes).chain(&[0]).fold(hash, mix)
    })
}
