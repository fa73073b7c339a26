//! The parts of the program and what each is for, from the layers that `tests/structure.rs` holds and from the first
//! line of each module.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::structure::LAYERS;

const STAGES: [&str; 5] = ["probe", "judge", "track", "show", "report"];

#[test]
fn the_picture_of_the_stages_shows_the_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let parts = LAYERS.iter().rev().flat_map(|layer| *layer).filter(|part| !part.ends_with(".rs"));
    let (mut body, mut y) = (String::new(), 12);
    for part in parts {
        let text = fs::read_to_string(src.join(part).join("mod.rs")).unwrap();
        let purpose = text.trim_start_matches("//! ").split(['.', ';']).next().unwrap();
        let purpose = purpose.split(": [`").next().unwrap().replace("\n//!", "");
        let purpose = purpose.replace(['`', '[', ']'], "");
        let name = part.trim_start_matches("decide/");
        let class = if STAGES.contains(&name) { "stage" } else { "part" };
        writeln!(
            body,
            "<rect x=\"10\" y=\"{y}\" width=\"110\" height=\"30\" rx=\"6\" class=\"{class}\"/>"
        )
        .unwrap();
        writeln!(body, "<text x=\"65\" y=\"{}\" text-anchor=\"middle\">{name}</text>", y + 20)
            .unwrap();
        writeln!(body, "<text x=\"136\" y=\"{}\">{purpose}</text>", y + 20).unwrap();
        y += 38;
    }
    let style = ".part { stroke: #59636e; fill: none } .stage { stroke: #1f9d3a; fill: none; stroke-width: 2 }\n";
    super::compare(
        "stages.svg",
        (840, y + 4),
        "The parts of the program: each imports only those below it",
        style,
        &body,
    );
}
