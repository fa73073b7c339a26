//! What was found of a zone: what is wrong with it, and the configuration that it makes. Nothing is asked here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::config::{address_text, type_text};
use crate::decide::judge::fault::Fault;
use crate::decide::probe::query::name_text;

/// What a zone is asked for beside its SOA and NS.
pub(super) const WANTED: [(&str, RecordType); 6] = [
    ("@", RecordType::A),
    ("@", RecordType::AAAA),
    ("@", RecordType::MX),
    ("www", RecordType::A),
    ("www", RecordType::AAAA),
    ("www", RecordType::CNAME),
];

/// A zone.
pub(super) struct Found {
    pub(super) zone: Name,
    pub(super) delegation: Delegation,
    pub(super) servers: Vec<Server>,
}

/// Whom the parent names.
pub(super) struct Delegation {
    pub(super) parent: Name,
    pub(super) names: Vec<Name>,
    pub(super) glue: Vec<(Name, IpAddr)>,
    /// The parent could not be asked; why. The names are the resolver's then.
    pub(super) unseen: Option<String>,
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
    /// The resolver has no address of it; why.
    pub(super) unknown: Option<String>,
    pub(super) at: Vec<(IpAddr, Result<Seen, Fault>)>,
}

/// The zone as one address has it.
#[derive(PartialEq)]
pub(super) struct Seen {
    pub(super) serial: u32,
    pub(super) nameservers: Vec<Name>,
    /// In the order of [`WANTED`]; empty where there is none.
    pub(super) sets: Vec<Vec<RData>>,
}

/// An address that has the zone.
struct Place<'a> {
    server: &'a Server,
    ip: IpAddr,
    seen: &'a Seen,
}

impl Place<'_> {
    fn text(&self) -> String {
        format!("{} at {}", name_text(&self.server.name), self.ip)
    }
}

