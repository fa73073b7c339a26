//! Configurations that name zone files.

use std::fmt::Write as _;
use std::fs;

use pilotlight::config::{Config, Expected};

use crate::config::completed;

/// A folder with a configuration that names a zone file, and that file.
fn with_file(config: &str, zone: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilotlight.toml");
    fs::write(&path, completed(config)).unwrap();
    fs::write(folder.path().join("example.net.zone"), zone).unwrap();
    let here = format!("{}/", folder.path().display());
    Config::load(&path).map_err(|problems| problems.to_string().replace(&here, ""))
}

const FILE: &str = "[[zone]]\nname = \"example.net\"\nfile = \"example.net.zone\"\n";
const SOA: &str = "@ SOA ns1 hostmaster 0 7200 3600 1209600 300\n";

#[test]
fn the_ten_lines_of_the_manual_are_a_whole_configuration() {
    let manual = fs::read_to_string("src/config/README.md").unwrap();
    let mut blocks =
        manual.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let (config, records) = (blocks.next().unwrap(), blocks.next().unwrap());
    assert!(config.lines().filter(|line| !line.is_empty()).count() <= 10, "{config}");
    let zone = format!("{SOA}@ NS ns1\n");
    let short = with_file(config, &zone).unwrap();
    assert_eq!((short.nameservers[0].addresses.len(), short.zones[0].records.len()), (2, 1));
    let long = with_file(&format!("{config}{records}"), &zone).unwrap();
    assert_eq!(long.zones[0].records.len(), 3);
}

#[test]
fn a_zone_file_adds_what_the_records_do_not_list() {
    let config =
        format!("{FILE}records = [{{ name = \"www\", type = \"A\", values = [\"192.0.2.81\"] }}]");
    let zone = format!("{SOA}@ NS ns1\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\n");
    let config = with_file(&config, &zone).unwrap();
    let sets: Vec<_> = config.zones[0]
        .records
        .iter()
        .map(|set| match &set.expected {
            Expected::Records(values) => format!("{} {}", set.name, values[0]),
            _ => String::new(),
        })
        .collect();
    assert_eq!(
        sets,
        [
            "www.example.net. 192.0.2.81",
            "example.net. ns1.example.net.",
            "www.example.net. 2001:db8::80"
        ]
    );
    let files: Vec<_> = config.files().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(files, ["example.net.zone"]);
}

#[test]
fn a_problem_of_a_zone_file_has_its_file_and_line() {
    let config = format!("interval = \"10m\"\n{FILE}nameserver = []");
    let zone = format!("{SOA}$INCLUDE keys\nwww A 192.0.2.300\n");
    assert_eq!(
        with_file(&config, &zone).unwrap_err(),
        "pilotlight.toml:1: interval: there is no such key in this version\n    \
         remove it; known here: github, vantage, schedule, panel, hooks, notify, heartbeat, metrics, nameserver, zone, endpoint\n\
         example.net.zone:2: \"$INCLUDE keys\" is not supported: a zone file must be complete\n    \
         name the file that BIND makes of it: named-compilezone -o COMPLETE ZONE FILE\n\
         example.net.zone:3: \"www A 192.0.2.300\" is not an IPv4 address\n    \
         write four numbers from 0 to 255, such as 192.0.2.80\n\
         pilotlight.toml:5: zone[0].nameserver: there is no such key in this version\n    \
         write nameservers; known here: name, nameservers, file, records, world"
    );
    let other = with_file(FILE, &SOA.replace('@', "example.org.")).unwrap_err();
    assert!(
        other.starts_with("example.net.zone: has no SOA record of example.net.\n    name the"),
        "{other}"
    );
    let none = with_file(&FILE.replace("net.zone", "org.zone"), SOA).unwrap_err();
    let expected =
        "pilotlight.toml:3: zone[0].file: \"example.org.zone\" names a file that does not exist";
    assert!(none.starts_with(expected), "{none}");
    let folder = with_file(&FILE.replace("example.net.zone", "."), SOA).unwrap_err();
    assert!(folder.contains("\".\" cannot be read: it is not a regular file"), "{folder}");
    let large = with_file(FILE, &";".repeat((16 << 20) + 1)).unwrap_err();
    assert!(large.contains("\"example.net.zone\" is larger than 16 MB"), "{large}");
}

#[test]
fn more_queries_than_a_round_holds_are_rejected_with_their_number() {
    let zone = |hosts: usize| {
        let mut zone = SOA.to_owned();
        for n in 0..hosts {
            writeln!(zone, "h{n} A 192.0.2.1").unwrap();
        }
        zone
    };
    // SOA over UDP and TCP, and NS, and nine about what must not exist; at two addresses.
    assert!(with_file(FILE, &zone(7488)).is_ok());
    let two = format!("[[zone]]\nname = \"example.org\"\n{FILE}");
    assert_eq!(
        with_file(&two, &zone(7489)).unwrap_err(),
        "pilotlight.toml:3: zone[1]: leads to 15008 queries in each round, all addresses together; 15000 is \
         the limit\n    this zone has the most: write its important record sets into records instead of \
         using its file, or let another pilotlight watch some of the zones or nameservers"
    );
}
