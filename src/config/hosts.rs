//! Addresses: the nameservers, the anchors, and the addresses of the interception check.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::document::Node;
use super::environment::Environment;
use super::name;
use super::panel::PinAssignments;
use super::problem::{Rejection, reject};
use super::trust_anchor::TrustAnchor;

/// Root servers of four operators, each with both families: a, d, f and e
/// (<https://www.internic.net/domain/named.root>).
const ANCHORS: &str = "198.41.0.4 199.7.91.13 192.5.5.241 192.203.230.10 \
                       2001:503:ba3e::2:30 2001:500:2d::d 2001:500:2f::f 2001:500:a8::e";

/// Documentation addresses (RFC 5737, RFC 3849), to which no route leads.
const INTERCEPT: &str = "192.0.2.53 2001:db8::53";

#[derive(Debug, Clone, PartialEq)]
pub struct Nameserver {
    /// As in the file, in lower case and without the dot at the end; unique.
    pub name: String,
    /// Never empty.
    pub addresses: Vec<SocketAddr>,
    /// The BCM number of its own lamp.
    pub lamp: Option<u8>,
}

/// The place of this monitor, and how it knows that its own connection works.
#[derive(Debug, Clone, PartialEq)]
pub struct Vantage {
    /// In issues and markers.
    pub name: String,
    /// Servers that prove the uplink: authoritative for the root, in other networks than ours.
    pub anchors: Vec<SocketAddr>,
    /// Addresses without a server; a reply from there means interception.
    pub intercept: Vec<SocketAddr>,
    /// The keys of the root.
    pub trust_anchor: TrustAnchor,
}

/// The key and the role of every address so far; the key of a default has no value.
#[derive(Default)]
pub(super) struct Addresses<'a> {
    known: HashMap<SocketAddr, (Role, Node<'a>)>,
    /// The first of a nameserver in IPv4 and in IPv6.
    first: [Option<Node<'a>>; 2],
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Nameserver,
    Anchor,
    Intercept,
}

impl<'a> Addresses<'a> {
    /// Adds an address, unless it is there.
    fn add(&mut self, address: SocketAddr, role: Role, node: Node<'a>) {
        let Some((old_role, old)) = self.known.get(&address) else {
            let first = &mut self.first[usize::from(address.is_ipv6())];
            if role == Role::Nameserver && first.is_none() {
                *first = Some(node.clone());
            }
            self.known.insert(address, (role, node));
            return;
        };
        let next = match (*old_role, role) {
            (old, new) if old == new => "remove one of the two",
            (_, Role::Intercept) => {
                "give vantage.intercept an address without a server, or []: a reply from there means that \
                 our network answers for other servers"
            }
            _ => {
                "give vantage.anchors a server of another operator: it proves our uplink while our servers \
                 may be down"
            }
        };
        // Defaults differ from each other, so one of the two is in the file.
        let (node, other) = if node.exists() { (&node, old) } else { (old, &node) };
        let default = if other.exists() { ("", "") } else { ("one of ", " by default") };
        node.reject(format!("is already {}{}{}", default.0, other.path, default.1), next);
    }

    /// The list of this key, or its default; and whether it has no problem.
    fn list(&mut self, key: &Node<'a>, role: Role, default: &str) -> (Vec<SocketAddr>, bool) {
        let example = default.split(' ').next().unwrap_or_default();
        let listed = key.texts(example, server_address).unwrap_or_else(|| {
            default.split(' ').map(|text| (key.absent(), server_address(text).ok())).collect()
        });
        let complete = listed.iter().all(|(_, address)| address.is_some());
        let listed: Vec<_> = listed.into_iter().filter_map(|(n, a)| Some((a?, n))).collect();
        let addresses = listed.iter().map(|(address, _)| *address).collect();
        listed.into_iter().for_each(|(address, node)| self.add(address, role, node));
        (addresses, complete)
    }
}

pub(super) fn nameservers<'a>(
    root: &Node<'a>,
    pins: &mut PinAssignments<'a>,
    all: &mut Addresses<'a>,
) -> Vec<Nameserver> {
    let next = "write a table [[nameserver]] for each server, with its name and addresses";
    let mut nameservers: Vec<Nameserver> = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for table in root.require("nameserver", next).tables("name addresses lamp", next) {
        let key = table.require("name", "write name = \"…\", such as \"ns1.example.net\"");
        let mut written = String::new();
        let name = key.text("ns1.example.net", |text| {
            written = text.to_ascii_lowercase();
            let name = name::host(text)?;
            let place = seen.entry(name.clone()).or_insert_with(|| table.path.clone());
            if *place == table.path {
                return Ok(name);
            }
            reject(format!("is already {place}"), "put all its addresses into one [[nameserver]]")
        });
        let key = table.require("addresses", "write addresses = [\"…\"], such as \"192.0.2.1\"");
        let mut addresses = Vec::new();
        for (node, address) in key.texts("192.0.2.1", server_address).unwrap_or_default() {
            let Some(address) = address else { continue };
            addresses.push(address);
            all.add(address, Role::Nameserver, node);
        }
        // A rejected name stays, so that the zones that list it are not rejected too.
        let name = name.unwrap_or(written);
        let lamp = pins.add_subject(&table.get("lamp"));
        nameservers.push(Nameserver { name, addresses, lamp });
    }
    nameservers
}

/// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`; without a port: 53.
///
/// # Errors
/// The reason and the next step.
pub fn server_address(text: &str) -> Result<SocketAddr, Rejection> {
    let bare = text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 53));
    let Ok(address) = bare.or_else(|_| text.parse()) else {
        return reject(
            "is not an IP address",
            "write an address, such as 192.0.2.1 or 2001:db8::1, or one with a port, such as \
             192.0.2.1:5353 or [2001:db8::1]:5353",
        );
    };
    let next = "write the address of one host, such as 192.0.2.1 or 2001:db8::1";
    match address.ip() {
        _ if address.port() == 0 => reject(
            "has port 0, which no server can use",
            "write a port from 1 to 65535, or none for 53",
        ),
        ip if ip.is_unspecified() => reject("is not the address of a host", next),
        ip if ip.is_multicast() => reject("is a multicast address", next),
        IpAddr::V4(ip) if ip.is_broadcast() => reject("is the broadcast address", next),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(v4) => reject("is an IPv4-mapped IPv6 address", format!("write {v4}")),
            None => Ok(address),
        },
        IpAddr::V4(_) => Ok(address),
    }
}

/// `192.0.2.1` for port 53, else `192.0.2.1:5353`, as the file writes it.
#[must_use]
pub fn address_text(address: &SocketAddr) -> String {
    if address.port() == 53 { address.ip().to_string() } else { address.to_string() }
}

/// The same for several.
#[must_use]
pub fn addresses_text(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(address_text).collect::<Vec<_>>().join(", ")
}

/// File names are relative to `folder`.
pub(super) fn vantage<'a>(
    root: &Node<'a>,
    folder: &Path,
    addresses: &mut Addresses<'a>,
    environment: Environment<'_>,
) -> Vantage {
    let host = environment.host_name;
    let table = root.get("vantage").table("name anchors intercept trust-anchor");
    let key = table.get("anchors");
    let (anchors, complete) = addresses.list(&key, Role::Anchor, ANCHORS);
    let (intercept, _) = addresses.list(&table.get("intercept"), Role::Intercept, INTERCEPT);
    if complete {
        require_anchors(&key, &anchors, addresses);
    }
    let name = table.get("name").text("home", vantage_name).or_else(|| vantage_name(host).ok());
    let name = name.unwrap_or_else(|| "home".to_owned());
    let trust_anchor = table.get("trust-anchor").text("root.key", |text| {
        let next = "name a file with the DS or DNSKEY records of the root";
        TrustAnchor::parse(&environment.content(&folder.join(text), next)?)
    });
    let trust_anchor = trust_anchor.unwrap_or_else(TrustAnchor::iana);
    Vantage { name, anchors, intercept, trust_anchor }
}

fn vantage_name(text: &str) -> Result<String, Rejection> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(known) {
        return Ok(text.to_owned());
    }
    reject("is not a short name", "write 1 to 64 letters, digits, -, _ and dots, such as home")
}

/// Each family in which a nameserver has an address needs an anchor. (The defaults have both.)
fn require_anchors(key: &Node<'_>, anchors: &[SocketAddr], addresses: &Addresses<'_>) {
    let families = [(false, "IPv4"), (true, "IPv6")];
    for ((v6, family), nameserver) in families.into_iter().zip(&addresses.first) {
        let anchor = anchors.iter().any(|anchor| anchor.is_ipv6() == v6);
        if let Some(node) = nameserver.as_ref().filter(|_| !anchor) {
            let reason = format!(
                "has no {family} address, but {} is one: without an anchor, a broken {family} connection at \
                 home looks like an outage",
                node.path
            );
            let example = if v6 { "2001:503:ba3e::2:30" } else { "198.41.0.4" };
            key.reject(reason, format!("add one, such as {example} (a.root-servers.net)"));
        }
    }
}
