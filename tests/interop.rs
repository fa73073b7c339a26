//! Real nameservers, asked by the built program: what NSD, Knot, BIND and PowerDNS answer is judged as it should be.

mod deep;

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::Command;

use crate::fakes::dns::socket::SocketServer;
use crate::fakes::real::{Real, Software};
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
/// the SOA over TCP, the one about recursion, and three about names that have only A or no records at all.
const QUESTIONS: u64 = 18;

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
struct Setup {
    server: Real,
    anchors: Vec<SocketServer>,
}

impl Setup {
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
        let ran = self.setting(zones).run(&["check", "--json"]);
        deep::commands_show_the_faults(&ran.nameserver());
        ran
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
    every_record_set_of_its_own_zone_file_is_a_question_and_well
    a_wrong_address_and_an_extra_mail_server_are_down_and_dig_shows_them
    a_zone_that_it_does_not_serve_is_refused
    it_is_down_while_it_is_stopped_and_well_again_afterwards
}

fn a_right_zone_is_well_in_every_type_over_both_families(software: Software) {
    let setup = Setup::new(software, &right_zone());
    let ran = setup.check(&example_net());
    let server = ran.nameserver();
    assert_eq!(server["state"], "well", "{ran:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let addresses = setup.server.addresses().len() as u64;
    assert_eq!(server["questions"], QUESTIONS * addresses);
    assert!(server["latency_ms"].is_number(), "{server}");
    assert_eq!(server["unseen"].as_array().unwrap().len(), 0, "{server}");
}

/// What a zone file may hold that a configuration cannot say.
const ONLY_IN_FILES: &str = r#"
$TTL 1h            ; of all that follows
*          MX    0 .
*.wild     A     192.0.2.81
           TXT   ( "in two; strings, "  ; and a comment
                   "with \"quotes\", \\ and \195\169" )
my\032printer._ipp._tcp 300 IN SRV 0 0 631 sip
_443._tcp.www.ssl TLSA 3 1 1 0d6fce3c0d6fce3c0d6fce3c0d6fce3c 0D6FCE3C0D6FCE3C0D6FCE3C0D6FCE3C
ssl        SSHFP 4 2 0d6fce3c0d6fce3c0d6fce3c0d6fce3c0d6fce3c0d6fce3c0d6fce3c0d6fce3c
ssl        LOC   52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
ssl        NAPTR 100 10 "s" "SIP+D2U" "" _sip._udp
ssl        HTTPS 1 . alpn="h2,h3"
sub        NS    ns.sub
           NS    ns1
ns.sub     A     192.0.2.3
*.sub      A     192.0.2.4
$ORIGIN org-unit.example.net.
ptr        PTR   @
@          A     192.0.2.5
"#;

/// The record sets above, without the delegation and what is below it, and two addresses that the
/// configuration does not list, and five more names of those that are queried in turn.
const MORE_QUESTIONS: u64 = 11 + 2 + 5;

fn every_record_set_of_its_own_zone_file_is_a_question_and_well(software: Software) {
    let zone = right_zone() + ONLY_IN_FILES;
    let setup = Setup::new(software, &zone);
    let setting = setup.setting("[[zone]]\nname = \"example.net\"\nfile = \"zones/example.net\"\n");
    fs::create_dir(setting.dir.path().join("zones")).unwrap();
    let put = |text: &str| fs::write(setting.dir.path().join("zones/example.net"), text).unwrap();
    put(&zone);
    let ran = setting.run(&["check", "--json"]);
    let server = ran.nameserver();
    assert_eq!((ran.code, &server["state"]), (Some(0), &"well".into()), "{ran:?}");
    let addresses = setup.server.addresses().len() as u64;
    assert_eq!(server["questions"], (QUESTIONS + MORE_QUESTIONS) * addresses);
    // Each kind of question is about what it seems to be about.
    for (right, wrong, question) in [
        ("\\195\\169", "\\195\\170", "pilotlight0.wild.example.net TXT"),
        ("631", "632", "my\\032printer._ipp._tcp.example.net SRV"),
        ("0d6fce3c 0D6F", "0d6fce3c 0D70", "_443._tcp.www.ssl.example.net TLSA"),
        ("SSHFP 4 2", "SSHFP 4 1", "ssl.example.net SSHFP"),
        ("ssl        LOC", "lss        LOC", "lss.example.net LOC"),
        ("ptr        PTR   @", "ptr PTR www", "ptr.org-unit.example.net PTR"),
    ] {
        assert!(zone.contains(right));
        put(&zone.replace(right, wrong));
        let ran = setting.run(&["check", "--json"]);
        let rows = ran.nameserver()["faults"].clone();
        assert_eq!((ran.code, &rows[0]["question"]), (Some(2), &question.into()), "{ran:?}");
        let mut shell = Command::new("/bin/sh");
        let dug = Ran::of(shell.args(["-c", rows[0]["command"].as_str().unwrap()]));
        assert!(dug.out.contains("flags: qr aa;"), "{dug:?}");
    }
}

fn a_wrong_address_and_an_extra_mail_server_are_down_and_dig_shows_them(software: Software) {
    let setup = Setup::new(software, &wrong_zone());
    let ran = setup.check(&example_net());
    let server = ran.nameserver();
    assert_eq!(server["state"], "down", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let rows = server["faults"].as_array().unwrap();
    assert_eq!(rows.len(), setup.server.addresses().len(), "{server:#}");
    for (row, address) in rows.iter().zip(setup.server.addresses()) {
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
    let setup = Setup::new(software, &right_zone());
    let ran = setup.check("[[zone]]\nname = \"example.org\"\n");
    let server = ran.nameserver();
    assert_eq!(server["state"], "down", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let rows = server["faults"].as_array().unwrap();
    let addresses = setup.server.addresses().len();
    assert_eq!(rows.len(), addresses, "TCP fails alike, and gets no row of its own: {server:#}");
    let row = &rows[0];
    assert_eq!(row["fault"], "rcode-refused");
    assert_eq!(row["detail"], "answers REFUSED: it does not serve this zone (lame)");
}

fn it_is_down_while_it_is_stopped_and_well_again_afterwards(software: Software) {
    let mut setup = Setup::new(software, &right_zone());
    setup.server.stop();
    let ran = setup.check(&example_net());
    assert_eq!(ran.nameserver()["faults"][0]["fault"], "closed", "{ran:?}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    setup.server.start_again();
    let ran = setup.check(&example_net());
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn the_table_has_the_fault_its_address_and_the_command_that_shows_it() {
    let server = Real::start(
        Software::Nsd,
        &[Ipv4Addr::LOCALHOST.into()],
        &[("example.net", &wrong_zone())],
    );
    let anchors = vec![anchor(Ipv4Addr::LOCALHOST.into())];
    let setup = Setup { server, anchors };
    let ran = setup.setting(&example_net()).run(&["check"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let at = setup.server.addresses()[0];
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
            format!(
                "      dig @127.0.0.1 -p {port} +norecurse +nocookie +bufsize=1232 example.net MX"
            ),
        ]
    );
    assert_eq!(ran.err, "");
}

/// The zones of the program that pilotlight descends from: an address, an alias to a host elsewhere, and a
/// serial that is 0 for ever.
#[test]
fn two_real_zones_work_as_the_files_of_their_servers() {
    let zone = |origin: &str| {
        format!(
            "$ORIGIN {origin}.\n$TTL 1h\n@ IN SOA ns1.{origin}. admin.{origin}. (\n  0 ; serial\n  1h 15m 1w \
             1h )\n  IN NS ns1.rhiyo.com.\n  IN NS ns2.rhiyo.com.\n@ IN A 192.0.2.80\nwww IN CNAME \
             joshmcguigan.netlify.com.\n"
        )
    };
    let files = ["joshmcguigan.com", "rhiyo.com"].map(|origin| (origin, zone(origin)));
    let ips = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
    let zones = files.each_ref().map(|(origin, text)| (*origin, text.as_str()));
    let servers = ips.map(|ip| Real::start(Software::Nsd, &[ip], &zones));
    let anchor = anchor(ips[0]);
    let mut config = format!("vantage = {{ anchors = [\"{}\"], intercept = [] }}\n", anchor.addr());
    for (n, server) in servers.iter().enumerate() {
        let at = server.addresses()[0];
        writeln!(
            config,
            "[[nameserver]]\nname = \"ns{}.rhiyo.com\"\naddresses = [\"{at}\"]",
            n + 1
        )
        .unwrap();
    }
    for (origin, _) in &zones {
        writeln!(config, "[[zone]]\nname = \"{origin}\"\nfile = \"{origin}.zone\"").unwrap();
    }
    let setting = Setting::new(&config);
    for (origin, text) in &zones {
        fs::write(setting.dir.path().join(format!("{origin}.zone")), text).unwrap();
    }
    let ran = setting.run(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("1 ns1.rhiyo.com  well        15 questions, "), "{ran:?}");
    assert!(lines[1].starts_with("2 ns2.rhiyo.com  well        15 questions, "), "{ran:?}");
}
