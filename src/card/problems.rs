//! Telling people: `PROBLEMS.txt` for whoever takes the card out, a notice for whoever looks at the lamps.

use std::io;

use super::{Disk, Places, Taken};

const NAME: &str = "PROBLEMS.txt";

pub(super) fn tell(places: &Places, disk: &mut Disk, taken: &mut Taken) -> io::Result<()> {
    // One line for each; a card that waits for its first configuration has a face of its own.
    let lines: String = taken.problems.iter().map(|problem| one_line(problem) + "\n").collect();
    let lines = Some(lines.as_bytes()).filter(|lines| !lines.is_empty());
    let folder = places.run.join("pilotlight-notices");
    disk.folder(&folder, 0o755)?;
    let noticed = disk.put(&folder.join("card"), lines, Some(0o644));
    let text = text(taken);
    disk.put(&places.card.join(NAME), text.as_ref().map(String::as_bytes), None)?;
    noticed.map(drop)
}

/// As a log has it.
#[must_use]
pub fn one_line(problem: &str) -> String {
    problem.replace("\n    ", "; ")
}

/// With the line ends that every editor knows; nothing, when there is nothing to say.
fn text(taken: &Taken) -> Option<String> {
    if taken.problems.is_empty() && taken.first.is_none() {
        return None;
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
    Some(if text.is_ascii() { text } else { "\u{feff}".to_owned() + &text })
}
