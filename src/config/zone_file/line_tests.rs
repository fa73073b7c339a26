//! Lines of zone files, and what other programs make of them.

use super::tests::{read, read_beside};

/// Beside each line, what is wrong with it. named-checkzone 9.18 refuses all of them.
const REFUSED: &[(&str, &str)] = &[
    ("a 3h30 A 192.0.2.1", "has \"3h30\" as its TTL"),
    ("a 1x A 192.0.2.1", "has \"1x\" as its TTL"),
    ("a 4294967296 A 192.0.2.1", "has \"4294967296\" as its TTL"),
    ("$TTL 3h30", "has \"3h30\" as its TTL"),
    ("a 300 300 A 192.0.2.1", "has a TTL twice"),
    ("a 300 IN 300 A 192.0.2.1", "has a TTL twice"),
    ("a IN CLASS1 A 192.0.2.1", "has a class twice"),
    ("a CLASS3 A 192.0.2.1", "is not in the class IN"),
    ("a TYPE65536 \\# 0", "has \"TYPE65536\" as its type"),
    ("a ANY \\# 0", "has \"ANY\" as its type"),
    ("a TYPE65280 0102", "has a value that TYPE65280 cannot have"),
    ("a TYPE65280 \\# 3 0102", "has 2 bytes, not 3"),
    ("a TYPE65280 \\#", "is not of the form \\# LENGTH BYTES"),
    ("a TYPE65280 \\# 2 010g", "has \"010g\" as its hexadecimal bytes"),
    ("a A \\# 3 c00002", "has no value of the type A in its bytes"),
    ("a DS \\# 1 00", "has no value of the type DS in its bytes"),
    ("a HINFO \\# 1 00", "has no value of the type HINFO in its bytes"),
    ("a HINFO \\# 3 000000", "has no value of the type HINFO in its bytes"),
    ("a EUI48 \\# 7 00000000000000", "has no value of the type EUI48 in its bytes"),
    ("a L32 \\# 5 0001c00002", "has no value of the type L32 in its bytes"),
    ("a RP \\# 1 00", "has no value of the type RP in its bytes"),
    ("a NAPTR \\# 7 00010001000000", "has no value of the type NAPTR in its bytes"),
    ("a RRSIG \\# 3 000000", "has no value of the type RRSIG in its bytes"),
    ("a SVCB \\# 2 0000", "has no value of the type SVCB in its bytes"),
    ("a SPF \\# 0", "has no value of the type SPF in its bytes"),
    ("a NSAP 47000580005a", "is not a value of the type NSAP"),
    ("a NSAP 0x470", "is not a value of the type NSAP"),
    ("a SINK 1 2", "is not a value of the type SINK"),
    ("a A6 64 ::1", "is not a value of the type A6"),
    ("a A6 129 ns1", "is not a value of the type A6"),
    ("a A6 0 2001:db8::1 ns1", "is not a value of the type A6"),
    ("a MX \\# 2 000a", "has no value of the type MX in its bytes"),
    ("a TXT \\# 0", "has no value of the type TXT in its bytes"),
    ("a NULL abc", "is not a value of the type NULL"),
    ("a TXT", "has no value"),
    ("a A 192.0.2.1 192.0.2.2", "is not a value of the type A"),
    ("a LP 10 x y", "has \"y\" after its value"),
    ("a ISDN a b c", "is not a value of the type ISDN"),
    ("a RP h", "is not a value of the type RP"),
    ("a LOC 91 N 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 52 N 4 E", "is not a value of the type LOC"),
    ("a APL 1:192.0.2.0/33", "is not a value of the type APL"),
    ("a EUI48 00-00-5e-00-53", "is not a value of the type EUI48"),
    ("a L64 10 2001:db8::", "is not a value of the type L64"),
    ("a IPSECKEY 10 1 2 2001:db8::1 AAAA", "is not a value of the type IPSECKEY"),
    ("a CERT PGP 0 0 A*A", "is not a value of the type CERT"),
    ("a OPENPGPKEY AAAAA", "is not a value of the type OPENPGPKEY"),
    ("a DS 1 13 2 0", "is not a value of the type DS"),
    ("@ NSEC b FOO", "is not a value of the type NSEC"),
    ("@ RRSIG A 13 2 300 20300101000000 20250101000000 1 @", "is not a value of the type RRSIG"),
    (
        "@ RRSIG A 13 2 300 20301301000000 20250101000000 1 @ AAAA",
        "is not a value of the type RRSIG",
    ),
    (
        "@ RRSIG A 13 2 300 20300101000000 20250101006000 1 @ AAAA",
        "is not a value of the type RRSIG",
    ),
    ("@ RRSIG A 13 2 300 20300101000000 99999999999 1 @ AAAA", "is not a value of the type RRSIG"),
    ("a HTTPS 1 . port=65536", "has the parameter \"port\""),
    ("a HTTPS 1 . alpn=h2 alpn=h3", "has the parameter \"alpn\" twice"),
    ("a HTTPS 1 . mandatory=alpn", "has the parameter \"mandatory\""),
    ("a HTTPS 1 . ech=A*", "has the parameter \"ech\""),
    ("a HTTPS 1 . key7", "has the parameter \"key7\""),
    ("a HTTPS 1 . key0=x", "has the parameter \"key0\""),
    ("a CERT FOO 1 8 AAAA", "is not a value of the type CERT"),
    ("a CERT PKIX 1 FOO AAAA", "is not a value of the type CERT"),
    ("a NSEC3 1 0 0 - x A", "is not a value of the type NSEC3"),
    ("a LOC 52.5 N 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 52 22.5 N 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 52 22 23.1234 N 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 90 0 1 N 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 52 N 4 E 1.234m", "is not a value of the type LOC"),
    ("a LOC 52 N 4 E 0m -1m", "is not a value of the type LOC"),
    ("a LOC 52 n 4 E 0m", "is not a value of the type LOC"),
    ("a LOC 52 N 4 E 0mm", "is not a value of the type LOC"),
    ("a APL !!1:192.0.2.0/24", "is not a value of the type APL"),
    ("a HTTPS 1 . foo=bar", "has the parameter \"foo\""),
    ("@ SOA ns1 h 2 2 3 4 5", "is a second SOA, but a zone has one"),
    ("sub SOA ns1 h 1 2 3 4 5", "is an SOA below the apex, which begins another zone"),
    ("@ CNAME www", "is a CNAME at the apex"),
    ("a CNAME b\na HTTPS 0 b", "is beside the CNAME on line 4"),
    ("a CNAME b\na DNSKEY 257 3 13 AAAA", "is beside the CNAME on line 4"),
    ("a CNAME b\na DNAME c", "is beside the CNAME on line 4"),
    ("a DNAME b\na DNAME c", "has several values, but a name has one DNAME"),
    ("# a comment", "begins with #, which is not a comment in a zone file"),
    ("a ALIAS x", "has the type ALIAS, and no answer holds it"),
    ("@ WINS L2 C900 ( 192.0.2.9 )", "has the type WINS, and no answer holds it"),
    ("a [AGE:3563210] 1200 A 192.0.2.7", "has the time stamp [AGE:3563210] of Windows DNS"),
    ("a A 192.0.2.1\rb A 192.0.2.300", "is not an IPv4 address"),
];

