//! `pilotlight init`: a configuration out of what the DNS says today, and what is wrong with that.
//!
//! The parent zone is asked whom it delegates to, each of those and each that the zone itself names is asked
//! for the zone. Names outside of it (its nameservers' among them) come from a resolver.

mod found;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use self::found::{Delegation, Found, Seen, Server, WANTED};
use super::{Failed, block_on};
use crate::config::{Config, server_address, zone_name};
use crate::decide::judge::fault::Fault;
use crate::decide::probe::query::name_text;
use crate::io::dns::lookup;
use crate::io::dns::lookup::{LookupClient, LookupError};

/// Each question of a zone has its own bound, of seconds; together they may take this.
const LONGEST: Duration = Duration::from_secs(60);

/// The root has 13 nameservers, and few zones have more.
const MOST_NAMESERVERS: usize = 20;

/// How many servers of the parent are asked, one after the other, until one answers.
const MOST_PARENTS: usize = 6;

#[derive(Args)]
pub(super) struct Options {
    /// The zones
    #[arg(required = true, value_name = "ZONE", value_parser = zone_name)]
    zones: Vec<Name>,
    /// The resolver to ask; by default those of this machine
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server_address)]
    resolver: Option<SocketAddr>,
    /// The port at which every nameserver is asked, for those that are not in the public DNS yet
    #[arg(long, value_name = "PORT", default_value_t = 53, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

