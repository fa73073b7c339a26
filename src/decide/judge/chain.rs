//! The chain of trust from the root to a zone (RFC 4035, section 5): pure, with the time as an argument.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, RRSIG};
use hickory_resolver::proto::dnssec::{Algorithm, PublicKey, Verifier};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use jiff::{SignedDuration, Timestamp};

use crate::decide::judge::world_fault::{SignatureFault, WorldFault};
use crate::decide::probe::world::{Link, Signed, Walk, WorldCheck};

/// Signatures of one record set that are verified at most, so that no zone costs more than others (KeyTrap).
const VERIFICATIONS: usize = 16;

/// ring verifies no shorter RSA keys: 1,024 bits, and the exponent.
const SHORTEST_RSA: usize = 130;

#[derive(Debug, Clone, PartialEq)]
pub enum Chain {
    /// No DS on the way: nothing is signed, and that is no fault.
    Insecure,
    Secure,
    Broken(SocketAddr, Box<WorldFault>),
    /// It holds, and ends soon.
    Ends(SocketAddr, Box<WorldFault>),
    Unknown(String),
}

/// What a verified record set has left.
struct Valid {
    lasts: SignedDuration,
    ends: Timestamp,
}

#[must_use]
pub fn chain(check: &WorldCheck, walk: &Walk, now: Timestamp, warning: Duration) -> Chain {
    match follow(check, walk, now, warning) {
        Ok(chain) | Err(chain) => chain,
    }
}

fn follow(
    check: &WorldCheck,
    walk: &Walk,
    now: Timestamp,
    warning: Duration,
) -> Result<Chain, Chain> {
    let mut parent: Option<(&Name, Vec<&DNSKEY>)> = None;
    let mut soonest: Option<(SocketAddr, RecordType, Valid)> = None;
    for link in &walk.links {
        let ours = link.zone == check.zone;
        let all = match &parent {
            None => check.trust_anchor.to_vec(),
            Some((above, keys)) => {
                let Some(all) = delegation_signers(link, above, keys, now)? else {
                    return Ok(Chain::Insecure);
                };
                all
            }
        };
        let signed = link.keys.as_ref().ok_or_else(|| {
            Chain::Unknown(format!("no nameserver of {} answers for DNSKEY", link.zone))
        })?;
        let broken = |fault| broken(ours, link, signed.server, fault);
        let entries = entry_keys(link, signed, &all, &broken)?;
        let set = |rtype, keys: &[&DNSKEY], signed: &Signed| {
            let valid = verify(&signed.records, &link.zone, rtype, &link.zone, keys, now);
            valid.map_err(|fault| match fault {
                SignatureFault::Unsupported(_) => Chain::Unknown(fault.to_string()),
                fault => broken(WorldFault::Signature { rtype, fault }),
            })
        };
        let valid = set(RecordType::DNSKEY, &entries, signed)?;
        let keys = zone_keys(&signed.records, &link.zone);
        if ours {
            soonest = Some((signed.server, RecordType::DNSKEY, valid));
            if let Some(ns) = &link.ns {
                let valid = set(RecordType::NS, &keys, ns)?;
                if soonest.as_ref().is_none_or(|(_, _, first)| valid.ends < first.ends) {
                    soonest = Some((ns.server, RecordType::NS, valid));
                }
            }
        }
        parent = Some((&link.zone, keys));
    }
    Ok(soonest.map_or_else(
        || Chain::Unknown("its chain of trust has not been followed to its end".to_owned()),
        |soonest| left(soonest, now, warning),
    ))
}

/// Whether the signature that ends first does so soon.
fn left(
    (server, rtype, Valid { lasts, ends }): (SocketAddr, RecordType, Valid),
    now: Timestamp,
    warning: Duration,
) -> Chain {
    // Signatures that are short-lived by design are renewed late.
    let warning = SignedDuration::try_from(warning).unwrap_or(SignedDuration::MAX);
    match ends.duration_since(now) < warning.min(lasts / 4) {
        true => Chain::Ends(server, Box::new(WorldFault::SignatureEnds { rtype, at: ends })),
        false => Chain::Secure,
    }
}

