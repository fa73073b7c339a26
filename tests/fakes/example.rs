//! The zone of the demo and of the emulated board, and a configuration for it.

use std::net::SocketAddr;

/// The zone `example.net`.
pub const ZONE: &str = "\
@ 3600 SOA ns1 hostmaster 2026030100 7200 3600 1209600 3600
@ 3600 NS ns1
@ 3600 NS ns2
ns1 3600 A 192.0.2.1
ns2 3600 A 192.0.2.2
www 300 A 192.0.2.80
@ 3600 MX 10 mail
mail 3600 A 192.0.2.25
";

/// A configuration with these lines about GitHub and about times, one anchor and two nameservers.
pub fn config(
    vantage: &str,
    github: &str,
    schedule: &str,
    anchor: SocketAddr,
    servers: [SocketAddr; 2],
) -> String {
    let [ns1, ns2] = servers;
    format!(
        r#"[github]
{github}
heartbeat = "off"

[vantage]
name = "{vantage}"
anchors = ["{anchor}"]
intercept = []

[schedule]
splay = "0s"
{schedule}

[[nameserver]]
name = "ns1.example.net"
addresses = ["{ns1}"]

[[nameserver]]
name = "ns2.example.net"
addresses = ["{ns2}"]

[[zone]]
name = "example.net"
records = [
  {{ name = "www", type = "A", values = ["192.0.2.80"] }},
  {{ name = "@", type = "MX", values = ["10 mail"] }},
]
"#
    )
}
