//! Real nameservers that answer, and yet not as they should.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::fakes::process::installed;
use crate::fakes::proxy::Proxy;
use crate::fakes::real::{Extra, Real, Software};
use crate::program::{Ran, Setting, anchor, loopback};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn soa(serial: u32) -> String {
    format!("@ SOA ns1 hostmaster {serial} 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n")
}

/// A round over one nameserver at this address, with these lines before its zone.
fn check_with(lines: &str, address: SocketAddr) -> Ran {
    let anchor = anchor(HERE);
    let zones = format!("{lines}\n[[zone]]\nname = \"example.net\"\n");
    Setting::new(&loopback(&[address], &[anchor.addr()], &zones)).run(&["check", "--json"])
}

fn check(address: SocketAddr) -> Ran {
    check_with("", address)
}

/// Runs every printed command, and looks for the fault in what it prints.
pub(super) fn commands_show_the_faults(server: &Value) {
    for row in server["faults"].as_array().unwrap() {
        let command = row["command"].as_str().unwrap();
        let dug = Ran::of(Command::new("/bin/sh").args(["-c", command])).out;
        let fault = row["fault"].as_str().unwrap();
        let detail = row["detail"].as_str().unwrap();
        let inner = ["truncated-", "tcp-", "edns-", "do-"]
            .iter()
            .fold(fault, |fault, prefix| fault.strip_prefix(prefix).unwrap_or(fault));
        let shown = match inner {
            "silent" => dug.contains("timed out"),
            "closed" => dug.contains("connection refused"),
            "open-recursion" => dug.contains(" rd ra;"),
            "unsigned" => dug.contains("SOA") && !dug.contains("RRSIG"),
            "serial-behind" => dug.contains("SOA"),
            "wrong-records" | "unexpected-records" | "ns-set" => {
                let unexpected =
                    detail.split_once("unexpected ").map_or("", |(_, records)| records);
                unexpected.split(", ").all(|record| dug.contains(record))
            }
            _ if inner.starts_with("signature-") => dug.contains("RRSIG"),
            _ => match inner.strip_prefix("rcode-") {
                Some(rcode) => dug.contains(&format!("status: {},", rcode.to_uppercase())),
                None => panic!("{fault} is new here"),
            },
        };
        assert!(shown, "{fault}: {detail}\n{command}\n{dug}");
    }
}

/// Severity and name of every fault, worst first.
fn faults(server: &Value) -> Vec<String> {
    commands_show_the_faults(server);
    let rows = server["faults"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| format!("{} {}", text(&row["severity"]), text(&row["fault"]))).collect()
}

/// What the command of the first fault prints.
fn dug(server: &Value) -> String {
    let command = server["faults"][0]["command"].as_str().unwrap();
    Ran::of(Command::new("/bin/sh").args(["-c", command])).out
}

/// Asks for the SOA so often at once that a server which limits its rate says so: it answers some with TC.
fn limits_its_rate(address: SocketAddr) -> bool {
    let socket = UdpSocket::bind((HERE, 0)).unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let packet = b"\x05\x39\0\0\0\x01\0\0\0\0\0\0\x07example\x03net\0\0\x06\0\x01";
    let mut cut = false;
    for _ in 0..20 {
        for _ in 0..100 {
            socket.send(packet).unwrap();
        }
        let mut answer = [0; 4096];
        while !cut && socket.recv(&mut answer).is_ok() {
            cut = answer[2] & 0x02 != 0;
        }
    }
    cut
}

