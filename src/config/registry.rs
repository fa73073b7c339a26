//! The record types of the IANA registry: name, number, and the form of a value in a zone file.

use hickory_resolver::proto::rr::RecordType;

use Field::{
    A6, Address, Addresses, Base32, Base64, Bytes, Code, Data, Empty, Generic, Hex, Key, Location,
    Locator, Mac, Name, Names, Nsap, Number, Parameters, Relay, Salt, Stamp, Text, Texts, Time,
    Type, Types, Words,
};

/// A part of a value. Those in the plural take all tokens that are left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field {
    /// A number up to this.
    Number(u32),
    /// Seconds, with or without units.
    Time,
    /// `YYYYMMDDHHmmSS`, or seconds.
    Stamp,
    /// A number of so many bytes, or one of these mnemonics.
    Code(usize, &'static [&'static str]),
    /// Base32 with the extended hexadecimal alphabet, in one word (RFC 4648, section 7).
    Base32,
    Name,
    Names,
    /// At most 255 bytes.
    Text,
    /// At least one, and at most so many.
    Texts(usize),
    /// An IPv4 address.
    Address,
    /// Bytes in one hexadecimal word.
    Bytes,
    /// Bytes in hexadecimal words, at least one.
    Hex,
    /// A key in one word.
    Key,
    /// At least one word.
    Base64,
    /// `-` or hexadecimal.
    Salt,
    /// The name of a type.
    Type,
    Types,
    /// Degrees of latitude and longitude, altitude and sizes (RFC 1876).
    Location,
    /// Four groups of hexadecimal digits (RFC 6742).
    Locator,
    /// So many bytes with hyphens between them (RFC 7043).
    Mac(usize),
    /// Address prefixes; none is right, too (RFC 3123).
    Addresses,
    /// The type of a gateway, its number of words before the gateway, and the gateway (RFC 4025, RFC 8777).
    Relay(usize),
    /// `key=value` (RFC 9460).
    Parameters,
    /// Anything, at least one word.
    Words,
    /// Nothing or base64.
    Empty,
    /// `-` or base64 (draft-durand-doa-over-dns, section 3.2).
    Data,
    /// `0x` and hexadecimal with dots between its digits (RFC 1706, section 7).
    Nsap,
    /// The length of a prefix, an address suffix unless it is 128, and a name unless it is 0 (RFC 2874, section 3.1).
    A6,
    /// No text form but that of RFC 3597.
    Generic,
}

const U8: Field = Number(0xff);
const U16: Field = Number(0xffff);
const U32: Field = Number(u32::MAX);
/// <https://www.iana.org/assignments/dns-sec-alg-numbers>
const ALGORITHM: Field = Code(
    1,
    &[
        "DELETE",
        "RSAMD5",
        "DH",
        "DSA",
        "ECC",
        "RSASHA1",
        "DSA-NSEC3-SHA1",
        "NSEC3DSA",
        "RSASHA1-NSEC3-SHA1",
        "NSEC3RSASHA1",
        "RSASHA256",
        "RSASHA512",
        "ECC-GOST",
        "ECCGOST",
        "ECDSAP256SHA256",
        "ECDSAP384SHA384",
        "ED25519",
        "ED448",
        "SM2SM3",
        "ECC-GOST12",
        "INDIRECT",
        "PRIVATEDNS",
        "PRIVATEOID",
    ],
);
const DIGEST: Field =
    Code(1, &["SHA-1", "SHA1", "SHA-256", "SHA256", "GOST", "SHA-384", "SHA384", "SM3", "GOST12"]);
/// Numbers, or the words of RFC 2535, section 7.1.
const FLAGS: Field = Code(
    2,
    &["ZONE", "HOST", "USER", "NOCONF", "NOAUTH", "NOKEY", "EXTEND", "KSK", "SEP", "REVOKE"],
);
const PROTOCOL: Field = Code(1, &["NONE", "TLS", "EMAIL", "DNSSEC", "IPSEC", "ALL"]);
/// RFC 4398, section 2.1.
const CERTIFICATE: Field =
    Code(2, &["PKIX", "SPKI", "PGP", "IPKIX", "ISPKI", "IPGP", "ACPKIX", "IACPKIX", "URI", "OID"]);
const DS: &[Field] = &[U16, ALGORITHM, DIGEST, Hex];
const DNSKEY: &[Field] = &[FLAGS, U8, ALGORITHM, Base64];
const RRSIG: &[Field] = &[Type, ALGORITHM, U8, Time, Stamp, Stamp, U16, Name, Base64];
const TEXTS: &[Field] = &[Texts(usize::MAX)];
const TWO_NAMES: &[Field] = &[Name, Name];
const HOST: &[Field] = &[U16, Name];
/// `records` reads these.
const COMPARED: &[Field] = &[];

