//! Record sets, and record values between their text in a zone file and the form in which they are compared.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, SSHFP, TLSA, TXT};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::lexer::{self, Token};
use super::name;
use super::problem::{Rejection, reject};

/// The types of [`read`], and SOA.
pub(super) const TYPES: [RecordType; 12] = {
    use RecordType::{A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV, SSHFP, TLSA, TXT};
    [A, AAAA, CNAME, MX, NS, TXT, SRV, CAA, PTR, TLSA, SSHFP, SOA]
};

/// A record set (RRset) that a zone must have, exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordSet {
    /// The owner, absolute, at or below the apex.
    pub name: Name,
    pub rtype: RecordType,
    pub expected: Expected,
}

/// The expected content of a record set.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Exactly these, in any order and in [`canonical`] form; never empty.
    Records(Vec<RData>),
    /// Any records of that type.
    Some,
    /// No record of that type. The name need not exist.
    Nothing,
    /// No record of that type, at a name that exists: NXDOMAIN is wrong.
    NoData,
    /// The name exists, with records of that type or without.
    Exists,
}

impl Expected {
    /// Records of that type must not be there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing | Self::NoData)
    }
}

/// Whether a configuration or a zone file may list values of this type. Of other types some record is enough.
#[must_use]
pub fn is_compared(rtype: RecordType) -> bool {
    TYPES.contains(&rtype)
}

/// The form in which record data is compared: the strings of a TXT record joined into one (servers may split
/// a long text anywhere), the tag of a CAA record in lower case (RFC 8659, section 4.1). Names compare
/// without case anyhow.
#[must_use]
pub fn canonical(rdata: &RData) -> RData {
    match rdata {
        RData::TXT(txt) => text(&txt.txt_data.concat()),
        RData::CAA(caa) => {
            let mut caa = caa.clone();
            caa.tag.make_ascii_lowercase();
            RData::CAA(caa)
        }
        other => other.clone(),
    }
}

/// A value of the configuration, in zone-file syntax; names are relative to `apex`.
///
/// A TXT value that does not begin with a quote is the text itself.
pub(super) fn parse(rtype: RecordType, value: &str, apex: &Name) -> Result<RData, Rejection> {
    if let Some(control) = value.chars().find(|c| c.is_control()) {
        return reject(
            format!("has the control character {control:?}"),
            "write one line; in a quoted string \\DDD stands for any byte, such as \\009 for a tab",
        );
    }
    if value.trim().is_empty() {
        return reject("is empty", format!("write a value, such as {}", example(rtype)));
    }
    if rtype == RecordType::TXT && !value.starts_with('"') {
        return Ok(text(value.as_bytes()));
    }
    read(rtype, &tokens(value)?, |host| name::host_within(&host.text(), apex))
}

