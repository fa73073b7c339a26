//! Values in zone files: whether a server would load them, and the bytes of the generic form.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecoder, Restrict};
use jiff::civil::DateTime;

use super::lexer::Token;
use super::name;
use super::problem::{Rejection, reject};
use super::records::{self, TYPES, canonical};
use super::registry::{Field, fields, record_type, type_text};
use crate::text::count;

/// A date and time of 14 digits, or seconds since 1970.
fn is_stamp(token: &Token<'_>) -> bool {
    let text = token.text();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let date = || DateTime::strptime("%Y%m%d%H%M%S", &*text).is_ok();
    digits && if text.len() == 14 { date() } else { parsed::<u32>(token).is_some() }
}

/// A value in canonical form; `None`: its type is queried but not compared. A DNAME is read for its target.
pub(super) fn value(
    rtype: RecordType,
    tokens: &[Token<'_>],
    origin: &Name,
) -> Result<Option<RData>, Rejection> {
    let form = fields(rtype);
    if let [first, rest @ ..] = tokens
        && first.raw == b"\\#"
    {
        return generic(rtype, rest);
    }
    let Some(form) = form else {
        let next = "write \\#, the number of bytes and the bytes in hexadecimal (RFC 3597)";
        return reject(format!("has a value that {} cannot have", type_text(rtype)), next);
    };
    if tokens.is_empty() && form != [Field::Addresses] {
        return reject("has no value", "write one, or remove the line");
    }
    let mut rest = tokens;
    for field in form {
        rest = take(*field, rest, origin).ok_or_else(|| {
            Rejection::new(
                format!("is not a value of the type {}", type_text(rtype)),
                format!("write {}", form.iter().map(words).collect::<Vec<_>>().join(", ")),
            )
        })?;
    }
    if TYPES.contains(&rtype) && rtype != RecordType::SOA {
        let read = records::read(rtype, tokens, |token| name::from_zone_file(token, origin));
        return read.map(Some);
    }
    if let [extra, ..] = rest {
        return reject(
            format!("has {:?} after its value", extra.text()),
            "remove it, or begin a comment with ;",
        );
    }
    if rtype == RecordType::DNAME {
        // Of a DNAME only the number of targets matters.
        let target = name::from_zone_file(&tokens[0], origin)?;
        return Ok(Some(RData::CNAME(CNAME(target))));
    }
    if matches!(rtype, RecordType::HTTPS | RecordType::SVCB) {
        parameters(tokens.get(2..).unwrap_or_default())?;
    }
    Ok(None)
}

/// `\# LENGTH HEX` (RFC 3597); of a type that is compared, the value in it.
fn generic(rtype: RecordType, tokens: &[Token<'_>]) -> Result<Option<RData>, Rejection> {
    let next = "write \\#, the number of bytes and as many bytes in hexadecimal (RFC 3597)";
    let wrong = || Rejection::new("is not of the form \\# LENGTH BYTES", next);
    let (length, hex) = tokens.split_first().ok_or_else(wrong)?;
    let bytes = records::bytes(hex)?;
    let length: u16 = length.text().parse().map_err(|_| wrong())?;
    if bytes.len() != usize::from(length) {
        return reject(format!("has {}, not {length}", count(bytes.len(), "byte")), next);
    }
    let no_value = || {
        Rejection::new(format!("has no value of the type {} in its bytes", type_text(rtype)), next)
    };
    if !TYPES.contains(&rtype) {
        let fits = fields(rtype).is_none_or(|form| begins_with(form, &bytes));
        return if fits { Ok(None) } else { Err(no_value()) };
    }
    let read = RData::read(&mut BinDecoder::new(&bytes), rtype, Restrict::new(length)).ok();
    read.filter(|_| length > 0).map(|data| Some(canonical(&data))).ok_or_else(no_value)
}

/// Whether the bytes have the fields, as far as their lengths are known.
fn begins_with(form: &[Field], bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for field in form {
        let length = match field {
            Field::Number(most) => Some(if *most <= 0xff {
                1
            } else if *most <= 0xffff {
                2
            } else {
                4
            }),
            Field::Code(length, _) | Field::Mac(length) => Some(*length),
            Field::Type => Some(2),
            Field::Time | Field::Stamp | Field::Address => Some(4),
            Field::Locator => Some(8),
            Field::Text => rest.first().map(|length| 1 + usize::from(*length)),
            Field::Name => name_length(rest),
            Field::Texts(_) => return !rest.is_empty() || form.len() > 1,
            _ => return true,
        };
        match length.and_then(|length| rest.get(length..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// The bytes of a name without compression.
fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(at + 1),
            label @ 1..=63 => at += 1 + label,
            _ => return None,
        }
    }
}

/// The tokens after the field; `None`: it is not there.
fn take<'a, 't>(field: Field, tokens: &'a [Token<'t>], origin: &Name) -> Option<&'a [Token<'t>]> {
    let one = |is: &dyn Fn(&Token<'t>) -> bool| {
        tokens.split_first().filter(|(first, _)| is(first)).map(|(_, rest)| rest)
    };
    let all = |least, is: &dyn Fn(&Token<'t>) -> bool| {
        (tokens.len() >= least && tokens.iter().all(is)).then_some(&[][..])
    };
    let is_name = |token: &Token<'_>| name::from_zone_file(token, origin).is_ok();
    let is_text = |token: &Token<'_>| token.bytes().is_ok_and(|bytes| bytes.len() <= 255);
    let is_type = |token: &Token<'_>| record_type(&token.text()).is_some();
    match field {
        Field::Number(most) => one(&|token| parsed(token).is_some_and(|n: u32| n <= most)),
        Field::Time => one(&|token| seconds(&token.text()).is_some()),
        Field::Stamp => one(&is_stamp),
        Field::Code(_, names) => one(&|token| {
            let word = token.text().to_ascii_uppercase();
            parsed::<u16>(token).is_some() || names.contains(&&*word)
        }),
        Field::Base32 => one(&|token| token.raw.iter().all(|byte| char::from(*byte).is_digit(32))),
        Field::Name => one(&is_name),
        Field::Names => all(0, &is_name),
        Field::Text => one(&is_text),
        Field::Texts(most) => all(1, &is_text).filter(|_| tokens.len() <= most),
        Field::Address => one(&|token| parsed::<Ipv4Addr>(token).is_some()),
        Field::Bytes => one(&|token| records::bytes(&[*token]).is_ok()),
        Field::Hex => (!tokens.is_empty() && records::bytes(tokens).is_ok()).then_some(&[]),
        Field::Key => one(&|token| is_base64(&token.text())),
        Field::Base64 | Field::Empty => {
            let text: String = tokens.iter().map(Token::text).collect();
            let missing = text.is_empty() && field == Field::Base64;
            (!missing && (is_base64(&text) || text == "0")).then_some(&[]) // NSD reads 0 as no bytes
        }
        Field::Salt => one(&|token| token.raw == b"-" || records::bytes(&[*token]).is_ok()),
        Field::Type => one(&is_type),
        Field::Types => all(0, &is_type),
        Field::Location => is_location(tokens).then_some(&[]),
        Field::Locator => one(&|token| is_groups(&token.text(), ':', 4, 1..=4)),
        Field::Mac(bytes) => one(&|token| is_groups(&token.text(), '-', bytes, 1..=2)),
        Field::Data if matches!(tokens, [dash] if dash.raw == b"-") => Some(&[]),
        Field::Data => take(Field::Base64, tokens, origin),
        Field::Nsap => one(&is_nsap),
        Field::A6 => a6(tokens, &is_name).then_some(&[]),
        Field::Addresses => all(0, &|token| is_prefix(&token.text())),
        Field::Relay(between) => relay(between, tokens, &is_name),
        Field::Parameters => Some(&[]),
        Field::Words => all(1, &|_| true),
        Field::Generic => None,
    }
}

fn is_nsap(token: &Token<'_>) -> bool {
    let text = token.text();
    let digits = text.strip_prefix("0x").unwrap_or_default().replace('.', "");
    digits.len().is_multiple_of(2)
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !digits.is_empty()
}

fn a6<'t>(tokens: &[Token<'t>], is_name: &dyn Fn(&Token<'t>) -> bool) -> bool {
    let Some((prefix, rest)) = tokens.split_first() else { return false };
    let is_suffix = |token: &Token<'_>| parsed::<Ipv6Addr>(token).is_some();
    match (parsed::<u8>(prefix), rest) {
        (Some(0), [suffix]) => is_suffix(suffix),
        (Some(1..=127), [suffix, name]) => is_suffix(suffix) && is_name(name),
        (Some(128), [name]) => is_name(name),
        _ => false,
    }
}

