//! Web endpoints, from the file to the verdict: real connections to a server on loopback, and names that a
//! scripted nameserver answers for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use pilotlight::config::Config;
use pilotlight::decide::judge::finding::Finding;
use pilotlight::decide::judge::finding::Verdict;
use pilotlight::decide::judge::round::judge;
use pilotlight::decide::probe::endpoint::endpoint_checks;
use pilotlight::decide::probe::query::targets;
use pilotlight::io::clock::Clock;
use pilotlight::io::dns::limits::ProbeLimits;
use pilotlight::io::dns::socket::Net;
use pilotlight::io::inspector::Inspector;

use crate::peers::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::peers::dns::socket::SocketServer;
use crate::peers::web::{Site, Web, authority};
use crate::program::{Setting, anchor, loopback};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

const ZONE: &str = "\
@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 300 NS ns1
@ 300 A 127.0.0.1
www 300 CNAME example.net.
other 300 A 127.0.0.1
out 300 CNAME localhost.";

/// Within the time of the peer's certificate.
const SPRING: &str = "2026-04-01T00:00:00Z";

/// Two nameservers of one zone, an anchor, and what is configured about an endpoint.
struct Stage {
    zone: ZoneData,
    servers: [SocketServer; 2],
    anchor: SocketServer,
    /// Speaks IPv6, for those who need it.
    anchor6: Option<SocketServer>,
    clock: &'static str,
}

impl Stage {
    fn new() -> Self {
        let zone = ZoneData::parse("example.net", ZONE);
        let server = || SocketServer::start(HERE, 0, Nameserver::new([zone.clone()]));
        let servers = [server(), server()];
        Self { servers, zone, anchor: anchor(HERE), anchor6: None, clock: SPRING }
    }

    fn config(&self, endpoint: &str) -> String {
        let mut anchors = vec![self.anchor.addr()];
        anchors.extend(self.anchor6.as_ref().map(SocketServer::addr));
        let servers = [self.servers[0].addr()];
        let zone = format!(
            "[[nameserver]]\nname = \"ns2.example.net\"\naddresses = [\"{}\"]\n[[zone]]\nname = \"example.net\"\nrecords = [{{ name = \"@\", type = \"NS\", values = [\"ns1\"] }}]\n[[endpoint]]\n{endpoint}\n",
            self.servers[1].addr()
        );
        loopback(&servers, &anchors, &zone)
    }

    /// One round, and what it says of the endpoint.
    async fn look(&self, endpoint: &str) -> Verdict {
        let config = Config::parse("test.toml", &self.config(endpoint));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Clock::starting_at(self.clock.parse().unwrap());
        let limits = ProbeLimits { timeout: Duration::from_secs(1), ..ProbeLimits::at_rate(0) };
        let inspector = Inspector::new(Net::default(), clock, limits);
        let checks = endpoint_checks(&config);
        let round = inspector.round(&targets(&config), &checks, &config.vantage).await;
        judge(&config, &round).verdicts.pop().unwrap().1
    }

    async fn said(&self, endpoint: &str) -> String {
        said(&self.look(endpoint).await)
    }
}

fn said(verdict: &Verdict) -> String {
    let rows: Vec<String> = verdict.findings.iter().map(sentence).collect();
    match verdict.observed_addresses {
        0 => format!("unknown: {}", verdict.why.as_deref().unwrap_or_default()),
        _ if rows.is_empty() => "well".to_owned(),
        _ => rows.join("; "),
    }
}

fn sentence(row: &Finding) -> String {
    format!("{} {}: it {}", row.severity, row.fault, row.detail)
}

fn http(web: &Web, more: &str) -> String {
    format!("url = \"http://www.example.net:{}/\"\n{more}", web.port())
}

fn https(web: &Web, host: &str, more: &str) -> String {
    let (port, ca) = (web.port(), authority());
    format!("url = \"https://{host}:{port}/\"\nca = {:?}\n{more}", ca.display())
}

