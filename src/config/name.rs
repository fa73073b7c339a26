//! Names of hosts and zones, as the file may write them.
//!
//! hickory's own reader takes `\DDD` as octal and rewrites what is not ASCII; here a name holds the
//! characters that names hold, and everything else is refused by name.

use std::net::IpAddr;

use hickory_resolver::proto::rr::Name;

use super::master::{self, Word};
use super::problem::{Wrong, wrong};

/// A host name (RFC 1123, section 2.1), in lower case and without the dot at the end.
pub(super) fn host(text: &str) -> Result<String, Wrong> {
    let name = labels(text).map(|labels| labels.join("."))?;
    if name.parse::<IpAddr>().is_ok() {
        return Err(wrong(
            "is an address, not a name",
            "write the name that the zone's NS records use, such as ns1.example.net",
        ));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let label = |l: &str| !l.starts_with('-') && !l.ends_with('-') && l.chars().all(inner);
    if !name.split('.').all(label) {
        return Err(wrong(
            "is not a host name",
            "write letters, digits, inner hyphens and dots, such as ns1.example.net",
        ));
    }
    Ok(name.to_ascii_lowercase())
}

/// A name that is complete with or without the dot at the end: a zone's.
pub(super) fn absolute(text: &str) -> Result<Name, Wrong> {
    if text == "." {
        return Ok(Name::root());
    }
    from_labels(labels(text)?)
}

/// A name as in a zone file: `@`, relative to `apex`, or absolute with a dot at the end.
pub(super) fn within(text: &str, apex: &Name) -> Result<Name, Wrong> {
    match text {
        "@" => return Ok(apex.clone()),
        "." => return Ok(Name::root()),
        _ => {}
    }
    let labels = labels(text)?;
    if labels.join(".").parse::<IpAddr>().is_ok() {
        return Err(wrong(
            "has an address where a name must stand",
            "write the name of the host that has this address",
        ));
    }
    let name = from_labels(labels)?;
    if text.ends_with('.') {
        return Ok(name);
    }
    // Legal, and nearly always a forgotten dot. Everything ends with the name of the root.
    if apex.zone_of(&name) && !apex.is_root() {
        return Err(wrong(
            format!(
                "ends with the zone's name but not with a dot, and so means {text}.{}",
                apex.to_ascii()
            ),
            format!("put a dot at the end: {text}."),
        ));
    }
    name.append_domain(apex).map_err(|_| too_long())
}

/// A name as a zone file has it, with any bytes and escapes in it, which a server has accepted.
pub(super) fn written(word: &Word<'_>, origin: &Name) -> Result<Name, Wrong> {
    match word.raw {
        b"@" => return Ok(origin.clone()),
        b"." => return Ok(Name::root()),
        _ => {}
    }
    let mut labels = vec![Vec::new()];
    let mut rest = word.raw;
    while let [first, after @ ..] = rest {
        let (byte, after) = match first {
            b'.' => {
                labels.push(Vec::new());
                rest = after;
                continue;
            }
            b'\\' => master::escaped(after)?,
            byte => (*byte, after),
        };
        labels.last_mut().expect("there is one from the beginning").push(byte);
        rest = after;
    }
    let absolute = labels.last().is_some_and(Vec::is_empty);
    if absolute {
        labels.pop();
    }
    if labels.iter().any(Vec::is_empty) {
        return Err(empty());
    }
    if let Some(label) = labels.iter().find(|label| label.len() > 63) {
        return Err(long(label.len()));
    }
    let name = Name::from_labels(labels).map_err(|_| too_long())?;
    if absolute { Ok(name) } else { name.append_domain(origin).map_err(|_| too_long()) }
}

fn labels(text: &str) -> Result<Vec<&str>, Wrong> {
    let labels: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
    if labels.contains(&"*") {
        return Err(wrong(
            "is a wildcard, and only names below it are ever asked for",
            "write one of those, such as any.example.net.",
        ));
    }
    if labels.contains(&"") {
        return Err(empty());
    }
    if let Some(label) = labels.iter().find(|label| label.len() > 63) {
        return Err(long(label.len()));
    }
    // `/` delegates parts of a reverse zone (RFC 2317).
    let known = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
    if let Some(other) = text.chars().find(|c| !known(c) && *c != '.') {
        let next = if other.is_ascii() {
            "write names of letters, digits, -, _ and dots"
        } else {
            "write the name in its xn-- form (punycode), as the zone file does"
        };
        return Err(wrong(format!("has a {other:?} in a name"), next));
    }
    Ok(labels)
}

fn from_labels(labels: Vec<&str>) -> Result<Name, Wrong> {
    let labels = labels.into_iter().map(str::as_bytes);
    Name::from_labels(labels).map_err(|_| too_long())
}

fn empty() -> Wrong {
    wrong(
        "has an empty label",
        "write labels with single dots between them, such as www.example.net",
    )
}

fn long(length: usize) -> Wrong {
    wrong(
        format!("has a label of {length} characters"),
        "write labels of at most 63 characters (RFC 1035)",
    )
}

fn too_long() -> Wrong {
    wrong(
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
