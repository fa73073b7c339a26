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
use rustls::{ServerConfig, ServerConnection, StreamOwned};

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
}

/// The certificate authority's file.
pub fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/web/ca.pem")
}

impl Web {
    /// Plain HTTP at a port of that address.
    pub fn http(here: IpAddr, site: Site) -> Self {
        Self::start(here, site, None)
    }

    /// The same over TLS.
    pub fn https(here: IpAddr, site: Site) -> Self {
        Self::https_as(here, site, "server")
    }

    /// The same with the certificate and the key of this name.
    pub fn https_as(here: IpAddr, site: Site, name: &str) -> Self {
        let file = |extension| authority().with_file_name(format!("{name}.{extension}"));
        let certificate = CertificateDer::from_pem_file(file("pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::start(here, site, Some(Arc::new(config)))
    }

    fn start(here: IpAddr, site: Site, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((here, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (site, requests) = (Mutex::new(site), Mutex::default());
        let state = Arc::new(State { site, requests, over: AtomicBool::new(false), tls });
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
        self.requests.lock().unwrap().push(String::from_utf8(request).unwrap());
        let (Site::Sends(bytes) | Site::Stalls(bytes)) = site else { return };
        // The client may stop listening in the middle.
        let _ = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
        if matches!(site, Site::Stalls(_)) {
            let _ = stream.read(&mut byte); // until the client gives up
        }
    }
}