#[test]
fn a_rate_limited_server_answers_all_of_many_queries() {
    let mut zone = soa(1);
    let mut records = String::new();
    for n in 0..300 {
        writeln!(zone, "r{n} A 192.0.2.1").unwrap();
        writeln!(records, "{{ name = \"r{n}\", type = \"A\", values = [\"192.0.2.1\"] }},")
            .unwrap();
    }
    let nsd = Real::start(Software::Nsd, &[HERE], &[("example.net", &zone)]);
    let address = nsd.addresses()[0];
    assert!(limits_its_rate(address), "this NSD answers as many as there are");
    let anchor = anchor(HERE);
    let zones = format!("[[zone]]\nname = \"example.net\"\nrecords = [\n{records}]\n");
    let setting = Setting::new(&loopback(&[address], &[anchor.addr()], &zones));
    let ran = setting.run(&["check", "--json"]);
    let server = ran.nameserver();
    assert_eq!((&server["state"], faults(&server)), (&"well".into(), vec![]), "{ran:?}");
    assert_eq!(server["questions"], 312);
    assert_eq!(server["unseen"].as_array().unwrap().len(), 0, "{ran:?}");
}

#[test]
fn a_bind_that_answers_twenty_queries_a_second_is_well() {
    let mut zone = soa(1);
    let mut records = String::new();
    for n in 0..60 {
        writeln!(zone, "r{n} A 192.0.2.1").unwrap();
        writeln!(records, "{{ name = \"r{n}\", type = \"A\", values = [\"192.0.2.1\"] }},")
            .unwrap();
    }
    let limit = " recursion no;\n rate-limit { all-per-second 20; };";
    let extra = Extra { server: limit, ..Extra::default() };
    let bind = Real::start_with(Software::Bind, &[HERE], &[("example.net", &zone)], extra);
    let address = bind.addresses()[0];
    let anchor = anchor(HERE);
    let zones = format!("[[zone]]\nname = \"example.net\"\nrecords = [\n{records}]\n");
    let setting = Setting::new(&loopback(&[address], &[anchor.addr()], &zones));
    let ran = setting.run(&["check", "--json"]);
    let server = ran.nameserver();
    assert_eq!((&server["state"], faults(&server)), (&"well".into(), vec![]), "{ran:?}");
}

#[test]
fn a_bind_with_recursion_is_an_open_resolver_and_one_without_is_well() {
    let root = anchor(HERE);
    let open = |who: &str| {
        let (ip, port) = (root.addr().ip(), root.addr().port());
        let server = format!(
            " recursion yes; allow-recursion {{ {who}; }}; allow-query-cache {{ {who}; }};\n \
             empty-zones-enable no; forward only; forwarders {{ {ip} port {port}; }};"
        );
        let extra = Extra { server: &server, ..Extra::default() };
        Real::start_with(Software::Bind, &[HERE], &[("example.net", &soa(1))], extra)
    };
    let bind = open("any");
    let ran = check(bind.addresses()[0]);
    let server = ran.nameserver();
    assert_eq!(faults(&server), ["degraded open-recursion"], "{ran:?}");
    assert_eq!(ran.code, Some(1));
    assert!(dug(&server).contains("flags: qr rd ra"), "{}", dug(&server));
    // It recurses, though not for us.
    let bind = open("192.0.2.1");
    let ran = check(bind.addresses()[0]);
    assert_eq!(faults(&ran.nameserver()), [""; 0], "{ran:?}");
}

#[test]
fn a_knot_with_signatures_of_hours_is_well() {
    let extra = Extra {
        server: "policy:\n - id: short\n   single-type-signing: on\n   rrsig-lifetime: 2h\n   \
                 rrsig-refresh: 1h\n   rrsig-pre-refresh: 0\n   propagation-delay: 0\n",
        zone: "   dnssec-signing: on\n   dnssec-policy: short\n",
    };
    let knot = Real::start_with(Software::Knot, &[HERE], &[("example.net", &soa(1))], extra);
    let ran = check(knot.addresses()[0]);
    assert_eq!(faults(&ran.nameserver()), [""; 0], "{ran:?}");
}

