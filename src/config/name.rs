//! Names of hosts and zones.
//!
//! hickory's own parser reads `\DDD` as octal and rewrites characters that are not ASCII; these functions
//! reject such a character and name it.

use std::net::IpAddr;

use hickory_resolver::proto::rr::Name;

use super::lexer::{self, Token};
use super::problem::{Rejection, reject};

/// A host name (RFC 1123, section 2.1), in lower case and without the dot at the end.
pub(super) fn host(text: &str) -> Result<String, Rejection> {
    let name = without_dot(text)?;
    from_labels(name.split('.').map(str::as_bytes).collect())?;
    if name.parse::<IpAddr>().is_ok() {
        return reject(
            "is an address, not a name",
            "write the name that the zone's NS records use, such as ns1.example.net",
        );
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let label = |l: &str| !l.starts_with('-') && !l.ends_with('-') && l.chars().all(inner);
    if !name.split('.').all(label) {
        return reject(
            "is not a host name",
            "write letters, digits, inner hyphens and dots, such as ns1.example.net",
        );
    }
    Ok(name.to_ascii_lowercase())
}

/// The name of a zone, which is complete with or without the dot at the end.
pub(super) fn absolute(text: &str) -> Result<Name, Rejection> {
    if text == "." {
        return Ok(Name::root());
    }
    from_labels(without_dot(text)?.split('.').map(str::as_bytes).collect())
}

/// The name of a zone as typed, absolute and in lower case.
///
/// # Errors
/// The reason and the next step.
pub fn zone_name(text: &str) -> Result<Name, Rejection> {
    Ok(absolute(text)?.to_lowercase())
}

/// A host in a value, as [`within`]. A number such as `2.0.0.127` is a name, too, but hardly one of a host.
pub(super) fn host_within(text: &str, apex: &Name) -> Result<Name, Rejection> {
    if text.trim_end_matches('.').parse::<IpAddr>().is_ok() {
        return reject(
            "has an address in the place of a name",
            "write the name of the host that has this address",
        );
    }
    within(text, apex)
}

/// A name as in a zone file: `@`, relative to `apex`, or absolute with a dot at the end.
pub(super) fn within(text: &str, apex: &Name) -> Result<Name, Rejection> {
    if text == "@" {
        return Ok(apex.clone());
    }
    let name = absolute(text)?;
    if text.ends_with('.') {
        return Ok(name);
    }
    // Legal, but nearly always a forgotten dot. Every name ends with the name of the root.
    if apex.zone_of(&name) && !apex.is_root() {
        let apex = apex.to_ascii();
        return reject(
            format!("ends with the zone's name but not with a dot, and so means {text}.{apex}"),
            format!("put a dot at the end: {text}."),
        );
    }
    below(name, apex)
}

/// A name of a zone file, which may have escapes and any bytes.
pub(super) fn from_zone_file(token: &Token<'_>, origin: &Name) -> Result<Name, Rejection> {
    match token.raw {
        b"@" => return Ok(origin.clone()),
        b"." => return Ok(Name::root()),
        _ => {}
    }
    let mut labels = vec![Vec::new()];
    let mut rest = token.raw;
    while let [first, after @ ..] = rest {
        let (byte, after) = match first {
            b'.' => {
                labels.push(Vec::new());
                rest = after;
                continue;
            }
            b'\\' => lexer::escaped(after)?,
            byte => (*byte, after),
        };
        labels.last_mut().expect("there is one from the beginning").push(byte);
        rest = after;
    }
    let absolute = labels.pop_if(|last| last.is_empty()).is_some();
    let name = from_labels(labels.iter().map(Vec::as_slice).collect())?;
    if absolute { Ok(name) } else { below(name, origin) }
}

/// The text without its last dot, if a name may hold all its characters.
fn without_dot(text: &str) -> Result<&str, Rejection> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.split('.').any(|label| label == "*") {
        return reject(
            "is a wildcard, and only names below it can be queried",
            "write one of those, such as any.example.net.",
        );
    }
    // `/` delegates parts of a reverse zone (RFC 2317).
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    match name.chars().find(|c| !known(*c)) {
        None => Ok(name),
        Some(other) => reject(
            format!("has a {other:?} in a name"),
            if other.is_ascii() {
                "write names of letters, digits, -, _ and dots"
            } else {
                "write the name in its xn-- form (punycode), as the zone file does"
            },
        ),
    }
}

fn from_labels(labels: Vec<&[u8]>) -> Result<Name, Rejection> {
    if labels.iter().any(|label| label.is_empty()) {
        return reject(
            "has an empty label",
            "write labels with single dots between them, such as www.example.net",
        );
    }
    if let Some(label) = labels.iter().find(|label| label.len() > 63) {
        return reject(
            format!("has a label of {} characters", label.len()),
            "write labels of at most 63 characters (RFC 1035)",
        );
    }
    Name::from_labels(labels).or_else(|_| too_long())
}

fn below(name: Name, zone: &Name) -> Result<Name, Rejection> {
    name.append_domain(zone).or_else(|_| too_long())
}

fn too_long() -> Result<Name, Rejection> {
    reject(
        "is longer than a name can be",
        "write at most 255 octets, the zone's name included (RFC 1035)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apex() -> Name {
        absolute("example.net").unwrap()
    }

    fn ascii(text: &str) -> String {
        within(text, &apex()).unwrap().to_ascii()
    }

    #[test]
    fn a_name_is_relative_to_the_apex_unless_it_ends_in_a_dot() {
        assert_eq!(ascii("@"), "example.net.");
        assert_eq!(ascii("www"), "www.example.net.");
        assert_eq!(ascii("_sip._tcp"), "_sip._tcp.example.net.");
        assert_eq!(ascii("mail.example.org."), "mail.example.org.");
        assert_eq!(ascii("mail.example.org"), "mail.example.org.example.net.");
        assert_eq!(ascii("notexample.net"), "notexample.net.example.net.");
        assert_eq!(ascii("."), ".");
        // Lists of addresses (RFC 5782) have such owners.
        assert_eq!(ascii("2.0.0.127"), "2.0.0.127.example.net.");
        assert_eq!(ascii("2.0.0.127.example.net."), "2.0.0.127.example.net.");
        assert!(within("www", &apex()).unwrap().is_fqdn());
    }

    #[test]
    fn a_zone_name_is_absolute_with_or_without_its_dot() {
        assert_eq!(absolute("example.net"), absolute("example.net."));
        assert!(absolute("0/26.2.0.192.in-addr.arpa").is_ok());
        assert!(absolute(".").unwrap().is_root());
        assert!(absolute("").is_err());
    }

    #[test]
    fn a_host_name_is_kept_in_lower_case_without_its_dot() {
        assert_eq!(host("NS1.Example.NET.").unwrap(), "ns1.example.net");
        for bad in ["", ".", "-a.net", "a-.net", "a_b.net", "a..net", "192.0.2.1"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_of_255_octets_is_the_longest() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(absolute(&longest).is_ok());
        assert!(absolute(&format!("{longest}a")).is_err());
        assert!(within(&longest, &apex()).is_err());
    }
}
