//! The image, booted in an emulator and seen from outside; `image/test` says how it is run. It belongs in
//! a network namespace of its own, whose loopback is all the world there is.
//!
//!     emulator IMAGE FOLDER [--all | --updates] [--seed N]

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on should say where, and it makes its own time"
)]

mod card;
mod eye;
mod hard;
mod lamps;
mod machine;
mod monitor;
#[path = "../peers/mod.rs"]
pub mod peers;
mod report;
mod ssh;
mod stage;
mod story;
mod update;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut path = |what: &str| PathBuf::from(arguments.next().expect(what));
    let (image, dir) = (path("an image"), path("a folder"));
    let (mut all, mut updates, mut seed) = (false, false, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--all" => all = true,
            "--updates" => updates = true,
            "--seed" => seed = arguments.next().and_then(|seed| seed.parse().ok()),
            other => panic!("{other}: image/test says what there is"),
        }
    }
    let seed: u64 = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs() % 100_000
    });
    let mut stage = stage::Stage::new(&image, &dir);
    if updates {
        story::updates(&mut stage);
    } else if story::core(&mut stage) && all {
        stage.report.say(&format!("--all --seed {seed}"));
        hard::all(&mut stage, seed);
    }
    if stage.report.failed() {
        stage.show_logs();
    }
    drop(stage.machine.take());
    if stage.report.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
