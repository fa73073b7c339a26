//! Web endpoints, from the configuration to the verdict: real connections to a server on loopback, and names
//! that a scripted nameserver answers for.

mod names;
mod tls;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use pilotlight::config::{Config, Environment, read_file};
use pilotlight::decide::judge::finding::{Finding, Verdict};
use pilotlight::decide::judge::round::judge;
use pilotlight::decide::probe::endpoint::endpoint_checks;
use pilotlight::decide::probe::query::targets;
use pilotlight::io::clock::Clock;
use pilotlight::io::dns::limits::ProbeLimits;
use pilotlight::io::dns::socket::Net;
use pilotlight::io::inspector::Inspector;

use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::web::{Site, Web, authority, client};
use crate::home::{Home, PATIENCE, wait};
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

const BROKEN: &str = "down broken-off: it breaks the connection off before its answer is complete";
const MUTE: &str = "down mute: it takes the connection, and does not answer completely within 1 s";
const CLOSED: &str = "down closed: it refuses the connection: nothing listens on the port";

/// Two nameservers of one zone, and anchors.
struct Setup {
    zone: ZoneData,
    servers: [SocketServer; 2],
    anchors: Vec<SocketServer>,
    clock: &'static str,
    deadline: Duration,
}

impl Setup {
    fn new() -> Self {
        let zone = ZoneData::parse("example.net", ZONE);
        let server = || SocketServer::start(HERE, 0, Nameserver::new([zone.clone()]));
        let servers = [server(), server()];
        let deadline = ProbeLimits::at_rate(0).deadline;
        Self { servers, zone, anchors: vec![anchor(HERE)], clock: SPRING, deadline }
    }

    fn config(&self, endpoints: &[String]) -> String {
        let anchors: Vec<_> = self.anchors.iter().map(SocketServer::addr).collect();
        let mut more = format!(
            "[[nameserver]]\nname = \"ns2.example.net\"\naddresses = [\"{}\"]\n[[zone]]\nname = \"example.net\"\n\
             records = [{{ name = \"@\", type = \"NS\", values = [\"ns1\"] }}]\n",
            self.servers[1].addr()
        );
        for endpoint in endpoints {
            writeln!(more, "[[endpoint]]\n{endpoint}").unwrap();
        }
        loopback(&[self.servers[0].addr()], &anchors, &more)
    }

    /// One round, and the verdicts on these endpoints.
    async fn round(&self, endpoints: &[String]) -> Vec<Verdict> {
        let environment = Environment { host_name: "", read: &read_file, for_reports: false };
        let config = Config::parse_in(environment, "test.toml", &self.config(endpoints));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Clock::starting_at(self.clock.parse().unwrap());
        let limits = ProbeLimits {
            timeout: Duration::from_secs(1),
            deadline: self.deadline,
            ..ProbeLimits::at_rate(0)
        };
        let inspector = Inspector::new(Net::default(), clock, limits);
        let checks = endpoint_checks(&config);
        let round = inspector.round(&targets(&config), &checks, &config.vantage).await;
        let verdicts = judge(&config, &round).verdicts.into_iter();
        verdicts.skip(2).map(|(_, verdict)| verdict).collect()
    }

    async fn verdict(&self, endpoint: &str) -> Verdict {
        self.round(&[endpoint.to_owned()]).await.remove(0)
    }

    async fn said(&self, endpoint: &str) -> String {
        said(&self.verdict(endpoint).await)
    }

    /// What is said of the web server when it does so, with these keys in the configuration. An expectation
    /// that ends in `…` is a beginning.
    async fn hold(&self, web: &Web, cases: &[(Site, &str, &str)]) {
        for (site, more, expected) in cases {
            web.set(site.clone());
            expect(&self.said(&http(web, more)).await, expected);
        }
    }
}

#[track_caller]
fn expect(said: &str, expected: &str) {
    match expected.strip_suffix('…') {
        Some(beginning) => assert!(said.starts_with(beginning), "{said}, not {expected}"),
        None => assert_eq!(said, expected),
    }
}

