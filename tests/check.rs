//! `pilotlight check`: its exit codes, its table and its candidates.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use crate::commands::{ZONES, unasked};
use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::program::{PROGRAM, Ran, Setting, anchor, loopback};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One scripted nameserver, one anchor, and a configuration about them.
struct Setup {
    server: SocketServer,
    anchor: SocketServer,
    setting: Setting,
}

impl Setup {
    fn new() -> Self {
        let zone = ZoneData::parse(
            "example.net",
            "@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 300 NS ns1\nwww 300 A 192.0.2.80",
        );
        let server = SocketServer::start(HERE, 0, Nameserver::new([zone]));
        let anchor = anchor(HERE);
        let setting = Setting::new(&loopback(&[server.addr()], &[anchor.addr()], ZONES));
        Self { server, anchor, setting }
    }

    fn check(&self, server: Behaviour, anchor: Behaviour) -> Ran {
        self.server.nameserver().set(server);
        self.anchor.nameserver().set(anchor);
        self.setting.run(&["check", "--json"])
    }
}

#[test]
fn the_exit_code_of_check_is_the_worst_state_of_its_table() {
    use Behaviour::{Good, NoTcp, PortClosed, WrongAddress};
    let setup = Setup::new();
    let cases = [
        (Good, Good, "well", 0),
        (NoTcp, Good, "degraded", 1),
        (WrongAddress, Good, "down", 2),
        (Good, PortClosed, "unknown", 3),
        (PortClosed, PortClosed, "unknown", 3),
    ];
    for (server, anchor, state, code) in cases {
        let ran = setup.check(server.clone(), anchor.clone());
        let case = format!("{server:?} {anchor:?}: {ran:?}");
        assert_eq!(ran.code, Some(code), "{case}");
        assert_eq!(ran.nameserver()["state"], state, "{case}");
        assert_eq!(ran.err, "", "{case}");
    }
}

#[test]
fn check_queries_a_candidate_nameserver_and_no_other() {
    let setup = Setup::new();
    setup.server.nameserver().set(Behaviour::PortClosed); // the one that is to be replaced
    let zone = |www: &str| {
        let text = format!(
            "@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 300 NS ns1\nwww 300 A {www}"
        );
        ZoneData::parse("example.net", &text)
    };
    let next = SocketServer::start(HERE, 0, Nameserver::new([zone("192.0.2.80")]));
    let wrong = SocketServer::start(HERE, 0, Nameserver::new([zone("192.0.2.81")]));
    let check = |given: &[String]| {
        let given = given.iter().flat_map(|given| ["--nameserver", given]);
        setup.setting.run(&["check", "--json"].into_iter().chain(given).collect::<Vec<_>>())
    };
    for name in ["ns1-next", "ns1.example.net"] {
        let ran = check(&[format!("{name}={}", next.addr())]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.nameserver()["name"], name);
        assert_eq!(ran.nameserver()["questions"], 6, "every one: {ran:?}");
        assert!(!ran.out.contains(&setup.server.addr().to_string()), "{ran:?}");
    }
    let both = [&next, &wrong].map(|server| format!("ns1-next={}", server.addr()));
    let ran = check(&both);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let faults = ran.nameserver()["faults"].clone();
    assert_eq!(faults[0]["address"], wrong.addr().to_string(), "{ran:?}");
    assert_eq!(faults.as_array().map(Vec::len), Some(1), "{ran:?}");
}

#[test]
fn a_rejected_candidate_nameserver_has_a_reason_and_no_verdict() {
    let setting = unasked();
    let given = ["ns1-next", "ns1-next=ns1", "ns_1=127.0.0.9", "a=127.0.0.2:5301", "a=::1"];
    let mut arguments = vec!["check"];
    arguments.extend(given.iter().flat_map(|given| ["--nameserver", given]));
    let ran = setting.run(&arguments);
    assert_eq!((ran.code, ran.out.as_str()), (Some(78), ""), "{ran:?}");
    let expected = r#"--nameserver: "ns1-next" is not NAME=ADDRESS
    write both, such as ns1-next.example.net=192.0.2.1
--nameserver: "ns1-next=ns1" is not an IP address
    write an address, such as 192.0.2.1 or 2001:db8::1, or one with a port, such as 192.0.2.1:5353 or [2001:db8::1]:5353
--nameserver: "ns_1=127.0.0.9" is not a host name
    write letters, digits, inner hyphens and dots, such as ns1.example.net
--nameserver: "a=127.0.0.2:5301" has an address of vantage.anchors or vantage.intercept in the configuration
    give the nameserver's own address
--nameserver: "a=::1" has an IPv6 address, but vantage.anchors in the configuration has none
    add an IPv6 anchor: it proves that our own connection works

5 problems
"#;
    assert_eq!(ran.err, expected);
}

