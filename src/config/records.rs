//! Record values, between their text in a zone file and the form in which they are compared.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, SSHFP, TLSA, TXT};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::master::{self, Word};
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

/// A value of the configuration, in zone-file syntax; names are relative to `apex`.
///
/// A TXT value that does not begin with a quote is the text itself.
pub(super) fn parse(rtype: RecordType, value: &str, apex: &Name) -> Result<RData, Wrong> {
    if let Some(control) = value.chars().find(|c| c.is_control()) {
        return Err(wrong(
            format!("has the control character {control:?}"),
            "write one line; in a quoted string \\DDD stands for any byte, such as \\009 for a tab",
        ));
    }
    if value.trim().is_empty() {
        return Err(wrong("is empty", format!("write a value, such as {}", example(rtype))));
    }
    if rtype == RecordType::TXT && !value.starts_with('"') {
        return Ok(text(value.as_bytes()));
    }
    read(rtype, &words(value)?, |host| name::within(&host.text(), apex))
}

/// The words of a value in canonical form; `name` reads those that are names.
pub(super) fn read(
    rtype: RecordType,
    words: &[Word<'_>],
    name: impl Fn(&Word<'_>) -> Result<Name, Wrong>,
) -> Result<RData, Wrong> {
    if rtype == RecordType::TXT && !words.is_empty() {
        let strings: Result<Vec<_>, _> = words.iter().map(Word::bytes).collect();
        return Ok(text(&strings?.concat()));
    }
    match (rtype, words) {
        (RecordType::A, [address]) => match address.text().parse::<Ipv4Addr>() {
            Ok(address) => Ok(RData::A(A(address))),
            Err(_) => Err(wrong(
                "is not an IPv4 address",
                "write four numbers from 0 to 255, such as 192.0.2.80",
            )),
        },
        (RecordType::AAAA, [address]) => match address.text().parse::<Ipv6Addr>() {
            Ok(address) => Ok(RData::AAAA(AAAA(address))),
            Err(_) => {
                Err(wrong("is not an IPv6 address", "write an IPv6 address, such as 2001:db8::80"))
            }
        },
        (RecordType::CNAME, [host]) => Ok(RData::CNAME(CNAME(name(host)?))),
        (RecordType::NS, [host]) => Ok(RData::NS(NS(name(host)?))),
        (RecordType::PTR, [host]) => Ok(RData::PTR(PTR(name(host)?))),
        (RecordType::MX, [preference, host]) => {
            Ok(RData::MX(MX::new(number(preference, "preference", u16::MAX)?, name(host)?)))
        }
        (RecordType::SRV, [priority, weight, port, host]) => Ok(RData::SRV(SRV::new(
            number(priority, "priority", u16::MAX)?,
            number(weight, "weight", u16::MAX)?,
            number(port, "port", u16::MAX)?,
            name(host)?,
        ))),
        (RecordType::CAA, [flags, tag, value]) => {
            let flags = number(flags, "flags", u8::MAX)?;
            let tag = tag.text();
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
            caa.value = value.bytes()?;
            Ok(RData::CAA(caa))
        }
        (RecordType::TLSA, [usage, selector, matching, hex @ ..]) if !hex.is_empty() => {
            Ok(RData::TLSA(TLSA::new(
                number(usage, "certificate usage", u8::MAX)?.into(),
                number(selector, "selector", u8::MAX)?.into(),
                number(matching, "matching type", u8::MAX)?.into(),
                bytes(hex)?,
            )))
        }
        (RecordType::SSHFP, [algorithm, kind, hex @ ..]) if !hex.is_empty() => {
            Ok(RData::SSHFP(SSHFP::new(
                number(algorithm, "algorithm", u8::MAX)?.into(),
                number(kind, "fingerprint type", u8::MAX)?.into(),
                bytes(hex)?,
            )))
        }
        _ => Err(wrong(
            format!("is not what {rtype} holds"),
            format!("write it as in a zone file, such as {}", example(rtype)),
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
        RecordType::TLSA => "3 1 1 0d6fce3c",
        RecordType::SSHFP => "4 2 0d6fce3c",
        _ => "host.example.net.",
    }
}

fn text(bytes: &[u8]) -> RData {
    RData::TXT(TXT::from_bytes(vec![bytes]))
}

fn number<T: TryFrom<u16>>(word: &Word<'_>, what: &str, max: T) -> Result<T, Wrong>
where
    u16: From<T>,
{
    let text = word.text();
    let number = text.parse().ok().and_then(|n: u16| T::try_from(n).ok());
    number.ok_or_else(|| {
        wrong(
            format!("has {text:?} for its {what}"),
            format!("write a number from 0 to {}", u16::from(max)),
        )
    })
}

/// Hexadecimal digits, in as many words as there are.
fn bytes(words: &[Word<'_>]) -> Result<Vec<u8>, Wrong> {
    let text: String = words.iter().map(Word::text).collect();
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        }
        _ => None,
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    bytes.ok_or_else(|| {
        wrong(format!("has {text:?} for its bytes"), "write two of 0-9 and a-f for each byte")
    })
}

/// The words of a value of the configuration: what has a meaning in zone files only stands in quotes.
fn words(value: &str) -> Result<Vec<Word<'_>>, Wrong> {
    let mut words = Vec::new();
    let mut rest = value.as_bytes().trim_ascii_start();
    while let [first, ..] = rest {
        let (word, after) = match first {
            b';' | b'(' | b')' => (Word { raw: &rest[..1], quoted: false }, rest),
            _ => master::word(rest)?,
        };
        let special = |byte: &&u8| matches!(byte, b';' | b'(' | b')' | b'\\');
        if let Some(special) = word.raw.iter().find(special).filter(|_| !word.quoted) {
            return Err(wrong(
                format!(
                    "has a {:?} outside quotes, where zone files give it a meaning",
                    char::from(*special)
                ),
                "put that word in double quotes, or take the character out",
            ));
        }
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
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