/// A gateway (RFC 4025, section 2.3; RFC 8777): its type, some other fields, and the gateway itself.
fn relay<'a, 't>(
    between: usize,
    tokens: &'a [Token<'t>],
    is_name: &dyn Fn(&Token<'t>) -> bool,
) -> Option<&'a [Token<'t>]> {
    let (kind, rest) = tokens.split_first()?;
    let gateway = rest.get(between)?;
    let right = match parsed::<u8>(kind)? {
        0 => gateway.raw == b".",
        1 => parsed::<Ipv4Addr>(gateway).is_some(),
        2 => parsed::<Ipv6Addr>(gateway).is_some(),
        3 => is_name(gateway),
        _ => false,
    };
    right.then(|| &rest[between + 1..])
}

/// A field in words.
fn words(field: &Field) -> String {
    match field {
        Field::Number(most) => return format!("a number up to {most}"),
        Field::Mac(bytes) => return format!("{bytes} bytes with hyphens between them"),
        Field::Time => "a time in seconds",
        Field::Stamp => "a time as YYYYMMDDHHmmSS",
        Field::Code(..) => "a number or its name",
        Field::Base32 => "base32",
        Field::Name => "a name",
        Field::Names => "names",
        Field::Text => "a text of at most 255 bytes",
        Field::Texts(2) => "one or two texts of at most 255 bytes each",
        Field::Texts(_) => "texts of at most 255 bytes each",
        Field::Address => "an IPv4 address",
        Field::Bytes | Field::Hex => "bytes in hexadecimal",
        Field::Key | Field::Base64 => "base64",
        Field::Salt => "- or hexadecimal bytes",
        Field::Type => "a type",
        Field::Types => "types",
        Field::Location => "a place, such as 52 22 23 N 4 53 32 E -2m",
        Field::Locator => "four groups of hexadecimal digits, such as 2001:db8:1140:1000",
        Field::Addresses => "prefixes, such as 1:192.0.2.0/24",
        Field::Relay(_) => "a gateway type from 0 to 3 and such a gateway",
        Field::Parameters => "parameters, such as alpn=h2",
        Field::Words => "its other values",
        Field::Empty => "base64 or nothing",
        Field::Data => "- or base64",
        Field::Nsap => "0x and bytes in hexadecimal",
        Field::A6 => "the length of a prefix, an address unless it is 128, a name unless it is 0",
        Field::Generic => "\\#, the number of bytes and the bytes in hexadecimal (RFC 3597)",
    }
    .to_owned()
}

