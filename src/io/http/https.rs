//! One request for a page, to one address, and what came of it.
//!
//! [`ureq`] speaks HTTP; the TLS below it is ours, because ureq keeps the certificate to itself, and asks the
//! system what time it is. No redirect is followed, no cookie or password sent, no proxy used.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::ClientConnection;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore, StreamOwned};
use ureq::config::Config;
use ureq::http::{Request, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport, TransportAdapter,
};

use crate::config::{Endpoint, Scheme};
use crate::decide::probe::endpoint::{AddressResult, BODY_LIMIT, EndpointReply};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::clock::monotonic;
use crate::io::clock::since;
use crate::io::dns::message::broken;
use crate::io::http::certificate::not_after;
use crate::io::http::client::{USER_AGENT, certificates};

/// Asks for the page at that address, whatever its name may lead to. Blocks for as long as the endpoint's
/// timeout. `now` is when certificates are judged; before the clock is set none can be.
pub(super) fn get(
    endpoint: &Endpoint,
    address: SocketAddr,
    now: Option<Timestamp>,
) -> AddressResult {
    let began = monotonic();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let outcome = match tls(endpoint, now) {
        Ok(tls) => ask(endpoint, address, Layer { tls, seen: Arc::clone(&seen) }),
        Err(why) => EndpointReply::Local(why),
    };
    let certificate = lock(&seen).certificate;
    AddressResult { address, outcome, latency: since(began), certificate }
}

fn ask(endpoint: &Endpoint, address: SocketAddr, layer: Layer) -> EndpointReply {
    let seen = Arc::clone(&layer.seen);
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false) // every status is an answer, and judged elsewhere
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(endpoint.timeout))
        .max_idle_connections(0)
        .user_agent(USER_AGENT)
        .build();
    let connector = ().chain(TcpConnector::default()).chain(layer);
    let agent = ureq::Agent::with_parts(config, connector, Only(address));
    let failed = |error: &ureq::Error| reached(error, endpoint, lock(&seen).connected);
    let request = match Request::get(&endpoint.url).body(()) {
        Ok(request) => request,
        Err(error) => return EndpointReply::Local(error.to_string()),
    };
    let mut response = match agent.run(request) {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let contains = match &endpoint.contains {
        None => true,
        Some(text) => {
            let mut page = Vec::new();
            let read = response.body_mut().as_reader().take(BODY_LIMIT).read_to_end(&mut page);
            let found = page.windows(text.len()).any(|window| window == text.as_bytes());
            match read {
                Err(error) if !found => return failed(&error.into()),
                _ => found,
            }
        }
    };
    let location = response.headers().get("location");
    EndpointReply::Page {
        status: response.status().as_u16(),
        location: location.map(|location| String::from_utf8_lossy(location.as_bytes()).into()),
        contains,
    }
}

fn reached(error: &ureq::Error, endpoint: &Endpoint, connected: bool) -> EndpointReply {
    let timeout = endpoint.timeout;
    EndpointReply::Failed(match error {
        ureq::Error::Timeout(_) if connected => EndpointError::Mute(timeout),
        ureq::Error::Timeout(_) => EndpointError::Silent(timeout),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(rustls::Error::FailedToGetCurrentTime) => return unset(),
            Some(error) => refused(error),
            None => return broken(error, timeout, connected),
        },
        ureq::Error::Rustls(error) => refused(error),
        ureq::Error::Tls(why) => EndpointError::Tls((*why).to_owned()),
        error => EndpointError::Garbled(error.to_string()),
    })
}

fn unset() -> EndpointReply {
    EndpointReply::Local("the clock is not set yet, so no certificate can be judged".to_owned())
}

fn refused(error: &rustls::Error) -> EndpointError {
    let rustls::Error::InvalidCertificate(error) = error else {
        return EndpointError::Tls(error.to_string());
    };
    match error {
        CertificateError::Expired => EndpointError::CertificateEnded(None),
        CertificateError::ExpiredContext { not_after, .. } => {
            let at = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
            EndpointError::CertificateEnded(Timestamp::from_second(at).ok())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            EndpointError::CertificateAhead
        }
        CertificateError::NotValidForName => EndpointError::CertificateName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            EndpointError::CertificateName(presented.clone())
        }
        CertificateError::UnknownIssuer => EndpointError::CertificateUntrusted(
            "its issuer is unknown, or it has signed itself".to_owned(),
        ),
        error => EndpointError::CertificateUntrusted(error.to_string()),
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one address that is asked.
#[derive(Debug)]
struct Only(SocketAddr);

impl Resolver for Only {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

/// How far it went.
#[derive(Debug, Default)]
struct Seen {
    connected: bool,
    certificate: Option<Timestamp>,
}

/// The clock as certificates see it.
#[derive(Debug)]
struct Now(Option<UnixTime>);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        self.0
    }
}

fn tls(endpoint: &Endpoint, now: Option<Timestamp>) -> Result<Option<Arc<ClientConfig>>, String> {
    if endpoint.scheme != Scheme::Https {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    match &endpoint.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let found = certificates("endpoint.ca", path)?;
            let found = found.iter().map(|found| CertificateDer::from(found.der()));
            roots.add_parsable_certificates(found);
        }
    }
    let now = now.and_then(|now| u64::try_from(now.as_second()).ok());
    let now = now.map(|now| UnixTime::since_unix_epoch(Duration::from_secs(now)));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(Now(now)))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

/// What lies between a connection and HTTP: TLS, or nothing.
#[derive(Debug)]
struct Layer {
    tls: Option<Arc<ClientConfig>>,
    seen: Arc<Mutex<Seen>>,
}

impl<In: Transport> Connector<In> for Layer {
    type Out = Either<In, Tls>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        lock(&self.seen).connected = true;
        let Some(config) = &self.tls else {
            return Ok(Some(Either::A(transport)));
        };
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ureq::Error::Tls("the name cannot be in a certificate"))?;
        let mut connection = ClientConnection::new(Arc::clone(config), name)?;
        let mut below = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        below.set_timeout(details.timeout);
        connection.complete_io(&mut below)?;
        let shown = connection.peer_certificates().and_then(|chain| chain.first());
        lock(&self.seen).certificate = shown.and_then(|shown| not_after(shown));
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let stream = StreamOwned::new(connection, below);
        Ok(Some(Either::B(Tls { buffers, stream })))
    }
}

/// A connection with TLS, as ureq wants it.
struct Tls {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = match self.stream.read(self.buffers.input_append_buf()) {
            // Many servers end without the goodbye of TLS; whether something is missing HTTP knows.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
