//! `pilotlight config`: every problem of the configuration, or a summary of what is watched.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use hickory_resolver::proto::rr::RecordType;

use crate::cli::common::Failed;
use crate::config::{
    Config, EXAMPLE, Endpoint, Notify, PULLED_UP, Scheme, Zone, address_text, type_text,
};
use crate::decide::probe::query::{Query, name_text, targets};
use crate::decide::time::span_text;
use crate::text::count;

/// Of a terminal with room for a margin.
const WIDTH: usize = 100;

pub(super) fn config(path: &Path, example: bool) -> Result<u8, Failed> {
    let mut out = io::stdout().lock();
    if example {
        out.write_all(EXAMPLE.as_bytes())?;
        return Ok(0);
    }
    let config = Config::load_with(path, true)?;
    summary(&mut out, path, &config)?;
    out.flush()?;
    Ok(0)
}

fn summary(out: &mut impl Write, path: &Path, config: &Config) -> io::Result<()> {
    writeln!(out, "{}: no problems\n", path.display())?;
    notes(out, config)?;
    for (index, server) in config.nameservers.iter().enumerate() {
        let start = format!("{} {} at ", index + 1, server.name);
        let addresses = server.addresses.iter().map(address_text).collect();
        write_list(out, &start, addresses, ", ")?;
    }
    for zone in &config.zones {
        let servers = zone.nameservers.iter().map(|&index| config.nameservers[index].name.clone());
        let start = format!("{} on ", name_text(&zone.name));
        write_list(out, &start, servers.collect(), ", ")?;
        write_list(out, "    ", names(zone), "; ")?;
    }
    let targets = targets(config);
    let outside = |query: &&Query| query.zone.is_none();
    if let Some(query) = targets.iter().flat_map(|target| &target.queries).find(outside) {
        writeln!(out, "once an hour, to find an open resolver: {query}")?;
    }
    for endpoint in &config.endpoints {
        writeln!(out, "- {}: {}", endpoint.name, expected(endpoint))?;
    }
    let questions: usize = targets.iter().map(|target| target.regular()).sum();
    let schedule = &config.schedule;
    writeln!(
        out,
        "\n{} every {}; a fault is checked again after {}, and counts after {} in a row",
        count(questions, "query"),
        span_text(schedule.interval),
        span_text(schedule.recheck),
        schedule.open_after
    )?;
    let start = format!("anchors that prove the uplink of {}: ", config.vantage.name);
    let anchors = config.vantage.anchors.iter().map(address_text).collect();
    write_list(out, &start, anchors, ", ")?;
    destinations(out, config)
}

/// What may surprise on this board or machine.
fn notes(out: &mut impl Write, config: &Config) -> io::Result<()> {
    for pin in config.panel.pins().filter(|pin| PULLED_UP.contains(pin)) {
        let why = "is pulled up while the board starts, so its lamp glows until pilotlight runs";
        writeln!(out, "note: GPIO {pin} {why}; 9 to 13 and 16 to 27 are better\n")?;
    }
    let github = config.github.as_ref().and_then(|github| github.token_file.as_ref());
    let github = github.map(|path| ("github", path, "no issue is reported"));
    let notify = config.notify.iter().filter_map(|notify| notify.token_file.as_ref());
    let notify = notify.map(|path| ("notify", path, "no message is sent"));
    for (table, path, lost) in
        github.into_iter().chain(notify).filter(|(_, path, _)| !path.exists())
    {
        let path = path.display();
        writeln!(
            out,
            "note: {table}.token-file: {path} does not exist on this machine; without it {lost}\n"
        )?;
    }
    Ok(())
}

/// Who receives what.
fn destinations(out: &mut impl Write, config: &Config) -> io::Result<()> {
    match &config.github {
        Some(github) => writeln!(out, "issues go to {} at {}", github.repository, github.api),
        None => writeln!(out, "no [github] section: no issues, only lamps and log"),
    }?;
    for notify in &config.notify {
        writeln!(out, "changes are sent to {}", Notify::host(&notify.url))?;
    }
    if let Some(heartbeat) = &config.heartbeat {
        writeln!(out, "each round is shown to {}", Notify::host(&heartbeat.url))?;
    }
    Ok(())
}

/// `www A AAAA` for each name, in the order of the queries; `@` is the apex.
fn names(zone: &Zone) -> Vec<String> {
    let mut names = vec!["@ SOA NS".to_owned()];
    let mut places = HashMap::from([(&zone.name, 0)]);
    let apex = format!(".{}", name_text(&zone.name));
    for set in
        zone.records.iter().filter(|set| !matches!(set.rtype, RecordType::SOA | RecordType::NS))
    {
        let place = *places.entry(&set.name).or_insert(names.len());
        if place == names.len() {
            let name = name_text(&set.name);
            names.push(name.strip_suffix(&apex).unwrap_or(&name).to_owned());
        }
        names[place].push(' ');
        names[place].push_str(&type_text(set.rtype));
    }
    names
}

/// Writes a list in lines of at most [`WIDTH`] characters, if its items are short.
fn write_list(
    out: &mut impl Write,
    start: &str,
    items: Vec<String>,
    separator: &str,
) -> io::Result<()> {
    let mut line = start.to_owned();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            line.push_str(separator);
            if line.len() + item.len() > WIDTH {
                writeln!(out, "{}", line.trim_end())?;
                line = "    ".to_owned();
            }
        }
        line.push_str(item);
    }
    writeln!(out, "{line}")
}

/// What counts as well for an endpoint.
fn expected(endpoint: &Endpoint) -> String {
    let status: Vec<String> = endpoint.status.iter().map(u16::to_string).collect();
    let mut expected = match (endpoint.scheme, &endpoint.location) {
        (Scheme::Tcp, _) => vec!["takes a connection".to_owned()],
        (Scheme::Tls, _) => vec!["has a good certificate".to_owned()],
        (Scheme::Smtp | Scheme::Imap, _) => {
            vec!["has a good certificate after STARTTLS".to_owned()]
        }
        _ if !status.is_empty() => vec![format!("answers with {}", status.join(" or "))],
        (_, Some(_)) => vec!["answers with 3xx".to_owned()],
        (_, None) => vec!["answers with 2xx".to_owned()],
    };
    expected.extend(endpoint.location.iter().map(|location| format!("leads to {location}")));
    expected.extend(endpoint.contains.iter().map(|text| format!("contains {text:?}")));
    if endpoint.name != endpoint.url {
        expected.insert(0, endpoint.url.clone());
    }
    expected.push(format!("within {}", span_text(endpoint.timeout)));
    expected.join(", ")
}
