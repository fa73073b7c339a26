//! TLS in front of a peer that speaks plain HTTP, with an authority and a certificate made for the run:
//! openssl makes them, socat ends the connections.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use super::github::GitHub;
use super::process::{Process, installed};
use super::real::free_port;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Puts it before GitHub, at a port of 127.0.0.1, for clients who know it by this address and trust
/// `ca.pem` in the folder. It ends with the process.
///
/// # Panics
/// When openssl or socat are not installed.
pub fn before(github: &GitHub, dir: &Path, known_as: IpAddr) -> (u16, Process) {
    let openssl = |arguments: &str| {
        let mut command = Command::new(installed("openssl", "openssl"));
        command.args(arguments.split(' ')).current_dir(dir).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "openssl {arguments}");
    };
    fs::write(dir.join("server.ext"), format!("subjectAltName = IP:{known_as}\n")).unwrap();
    let key = "req -newkey rsa:2048 -nodes -keyout";
    openssl(&format!("{key} ca.key -x509 -days 2 -subj /CN=authority -out ca.pem"));
    openssl(&format!("{key} server.key -subj /CN=server -out server.csr"));
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \
         -out server.pem",
    );
    let port = free_port(&[HERE]);
    let mut command = Command::new(installed("socat", "socat"));
    command.current_dir(dir);
    command.arg(format!(
        "OPENSSL-LISTEN:{port},bind={HERE},reuseaddr,fork,cert=server.pem,key=server.key,verify=0"
    ));
    command.arg(format!("TCP:{}", github.url().trim_start_matches("http://")));
    let mut socat = Process::start(command, &dir.join("socat.log"));
    socat.wait_until("it listens", || TcpStream::connect((HERE, port)).is_ok());
    (port, socat)
}
