//! What is kept of an answer. It is small, however much a server sends: the records are compared when they
//! arrive, and only a few values of a difference are kept, as text.

use std::fmt;

use hickory_resolver::proto::dnssec::rdata::{DNSSECRData, SigInput};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::config::{Expected, RecordSet, canonical};
use crate::decide::probe::query::name_text;

/// So many values of a difference are kept; the rest are counted.
const VALUES: usize = 5;

/// Characters of a value.
const VALUE_LENGTH: usize = 100;

/// A record set has a few signatures, one for each key.
const SIGNATURES: usize = 16;

/// The part of a DNS message that is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// With the extended bits of EDNS.
    pub rcode: ResponseCode,
    /// Authoritative answer.
    pub aa: bool,
    /// Recursion available.
    pub ra: bool,
    /// Truncated.
    pub tc: bool,
    /// Records in the answer section.
    pub records: usize,
    pub content: Content,
    /// Of the first SOA.
    pub serial: Option<u32>,
    /// Of the queried record set.
    pub signatures: Vec<Signature>,
}

/// The answer section, compared with the expected record set.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Expected,
    NoRecords,
    /// The name is a CNAME, and another type was queried.
    Alias(String),
    /// Records of that type, under another name.
    OtherOwner(String),
    ManySoa(usize),
    Different {
        /// Expected, and not there.
        missing: Values,
        /// There, and not expected.
        extra: Values,
    },
}

/// Record values as text: the first few, shortened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values {
    shown: Vec<String>,
    more: usize,
}

/// When a signature (RRSIG) begins and ends, in seconds since 1970, the lowest 32 bits of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    pub begins: u32,
    pub ends: u32,
}

impl Answer {
    /// An authoritative answer without error, with these records in its answer section.
    #[must_use]
    pub fn new<'a>(set: &RecordSet, records: impl Iterator<Item = (&'a Name, &'a RData)>) -> Self {
        let records: Vec<_> = records.collect();
        // DNS names compare without case.
        let here =
            || records.iter().filter(|(owner, _)| **owner == set.name).map(|(_, data)| *data);
        let signatures = here().filter_map(|data| signature(data, set.rtype));
        Self {
            rcode: ResponseCode::NoError,
            aa: true,
            ra: false,
            tc: false,
            records: records.len(),
            content: content(set, &records),
            serial: here().find_map(|data| match data {
                RData::SOA(soa) => Some(soa.serial),
                _ => None,
            }),
            signatures: signatures.take(SIGNATURES).collect(),
        }
    }
}

/// TTL, order and letter case of names do not matter; everything else does.
fn content(set: &RecordSet, records: &[(&Name, &RData)]) -> Content {
    let mut found: Vec<&RData> = Vec::new();
    let mut other_owner = None;
    for &(owner, data) in records {
        let here = *owner == set.name;
        match data {
            RData::CNAME(alias)
                if here && set.rtype != RecordType::CNAME && set.expected != Expected::Exists =>
            {
                return Content::Alias(name_text(&alias.0));
            }
            _ if data.record_type() != set.rtype => {}
            _ if here => found.push(data),
            _ => other_owner = Some(owner),
        }
    }
    if let Some(owner) = other_owner {
        return Content::OtherOwner(name_text(owner));
    }
    // Without its NS records a zone still answers, but nobody can find it: that is a fault of the NS set.
    let no_ns = set.rtype == RecordType::NS && set.expected != Expected::Some;
    match &set.expected {
        Expected::Exists => Content::Expected,
        Expected::Nothing | Expected::NoData => compare(&[], &found),
        _ if found.is_empty() && !no_ns => Content::NoRecords,
        Expected::Some if set.rtype == RecordType::SOA && found.len() > 1 => {
            Content::ManySoa(found.len())
        }
        Expected::Some => Content::Expected,
        Expected::Records(expected) => compare(expected, &found),
    }
}

fn compare(expected: &[RData], found: &[&RData]) -> Content {
    let found: Vec<RData> = found.iter().map(|data| canonical(data)).collect();
    let missing = Values::of(expected.iter().filter(|record| !found.contains(record)));
    let extra = Values::of(found.iter().filter(|record| !expected.contains(record)));
    match missing.is_empty() && extra.is_empty() {
        true => Content::Expected,
        false => Content::Different { missing, extra },
    }
}

impl Values {
    /// In an order of their own: servers rotate them.
    #[must_use]
    pub fn of<'a>(records: impl Iterator<Item = &'a RData>) -> Self {
        let mut texts: Vec<String> = records.map(|record| shortened(&record.to_string())).collect();
        texts.sort_unstable();
        texts.dedup();
        let more = texts.len().saturating_sub(VALUES);
        texts.truncate(VALUES);
        texts.shrink_to_fit(); // or it keeps the room of all of them, for as long as the finding lasts
        Self { shown: texts, more }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown.join(", "))?;
        match self.more {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The times of a signature over records of that type.
fn signature(data: &RData, of: RecordType) -> Option<Signature> {
    let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = data else {
        return None;
    };
    let SigInput { type_covered, sig_inception, sig_expiration, .. } = signature.input();
    let times = Signature { begins: sig_inception.get(), ends: sig_expiration.get() };
    (*type_covered == of).then_some(times)
}
