//! The survey of a zone: its inconsistencies, and the configuration made from it. No query is sent here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::config::{address_text, type_text};
use crate::decide::judge::fault::Fault;
use crate::decide::probe::query::name_text;

/// The record sets that are queried besides SOA and NS.
pub(super) const QUERIED_SETS: [(&str, RecordType); 6] = [
    ("@", RecordType::A),
    ("@", RecordType::AAAA),
    ("@", RecordType::MX),
    ("www", RecordType::A),
    ("www", RecordType::AAAA),
    ("www", RecordType::CNAME),
];

/// A zone.
pub(super) struct Survey {
    pub(super) zone: Name,
    pub(super) delegation: Delegation,
    pub(super) servers: Vec<Server>,
}

/// The delegation at the parent.
pub(super) struct Delegation {
    pub(super) parent: Name,
    pub(super) names: Vec<Name>,
    pub(super) glue: Vec<(Name, IpAddr)>,
    /// Why the parent could not be queried; then the names come from the resolver.
    pub(super) failure: Option<String>,
}

impl Delegation {
    pub(super) fn glue_of(&self, name: &Name) -> Vec<IpAddr> {
        let glue = self.glue.iter().filter(|(of, _)| of == name);
        let mut addresses: Vec<IpAddr> = glue.map(|(_, ip)| *ip).collect();
        addresses.sort_unstable();
        addresses
    }
}

/// A nameserver.
pub(super) struct Server {
    pub(super) name: Name,
    /// Why the resolver has no address for it.
    pub(super) unknown: Option<String>,
    pub(super) at: Vec<(IpAddr, Result<ServedZone, Fault>)>,
}

/// The zone as one address serves it.
#[derive(PartialEq)]
pub(super) struct ServedZone {
    pub(super) serial: u32,
    pub(super) nameservers: Vec<Name>,
    /// In the order of [`QUERIED_SETS`]; empty: no such record.
    pub(super) sets: Vec<Vec<RData>>,
}

/// An address that serves the zone.
struct ServingAddress<'a> {
    server: &'a Server,
    ip: IpAddr,
    seen: &'a ServedZone,
}

impl ServingAddress<'_> {
    fn text(&self) -> String {
        format!("{} at {}", name_text(&self.server.name), self.ip)
    }
}

impl Survey {
    fn serving(&self) -> Vec<ServingAddress<'_>> {
        let mut serving = Vec::new();
        for server in &self.servers {
            let seen = server.at.iter().filter_map(|(ip, got)| Some((*ip, got.as_ref().ok()?)));
            serving.extend(seen.map(|(ip, seen)| ServingAddress { server, ip, seen }));
        }
        serving
    }

    /// What is missing, and where parent, nameservers and zone disagree.
    pub(super) fn inconsistencies(&self) -> Vec<String> {
        let zone = name_text(&self.zone);
        let mut messages = self.about_servers();
        let serving = self.serving();
        match serving.split_first() {
            Some((first, rest)) => {
                messages.extend(self.about_delegation(&first.seen.nameservers));
                for place in rest {
                    messages.extend(differences(first, place, &zone));
                }
                let serials: Vec<u32> = serving.iter().map(|place| place.seen.serial).collect();
                if serials.iter().any(|serial| *serial != serials[0]) {
                    let at = serving.iter().map(|p| format!("{} ({})", p.seen.serial, p.text()));
                    let at: Vec<String> = at.collect();
                    messages.push(format!("the serials differ: {}", at.join(", ")));
                }
                let alias = !first.seen.sets[5].is_empty();
                let missing =
                    QUERIED_SETS.iter().zip(&first.seen.sets).filter(|((label, rtype), set)| {
                        // The addresses of an alias belong to another name, and few names are aliases.
                        set.is_empty() && *rtype != RecordType::CNAME && !(alias && *label == "www")
                    });
                let missing: Vec<String> = missing
                    .map(|((label, rtype), _)| format!("{} {rtype}", owner(label, &zone)))
                    .collect();
                if !missing.is_empty() {
                    messages.push(format!("not found: {}", missing.join(", ")));
                }
            }
            None => messages
                .push("no nameserver serves the zone, so its records are unknown".to_owned()),
        }
        messages.iter().map(|line| format!("{zone}: {line}")).collect()
    }

    fn about_servers(&self) -> Vec<String> {
        let mut messages = Vec::new();
        for Server { name, unknown, at } in &self.servers {
            let text = name_text(name);
            let glue = self.delegation.glue_of(name);
            let known: Vec<IpAddr> = at.iter().map(|(ip, _)| *ip).collect();
            match unknown {
                Some(why) if at.is_empty() => {
                    messages.push(format!(
                        "{text} has no address: {why}; the configuration leaves it out"
                    ));
                }
                Some(why) => {
                    messages.push(format!("the address of {text} is known only from glue: {why}"))
                }
                None if glue.is_empty() || glue == known => {}
                None => messages.push(format!(
                    "the glue for {text} in {} is {}, but its addresses are {}",
                    name_text(&self.delegation.parent),
                    list(&glue),
                    list(&known)
                )),
            }
            for (ip, got) in at {
                messages.extend(got.as_ref().err().map(|fault| format!("{text} at {ip} {fault}")));
            }
        }
        messages
    }

    fn about_delegation(&self, own: &[Name]) -> Vec<String> {
        let Delegation { parent, names, failure, .. } = &self.delegation;
        let parent = name_text(parent);
        if let Some(why) = failure {
            return vec![format!("the delegation in {parent} could not be queried: {why}")];
        }
        let more = names.iter().filter(|name| !own.contains(name)).map(|name| {
            format!(
                "{parent} delegates to {}, but the zone's NS set does not contain it",
                name_text(name)
            )
        });
        let less = own.iter().filter(|name| !names.contains(name)).map(|name| {
            format!(
                "the zone's NS set contains {}, but {parent} does not delegate to it",
                name_text(name)
            )
        });
        more.chain(less).collect()
    }

    /// The zone's records for the configuration; `watched` are its nameservers there.
    fn records(&self, watched: &[&Name]) -> Vec<String> {
        let serving = self.serving();
        let Some(ServingAddress { seen, .. }) = serving.first() else { return Vec::new() };
        let line = |label: &str, rtype: RecordType, values: Vec<String>| {
            format!(
                "  {{ name = \"{label}\", type = \"{}\", values = {values:?} }},",
                type_text(rtype)
            )
        };
        let mut lines = Vec::new();
        if watched.iter().copied().ne(&seen.nameservers) {
            let names = seen.nameservers.iter().map(dotted).collect();
            lines.push(line("@", RecordType::NS, names));
        }
        for ((label, rtype), set) in QUERIED_SETS.iter().zip(&seen.sets) {
            if !set.is_empty() {
                lines.push(line(label, *rtype, set.iter().map(value).collect()));
            }
        }
        lines
    }
}