fn said(verdict: &Verdict) -> String {
    let findings: Vec<String> = verdict.findings.iter().map(sentence).collect();
    match verdict.observed_addresses {
        0 => format!("unknown: {}", verdict.why.as_deref().unwrap_or_default()),
        _ if findings.is_empty() => "well".to_owned(),
        _ => findings.join("; "),
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

/// A port that takes connections, and the keys of its endpoint.
fn tcp(ip: IpAddr) -> (TcpListener, String) {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("url = \"tcp://www.example.net:{port}\""))
}

#[tokio::test]
async fn a_page_is_judged_by_its_status_its_text_and_its_redirect() {
    let page = |status, headers| Site::page(status, headers, "Welcome home");
    let (ok, moved) = (page(200, ""), page(301, "location: /new\r\n"));
    let elsewhere = "location = \"https://www.example.net/\"";
    let cases = [
        (ok.clone(), "", "well"),
        (ok.clone(), "contains = \"come ho\"", "well"),
        (ok.clone(), "contains = \"welcome\"", "down text: it answers with a page that does not…"),
        (ok, "status = 204", "down status: it answers with 200, not 204"),
        (page(503, ""), "", "down status: it answers with 503, not 2xx"),
        (page(503, ""), "status = [401, 503]", "well"),
        (moved.clone(), "", "down status: it answers with 301, not 2xx, and leads to /new"),
        (moved.clone(), "location = \"/new\"", "well"),
        (moved, elsewhere, "down location: it leads to /new, not to https://www.example.net/"),
    ];
    Setup::new().hold(&Web::http(HERE, Site::Resets), &cases).await;
}

#[tokio::test]
async fn a_request_names_the_program_and_no_redirect_or_cookie_is_followed() {
    let setup = Setup::new();
    let cookie = "set-cookie: id=1\r\nlocation: /new\r\n";
    let web = Web::http(HERE, Site::page(302, cookie, ""));
    for _ in 0..2 {
        setup.said(&http(&web, "")).await;
    }
    let requests = web.requests();
    assert_eq!(requests.len(), 2, "no redirect is followed");
    for request in requests {
        let request = request.to_lowercase();
        let agent = format!("\r\nuser-agent: pilotlight/{}\r\n", env!("CARGO_PKG_VERSION"));
        let host = format!("get / http/1.1\r\nhost: www.example.net:{}\r\n", web.port());
        assert!(request.starts_with(&host) && request.contains(&agent), "{request}");
        assert!(!request.contains("cookie") && !request.contains("authorization"), "{request}");
    }
}

#[tokio::test]
async fn a_broken_late_or_foreign_answer_is_down_and_read_only_as_far_as_needed() {
    let sends = |text: &str| Site::Sends(text.to_owned());
    let stalls = |text: &str| Site::Stalls(text.to_owned());
    let keys = "timeout = \"1s\"\ncontains = \"Welcome\"";
    let chunked = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nWel\r\n4\r\ncome\r\n";
    let cut = "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nWel";
    let interim = "HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\nHTTP/1.1 200 X\r\n\r\nWelcome";
    let long = format!("{}Welcome", "x".repeat(1024 * 1024));
    let endless = format!("HTTP/1.1 200 X\r\n{}", "a: b\r\n".repeat(20_000));
    let cases = [
        (sends(&format!("{chunked}0\r\n\r\n")), keys, "well"),
        (stalls(chunked), keys, "well"),
        (sends("HTTP/1.0 200 X\r\n\r\nWelcome"), keys, "well"),
        (sends(interim), keys, "well"),
        (Site::page(200, "", &long), keys, "down text: …"),
        (Site::Resets, keys, BROKEN),
        (sends(""), keys, BROKEN),
        (sends(cut), keys, BROKEN),
        (stalls(""), keys, MUTE),
        (stalls(cut), keys, MUTE),
        (sends("220 mail.example.net ESMTP\r\n"), keys, "down garbled: it sends something…"),
        (
            sends(&endless),
            keys,
            "degraded unsupported: it cannot be judged: pilotlight cannot read headers…",
        ),
    ];
    let (setup, web) = (Setup::new(), Web::http(HERE, Site::Resets));
    setup.hold(&web, &cases).await;
    let url = http(&web, "");
    drop(web);
    let mut last = String::new();
    for _ in 0..100 {
        last = setup.said(&url).await; // the listener closes when it has woken up
        if last == CLOSED {
            break;
        }
    }
    assert_eq!(last, CLOSED);
}

#[tokio::test]
async fn headers_that_browsers_read_are_read() {
    let page = |headers: &str| Site::page(200, headers, "Welcome");
    let cookie = |c: char| page(&format!("set-cookie: a={c}b\r\n"));
    let keys = "contains = \"Welcome\"";
    let cases = [
        (page("x-folded: a\r\n b\r\n"), keys, "well"),
        (page("x-space : a\r\n"), keys, "well"),
        (page(" x-first: a\r\n"), keys, "well"),
        (cookie('\u{1}'), keys, "well"),
        (cookie('\u{e9}'), keys, "well"),
        (page("no colon at all\r\n"), keys, "well"),
        (page(&"x-many: a\r\n".repeat(2_000)), keys, "well"),
        (Site::Sends("HTTP/1.1 200\ncontent-length: 7\n\nWelcome".to_owned()), keys, "well"),
    ];
    Setup::new().hold(&Web::http(HERE, Site::Resets), &cases).await;
}

#[tokio::test]
async fn a_page_that_we_cannot_read_is_described() {
    let page = |headers: &str, body: &str| Site::page(200, headers, body);
    let latin_1 = b"HTTP/1.1 200 X\r\ncontent-type: text/html; charset=iso-8859-1\r\n\r\nK\xfcche";
    let (text, umlaut) = ("contains = \"Welcome\"", "contains = \"Küche\"");
    let unread = |what: &str| {
        format!("degraded unsupported: it cannot be judged: pilotlight cannot read a page {what}")
    };
    let (gzip, utf_16, greek) =
        (unread("that is compressed (gzip)"), unread("in utf-16le"), unread("in iso-8859-7"));
    let cases = [
        (page("content-encoding: gzip\r\n", "\u{1f}\u{8b}"), text, gzip.as_str()),
        (page("content-encoding: gzip\r\n", "\u{1f}\u{8b}"), "", "well"),
        (page("content-encoding: identity\r\n", "Welcome"), text, "well"),
        (page("content-type: text/html; charset=\"UTF-16LE\"\r\n", "W\0e\0"), text, &utf_16),
        (page("content-type: text/html; charset=iso-8859-7\r\n", "K"), umlaut, &greek),
        (page("content-type: text/html; charset=iso-8859-7\r\n", "Welcome"), text, "well"),
        (Site::Raw(latin_1.to_vec()), umlaut, "well"),
        (page("", "Küche"), umlaut, "well"),
    ];
    let web = Web::http(HERE, Site::Resets);
    Setup::new().hold(&web, &cases).await;
    let requests = web.requests();
    assert!(
        requests.iter().all(|r| r.contains("\r\nAccept-Encoding: identity\r\n")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn a_page_may_have_a_name_and_headers_and_an_underscore_in_its_host() {
    let setup = Setup::new();
    setup.zone.set("_my_shop", RecordType::A, &["127.0.0.1"]);
    let web = Web::http(HERE, Site::page(200, "", ""));
    let url = http(&web, "").replace("www.", "_my_shop.");
    let verdicts = setup
        .round(&[
            format!("{url}\nname = \"shop\"\nheaders = {{ accept = \"text/html\", X-Key = \"secret\" }}"),
            format!("{url}\nname = \"shop again\"\nstatus = 404\nheaders = {{ Accept = \"a/b\", X-Key = \"secret\" }}"),
        ])
        .await;
    let port = web.port();
    assert_eq!(said(&verdicts[0]), "well");
    assert_eq!(said(&verdicts[1]), "down status: it answers with 200, not 404");
    assert_eq!(
        verdicts[1].findings[0].command,
        format!(
            "curl -i -m 10 -H 'Accept: a/b' -H 'X-Key: …' --resolve _my_shop.example.net:{port}:127.0.0.1 \
             'http://_my_shop.example.net:{port}/'"
        )
    );
    let requests = web.requests();
    let first = requests.iter().find(|request| request.contains("text/html")).unwrap();
    let agent = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET / HTTP/1.1\r\nHost: _my_shop.example.net:{port}\r\nUser-Agent: pilotlight/{agent}\r\n"
    );
    assert!(first.starts_with(&expected) && !first.contains("*/*"), "{first}");
    assert!(first.contains("X-Key: secret\r\n"), "{first}");
}

#[tokio::test]
async fn a_host_that_hangs_delays_no_other_endpoint() {
    let mut setup = Setup::new();
    setup.deadline = Duration::from_secs(2);
    setup.zone.set("other", RecordType::A, &["127.0.0.2"]);
    let hanging = Web::http(THERE, Site::Stalls(String::new()));
    let (well, broken) = (Web::http(HERE, Site::page(200, "", "")), Web::http(HERE, Site::Resets));
    let (_listener, open) = tcp(HERE);
    // More than there are checks at once.
    let mut endpoints: Vec<String> = (0..100)
        .map(|n| format!("url = \"http://other.example.net:{}/{n}\"", hanging.port()))
        .collect();
    endpoints.extend([http(&well, ""), http(&broken, ""), open]);
    let verdicts = setup.round(&endpoints).await;
    let said: Vec<String> = verdicts.iter().map(said).collect();
    assert_eq!(said[100..], ["well", BROKEN, "well"]);
    assert!(
        said[..100].iter().all(|said| said == "unknown: the round ran out of time"),
        "{said:?}"
    );
    assert!(hanging.requests().len() <= 4, "at once, and abandoned at the end of the round");
}

#[test]
fn a_github_that_hangs_delays_no_endpoint() {
    let (plain, secure) =
        (Web::http(HERE, Site::page(200, "", "")), Web::https(HERE, Site::Resets));
    let home = Home::new();
    // Names that the system resolves.
    let endpoints = format!(
        "[[endpoint]]\nurl = \"http://localhost:{}/\"\n[[endpoint]]\n{}\n",
        plain.port(),
        https(&secure, "localhost", "")
    );
    home.write_config(2, &endpoints);
    home.github.set_hang(true);
    home.start();
    let waiting = || !home.github.requests().is_empty();
    assert!(wait(PATIENCE, waiting), "a report begins: {}", home.log());
    let asked = home.github.requests().len();
    plain.set(Site::page(500, "", ""));
    let states = || {
        let status = home.status().unwrap_or_default();
        [0, 1].map(|n| status["endpoints"][n]["state"].as_str().unwrap_or_default().to_owned())
    };
    let known = || states() == ["down", "down"];
    assert!(wait(Duration::from_secs(15), known), "{:?} {}", states(), home.log());
    assert_eq!(home.github.requests().len(), asked, "GitHub still has not answered");
}

#[test]
fn check_shows_endpoints_below_the_nameservers_and_counts_them() {
    let setup = Setup::new();
    let web = Web::http(HERE, Site::page(200, "", ""));
    let url = format!("http://www.example.net:{}/", web.port());
    let setting = Setting::new(&setup.config(&[http(&web, "")]));
    let ran = setting.run(&["check"]);
    let line = ran.out.lines().last().unwrap();
    assert!(line.starts_with(&format!("- {url}  well ")), "{ran:?}");
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
    assert_eq!(view["meaning"], format!("down: {url}"));
    assert_eq!(ran.nameserver()["state"], "well");
    let ran = setting.run(&["config"]);
    assert!(ran.out.contains(&format!("- {url}: answers with 2xx, within 10 s\n")), "{ran:?}");
}