#[tokio::test]
async fn a_page_is_judged_by_its_status_its_text_and_where_it_leads() {
    let stage = Stage::new();
    let web = Web::http(HERE, Site::page(200, "", "Welcome home"));
    let with = |more| http(&web, more);
    assert_eq!(stage.said(&with("")).await, "well");
    assert_eq!(stage.said(&with("contains = \"come ho\"")).await, "well");
    let missing = stage.said(&with("contains = \"welcome\"")).await;
    assert!(missing.starts_with("down text: it answers with a page that does not"), "{missing}");
    let other = stage.said(&with("status = 204")).await;
    assert_eq!(other, "down status: it answers with 200, not 204");
    web.set(Site::page(503, "", "Welcome home"));
    assert_eq!(stage.said(&with("")).await, "down status: it answers with 503, not 2xx");
    assert_eq!(stage.said(&with("status = [401, 503]")).await, "well");
    web.set(Site::page(301, "location: /new\r\n", ""));
    assert_eq!(stage.said(&with("")).await, "down status: it answers with 301, not 2xx");
    assert_eq!(stage.said(&with("location = \"/new\"")).await, "well");
    let elsewhere = stage.said(&with("location = \"https://www.example.net/\"")).await;
    assert_eq!(elsewhere, "down location: it leads to /new, not to https://www.example.net/");
}

#[tokio::test]
async fn it_says_who_asks_and_follows_and_remembers_nothing() {
    let stage = Stage::new();
    let cookie = "set-cookie: id=1\r\nlocation: /new\r\n";
    let web = Web::http(HERE, Site::page(302, cookie, ""));
    for _ in 0..2 {
        stage.said(&http(&web, "")).await;
    }
    let requests = web.requests();
    assert_eq!(requests.len(), 2, "no redirect is followed");
    for request in requests {
        let request = request.to_lowercase();
        let agent = format!("\r\nuser-agent: pilotlight/{}\r\n", env!("CARGO_PKG_VERSION"));
        let host = format!("\r\nhost: www.example.net:{}\r\n", web.port());
        assert!(request.starts_with("get / http/1.1\r\n"), "{request}");
        assert!(request.contains(&agent) && request.contains(&host), "{request}");
        assert!(!request.contains("cookie") && !request.contains("authorization"), "{request}");
    }
}

