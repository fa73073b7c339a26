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

mod boot_test;
mod card;
mod care;
#[path = "../fakes/mod.rs"]
pub mod fakes;
mod hard;
mod lamp_reader;
mod lamps;
mod machine;
mod monitor;
mod report;
mod setup;
mod ssh;
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
    let mut setup = setup::Setup::new(&image, &dir);
    if updates {
        boot_test::updates(&mut setup);
    } else if boot_test::core(&mut setup) && all {
        setup.report.say(&format!("--all --seed {seed}"));
        hard::all(&mut setup, seed);
    }
    if setup.report.failed() {
        setup.show_logs();
    }
    drop(setup.machine.take());
    if setup.report.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