#[test]
fn a_missing_uplink_is_named_below_the_table() {
    let setup = Setup::new();
    setup.anchor.stop();
    let ran = setup.setting.run(&["check"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let (anchor, port) = (setup.anchor.addr(), setup.anchor.addr().port());
    assert_eq!(
        ran.out,
        format!(
            "1 ns1.example.net  unknown     not observed: {}\n\nIPv4 is offline here, so nothing is known about \
             IPv4 addresses: no answer from {anchor} (vantage.anchors). Try `dig @127.0.0.1 -p {port} \
             +norecurse +nocookie +bufsize=1232 . \
             SOA`: if it fails, too, check the cable, the router and a firewall that blocks port {port}\n",
            setup.server.addr()
        )
    );
}

#[test]
fn colours_are_for_terminals_without_no_color() {
    let setup = Setup::new();
    let config = setup.setting.config.display();
    // `script` gives the command a terminal.
    let on_terminal = |no_color: &str| {
        let line = format!("timeout 60 {PROGRAM} check --config {config}");
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", &line, "/dev/null"]);
        script.env("TERM", "xterm").env("NO_COLOR", no_color);
        Ran::of(&mut script)
    };
    let (green, plain) = ("\x1b[32mwell      \x1b[0m", "1 ns1.example.net  well ");
    let ran = on_terminal("");
    assert!(ran.out.contains(green) && ran.code == Some(0), "{ran:?}");
    let ran = on_terminal("1");
    assert!(ran.out.starts_with(plain), "{ran:?}");
    let ran = setup.setting.run(&["check"]);
    assert!(ran.out.starts_with(plain), "{ran:?}");
}

#[test]
fn a_limit_on_open_files_is_the_reason_of_an_unknown_verdict_and_no_fault() {
    // Each takes the queries and answers none, so its socket at our end stays open.
    let silent = || SocketServer::start(HERE, 0, Nameserver::behaving([], Behaviour::Silent));
    let servers: Vec<SocketServer> = (0..60).map(|_| silent()).collect();
    let addresses: Vec<_> = servers.iter().map(SocketServer::addr).collect();
    let anchor = anchor(HERE);
    let mut text = loopback(&addresses[..1], &[anchor.addr()], ZONES);
    for (n, address) in (2..).zip(&addresses[1..]) {
        let server =
            format!("[[nameserver]]\nname = \"ns{n}.example.net\"\naddresses = [\"{address}\"]\n");
        text.push_str(&server);
    }
    let setting = Setting::new(&text);
    let run = |files: u32| {
        let limited = format!("ulimit -n {files} && exec \"$0\" check --json --config \"$1\"");
        let mut shell = Command::new("/bin/sh");
        Ran::of(shell.args(["-c", &limited, PROGRAM]).arg(&setting.config))
    };
    // With 16 not even the anchor can be asked in every case; with 40 some nameservers cannot.
    for files in [16, 40] {
        let ran = run(files);
        let view: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e} {ran:?}"));
        let (mut unknown, mut others) = (0, 0);
        for server in view["nameservers"].as_array().unwrap() {
            match (server["state"].as_str().unwrap(), server["unseen_why"].as_str()) {
                ("unknown", Some(why)) if why.contains("`LimitNOFILE=` of the unit") => {
                    unknown += 1
                }
                ("down", None) if server["faults"][0]["fault"] == "silent" => others += 1,
                _ => panic!("{server:#}"),
            }
        }
        assert!(unknown > 0, "{files}: {unknown} {others}");
    }
}
