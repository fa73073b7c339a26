//! `pilotlight init`: a configuration made from the DNS of today, and the inconsistencies found on the way.
//!
//! The servers of the parent zone give the delegation. Each nameserver of the delegation, and each that the zone
//! itself names, is queried for the zone. All other names are looked up with a resolver.

mod found;

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use thiserror::Error;

use self::found::{Delegation, QUERIED_SETS, ServedZone, Server, Survey};
use crate::cli::common::{Failed, block_on};
use crate::config::{Config, server_address, zone_name};
use crate::decide::judge::fault::Fault;
use crate::decide::probe::query::name_text;
use crate::io::dns::lookup;
use crate::io::dns::lookup::{LookupClient, LookupError};

/// The queries for one zone may take this long together; each has a timeout of its own.
const LONGEST: Duration = Duration::from_secs(60);

/// The root has 13 nameservers, and few zones have more.
const MOST_NAMESERVERS: usize = 20;

/// So many servers of the parent are queried, one after the other, until one answers.
const MOST_PARENTS: usize = 6;

#[derive(Args)]
pub(super) struct Options {
    /// Write the configuration to this new file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The names of the zones
    #[arg(required = true, value_name = "ZONE", value_parser = zone_name)]
    zones: Vec<Name>,
    /// The resolver to use [default: the resolvers of this machine]
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server_address)]
    resolver: Option<SocketAddr>,
    /// The port of the nameservers, for nameservers that are not public yet
    #[arg(long, value_name = "PORT", default_value_t = 53, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

pub(super) fn init(options: &Options) -> Result<u8, Failed> {
    if let Some(path) = options.output.as_ref().filter(|path| path.exists()) {
        let path = path.display();
        return Err(Failed::Other(format!(
            "{path}: this file exists; name a new one with --output"
        )));
    }
    let (found, failed) = block_on(all(options))?;
    let mut messages = failed.clone();
    let text = found::config(&found, options.port, &mut messages);
    let mut err = io::stderr().lock();
    for line in found.iter().flat_map(Survey::inconsistencies).chain(messages) {
        writeln!(err, "{line}")?;
    }
    drop(err);
    if found.is_empty() {
        return Ok(1);
    }
    match &options.output {
        Some(path) => write_new(path, &text)
            .map_err(|error| Failed::Other(format!("{}: {error}", path.display())))?,
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Config::parse("this configuration", &text)?; // the DNS may hold what a configuration cannot
    Ok(u8::from(!failed.is_empty()))
}

/// An existing file is not overwritten.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

/// Why a zone could not be surveyed.
#[derive(Debug, Error)]
enum SurveyError {
    #[error("{0}; name another one with --resolver")]
    Resolver(#[from] LookupError),
    #[error(
        "{0} does not delegate this name, so it is not a zone; check the spelling, or name the zone that contains it"
    )]
    NotAZone(String),
    #[error(
        "no nameserver of the zone has an address: {names} {why}; add their A and AAAA records"
    )]
    NoAddress { names: String, why: String },
}

/// The zones that were found, and for each other zone why not.
async fn all(options: &Options) -> (Vec<Survey>, Vec<String>) {
    let resolvers =
        options.resolver.map_or_else(lookup::of_this_machine, |resolver| vec![resolver]);
    let client = LookupClient::new(resolvers, options.port);
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for zone in &options.zones {
        let name = name_text(zone);
        match tokio::time::timeout(LONGEST, survey(&client, zone)).await {
            Ok(Ok(zone)) => found.push(zone),
            Ok(Err(why)) => failed.push(format!("{name}: {why}")),
            Err(_) => failed.push(format!(
                "{name}: the survey takes longer than {LONGEST:?}, because most nameservers do not answer; try \
                 again, or name a nearer --resolver"
            )),
        }
    }
    (found, failed)
}