/// A value in canonical form; `name` reads the tokens that are names.
pub(super) fn read(
    rtype: RecordType,
    tokens: &[Token<'_>],
    name: impl Fn(&Token<'_>) -> Result<Name, Rejection>,
) -> Result<RData, Rejection> {
    let u16 = |token, what| number(token, what, u16::MAX);
    let u8 = |token, what| number(token, what, u8::MAX);
    Ok(match (rtype, tokens) {
        (RecordType::TXT, [_, ..]) => {
            let strings: Result<Vec<_>, _> = tokens.iter().map(Token::bytes).collect();
            text(&strings?.concat())
        }
        (RecordType::A, [address]) => match address.text().parse::<Ipv4Addr>() {
            Ok(address) => RData::A(A(address)),
            Err(_) => {
                let next = "write four numbers from 0 to 255, such as 192.0.2.80";
                return reject("is not an IPv4 address", next);
            }
        },
        (RecordType::AAAA, [address]) => match address.text().parse::<Ipv6Addr>() {
            Ok(address) => RData::AAAA(AAAA(address)),
            Err(_) => {
                let next = "write an IPv6 address, such as 2001:db8::80";
                return reject("is not an IPv6 address", next);
            }
        },
        (RecordType::CNAME, [host]) => RData::CNAME(CNAME(name(host)?)),
        (RecordType::NS, [host]) => RData::NS(NS(name(host)?)),
        (RecordType::PTR, [host]) => RData::PTR(PTR(name(host)?)),
        (RecordType::MX, [preference, host]) => {
            RData::MX(MX::new(u16(preference, "preference")?, name(host)?))
        }
        (RecordType::SRV, [priority, weight, port, host]) => {
            let (priority, weight) = (u16(priority, "priority")?, u16(weight, "weight")?);
            RData::SRV(SRV::new(priority, weight, u16(port, "port")?, name(host)?))
        }
        (RecordType::CAA, [flags, tag, value]) => RData::CAA(caa(u8(flags, "flags")?, tag, value)?),
        (RecordType::TLSA, [usage, selector, matching, hex @ ..]) if !hex.is_empty() => {
            let usage = u8(usage, "certificate usage")?.into();
            let selector = u8(selector, "selector")?.into();
            let matching = u8(matching, "matching type")?.into();
            RData::TLSA(TLSA::new(usage, selector, matching, bytes(hex)?))
        }
        (RecordType::SSHFP, [algorithm, kind, hex @ ..]) if !hex.is_empty() => {
            let algorithm = u8(algorithm, "algorithm")?.into();
            let kind = u8(kind, "fingerprint type")?.into();
            RData::SSHFP(SSHFP::new(algorithm, kind, bytes(hex)?))
        }
        _ => {
            let next = format!("write it as in a zone file, such as {}", example(rtype));
            return reject(format!("is not a value of the type {rtype}"), next);
        }
    })
}

fn caa(flags: u8, tag: &Token<'_>, value: &Token<'_>) -> Result<CAA, Rejection> {
    let tag = tag.text();
    if tag.is_empty() || !tag.chars().all(|c| c.is_ascii_alphanumeric()) {
        return reject(
            format!("has {tag:?} as its tag"),
            "write a tag of letters and digits, such as issue, issuewild or iodef",
        );
    }
    // No constructor takes all four, but the fields are public.
    let mut caa = CAA::new_issue(flags & 0x80 != 0, None, Vec::new());
    caa.reserved_flags = flags & 0x7f;
    caa.tag = tag.to_ascii_lowercase();
    caa.value = value.bytes()?;
    Ok(caa)
}

/// A value of that type.
pub(super) fn example(rtype: RecordType) -> &'static str {
    match rtype {
        RecordType::A => "192.0.2.80",
        RecordType::AAAA => "2001:db8::80",
        RecordType::MX => "10 mail.example.net.",
        RecordType::SRV => "0 5 5060 sip.example.net.",
        RecordType::CAA => "0 issue \"ca.example.org\"",
        RecordType::TXT => "v=spf1 -all",
        RecordType::TLSA => "3 1 1 0d6fce3c",
        RecordType::SSHFP => "4 2 0d6fce3c",
        _ => "host.example.net.",
    }
}

fn text(bytes: &[u8]) -> RData {
    RData::TXT(TXT::from_bytes(vec![bytes]))
}

fn number<T: TryFrom<u16> + Into<u16>>(
    token: &Token<'_>,
    what: &str,
    max: T,
) -> Result<T, Rejection> {
    let text = token.text();
    let number = text.parse().ok().and_then(|n: u16| T::try_from(n).ok());
    let next = || format!("write a number from 0 to {}", max.into());
    number.ok_or_else(|| Rejection::new(format!("has {text:?} as its {what}"), next()))
}

/// Hexadecimal digits, in any number of tokens.
pub(super) fn bytes(tokens: &[Token<'_>]) -> Result<Vec<u8>, Rejection> {
    let text: String = tokens.iter().map(Token::text).collect();
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let next = "write two of 0-9 and a-f for each byte";
        return reject(format!("has {text:?} as its hexadecimal bytes"), next);
    }
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).ok();
    Ok((0..text.len()).step_by(2).filter_map(byte).collect())
}

