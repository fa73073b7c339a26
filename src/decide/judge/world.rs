//! What the world sees of a zone: its delegation, and its chain of trust.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::config::Schedule;
use crate::decide::judge::chain::{Chain, chain};
use crate::decide::judge::finding::{FailedQuery, Finding, Verdict};
use crate::decide::judge::uplink::Uplink;
use crate::decide::judge::world_fault::WorldFault;
use crate::decide::probe::query::name_text;
use crate::decide::probe::world::{
    Delegation, ParentReply, Walk, WorldCheck, WorldOutcome, WorldResult,
};
use crate::decide::time::Moment;

/// The verdict on a zone.
#[must_use]
pub fn verdict(result: &WorldResult, uplink: Uplink, at: &Moment, schedule: &Schedule) -> Verdict {
    let check = &result.check;
    let unknown = |why: Option<String>| Verdict { why, ..Verdict::default() };
    let walk = match &result.outcome {
        WorldOutcome::Walked(walk) if uplink.of(&walk.root).believable() => walk,
        WorldOutcome::Walked(_) => return unknown(None),
        WorldOutcome::Local(why) => return unknown(Some(why.clone())),
        WorldOutcome::NoRoot => {
            let why = "no anchor answers with the keys of vantage.trust-anchor";
            return unknown(check.private_root.then(|| why.to_owned()));
        }
    };
    let mut verdict = Verdict { queries: result.packets, ..Verdict::default() };
    delegation_faults(check, walk).into_iter().for_each(|(server, fault)| {
        add(&mut verdict, check, server, &fault);
    });
    let delegated = walk.links.last().is_some_and(|link| link.zone == check.zone);
    let broken_above = walk.silent.is_none() && !delegated;
    // Before the clock is set, no time of a signature can be compared.
    let chain = at.wall.map(|now| chain(check, walk, now, schedule.rrsig_warning));
    match chain {
        Some(Chain::Broken(server, fault)) if !broken_above => {
            add(&mut verdict, check, server, &fault);
        }
        Some(Chain::Ends(server, fault)) => add(&mut verdict, check, server, &fault),
        Some(Chain::Unknown(why)) if verdict.findings.is_empty() && delegated => {
            return unknown(Some(why));
        }
        _ => {}
    }
    verdict.observed_addresses = 1;
    verdict.sort();
    verdict
}

/// Whether anything looks faulty, so that the anchors must be asked again.
#[must_use]
pub fn looks_faulty(result: &WorldResult, at: &Moment, schedule: &Schedule) -> bool {
    let online = Uplink::ONLINE;
    !verdict(result, online, at, schedule).findings.is_empty()
}

fn add(verdict: &mut Verdict, check: &WorldCheck, address: SocketAddr, fault: &WorldFault) {
    let severity = fault.severity();
    let zone = name_text(&check.zone);
    let (query, question, command) = match fault.is_of_the_chain() {
        true => (1, format!("{zone} DNSKEY"), format!("delv {zone} SOA")),
        false => {
            let port = match address.port() {
                53 => String::new(),
                port => format!(" -p {port}"),
            };
            let command = format!("dig @{}{port} +norecurse +nocookie {zone} NS", address.ip());
            (0, format!("{zone} NS"), command)
        }
    };
    // Another server of the parent is asked each time, and it is the same fault.
    let place = SocketAddr::from(([0, 0, 0, 0], 0));
    verdict.failed_queries.push(FailedQuery { address: place, query, severity });
    let (fault, detail) = (fault.kind().into(), fault.to_string());
    verdict.findings.push(Finding {
        address,
        zone,
        question,
        more: 0,
        severity,
        fault,
        detail,
        command,
    });
}

fn delegation_faults(check: &WorldCheck, walk: &Walk) -> Vec<(SocketAddr, WorldFault)> {
    if let Some((zone, server)) = &walk.silent {
        return vec![(*server, WorldFault::Unresolvable(zone.clone()))];
    }
    let Some((first, others)) = walk.replies.split_first() else { return Vec::new() };
    if let Some(other) = others.iter().find(|other| differ(first, other)) {
        let fault = WorldFault::ParentsDiffer(other.server.ip().to_string());
        return vec![(first.server, fault)];
    }
    reply_faults(check, walk, first).into_iter().map(|fault| (first.server, fault)).collect()
}

