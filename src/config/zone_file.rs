//! Zone files: each record set that the servers of the zone answer for becomes an expected one.
//!
//! What neither BIND nor NSD loads is rejected with its line. Records of names outside the zone are left out.

use std::collections::HashSet;
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RecordType};

use super::lexer::{Entries, Entry, Token};
use super::name;
use super::problem::{Problem, Problems, Rejection, quoted, reject};
use super::rdata::{self, seconds};
use super::records::RecordSet;
use super::registry::record_type;
use super::zone_data::ZoneData;

/// Beginnings of files that are no text.
const NOT_TEXT: [(&[u8], &str, &str); 6] = [
    (b"\0\0\0\x02", "is a raw file of BIND", RAW),
    (b"\0\0\0\x03", "is a map file of BIND", RAW),
    (b";BIND LOG", "is a journal of BIND", "name the zone file beside it"),
    (b"\xff\xfe", "is UTF-16 text", "save the file as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text", "save the file as UTF-8"),
    (b"\x1f\x8b", "is a gzip file", "unpack it with gunzip"),
];
const RAW: &str = "write it as text: named-compilezone -f raw -F text -o TEXT ZONE FILE";

/// Words in the place of a type that are no type on the wire, with what to do.
const NOT_ON_THE_WIRE: [(&str, &str); 7] = [
    ("ANAME", ANSWERED),
    ("ALIAS", ANSWERED),
    ("LUA", ANSWERED),
    ("FLATTEN", ANSWERED),
    ("WINS", WINDOWS),
    ("WINSR", WINDOWS),
    ("WINS-R", WINDOWS),
];
const ANSWERED: &str =
    "remove it, and write the A and AAAA records that the servers answer with into records = [ … ]";
const WINDOWS: &str = "remove it: only Windows uses it, to look up names elsewhere";

type Sets = Vec<Arc<RecordSet>>;

/// The expected record sets of the zone `apex`, from the `text` of its file, and what must not exist. The configuration's own record
/// sets, `inline`, have precedence; `cuts` are the names of its other zones.
pub(super) fn read(
    file: &str,
    text: &[u8],
    apex: &Name,
    inline: &[Arc<RecordSet>],
    cuts: &HashSet<Name>,
) -> Result<(Sets, Sets), Problems> {
    if let Some((_, reason, next)) = NOT_TEXT.iter().find(|(start, ..)| text.starts_with(start)) {
        let why = Rejection::new(*reason, *next);
        return Err(Problem::new(file, None, String::new(), why).into());
    }
    let mut problems = Problems::default();
    let data = ZoneData::of(apex);
    let mut reader = Reader { apex, origin: apex.clone(), owner: None, data };
    for entry in Entries::of(text) {
        match entry {
            Err((line, why)) => {
                problems.push(|| Problem::new(file, Some(line), String::new(), why));
            }
            Ok(entry) => {
                if let Err(why) = reader.entry(&entry) {
                    problems.push(|| {
                        let (value, why) = (quoted(&entry.text()), commented(&entry, why));
                        Problem::new(file, Some(entry.line), value, why)
                    });
                }
            }
        }
    }
    if problems.list.is_empty() {
        problems = reader.data.problems(file);
    }
    if !problems.list.is_empty() {
        return Err(problems);
    }
    let absent = reader.data.absent(inline, cuts);
    Ok((reader.data.expected(inline, cuts), absent))
}

/// A line that is wrong because another language's comment begins it.
fn commented(entry: &Entry<'_>, why: Rejection) -> Rejection {
    let first = entry.tokens[0].raw;
    let mark = ["#", "//"].into_iter().find(|mark| first.starts_with(mark.as_bytes()));
    mark.filter(|_| !entry.blank).map_or(why, |mark| {
        Rejection::new(
            format!("begins with {mark}, which is not a comment in a zone file"),
            "begin the comment with ;",
        )
    })
}

struct Reader<'a> {
    apex: &'a Name,
    origin: Name,
    owner: Option<Name>,
    data: ZoneData<'a>,
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
            ("$TTL", [time]) => ttl(time), // TTLs are not compared
            ("$DATE", [_]) => Ok(()),      // BIND writes it
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
        let rest = after_ttl_and_class(tokens)?;
        let Some((word, values)) = rest.split_first() else {
            return reject("has no type", "write one, such as A, and its values");
        };
        let rtype = known_type(&word.text())?;
        if !self.apex.zone_of(&owner) {
            return Ok(());
        }
        let value = rdata::value(rtype, values, &self.origin)?;
        if rtype == RecordType::SOA {
            let words: Vec<_> = values.iter().map(Token::text).collect();
            return self.data.add_soa(&owner, words.join(" "));
        }
        self.data.add(line, owner, rtype, value)
    }
}

fn ttl(token: &Token<'_>) -> Result<(), Rejection> {
    match seconds(&token.text()) {
        Some(_) => Ok(()),
        None => reject(
            format!("has {:?} as its TTL", token.text()),
            "write seconds up to 4294967295, or numbers that each have a unit, such as 3h30m",
        ),
    }
}

/// The tokens after a TTL and a class, each at most once.
fn after_ttl_and_class<'a, 't>(mut tokens: &'a [Token<'t>]) -> Result<&'a [Token<'t>], Rejection> {
    let (mut has_ttl, mut has_class) = (false, false);
    while let Some((first, rest)) = tokens.split_first() {
        let text = first.text().to_ascii_uppercase();
        if text.starts_with("[AGE:") {
            return reject(
                format!("has the time stamp {text} of Windows DNS"),
                "remove it, or export the zone with Export-DnsServerZone and remove it there",
            );
        }
        let twice = match text.as_str() {
            "IN" => std::mem::replace(&mut has_class, true).then_some("class"),
            "CH" | "HS" | "CS" => {
                return reject("is not in the class IN", "remove it, or write IN");
            }
            other if class(other).is_some_and(|class| class == 1) => {
                std::mem::replace(&mut has_class, true).then_some("class")
            }
            other if other.starts_with("CLASS") => {
                return reject("is not in the class IN", "remove it, or write IN");
            }
            other if other.starts_with(|c: char| c.is_ascii_digit()) => {
                ttl(first)?;
                std::mem::replace(&mut has_ttl, true).then_some("TTL")
            }
            _ => break,
        };
        if let Some(what) = twice {
            return reject(format!("has a {what} twice"), "remove one of the two");
        }
        tokens = rest;
    }
    Ok(tokens)
}

/// The number of a class (RFC 3597).
fn class(text: &str) -> Option<u16> {
    text.strip_prefix("CLASS")?.parse().ok()
}

fn known_type(word: &str) -> Result<RecordType, Rejection> {
    let upper = word.to_ascii_uppercase();
    if let Some((name, next)) = NOT_ON_THE_WIRE.iter().find(|(name, _)| *name == upper) {
        return reject(format!("has the type {name}, and no answer holds it"), *next);
    }
    record_type(word).ok_or_else(|| {
        let next = "write a type of the IANA registry, or TYPE and its number (RFC 3597)";
        Rejection::new(format!("has {word:?} as its type"), next)
    })
}

#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod tests;