#[test]
fn keys_whose_signature_has_ended_are_down() {
    let zone =
        signed(&soa(1), &["-s", "20200101000000", "-e", "20880101000000", "-X", "20200201000000"]);
    let nsd = Real::start(Software::Nsd, &[HERE], &[("example.net", &zone)]);
    let ran = check(nsd.addresses()[0]);
    let server = ran.nameserver();
    assert_eq!(faults(&server), ["down signature-ended"], "{ran:?}");
    assert_eq!(server["faults"][0]["question"], "example.net DNSKEY");
    assert!(dug(&server).contains("RRSIG\tDNSKEY 13"), "{}", dug(&server));
}

/// The zone as `dnssec-signzone` signs it, with signatures that begin and end at these times.
fn presigned(begins: &str, ends: &str) -> String {
    signed(&soa(1), &["-s", begins, "-e", ends])
}

/// This zone as `dnssec-signzone` signs it with these arguments.
fn signed(zone: &str, more: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(installed(program, "bind9-utils"));
        let ran = Ran::of(command.current_dir(dir.path()).args(arguments));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    };
    let text = format!("$ORIGIN example.net.\n$TTL 300\n{zone}");
    fs::write(dir.path().join("zone"), text).unwrap();
    run("dnssec-keygen", &["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "example.net"]);
    let arguments = ["-S", "-z", "-P", "-o", "example.net", "-f", "signed"];
    run("dnssec-signzone", &[&arguments[..], more, &["zone"]].concat());
    fs::read_to_string(dir.path().join("signed")).unwrap()
}

#[test]
fn expired_and_future_signatures_are_down() {
    for (begins, ends, fault) in [
        ("20200101000000", "20200201000000", "down signature-ended"),
        ("20910101000000", "20910201000000", "down signature-ahead"),
        ("20200101000000", "20880101000000", ""),
    ] {
        let zone = presigned(begins, ends);
        let nsd = Real::start(Software::Nsd, &[HERE], &[("example.net", &zone)]);
        let ran = check(nsd.addresses()[0]);
        assert_eq!(faults(&ran.nameserver()).concat(), fault, "{ran:?}");
    }
}

/// A round over two nameservers, and what is wrong with each.
fn check_both(addresses: [SocketAddr; 2]) -> [Vec<String>; 2] {
    let anchor = anchor(HERE);
    let text = format!(
        "[vantage]\nanchors = [\"{}\"]\nintercept = []\n[[nameserver]]\nname = \"ns1.example.net\"\naddresses = \
         [\"{}\"]\n[[nameserver]]\nname = \"ns2.example.net\"\naddresses = [\"{}\"]\n[[zone]]\nname = \
         \"example.net\"\nrecords = [{{ name = \"@\", type = \"NS\", values = [\"ns1\"] }}]\n",
        anchor.addr(),
        addresses[0],
        addresses[1]
    );
    let ran = Setting::new(&text).run(&["check", "--json"]);
    let view: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    [0, 1].map(|index| faults(&view["nameservers"][index]))
}

#[test]
fn a_secondary_without_transfers_becomes_stale() {
    let acl = "acl:\n - id: any\n   address: 127.0.0.1\n   action: transfer\n";
    let extra = Extra { server: acl, zone: "   acl: any\n" };
    let mut knot = Real::start_with(Software::Knot, &[HERE], &[("example.net", &soa(1))], extra);
    let primary = knot.addresses()[0];
    let way = Proxy::tcp(HERE, primary);
    let from = way.address();
    let from = format!(" request-xfr: AXFR {}@{} NOKEY\n", from.ip(), from.port());
    let extra = Extra { zone: &from, ..Extra::default() };
    let nsd = Real::start_with(Software::Nsd, &[HERE], &[("example.net", "")], extra);
    let both = [primary, nsd.addresses()[0]];
    assert_eq!(check_both(both), [vec![], Vec::<String>::new()]);
    drop(way);
    knot.rewrite("example.net", &soa(2));
    knot.wait_until("it serves the new zone", || {
        check_both(both) == [vec![], vec!["degraded serial-behind".to_owned()]]
    });
}

#[test]
fn a_server_reachable_over_udp_only_is_degraded() {
    let server = Real::start(Software::Pdns, &[HERE], &[("example.net", &soa(1))]);
    let way = Proxy::udp_only(HERE, server.addresses()[0]);
    let ran = check(way.address());
    assert_eq!(faults(&ran.nameserver()), ["degraded tcp-closed"], "{ran:?}");
    assert!(dug(&ran.nameserver()).contains("connection refused"), "{ran:?}");
}

#[test]
fn an_unsigned_copy_of_a_signed_zone_is_at_fault() {
    let zones = [presigned("20200101000000", "20880101000000"), soa(1)];
    let nsds = zones.map(|zone| Real::start(Software::Nsd, &[HERE], &[("example.net", &zone)]));
    let [signed, plain] = nsds.each_ref().map(|nsd| nsd.addresses()[0]);
    assert_eq!(check_both([signed, plain]), [vec![], vec!["degraded unsigned".to_owned()]]);
}

/// A round with this zone file.
fn check_file(server: &Real, zone: &str) -> Ran {
    let anchor = anchor(HERE);
    let zones = "[[zone]]\nname = \"example.net\"\nfile = \"zone\"\n";
    let setting = Setting::new(&loopback(server.addresses(), &[anchor.addr()], zones));
    fs::write(setting.dir.path().join("zone"), zone).unwrap();
    setting.run(&["check", "--json"])
}

/// Record data without a byte, and a NAPTR whose expression is no expression: all three serve them.
#[test]
fn record_data_that_nobody_compares_is_well_with_real_servers() {
    let zone = soa(1) + "a TYPE65280 \\# 0\nb TYPE65534 \\# 0\nc NAPTR 1 1 \"!\" \"\" \"\" .\n";
    for software in [Software::Nsd, Software::Knot, Software::Bind] {
        let server = Real::start(software, &[HERE], &[("example.net", &zone)]);
        let ran = check_file(&server, &zone);
        assert_eq!(faults(&ran.nameserver()), [""; 0], "{software:?} {ran:?}");
        assert_eq!(ran.nameserver()["state"], "well", "{software:?} {ran:?}");
    }
}

/// A signed zone with opt-out, in which some names have no records and others are delegated.
#[test]
fn what_does_not_exist_is_well_with_real_servers_and_a_stray_wildcard_is_down() {
    let text = soa(1)
        + "www A 192.0.2.80\n_sip._tcp SRV 0 5 5060 www\ndeep.dept NS ns.example.org.\n*.w.x AAAA 2001:db8::1\n\
           sub NS ns.sub\nns.sub A 192.0.2.3\ngone DNAME example.org.\n";
    let of = |arguments: &[&str]| signed(&text, arguments);
    for zone in [text.clone(), of(&[]), of(&["-3", "-", "-A"])] {
        for software in [Software::Nsd, Software::Knot, Software::Bind] {
            let server = Real::start(software, &[HERE], &[("example.net", &zone)]);
            let ran = check_file(&server, &zone);
            assert_eq!(faults(&ran.nameserver()), [""; 0], "{software:?} {ran:?}");
            // Six names that exist, and one that does not.
            let keys = u64::from(zone != text);
            let questions = &ran.nameserver()["questions"];
            assert_eq!(questions, 3 + 6 + 1 + 7 + keys, "{software:?} {ran:?}");
        }
    }
    let server = Real::start(
        Software::Nsd,
        &[HERE],
        &[("example.net", &(text.clone() + "* A 192.0.2.66\n"))],
    );
    let ran = check_file(&server, &text);
    assert_eq!(faults(&ran.nameserver()), ["down unexpected-records"], "{ran:?}");
    assert!(dug(&ran.nameserver()).contains("192.0.2.66"), "{ran:?}");
}
