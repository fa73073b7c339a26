//! The addresses of an endpoint, and the nameservers that know them.

use super::*;

#[tokio::test]
async fn a_name_in_our_zone_has_the_addresses_from_our_nameservers() {
    let setup = Setup::new();
    let (listener, url) = tcp(THERE);
    assert_eq!(setup.verdict(&url).await.findings[0].address.ip(), HERE);
    setup.zone.set("@", RecordType::A, &["127.0.0.2"]);
    assert_eq!(setup.said(&url).await, "well");
    setup.zone.set("@", RecordType::A, &["127.0.0.1", "127.0.0.2"]);
    let both = setup.verdict(&url).await;
    assert_eq!((both.observed_addresses, both.findings.len()), (2, 1), "each address counts");
    let out = setup.verdict(&url.replace("www", "out")).await;
    assert_eq!(out.findings[0].address.ip(), HERE, "an alias to a name outside of our zones");
    setup.zone.set("www", RecordType::CNAME, &[]);
    let nowhere = setup.verdict(&url).await;
    assert_eq!(nowhere.findings[0].address, setup.servers[0].addr());
    expect(&said(&nowhere), "down no-address: it says that the name has no address…");
    setup.zone.set("www", RecordType::A, &["127.0.0.2"]);
    drop(listener);
    assert_eq!(setup.said(&url).await, CLOSED);
}

#[tokio::test]
async fn a_name_in_a_delegated_zone_has_the_addresses_from_there() {
    let setup = Setup::new();
    let port = setup.servers[0].addr().port();
    let below = ZoneData::parse(
        "sub.example.net",
        "@ 300 SOA ns hostmaster 1 2 3 4 5\nwww 300 A 127.0.0.2",
    );
    let server = SocketServer::start(THERE, port, Nameserver::new([below.clone()]));
    setup.servers[1].nameserver().set(Behaviour::Silent);
    setup.zone.set("sub", RecordType::NS, &["ns.sub.example.net."]);
    setup.zone.set("ns.sub", RecordType::A, &["127.0.0.2"]);
    let (listener, url) = tcp(THERE);
    let url = url.replace("www.", "www.sub.");
    assert_eq!(setup.said(&url).await, "well");
    drop(listener);
    assert_eq!(setup.said(&url).await, CLOSED);
    below.set("www", RecordType::A, &[]);
    let nowhere = setup.verdict(&url).await;
    assert_eq!(nowhere.findings[0].address, server.addr());
    server.nameserver().set(Behaviour::Refused);
    expect(
        &setup.said(&url).await,
        "unknown: none of the nameservers of sub.example.net answers for www.sub.example.net",
    );
}

#[tokio::test]
async fn addresses_after_the_eighth_are_left_out_and_counted() {
    let setup = Setup::new();
    let web = Web::http(HERE, Site::page(200, "", ""));
    let ninety: Vec<String> = (1..=90).map(|n| format!("127.0.0.{n}")).collect();
    let ninety: Vec<&str> = ninety.iter().map(String::as_str).collect();
    setup.zone.set("other", RecordType::A, &ninety);
    let url = http(&web, "").replace("www.", "other.");
    let verdict = setup.verdict(&url).await;
    assert_eq!((verdict.observed_addresses, verdict.findings.len()), (8, 7), "one is well");
    assert_eq!(verdict.why.as_deref(), Some("8 of its addresses are checked, and 82 left out"));
}

#[tokio::test]
async fn a_nameserver_that_is_dead_or_wrong_is_not_the_endpoints_fault() {
    let setup = Setup::new();
    let (_listener, url) = tcp(HERE);
    for server in &setup.servers {
        // More addresses than a datagram takes come over TCP.
        server.nameserver().set(Behaviour::TruncatedEmpty);
    }
    assert_eq!(setup.said(&url).await, "well");
    for behaviour in
        [Behaviour::Silent, Behaviour::PortClosed, Behaviour::Refused, Behaviour::NxDomain]
    {
        setup.servers[0].nameserver().set(behaviour.clone());
        assert_eq!(setup.said(&url).await, "well", "{behaviour:?}");
    }
    for server in &setup.servers {
        server.nameserver().set(Behaviour::ServFail);
    }
    expect(
        &setup.said(&url).await,
        "unknown: none of the nameservers of example.net answers for www.example.net",
    );
}

#[tokio::test]
async fn an_offline_family_leaves_its_addresses_unknown() {
    let mut setup = Setup::new();
    let (_listener, url) = tcp(HERE);
    setup.zone.set("@", RecordType::AAAA, &["::1"]);
    let offline = setup.verdict(&url).await;
    assert_eq!((offline.observed_addresses, offline.findings.len()), (1, 0));
    assert!(offline.unobserved_addresses[0].is_ipv6());
    setup.anchors.push(anchor(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    let online = setup.verdict(&url).await;
    assert_eq!((online.observed_addresses, online.findings.len()), (2, 1));
    assert!(online.findings[0].address.is_ipv6());
}
