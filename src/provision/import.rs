//! Runs all steps of the import.

use super::context::{CardPaths, Import, Judge, Result};
use super::report::{ProvisionReport, one_line, problem};
use super::settings::ImagerSettings;
use super::{config, hostname, imager, keys, token, wifi};
use crate::io::system::disk::Disk;

/// Imports the files on the card. If a step fails, the others are still run.
pub fn import(paths: &CardPaths, disk: &mut Disk, judge: Judge<'_>) -> ProvisionReport {
    let (report, imager) = (ProvisionReport::default(), ImagerSettings::default());
    let mut import = Import { paths, disk, judge, report, imager };
    let steps: [fn(&mut Import<'_>) -> Result; 11] = [
        config::import,
        token::import,
        token::install_credential,
        imager::read,
        |import| keys::import(import, "authorized_keys"),
        |import| keys::import(import, "root_keys"),
        wifi::import,
        hostname::import,
        imager::explain,
        publish,
        |import| Ok(import.disk.finish()?),
    ];
    for step in steps {
        if let Err(error) = step(&mut import) {
            let next =
                "start the board again; if this problem returns, the card is full or damaged";
            let problem = problem("", None, &error.to_string(), next);
            if !import.report.problems.contains(&problem) {
                import.report.problems.push(problem);
            }
            import.report.failed = true;
        }
    }
    import.report
}

/// Tells the user of problems: by a file on the card, and by a notice on the panel.
fn publish(Import { paths, disk, report, .. }: &mut Import<'_>) -> Result {
    report.shorten();
    // Without the first step: for a card without a configuration the panel has a pattern of its own.
    let lines: String = report.problems.iter().map(|problem| one_line(problem) + "\n").collect();
    let lines = Some(lines.as_bytes()).filter(|lines| !lines.is_empty());
    let folder = paths.run.join("pilotlight-notices");
    disk.folder(&folder, 0o755)?;
    let notice = disk.put(&folder.join("card"), lines, Some(0o644));
    let text = report.problems_txt();
    disk.put(&paths.card.join("PROBLEMS.txt"), text.as_ref().map(String::as_bytes), None)?;
    notice?;
    Ok(())
}