fn parsed<T: std::str::FromStr>(token: &Token<'_>) -> Option<T> {
    token.text().parse().ok()
}

/// `300`, `1h30m`: a number, or numbers that each have a unit.
pub(super) fn seconds(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mut sum = 0_u32;
    for part in text.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
        let (number, unit) = part.split_at_checked(part.len() - 1)?;
        let factor = match unit {
            "s" | "S" => 1,
            "m" | "M" => 60,
            "h" | "H" => 3600,
            "d" | "D" => 86_400,
            "w" | "W" => 604_800,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u32>().ok()?.checked_mul(factor)?)?;
    }
    Some(sum)
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len().is_multiple_of(4) && padding <= 2 && digits.bytes().all(known)
}

fn is_groups(
    text: &str,
    between: char,
    count: usize,
    digits: std::ops::RangeInclusive<usize>,
) -> bool {
    let group = |g: &str| digits.contains(&g.len()) && g.bytes().all(|b| b.is_ascii_hexdigit());
    text.split(between).count() == count && text.split(between).all(group)
}

/// `1:192.0.2.0/24`, `!2:2001:db8::/32`.
fn is_prefix(text: &str) -> bool {
    let parts = text.strip_prefix('!').unwrap_or(text).split_once(':');
    let Some((family, (address, length))) =
        parts.and_then(|(f, rest)| Some((f, rest.split_once('/')?)))
    else {
        return false;
    };
    let length = length.parse::<u8>();
    match family {
        "1" => address.parse::<Ipv4Addr>().is_ok() && length.is_ok_and(|length| length <= 32),
        "2" => address.parse::<Ipv6Addr>().is_ok() && length.is_ok_and(|length| length <= 128),
        _ => false,
    }
}

