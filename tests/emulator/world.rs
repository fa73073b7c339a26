//! The world outside of the guest, all of it on the loopback of this network namespace, which the guest
//! finds at 10.0.2.2: its nameservers, an anchor, GitHub behind TLS, name resolution and the time.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record, RecordType};

use crate::fakes::dns::script::{Behaviour, Nameserver, Reply, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::example;
use crate::fakes::github::{GitHub, LOGIN, REPO};
use crate::fakes::process::Process;
use crate::fakes::real::{Real, Software};
use crate::fakes::tls;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The address of this namespace's loopback, as QEMU's user network shows it to the guest.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// What stands in the log of nothing and nobody: a token that can be searched for.
pub const TOKEN: &str = "github_pat_11EMULATOR0KNOWNTONOBODYELSE";

/// All of it.
pub struct World {
    _ns1: Real,
    /// The second nameserver, Knot.
    pub ns2: Real,
    /// Where issues go.
    pub github: GitHub,
    /// Whom the guest trusts in GitHub's place: a PEM file.
    pub ca: String,
    config: String,
    _anchor: SocketServer,
    _names: SocketServer,
    _tls: Process,
}

impl World {
    /// Starts it; files go into the folder.
    ///
    /// # Panics
    /// When a program is not installed, or a port is not free, as it is in a namespace of our own.
    pub fn start(dir: &Path) -> Self {
        let zones = [("example.net", example::ZONE)];
        let ns1 = Real::start(Software::Nsd, &[HERE], &zones);
        let ns2 = Real::start(Software::Knot, &[HERE], &zones);
        let root = Nameserver::new([ZoneData::root()]);
        let anchor = SocketServer::start(HERE, 0, root);
        let github = GitHub::start();
        github.add_user(TOKEN, LOGIN);
        let (tls, socat) = tls::before(&github, dir, OUTSIDE.into());
        let outside = |at: SocketAddr| SocketAddr::from((OUTSIDE, at.port()));
        let config = example::config(
            "emulator",
            &format!("repository = \"{REPO}\"\napi = \"https://{OUTSIDE}:{tls}\"\nca = \"ca.pem\""),
            "interval = \"5s\"\nrecheck = \"4s\"\nrecover = \"2s\"",
            outside(anchor.addr()),
            [&ns1, &ns2].map(|server| outside(server.addresses()[0])),
        );
        let names = Nameserver::behaving([], Behaviour::custom(|_, query| every_name(query)));
        tell_the_time().unwrap_or_else(|error| panic!("127.0.0.1:123: {error}"));
        Self {
            _ns1: ns1,
            ns2,
            github,
            ca: fs::read_to_string(dir.join("ca.pem")).unwrap(),
            config,
            _anchor: anchor,
            _names: SocketServer::start(HERE, 53, names),
            _tls: socat,
        }
    }

    /// A configuration that is right, with a first line of this run's own.
    pub fn config(&self, remark: &str) -> String {
        format!("# {remark}\n{}", self.config)
    }
}

/// Every name has the outside's address, and no other record.
fn every_name(query: &[u8]) -> Vec<Reply> {
    let Ok(mut message) = Message::from_vec(query) else {
        return Vec::new();
    };
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    message.metadata.response_code = ResponseCode::NoError;
    for query in message.queries.clone() {
        if query.query_type() == RecordType::A {
            let address = RData::A(A(OUTSIDE));
            message.add_answer(Record::from_rdata(query.name().clone(), 300, address));
        }
    }
    message.to_vec().map(Reply::now).into_iter().collect()
}

/// Answers NTP (RFC 5905) as a server of stratum 1 would, for as long as this process runs.
fn tell_the_time() -> io::Result<()> {
    /// From 1900, when NTP's time begins, to 1970.
    const ERA: u64 = 2_208_988_800;
    let socket = UdpSocket::bind((HERE, 123))?;
    let now = || {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        (unix.as_secs() + ERA) << 32 | fraction
    };
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut packet) {
            if length < 48 {
                continue;
            }
            let mut reply = [0; 48];
            reply[0] = 4 << 3 | 4; // no leap second, version 4, a server
            reply[1] = 1; // stratum
            reply[2] = packet[2]; // the poll interval that was asked for
            reply[3] = 0xec; // precision: 2^-20 s
            reply[12..16].copy_from_slice(b"LOCL");
            let time = now().to_be_bytes();
            for at in [16, 32, 40] {
                reply[at..at + 8].copy_from_slice(&time); // reference, receive, transmit
            }
            reply[24..32].copy_from_slice(&packet[40..48]); // origin: what the client sent
            let _ = socket.send_to(&reply, client);
        }
    });
    Ok(())
}
