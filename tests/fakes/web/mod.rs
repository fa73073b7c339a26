//! A web server that answers as a test wants it, with TLS or without.
//!
//! Its certificate (`server.pem`) is for `www.example.net` and `example.net`, from 2026-01-01 to 2027-01-01,
//! signed by `ca.pem`, whose key does not exist any more. Tests of other certificates change the clock or the
//! name.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// For a client that sends nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// What the server does with a request.
#[derive(Clone)]
pub enum Site {
    /// Sends these bytes, and ends the connection.
    Sends(String),
    /// Sends them, and leaves the connection open.
    Stalls(String),
    /// Sends these bytes after whatever comes first, before any TLS.
    Raw(Vec<u8>),
    /// Resets the connection without reading the request.
    Resets,
}

impl Site {
    /// A whole answer with this status, these header lines and this body.
    pub fn page(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Sends(format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ))
    }
}

/// Serves until it is dropped.
pub struct Web {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    site: Mutex<Site>,
    requests: Mutex<Vec<String>>,
    over: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
    /// What a mail server sends in plain text, line by line; the client sends a line before each but the first.
    preface: &'static [&'static str],
}

/// The certificate authority's file.
pub fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/web/ca.pem")
}

/// The file of the certificate (`pem`) or the key (`key`) of a client.
pub fn client(extension: &str) -> PathBuf {
    authority().with_file_name(format!("client.{extension}"))
}

impl Web {
    /// Plain HTTP at a port of that address.
    pub fn http(here: IpAddr, site: Site) -> Self {
        Self::start(here, site, None, &[])
    }

    /// The same over TLS.
    pub fn https(here: IpAddr, site: Site) -> Self {
        Self::https_as(here, site, "server")
    }

    /// The same with the certificate and the key of this name.
    pub fn https_as(here: IpAddr, site: Site, name: &str) -> Self {
        Self::start(here, site, Some(Arc::new(tls(name, false))), &[])
    }

    /// The same, only for clients with the certificate `client.pem`.
    pub fn https_for_clients(here: IpAddr, site: Site) -> Self {
        Self::start(here, site, Some(Arc::new(tls("server", true))), &[])
    }

    /// TLS with the same certificate after these replies in plain text.
    pub fn starttls(here: IpAddr, preface: &'static [&'static str]) -> Self {
        Self::start(
            here,
            Site::Stalls(String::new()),
            Some(Arc::new(tls("server", false))),
            preface,
        )
    }

    fn start(
        here: IpAddr,
        site: Site,
        tls: Option<Arc<ServerConfig>>,
        preface: &'static [&'static str],
    ) -> Self {
        let listener = TcpListener::bind((here, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (site, requests) = (Mutex::new(site), Mutex::default());
        let state = Arc::new(State { site, requests, over: AtomicBool::new(false), tls, preface });
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.over.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&served);
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it does this.
    pub fn set(&self, site: Site) {
        *self.state.site.lock().unwrap() = site;
    }

    /// Every request so far, with its headers.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }
}

/// The server's side, with the certificate and the key of this name.
fn tls(name: &str, clients: bool) -> ServerConfig {
    let file = |extension| authority().with_file_name(format!("{name}.{extension}"));
    let certificate = CertificateDer::from_pem_file(file("pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(client("pem")).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = match clients {
        true => verifier.build().unwrap(),
        false => WebPkiClientVerifier::no_client_auth(),
    };
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

impl Drop for Web {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes the listener, so that it closes
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(IDLE_TIMEOUT)).unwrap();
        let site = self.site.lock().unwrap().clone();
        if matches!(site, Site::Resets) {
            // To close with something unread is to reset.
            let _ = stream.peek(&mut [0]);
            return;
        }
        if let Site::Raw(bytes) = &site {
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(bytes));
            return;
        }
        let mut byte = [0];
        for (step, reply) in self.preface.iter().enumerate() {
            while step > 0 && byte != *b"\n" {
                if !matches!(stream.read(&mut byte), Ok(1)) {
                    return;
                }
            }
            byte = [0];
            let _ = stream.write_all(reply.as_bytes());
        }
        match &self.tls {
            None => self.answer(stream, &site),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                self.answer(StreamOwned::new(connection, stream), &site);
            }
        }
    }

    fn answer(&self, mut stream: impl Read + Write, site: &Site) {
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return, // the client has seen enough, such as the certificate
            }
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head.split("\r\ncontent-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        request.extend(body);
        self.requests.lock().unwrap().push(String::from_utf8(request).unwrap());
        let (Site::Sends(bytes) | Site::Stalls(bytes)) = site else { return };
        // The client may stop listening in the middle.
        let _ = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
        if matches!(site, Site::Stalls(_)) {
            let _ = stream.read(&mut byte); // until the client gives up
        }
    }
}