/// The DS records of a link, if its parent vouches for them; `None` if it vouches that there are none.
fn delegation_signers(
    link: &Link,
    above: &Name,
    keys: &[&DNSKEY],
    now: Timestamp,
) -> Result<Option<Vec<DS>>, Chain> {
    let broken = |fault: SignatureFault, rtype: RecordType| match fault {
        SignatureFault::Unsupported(_) => Chain::Unknown(fault.to_string()),
        fault => {
            let fault = format!("the {rtype} records about {} are rejected: {fault}", link.zone);
            let fault = WorldFault::Above { zone: above.clone(), fault };
            Chain::Broken(link.parent, Box::new(fault))
        }
    };
    let all: Vec<DS> = link.ds.iter().filter_map(|record| ds(record, &link.zone)).collect();
    if !all.is_empty() {
        let valid = verify(&link.ds, &link.zone, RecordType::DS, above, keys, now);
        return valid.map(|_| Some(all)).map_err(|fault| broken(fault, RecordType::DS));
    }
    let denials = || {
        let types = [RecordType::NSEC, RecordType::NSEC3];
        link.ds.iter().filter(move |record| types.contains(&record.record_type()))
    };
    let Some(first) = denials().next() else {
        return Err(broken(SignatureFault::Missing, RecordType::NSEC));
    };
    for denial in denials().take(VERIFICATIONS) {
        let rtype = denial.record_type();
        verify(&link.ds, &denial.name, rtype, above, keys, now).map_err(|f| broken(f, rtype))?;
    }
    let hidden = |record: &Record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) if record.name == link.zone => {
            nsec.type_bit_maps().any(|rtype| rtype == RecordType::DS)
        }
        _ => false,
    };
    match denials().any(hidden) {
        true => Err(broken(SignatureFault::Missing, first.record_type())),
        false => Ok(None),
    }
}

/// The keys that DS records lead to.
fn entry_keys<'a>(
    link: &'a Link,
    signed: &'a Signed,
    all: &[DS],
    broken: &dyn Fn(WorldFault) -> Chain,
) -> Result<Vec<&'a DNSKEY>, Chain> {
    let usable = |ds: &&DS| ds.algorithm().is_supported() && ds.digest_type().is_supported();
    let usable: Vec<&DS> = all.iter().filter(usable).collect();
    if let (true, Some(first)) = (usable.is_empty(), all.first()) {
        let algorithm = algorithm_text(first.algorithm());
        return Err(Chain::Unknown(format!(
            "the DS record of {} has the algorithm {algorithm}, or a digest, that pilotlight cannot verify",
            link.zone
        )));
    }
    let tags = || {
        let tags = usable.iter().map(|ds| ds.key_tag().to_string());
        tags.collect::<Vec<_>>().join(", ")
    };
    let keys = zone_keys(&signed.records, &link.zone);
    if keys.is_empty() {
        return Err(broken(WorldFault::DsUnsigned(tags())));
    }
    let covered = |key: &&DNSKEY| {
        let covers = |ds: &&DS| {
            ds.algorithm() == key.algorithm() && ds.covers(&link.zone, key).unwrap_or(false)
        };
        usable.iter().any(covers)
    };
    let entries: Vec<&DNSKEY> = keys.into_iter().filter(covered).collect();
    match entries.is_empty() {
        true => Err(broken(WorldFault::DsWithoutKey(tags()))),
        false => Ok(entries),
    }
}

/// A fault of the zone itself, or of one above it.
fn broken(ours: bool, link: &Link, server: SocketAddr, fault: WorldFault) -> Chain {
    let fault = match ours {
        true => fault,
        false => WorldFault::Above { zone: link.zone.clone(), fault: fault.to_string() },
    };
    Chain::Broken(server, Box::new(fault))
}

fn ds(record: &Record, zone: &Name) -> Option<DS> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::DS(ds)) if record.name == *zone => Some(ds.clone()),
        _ => None,
    }
}

fn signature(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

fn zone_keys<'a>(records: &'a [Record], zone: &Name) -> Vec<&'a DNSKEY> {
    let key = |record: &'a Record| match &record.data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) if record.name == *zone => Some(key),
        _ => None,
    };
    records.iter().filter_map(key).filter(|key| key.zone_key() && !key.revoke()).collect()
}

/// With the names of NS in lowercase: hickory sorts a set before it does that (RFC 4034, section 6.2).
fn canonical(record: &Record) -> Record {
    let mut record = record.clone();
    if let RData::NS(ns) = &mut record.data {
        ns.0 = ns.0.to_lowercase();
    }
    record
}