/// `d [m [s]] N d [m [s]] E altitude [size [precision [precision]]]` (RFC 1876, section 3).
fn is_location(tokens: &[Token<'_>]) -> bool {
    let words: Vec<_> = tokens.iter().map(Token::text).collect();
    // Degrees and minutes are whole, seconds have three decimals, and lengths in metres two.
    let decimal = |word: &str, decimals: usize| {
        let fraction = word.split_once('.').map_or("", |(_, fraction)| fraction);
        let plain = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        word.parse().ok().filter(|_| {
            plain && fraction.len() <= decimals && !(decimals == 0 && word.contains('.'))
        })
    };
    let angle = |words: &[Cow<'_, str>], most: f64, ends: [&str; 2]| {
        let end = words.iter().position(|word| ends.contains(&&**word)).filter(|end| *end <= 3)?;
        let parts =
            words[..end].iter().zip([0, 0, 3]).map(|(word, decimals)| decimal(word, decimals));
        let parts: Vec<f64> = parts.collect::<Option<_>>()?;
        let (degrees, small) = parts.split_first()?;
        let sum = degrees + small.iter().zip([60.0, 3600.0]).map(|(n, unit)| n / unit).sum::<f64>();
        (sum <= most && small.iter().all(|n| *n < 60.0)).then_some(end + 1)
    };
    let Some(latitude) = angle(&words, 90.0, ["N", "S"]) else { return false };
    let Some(longitude) = angle(&words[latitude..], 180.0, ["E", "W"]) else { return false };
    let metres = |word: &str, least: f64, most: f64| {
        let positive = word.strip_suffix('m').unwrap_or(word);
        let (sign, number) =
            positive.strip_prefix('-').map_or((1.0, positive), |number| (-1.0, number));
        decimal(number, 2).is_some_and(|metres: f64| (least..=most).contains(&(sign * metres)))
    };
    match &words[latitude + longitude..] {
        [altitude, sizes @ ..] if sizes.len() <= 3 => {
            metres(altitude, -100_000.0, 42_849_672.95)
                && sizes.iter().all(|size| metres(size, 0.0, 90_000_000.0))
        }
        _ => false,
    }
}

/// The parameters of SVCB and HTTPS (RFC 9460, section 2.1 and the registry of service parameter keys).
fn parameters(tokens: &[Token<'_>]) -> Result<(), Rejection> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        let text = token.text();
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        let quoted = tokens.next_if(|next| text.ends_with('=') && next.quoted);
        let value = quoted.map_or_else(|| value.to_owned(), |next| next.text().into_owned());
        if all.iter().any(|(other, _)| other == key) {
            return reject(format!("has the parameter {key:?} twice"), "remove one of the two");
        }
        all.push((key.to_owned(), value));
    }
    for (key, value) in &all {
        let list = || value.split(',');
        let right = match key.as_str() {
            "mandatory" => {
                let present = |k: &str| k != key && all.iter().any(|(other, _)| other == k);
                list().all(present)
                    && list().all(|k| list().filter(|other| *other == k).count() == 1)
            }
            "alpn" | "dohpath" | "key1" | "key7" => !value.is_empty(),
            "no-default-alpn" | "ohttp" => value.is_empty(),
            "port" => value.parse::<u16>().is_ok(),
            "ipv4hint" => list().all(|address| address.parse::<Ipv4Addr>().is_ok()),
            "ipv6hint" => list().all(|address| address.parse::<Ipv6Addr>().is_ok()),
            "ech" => is_base64(value),
            "tls-supported-groups" => list().all(|group| group.parse::<u16>().is_ok()),
            "docpath" => true,
            // key0 is `mandatory`, whose value is a list of keys.
            other => {
                other.strip_prefix("key").is_some_and(|n| n.parse::<u16>().is_ok_and(|n| n > 0))
            }
        };
        if !right {
            return reject(
                format!(
                    "has the parameter {key:?} with a value that it cannot have, or it is not known"
                ),
                "write it as in RFC 9460, such as alpn=h2, port=443 or ipv4hint=192.0.2.1",
            );
        }
    }
    Ok(())
}
