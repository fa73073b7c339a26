//! When a certificate ends, read off its DER (RFC 5280, section 4.1).
//!
//! Whether it is to be trusted has been judged before by those who can; this is about the date alone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// `notAfter`, if these bytes are a certificate.
#[must_use]
pub(crate) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let mut certificate = expect(&mut &*der, SEQUENCE)?;
    let mut fields = expect(&mut certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        expect(&mut fields, VERSION)?;
    }
    expect(&mut fields, INTEGER)?; // the serial number
    expect(&mut fields, SEQUENCE)?; // the signature's algorithm
    expect(&mut fields, SEQUENCE)?; // the issuer
    let mut validity = expect(&mut fields, SEQUENCE)?;
    element(&mut validity)?; // notBefore
    let (tag, text) = element(&mut validity)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Two digits for the year: 1950 to 2049.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_ambiguous_timestamp(time).unambiguous().ok()
}

/// The content of the next element, which has this tag.
fn expect<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, content) = element(der)?;
    (found == tag).then_some(content)
}

/// Takes the next element: its tag and its content.
fn element<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, short], mut rest) = der.split_first_chunk()?;
    let mut length = usize::from(short);
    if short >= 0x80 {
        let (digits, after) = rest.split_at_checked(usize::from(short & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with that tag.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    }

    fn certificate(version: &[u8], tag: u8, end: &str) -> Vec<u8> {
        let validity = [der(UTC_TIME, b"200101000000Z"), der(tag, end.as_bytes())].concat();
        let fields = [
            version,
            &der(INTEGER, &[7; 16]),
            &der(SEQUENCE, &[5, 0]),
            &der(SEQUENCE, &[0; 200]),
            &der(SEQUENCE, &validity),
            &der(SEQUENCE, &[1]),
        ];
        der(SEQUENCE, &der(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_either_form_of_dates() {
        let v3 = der(VERSION, &[2, 1, 2]);
        for (tag, text, end) in [
            (UTC_TIME, "301231235959Z", "2030-12-31T23:59:59Z"),
            (UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z"),
            (GENERALIZED_TIME, "20510203040506Z", "2051-02-03T04:05:06Z"),
        ] {
            for version in [&v3[..], &[]] {
                let end: Timestamp = end.parse().unwrap();
                assert_eq!(not_after(&certificate(version, tag, text)), Some(end), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end_and_does_no_harm() {
        let good = certificate(&[], UTC_TIME, "301231235959Z");
        for length in 0..good.len() {
            assert_eq!(not_after(&good[..length]), None, "{length}");
        }
        assert_eq!(not_after(&certificate(&[], UTC_TIME, "soon")), None);
        assert_eq!(not_after(&certificate(&[], INTEGER, "301231235959Z")), None);
        assert_eq!(not_after(&[SEQUENCE, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]), None);
    }
}