fn owner(label: &str, zone: &str) -> String {
    if label == "@" { zone.to_owned() } else { format!("{label}.{zone}") }
}

fn differences(first: &ServingAddress<'_>, other: &ServingAddress<'_>, zone: &str) -> Vec<String> {
    let mut what: Vec<String> = Vec::new();
    if first.seen.nameservers != other.seen.nameservers {
        let names: Vec<String> = other.seen.nameservers.iter().map(name_text).collect();
        what.push(format!("{zone} NS ({})", names.join(", ")));
    }
    let sets = first.seen.sets.iter().zip(&other.seen.sets);
    for ((label, rtype), (one, two)) in QUERIED_SETS.iter().zip(sets) {
        if one != two {
            what.push(format!("{} {rtype}", owner(label, zone)));
        }
    }
    match what.is_empty() {
        true => Vec::new(),
        false => {
            vec![format!("{} and {} differ: {}", other.text(), first.text(), what.join(", "))]
        }
    }
}

fn list(ips: &[IpAddr]) -> String {
    ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn dotted(name: &Name) -> String {
    if name.is_root() { ".".to_owned() } else { name_text(name) + "." }
}

fn value(data: &RData) -> String {
    match data {
        RData::MX(mx) => format!("{} {}", mx.preference, dotted(&mx.exchange)),
        RData::CNAME(alias) => dotted(&alias.0),
        address => address.to_string(),
    }
}

/// The configuration; what it leaves out is added to `messages`.
pub(super) fn config(all: &[Survey], port: u16, messages: &mut Vec<String>) -> String {
    let mut servers: BTreeMap<&Name, Vec<IpAddr>> = BTreeMap::new();
    let mut owners: BTreeMap<IpAddr, &Name> = BTreeMap::new();
    for server in all.iter().flat_map(|found| &found.servers) {
        for (ip, _) in &server.at {
            let owner = *owners.entry(*ip).or_insert(&server.name);
            if owner != &server.name {
                let (one, two) = (name_text(owner), name_text(&server.name));
                let line =
                    format!("{two} and {one} have the same address {ip}; it is watched as {one}");
                if !messages.contains(&line) {
                    messages.push(line);
                }
                continue;
            }
            let addresses = servers.entry(&server.name).or_default();
            if !addresses.contains(ip) {
                addresses.push(*ip);
            }
        }
    }
    let mut text = String::from(HEAD);
    for (name, addresses) in &servers {
        let at = addresses.iter().map(|ip| address_text(&SocketAddr::new(*ip, port)));
        let at: Vec<String> = at.collect();
        let name = name_text(name);
        write!(text, "\n[[nameserver]]\nname = {name:?}\naddresses = {at:?}\n").expect(STRING);
    }
    for found in all {
        let serving = || found.servers.iter().flat_map(|server| &server.at);
        let serves =
            |name: &Name| serving().any(|(ip, _)| owners.get(ip).is_some_and(|o| *o == name));
        let watched: Vec<&Name> = servers.keys().copied().filter(|name| serves(name)).collect();
        write!(text, "\n[[zone]]\nname = {:?}\n", name_text(&found.zone)).expect(STRING);
        if watched.len() < servers.len() {
            let names: Vec<String> = watched.iter().map(|name| name_text(name)).collect();
            writeln!(text, "nameservers = {names:?}").expect(STRING);
        }
        let records = found.records(&watched);
        if !records.is_empty() {
            text.push_str(
                "# Exactly these values. Or name the zone file, to watch every record set in it:\n",
            );
            writeln!(text, "# file = \"{}.zone\"", name_text(&found.zone)).expect(STRING);
            writeln!(text, "records = [\n{}\n]", records.join("\n")).expect(STRING);
        }
    }
    text
}

const STRING: &str = "writing to a String does not fail";

const HEAD: &str = "\
# Written by `pilotlight init` from the DNS of today. Read it: a mistake in the DNS is in this file, too.
# `pilotlight config` checks this file, `pilotlight check` runs one round, and `pilotlight config --example` shows
# every key.

# The repository for issues. Without it pilotlight opens no issues.
# [github]
# repository = \"owner/infra\"
";
