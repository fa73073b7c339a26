use super::*;
use crate::config::{Config, Environment, read_file};
use crate::decide::judge::finding::Severity;
use crate::decide::judge::round::Judgement;
use crate::decide::judge::uplink::Family;
use crate::decide::probe::endpoint::EndpointCheck;
use crate::decide::probe::endpoint::endpoint_checks;
use crate::decide::probe::endpoint_error::CertificateEnd;
use crate::decide::show::panel::{LampState, PanelState, SubjectLamp};
use crate::decide::testing::{ONLINE, at, well};
use crate::decide::track::state::MonitorState;
use std::sync::Arc;

const TEXT: &str = r#"
    nameserver = [{ name = "ns1.example.net", addresses = ["192.0.2.1", "192.0.2.2:5353"] }]
    zone = [{ name = "example.net" }]
    [[endpoint]]
    url = "https://www.example.net"
    contains = "Welcome"
    [[endpoint]]
    url = "http://example.net/old?a=1&b=2"
    location = "/new"
    [[endpoint]]
    url = "tcp://mail.example.net:25"
    [[endpoint]]
    url = "https://[2001:db8::80]:8443/"
    status = [200, 401]
    ca = "tests/fakes/web/ca.pem"
"#;

fn check(index: usize) -> Arc<EndpointCheck> {
    endpoint_checks(
        &Config::parse_in(
            Environment { host_name: "", read: &read_file, for_reports: false },
            "test.toml",
            TEXT,
        )
        .unwrap(),
    )
    .remove(index)
}

fn result(index: usize, found: CheckOutcome) -> EndpointResult {
    EndpointResult { check: check(index), outcome: found, left_out: 0 }
}

fn address_result(address: &str, outcome: EndpointReply) -> AddressResult {
    let latency = Duration::from_millis(34);
    AddressResult { address: address.parse().unwrap(), outcome, latency, certificate: None }
}

fn page(status: u16, location: Option<&str>, contains: bool) -> EndpointReply {
    let contains = if contains { Search::Found } else { Search::Missing };
    let location = location.map(str::to_owned);
    EndpointReply::Page { status, location, retry_after: None, contains }
}

/// What is said of the endpoint after one address_result.
fn rows(index: usize, outcome: EndpointReply) -> Vec<Finding> {
    let address = match index {
        1 => "192.0.2.80:80",
        2 => "192.0.2.25:25",
        3 => "[2001:db8::80]:8443",
        _ => "192.0.2.80:443",
    };
    let found = CheckOutcome::Addresses(vec![address_result(address, outcome)]);
    verdict(&result(index, found), ONLINE, &at(0)).findings
}

fn said(index: usize, outcome: EndpointReply) -> Vec<String> {
    rows(index, outcome).iter().map(|row| format!("{}: it {}", row.fault, row.detail)).collect()
}

#[test]
fn an_expected_answer_is_well() {
    for (index, outcome) in [
        (0, page(204, None, true)),
        (1, page(301, Some("/new"), true)),
        (1, page(302, Some("http://example.net/new"), true)),
        (1, page(302, Some("HTTP://EXAMPLE.net:80/new"), true)),
        (1, page(302, Some("new"), true)),
        (2, EndpointReply::Open),
        (3, page(401, None, true)),
    ] {
        assert_eq!(said(index, outcome.clone()), [""; 0], "{outcome:?}");
    }
}

#[test]
fn every_unexpected_answer_is_reported_with_the_expected_one() {
    for (index, outcome, text) in [
        (0, page(503, None, false), "status: it answers with 503, not 2xx"),
        (0, page(302, Some("/"), true), "status: it answers with 302, not 2xx, and leads to /"),
        (3, page(500, None, true), "status: it answers with 500, not 200 or 401"),
        (1, page(200, None, true), "status: it answers with 200, not 3xx"),
        (1, page(301, Some("/login"), true), "location: it leads to /login, not to /new"),
        (
            1,
            page(301, Some("//evil.example/new"), true),
            "location: it leads to //evil.example/new, not to /new",
        ),
        (1, page(304, None, true), "location: it leads nowhere, not to /new"),
        (
            0,
            page(200, None, false),
            "text: it answers with a page that does not contain \"Welcome\" in its first megabyte",
        ),
    ] {
        assert_eq!(said(index, outcome), [text]);
    }
}

#[test]
fn every_endpoint_error_reads_as_the_end_of_a_sentence_and_is_down() {
    let time = Duration::from_secs(10);
    let names = ["a.example", "b.example"].map(str::to_owned).to_vec();
    let end = CertificateEnd { at: at(0).wall.unwrap(), issuer: None };
    for (trouble, text) in [
        (EndpointError::Silent(time), "silent: it takes no connection within 10 s"),
        (
            EndpointError::Mute(time),
            "mute: it takes the connection, and does not answer completely within 10 s",
        ),
        (EndpointError::Closed, "closed: it refuses the connection: nothing listens on the port"),
        (
            EndpointError::BrokenOff,
            "broken-off: it breaks the connection off before its answer is complete",
        ),
        (
            EndpointError::CertificateEnded(end),
            "certificate-ended: it has a certificate that ended at 2026-01-01 12:00:00 UTC",
        ),
        (
            EndpointError::CertificateName(names),
            "certificate-name: it has a certificate for other names: a.example, b.example",
        ),
    ] {
        let row = rows(0, EndpointReply::Failed(trouble)).remove(0);
        assert_eq!(format!("{}: it {}", row.fault, row.detail), text);
        assert_eq!(row.severity, Severity::Down);
    }
}

