//! A zone file: every record set in it that its servers answer for becomes one to expect.
//!
//! What a server does not answer from the file is left out: delegations and what is below them, what DNSSEC's
//! signers make, and names outside of the zone (which a server ignores, too). A wildcard is asked for by a name
//! that nothing else matches.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{DNSClass, Name, RData, RecordType};

use super::master::{Entries, Entry, Word};
use super::problem::{Wrong, wrong};
use super::zone::TYPES;
use super::{Expected, RecordSet, name, records, type_text};

/// Far more than a file needs whose questions fit into a round, signatures and all.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A file that has so many problems is none, or has one problem in many places.
const ENOUGH: usize = 20;

/// What a zone file may hold that hickory has no word for (the IANA registry of resource record types).
const MORE_TYPES: [(&str, u16); 12] = [
    ("RP", 17),
    ("AFSDB", 18),
    ("LOC", 29),
    ("NXT", 30),
    ("KX", 36),
    ("APL", 42),
    ("IPSECKEY", 45),
    ("DHCID", 49),
    ("ZONEMD", 63),
    ("SPF", 99),
    ("URI", 256),
    ("WALLET", 262),
];

/// What is wrong: the line, if it is one that is; what it says; why.
pub(super) type Fault = (Option<usize>, String, Wrong);

/// The bytes of the file.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, Wrong> {
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => wrong(
            "names a file that is not there",
            "put it there (the path is relative to the folder of the configuration), or name another",
        ),
        _ => wrong(format!("cannot be read: {error}"), "let this user read it, or name another"),
    };
    let mut text = Vec::new();
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(wrong("is no file", "name a zone file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(wrong(
            format!("is larger than {} MB", LARGEST >> 20),
            "write the record sets that matter into records = [ … ] instead",
        ));
    }
    Ok(text)
}

/// The record sets of the zone `apex` in its file `text`, without those that give way to the `inline` ones.
pub(super) fn read(
    text: &[u8],
    apex: &Name,
    inline: &[Arc<RecordSet>],
) -> Result<Vec<Arc<RecordSet>>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut reader = Reader {
        apex,
        origin: apex.clone(),
        owner: None,
        has_soa: false,
        sets: Vec::new(),
        index: HashMap::new(),
    };
    for entry in Entries::of(text) {
        let done = entry.map_err(|(line, wrong)| (line, String::new(), wrong)).and_then(|entry| {
            reader.take(&entry).map_err(|wrong| (entry.line, entry.text(), wrong))
        });
        faults.extend(done.err().map(|(line, value, wrong)| (Some(line), value, wrong)));
        if faults.len() == ENOUGH {
            return Err(faults);
        }
    }
    faults.extend(reader.beside_aliases());
    if !reader.has_soa && faults.is_empty() {
        let reason = format!("has no SOA of {}", apex.to_ascii());
        let next = "name the file of this zone, or correct the name of the [[zone]]";
        faults.push((None, String::new(), wrong(reason, next)));
    }
    if faults.is_empty() { Ok(reader.expected(inline)) } else { Err(faults) }
}

/// A record set, as far as it has been read.
struct Set {
    name: Name,
    rtype: RecordType,
    line: usize,
    /// `None`: of a type whose values are not compared.
    values: Option<Vec<RData>>,
}

struct Reader<'a> {
    apex: &'a Name,
    origin: Name,
    owner: Option<Name>,
    has_soa: bool,
    sets: Vec<Set>,
    /// Places in `sets`.
    index: HashMap<(Name, RecordType), usize>,
}

