//! The configuration file of a scenario, and the addresses in it.

/// The NS set of every zone, whoever is watched.
const NS: &str =
    r#"{ name = "@", type = "NS", values = ["ns1.example.net.", "ns2.example.net."] }"#;

/// Where a nameserver, or an anchor, is in each family.
pub(super) struct Host {
    pub name: &'static str,
    pub v4: &'static str,
    pub v6: &'static str,
}

/// The last of these are anchors. Every address is loopback, should one ever leave the memory.
pub(super) const HOSTS: [Host; 5] = [
    host("ns1", "127.0.1.1:53", "[::1]:5301"),
    host("ns2", "127.0.1.2:53", "[::1]:5302"),
    host("ns3", "127.0.1.3:53", "[::1]:5303"),
    host("anchor1", "127.0.9.1:53", "[::1]:5391"),
    host("anchor2", "127.0.9.2:53", "[::1]:5392"),
];

const fn host(name: &'static str, v4: &'static str, v6: &'static str) -> Host {
    Host { name, v4, v6 }
}

pub(super) const NOWHERE: [&str; 2] = ["127.0.9.53:53", "[::1]:5353"];

/// The configuration file.
#[derive(Default)]
pub(super) struct File {
    pub ipv6: bool,
    pub heartbeat: String,
    pub assignees: Vec<String>,
    pub schedule: Vec<(String, String)>,
    pub nameservers: Vec<String>,
    pub endpoints: Vec<String>,
    pub www: String,
    pub broken: bool,
}

impl File {
    /// The text, for a GitHub at this URL and these zones.
    pub(super) fn text(&self, github: &str, origins: impl Iterator<Item = String>) -> String {
        let addresses = |host: &Host| match self.ipv6 {
            true => format!("{:?}", [host.v4, host.v6]),
            false => format!("{:?}", [host.v4]),
        };
        let anchors: Vec<&str> = HOSTS[3..].iter().flat_map(|h| [h.v4, h.v6]).collect();
        let mut text = format!(
            "[github]\nrepository = \"owner/infra\"\napi = \"{}\"\nheartbeat = \"{}\"\nassignees = {:?}\n\n[vantage]\nname = \"home\"\n\
             anchors = {anchors:?}\nintercept = {NOWHERE:?}\n\n[schedule]\nsplay = \"0s\"\n",
            github, self.heartbeat, self.assignees
        );
        for (key, value) in &self.schedule {
            text += &format!("{key} = \"{value}\"\n");
        }
        let listed = |host: &&Host| self.nameservers.iter().any(|name| name == host.name);
        for host in HOSTS.iter().filter(listed) {
            let (name, addresses) = (host.name, addresses(host));
            text += &format!(
                "\n[[nameserver]]\nname = \"{name}.example.net\"\naddresses = {addresses}\n"
            );
        }
        let www = &self.www;
        for name in origins {
            text += &format!(
                "\n[[zone]]\nname = \"{name}\"\nrecords = [{{ name = \"www\", type = \"A\", values = [\"{www}\"] }}, {NS}]\n"
            );
        }
        for url in &self.endpoints {
            text += &format!("\n[[endpoint]]\nurl = \"{url}\"\n");
        }
        if self.broken {
            text += "\n[[zone]]\nnaem = \"example.net\"\n";
        }
        text
    }
}
