//! `pilotlight init` against real nameservers: a parent, the zones below it, and a resolver, all on loopback.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;

use crate::fakes::real::{Extra, Real, Software, free_port};
use crate::program::{PROGRAM, Ran, Setting, anchor};

const SOA: &str = "@ SOA ns1.example.net. hostmaster 2026010101 7200 3600 1209600 300\n";

/// What the parent says of the two zones below it.
const NET: &str = "@ SOA a hostmaster 1 7200 3600 1209600 300\n@ NS a\na A 127.0.0.2\n\
    example NS ns1.example\nexample NS ns2.example.org.\nns1.example A 127.0.0.3\n\
    other NS ns1.other\nns1.other A 127.0.0.3\n";

/// The zone that the nameserver of another zone lives in.
const ORG: &str = "@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 127.0.0.1\n\
    ns2 A 127.0.0.4\nns3 A 127.0.0.5\n";

const EXAMPLE: &str = "@ NS ns1\n@ NS ns2.example.org.\nns1 A 127.0.0.3\n\
    @ A 192.0.2.80\n@ AAAA 2001:db8::80\n@ MX 20 mail.example.org.\n@ MX 10 mail\nmail A 192.0.2.25\n\
    www CNAME www.example.org.\n";

const OTHER: &str = "@ NS ns1\nns1 A 127.0.0.3\n@ A 192.0.2.81\nwww A 192.0.2.82\n";

