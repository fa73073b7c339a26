//! The records of a zone as its file has them: what a server refuses to load, and what it answers with.
//!
//! Left out, because a server does not answer them from the file: delegations and names below them, and records
//! that DNSSEC signers make. A wildcard is queried by a name that only it matches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::absence::{made_up, nonterminals};
use super::problem::{Problem, Problems, Rejection, quoted, reject};
use super::records::{Expected, RecordSet, TYPES};
use super::registry::type_text;

/// The largest answer, 65,535 bytes, has no room for more: each takes 13 bytes at least.
const MOST_VALUES: usize = 5_000;

/// The sets of a larger zone would not fit into the memory limit of the service.
const MOST_SETS: usize = 50_000;

/// How the name of a query for a wildcard begins.
const MATCHED: &str = "pilotlight";

/// A record set, as far as it is read.
struct Set {
    name: Name,
    rtype: RecordType,
    line: usize,
    /// `None`: of a type whose values are not compared.
    values: Option<HashSet<RData>>,
    /// The values in the order of the file.
    ordered: Vec<RData>,
}

pub(super) struct ZoneData<'a> {
    apex: &'a Name,
    soa: Option<String>,
    sets: Vec<Set>,
    /// Places in `sets`.
    index: HashMap<(Name, RecordType), usize>,
}

impl<'a> ZoneData<'a> {
    pub(super) fn of(apex: &'a Name) -> Self {
        Self { apex, soa: None, sets: Vec::new(), index: HashMap::new() }
    }

    /// Adds a record; `value` is `None` if its type is not compared.
    pub(super) fn add(
        &mut self,
        line: usize,
        name: Name,
        rtype: RecordType,
        value: Option<RData>,
    ) -> Result<(), Rejection> {
        let next = self.sets.len();
        let index = *self.index.entry((name.clone(), rtype)).or_insert(next);
        if index == next {
            if next == MOST_SETS {
                return reject(
                    format!("is one record set more than {MOST_SETS}, the limit"),
                    "write the important record sets into records = [ … ] instead of using the file",
                );
            }
            let values = Some(HashSet::new());
            self.sets.push(Set { name, rtype, line, values, ordered: Vec::new() });
        }
        let set = &mut self.sets[index];
        match (&mut set.values, value) {
            (Some(values), Some(value)) => {
                if values.contains(&value) {
                    return Ok(()); // a server keeps one of them
                }
                if values.len() == MOST_VALUES {
                    return reject(
                        format!(
                            "is one record more than {MOST_VALUES} in a set: an answer cannot hold them"
                        ),
                        "remove records, or write the important record sets into records = [ … ]",
                    );
                }
                values.insert(value.clone());
                set.ordered.push(value);
            }
            (values, _) => *values = None,
        }
        Ok(())
    }

    /// Adds an SOA record, written as `text`.
    pub(super) fn add_soa(&mut self, name: &Name, text: String) -> Result<(), Rejection> {
        if name != self.apex {
            let next = "remove it, or make a [[zone]] of that name with a file of its own";
            return reject("is an SOA below the apex, which begins another zone", next);
        }
        match &self.soa {
            Some(soa) if *soa != text => {
                reject("is a second SOA, but a zone has one", "keep the one that the zone has")
            }
            _ => {
                self.soa = Some(text);
                Ok(())
            }
        }
    }

    /// What a server refuses about the zone as a whole.
    pub(super) fn problems(&self, file: &str) -> Problems {
        let mut problems = Problems::default();
        for set in &self.sets {
            let Some((reason, next)) = self.conflict(set) else { continue };
            problems.push(|| {
                let value = quoted(&format!("{} {}", set.name.to_ascii(), type_text(set.rtype)));
                Problem::new(file, Some(set.line), value, Rejection::new(reason, next))
            });
        }
        if self.soa.is_none() && problems.list.is_empty() {
            let reason = format!("has no SOA record of {}", self.apex.to_ascii());
            let next = "name the file of this zone, or correct the name of the [[zone]]";
            return Problem::new(file, None, String::new(), Rejection::new(reason, next)).into();
        }
        problems
    }

    /// Why this set cannot be beside the others of its name (RFC 1034, section 3.6.2; RFC 6672, section 2.4).
    fn conflict(&self, set: &Set) -> Option<(String, &'static str)> {
        const KEEP: &str = "keep the one that the zone should have";
        const SIGNED: [u16; 6] = [24, 25, 30, 46, 47, 50]; // SIG, KEY, NXT, RRSIG, NSEC, NSEC3
        let has =
            |rtype| self.index.get(&(set.name.clone(), rtype)).map(|place| &self.sets[*place]);
        let several = set.ordered.len() > 1;
        match set.rtype {
            RecordType::CNAME | RecordType::DNAME if several => {
                let one = type_text(set.rtype);
                Some((format!("has several values, but a name has one {one}"), KEEP))
            }
            RecordType::CNAME if set.name == *self.apex => Some((
                "is a CNAME at the apex, but a CNAME cannot be beside SOA and NS".to_owned(),
                "write the A and AAAA records that the apex answers with",
            )),
            RecordType::CNAME => None,
            rtype if SIGNED.contains(&rtype.into()) || set.name == *self.apex => None,
            _ => {
                let line = has(RecordType::CNAME)?.line;
                Some((format!("is beside the CNAME on line {line}, which must be alone"), KEEP))
            }
        }
    }