/// named-checkzone 9.18 or nsd-checkzone 4.6 loads all of them. `-`: left out.
const LOADED: &[(&str, &str)] = &[
    ("a 1h30m A 192.0.2.1", "A 192.0.2.1"),
    ("a 1W2d CLASS1 TYPE1 192.0.2.1", "A 192.0.2.1"),
    ("a CLASS01 A 192.0.2.1", "A 192.0.2.1"),
    ("a EUI48 0-0-5e-0-53-2a", "EUI48 some"),
    ("a LOC 90 0 0 N 180 0 0 E -100000m 90000000m", "LOC some"),
    ("a CERT 1 1 8 AAAA", "CERT some"),
    ("a A \\# 4 c0000201", "A 192.0.2.1"),
    ("a MX \\# 3 000a00", "MX 10 ."),
    ("a TXT \\# 2 01 61", "TXT a"),
    ("a EUI48 00-00-5e-00-53-2a", "EUI48 some"),
    ("a HIP 2 200100107B1A74DF365639CC39F1D578 AQ== rvs", "HIP some"),
    ("a NID 10 0014:4fff:ff20:ee64", "NID some"),
    ("a ISDN \"isdn-address\"", "ISDN some"),
    ("a WKS 192.0.2.1 tcp 25", "WKS some"),
    ("a RP h.example.net. .", "RP some"),
    ("a SPF v=spf1 -all", "SPF some"),
    ("a URI 10 1 \"http://x/\"", "URI some"),
    ("a LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "LOC some"),
    ("a APL", "APL some"),
    ("a APL 1:192.168.32.0/21 !2:2001:db8::/32", "APL some"),
    ("a NAPTR 1 1 \"!\" \"\" \"\" .", "NAPTR some"),
    ("a DS \\# 5 0001080100", "-"),
    ("a HINFO \\# 2 0000", "HINFO some"),
    ("a EUI48 \\# 6 000000000000", "EUI48 some"),
    ("a URI \\# 5 0001000161", "URI some"),
    ("a SVCB \\# 3 000000", "SVCB some"),
    ("a APL \\# 0", "APL some"),
    ("a NSAP 0x47.0005.80.005a", "NSAP some"),
    ("a SINK 1 2 3", "SINK some"),
    ("a A6 0 2001:db8::1", "A6 some"),
    ("a A6 64 ::1 ns1", "A6 some"),
    ("a A6 128 ns1", "A6 some"),
    ("a DOA 1 2 3 \"text/plain\" -", "DOA some"),
    ("a KEY 0 0 0 0", "-"),
    ("a NULL \\# 0", "NULL some"),
    ("a TYPE65280 \\# 2 0 102", "TYPE65280 some"),
    ("a WALLET ETH 0x", "TYPE262 some"),
    ("a CERT PKIX 0 0 AAAA", "CERT some"),
    ("a IPSECKEY 10 0 0 .", "IPSECKEY some"),
    ("a AMTRELAY 128 1 3 relay.example.org.", "AMTRELAY some"),
    ("a HTTPS 1 . alpn=\"h2,h3\" ech=\"AEj+\" key65535=x no-default-alpn", "HTTPS some"),
    ("a SVCB 0 x", "SVCB some"),
    (
        "a CNAME b\na RRSIG CNAME 13 3 300 20300101000000 20250101000000 1 @ AAAA",
        "CNAME b.example.net.",
    ),
    ("a CNAME b\na CNAME B", "CNAME b.example.net."),
    ("@ 0 TYPE65534 \\# 5 ( 0DCE0E0001 )", "-"),
    ("@ SOA ns1 hostmaster 0 7200 3600 1209600 300", "-"),
    ("example.org. SOA ns1 h 1 2 3 4 5", "-"),
    ("$DATE 19700101000000", "-"),
    ("; one\r; two\r", "-"),
];

#[test]
fn a_line_that_no_server_loads_is_refused_with_its_reason() {
    for &(line, reason) in REFUSED {
        let found = read(line);
        assert!(found.len() == 1 && found[0].starts_with("zone:"), "{line}: {found:?}");
        assert!(found[0].contains(reason), "{line}: {found:?}");
    }
    for soa in ["1 2 3 4", "1 2 3 4 5 6", "-1 2 3 4 5", "1h 2 3 4 5", "1 2h30 3 4 5"] {
        let found = read_beside(&format!("@ SOA ns1 h {soa}\n"), &[]);
        assert!(found[0].starts_with("zone:1: "), "{soa}: {found:?}");
    }
    let long = read(&format!("a TXT {}\n", "x".repeat(256)));
    assert!(long[0].ends_with("is not a value of the type TXT"), "{long:?}");
    let raw = read_beside("\0\0\0\u{2}\0\0\0\u{1}", &[]);
    assert_eq!(raw, ["zone: is a raw file of BIND"]);
}

#[test]
fn a_line_that_a_server_loads_is_expected_or_left_out() {
    for &(line, expected) in LOADED {
        let owner = format!("a.example.net. {expected}");
        let expected: &[String] = if expected == "-" { &[] } else { &[owner] };
        assert_eq!(read(line), expected, "{line}");
    }
}
