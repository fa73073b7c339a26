//! Real nameservers, asked by the built program: what NSD, Knot, BIND and PowerDNS answer is judged as it should be.

mod deep;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::Command;

use crate::peers::dns::socket::SocketServer;
use crate::peers::real::{Real, Software};
use crate::program::{Ran, Setting, anchor, loopback};

/// A zone with every type that a configuration can name. [`long_text`] and [`many_addresses`] add what
/// does not fit a line.
const ZONE: &str = r#"
@          SOA   ns1 hostmaster 2026010101 7200 3600 1209600 300
@          NS    ns1
@          NS    ns2.example.org.
@          A     192.0.2.80
@          AAAA  2001:db8::80
@          MX    10 mail
@          MX    20 Mail.Example.ORG.
@          TXT   "v=spf1 mx -all"
@          CAA   0 issue "ca.example.org; policy=ev"
ns1        A     192.0.2.1
www        CNAME @
mail       A     192.0.2.25
mail       AAAA  2001:db8::25
sip        A     192.0.2.26
_sip._tcp  SRV   0 5 5060 sip
"#;

/// The same as a configuration says it.
const RECORDS: &str = r#"
  { name = "@",         type = "SOA" },
  { name = "@",         type = "NS",    values = ["ns1", "ns2.example.org."] },
  { name = "@",         type = "A",     values = ["192.0.2.80"] },
  { name = "@",         type = "AAAA",  values = ["2001:db8::80"] },
  { name = "@",         type = "MX",    values = ["20 mail.example.org.", "10 mail"] },
  { name = "@",         type = "TXT",   values = ["v=spf1 mx -all"] },
  { name = "@",         type = "CAA",   values = ['0 issue "ca.example.org; policy=ev"'] },
  { name = "www",       type = "CNAME", values = ["@"] },
  { name = "mail",      type = "A",     values = ["192.0.2.25"] },
  { name = "mail",      type = "AAAA",  values = ["2001:db8::25"] },
  { name = "_sip._tcp", type = "SRV",   values = ["0 5 5060 sip"] },
"#;

/// How many questions that makes at each address: the record sets above and the two that are added, and
/// the SOA over TCP, and the one about recursion.
const QUESTIONS: u64 = 15;

/// 420 bytes, which take two strings of at most 255.
fn long_text() -> String {
    format!("v=DKIM1; k=rsa; p={}", "MIIBIjANBgkq+/".repeat(30))
}

/// More than fit into 1232 bytes.
fn many_addresses() -> Vec<String> {
    (0..100).map(|n| format!("198.51.100.{n}")).collect()
}

fn right_zone() -> String {
    let mut zone = ZONE.to_owned();
    let text = long_text();
    let (head, tail) = text.split_at(255);
    writeln!(zone, "key._domainkey TXT \"{head}\" \"{tail}\"").unwrap();
    for address in many_addresses() {
        writeln!(zone, "many A {address}").unwrap();
    }
    zone
}

fn wrong_zone() -> String {
    let zone = right_zone().replace("192.0.2.25", "192.0.2.99");
    zone + "@ MX 30 mail\n"
}

fn example_net() -> String {
    format!(
        "[[zone]]\nname = \"example.net\"\nrecords = [{RECORDS}  {{ name = \"key._domainkey\", type = \
         \"TXT\", values = [{:?}] }},\n  {{ name = \"many\", type = \"A\", values = {:?} }},\n]\n",
        long_text(),
        many_addresses()
    )
}

/// IPv4's loopback, and IPv6's where this machine has it.
fn loopbacks() -> Vec<IpAddr> {
    let mut ips = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        ips.push(Ipv6Addr::LOCALHOST.into());
    }
    ips
}

/// A real nameserver, and an anchor for each of its families.
struct Stage {
    server: Real,
    anchors: Vec<SocketServer>,
}

impl Stage {
    fn new(software: Software, zone: &str) -> Self {
        let ips = loopbacks();
        Self {
            server: Real::start(software, &ips, &[("example.net", zone)]),
            anchors: ips.into_iter().map(anchor).collect(),
        }
    }

    fn setting(&self, zones: &str) -> Setting {
        let anchors: Vec<_> = self.anchors.iter().map(SocketServer::addr).collect();
        Setting::new(&loopback(self.server.addresses(), &anchors, zones))
    }

    fn check(&self, zones: &str) -> Ran {
        self.setting(zones).run(&["check", "--json"])
    }
}