async fn survey(client: &LookupClient, zone: &Name) -> Result<Survey, SurveyError> {
    let delegation = delegation(client, zone).await?;
    let mut servers: Vec<Server> = Vec::new();
    let mut next = delegation.names.clone();
    // First the nameservers of the delegation, then those that only these name.
    for _ in 0..2 {
        next.truncate(MOST_NAMESERVERS);
        servers.extend(
            join_all(next.iter().map(|name| server(client, zone, name, &delegation))).await,
        );
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
        return Err(SurveyError::NoAddress { names: names.join(", "), why });
    }
    Ok(Survey { zone: zone.clone(), delegation, servers })
}

/// The delegation at the parent; if the parent cannot be queried, the NS set that the resolver has.
async fn delegation(client: &LookupClient, zone: &Name) -> Result<Delegation, SurveyError> {
    let mut parent = zone.clone();
    let mut above = Vec::new();
    while above.is_empty() && !parent.is_root() {
        parent = parent.base_name();
        above = nameservers(client.look_up(&parent, RecordType::NS).await?);
    }
    let mut asked = 0;
    let mut why = format!("no server of {} was found", name_text(&parent));
    for name in above {
        for ip in client.addresses(&name).await.unwrap_or_default() {
            if asked == MOST_PARENTS {
                break;
            }
            asked += 1;
            match client.ask(ip, zone, RecordType::NS).await {
                Ok(message) => match referral(&message, zone, &parent) {
                    Some(delegation) => return Ok(delegation),
                    None if message.answers.is_empty() => {
                        return Err(SurveyError::NotAZone(name_text(&parent)));
                    }
                    None => {
                        why = format!("{} serves both zones", name_text(&name));
                        asked = MOST_PARENTS; // the other servers of the parent serve both, too
                    }
                },
                Err(Fault::Rcode(ResponseCode::NXDomain)) => {
                    return Err(SurveyError::NotAZone(name_text(&parent)));
                }
                Err(fault) => why = format!("{} at {ip} {fault}", name_text(&name)),
            }
        }
    }
    let names = nameservers(client.look_up(zone, RecordType::NS).await?);
    if names.is_empty() {
        return Err(SurveyError::NotAZone(name_text(&parent)));
    }
    Ok(Delegation { parent, names, glue: Vec::new(), failure: Some(why) })
}

/// The delegation, if the message is a referral to the zone's nameservers.
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
    refers.then(|| Delegation { parent: parent.clone(), names, glue, failure: None })
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

/// Queries one nameserver at each of its addresses: those in the DNS, else the glue.
async fn server(
    client: &LookupClient,
    zone: &Name,
    name: &Name,
    delegation: &Delegation,
) -> Server {
    let looked_up = client.addresses(name).await;
    let unknown = match &looked_up {
        Ok(addresses) if addresses.is_empty() => Some("there is no A or AAAA record".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let mut addresses = looked_up.unwrap_or_default();
    if addresses.is_empty() {
        addresses = delegation.glue_of(name);
    }
    let at =
        addresses.into_iter().map(|ip| async move { (ip, served_zone(client, zone, ip).await) });
    Server { name: name.clone(), unknown, at: join_all(at).await }
}

/// The zone as one address serves it.
async fn served_zone(client: &LookupClient, zone: &Name, ip: IpAddr) -> Result<ServedZone, Fault> {
    let soa = authoritative(client, ip, zone, RecordType::SOA).await?;
    let serial = soa.iter().find_map(|data| match data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    });
    let mut seen = ServedZone {
        serial: serial.ok_or(Fault::NoRecords)?,
        nameservers: nameservers(authoritative(client, ip, zone, RecordType::NS).await?),
        sets: Vec::new(),
    };
    for (label, rtype) in QUERIED_SETS {
        let name = match label {
            "@" => zone.clone(),
            label => zone.prepend_label(label).map_err(|_| Fault::NoRecords)?,
        };
        seen.sets.push(authoritative(client, ip, &name, rtype).await?);
    }
    Ok(seen)
}

/// The authoritative records of this name and type, sorted.
async fn authoritative(
    client: &LookupClient,
    ip: IpAddr,
    name: &Name,
    rtype: RecordType,
) -> Result<Vec<RData>, Fault> {
    let message = match client.ask(ip, name, rtype).await {
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
