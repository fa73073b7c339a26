//! `vantage.trust-anchor`: the keys of the root that a chain of trust begins with.

use std::sync::Arc;

use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_resolver::proto::dnssec::{DigestType, TrustAnchors, Verifier};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::problem::{Rejection, reject};

/// The keys of the root zone of 2017 and 2024 (<https://data.iana.org/root-anchors/root-anchors.xml>).
const IANA: &str = "\
. DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

#[derive(Debug, Clone, PartialEq)]
pub struct TrustAnchor {
    keys: Arc<[DS]>,
    private: bool,
}

impl TrustAnchor {
    /// That of the public root.
    pub(super) fn iana() -> Self {
        Self { keys: read(IANA).unwrap_or_default().into(), private: false }
    }

    /// From the content of a file with DS or DNSKEY records of the root.
    pub(super) fn parse(content: &[u8]) -> Result<Self, Rejection> {
        let read = std::str::from_utf8(content).ok().and_then(read);
        match read.filter(|keys| !keys.is_empty()) {
            Some(keys) => Ok(Self { keys: keys.into(), private: true }),
            None => reject(
                "has a line that is not a DS or DNSKEY record of the root",
                "write lines such as \". IN DS 20326 8 2 E06D…\" or \". IN DNSKEY 257 3 13 …\"",
            ),
        }
    }

    #[must_use]
    pub fn keys(&self) -> Arc<[DS]> {
        Arc::clone(&self.keys)
    }

    /// It is not that of the public root.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }
}

/// The records of a text; `None` if one is something else.
fn read(text: &str) -> Option<Vec<DS>> {
    let (mut keys, mut record, mut open) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default();
        open = line.rfind(['(', ')']).map_or(open, |at| line[at..].starts_with('('));
        record.push_str(&line.replace(['(', ')'], " "));
        record.push(' ');
        if !open && !record.trim().is_empty() {
            keys.push(key(&record)?);
        }
        if !open {
            record.clear();
        }
    }
    (!open).then_some(keys)
}

fn key(record: &str) -> Option<DS> {
    let (owner, rest) = record.trim().split_once(char::is_whitespace)?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let at = words.iter().position(|word| ["DS", "DNSKEY"].contains(word))?;
    let data = words[at + 1..].join(" ");
    match (owner, words[at]) {
        (".", "DS") => match RData::try_from_str(RecordType::DS, &data).ok()? {
            RData::DNSSEC(DNSSECRData::DS(ds)) => Some(ds),
            _ => None,
        },
        (".", _) => {
            let flags = words.get(at + 1)?.parse().ok()?;
            // hickory reads the whole record, and keeps the key only.
            let known: TrustAnchors = format!(". IN DNSKEY {data}").parse().ok()?;
            let key = DNSKEY::with_flags(flags, known.get(0)?.clone());
            let digest = key.to_digest(&Name::root(), DigestType::SHA256).ok()?.as_ref().to_vec();
            let tag = key.calculate_key_tag().ok()?;
            Some(DS::new(tag, key.algorithm(), DigestType::SHA256, digest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::dnssec::PublicKeyBuf;

    use super::*;

    #[test]
    fn the_built_in_trust_anchor_is_that_of_iana() {
        let known = TrustAnchors::default();
        let own = TrustAnchor::iana();
        assert_eq!((own.keys.len(), own.is_private()), (known.len(), false));
        for index in 0..known.len() {
            let key: PublicKeyBuf = known.get(index).unwrap().clone();
            let key = DNSKEY::with_flags(257, key);
            assert!(own.keys.iter().any(|ds| ds.covers(&Name::root(), &key).unwrap()), "{index}");
        }
    }

    #[test]
    fn a_trust_anchor_has_ds_or_dnskey_records_in_one_line_or_several() {
        let ds =
            ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
        let key = ".\t3600\tIN DNSKEY 257 3 13 (\n AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh\n \
                   IiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QA== ) ; KSK\n";
        let of = |text: &str| TrustAnchor::parse(text.as_bytes()).map(|anchor| anchor.keys.len());
        assert_eq!(of(ds).unwrap(), 1);
        assert_eq!(of(&format!("; two\n\n{ds}\n{key}")).unwrap(), 2);
        for bad in
            ["", "; none", "example. IN DS 1 8 2 00", ". A 192.0.2.1", ". DS 1 8", &key[..60]]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