/// The same tests for each of them.
macro_rules! each_nameserver {
    ($($test:ident)*) => {
        mod nsd { $(#[test] fn $test() { super::$test(super::Software::Nsd); })* }
        mod knot { $(#[test] fn $test() { super::$test(super::Software::Knot); })* }
        mod bind { $(#[test] fn $test() { super::$test(super::Software::Bind); })* }
        mod pdns { $(#[test] fn $test() { super::$test(super::Software::Pdns); })* }
    };
}

each_nameserver! {
    a_right_zone_is_well_in_every_type_over_both_families
    a_wrong_address_and_an_extra_mail_server_are_down_and_dig_shows_them
    a_zone_that_it_does_not_serve_is_refused
    it_is_down_while_it_is_stopped_and_well_again_afterwards
}

fn a_right_zone_is_well_in_every_type_over_both_families(software: Software) {
    let stage = Stage::new(software, &right_zone());
    let ran = stage.check(&example_net());
    let server = ran.nameserver();
    assert_eq!(server["state"], "well", "{ran:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let addresses = stage.server.addresses().len() as u64;
    assert_eq!(server["questions"], QUESTIONS * addresses);
    assert!(server["latency_ms"].is_number(), "{server}");
    assert_eq!(server["unseen"].as_array().unwrap().len(), 0, "{server}");
}

fn a_wrong_address_and_an_extra_mail_server_are_down_and_dig_shows_them(software: Software) {
    let stage = Stage::new(software, &wrong_zone());
    let ran = stage.check(&example_net());
    let server = ran.nameserver();
    assert_eq!(server["state"], "down", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let rows = server["faults"].as_array().unwrap();
    assert_eq!(rows.len(), stage.server.addresses().len(), "{server:#}");
    for (row, address) in rows.iter().zip(stage.server.addresses()) {
        assert_eq!(row["address"], address.to_string());
        assert_eq!(row["fault"], "wrong-records");
        assert_eq!(row["question"], "example.net MX");
        assert_eq!(row["detail"], "answers with other records: unexpected 30 mail.example.net.");
        assert_eq!(row["more"], 1, "the address of mail");
        let mut shell = Command::new("/bin/sh");
        let dug = Ran::of(shell.args(["-c", row["command"].as_str().unwrap()]));
        assert!(dug.out.contains("30 mail.example.net."), "{dug:?}");
        assert!(dug.out.contains("flags: qr aa;"), "{dug:?}");
    }
}

fn a_zone_that_it_does_not_serve_is_refused(software: Software) {
    let stage = Stage::new(software, &right_zone());
    let ran = stage.check("[[zone]]\nname = \"example.org\"\n");
    let server = ran.nameserver();
    assert_eq!(server["state"], "down", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let row = &server["faults"][0];
    assert_eq!(row["fault"], "rcode-refused");
    assert_eq!(row["detail"], "answers REFUSED: it does not serve this zone (lame)");
}

fn it_is_down_while_it_is_stopped_and_well_again_afterwards(software: Software) {
    let mut stage = Stage::new(software, &right_zone());
    stage.server.stop();
    let ran = stage.check(&example_net());
    assert_eq!(ran.nameserver()["faults"][0]["fault"], "closed", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    stage.server.start_again();
    let ran = stage.check(&example_net());
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn the_table_says_what_is_wrong_where_and_which_command_shows_it() {
    let server = Real::start(
        Software::Nsd,
        &[Ipv4Addr::LOCALHOST.into()],
        &[("example.net", &wrong_zone())],
    );
    let anchors = vec![anchor(Ipv4Addr::LOCALHOST.into())];
    let stage = Stage { server, anchors };
    let ran = stage.setting(&example_net()).run(&["check"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let at = stage.server.addresses()[0];
    let port = at.port();
    let lines: Vec<&str> = ran.out.lines().collect();
    // Latency and time are this run's own.
    let first = format!("1 ns1.example.net  down        {QUESTIONS} questions, ");
    assert!(lines[0].starts_with(&first), "{ran:?}");
    assert!(lines[0].contains(" ms, since 20"), "{ran:?}");
    assert_eq!(
        lines[1..],
        [
            format!(
                "  ✗ {at} example.net MX: it answers with other records: unexpected 30 \
                 mail.example.net. (and 1 more of example.net)"
            ),
            format!("      dig @127.0.0.1 -p {port} +norecurse +bufsize=1232 example.net MX"),
        ]
    );
    assert_eq!(ran.err, "");
}