impl Reader<'_> {
    fn take(&mut self, entry: &Entry<'_>) -> Result<(), Wrong> {
        let mut words = entry.words.as_slice();
        if !entry.blank {
            let (first, rest) = (&words[0], &words[1..]);
            if first.raw.starts_with(b"$") && !first.quoted {
                return self.control(&first.text().to_ascii_uppercase(), rest);
            }
            self.owner = None; // what follows a name that cannot be read is not the one before's
            self.owner = Some(name::written(first, &self.origin)?.to_lowercase());
            words = rest;
        }
        let Some(owner) = self.owner.clone() else {
            let next = "begin the line with the name that it is about";
            return Err(wrong("begins with a blank, and no name is known that it is about", next));
        };
        self.record(entry.line, owner, words)
    }

    fn control(&mut self, word: &str, rest: &[Word<'_>]) -> Result<(), Wrong> {
        match (word, rest) {
            ("$TTL", [_]) => Ok(()), // no question is about TTLs
            ("$ORIGIN", [origin]) => {
                self.origin = name::written(origin, &self.origin)?;
                Ok(())
            }
            ("$INCLUDE" | "$GENERATE", _) => Err(wrong(
                "is not followed: a zone file must be whole",
                "name the file that BIND makes of it: named-compilezone -o WHOLE ZONE FILE",
            )),
            _ => Err(wrong(
                "is no control entry with its value",
                "write $ORIGIN and a name or $TTL and a time, or take it out",
            )),
        }
    }

    /// `[TTL] [class] type values`, the first two in any order.
    fn record(&mut self, line: usize, owner: Name, words: &[Word<'_>]) -> Result<(), Wrong> {
        let lead = words.iter().take(2).take_while(|word| {
            word.raw.first().is_some_and(u8::is_ascii_digit) || class(&word.text()).is_some()
        });
        let lead = lead.count();
        if words[..lead].iter().any(|word| class(&word.text()).is_some_and(|c| c != DNSClass::IN)) {
            return Err(wrong("is not in the class IN", "take it out, or write IN"));
        }
        let Some((rtype, values)) = words[lead..].split_first() else {
            return Err(wrong("has no type", "write one, such as A, and its values"));
        };
        let rtype = record_type(&rtype.text().to_ascii_uppercase()).ok_or_else(|| {
            wrong(
                format!("has {:?} for its type", rtype.text()),
                "write a type that there is, or TYPE and its number (RFC 3597)",
            )
        })?;
        if !self.apex.zone_of(&owner) || of_signers(rtype) {
            return Ok(());
        }
        if rtype == RecordType::SOA {
            self.has_soa |= owner == *self.apex;
            return Ok(()); // it is asked for in any case
        }
        let value = value(rtype, values, &self.origin)?;
        let next = self.sets.len();
        let index = *self.index.entry((owner.clone(), rtype)).or_insert(next);
        if index == next {
            self.sets.push(Set { name: owner, rtype, line, values: Some(Vec::new()) });
        }
        match (&mut self.sets[index].values, value) {
            (Some(values), Some(value)) if values.contains(&value) => {} // a server keeps one of them
            (Some(values), Some(value)) => values.push(value),
            (values, _) => *values = None,
        }
        Ok(())
    }

    /// What stands where a CNAME is (RFC 1034, section 3.6.2).
    fn beside_aliases(&self) -> Vec<Fault> {
        let beside = |set: &Set| {
            let alias = self.index.get(&(set.name.clone(), RecordType::CNAME))?;
            let alias = &self.sets[*alias];
            let several = alias.values.as_ref().is_some_and(|values| values.len() > 1);
            if set.rtype == RecordType::CNAME && !several {
                return None;
            }
            let value = format!("{} {}", set.name.to_ascii(), type_text(set.rtype));
            let reason = match set.rtype {
                RecordType::CNAME => "has several values, and a name has one CNAME".to_owned(),
                _ => format!("stands beside the CNAME on line {}, which stands alone", alias.line),
            };
            Some((Some(set.line), value, wrong(reason, "keep the one that the zone should have")))
        };
        self.sets.iter().filter_map(beside).take(ENOUGH).collect()
    }

    fn expected(self, inline: &[Arc<RecordSet>]) -> Vec<Arc<RecordSet>> {
        let mut wins: HashMap<&Name, Vec<RecordType>> = HashMap::new();
        for set in inline {
            wins.entry(&set.name).or_default().push(set.rtype);
        }
        let gives_way = |name: &Name, rtype| {
            let alias = |other: &RecordType| [*other, rtype].contains(&RecordType::CNAME);
            let here = wins.get(name).into_iter().flatten();
            here.into_iter().any(|other| *other == rtype || alias(other))
        };
        let expected =
            self.sets.iter().filter(|set| !self.is_hidden(&set.name)).filter_map(|set| {
                let Set { rtype, .. } = *set;
                let name = if set.name.is_wildcard() {
                    self.matched(&set.name, inline)?
                } else {
                    set.name.clone()
                };
                let expected = set.values.clone().map_or(Expected::Some, Expected::Records);
                (!gives_way(&name, rtype)).then(|| Arc::new(RecordSet { name, rtype, expected }))
            });
        expected.collect()
    }

    /// Delegated, below that, or below a DNAME.
    fn is_hidden(&self, name: &Name) -> bool {
        let has = |name: &Name, rtype| self.index.contains_key(&(name.clone(), rtype));
        let mut at = name.clone();
        while at != *self.apex {
            if has(&at, RecordType::NS) {
                return true;
            }
            at = at.base_name();
            if has(&at, RecordType::DNAME) {
                return true;
            }
        }
        false
    }

    /// A name that this wildcard matches, and nothing else does; unless it would be too long.
    fn matched(&self, wildcard: &Name, inline: &[Arc<RecordSet>]) -> Option<Name> {
        let names = || {
            let inline = inline.iter().map(|set| &set.name);
            self.sets.iter().map(|set| &set.name).chain(inline)
        };
        let name = |n: usize| wildcard.base_name().prepend_label(format!("pilotlight{n}")).ok();
        let free = |name: &Name| !names().any(|other| name.zone_of(other));
        // There are more of them than names.
        (0..=names().count()).filter_map(name).find(free)
    }
}

fn class(text: &str) -> Option<DNSClass> {
    let class = DNSClass::from_str(&text.to_ascii_uppercase()).ok();
    class.filter(|class| matches!(class, DNSClass::IN | DNSClass::CH | DNSClass::HS))
}

/// Its number may be all that is known of it (RFC 3597).
fn record_type(text: &str) -> Option<RecordType> {
    let numbered = || text.strip_prefix("TYPE")?.parse().ok();
    let listed = || MORE_TYPES.iter().find(|(word, _)| *word == text).map(|(_, number)| *number);
    let rtype = match listed().or_else(numbered) {
        Some(number) => RecordType::from(number),
        None => RecordType::from_str(text).ok()?,
    };
    use RecordType::{ANAME, ANY, AXFR, IXFR, OPT, TSIG};
    (!matches!(rtype, ANAME | ANY | AXFR | IXFR | OPT | TSIG)).then_some(rtype)
}

/// What a signer makes, and makes anew; and what belongs to a delegation.
fn of_signers(rtype: RecordType) -> bool {
    use RecordType::{CDNSKEY, CDS, DNSKEY, DS, KEY, NSEC, NSEC3, NSEC3PARAM, RRSIG, SIG, Unknown};
    const NXT: RecordType = Unknown(30);
    const ZONEMD: RecordType = Unknown(63);
    let old = matches!(rtype, KEY | SIG | NXT);
    old || matches!(rtype, RRSIG | NSEC | NSEC3 | NSEC3PARAM | DNSKEY | DS | CDS | CDNSKEY | ZONEMD)
}

/// The value in canonical form; `None` if it is of a type that is asked for and not compared.
fn value(rtype: RecordType, words: &[Word<'_>], origin: &Name) -> Result<Option<RData>, Wrong> {
    match rtype {
        _ if words.is_empty() => Err(wrong("has no value", "write one, or take the line out")),
        _ if words[0].raw == b"\\#" => Ok(None), // RFC 3597
        _ if TYPES.contains(&rtype) => {
            records::read(rtype, words, |word| name::written(word, origin)).map(Some)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
