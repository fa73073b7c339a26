//! `pilotlight config`: every problem of the configuration, or a summary of what is watched.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::common::{Failed, load};
use crate::config::{Config, EXAMPLE, Endpoint, Scheme, addresses_text};
use crate::decide::probe::query::{name_text, targets};
use crate::decide::time::span_text;
use crate::text::count;

pub(super) fn config(path: &Path, example: bool) -> Result<u8, Failed> {
    let mut out = io::stdout().lock();
    if example {
        out.write_all(EXAMPLE.as_bytes())?;
        return Ok(0);
    }
    let config = load(path)?;
    summary(&mut out, path, &config)?;
    out.flush()?;
    Ok(0)
}

fn summary(out: &mut impl Write, path: &Path, config: &Config) -> io::Result<()> {
    writeln!(out, "{}: no problems\n", path.display())?;
    let targets = targets(config);
    for (index, server) in config.nameservers.iter().enumerate() {
        writeln!(out, "{} {} at {}", index + 1, server.name, addresses_text(&server.addresses))?;
        let Some(target) = targets.iter().find(|target| target.nameserver == index) else {
            continue; // every nameserver has a zone, and an address
        };
        for (zone, of_zone) in config.zones.iter().enumerate() {
            let asked = target.queries.iter().filter(|question| question.zone == Some(zone));
            let asked: Vec<String> =
                asked.map(|question| format!("{question} over {}", question.transport)).collect();
            if !asked.is_empty() {
                writeln!(out, "    {}: {}", name_text(&of_zone.name), asked.join(", "))?;
            }
        }
        for question in target.queries.iter().filter(|question| question.zone.is_none()) {
            writeln!(out, "    once an hour, to find an open resolver: {question}")?;
        }
    }
    for endpoint in &config.endpoints {
        writeln!(out, "- {}: {}", endpoint.url, expected(endpoint))?;
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
    writeln!(
        out,
        "anchors that prove the uplink of {}: {}",
        config.vantage.name,
        addresses_text(&config.vantage.anchors)
    )?;
    match &config.github {
        Some(github) => writeln!(out, "issues go to {} at {}", github.repository, github.api),
        None => writeln!(out, "no [github] section: no issues, only lamps and log"),
    }
}

/// What counts as well for an endpoint.
fn expected(endpoint: &Endpoint) -> String {
    let status: Vec<String> = endpoint.status.iter().map(u16::to_string).collect();
    let mut expected = match (endpoint.scheme, &endpoint.location) {
        (Scheme::Tcp, _) => vec!["takes a connection".to_owned()],
        _ if !status.is_empty() => vec![format!("answers with {}", status.join(" or "))],
        (_, Some(_)) => vec!["answers with 3xx".to_owned()],
        (_, None) => vec!["answers with 2xx".to_owned()],
    };
    expected.extend(endpoint.location.iter().map(|location| format!("leads to {location}")));
    expected.extend(endpoint.contains.iter().map(|text| format!("contains {text:?}")));
    expected.push(format!("within {}", span_text(endpoint.timeout)));
    expected.join(", ")
}
