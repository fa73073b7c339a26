//! `check --nameserver`: nameservers that are not in the file, or not yet at these addresses.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::proto::rr::RecordType;

use super::hosts::{Nameserver, Vantage, server_address};
use super::name;
use super::problem::{Problem, Problems, Rejection, quoted, reject};
use super::records::{Expected, RecordSet};
use super::root::Config;

impl Config {
    /// The same with these nameservers only, each written as `NAME=ADDRESS`; a repeated name adds an address.
    ///
    /// A nameserver of the file serves its zones there; a new one serves all. The zones keep their records
    /// and their NS sets, which do not have the new nameservers yet.
    ///
    /// # Errors
    /// All problems of the arguments.
    pub fn with_only(self, arguments: &[String]) -> Result<Self, Problems> {
        let mut candidates: Vec<Nameserver> = Vec::new();
        let mut problems = Problems::default();
        for text in arguments {
            match candidate(text, &self.vantage, &candidates) {
                Ok((name, address)) => match candidates.iter_mut().find(|c| c.name == name) {
                    Some(known) => known.addresses.push(address),
                    None => {
                        candidates.push(Nameserver { name, addresses: vec![address], lamp: None });
                    }
                },
                Err(why) => {
                    problems.push(|| Problem::new("--nameserver", None, quoted(text), why));
                }
            }
        }
        if !problems.list.is_empty() {
            return Err(problems);
        }
        let mut zones = self.zones.clone();
        for zone in &mut zones {
            if !zone.records.iter().any(|set| set.rtype == RecordType::NS) {
                let expected = Expected::Records(self.ns_set(zone));
                let (name, rtype) = (zone.name.clone(), RecordType::NS);
                zone.records.push(Arc::new(RecordSet { name, rtype, expected }));
            }
            let serves = |candidate: &Nameserver| {
                let known = self.nameservers.iter().position(|n| n.name == candidate.name);
                known.is_none_or(|index| zone.nameservers.contains(&index))
            };
            let numbered = candidates.iter().enumerate();
            zone.nameservers = numbered.filter(|(_, c)| serves(c)).map(|(n, _)| n).collect();
        }
        zones.retain(|zone| !zone.nameservers.is_empty());
        Ok(Self { nameservers: candidates, zones, endpoints: Vec::new(), ..self })
    }
}

fn candidate(
    text: &str,
    vantage: &Vantage,
    before: &[Nameserver],
) -> Result<(String, SocketAddr), Rejection> {
    let Some((name, address)) = text.split_once('=') else {
        let next = "write both, such as ns1-next.example.net=192.0.2.1";
        return reject("is not NAME=ADDRESS", next);
    };
    let (name, address) = (name::host(name)?, server_address(address)?);
    if before.iter().any(|other| other.addresses.contains(&address)) {
        return reject("repeats an address", "remove one of the two");
    }
    if vantage.anchors.contains(&address) || vantage.intercept.contains(&address) {
        return reject(
            "has an address of vantage.anchors or vantage.intercept in the configuration",
            "give the nameserver's own address",
        );
    }
    if !vantage.anchors.iter().any(|anchor| anchor.is_ipv6() == address.is_ipv6()) {
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
        return reject(
            format!("has an {family} address, but vantage.anchors in the configuration has none"),
            format!("add an {family} anchor: it proves that our own connection works"),
        );
    }
    Ok((name, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
        nameserver = [
            { name = "ns1.example.net", addresses = ["192.0.2.1"] },
            { name = "ns2.example.net", addresses = ["192.0.2.2"] },
        ]
        zone = [{ name = "example.net" }, { name = "example.org", nameservers = ["ns2.example.net"] }]
    "#;

    /// The zones, who serves them, and their NS sets.
    fn zones(given: &[&str]) -> Vec<(String, Vec<usize>, String)> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let config = Config::parse("", TWO).unwrap().with_only(&given).unwrap();
        let ns = |set: &Arc<RecordSet>| match &set.expected {
            Expected::Records(records) => records.iter().map(|r| format!("{r} ")).collect(),
            _ => String::new(),
        };
        let zones = config.zones.iter();
        zones.map(|z| (z.name.to_ascii(), z.nameservers.clone(), ns(&z.records[0]))).collect()
    }

    #[test]
    fn a_new_candidate_serves_all_zones_and_a_known_one_its_own_and_ns_sets_stay() {
        let net = |who| ("example.net.".into(), who, "ns1.example.net. ns2.example.net. ".into());
        let org = |who| ("example.org.".into(), who, "ns2.example.net. ".into());
        assert_eq!(zones(&["ns3=192.0.2.3", "ns3=192.0.2.4"]), [net(vec![0]), org(vec![0])]);
        assert_eq!(zones(&["NS1.example.net.=192.0.2.3"]), [net(vec![0])]);
        let both = zones(&["ns1.example.net=192.0.2.3", "ns2.example.net=192.0.2.2"]);
        assert_eq!(both, [net(vec![0, 1]), org(vec![1])]);
    }
}