fn at(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// The resolver at 127.0.0.1 (BIND listens nowhere else), the parent at .2, and the zones' nameservers at .3 and .4.
/// The resolver has all zones itself; a change to what it has of example.net is the caller's.
struct Net {
    port: u16,
    _parent: Real,
    resolver: Real,
    ns: Vec<Real>,
}

impl Net {
    fn new(parent: &str, first: &str, second: &str) -> Self {
        let port = free_port(&[2, 3, 4, 5].map(at));
        let start = |software, last: u8, zones: &[(&str, &str)]| {
            Real::start_at(software, &[at(last)], port, zones, Extra::default())
        };
        let other = format!("{SOA}{OTHER}");
        let known =
            [("net", parent), ("example.org", ORG), ("example.net", first), ("other.net", &other)];
        Self {
            port,
            _parent: start(Software::Knot, 2, &[("net", parent)]),
            resolver: Real::start(Software::Bind, &[at(1)], &known),
            ns: vec![
                start(Software::Nsd, 3, &[("example.net", first), ("other.net", &other)]),
                start(Software::Knot, 4, &[("example.net", second)]),
            ],
        }
    }

    fn init(&self, zones: &[&str]) -> Ran {
        init(self.resolver.addresses()[0], self.port, zones)
    }
}

fn init(resolver: SocketAddr, port: u16, zones: &[&str]) -> Ran {
    Ran::of(&mut init_command(resolver, port, zones))
}

fn init_command(resolver: SocketAddr, port: u16, zones: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.arg("60").arg(PROGRAM).arg("init").args(zones);
    command.arg("--resolver").arg(resolver.to_string()).arg("--port").arg(port.to_string());
    command
}

/// What `init` writes of the two zones, from the first nameserver on.
fn tables_at(port: u16) -> String {
    format!(
        r#"nameserver]]
name = "ns1.example.net"
addresses = ["127.0.0.3:{port}"]

[[nameserver]]
name = "ns2.example.org"
addresses = ["127.0.0.4:{port}"]

[[zone]]
name = "example.net"
# Exactly these values. Or name the zone file, to watch every record set in it:
# file = "example.net.zone"
records = [
  {{ name = "@", type = "A", values = ["192.0.2.80"] }},
  {{ name = "@", type = "AAAA", values = ["2001:db8::80"] }},
  {{ name = "@", type = "MX", values = ["10 mail.example.net.", "20 mail.example.org."] }},
  {{ name = "www", type = "CNAME", values = ["www.example.org."] }},
]

[[zone]]
name = "other.net"
nameservers = ["ns1.example.net"]
# Exactly these values. Or name the zone file, to watch every record set in it:
# file = "other.net.zone"
records = [
  {{ name = "@", type = "NS", values = ["ns1.other.net."] }},
  {{ name = "@", type = "A", values = ["192.0.2.81"] }},
  {{ name = "www", type = "A", values = ["192.0.2.82"] }},
]
"#
    )
}

#[test]
fn a_zone_whose_nameservers_live_in_other_zones_gets_a_configuration_that_is_well() {
    let example = format!("{SOA}{EXAMPLE}");
    let net = Net::new(NET, &example, &example);
    let ran = net.init(&["Example.NET.", "other.net"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.err,
        "other.net: not found: other.net AAAA, other.net MX, www.other.net AAAA\n\
         ns1.other.net and ns1.example.net have the same address 127.0.0.3; it is watched as ns1.example.net\n"
    );
    let port = net.port;
    let (_, tables) = ran.out.split_once("\n\n[[").unwrap();
    assert_eq!(tables, tables_at(port));
    // Into a file, which is not overwritten.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pilotlight.toml");
    let into = |file: &std::path::Path| {
        let resolver = net.resolver.addresses()[0];
        let mut command = init_command(resolver, port, &["example.net", "other.net"]);
        Ran::of(command.arg("--output").arg(file))
    };
    let written = into(&file);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""), "{written:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), ran.out);
    let again = into(&file);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("this file exists; name a new one with --output"), "{again:?}");
    // As it stands it is a good one; and what it asks is answered.
    let setting = Setting::new(&ran.out);
    let config = setting.run(&["config"]);
    assert_eq!(config.code, Some(0), "{config:?}");
    let anchor = anchor(at(1));
    let ours = format!("vantage = {{ anchors = [\"{}\"], intercept = [] }}\n", anchor.addr());
    fs::write(&setting.config, ours + &ran.out).unwrap();
    let check = setting.run(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn a_disagreement_of_parent_nameservers_and_zone_is_named_and_the_configuration_is_written() {
    let parent = NET.replace("ns1.example A 127.0.0.3", "ns1.example A 127.0.0.9")
        + "example NS ns3.example.org.\nexample NS ns9.example.org.\n";
    let first = format!("{SOA}{EXAMPLE}@ NS ns8.example.org.\n");
    let second =
        first.replace("2026010101", "2026010100").replace("@ MX 20 mail.example.org.\n", "");
    let net = Net::new(&parent, &first, &second);
    // ns3 has other zones only.
    let _lame = Real::start_at(
        Software::Nsd,
        &[at(5)],
        net.port,
        &[("example.org", ORG)],
        Extra::default(),
    );
    let ran = net.init(&["example.net"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(
        lines,
        [
            "example.net: the glue for ns1.example.net in net is 127.0.0.9, but its addresses are 127.0.0.3",
            "example.net: ns3.example.org at 127.0.0.5 answers REFUSED: it does not serve this zone (lame)",
            "example.net: ns9.example.org has no address: there is no A or AAAA record; the configuration leaves it out",
            "example.net: ns8.example.org has no address: there is no A or AAAA record; the configuration leaves it out",
            "example.net: net delegates to ns3.example.org, but the zone's NS set does not contain it",
            "example.net: net delegates to ns9.example.org, but the zone's NS set does not contain it",
            "example.net: the zone's NS set contains ns8.example.org, but net does not delegate to it",
            "example.net: ns2.example.org at 127.0.0.4 and ns1.example.net at 127.0.0.3 differ: \
             example.net MX",
            "example.net: the serials differ: 2026010101 (ns1.example.net at 127.0.0.3), 2026010100 \
             (ns2.example.org at 127.0.0.4)",
        ]
    );
    // The NS set is that of the zone, which is not that of those who can be asked.
    let ns = "{ name = \"@\", type = \"NS\", values = [\"ns1.example.net.\", \"ns2.example.org.\", \
              \"ns8.example.org.\"] },";
    assert!(ran.out.contains(ns), "{}", ran.out);
    assert!(ran.out.contains("ns3.example.org"), "{}", ran.out);
    let config = Setting::new(&ran.out).run(&["config"]);
    assert_eq!(config.code, Some(0), "{config:?}");
}

#[test]
fn a_missing_zone_and_a_missing_resolver_are_named_with_the_next_step() {
    let example = format!("{SOA}{EXAMPLE}");
    let mut net = Net::new(NET, &example, &example);
    let ran = net.init(&["www.example.net", "nothing.net"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert_eq!(
        ran.err,
        "www.example.net: example.net does not delegate this name, so it is not a zone; check the spelling, or \
         name the zone that contains it\nnothing.net: net does not delegate this name, so it is not a zone; check \
         the spelling, or name the zone that contains it\n"
    );
    // What is found of one zone is not lost with the other.
    let ran = net.init(&["nothing.net", "other.net"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(Setting::new(&ran.out).run(&["config"]).code, Some(0), "{ran:?}");
    // Dead nameservers are in the configuration as well.
    net.ns.clear();
    let ran = net.init(&["other.net"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.err,
        "other.net: ns1.other.net at 127.0.0.3 refuses packets: nothing listens on the port\n\
         other.net: no nameserver serves the zone, so its records are unknown\n"
    );
    assert_eq!(Setting::new(&ran.out).run(&["config"]).code, Some(0), "{ran:?}");
    let nobody = (at(1), free_port(&[at(1)])).into();
    let ran = init(nobody, net.port, &["example.net"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.starts_with("example.net: the resolver "), "{ran:?}");
    assert!(ran.err.ends_with("; name another one with --resolver\n"), "{ran:?}");
    let wrong = init(nobody, net.port, &["exa mple.net"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("it has a ' ' in a name; write names of letters"), "{wrong:?}");
}
