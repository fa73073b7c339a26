//! A status as a table, or as JSON.

use std::io::{self, Write};

use crate::config::{address_text, addresses_text};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::show::status::{Status, SubjectStatus};
use crate::decide::time::wall_text;
use crate::decide::track::health_state::HealthState;
use crate::text::{count, printable};

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const AMBER: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

pub(super) fn json(out: &mut impl Write, view: &Status) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, view)?;
    writeln!(out)
}

pub(super) fn print(out: &mut impl Write, view: &Status, colour: bool) -> io::Result<()> {
    let numbers = (1..=view.nameservers.len()).map(|number| number.to_string());
    let numbers = numbers.chain(std::iter::repeat("-".to_owned()));
    let all = || view.subjects().map(|(_, subject)| subject);
    let width = all().map(|subject| subject.name.len()).max().unwrap_or(0);
    for (number, server) in numbers.zip(all()) {
        let paint = match server.state {
            HealthState::Well => GREEN,
            HealthState::Down => RED,
            _ => AMBER,
        };
        let (paint, plain) = if colour { (paint, PLAIN) } else { ("", "") };
        let state = format!("{paint}{:<10}{plain}", server.state);
        writeln!(out, "{number} {:<width$}  {state}  {}", server.name, facts(server))?;
        for row in &server.faults {
            print_row(out, row)?;
        }
    }
    if let Some(why) = view.unseen_why() {
        writeln!(out, "\n{why}")?;
    }
    Ok(())
}

fn facts(server: &SubjectStatus) -> String {
    let mut facts = Vec::new();
    if server.questions > 0 {
        facts.push(count(server.questions, "question"));
    }
    if let Some(latency) = server.latency_ms {
        facts.push(format!("{latency:.2} ms"));
    }
    if let Some(since) = server.since {
        facts.push(format!("since {}", wall_text(Some(since))));
    }
    if let Some(issue) = server.issue {
        facts.push(format!("issue #{issue}"));
    }
    if !server.unobserved_addresses.is_empty() {
        facts.push(format!("not observed: {}", addresses_text(&server.unobserved_addresses)));
    }
    if let Some(why) = &server.unobserved_why {
        facts.push(printable(why));
    }
    facts.join(", ")
}

fn print_row(out: &mut impl Write, row: &Finding) -> io::Result<()> {
    let mark = match row.severity {
        Severity::Down => "✗",
        Severity::Degraded => "!",
    };
    let more = match row.more {
        0 => String::new(),
        n => format!(" (and {n} more of {})", row.zone),
    };
    let detail = printable(&row.detail);
    writeln!(out, "  {mark} {} {}: it {detail}{more}", address_text(&row.address), row.question)?;
    writeln!(out, "      {}", row.command)
}
