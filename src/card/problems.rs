//! Telling people: `PROBLEMS.txt` for whoever takes the card out, a notice for whoever looks at the lamps.

use std::fs;
use std::io;

use super::{Disk, Places, Taken};

const NAME: &str = "PROBLEMS.txt";

pub(super) fn tell(places: &Places, disk: &mut Disk, taken: &mut Taken) -> io::Result<()> {
    let next = "start the board again; if it says so once more, this card is full or broken";
    taken.problems.extend(taken.failed.iter().map(|why| format!("{why}\n    {next}")));
    let noticed = notice(places, disk, taken);
    let path = places.card.join(NAME);
    let text = text(taken);
    if text.is_empty() {
        disk.remove(&path)?;
    } else if fs::read(&path).map_or(true, |there| there != text.as_bytes()) {
        disk.replace(&path, text.as_bytes(), None)?;
    }
    noticed
}

/// One line for each problem; a card that waits for its first configuration has a face of its own.
fn notice(places: &Places, disk: &mut Disk, taken: &Taken) -> io::Result<()> {
    let folder = places.run.join("pilotlight-notices");
    if taken.problems.is_empty() {
        return disk.remove(&folder.join("card"));
    }
    disk.folder(&folder, 0o755)?;
    let lines: String = taken.problems.iter().map(|problem| one_line(problem) + "\n").collect();
    disk.replace(&folder.join("card"), lines.as_bytes(), Some(0o644))
}

/// As a log has it.
pub(super) fn one_line(problem: &str) -> String {
    problem.replace("\n    ", "; ")
}

/// With the line ends that every editor knows; nothing, when there is nothing to say.
fn text(taken: &Taken) -> String {
    if taken.problems.is_empty() && taken.first.is_none() {
        return String::new();
    }
    let mut said = vec![if taken.problems.is_empty() {
        "There is one thing to do before pilotlight can watch anything:".to_owned()
    } else {
        "pilotlight could not take in everything on this card. Correct this, and start the board again; \
         this file goes away by itself."
            .to_owned()
    }];
    said.extend(taken.problems.iter().chain(&taken.first).cloned());
    said.extend(taken.stays.iter().map(|stays| format!("Until then {stays}.")));
    let text = (said.join("\n\n") + "\n").replace('\n', "\r\n");
    // Without its mark an older Notepad takes UTF-8 for something else.
    if text.is_ascii() { text } else { "\u{feff}".to_owned() + &text }
}
