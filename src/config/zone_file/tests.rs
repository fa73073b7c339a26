use hickory_resolver::proto::serialize::txt::Parser;

use super::super::records::Expected;
use super::super::registry::type_text;
use super::*;
use hickory_resolver::proto::rr::RData;

fn apex() -> Name {
    name::absolute("example.net").unwrap()
}

const SOA: &str = "@ IN SOA ns1 hostmaster ( 0 ; serial\n 7200 3600\n\t1209600 300 )\n";

/// `name TYPE value, value` for each record set to expect, or the problems.
fn read_beside(text: &str, inline: &[(&str, RecordType)]) -> Vec<String> {
    let inline = inline.iter().map(|&(name, rtype)| RecordSet {
        name: name::within(name, &apex()).unwrap(),
        rtype,
        expected: Expected::Some,
    });
    let inline: Vec<_> = inline.map(Arc::new).collect();
    let shown = |set: &Arc<RecordSet>| {
        let values = match &set.expected {
            Expected::Records(values) => {
                values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Expected::Some => "some".to_owned(),
        };
        format!("{} {} {values}", set.name.to_ascii(), type_text(set.rtype))
    };
    match super::read("zone", text.as_bytes(), &apex(), &inline, &HashSet::new()) {
        Ok(sets) => sets.iter().map(shown).collect(),
        Err(Problems { list, more }) => {
            let more = (more > 0).then(|| format!("and {more} more"));
            list.iter().map(Problem::what).chain(more).collect()
        }
    }
}

fn read(text: &str) -> Vec<String> {
    read_beside(&format!("{SOA}{text}"), &[])
}

#[test]
fn every_form_of_rfc_1035_is_read() {
    let text = "\u{feff}$TTL 1h30m ; of all\r\n\
        $ORIGIN net.\r\n\
        example 300 IN SOA ns1.example hostmaster.example 0 ( 7200\r\n 3600 1209600 300 )\r\n\
        \tNS ns1.example\r\n\
        \r\n\
        ; nothing\r\n\
        $ORIGIN example ; below net.\r\n\
        @ MX 10 mail\r\n  1d IN MX 20 Mail.Example.ORG.\r\n\
        WWW IN 300 CNAME @\r\n\
        ns1 a 192.0.2.1\r\n aaaa (\r\n 2001:db8::1 )\r\n\
        $origin sub\r\n\
        a\\.b A 192.0.2.2\r\n\
        $ORIGIN 2.0.192.in-addr.arpa.\r\n\
        1 PTR ns1.example.net.\r\n";
    assert_eq!(
        read_beside(text, &[]),
        [
            "example.net. NS ns1.example.net.",
            "example.net. MX 10 mail.example.net., 20 Mail.Example.ORG.",
            "www.example.net. CNAME example.net.",
            "ns1.example.net. A 192.0.2.1",
            "ns1.example.net. AAAA 2001:db8::1",
            "a\\.b.sub.example.net. A 192.0.2.2",
        ]
    );
}

#[test]
fn text_equals_the_servers_answer_however_it_is_split_quoted_and_escaped() {
    for written in [
        r#""v=DKIM1; k=rsa; " "p=M\"I\\I\195\169""#,
        "( \"v=DKIM1; k=rsa; \" ; the key\n  \"p=M\\\"I\\\\I\\195\\169\" )",
        r#""v=DKIM1\; k=rsa; p=" M\"I\\I\195é"#,
    ] {
        let text = format!("{SOA}key._domainkey TXT {written}\n");
        let sets = super::read("zone", text.as_bytes(), &apex(), &[], &HashSet::new()).unwrap();
        let Expected::Records(values) = &sets[0].expected else { panic!("{sets:?}") };
        let RData::TXT(txt) = &values[0] else { panic!("{values:?}") };
        let expected = match written.ends_with('é') {
            true => b"v=DKIM1; k=rsa; p=M\"I\\I\xc3\xc3\xa9".as_slice(),
            false => b"v=DKIM1; k=rsa; p=M\"I\\I\xc3\xa9",
        };
        assert_eq!(txt.txt_data.concat(), expected, "{written}");
    }
    let latin = [format!("{SOA}a TXT ").as_bytes(), b"\"caf\xe9\" ; \xe9\n"].concat();
    let sets = super::read("zone", &latin, &apex(), &[], &HashSet::new()).unwrap();
    let text = RData::TXT(hickory_resolver::proto::rr::rdata::TXT::from_bytes(vec![b"caf\xe9"]));
    assert_eq!(sets[0].expected, Expected::Records(vec![text]));
}

#[test]
fn delegations_glue_and_dnssec_records_are_left_out() {
    let text = "@ NS ns1\n@ DNSKEY 257 3 13 AAAA\n@ NSEC3PARAM 1 0 0 -\n@ ZONEMD 1 1 1 00\n\
        ns1 A 192.0.2.1\n RRSIG A 13 3 300 20260101000000 20250101000000 1 example.net. AAAA\n\
        sub NS ns.sub\n NS ns1\n DS 1 13 2 00\nns.sub A 192.0.2.2\n*.deep.sub A 192.0.2.3\n\
        subway A 192.0.2.4\n\
        old DNAME new\nbelow.old A 192.0.2.5\nold TXT \"at it, and not below\"\n\
        elsewhere.example.org. A 192.0.2.6\n";
    assert_eq!(
        read(text),
        [
            "example.net. NS ns1.example.net.",
            "ns1.example.net. A 192.0.2.1",
            "subway.example.net. A 192.0.2.4",
            "old.example.net. DNAME some",
            "old.example.net. TXT at it, and not below",
        ]
    );
}

#[test]
fn a_wildcard_is_queried_with_a_name_that_nothing_else_matches() {
    let text = "* A 192.0.2.1\n* MX 10 @\nx.PILOTLIGHT0 A 192.0.2.2\n*.deep CNAME www.example.org.\na.*.b A 192.0.2.3\n";
    let expected = |label| {
        [
            format!("{label}.example.net. A 192.0.2.1"),
            format!("{label}.example.net. MX 10 example.net."),
            "x.pilotlight0.example.net. A 192.0.2.2".to_owned(),
            "pilotlight0.deep.example.net. CNAME www.example.org.".to_owned(),
            "a.*.b.example.net. A 192.0.2.3".to_owned(),
        ]
    };
    assert_eq!(read(text), expected("pilotlight1"));
    let inline = [("x.pilotlight1", RecordType::A)];
    assert_eq!(read_beside(&format!("{SOA}{text}"), &inline), expected("pilotlight2"));
}

#[test]
fn records_in_the_configuration_replace_those_of_the_file() {
    let text = format!(
        "{SOA}www A 192.0.2.1\nwww AAAA 2001:db8::1\nftp CNAME www\nmx A 192.0.2.2\nmx TXT a\n"
    );
    let inline = [("www", RecordType::A), ("ftp", RecordType::A), ("mx", RecordType::CNAME)];
    assert_eq!(read_beside(&text, &inline), ["www.example.net. AAAA 2001:db8::1"]);
}

#[test]
fn a_type_that_is_not_compared_is_queried_and_must_exist() {
    let text = "a TLSA 3 1 1 ( 0D6F CE3C\n 0d6f )\na SSHFP 4 2 0d6fce3c\na LOC 52 22 23 N 4 53 32 E -2m\n\
        a HTTPS 1 . alpn=\"h2,h3\"\na TYPE65280 \\# 2 0102\na A \\# 4 c0000201\na HINFO a b\nb TXT \\# 2 0161\nb TXT \"x\"\n";
    assert_eq!(
        read(text),
        [
            "a.example.net. TLSA 3 1 1 0d6fce3c0d6f",
            "a.example.net. SSHFP 4 2 0d6fce3c",
            "a.example.net. LOC some",
            "a.example.net. HTTPS some",
            "a.example.net. TYPE65280 some",
            "a.example.net. A 192.0.2.1",
            "a.example.net. HINFO some",
            "b.example.net. TXT a, x",
        ]
    );
}

#[test]
fn every_problem_has_its_line() {
    let text = "$INCLUDE keys.db\n$GENERATE 1-9 a$ A 192.0.2.$\n$TTL\n$FOO 1\nwww A 192.0.2.300\na..b A 192.0.2.1\n A 192.0.2.2\n\
        www IN\nwww FOO 1\nwww CH A 192.0.2.1\nmx MX mail\n( a\nTXT \"b )\nmx MX 10 mail\\300.\nmx A 192.0.2.1 )\nmx TLSA 3 1 1 xy\nmx A (\n";
    assert_eq!(
        read(text),
        [
            r#"zone:4: "$INCLUDE keys.db" is not supported: a zone file must be complete"#,
            r#"zone:5: "$GENERATE 1-9 a$ A 192.0.2.$" is not supported: a zone file must be complete"#,
            r#"zone:6: "$TTL" is not a control entry with its value"#,
            r#"zone:7: "$FOO 1" is not a control entry with its value"#,
            r#"zone:8: "www A 192.0.2.300" is not an IPv4 address"#,
            r#"zone:9: "a..b A 192.0.2.1" has an empty label"#,
            r#"zone:10: "A 192.0.2.2" begins with a blank, and no line before it has a name"#,
            r#"zone:11: "www IN" has no type"#,
            r#"zone:12: "www FOO 1" has "FOO" as its type"#,
            r#"zone:13: "www CH A 192.0.2.1" is not in the class IN"#,
            r#"zone:14: "mx MX mail" is not a value of the type MX"#,
            r#"zone:15: has a quote that is not closed"#,
            r#"zone:17: "mx MX 10 mail\\300." has the escape \300, which is not valid"#,
            r#"zone:18: has a ) without its ("#,
            r#"zone:19: "mx TLSA 3 1 1 xy" has "xy" as its hexadecimal bytes"#,
            r#"zone:20: has a ( without its )"#,
        ]
    );
    assert_eq!(
        read("www A 192.0.2.1\nwww CNAME @\nftp CNAME @\nftp CNAME @\nx CNAME a\nx CNAME b\n"),
        [
            r#"zone:4: "www.example.net. A" is beside the CNAME on line 5, which must be alone"#,
            r#"zone:8: "x.example.net. CNAME" has several values, but a name has one CNAME"#,
        ]
    );
    assert_eq!(
        read_beside("www A 192.0.2.1\n", &[]),
        [r#"zone: has no SOA record of example.net."#]
    );
    assert_eq!(read_beside("\0\u{1}", &[]), [r#"zone:1: "\0\u{1}" has no type"#]);
}

#[test]
fn fifty_of_many_problems_are_listed_and_the_others_counted() {
    let beside: String = (0..2_000).map(|n| format!("a{n} CNAME b\na{n} TXT x\n")).collect();
    for (text, more) in [
        ("www A x\n".repeat(20_000), "and 19950 more"),
        ("www TXT \"\n".repeat(2_000), "and 1950 more"),
        (beside, "and 1950 more"),
    ] {
        let found = read(&text);
        assert_eq!((found.len(), &*found[50]), (51, more));
    }
    let long = read(&format!("www {} x\n", "X".repeat(1 << 20)));
    assert!(long[0].len() < 1_000, "{}", long[0].len());
}

/// Beside each line, what is wrong with it. named-checkzone 9.18 refuses all of them.
#[test]
fn a_line_that_no_server_loads_is_refused_with_its_reason() {
    for (line, reason) in [
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
        (
            "@ RRSIG A 13 2 300 20300101000000 20250101000000 1 @",
            "is not a value of the type RRSIG",
        ),
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
    ] {
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

/// named-checkzone 9.18 or nsd-checkzone 4.6 loads all of them. `-`: left out.
#[test]
fn a_line_that_a_server_loads_is_expected_or_left_out() {
    for (line, expected) in [
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
    ] {
        let owner = format!("a.example.net. {expected}");
        let expected: &[String] = if expected == "-" { &[] } else { &[owner] };
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn below_an_apex_dname_nothing_is_expected_and_at_it_everything() {
    assert_eq!(
        read("@ DNAME b.example.org.\n@ TXT x\nwww A 192.0.2.1\n"),
        ["example.net. DNAME some", "example.net. TXT x"]
    );
}

#[test]
fn another_zone_of_the_configuration_is_a_cut_without_ns_records() {
    let cuts = HashSet::from([apex(), name::absolute("sub.example.net").unwrap()]);
    let text =
        format!("{SOA}www.sub A 192.0.2.10\nx.sub TXT old\nsub A 192.0.2.1\nsubway A 192.0.2.2\n");
    let sets = super::read("zone", text.as_bytes(), &apex(), &[], &cuts).unwrap();
    let names: Vec<String> = sets.iter().map(|set| set.name.to_ascii()).collect();
    assert_eq!(names, ["subway.example.net."]);
}

#[test]
fn a_set_has_as_many_records_as_an_answer_can_hold() {
    let lines = |count: usize| -> String {
        (0..count).map(|n| format!("a A 10.{}.{}.{}\n", n >> 16, n >> 8 & 255, n & 255)).collect()
    };
    assert_eq!(read(&lines(5_000)).len(), 1);
    assert_eq!(read(&lines(5_002)).len(), 2, "a problem for each record that is too many");
}

#[test]
fn thousands_of_wildcards_each_have_a_name() {
    let text: String = (0..14_000).map(|n| format!("*.n{n} A 192.0.2.1\n*.n{n} TXT x\n")).collect();
    let sets = read(&text);
    assert_eq!((sets.len(), &*sets[1]), (28_000, "pilotlight0.n0.example.net. TXT x"));
}

/// Why ours is used. What is one day right here needs it no more.
#[test]
fn hickorys_zone_file_parser_still_fails_where_ours_succeeds() {
    let wrong = |line: &str, right: &str| {
        let text = format!("{SOA}$TTL 300\n{line}\n").replace(SOA, &SOA.replace("IN", "300 IN"));
        assert_eq!(read(line), [right], "ours");
        let theirs = Parser::new(text, None, Some(apex())).parse().map(|(_, sets)| {
            let sets = sets.values().filter(|set| set.record_type() != RecordType::SOA);
            let records = sets.flat_map(|set| set.records_without_rrsigs());
            let shown = |r: &hickory_resolver::proto::rr::Record| {
                format!("{} {} {}", r.name, r.record_type(), super::super::canonical(&r.data))
            };
            records.map(shown).collect::<Vec<_>>()
        });
        assert_ne!(theirs.unwrap_or_default(), [right], "hickory's");
    };
    wrong("k TXT ( \"v=DKIM1; p=\"\n \"MII\" )", "k.example.net. TXT v=DKIM1; p=MII");
    wrong(r#"k TXT "a\066c""#, "k.example.net. TXT aBc");
    wrong("www CNAME @", "www.example.net. CNAME example.net.");
    wrong("mx MX 10 @", "mx.example.net. MX 10 example.net.");
    wrong("a LOC 52 22 23 N 4 53 32 E -2m", "a.example.net. LOC some");
}
