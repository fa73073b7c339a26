//! Real nameservers: Debian's NSD, Knot, BIND and PowerDNS, each a child process with its files in a folder of its
//! own, on loopback addresses and a port that was free. A program that is not installed fails the test
//! with the package to install: a test that skips what it is about proves nothing.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use tempfile::TempDir;

use super::process::{Process, installed};

/// How long one question may take. A nameserver that is still starting is asked again.
const ANSWER: Duration = Duration::from_millis(500);

/// Which nameserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// NLnet Labs' NSD.
    Nsd,
    /// CZ.NIC's Knot DNS.
    Knot,
    /// ISC's BIND 9.
    Bind,
    /// PowerDNS with its backend for BIND's files.
    Pdns,
}

/// What a server's configuration has beyond what all have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// Lines in the section of the server's options.
    pub server: &'a str,
    /// Lines in the section of every zone.
    pub zone: &'a str,
}

impl Software {
    /// The daemon, and the Debian package that has it.
    fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Nsd => ("nsd", "nsd"),
            Self::Knot => ("knotd", "knot"),
            Self::Bind => ("named", "bind9"),
            Self::Pdns => ("pdns_server", "pdns-server pdns-backend-bind"),
        }
    }

    /// The configuration file: these addresses, these zones, nothing written outside of the folder.
    fn config(
        self,
        dir: &Path,
        addresses: &[SocketAddr],
        origins: &[&str],
        extra: Extra<'_>,
    ) -> String {
        let Extra { server: extra, zone: zone_extra } = extra;
        let dir = dir.display();
        let listed =
            |each: &dyn Fn(&SocketAddr) -> String| addresses.iter().map(each).collect::<String>();
        let mut text = match self {
            Self::Nsd => format!(
                "server:\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{dir}\"\n \
                 database: \"\"\n pidfile: \"\"\n xfrdir: \"{dir}\"\n xfrdfile: \"\"\n \
                 zonelistfile: \"{dir}/zone.list\"\n{}{extra}\nremote-control:\n control-enable: no\n",
                listed(&|a| format!(" ip-address: {}@{}\n", a.ip(), a.port()))
            ),
            Self::Knot => format!(
                "server:\n rundir: \"{dir}\"\n udp-workers: 1\n tcp-workers: 1\n background-workers: 1\n \
                 listen: [ {} ]\n{extra}\ndatabase:\n storage: \"{dir}/db\"\n\
                 log:\n - target: stderr\n   any: info\n\
                 template:\n - id: default\n   storage: \"{dir}\"\n   journal-content: none\n   \
                 zonefile-sync: -1\nzone:\n",
                listed(&|a| format!("{}@{}, ", a.ip(), a.port())).trim_end_matches(", ")
            ),
            Self::Bind => format!(
                "controls {{ }};\noptions {{\n directory \"{dir}\";\n pid-file none;\n \
                 session-keyfile none;\n managed-keys-directory \"{dir}\";\n \
                 dnssec-validation no;\n notify no;\n{}{}{}\n}};\n",
                bind_listens(addresses, false),
                bind_listens(addresses, true),
                if extra.contains("recursion") { extra } else { " recursion no;" },
            ),
            // It would ask its maker whether it is safe to run.
            Self::Pdns => format!(
                "launch=bind\nbind-config={dir}/zones.conf\nlocal-address={}\nsocket-dir={dir}\n\
                 security-poll-suffix=\nguardian=no\ndaemon=no\nreceiver-threads=1\n\
                 distributor-threads=1\n{extra}\n",
                listed(&|a| format!("{a}, ")).trim_end_matches(", ")
            ),
        };
        for origin in origins {
            let more = match self {
                Self::Nsd => format!(
                    "zone:\n name: \"{origin}.\"\n zonefile: \"{origin}.zone\"\n{zone_extra}"
                ),
                Self::Knot => {
                    format!(" - domain: \"{origin}\"\n   file: \"{origin}.zone\"\n{zone_extra}")
                }
                Self::Bind => format!(
                    "zone \"{origin}\" {{ type primary; file \"{origin}.zone\"; {zone_extra} }};\n"
                ),
                Self::Pdns => String::new(), // in a file of its own
            };
            text.push_str(&more);
        }
        text
    }

    fn config_file(self) -> &'static str {
        match self {
            Self::Pdns => "pdns.conf",
            Self::Nsd | Self::Knot | Self::Bind => "daemon.conf",
        }
    }

    /// The daemon in the foreground, on this configuration.
    fn command(self, dir: &Path, config: &Path) -> io::Result<Command> {
        let (name, package) = self.program();
        let program = installed(name, package);
        let mut command = match self {
            Self::Nsd => {
                let mut command = Command::new(program);
                command.arg("-d");
                command
            }
            Self::Knot => Command::new(program),
            Self::Pdns => {
                let mut command = Command::new(program);
                command.arg(format!("--config-dir={}", dir.display()));
                return Ok(command);
            }
            Self::Bind => {
                // Ubuntu's AppArmor profile keeps /usr/sbin/named out of every folder but its own; it
                // goes by the path, so a copy may read our files. `cp` makes it, for what this process
                // has open for writing, a child that another test starts may have open a moment longer,
                // and then it cannot be executed.
                let copy = dir.join(name);
                let copied = Command::new("cp").arg(program).arg(&copy).status()?;
                assert!(copied.success(), "named can be copied");
                let mut command = Command::new(copy);
                command.args(["-g", "-n", "1"]);
                command
            }
        };
        command.arg("-c").arg(config);
        Ok(command)
    }
}