/// <https://www.iana.org/assignments/dns-parameters>, without those that only queries and messages have.
const REGISTRY: [(&str, u16, &[Field]); 88] = [
    ("A", 1, COMPARED),
    ("NS", 2, COMPARED),
    ("MD", 3, &[Name]),
    ("MF", 4, &[Name]),
    ("CNAME", 5, COMPARED),
    ("SOA", 6, &[Name, Name, U32, Time, Time, Time, Time]),
    ("MB", 7, &[Name]),
    ("MG", 8, &[Name]),
    ("MR", 9, &[Name]),
    ("NULL", 10, &[Generic]),
    ("WKS", 11, &[Address, Words]),
    ("PTR", 12, COMPARED),
    ("HINFO", 13, &[Text, Text]),
    ("MINFO", 14, TWO_NAMES),
    ("MX", 15, COMPARED),
    ("TXT", 16, TEXTS),
    ("RP", 17, TWO_NAMES),
    ("AFSDB", 18, HOST),
    ("X25", 19, &[Text]),
    ("ISDN", 20, &[Texts(2)]),
    ("RT", 21, HOST),
    ("NSAP", 22, &[Nsap]),
    ("NSAP-PTR", 23, &[Name]),
    ("SIG", 24, RRSIG),
    ("KEY", 25, &[FLAGS, PROTOCOL, ALGORITHM, Empty]),
    ("PX", 26, &[U16, Name, Name]),
    ("GPOS", 27, &[Text, Text, Text]),
    ("AAAA", 28, COMPARED),
    ("LOC", 29, &[Location]),
    ("NXT", 30, &[Name, Types]),
    ("EID", 31, &[Hex]),
    ("NIMLOC", 32, &[Hex]),
    ("SRV", 33, COMPARED),
    ("ATMA", 34, &[Words]),
    ("NAPTR", 35, &[U16, U16, Text, Text, Text, Name]),
    ("KX", 36, HOST),
    ("CERT", 37, &[CERTIFICATE, U16, ALGORITHM, Base64]),
    ("A6", 38, &[A6]),
    ("DNAME", 39, &[Name]),
    ("SINK", 40, &[U8, U8, U8, Empty]),
    ("APL", 42, &[Addresses]),
    ("DS", 43, DS),
    ("SSHFP", 44, COMPARED),
    ("IPSECKEY", 45, &[U8, Relay(1), Empty]),
    ("RRSIG", 46, RRSIG),
    ("NSEC", 47, &[Name, Types]),
    ("DNSKEY", 48, DNSKEY),
    ("DHCID", 49, &[Base64]),
    ("NSEC3", 50, &[U8, U8, U16, Salt, Base32, Types]),
    ("NSEC3PARAM", 51, &[U8, U8, U16, Salt]),
    ("TLSA", 52, COMPARED),
    ("SMIMEA", 53, &[U8, U8, U8, Hex]),
    ("HIP", 55, &[U8, Bytes, Key, Names]),
    ("NINFO", 56, TEXTS),
    ("RKEY", 57, DNSKEY),
    ("TALINK", 58, TWO_NAMES),
    ("CDS", 59, DS),
    ("CDNSKEY", 60, DNSKEY),
    ("OPENPGPKEY", 61, &[Base64]),
    ("CSYNC", 62, &[U32, U16, Types]),
    ("ZONEMD", 63, &[U32, U8, U8, Hex]),
    ("SVCB", 64, &[U16, Name, Parameters]),
    ("HTTPS", 65, &[U16, Name, Parameters]),
    ("DSYNC", 66, &[Type, Code(1, &["NOTIFY"]), U16, Name]),
    ("HHIT", 67, &[Base64]),
    ("BRID", 68, &[Base64]),
    ("SPF", 99, TEXTS),
    ("UINFO", 100, &[Generic]),
    ("UID", 101, &[Generic]),
    ("GID", 102, &[Generic]),
    ("UNSPEC", 103, &[Generic]),
    ("NID", 104, &[U16, Locator]),
    ("L32", 105, &[U16, Address]),
    ("L64", 106, &[U16, Locator]),
    ("LP", 107, HOST),
    ("EUI48", 108, &[Mac(6)]),
    ("EUI64", 109, &[Mac(8)]),
    ("URI", 256, &[U16, U16, Texts(1)]),
    ("CAA", 257, COMPARED),
    ("AVC", 258, TEXTS),
    ("DOA", 259, &[U32, U32, U8, Text, Data]),
    ("AMTRELAY", 260, &[U8, Number(1), Relay(0)]),
    ("RESINFO", 261, TEXTS),
    ("WALLET", 262, TEXTS),
    ("CLA", 263, TEXTS),
    ("IPN", 264, &[Words]),
    ("TA", 32768, DS),
    ("DLV", 32769, DS),
];

/// By name or by number (RFC 3597); `None` for types that no zone holds, too.
pub(super) fn record_type(text: &str) -> Option<RecordType> {
    let text = text.to_ascii_uppercase();
    let listed = REGISTRY.iter().find(|(name, ..)| *name == text).map(|(_, number, _)| *number);
    let numbered = || text.strip_prefix("TYPE")?.parse().ok();
    let number = listed.or_else(numbered)?;
    // OPT and NXNAME, and the range of types that only queries have (RFC 6895, section 3.1).
    (!matches!(number, 0 | 41 | 128..=255)).then(|| RecordType::from(number))
}

/// The form of a value; `None`: only that of RFC 3597.
pub(super) fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    let number = u16::from(rtype);
    REGISTRY.iter().find(|(_, known, _)| *known == number).map(|(.., fields)| *fields)
}

/// `MX`; `TYPE65280` for a type without a name, and for one so new that `dig` may not know its name.
#[must_use]
pub fn type_text(rtype: RecordType) -> String {
    let number = u16::from(rtype);
    let listed = REGISTRY.iter().find(|(_, known, _)| *known == number);
    match listed.filter(|_| !matches!(number, 66..=68 | 261..=264)) {
        Some((name, ..)) => (*name).to_owned(),
        None => format!("TYPE{number}"),
    }
}