impl Found {
    fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        for server in &self.servers {
            let seen = server.at.iter().filter_map(|(ip, got)| Some((*ip, got.as_ref().ok()?)));
            places.extend(seen.map(|(ip, seen)| Place { server, ip, seen }));
        }
        places
    }

    /// What could not be found, and where parent, nameservers and zone disagree.
    pub(super) fn wrong(&self) -> Vec<String> {
        let zone = name_text(&self.zone);
        let mut said = self.about_servers();
        let places = self.places();
        match places.split_first() {
            Some((first, rest)) => {
                said.extend(self.about_delegation(&first.seen.nameservers));
                for place in rest {
                    said.extend(differences(first, place, &zone));
                }
                let serials: Vec<u32> = places.iter().map(|place| place.seen.serial).collect();
                if serials.iter().any(|serial| *serial != serials[0]) {
                    let at = places.iter().map(|p| format!("{} ({})", p.seen.serial, p.text()));
                    let at: Vec<String> = at.collect();
                    said.push(format!("the serials differ: {}", at.join(", ")));
                }
                let alias = !first.seen.sets[5].is_empty();
                let missing =
                    WANTED.iter().zip(&first.seen.sets).filter(|((label, rtype), set)| {
                        // What an alias leads to is another name's; and most names are no alias.
                        set.is_empty() && *rtype != RecordType::CNAME && !(alias && *label == "www")
                    });
                let missing: Vec<String> = missing
                    .map(|((label, rtype), _)| format!("{} {rtype}", owner(label, &zone)))
                    .collect();
                if !missing.is_empty() {
                    said.push(format!("not found: {}", missing.join(", ")));
                }
            }
            None => said.push("no server has the zone, so none of its records is known".to_owned()),
        }
        said.iter().map(|line| format!("{zone}: {line}")).collect()
    }

    fn about_servers(&self) -> Vec<String> {
        let mut said = Vec::new();
        for Server { name, unknown, at } in &self.servers {
            let text = name_text(name);
            let glue = self.delegation.glue_of(name);
            let known: Vec<IpAddr> = at.iter().map(|(ip, _)| *ip).collect();
            match unknown {
                Some(why) if at.is_empty() => {
                    said.push(format!("{text} has no address: {why}; it is left out"));
                }
                Some(why) => said.push(format!("{text} is known from glue only: {why}")),
                None if glue.is_empty() || glue == known => {}
                None => said.push(format!(
                    "the glue for {text} in {} is {}, and its own addresses are {}",
                    name_text(&self.delegation.parent),
                    list(&glue),
                    list(&known)
                )),
            }
            for (ip, got) in at {
                said.extend(got.as_ref().err().map(|fault| format!("{text} at {ip} {fault}")));
            }
        }
        said
    }

    fn about_delegation(&self, own: &[Name]) -> Vec<String> {
        let Delegation { parent, names, unseen, .. } = &self.delegation;
        let parent = name_text(parent);
        if let Some(why) = unseen {
            return vec![format!("how {parent} delegates it could not be seen: {why}")];
        }
        let more = names.iter().filter(|name| !own.contains(name)).map(|name| {
            format!("{parent} delegates to {}, which its own NS set does not have", name_text(name))
        });
        let less = own.iter().filter(|name| !names.contains(name)).map(|name| {
            format!("its own NS set has {}, to which {parent} does not delegate", name_text(name))
        });
        more.chain(less).collect()
    }

    /// What is written into the configuration as the zone's records; `watched` are its nameservers there.
    fn records(&self, watched: &[&Name]) -> Vec<String> {
        let places = self.places();
        let Some(Place { seen, .. }) = places.first() else { return Vec::new() };
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
        for ((label, rtype), set) in WANTED.iter().zip(&seen.sets) {
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

fn differences(first: &Place<'_>, other: &Place<'_>, zone: &str) -> Vec<String> {
    let mut what: Vec<String> = Vec::new();
    if first.seen.nameservers != other.seen.nameservers {
        let names: Vec<String> = other.seen.nameservers.iter().map(name_text).collect();
        what.push(format!("{zone} NS ({})", names.join(", ")));
    }
    let sets = first.seen.sets.iter().zip(&other.seen.sets);
    for ((label, rtype), (one, two)) in WANTED.iter().zip(sets) {
        if one != two {
            what.push(format!("{} {rtype}", owner(label, zone)));
        }
    }
    match what.is_empty() {
        true => Vec::new(),
        false => {
            vec![format!(
                "{} answers otherwise than {}: {}",
                other.text(),
                first.text(),
                what.join(", ")
            )]
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

/// The configuration; what had to be left out of it is added to `said`.
pub(super) fn config(all: &[Found], port: u16, said: &mut Vec<String>) -> String {
    let mut servers: BTreeMap<&Name, Vec<IpAddr>> = BTreeMap::new();
    let mut owners: BTreeMap<IpAddr, &Name> = BTreeMap::new();
    for server in all.iter().flat_map(|found| &found.servers) {
        for (ip, _) in &server.at {
            let owner = *owners.entry(*ip).or_insert(&server.name);
            if owner != &server.name {
                let (one, two) = (name_text(owner), name_text(&server.name));
                let line =
                    format!("{two} has the address {ip} of {one}, and is watched by that name");
                if !said.contains(&line) {
                    said.push(line);
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
        let places = || found.servers.iter().flat_map(|server| &server.at);
        let serves =
            |name: &Name| places().any(|(ip, _)| owners.get(ip).is_some_and(|o| *o == name));
        let watched: Vec<&Name> = servers.keys().copied().filter(|name| serves(name)).collect();
        write!(text, "\n[[zone]]\nname = {:?}\n", name_text(&found.zone)).expect(STRING);
        if watched.len() < servers.len() {
            let names: Vec<String> = watched.iter().map(|name| name_text(name)).collect();
            writeln!(text, "nameservers = {names:?}").expect(STRING);
        }
        let records = found.records(&watched);
        if !records.is_empty() {
            text.push_str("# Every value, no more and no less. Or name its zone file, for every record set in it:\n");
            writeln!(text, "# file = \"{}.zone\"", name_text(&found.zone)).expect(STRING);
            writeln!(text, "records = [\n{}\n]", records.join("\n")).expect(STRING);
        }
    }
    text
}

const STRING: &str = "a String takes everything";

const HEAD: &str = "\
# Written by `pilotlight init` from what the DNS said. Read it: what is wrong in the DNS today is in here as
# if it were right. `pilotlight config` checks it, `pilotlight check` asks everything once, and `pilotlight
# config --example` shows all that can be set.

# Where issues go. Without this there are lamps and log lines, and no issues.
# [github]
# repository = \"owner/infra\"
";