#[tokio::test]
async fn a_page_in_pieces_is_put_together_and_a_long_one_is_not_read_to_its_end() {
    let stage = Stage::new();
    let chunks =
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nWel\r\n4\r\ncome\r\n0\r\n\r\n";
    let web = Web::http(HERE, Site::Sends(chunks.to_owned()));
    assert_eq!(stage.said(&http(&web, "contains = \"Welcome\"")).await, "well");
    web.set(Site::Sends("HTTP/1.0 200 X\r\n\r\nWelcome".to_owned()));
    assert_eq!(stage.said(&http(&web, "contains = \"Welcome\"")).await, "well");
    web.set(Site::page(200, "", &format!("{}Welcome", "x".repeat(1024 * 1024))));
    let late = stage.said(&http(&web, "contains = \"Welcome\"")).await;
    assert!(late.starts_with("down text: "), "{late}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_as_one_is_down() {
    let stage = Stage::new();
    let web = Web::http(HERE, Site::Resets);
    let soon = "timeout = \"1s\"\ncontains = \"Welcome\"";
    let broken = "down broken-off: it breaks the connection off before its answer is complete";
    assert_eq!(stage.said(&http(&web, soon)).await, broken);
    web.set(Site::Sends(String::new()));
    assert_eq!(stage.said(&http(&web, soon)).await, broken);
    web.set(Site::Sends("HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nWel".to_owned()));
    assert_eq!(stage.said(&http(&web, soon)).await, broken);
    let mute = "down mute: it takes the connection, and does not answer completely within 1 s";
    web.set(Site::Stalls(String::new()));
    assert_eq!(stage.said(&http(&web, soon)).await, mute);
    web.set(Site::Stalls("HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nWel".to_owned()));
    assert_eq!(stage.said(&http(&web, soon)).await, mute);
    web.set(Site::Sends("220 mail.example.net ESMTP\r\n".to_owned()));
    let garbled = stage.said(&http(&web, soon)).await;
    assert!(garbled.starts_with("down garbled: it sends something"), "{garbled}");
    let url = http(&web, "");
    drop(web);
    let closed = "down closed: it refuses the connection: nothing listens on the port";
    let mut last = String::new();
    for _ in 0..100 {
        last = stage.said(&url).await; // the listener closes when it has woken up
        if last == closed {
            break;
        }
    }
    assert_eq!(last, closed);
}

#[tokio::test]
async fn a_certificate_is_good_for_its_names_and_its_time() {
    let mut stage = Stage::new();
    let web = Web::https(HERE, Site::page(200, "", "Welcome"));
    let good = https(&web, "www.example.net", "contains = \"Welcome\"");
    assert_eq!(stage.said(&good).await, "well");
    let name = stage.said(&https(&web, "other.example.net", "")).await;
    assert!(name.starts_with("down certificate-name: it has a certificate for other names: "));
    assert!(name.contains("www.example.net"), "{name}");
    for (clock, text) in [
        ("2026-12-17T23:00:00Z", "well"),
        (
            "2026-12-18T01:00:00Z",
            "degraded certificate-ends: it has a certificate that ends at 2027-01-01 00:00:00 UTC: it should have been renewed by now",
        ),
        (
            "2027-01-02T00:00:00Z",
            "down certificate-ended: it has a certificate that ended at 2027-01-01 00:00:00 UTC",
        ),
        (
            "2025-12-31T00:00:00Z",
            "down certificate-ahead: it has a certificate that is not valid yet",
        ),
    ] {
        stage.clock = clock;
        assert_eq!(stage.said(&good).await, text, "{clock}");
    }
    stage.clock = "2026-12-18T01:00:00Z";
    let later = https(&web, "www.example.net", "certificate-warning = \"7d\"");
    assert_eq!(stage.said(&later).await, "well");
}

#[tokio::test]
async fn who_is_not_trusted_or_has_no_tls_is_down() {
    let stage = Stage::new();
    let web = Web::https(HERE, Site::page(200, "", ""));
    let public = format!("url = \"https://www.example.net:{}/\"", web.port());
    assert_eq!(
        stage.said(&public).await,
        "down certificate-untrusted: it has a certificate that nobody vouches for whom we trust: its issuer is unknown, or it has signed itself"
    );
    let plain = Web::http(HERE, Site::Sends("HTTP/1.1 400 X\r\n\r\n".to_owned()));
    let verdict = stage.look(&https(&plain, "www.example.net", "timeout = \"1s\"")).await;
    assert!(
        ["tls", "broken-off", "mute"].contains(&verdict.findings[0].fault.to_string().as_str()),
        "{verdict:?}"
    );
    let empty = "url = \"https://www.example.net/\"\nca = \"Cargo.toml\"";
    let unknown = stage.said(empty).await;
    assert!(unknown.starts_with("unknown: endpoint.ca: "), "{unknown}");
    assert!(unknown.ends_with("no certificate in it; it must be a PEM file"), "{unknown}");
}

#[tokio::test]
async fn a_port_is_open_or_it_is_not() {
    let stage = Stage::new();
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let url = format!("url = \"tcp://www.example.net:{}\"", listener.local_addr().unwrap().port());
    assert_eq!(stage.said(&url).await, "well");
    drop(listener);
    let closed = "down closed: it refuses the connection: nothing listens on the port";
    assert_eq!(stage.said(&url).await, closed);
}

#[tokio::test]
async fn a_name_of_ours_leads_where_our_nameservers_say() {
    let stage = Stage::new();
    let listener = TcpListener::bind((THERE, 0)).unwrap();
    let url = format!("url = \"tcp://www.example.net:{}\"", listener.local_addr().unwrap().port());
    let here = stage.look(&url).await;
    assert_eq!(here.findings[0].address.ip(), HERE);
    stage.zone.set("@", RecordType::A, &["127.0.0.2"]);
    assert_eq!(stage.said(&url).await, "well");
    stage.zone.set("@", RecordType::A, &["127.0.0.1", "127.0.0.2"]);
    let both = stage.look(&url).await;
    assert_eq!((both.observed_addresses, both.findings.len()), (2, 1), "each address counts");
    stage.zone.set("www", RecordType::CNAME, &[]);
    let nowhere = stage.look(&url).await;
    assert_eq!(nowhere.findings[0].address, stage.servers[0].addr());
    assert_eq!(
        said(&nowhere),
        "down no-address: it says that the name has no address, neither A nor AAAA"
    );
    let out = url.replace("www", "out");
    assert_eq!(
        stage.look(&out).await.findings[0].address.ip(),
        HERE,
        "an alias to somebody else's name"
    );
}

#[tokio::test]
async fn a_nameserver_that_is_dead_or_wrong_is_not_the_endpoints_fault() {
    let stage = Stage::new();
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let url = format!("url = \"tcp://www.example.net:{}\"", listener.local_addr().unwrap().port());
    for behaviour in
        [Behaviour::Silent, Behaviour::PortClosed, Behaviour::Refused, Behaviour::NxDomain]
    {
        stage.servers[0].nameserver().set(behaviour.clone());
        assert_eq!(stage.said(&url).await, "well", "{behaviour:?}");
    }
    for server in &stage.servers {
        server.nameserver().set(Behaviour::ServFail);
    }
    let unknown = "unknown: none of your nameservers answers for www.example.net";
    assert_eq!(stage.said(&url).await, unknown);
}

#[tokio::test]
async fn a_family_that_is_offline_here_accuses_nobody() {
    let mut stage = Stage::new();
    let listener = TcpListener::bind((HERE, 0)).unwrap();
    let url = format!("url = \"tcp://www.example.net:{}\"", listener.local_addr().unwrap().port());
    stage.zone.set("@", RecordType::AAAA, &["::1"]);
    let blind = stage.look(&url).await;
    assert_eq!((blind.observed_addresses, blind.findings.len()), (1, 0));
    assert!(blind.unobserved_addresses[0].is_ipv6());
    stage.anchor6 = Some(anchor(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    let seeing = stage.look(&url).await;
    assert_eq!((seeing.observed_addresses, seeing.findings.len()), (2, 1));
    let at: SocketAddr = seeing.findings[0].address;
    assert!(at.is_ipv6());
}

#[test]
fn check_shows_endpoints_below_the_nameservers_and_counts_them() {
    let stage = Stage::new();
    let web = Web::http(HERE, Site::page(200, "", ""));
    let setting = Setting::new(&stage.config(&http(&web, "")));
    let ran = setting.run(&["check"]);
    let line = ran.out.lines().last().unwrap();
    assert!(
        line.starts_with(&format!("- http://www.example.net:{}/  well ", web.port())),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    web.set(Site::page(500, "", ""));
    let ran = setting.run(&["check", "--json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let view: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let endpoint = &view["endpoints"][0];
    assert_eq!(
        (&endpoint["state"], &endpoint["faults"][0]["fault"]),
        (&"down".into(), &"status".into())
    );
    assert_eq!(view["meaning"], format!("down: http://www.example.net:{}/", web.port()));
    assert_eq!(ran.nameserver()["state"], "well");
    let ran = setting.run(&["config"]);
    let line = format!("- http://www.example.net:{}/: answers with 2xx, within 10 s\n", web.port());
    assert!(ran.out.contains(&line), "{ran:?}");
}