#[test]
fn text_of_a_server_is_bounded_and_printable() {
    let hostile = "\u{1b}[2J".repeat(10_000);
    let busy = |location: Option<&str>, retry_after: Option<&str>| EndpointReply::Page {
        status: 503,
        location: location.map(str::to_owned),
        retry_after: retry_after.map(str::to_owned),
        contains: Search::Found,
    };
    assert_eq!(
        said(0, busy(None, Some("120"))),
        ["status: it answers with 503, not 2xx, and asks to wait (Retry-After: 120)"]
    );
    for outcome in [
        busy(Some(&hostile), None),
        busy(None, Some(&hostile)),
        page(302, Some(&hostile), true),
        EndpointReply::Failed(EndpointError::CertificateName(vec![hostile.clone(); 9])),
        EndpointReply::Failed(EndpointError::CertificateCommonName(hostile.clone())),
        EndpointReply::Failed(EndpointError::Garbled(hostile.clone())),
    ] {
        let said = said(1, outcome).remove(0);
        assert!(!said.contains('\u{1b}') && said.len() < 2_500, "{said}");
    }
}

#[test]
fn what_we_cannot_read_is_degraded() {
    let unreadable = Search::Unreadable("read a page that is compressed (br)".to_owned());
    let page = EndpointReply::Page {
        status: 200,
        location: None,
        retry_after: None,
        contains: unreadable,
    };
    let row = rows(0, page).remove(0);
    assert_eq!((row.severity, row.fault.to_string().as_str()), (Severity::Degraded, "unsupported"));
    assert_eq!(
        row.detail,
        "cannot be judged: pilotlight cannot read a page that is compressed (br)"
    );
}

#[test]
fn the_command_repeats_tls_names_and_the_dot_at_the_end_of_a_host() {
    let text = r#"
        nameserver = [{ name = "ns1.example.net", addresses = ["192.0.2.1"] }]
        zone = [{ name = "example.net" }]
        [[endpoint]]
        url = "https://WWW.example.net./"
        [[endpoint]]
        url = "tls://my_shop.example.net:993"
        [[endpoint]]
        url = "smtp://mail.example.net"
        ca = "tests/fakes/web/ca.pem"
    "#;
    let environment = Environment { host_name: "", read: &read_file, for_reports: false };
    let config = Config::parse_in(environment, "test.toml", text).unwrap();
    let command = |check: Arc<EndpointCheck>| {
        let closed = EndpointReply::Failed(EndpointError::Closed);
        let outcome = CheckOutcome::Addresses(vec![address_result("192.0.2.80:1", closed)]);
        let result = EndpointResult { check, outcome, left_out: 0 };
        verdict(&result, ONLINE, &at(0)).findings.remove(0).command
    };
    let commands: Vec<String> = endpoint_checks(&config).into_iter().map(command).collect();
    assert_eq!(
        commands,
        [
            "curl -i -m 10 --resolve www.example.net.:443:192.0.2.80 'https://www.example.net./'",
            "openssl s_client -connect 192.0.2.80:993 -servername my_shop.example.net </dev/null",
            "openssl s_client -connect 192.0.2.80:25 -servername mail.example.net -starttls smtp -CAfile \
             'tests/fakes/web/ca.pem' </dev/null",
        ]
    );
}

#[test]
fn the_command_asks_the_same_of_the_same_address() {
    let closed = || EndpointReply::Failed(EndpointError::Closed);
    let commands: Vec<String> = (0..4).map(|n| rows(n, closed()).remove(0).command).collect();
    assert_eq!(
        commands,
        [
            "curl -i -m 10 --resolve www.example.net:443:192.0.2.80 'https://www.example.net/'",
            "curl -i -m 10 --resolve example.net:80:192.0.2.80 'http://example.net/old?a=1&b=2'",
            "nc -vz -w 10 192.0.2.25 25",
            "curl -i -m 10 --cacert 'tests/fakes/web/ca.pem' 'https://[2001:db8::80]:8443/'",
        ]
    );
    let ended = rows(0, EndpointReply::Failed(EndpointError::CertificateAhead)).remove(0);
    assert!(ended.command.starts_with("curl -vI "), "{}", ended.command);
    let server = "192.0.2.2:5353".parse().unwrap();
    let nowhere =
        verdict(&result(0, CheckOutcome::NoAddress(server)), ONLINE, &at(0)).findings.remove(0);
    assert_eq!(nowhere.command, "dig @192.0.2.2 -p 5353 +norecurse +nocookie www.example.net A");
    assert_eq!(
        (nowhere.fault.to_string().as_str(), nowhere.severity),
        ("no-address", Severity::Down)
    );
}

