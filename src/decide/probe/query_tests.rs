use super::*;

fn config(text: &str) -> Config {
    Config::parse("test.toml", text).unwrap()
}

const TWO: &str = r#"
    [[nameserver]]
    name = "ns1.example.net"
    addresses = ["127.0.0.1:5301", "[::1]:5301"]
    [[nameserver]]
    name = "ns2.example.net"
    addresses = ["127.0.0.2"]
    [vantage]
    anchors = ["127.0.0.9:53", "[::1]:53"]
    [[zone]]
    name = "example.net"
    records = [{ name = "www", type = "A", values = ["192.0.2.80"] }, { name = "@", type = "SOA" }]
    [[zone]]
    name = "example.org"
    nameservers = ["ns2.example.net"]
"#;

#[test]
fn every_address_gets_queries_for_the_soa_over_both_transports_and_for_every_listed_set() {
    let targets = targets(&config(TWO));
    let asked: Vec<String> = targets
        .iter()
        .flat_map(|t| {
            let address = t.address;
            t.queries.iter().map(move |q| format!("{address} {} {q}", q.transport))
        })
        .collect();
    let first = |address: &str| {
        [
            "UDP example.net SOA",
            "UDP example.net NS",
            "UDP www.example.net A",
            "TCP example.net SOA",
            "UDP www.example.net AAAA",
            "UDP . SOA",
            "UDP example.net SOA",
        ]
        .map(|q| format!("{address} {q}"))
    };
    let mut expected = Vec::new();
    expected.extend(first("127.0.0.1:5301"));
    expected.extend(first("[::1]:5301"));
    expected.extend(first("127.0.0.2:53"));
    let hourly = expected.split_off(expected.len() - 3);
    expected.extend(
        ["UDP example.org SOA", "UDP example.org NS", "TCP example.org SOA"]
            .map(|q| format!("127.0.0.2:53 {q}")),
    );
    expected.extend(hourly);
    assert_eq!(asked, expected);
}

#[test]
fn the_dig_command_sends_the_same_query_in_the_same_way() {
    let targets = targets(&config(TWO));
    let digs = |n: usize, q: usize| {
        dig(&targets[n].address, &targets[n].queries[q], DigOptions::default())
    };
    assert_eq!(
        digs(0, 2),
        "dig @127.0.0.1 -p 5301 +norecurse +nocookie +bufsize=1232 www.example.net A"
    );
    assert_eq!(
        digs(2, 3),
        "dig @127.0.0.2 +norecurse +nocookie +bufsize=1232 +tcp example.net SOA"
    );
    assert_eq!(
        digs(2, 0),
        "dig @127.0.0.2 +norecurse +nocookie +bufsize=1232 +dnssec example.net SOA"
    );
    assert_eq!(
        digs(0, 6),
        "dig @127.0.0.1 -p 5301 +norecurse +cookie +bufsize=1232 example.net SOA"
    );
    assert_eq!(digs(0, 5), "dig @127.0.0.1 -p 5301 +recurse +nocookie +bufsize=1232 . SOA");
}

#[test]
fn the_dig_command_shows_how_long_was_waited_and_that_edns_was_left_out() {
    let target = &targets(&config(TWO))[2];
    let shown = DigOptions { no_edns: true, timeout: true, dnssec: true };
    assert_eq!(
        dig(&target.address, &target.queries[0], shown),
        "dig @127.0.0.2 +norecurse +nocookie +noedns +tries=1 +time=2 example.net SOA"
    );
}

#[test]
fn dig_accepts_names_of_any_bytes_and_types_without_a_name() {
    let labels: [&[u8]; 3] = [b"my `printer`.", b"*", b"net"];
    let name = Name::from_labels(labels).unwrap();
    let set = RecordSet { name, rtype: RecordType::Unknown(65280), expected: Expected::Some };
    let query = Query {
        zone: None,
        set: Arc::new(set),
        transport: Transport::Udp,
        kind: QueryKind::Records,
    };
    let at = "127.0.0.1:53".parse().unwrap();
    assert_eq!(
        dig(&at, &query, DigOptions::default()),
        r"dig @127.0.0.1 +norecurse +nocookie +bufsize=1232 'my\032\096printer\096\046.*.net' TYPE65280"
    );
}

#[test]
fn hourly_queries_are_not_in_every_round_and_one_about_recursion_is_never_sent_to_a_root_server() {
    let targets = targets(&config(TWO));
    let whole = targets[0].queries.len();
    let without = targets[0].without_hourly();
    assert_eq!((without.queries.len(), without.address), (whole - 3, targets[0].address));
    assert!(without.queries.iter().all(|query| !query.kind.hourly()));
    let root = format!("{TWO}\n[[zone]]\nname = \".\"");
    for target in super::targets(&config(&root)) {
        assert!(target.queries.iter().all(|query| query.kind != QueryKind::Recursion));
    }
}

#[test]
fn what_must_not_exist_is_queried_in_turn() {
    let records: String = (0..20)
        .map(|n| format!("{{ name = \"r{n:02}\", type = \"A\", values = [\"192.0.2.1\"] }},"))
        .collect();
    let text = TWO.replace("{ name = \"@\", type = \"SOA\" }", &records);
    let config = config(&text);
    let target = &targets(&config)[0];
    let asked = |turn| {
        let target = target.in_turn(&config, turn);
        let absent = target.queries.iter().filter(|query| query.kind == QueryKind::Absent);
        absent.map(|query| query.to_string()[..3].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(asked(0), "www r00 r01 r02 r03 r04 r05 r06");
    assert_eq!(asked(1), "r07 r08 r09 r10 r11 r12 r13 r14");
    assert_eq!(asked(2), "r15 r16 r17 r18 r19 www r00 r01");
    assert_eq!(target.in_turn(&config, usize::MAX / 8).queries.len(), target.queries.len());
}

#[test]
fn the_expected_ns_set_is_the_watched_nameservers_unless_the_records_list_another() {
    let expected = |text: &str| {
        let config = config(text);
        let target = &targets(&config)[0];
        let ns = target.queries.iter().find(|q| q.set.rtype == RecordType::NS).unwrap();
        match &ns.set.expected {
            Expected::Records(records) => {
                records.iter().map(ToString::to_string).collect::<Vec<_>>()
            }
            _ => Vec::new(),
        }
    };
    assert_eq!(expected(TWO), ["ns1.example.net.", "ns2.example.net."]);
    let listed = TWO.replace(
        r#"{ name = "@", type = "SOA" }"#,
        r#"{ name = "@", type = "NS", values = ["ns2", "ns9.example.org."] }"#,
    );
    assert_eq!(expected(&listed), ["ns2.example.net.", "ns9.example.org."]);
}