/// The tokens of a value of the configuration; characters with a meaning in zone files must be in quotes.
fn tokens(value: &str) -> Result<Vec<Token<'_>>, Rejection> {
    let mut tokens = Vec::new();
    let mut rest = value.as_bytes().trim_ascii_start();
    while !rest.is_empty() {
        let (token, after) = lexer::token(rest)?;
        let raw = if token.raw.is_empty() { &rest[..1] } else { token.raw };
        let special = raw.iter().find(|byte| matches!(byte, b';' | b'(' | b')' | b'\\'));
        if let Some(special) = special.filter(|_| !token.quoted) {
            let special = char::from(*special);
            return reject(
                format!("has a {special:?} outside quotes, where it has a meaning in zone files"),
                "put that word in double quotes, or remove the character",
            );
        }
        tokens.push(token);
        rest = after.trim_ascii_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::op::Message;
    use hickory_resolver::proto::rr::Record;
    use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};

    use super::*;

    fn apex() -> Name {
        name::absolute("example.net").unwrap()
    }

    fn read(rtype: RecordType, value: &str) -> RData {
        parse(rtype, value, &apex()).unwrap()
    }

    /// What a client sees of `rdata` when a server sends it.
    fn over_the_wire(rdata: RData) -> RData {
        let mut message = Message::query();
        message.answers.push(Record::from_rdata(apex(), 300, rdata));
        let bytes = message.to_bytes().unwrap();
        Message::from_bytes(&bytes).unwrap().answers[0].data.clone()
    }

    #[test]
    fn every_type_equals_itself_as_a_server_sends_it() {
        let values = [
            (RecordType::A, "192.0.2.80"),
            (RecordType::AAAA, "2001:DB8:0::80"),
            (RecordType::CNAME, "www"),
            (RecordType::NS, "ns1.example.net."),
            (RecordType::PTR, "www"),
            (RecordType::MX, "10  mail"),
            (RecordType::MX, "0 ."),
            (RecordType::TXT, "v=spf1 -all"),
            (RecordType::SRV, "0 5 5060 sip"),
            (RecordType::CAA, "128 issue \"ca.example.org; policy=ev\""),
            (RecordType::CAA, "0 issue \";\""),
            (RecordType::TLSA, "3 1 1 0d6F CE3c"),
            (RecordType::SSHFP, "4 2 0d6fce3c"),
        ];
        for (rtype, value) in values {
            let expected = read(rtype, value);
            assert_eq!(expected.record_type(), rtype);
            let seen = canonical(&over_the_wire(expected.clone()));
            assert_eq!(seen, expected, "{rtype} {value}");
        }
    }

    #[test]
    fn names_in_values_compare_without_case() {
        let seen = over_the_wire(read(RecordType::MX, "10 MAIL.Example.NET."));
        assert_eq!(seen, read(RecordType::MX, "10 mail"));
    }

    #[test]
    fn a_text_of_300_bytes_equals_the_two_strings_that_carry_it() {
        let dkim = format!("v=DKIM1; k=rsa; p={}", "MIIBIjANBgkq+/".repeat(21));
        assert!(dkim.len() > 300);
        let (head, tail) = dkim.split_at(255);
        let sent = RData::TXT(TXT::new(vec![head.to_owned(), tail.to_owned()]));
        let seen = over_the_wire(sent);
        assert_ne!(seen, read(RecordType::TXT, &dkim), "two strings, not yet one");
        assert_eq!(canonical(&seen), read(RecordType::TXT, &dkim));
        let quoted = format!("\"{head}\" \"{tail}\"");
        assert_eq!(canonical(&seen), read(RecordType::TXT, &quoted));
    }

    #[test]
    fn a_caa_tag_compares_without_case() {
        let seen = over_the_wire(read(RecordType::CAA, "0 issue \"ca.example.org\""));
        let RData::CAA(mut caa) = seen else {
            panic!("not a CAA record");
        };
        caa.tag = "ISSUE".to_owned();
        let expected = read(RecordType::CAA, "0 Issue ca.example.org");
        assert_eq!(canonical(&RData::CAA(caa)), expected);
    }

    #[test]
    fn text_without_quotes_is_used_unchanged() {
        let raw = r#"say "hi"; a\b (é)"#;
        assert_eq!(read(RecordType::TXT, raw), text(raw.as_bytes()));
    }

    #[test]
    fn quoted_text_knows_the_escapes_of_zone_files() {
        let value = r#""a\"b\\c;" "\065\195\169é" "" d"#;
        let expected = text("a\"b\\c;Aééd".as_bytes());
        assert_eq!(read(RecordType::TXT, value), expected);
        for bad in [r#""a"#, r#""a\"#, r#""\256""#, r#""\1""#, r#""\12"#, "\"a\nb\""] {
            assert!(parse(RecordType::TXT, bad, &apex()).is_err(), "{bad}");
        }
    }
}
