//! What an answer on the way from the root to a zone says: a delegation, or that there is none.

use std::net::IpAddr;

use hickory_resolver::proto::dnssec::rdata::DNSSECRData;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use crate::decide::probe::world::Delegation;

/// Records of one answer that are kept.
pub(super) const RECORDS: usize = 100;

/// A zone that is delegated, with its nameservers.
pub(super) struct Referral {
    pub(super) zone: Name,
    pub(super) nameservers: Vec<Name>,
    pub(super) glue: Vec<(Name, IpAddr)>,
    /// DS or its denial, with signatures.
    pub(super) ds: Vec<Record>,
    /// The server has the zone below, too, so it must be asked for DS.
    pub(super) serves_both: bool,
}

pub(super) enum Step {
    Referral(Referral),
    Ends(Delegation),
}

/// An answer of the zone's own server, or a referral.
pub(super) fn usable(message: &Message) -> bool {
    let code = message.metadata.response_code;
    let known = matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    let refers = message.authorities.iter().any(|record| record.record_type() == RecordType::NS);
    known && (message.metadata.authoritative || refers)
}

pub(super) fn about_ds(message: &Message) -> Vec<Record> {
    let records = message.answers.iter().chain(&message.authorities);
    let of_ds = |record: &&Record| {
        use RecordType::{DS, NSEC, NSEC3};
        let rtype = match &record.data {
            RData::DNSSEC(DNSSECRData::RRSIG(signature)) => signature.input().type_covered,
            data => data.record_type(),
        };
        matches!(rtype, DS | NSEC | NSEC3)
    };
    records.filter(of_ds).take(RECORDS).cloned().collect()
}

/// The zone that the message delegates, below `zone` and at or above `name`: as a referral, or as an answer of a
/// server that has both zones.
pub(super) fn referral(message: &Message, zone: &Name, name: &Name) -> Option<Referral> {
    let serves_both = message.metadata.authoritative;
    let section = if serves_both { &message.answers } else { &message.authorities };
    let nameserver = |record: &Record| match &record.data {
        RData::NS(nameserver) => Some((record.name.clone(), nameserver.0.to_lowercase())),
        _ => None,
    };
    let between =
        |of: &Name| zone.zone_of(of) && of.num_labels() > zone.num_labels() && of.zone_of(name);
    let mut found = section.iter().filter_map(nameserver).filter(|(of, _)| between(of));
    let (below, first) = found.next()?;
    let others = found.filter(|(of, _)| *of == below).map(|(_, nameserver)| nameserver);
    let mut nameservers: Vec<Name> = std::iter::once(first).chain(others).take(RECORDS).collect();
    nameservers.sort_unstable();
    nameservers.dedup();
    let glue = message.additionals.iter().filter(|record| nameservers.contains(&record.name));
    let address = |record: &Record| Some((record.name.to_lowercase(), record.data.ip_addr()?));
    let mut glue: Vec<(Name, IpAddr)> = glue.filter_map(address).take(RECORDS).collect();
    glue.sort_unstable();
    glue.dedup();
    Some(Referral { zone: below, nameservers, glue, ds: about_ds(message), serves_both })
}

pub(super) fn without_referral(message: &Message, name: &Name) -> Delegation {
    let alias = message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(alias) if record.name == *name => Some(alias.0.clone()),
        _ => None,
    });
    match alias {
        Some(alias) => Delegation::Alias(alias),
        None if message.metadata.response_code == ResponseCode::NXDomain => Delegation::NoSuchName,
        None => Delegation::NoNameservers,
    }
}

pub(super) fn delegation(step: &Step) -> Delegation {
    match step {
        Step::Ends(delegation) => delegation.clone(),
        Step::Referral(Referral { nameservers, glue, .. }) => {
            Delegation::Delegated { nameservers: nameservers.clone(), glue: glue.clone() }
        }
    }
}
