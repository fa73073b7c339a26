//! The JSON that scripts rely on: the examples beside this file, the manual's table, and the built program say
//! the same. (`decide` holds that `status.json` and `change.json` are what it makes.)

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::Value;

use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::program::{Setting, anchor, loopback};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn example(name: &str) -> Value {
    serde_json::from_str(&read(&format!("tests/json/{name}.json"))).unwrap()
}

/// `nameservers[].faults[].zone` and the like.
fn members(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{key}");
                    walk(value, &path, found);
                    found.insert(path);
                }
            }
            Value::Array(list) => {
                list.iter().for_each(|value| walk(value, &format!("{path}[]"), found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

/// The members in the first column of the tables below this heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let manual = read("tests/README.md");
    let (_, section) = manual.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    let names = rows.flat_map(|(first, _)| first.split(", "));
    names.map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_manual_names_every_member_of_the_json_and_no_other() {
    let mut all = members(&example("status"));
    all.extend(members(&example("change")));
    // A change has the same rows as a nameserver.
    let (rows, own) = ("nameservers[].faults[].", "faults[].");
    all.retain(|member| !member.starts_with(own));
    assert!(all.iter().any(|member| member.starts_with(rows)));
    assert_eq!(documented("\n## JSON, for scripts\n"), all);
}

#[test]
fn check_prints_the_members_of_the_example() {
    let zone = ZoneData::parse(
        "example.net",
        "@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 300 NS ns1\nwww 300 A 192.0.2.80",
    );
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let server =
        SocketServer::start(here, 0, Nameserver::behaving([zone], Behaviour::WrongAddress));
    let anchor = anchor(here);
    let zones = "[[zone]]\nname = \"example.net\"\nrecords = [{ name = \"www\", type = \"A\", values = [\"192.0.2.80\"] }]";
    let setting = Setting::new(&loopback(&[server.addr()], &[anchor.addr()], zones));
    let ran = setting.run(&["check", "--json"]);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(members(&printed), members(&example("status")), "{ran:?}");
    assert_eq!((&printed["version"], ran.code), (&1.into(), Some(2)));
    assert_eq!((&printed["pid"], &printed["good_until"]), (&Value::Null, &Value::Null));
}