/// The signature of the set that lasts longest; else why none counts.
fn verify(
    records: &[Record],
    name: &Name,
    rtype: RecordType,
    signer: &Name,
    keys: &[&DNSKEY],
    now: Timestamp,
) -> Result<Valid, SignatureFault> {
    let records: Vec<Record> = records.iter().map(canonical).collect();
    let over = |record: &&Record| {
        record.name == *name && signature(record).is_some_and(|of| of.input().type_covered == rtype)
    };
    let mut failed = SignatureFault::Missing;
    let mut best: Option<Valid> = None;
    let mut unsupported = None;
    for signature in records.iter().filter(over).filter_map(signature).take(VERIFICATIONS) {
        let tag = signature.input().key_tag;
        match verify_one(&records, name, signature, signer, keys, now) {
            Ok(valid) if best.as_ref().is_none_or(|best| best.ends < valid.ends) => {
                best = Some(valid);
            }
            Ok(_) => {}
            Err(fault @ SignatureFault::Unsupported(_)) => unsupported = Some(fault),
            // The key that is known says more than one that is not: a rollover has both.
            Err(SignatureFault::UnknownKey(_)) if failed != SignatureFault::Missing => {}
            Err(SignatureFault::UnknownKey(_)) => failed = SignatureFault::UnknownKey(tag),
            Err(fault) => failed = fault,
        }
    }
    best.ok_or(unsupported.unwrap_or(failed))
}

fn verify_one(
    records: &[Record],
    name: &Name,
    signature: &RRSIG,
    signer: &Name,
    keys: &[&DNSKEY],
    now: Timestamp,
) -> Result<Valid, SignatureFault> {
    let input = signature.input();
    let tag = input.key_tag;
    let is_signers = |key: &&&DNSKEY| {
        key.algorithm() == input.algorithm && key.calculate_key_tag().is_ok_and(|of| of == tag)
    };
    let mut candidates = keys.iter().filter(is_signers).take(2).peekable();
    if input.signer_name != *signer || candidates.peek().is_none() {
        return Err(SignatureFault::UnknownKey(tag));
    }
    if let Some(algorithm) = candidates.clone().find_map(|key| unsupported(key)) {
        return Err(SignatureFault::Unsupported(algorithm));
    }
    let fits =
        |key: &&DNSKEY| key.verify_rrsig(name, DNSClass::IN, signature, records.iter()).is_ok();
    if !candidates.any(fits) {
        return Err(SignatureFault::Wrong(tag));
    }
    let at = |time: u32| {
        // Times are in serial number arithmetic (RFC 4034, section 3.1.5).
        let from_now = time.wrapping_sub(now.as_second().rem_euclid(1 << 32) as u32).cast_signed();
        Timestamp::from_second(now.as_second() + i64::from(from_now)).unwrap_or(now)
    };
    let (begins, ends) = (at(input.sig_inception.get()), at(input.sig_expiration.get()));
    match () {
        () if begins > now => Err(SignatureFault::Ahead(begins)),
        () if ends < now => Err(SignatureFault::Ended(ends)),
        () => Ok(Valid { lasts: ends.duration_since(begins), ends }),
    }
}

/// The algorithm of a key that ring cannot use.
fn unsupported(key: &DNSKEY) -> Option<String> {
    let algorithm = key.algorithm();
    let rsa = matches!(u8::from(algorithm), 5 | 7 | 8 | 10);
    let short = rsa && key.public_key().public_bytes().len() < SHORTEST_RSA;
    let unusable = !algorithm.is_supported() || short || key.key().is_err();
    unusable.then(|| algorithm_text(algorithm))
}

fn algorithm_text(algorithm: Algorithm) -> String {
    match u8::from(algorithm) {
        16 => "16 (ED448)".to_owned(),
        number => format!("{number} ({algorithm})"),
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::NS;

    use super::*;

    #[test]
    fn nameservers_in_letters_of_both_cases_are_sorted_as_they_were_signed() {
        let ns = |name: &str| {
            let data = RData::NS(NS(Name::from_ascii(name).unwrap()));
            canonical(&Record::from_rdata(Name::root(), 60, data))
        };
        let mut set = [ns("ns1.example.net."), ns("NS2.example.net.")];
        set.sort();
        assert_eq!(set[0], ns("ns1.example.net."));
    }
}
