//! The host name: how the board is reached (`NAME.local`), and the default name of its vantage. Another unit of the
//! image gives it to the kernel.

use super::card_file;
use super::context::{Import, Result};

pub(super) fn import(import: &mut Import<'_>) -> Result {
    let stored = import.paths.data.join("hostname");
    let own = card_file::find_own(import, "hostname")?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(own.iter().flat_map(|file| file.text.lines())) {
        if !card_file::only_comments(line) {
            lines.push((number, line.trim().to_owned()));
        }
    }
    let (file, line, name) = match (&own, &lines[..], import.imager.hostname.take()) {
        (Some(file), [first, ..], _) => {
            let (line, name) = lines.get(1).unwrap_or(first);
            let name = if lines.len() > 1 { "" } else { name };
            (file.name.clone(), *line, name.to_owned())
        }
        (_, _, Some(imager)) => {
            (imager.file, imager.line, String::from_utf8_lossy(&imager.value).into_owned())
        }
        (Some(file), [], None) => {
            if import.disk.put(&stored, None, None)? {
                import.done(&file.name, "empty, so the board has its first name again");
            }
            return Ok(());
        }
        (None, ..) => return Ok(()),
    };
    if !is_host_name(&name) {
        let next = "write one name on one line: 1 to 63 letters a-z, digits and hyphens, such as lamp1, without .local";
        import.problem(&file, Some(line), "this is not a host name", next);
        if stored.exists() {
            import.report.in_force.push("the host name imported before stays in force".to_owned());
        }
        return Ok(());
    }
    let name = name.to_ascii_lowercase();
    if import.disk.put(&stored, Some(name.as_bytes()), Some(0o644))? {
        import.done(&file, &format!("imported, the board is {name}.local"));
    }
    Ok(())
}

fn is_host_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