#[test]
fn a_certificate_that_ends_soon_is_degraded_unless_the_clock_is_not_set() {
    let days = |days: i64| {
        at(0).wall.unwrap() + Duration::from_secs(86_400) * u32::try_from(days).unwrap()
    };
    let verdict = |left, moment: &Moment| {
        let address_result = address_result("192.0.2.80:443", page(200, None, true));
        let end = CertificateEnd { at: days(left), issuer: None };
        let address_result = AddressResult { certificate: Some(end), ..address_result };
        verdict(&result(0, CheckOutcome::Addresses(vec![address_result])), ONLINE, moment)
    };
    let soon = verdict(13, &at(0));
    assert_eq!(soon.severity(), Some(Severity::Degraded));
    assert_eq!(
        soon.findings[0].detail,
        "has a certificate that ends at 2026-01-14 12:00:00 UTC: it should have been renewed by now"
    );
    assert_eq!(soon.latency, Some(Duration::from_millis(34)), "it did answer");
    assert_eq!(verdict(14, &at(0)).findings, []);
    let undated = Moment { wall: None, ..at(0) };
    assert_eq!(verdict(1, &undated).findings, []);
}

#[test]
fn an_endpoint_in_an_offline_family_is_unknown() {
    let both = CheckOutcome::Addresses(vec![
        address_result("192.0.2.80:443", page(200, None, true)),
        address_result("[2001:db8::80]:443", EndpointReply::Failed(EndpointError::Closed)),
    ]);
    let uplink = Uplink { ipv4: Family::Online, ipv6: Family::Offline };
    let seen = verdict(&result(0, both.clone()), uplink, &at(0));
    assert_eq!(
        (seen.findings.len(), seen.observed_addresses, seen.unobserved_addresses.len()),
        (0, 1, 1)
    );
    assert_eq!(verdict(&result(0, both), ONLINE, &at(0)).findings.len(), 1);
    let server = "[2001:db8::1]:53".parse().unwrap();
    assert_eq!(verdict(&result(0, CheckOutcome::NoAddress(server)), uplink, &at(0)).findings, []);
}

#[test]
fn a_failure_on_our_own_side_is_unknown_with_its_reason() {
    let local = || EndpointReply::Local("no file is left".to_owned());
    for found in [
        CheckOutcome::Unknown("no file is left".to_owned()),
        CheckOutcome::Addresses(vec![address_result("192.0.2.80:443", local())]),
    ] {
        let verdict = verdict(&result(0, found), ONLINE, &at(0));
        assert_eq!((verdict.findings.len(), verdict.observed_addresses), (0, 0));
        assert_eq!(verdict.why.as_deref(), Some("no file is left"));
    }
}

#[test]
fn endpoints_follow_the_nameservers_and_have_those_that_serve_their_names() {
    let check = check(2);
    assert_eq!(check.subject, 3);
    assert_eq!(check.zones[0].servers.len(), 2);
    assert!(check.may_use(true) && check.may_use(false));
    assert!(self::check(3).may_use(true) && !self::check(3).may_use(false));
}

/// A monitor state over [`TEXT`], in which the first page has a lamp of its own, after rounds that brought this.
fn watched(found: &[CheckOutcome]) -> MonitorState {
    let text = TEXT.replacen("contains", "lamp = 5\n    contains", 1);
    let config = Config::parse_in(
        Environment { host_name: "", read: &read_file, for_reports: false },
        "test.toml",
        &text,
    )
    .unwrap();
    let mut monitor = MonitorState::new(&config);
    for (round, found) in (0..).zip(found) {
        let now = at(round * 10);
        let verdicts = vec![(0, well()), (1, verdict(&result(0, found.clone()), ONLINE, &now))];
        let judgement = Judgement { uplink: ONLINE, verdicts };
        monitor = monitor.after(&judgement, now, &config.schedule, "one").0;
    }
    monitor
}

fn closed() -> CheckOutcome {
    CheckOutcome::Addresses(vec![address_result(
        "192.0.2.80:443",
        EndpointReply::Failed(EndpointError::Closed),
    )])
}

#[test]
fn an_endpoint_that_is_down_has_no_number_but_its_subject_lamp() {
    let good =
        || CheckOutcome::Addresses(vec![address_result("192.0.2.80:443", page(200, None, true))]);
    let unknown = || CheckOutcome::Unknown("nobody knows".to_owned());
    for (outcome, state, sign) in [
        (vec![good()], PanelState::Well, LampState::Well),
        (vec![closed()], PanelState::Suspect, LampState::Asked),
        (vec![closed(), closed(), closed()], PanelState::Down(vec![]), LampState::Down),
        (vec![closed(), closed(), closed(), unknown()], PanelState::Down(vec![]), LampState::Down),
        (vec![good(), unknown()], PanelState::Well, LampState::Unknown),
    ] {
        let panel = watched(&outcome).panel_view();
        assert_eq!(panel.notice, outcome.last() == Some(&unknown()), "{outcome:?}");
        assert_eq!(panel.lamps, [SubjectLamp { lamp: 5, state: sign }], "{outcome:?}");
        assert_eq!(panel.state, state, "{outcome:?}");
    }
}