    /// The record sets to expect. The configuration's own, `inline`, have precedence; `cuts` are the names of
    /// other zones, which are not answered from this file.
    pub(super) fn expected(
        self,
        inline: &[Arc<RecordSet>],
        cuts: &HashSet<Name>,
    ) -> Vec<Arc<RecordSet>> {
        let mut own: HashMap<&Name, Vec<RecordType>> = HashMap::new();
        for set in inline {
            own.entry(&set.name).or_default().push(set.rtype);
        }
        let is_overridden = |name: &Name, rtype| {
            let alias = |other: &RecordType| [*other, rtype].contains(&RecordType::CNAME);
            own.get(name).into_iter().flatten().any(|other| *other == rtype || alias(other))
        };
        let taken = self.taken(inline);
        let mut matched: HashMap<&Name, Option<Name>> = HashMap::new();
        let mut expected = Vec::new();
        for set in &self.sets {
            if is_made_by_signers(set.rtype) || self.is_delegated(&set.name, cuts) {
                continue;
            }
            let name = match set.name.is_wildcard() {
                true => {
                    matched.entry(&set.name).or_insert_with(|| free_name(&set.name, &taken)).clone()
                }
                false => Some(set.name.clone()),
            };
            let name = name.filter(|name| !is_overridden(name, set.rtype));
            let compared = set.values.as_ref().filter(|_| TYPES.contains(&set.rtype));
            let values = compared.map(|_| set.ordered.clone());
            let values = values.map_or(Expected::Some, Expected::Records);
            expected.extend(
                name.map(|name| Arc::new(RecordSet { name, rtype: set.rtype, expected: values })),
            );
        }
        expected
    }

    /// A name that no record and no wildcard covers, and the names without records above the others. A file shows
    /// delegations too, below which nothing is known.
    pub(super) fn absent(
        &self,
        inline: &[Arc<RecordSet>],
        cuts: &HashSet<Name>,
    ) -> Vec<Arc<RecordSet>> {
        let own = self.sets.iter().filter(|set| !is_made_by_signers(set.rtype));
        let names = own.map(|set| &set.name).chain(inline.iter().map(|set| &set.name));
        let mut absent = nonterminals(self.apex, names.clone());
        absent.retain(|set| !self.is_delegated(&set.name, cuts));
        let wildcard = self.apex.prepend_label("*").ok();
        let uncovered = wildcard.filter(|wildcard| {
            let dname = self.index.contains_key(&(self.apex.clone(), RecordType::DNAME));
            !dname && names.clone().all(|name| name != wildcard)
        });
        let mut taken = self.taken(inline);
        taken.extend(cuts.iter().cloned());
        absent.extend(uncovered.and_then(|name| free_name(&name, &taken)).map(made_up));
        absent
    }

    /// At or below a delegation or another zone, or below a DNAME.
    fn is_delegated(&self, name: &Name, cuts: &HashSet<Name>) -> bool {
        let has = |name: &Name, rtype| self.index.contains_key(&(name.clone(), rtype));
        let mut at = name.clone();
        while at != *self.apex {
            if has(&at, RecordType::NS) || cuts.contains(&at) {
                return true;
            }
            at = at.base_name();
            if has(&at, RecordType::DNAME) {
                return true;
            }
        }
        false
    }

    /// The names that exist, with those above them, as far as the name of a query for a wildcard may be one.
    fn taken(&self, inline: &[Arc<RecordSet>]) -> HashSet<Name> {
        let names = self.sets.iter().map(|set| &set.name).chain(inline.iter().map(|set| &set.name));
        let mut taken = HashSet::new();
        for name in names {
            let mut at = name.clone();
            while at != *self.apex {
                let start = at.iter().next().and_then(|label| label.get(..MATCHED.len()));
                if start.is_some_and(|start| start.eq_ignore_ascii_case(MATCHED.as_bytes())) {
                    taken.insert(at.clone());
                }
                at = at.base_name();
            }
        }
        taken
    }
}

/// A name that only this wildcard matches; `None`: it would be too long.
fn free_name(wildcard: &Name, taken: &HashSet<Name>) -> Option<Name> {
    let name = |n: usize| wildcard.base_name().prepend_label(format!("{MATCHED}{n}")).ok();
    // More candidates than names: one is free.
    (0..=taken.len()).map_while(name).find(|name| !taken.contains(name))
}

/// DNSSEC types that signers make again, and DS, which belongs to a delegation. BIND writes TYPE65534 while it
/// signs.
fn is_made_by_signers(rtype: RecordType) -> bool {
    use RecordType::{CDNSKEY, CDS, DNSKEY, DS, KEY, NSEC, NSEC3, NSEC3PARAM, RRSIG, SIG, Unknown};
    const NXT: RecordType = Unknown(30);
    const ZONEMD: RecordType = Unknown(63);
    const SIGNING: RecordType = Unknown(65534);
    let old = matches!(rtype, KEY | SIG | NXT);
    let new =
        matches!(rtype, RRSIG | NSEC | NSEC3 | NSEC3PARAM | DNSKEY | DS | CDS | CDNSKEY | ZONEMD);
    old || new || rtype == SIGNING
}