/// BIND's lines for the addresses of a family, or the one that keeps it away from all of them.
fn bind_listens(addresses: &[SocketAddr], v6: bool) -> String {
    let key = if v6 { "listen-on-v6" } else { "listen-on" };
    let own = addresses.iter().filter(|a| a.is_ipv6() == v6);
    let own: String =
        own.map(|a| format!(" {key} port {} {{ {}; }};\n", a.port(), a.ip())).collect();
    if own.is_empty() { format!(" {key} {{ none; }};\n") } else { own }
}

/// A running nameserver; dropping it ends the process.
pub struct Real {
    software: Software,
    addresses: Vec<SocketAddr>,
    origins: Vec<String>,
    process: Option<Process>,
    dir: TempDir,
}

impl Real {
    /// Starts it with these zones, each an origin without a dot at the end and the lines of its file,
    /// and returns when it answers for all of them at every address.
    ///
    /// # Panics
    /// When it is not installed or does not come up, with its own words.
    pub fn start(software: Software, ips: &[IpAddr], zones: &[(&str, &str)]) -> Self {
        Self::start_with(software, ips, zones, Extra::default())
    }

    /// The same, with more lines in its configuration.
    ///
    /// # Panics
    /// As [`Real::start`].
    pub fn start_with(
        software: Software,
        ips: &[IpAddr],
        zones: &[(&str, &str)],
        extra: Extra<'_>,
    ) -> Self {
        Self::start_at(software, ips, free_port(ips), zones, extra)
    }

    /// The same, at this port.
    ///
    /// # Panics
    /// As [`Real::start`].
    pub fn start_at(
        software: Software,
        ips: &[IpAddr],
        port: u16,
        zones: &[(&str, &str)],
        extra: Extra<'_>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let addresses: Vec<SocketAddr> = ips.iter().map(|ip| (*ip, port).into()).collect();
        let origins: Vec<&str> = zones.iter().map(|(origin, _)| *origin).collect();
        let config = software.config(dir.path(), &addresses, &origins, extra);
        fs::create_dir(dir.path().join("db")).expect("a folder in an empty one");
        write(&dir.path().join(software.config_file()), &config);
        for (origin, text) in zones {
            write_zone(dir.path(), origin, text);
        }
        let zones = origins.iter().map(|origin| {
            let path = dir.path().join(format!("{origin}.zone"));
            format!("zone \"{origin}\" {{ type master; file {path:?}; }};\n")
        });
        write(&dir.path().join("zones.conf"), &zones.collect::<String>());
        let mut real = Self {
            software,
            addresses,
            origins: origins.into_iter().map(str::to_owned).collect(),
            process: None,
            dir,
        };
        real.start_again();
        real
    }