pub(super) fn init(options: &Options) -> Result<u8, Failed> {
    let (found, failed) = block_on(all(options))?;
    let mut said = failed.clone();
    let text = found::config(&found, options.port, &mut said);
    let mut err = io::stderr().lock();
    for line in found.iter().flat_map(Found::wrong).chain(said) {
        writeln!(err, "{line}")?;
    }
    drop(err);
    if found.is_empty() {
        return Ok(1);
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Config::parse("this configuration", &text)?; // the DNS may hold what a configuration cannot
    Ok(u8::from(!failed.is_empty()))
}

/// What was found of each zone, and what is to be said of those of which nothing was.
async fn all(options: &Options) -> (Vec<Found>, Vec<String>) {
    let resolvers =
        options.resolver.map_or_else(lookup::of_this_machine, |resolver| vec![resolver]);
    let asker = LookupClient::new(resolvers, options.port);
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for zone in &options.zones {
        let name = name_text(zone);
        match tokio::time::timeout(LONGEST, survey(&asker, zone)).await {
            Ok(Ok(zone)) => found.push(zone),
            Ok(Err(why)) => failed.push(format!("{name}: {why}")),
            Err(_) => failed.push(format!(
                "{name}: it took longer than {LONGEST:?}: most of its nameservers do not answer; try \
                 again, or name a nearer --resolver"
            )),
        }
    }
    (found, failed)
}

async fn survey(asker: &LookupClient, zone: &Name) -> Result<Found, String> {
    let delegation = delegation(asker, zone).await?;
    let mut servers: Vec<Server> = Vec::new();
    let mut next = delegation.names.clone();
    // Those of the delegation, and then those that only they know.
    for _ in 0..2 {
        next.truncate(MOST_NAMESERVERS);
        servers
            .extend(join_all(next.iter().map(|name| server(asker, zone, name, &delegation))).await);
        let seen =
            servers.iter().flat_map(|server| &server.at).filter_map(|(_, got)| got.as_ref().ok());
        next = seen.flat_map(|seen| seen.nameservers.clone()).collect();
        next.sort();
        next.dedup();
        next.retain(|name| !servers.iter().any(|server| server.name == *name));
    }
    if servers.iter().all(|server| server.at.is_empty()) {
        let names: Vec<String> = delegation.names.iter().map(name_text).collect();
        let why = servers.iter().find_map(|server| server.unknown.clone()).unwrap_or_default();
        return Err(format!(
            "none of its nameservers has an address: {} {why}; see to their A and AAAA records",
            names.join(", ")
        ));
    }
    Ok(Found { zone: zone.clone(), delegation, servers })
}

/// Whom the parent delegates to; or, where that cannot be seen, whom the resolver has for the zone.
async fn delegation(asker: &LookupClient, zone: &Name) -> Result<Delegation, String> {
    let mut parent = zone.clone();
    let mut above = Vec::new();
    while above.is_empty() && !parent.is_root() {
        parent = parent.base_name();
        above = nameservers(asker.look_up(&parent, RecordType::NS).await.map_err(next_resolver)?);
    }
    let mut asked = 0;
    let mut why = format!("no server of {} was found", name_text(&parent));
    for name in above {
        for ip in asker.addresses(&name).await.unwrap_or_default() {
            if asked == MOST_PARENTS {
                break;
            }
            asked += 1;
            match asker.ask(ip, zone, RecordType::NS).await {
                Ok(message) => match referral(&message, zone, &parent) {
                    Some(delegation) => return Ok(delegation),
                    None if message.answers.is_empty() => return Err(no_zone(&parent)),
                    None => {
                        why = format!("{} serves both", name_text(&name));
                        asked = MOST_PARENTS; // the others do as well
                    }
                },
                Err(Fault::Rcode(ResponseCode::NXDomain)) => return Err(no_zone(&parent)),
                Err(fault) => why = format!("{} at {ip} {fault}", name_text(&name)),
            }
        }
    }
    let names = nameservers(asker.look_up(zone, RecordType::NS).await.map_err(next_resolver)?);
    if names.is_empty() {
        return Err(no_zone(&parent));
    }
    Ok(Delegation { parent, names, glue: Vec::new(), unseen: Some(why) })
}

fn next_resolver(why: LookupError) -> String {
    format!("{why}; name another one with --resolver")
}

fn no_zone(parent: &Name) -> String {
    format!(
        "{} does not delegate it, so it is no zone; check its spelling, or name the zone that it is in",
        name_text(parent)
    )
}

/// The delegation, if the message refers to the zone's own nameservers.
fn referral(message: &Message, zone: &Name, parent: &Name) -> Option<Delegation> {
    let of_zone = |record: &&Record| record.name == *zone;
    let names = message.authorities.iter().filter(of_zone).map(|record| record.data.clone());
    let names = nameservers(names.collect());
    let glue = message.additionals.iter().filter_map(|record| {
        let name = record.name.to_lowercase();
        let ours = zone.zone_of(&name) && names.contains(&name);
        Some((name, record.data.ip_addr()?)).filter(|_| ours)
    });
    let glue = glue.collect();
    let refers = message.answers.is_empty() && !names.is_empty();
    refers.then(|| Delegation { parent: parent.clone(), names, glue, unseen: None })
}

fn nameservers(records: Vec<RData>) -> Vec<Name> {
    let name = |data| match data {
        RData::NS(ns) => Some(ns.0.to_lowercase()),
        _ => None,
    };
    let mut names: Vec<Name> = records.into_iter().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// One nameserver, asked at each of its addresses: those that the DNS has, else the glue.
async fn server(asker: &LookupClient, zone: &Name, name: &Name, delegation: &Delegation) -> Server {
    let looked_up = asker.addresses(name).await;
    let unknown = match &looked_up {
        Ok(addresses) if addresses.is_empty() => Some("there is no A or AAAA record".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let mut addresses = looked_up.unwrap_or_default();
    if addresses.is_empty() {
        addresses = delegation.glue_of(name);
    }
    let at = addresses.into_iter().map(|ip| async move { (ip, seen(asker, zone, ip).await) });
    Server { name: name.clone(), unknown, at: join_all(at).await }
}

/// The zone as one address has it.
async fn seen(asker: &LookupClient, zone: &Name, ip: IpAddr) -> Result<Seen, Fault> {
    let soa = own(asker, ip, zone, RecordType::SOA).await?;
    let serial = soa.iter().find_map(|data| match data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    });
    let mut seen = Seen {
        serial: serial.ok_or(Fault::NoRecords)?,
        nameservers: nameservers(own(asker, ip, zone, RecordType::NS).await?),
        sets: Vec::new(),
    };
    for (label, rtype) in WANTED {
        let name = match label {
            "@" => zone.clone(),
            label => zone.prepend_label(label).map_err(|_| Fault::NoRecords)?,
        };
        seen.sets.push(own(asker, ip, &name, rtype).await?);
    }
    Ok(seen)
}

/// What the server itself has of this name and type, in an order of its own.
async fn own(
    asker: &LookupClient,
    ip: IpAddr,
    name: &Name,
    rtype: RecordType,
) -> Result<Vec<RData>, Fault> {
    let message = match asker.ask(ip, name, rtype).await {
        Err(Fault::Rcode(ResponseCode::NXDomain)) => return Ok(Vec::new()),
        message => message?,
    };
    if !message.metadata.authoritative {
        return Err(Fault::NotAuthoritative);
    }
    let of_name = |record: &Record| record.name == *name && record.record_type() == rtype;
    let records = message.answers.into_iter().filter(of_name);
    let mut data: Vec<RData> = records.map(|record| record.data).collect();
    data.sort_by_key(ToString::to_string);
    Ok(data)
}
