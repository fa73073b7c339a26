//! Record values, between their text in a zone file and the form in which they are compared.
//!
//! hickory's reader of zone files is not used: on one value it knows no origin, lets words that are too
//! many pass, takes `\DDD` for something else than RFC 1035 (section 5.1) and drops what follows a `;`.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, SRV, TXT};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::name;
use super::problem::{Wrong, wrong};

/// The form in which record data is compared: the strings of a TXT record joined into one (how a long
/// text is cut is the server's affair), the tag of a CAA record in lower case (RFC 8659, section 4.1).
///
/// [`Expected::Records`](super::Expected) is in this form already. Names compare without case anyhow.
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

/// A value in zone-file syntax, in canonical form; names are relative to `apex`.
///
/// A TXT value that does not begin with a quote is the text itself.
pub(super) fn parse(rtype: RecordType, value: &str, apex: &Name) -> Result<RData, Wrong> {
    if let Some(control) = value.chars().find(|c| c.is_control()) {
        return Err(wrong(
            format!("has the control character {control:?}"),
            "write one line; in a quoted string \\DDD stands for any byte, such as \\009 for a tab",
        ));
    }
    let example = example(rtype);
    if value.trim().is_empty() {
        return Err(wrong("is empty", format!("write a value, such as {example}")));
    }
    if rtype == RecordType::TXT && !value.starts_with('"') {
        return Ok(text(value.as_bytes()));
    }
    let fields = fields(value)?;
    if rtype == RecordType::TXT {
        return Ok(text(&fields.concat()));
    }
    let words: Vec<_> = fields.iter().map(|f| String::from_utf8_lossy(f)).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match (rtype, words.as_slice()) {
        (RecordType::A, [address]) => match address.parse::<Ipv4Addr>() {
            Ok(address) => Ok(RData::A(A(address))),
            Err(_) => Err(wrong(
                "is not an IPv4 address",
                "write four numbers from 0 to 255, such as 192.0.2.80",
            )),
        },
        (RecordType::AAAA, [address]) => match address.parse::<Ipv6Addr>() {
            Ok(address) => Ok(RData::AAAA(AAAA(address))),
            Err(_) => {
                Err(wrong("is not an IPv6 address", "write an IPv6 address, such as 2001:db8::80"))
            }
        },
        (RecordType::CNAME, [host]) => Ok(RData::CNAME(CNAME(name::within(host, apex)?))),
        (RecordType::NS, [host]) => Ok(RData::NS(NS(name::within(host, apex)?))),
        (RecordType::MX, [preference, host]) => Ok(RData::MX(MX::new(
            number(preference, "preference", u16::MAX)?,
            name::within(host, apex)?,
        ))),
        (RecordType::SRV, [priority, weight, port, host]) => Ok(RData::SRV(SRV::new(
            number(priority, "priority", u16::MAX)?,
            number(weight, "weight", u16::MAX)?,
            number(port, "port", u16::MAX)?,
            name::within(host, apex)?,
        ))),
        (RecordType::CAA, [flags, tag, _]) => {
            let flags = number(flags, "flags", u8::MAX)?;
            if tag.is_empty() || !tag.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(wrong(
                    format!("has {tag:?} for its tag"),
                    "write a tag of letters and digits, such as issue, issuewild or iodef",
                ));
            }
            // No constructor takes all four, but the fields are public.
            let mut caa = CAA::new_issue(flags & 0x80 != 0, None, Vec::new());
            caa.reserved_flags = flags & 0x7f;
            caa.tag = tag.to_ascii_lowercase();
            caa.value.clone_from(&fields[2]);
            Ok(RData::CAA(caa))
        }
        _ => Err(wrong(
            format!("is not what {rtype} holds"),
            format!("write it as in a zone file, such as {example}"),
        )),
    }
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
        _ => "host.example.net.",
    }
}

fn text(bytes: &[u8]) -> RData {
    RData::TXT(TXT::from_bytes(vec![bytes]))
}

fn number<T: TryFrom<u16>>(text: &str, what: &str, max: T) -> Result<T, Wrong>
where
    u16: From<T>,
{
    let number = text.parse().ok().and_then(|n: u16| T::try_from(n).ok());
    number.ok_or_else(|| {
        wrong(
            format!("has {text:?} for its {what}"),
            format!("write a number from 0 to {}", u16::from(max)),
        )
    })
}

/// The words of a value: separated by blanks, or in quotes with `\X` and `\DDD` (RFC 1035, section 5.1).
fn fields(value: &str) -> Result<Vec<Vec<u8>>, Wrong> {
    let mut fields = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('"') {
            let (field, after) = quoted(inner)?;
            fields.push(field);
            rest = after;
        } else {
            let end = rest.find([' ', '"']).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            if let Some(special) = field.chars().find(|c| matches!(c, ';' | '(' | ')' | '\\')) {
                return Err(wrong(
                    format!("has a {special:?} outside quotes, where zone files give it a meaning"),
                    "put that word in double quotes, or take the character out",
                ));
            }
            fields.push(field.as_bytes().to_vec());
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(fields)
}

/// The string up to its closing quote, and what follows.
fn quoted(text: &str) -> Result<(Vec<u8>, &str), Wrong> {
    let mut field = Vec::new();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            Some('"') => return Ok((field, chars.as_str())),
            Some('\\') => {
                let code = chars.as_str().get(..3);
                match code.filter(|code| code.bytes().all(|b| b.is_ascii_digit())) {
                    Some(code) => {
                        field.push(code.parse().map_err(|_| escape(code))?);
                        rest = &chars.as_str()[3..];
                        continue;
                    }
                    None => match chars.next() {
                        Some(c) if c.is_ascii_digit() => return Err(escape(&c.to_string())),
                        Some(c) => field.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                        None => {}
                    },
                }
            }
            Some(c) => field.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            None => {
                return Err(wrong(
                    "has a quote that is not closed",
                    "put a double quote at the end; inside, write a quote as \\\"",
                ));
            }
        }
        rest = chars.as_str();
    }
}

fn escape(code: &str) -> Wrong {
    wrong(
        format!("has \\{code} in a quoted string"),
        "write three digits from \\000 to \\255 for a byte, and \\\\ for a backslash",
    )
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
            (RecordType::MX, "10  mail"),
            (RecordType::MX, "0 ."),
            (RecordType::TXT, "v=spf1 -all"),
            (RecordType::SRV, "0 5 5060 sip"),
            (RecordType::CAA, "128 issue \"ca.example.org; policy=ev\""),
            (RecordType::CAA, "0 issue \";\""),
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
    fn text_without_quotes_is_taken_as_it_stands() {
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
