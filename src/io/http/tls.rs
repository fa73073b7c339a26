//! TLS on a connection to an endpoint, and the verdict on its certificate at a given time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::{Endpoint, Host};
use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::query::name_text;
use crate::io::http::failure::{local, timestamp};
use crate::io::http::trust::certificates;

/// Without the wall time no certificate can be judged.
#[derive(Debug)]
struct FixedTime(Option<UnixTime>);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.0
    }
}

/// All that a handshake needs.
pub(super) struct TlsClient {
    name: ServerName<'static>,
    /// Since 1970.
    now: Option<Duration>,
    warning: Duration,
    verifier: Arc<WebPkiServerVerifier>,
    connector: TlsConnector,
}

impl TlsClient {
    pub(super) fn new(endpoint: &Endpoint, now: Option<Timestamp>) -> Result<Self, EndpointReply> {
        let host = match &endpoint.host {
            Host::Name(name) => name_text(name),
            Host::Address(address) => address.to_string(),
        };
        let name = ServerName::try_from(host).map_err(local)?;
        let now = now.and_then(|now| u64::try_from(now.as_second()).ok()).map(Duration::from_secs);
        let time = FixedTime(now.map(UnixTime::since_unix_epoch));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots(endpoint)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let verifier = verifier.build().map_err(local)?;
        let config = ClientConfig::builder_with_details(provider, Arc::new(time))
            .with_safe_default_protocol_versions()
            .map_err(local)?
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { name, now, warning: endpoint.certificate_warning, verifier, connector })
    }

    /// The connection with TLS, and the end of its certificates if that is nearer than the warning.
    pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(TlsStream<S>, Option<Timestamp>)> {
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let end = chain.and_then(|chain| self.near_end(chain));
        Ok((stream, end))
    }

    /// Verifies the chain again at the time of the warning; the error has the date.
    fn near_end(&self, chain: &[CertificateDer<'_>]) -> Option<Timestamp> {
        let time = UnixTime::since_unix_epoch(self.now?.saturating_add(self.warning));
        let (leaf, others) = chain.split_first()?;
        match self.verifier.verify_server_cert(leaf, others, &self.name, &[], time) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after,
                ..
            })) => timestamp(not_after),
            _ => None,
        }
    }
}

fn roots(endpoint: &Endpoint) -> Result<RootCertStore, EndpointReply> {
    let mut roots = RootCertStore::empty();
    match &endpoint.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let found = certificates("endpoint.ca", path).map_err(local)?;
            roots.add_parsable_certificates(found);
        }
    }
    Ok(roots)
}
