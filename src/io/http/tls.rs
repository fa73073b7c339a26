//! TLS on a connection to an endpoint, and the verdict on its certificate at a given time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, OtherError,
    SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::{Endpoint, Host, Scheme};
use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::{CertificateEnd, EndpointError};
use crate::decide::probe::query::name_text;
use crate::io::http::certificate::{Trust, has_small_rsa};
use crate::io::http::failure::{after_agreement, broken, local};
use crate::io::http::trust::certificates;

/// How long after the handshake a refusal may come. A server that accepts us has nothing to send, and takes this long.
const REFUSED_WITHIN: Duration = Duration::from_millis(500);

/// Without the wall time no certificate can be judged.
#[derive(Debug)]
struct FixedTime(Option<UnixTime>);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.0
    }
}

/// All that one handshake needs.
pub(super) struct TlsClient {
    name: ServerName<'static>,
    verifier: Arc<Verifier>,
    connector: TlsConnector,
    /// The server has asked for a client certificate.
    asked: Arc<AtomicBool>,
    timeout: Duration,
}

/// Notes that the server asks for a client certificate.
#[derive(Debug)]
struct ClientCertificate {
    own: Option<Arc<CertifiedKey>>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.own.clone()
    }

    fn has_certs(&self) -> bool {
        self.own.is_some()
    }
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
        let provider = Arc::new(ring::default_provider());
        let given = endpoint.ca.as_ref().map(|ca| certificates("endpoint.ca", ca)).transpose();
        let trust = Trust::new(given.map_err(local)?, provider.signature_verification_algorithms);
        let (provided, end) = (Arc::clone(&provider), OnceLock::new());
        let verifier = Arc::new(Verifier { trust, provider: Arc::clone(&provided), end });
        let config = ClientConfig::builder_with_details(provider, Arc::new(time))
            .with_safe_default_protocol_versions()
            .map_err(local)?
            .dangerous() // what rustls calls a verifier of one's own
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>);
        let (asked, own) = (Arc::<AtomicBool>::default(), own_certificate(endpoint, &provided)?);
        let client = ClientCertificate { own, asked: Arc::clone(&asked) };
        let mut config = config.with_client_cert_resolver(Arc::new(client));
        if endpoint.scheme == Scheme::Https {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let (connector, timeout) = (TlsConnector::from(Arc::new(config)), endpoint.timeout);
        Ok(Self { name, verifier, connector, asked, timeout })
    }

    /// The connection with TLS, and the end of its certificates.
    pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, Option<CertificateEnd>), EndpointReply> {
        let connected = self.connector.connect(self.name.clone(), stream).await;
        let stream = connected.map_err(|error| self.failed(&error))?;
        Ok((stream, self.verifier.end.get().cloned()))
    }

    /// Waits for the refusal of a server that has asked for a client certificate. In TLS 1.3 it comes after the
    /// handshake.
    pub(super) async fn accepted<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: TlsStream<S>,
    ) -> Result<(), EndpointReply> {
        if !self.asked.load(Ordering::Relaxed) {
            return Ok(());
        }
        match timeout(REFUSED_WITHIN, stream.read(&mut [0])).await {
            Ok(Ok(0)) => Err(self.failed(&io::ErrorKind::UnexpectedEof.into())),
            Ok(Err(error)) => Err(self.failed(&error)),
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }

    fn failed(&self, error: &io::Error) -> EndpointReply {
        match self.verifier.end.get() {
            Some(_) => after_agreement(error, self.asked.load(Ordering::Relaxed), self.timeout),
            None => broken(error, self.timeout),
        }
    }
}

/// Our own certificate. The server judges it: some have version 1.
fn own_certificate(
    endpoint: &Endpoint,
    provider: &CryptoProvider,
) -> Result<Option<Arc<CertifiedKey>>, EndpointReply> {
    let Some((cert, path)) = &endpoint.client else { return Ok(None) };
    let chain = certificates("endpoint.cert", cert).map_err(local)?;
    let name = path.display();
    let unusable = || local(format!("endpoint.key: {name}: no private key in PEM"));
    let key = PrivateKeyDer::from_pem_file(path).map_err(|_| unusable())?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| unusable())?;
    let own = CertifiedKey::new(chain, key);
    match own.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(local(format!("endpoint.key: {name} is not the key of `cert`")))
        }
        _ => Ok(Some(Arc::new(own))),
    }
}

/// Judges the certificate of one handshake. An error holds an [`EndpointError`].
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    end: OnceLock<CertificateEnd>,
}

impl Verifier {
    fn signed(
        verified: Result<HandshakeSignatureValid, Error>,
        certificate: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        verified.map_err(|error| match has_small_rsa(certificate) {
            true => invalid(EndpointError::Unsupported(
                "verify signatures of RSA keys with less than 2048 bits".to_owned(),
            )),
            false => error,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.trust.judge(end_entity, intermediates, server_name, now);
        let end = judged.map_err(invalid)?;
        self.end.get_or_init(|| end);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Self::signed(verify_tls12_signature(message, cert, dss, algorithms), cert)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Self::signed(verify_tls13_signature(message, cert, dss, algorithms), cert)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn invalid(error: EndpointError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}
