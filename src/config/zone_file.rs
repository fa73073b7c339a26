//! Zone files: each record set that the servers of the zone answer for becomes an expected one.
//!
//! Left out, because a server does not answer them from the file: delegations and names below them, records
//! that DNSSEC signers make, and names outside the zone. A wildcard is queried by a name that only it matches.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{DNSClass, Name, RData, RecordType};

use super::lexer::{Entries, Entry, Token};
use super::name;
use super::problem::{Problem, Rejection, quoted, reject};
use super::records::{self, Expected, RecordSet, TYPES, type_text};

/// A file with so many problems is no zone file, or has one problem in many places.
const MOST_PROBLEMS: usize = 20;

/// Types that hickory has no name for (the IANA registry of resource record types).
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

/// The expected record sets of the zone `apex`, from the `text` of its file. The configuration's own record
/// sets, `inline`, have precedence.
pub(super) fn read(
    file: &str,
    text: &[u8],
    apex: &Name,
    inline: &[Arc<RecordSet>],
) -> Result<Vec<Arc<RecordSet>>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut reader = Reader {
        apex,
        origin: apex.clone(),
        owner: None,
        has_soa: false,
        sets: Vec::new(),
        index: HashMap::new(),
    };
    for entry in Entries::of(text) {
        let (line, value, why) = match entry {
            Err((line, why)) => (line, String::new(), why),
            Ok(entry) => match reader.entry(&entry) {
                Err(why) => (entry.line, quoted(&entry.text()), why),
                Ok(()) => continue,
            },
        };
        problems.push(Problem::new(file, Some(line), value, why));
        if problems.len() == MOST_PROBLEMS {
            return Err(problems);
        }
    }
    problems.extend(reader.alias_problems(file).take(MOST_PROBLEMS));
    if !reader.has_soa && problems.is_empty() {
        let reason = format!("has no SOA record of {}", apex.to_ascii());
        let next = "name the file of this zone, or correct the name of the [[zone]]";
        problems.push(Problem::new(file, None, String::new(), Rejection::new(reason, next)));
    }
    if problems.is_empty() { Ok(reader.expected(inline)) } else { Err(problems) }
}