/// A server that has both zones may leave out the glue.
fn differ(one: &ParentReply, other: &ParentReply) -> bool {
    match (&one.delegation, &other.delegation) {
        (
            Delegation::Delegated { nameservers, glue },
            Delegation::Delegated { nameservers: others, glue: other_glue },
        ) => {
            let no_glue = glue.is_empty() || other_glue.is_empty();
            nameservers != others || (!no_glue && glue != other_glue)
        }
        (one, other) => one != other,
    }
}

fn reply_faults(check: &WorldCheck, walk: &Walk, reply: &ParentReply) -> Vec<WorldFault> {
    let (nameservers, glue) = match &reply.delegation {
        Delegation::Delegated { nameservers, glue } => (nameservers, glue),
        Delegation::NoSuchName => return vec![WorldFault::NoSuchName],
        Delegation::NoNameservers => return vec![WorldFault::NoNameservers],
        Delegation::Alias(target) => return vec![WorldFault::Alias(target.clone())],
    };
    let watched = |name: &Name| check.nameservers.iter().any(|(ours, _)| ours == name);
    if !nameservers.iter().any(|name| watched(name) || check.listed.contains(name)) {
        return vec![WorldFault::OtherNameservers(names(nameservers.iter()))];
    }
    let mut faults = Vec::new();
    let own = own_ns_set(check, walk);
    let missing: Vec<&Name> = own.iter().filter(|name| !nameservers.contains(name)).collect();
    let extra: Vec<&Name> = nameservers.iter().filter(|name| !own.contains(name)).collect();
    let differs = !missing.is_empty() || !extra.is_empty();
    if !own.is_empty() && differs {
        let (missing, extra) = (names(missing.into_iter()), names(extra.into_iter()));
        faults.push(WorldFault::NsSet { missing, extra });
    }
    let wrong = glue_faults(check, nameservers, glue);
    let outside = nameservers.iter().any(|name| !check.zone.zone_of(name));
    let addresses = check.nameservers.iter().flat_map(|(_, addresses)| addresses);
    let ours: Vec<IpAddr> = addresses.map(SocketAddr::ip).collect();
    match !outside && !wrong.is_empty() && !glue.iter().any(|(_, ip)| ours.contains(ip)) {
        true => faults.push(WorldFault::GlueLost(ips(glue.iter().map(|(_, ip)| *ip)))),
        false => faults.extend(wrong),
    }
    faults
}

/// Only names in the zone itself need glue.
fn glue_faults(
    check: &WorldCheck,
    nameservers: &[Name],
    glue: &[(Name, IpAddr)],
) -> Vec<WorldFault> {
    let needs = |(name, _): &&(Name, Vec<SocketAddr>)| {
        check.zone.zone_of(name) && nameservers.contains(name)
    };
    let fault = |(name, expected): &(Name, Vec<SocketAddr>)| {
        let found: Vec<IpAddr> =
            glue.iter().filter(|(of, _)| of == name).map(|(_, ip)| *ip).collect();
        if found.is_empty() {
            return Some(WorldFault::GlueMissing(name_text(name)));
        }
        let expected: Vec<IpAddr> = expected.iter().map(SocketAddr::ip).collect();
        let same = found.iter().all(|ip| expected.contains(ip))
            && expected.iter().all(|ip| found.contains(ip));
        (!same).then(|| WorldFault::GlueDiffers {
            name: name_text(name),
            found: ips(found.into_iter()),
            expected: ips(expected.into_iter()),
        })
    };
    check.nameservers.iter().filter(needs).filter_map(fault).collect()
}

/// As the zone's own nameserver answers; empty if none did.
fn own_ns_set(check: &WorldCheck, walk: &Walk) -> Vec<Name> {
    let link = walk.links.last().filter(|link| link.zone == check.zone);
    let records = link.and_then(|link| link.ns.as_ref()).map_or(&[][..], |ns| &ns.records);
    let own = records
        .iter()
        .filter(|record| record.name == check.zone && record.record_type() == RecordType::NS);
    let name = |data: &RData| match data {
        RData::NS(ns) => Some(ns.0.clone()),
        _ => None,
    };
    own.filter_map(|record| name(&record.data)).collect()
}

/// Names that a person reads, a few of them.
const SHOWN: usize = 8;

fn names<'a>(all: impl Iterator<Item = &'a Name>) -> String {
    listed(all.map(name_text))
}

fn ips(all: impl Iterator<Item = IpAddr>) -> String {
    listed(all.map(|ip| ip.to_string()))
}

fn listed(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.collect();
    all.sort_unstable();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    match (all.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => all.join(", "),
        (_, more) => format!("{} and {more} more", all.join(", ")),
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
