//! Runs all steps of the import.

use super::error::ProvisionError;
use super::paths::CardPaths;
use super::report::{self, Problem, ProvisionReport};
use super::{config, keys, token, wifi};
use crate::io::system::disk::Disk;

type Step = fn(&CardPaths, &mut Disk, &mut ProvisionReport) -> Result<(), ProvisionError>;

/// Imports the files on the card. If a step fails, the others are still run.
pub fn import(paths: &CardPaths, disk: &mut Disk) -> ProvisionReport {
    let mut report = ProvisionReport::default();
    let steps: [Step; 8] = [
        config::import,
        token::import,
        token::install_credential,
        |paths, disk, report| keys::import("authorized_keys", paths, disk, report),
        |paths, disk, report| keys::import("root_keys", paths, disk, report),
        wifi::import,
        report::publish,
        |_, disk, _| Ok(disk.finish()?),
    ];
    for step in steps {
        if let Err(error) = step(paths, disk, &mut report) {
            let next =
                "start the board again; if this problem returns, the card is full or damaged";
            let problem = Problem { what: error.to_string(), next: next.to_owned() };
            if !report.problems.contains(&problem) {
                report.problems.push(problem);
            }
            report.failed = true;
        }
    }
    report
}