/// A record set, as far as it is read.
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
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Rejection> {
        let mut tokens = entry.tokens.as_slice();
        if !entry.blank {
            let (first, rest) = (&tokens[0], &tokens[1..]);
            if first.raw.starts_with(b"$") && !first.quoted {
                return self.control(&first.text().to_ascii_uppercase(), rest);
            }
            self.owner = None; // a name that cannot be read is not that of the entry before
            self.owner = Some(name::from_zone_file(first, &self.origin)?.to_lowercase());
            tokens = rest;
        }
        match self.owner.clone() {
            Some(owner) => self.record(entry.line, owner, tokens),
            None => reject(
                "begins with a blank, and no line before it has a name",
                "begin the line with the name of the record",
            ),
        }
    }

    fn control(&mut self, word: &str, rest: &[Token<'_>]) -> Result<(), Rejection> {
        match (word, rest) {
            ("$TTL", [_]) => Ok(()), // TTLs are not compared
            ("$ORIGIN", [origin]) => {
                self.origin = name::from_zone_file(origin, &self.origin)?;
                Ok(())
            }
            ("$INCLUDE" | "$GENERATE", _) => reject(
                "is not supported: a zone file must be complete",
                "name the file that BIND makes of it: named-compilezone -o COMPLETE ZONE FILE",
            ),
            _ => reject(
                "is not a control entry with its value",
                "write $ORIGIN and a name or $TTL and a time, or remove it",
            ),
        }
    }

    /// `[TTL] [class] type values`, the first two in any order.
    fn record(&mut self, line: usize, owner: Name, tokens: &[Token<'_>]) -> Result<(), Rejection> {
        let is_ttl = |token: &Token<'_>| token.raw.first().is_some_and(u8::is_ascii_digit);
        let leading = tokens.iter().take(2);
        let leading = leading.take_while(|token| is_ttl(token) || class(token).is_some()).count();
        let (leading, rest) = tokens.split_at(leading);
        if leading.iter().filter_map(class).any(|class| class != DNSClass::IN) {
            return reject("is not in the class IN", "remove it, or write IN");
        }
        let Some((rtype, values)) = rest.split_first() else {
            return reject("has no type", "write one, such as A, and its values");
        };
        let Some(rtype) = record_type(&rtype.text().to_ascii_uppercase()) else {
            let next = "write a known type, or TYPE and its number (RFC 3597)";
            return reject(format!("has {:?} as its type", rtype.text()), next);
        };
        if !self.apex.zone_of(&owner) || is_made_by_signers(rtype) {
            return Ok(());
        }
        if rtype == RecordType::SOA {
            self.has_soa |= owner == *self.apex;
            return Ok(()); // it is queried in any case
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

    /// Record sets beside a CNAME (RFC 1034, section 3.6.2).
    fn alias_problems(&self, file: &str) -> impl Iterator<Item = Problem> {
        self.sets.iter().filter_map(move |set| {
            let alias = self.index.get(&(set.name.clone(), RecordType::CNAME))?;
            let alias = &self.sets[*alias];
            let several = alias.values.as_ref().is_some_and(|values| values.len() > 1);
            let reason = match set.rtype {
                RecordType::CNAME if several => {
                    "has several values, but a name has one CNAME".to_owned()
                }
                RecordType::CNAME => return None,
                _ => format!("is beside the CNAME on line {}, which must be alone", alias.line),
            };
            let value = quoted(&format!("{} {}", set.name.to_ascii(), type_text(set.rtype)));
            let why = Rejection::new(reason, "keep the one that the zone should have");
            Some(Problem::new(file, Some(set.line), value, why))
        })
    }

    fn expected(self, inline: &[Arc<RecordSet>]) -> Vec<Arc<RecordSet>> {
        let mut own: HashMap<&Name, Vec<RecordType>> = HashMap::new();
        for set in inline {
            own.entry(&set.name).or_default().push(set.rtype);
        }
        let is_overridden = |name: &Name, rtype| {
            let alias = |other: &RecordType| [*other, rtype].contains(&RecordType::CNAME);
            own.get(name).into_iter().flatten().any(|other| *other == rtype || alias(other))
        };
        let expected = |set: &Set| {
            let wildcard = set.name.is_wildcard();
            let name = if wildcard { self.matched(&set.name, inline)? } else { set.name.clone() };
            let expected = set.values.clone().map_or(Expected::Some, Expected::Records);
            let keep = !is_overridden(&name, set.rtype);
            keep.then(|| Arc::new(RecordSet { name, rtype: set.rtype, expected }))
        };
        let answered = self.sets.iter().filter(|set| !self.is_delegated(&set.name));
        answered.filter_map(expected).collect()
    }

    /// At or below a delegation, or below a DNAME.
    fn is_delegated(&self, name: &Name) -> bool {
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

    /// A name that only this wildcard matches; `None`: it would be too long.
    fn matched(&self, wildcard: &Name, inline: &[Arc<RecordSet>]) -> Option<Name> {
        let names = || {
            let inline = inline.iter().map(|set| &set.name);
            self.sets.iter().map(|set| &set.name).chain(inline)
        };
        let name = |n: usize| wildcard.base_name().prepend_label(format!("pilotlight{n}")).ok();
        let free = |name: &Name| !names().any(|other| name.zone_of(other));
        // More candidates than names: one is free.
        (0..=names().count()).filter_map(name).find(free)
    }
}

fn class(token: &Token<'_>) -> Option<DNSClass> {
    let class = DNSClass::from_str(&token.text().to_ascii_uppercase()).ok();
    class.filter(|class| matches!(class, DNSClass::IN | DNSClass::CH | DNSClass::HS))
}

/// By name or by number (RFC 3597); `None` for types that no zone holds, too.
fn record_type(text: &str) -> Option<RecordType> {
    use RecordType::{ANAME, ANY, AXFR, IXFR, OPT, TSIG};
    let numbered = || text.strip_prefix("TYPE")?.parse().ok();
    let listed = || MORE_TYPES.iter().find(|(word, _)| *word == text).map(|(_, number)| *number);
    let rtype = match listed().or_else(numbered) {
        Some(number) => RecordType::from(number),
        None => RecordType::from_str(text).ok()?,
    };
    (!matches!(rtype, ANAME | ANY | AXFR | IXFR | OPT | TSIG)).then_some(rtype)
}

/// DNSSEC types that signers make again, and DS, which belongs to a delegation.
fn is_made_by_signers(rtype: RecordType) -> bool {
    use RecordType::{CDNSKEY, CDS, DNSKEY, DS, KEY, NSEC, NSEC3, NSEC3PARAM, RRSIG, SIG, Unknown};
    const NXT: RecordType = Unknown(30);
    const ZONEMD: RecordType = Unknown(63);
    let old = matches!(rtype, KEY | SIG | NXT);
    old || matches!(rtype, RRSIG | NSEC | NSEC3 | NSEC3PARAM | DNSKEY | DS | CDS | CDNSKEY | ZONEMD)
}

/// A value in canonical form; `None`: its type is queried but not compared.
fn value(
    rtype: RecordType,
    tokens: &[Token<'_>],
    origin: &Name,
) -> Result<Option<RData>, Rejection> {
    let Some(first) = tokens.first() else {
        return reject("has no value", "write one, or remove the line");
    };
    if first.raw == b"\\#" || !TYPES.contains(&rtype) {
        return Ok(None); // \# is the form of RFC 3597
    }
    records::read(rtype, tokens, |token| name::from_zone_file(token, origin)).map(Some)
}

#[cfg(test)]
mod tests;
