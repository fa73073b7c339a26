//! Whom we ask: the nameservers, the anchors, and the addresses where nobody can answer.

use std::net::{IpAddr, SocketAddr};

use super::lamps::{self, Wires};
use super::problem::{Wrong, wrong};
use super::spec::{Node, Table};
use super::{Nameserver, Vantage, name};

const NAMESERVER: &[&str] = &["name", "addresses", "lamp"];
const VANTAGE: &[&str] = &["name", "anchors", "intercept"];

/// Root servers of four operators, each with both families: a, d, f and e
/// (<https://www.internic.net/domain/named.root>).
const ANCHORS: [&str; 8] = [
    "198.41.0.4",
    "199.7.91.13",
    "192.5.5.241",
    "192.203.230.10",
    "2001:503:ba3e::2:30",
    "2001:500:2d::d",
    "2001:500:2f::f",
    "2001:500:a8::e",
];

/// Documentation addresses (RFC 5737, RFC 3849): no route leads there.
const INTERCEPT: [&str; 2] = ["192.0.2.53", "2001:db8::53"];

/// Every address of the file with its role, for no address may stand twice.
pub(super) type Addresses<'a> = Vec<Listed<'a>>;

pub(super) struct Listed<'a> {
    address: SocketAddr,
    role: Role,
    /// `None`: a default.
    node: Option<Node<'a>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Nameserver,
    Anchor,
    Intercept,
}

impl Listed<'_> {
    fn path(&self) -> String {
        match (&self.node, self.role) {
            (Some(node), _) => node.path().to_owned(),
            (None, Role::Anchor) => "one of vantage.anchors by default".to_owned(),
            (None, _) => "one of vantage.intercept by default".to_owned(),
        }
    }
}

/// Adds `new`, unless its address is there already.
fn list<'a>(addresses: &mut Addresses<'a>, new: Listed<'a>) {
    let Some(old) = addresses.iter().find(|old| old.address == new.address) else {
        addresses.push(new);
        return;
    };
    let next = match (old.role, new.role) {
        (old, new) if old == new => "take one of the two out",
        (_, Role::Intercept) => {
            "give vantage.intercept an address where nobody can answer, or []: an answer from there \
             means that our network answers for others"
        }
        _ => {
            "give vantage.anchors somebody else's server: it proves our uplink while our servers \
             may be down"
        }
    };
    let (node, other) = match (&new.node, &old.node) {
        (Some(node), _) => (node, old),
        (None, Some(node)) => (node, &new),
        (None, None) => unreachable!("the defaults differ from each other"),
    };
    node.refuse(wrong(format!("is already {}", other.path()), next));
}

/// Their own lamps go into `wires`.
pub(super) fn nameservers<'a>(
    root: &Table<'a>,
    wires: &mut Wires<'a>,
) -> (Vec<Nameserver>, Addresses<'a>) {
    let next = "write a table [[nameserver]] for each server, with its name and addresses";
    root.require("nameserver", next);
    let mut nameservers: Vec<Nameserver> = Vec::new();
    let mut all = Vec::new();
    for table in root.tables("nameserver", NAMESERVER, next) {
        table.require("name", "write name = \"…\", such as \"ns1.example.net\"");
        table.require("addresses", "write addresses = [\"…\"], such as \"192.0.2.1\"");
        let mut written = String::new();
        let name = table.text("name", "ns1.example.net", |text| {
            written = text.to_ascii_lowercase();
            let name = name::host(text)?;
            match nameservers.iter().position(|other| other.name == name) {
                Some(i) => Err(wrong(
                    format!("is already nameserver[{i}]"),
                    "put all its addresses into one [[nameserver]]",
                )),
                None => Ok(name),
            }
        });
        let listed = table.texts("addresses", "192.0.2.1", address).unwrap_or_default();
        let mut addresses = Vec::new();
        for (node, address) in listed {
            let Some(address) = address else { continue };
            addresses.push(address);
            let node = Some(node);
            let role = Role::Nameserver;
            list(&mut all, Listed { address, role, node });
        }
        nameservers.push(Nameserver {
            // Refused names stay, so that a zone that lists one is not refused as well.
            name: name.unwrap_or(written),
            addresses,
            lamp: lamps::own(&table, wires),
        });
    }
    (nameservers, all)
}

/// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    let bare = text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 53));
    let address: SocketAddr = bare.or_else(|_| text.parse()).map_err(|_| {
        wrong(
            "is not an IP address",
            "write an address, such as 192.0.2.1 or 2001:db8::1, or one with a port, such as \
             192.0.2.1:5353 or [2001:db8::1]:5353",
        )
    })?;
    let host = "write the address of one host, such as 192.0.2.1 or 2001:db8::1";
    match address.ip() {
        _ if address.port() == 0 => Err(wrong(
            "has port 0, where nothing can listen",
            "write a port from 1 to 65535, or none for 53",
        )),
        ip if ip.is_unspecified() => Err(wrong("stands for no host", host)),
        ip if ip.is_multicast() => Err(wrong("is a multicast address", host)),
        IpAddr::V4(ip) if ip.is_broadcast() => Err(wrong("is the broadcast address", host)),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(v4) => Err(wrong("is an IPv4 address in IPv6 dress", format!("write {v4}"))),
            None => Ok(address),
        },
        IpAddr::V4(_) => Ok(address),
    }
}

pub(super) fn vantage<'a>(root: &Table<'a>, addresses: &mut Addresses<'a>, host: &str) -> Vantage {
    let table = root.section("vantage", VANTAGE);
    let default = vantage_name(host).unwrap_or_else(|_| "home".to_owned());
    let mut of_role = |key, role, default: &[&str]| {
        let listed = table.texts(key, default[0], address);
        let complete = listed.iter().flatten().all(|(_, address)| address.is_some());
        let listed: Vec<_> = match listed {
            Some(listed) => {
                let written = |(node, address): (_, Option<_>)| Some((address?, Some(node)));
                listed.into_iter().filter_map(written).collect()
            }
            None => {
                let default = default.iter().filter_map(|text| address(text).ok());
                default.map(|address| (address, None)).collect()
            }
        };
        let mut found = Vec::new();
        for (address, node) in listed {
            found.push(address);
            list(addresses, Listed { address, role, node });
        }
        (found, complete)
    };
    let (anchors, complete) = of_role("anchors", Role::Anchor, &ANCHORS);
    let (intercept, _) = of_role("intercept", Role::Intercept, &INTERCEPT);
    if complete {
        require_anchors(&table, &anchors, addresses);
    }
    Vantage {
        name: table.text("name", "home", vantage_name).unwrap_or(default),
        anchors,
        intercept,
    }
}

fn vantage_name(text: &str) -> Result<String, Wrong> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(known) {
        return Ok(text.to_owned());
    }
    Err(wrong("is not a short name", "write 1 to 64 letters, digits, -, _ and dots, such as home"))
}

/// An anchor in each family in which a nameserver has an address.
fn require_anchors(table: &Table<'_>, anchors: &[SocketAddr], addresses: &Addresses<'_>) {
    let Some(node) = table.get("anchors") else {
        return; // the defaults have both
    };
    for (v6, family, example) in [(false, "IPv4", ANCHORS[0]), (true, "IPv6", ANCHORS[4])] {
        let asked = |listed: &&Listed<'_>| {
            listed.role == Role::Nameserver && listed.address.is_ipv6() == v6
        };
        let Some(nameserver) = addresses.iter().find(asked) else {
            continue;
        };
        if !anchors.iter().any(|anchor| anchor.is_ipv6() == v6) {
            node.refuse(wrong(
                format!(
                    "has no {family} address, but {} is one: without an anchor, a missing {family} \
                     at home would read as an outage",
                    nameserver.path()
                ),
                format!("add one, such as {example} (a.root-servers.net)"),
            ));
        }
    }
}