    /// Where it answers, in the order of the addresses that it was started with.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Replaces the lines of a zone's file and has it read again (Knot, NSD: SIGHUP).
    ///
    /// # Panics
    /// When it is stopped.
    pub fn rewrite(&self, origin: &str, text: &str) {
        write_zone(self.dir.path(), origin, text);
        self.process.as_ref().expect("it runs").signal("HUP");
    }

    /// Waits until the condition holds.
    ///
    /// # Panics
    /// When that takes too long, or the process ends, with its own words.
    pub fn wait_until(&mut self, what: &str, condition: impl FnMut() -> bool) {
        self.process.as_mut().expect("it runs").wait_until(what, condition);
    }

    /// Ends the process; nothing listens any more on return.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port, and returns when it answers.
    ///
    /// # Panics
    /// When it does not come up, with its own words.
    pub fn start_again(&mut self) {
        self.stop();
        let config = self.dir.path().join(self.software.config_file());
        let command = self.software.command(self.dir.path(), &config);
        let command = command.expect("a copy of the program");
        let log = self.dir.path().join("log");
        let process = Process::start(command, &log);
        let process = self.process.insert(process);
        for origin in &self.origins {
            let name = Name::from_ascii(format!("{origin}.")).expect("an origin is a name");
            for &address in &self.addresses {
                process.wait_until("it answers", || answers(address, &name));
            }
        }
    }
}

/// The file of a zone; one without lines has no file, for it comes from elsewhere.
fn write_zone(dir: &Path, origin: &str, text: &str) {
    if !text.is_empty() {
        let path = dir.join(format!("{origin}.zone"));
        write(&path, &format!("$ORIGIN {origin}.\n$TTL 300\n{text}"));
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Whether the server is authoritative for the zone, over UDP and over TCP.
fn answers(address: SocketAddr, zone: &Name) -> bool {
    let mut query = Message::query();
    query.add_query(Query::query(zone.clone(), RecordType::SOA));
    let packet = query.to_vec().expect("a small message");
    let replies = [ask_udp(address, &packet), ask_tcp(address, &packet)];
    replies.into_iter().all(|reply| {
        let reply = reply.and_then(|bytes| Message::from_vec(&bytes).map_err(io::Error::other));
        reply.is_ok_and(|reply| {
            reply.metadata.authoritative
                && reply.metadata.response_code == ResponseCode::NoError
                && !reply.answers.is_empty()
        })
    })
}

fn ask_udp(address: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((unspecified(address), 0))?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(ANSWER))?;
    socket.send(packet)?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn ask_tcp(address: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let length = u16::try_from(packet.len()).expect("a small message");
    stream.write_all(&[&length.to_be_bytes(), packet].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn unspecified(address: SocketAddr) -> IpAddr {
    match address {
        SocketAddr::V4(_) => [0, 0, 0, 0].into(),
        SocketAddr::V6(_) => [0_u16; 8].into(),
    }
}

/// A port that is free at all of these addresses, over UDP and TCP, and stays so while a daemon takes its
/// time: it is below those that the system gives to clients, and no other test of this process gets it.
pub fn free_port(ips: &[IpAddr]) -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs at once begin at different places.
    let begin = u16::try_from(std::process::id() * 32 % u32::from(COUNT)).expect("below COUNT");
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (begin + step % COUNT) % COUNT;
        let free = |ip: &IpAddr| {
            UdpSocket::bind((*ip, port)).is_ok() && TcpListener::bind((*ip, port)).is_ok()
        };
        if ips.iter().all(free) {
            return port;
        }
    }
    panic!("no port is free at {ips:?}");
}
