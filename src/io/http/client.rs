//! HTTP for GitHub and for the services of the user: a request goes out; a status, headers and a bounded body come back.

use std::path::PathBuf;
use std::time::Duration;

use ureq::http::{HeaderMap, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::http::error::HttpError;
use crate::io::http::failure::{broken, tls_error};
use crate::io::http::trust::certificates;
use crate::text::printable_up_to;

/// From resolving the name to the last byte of the body. GitHub itself gives up after 10 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A page of 100 issues with long bodies is a few MB at most.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

pub(super) const USER_AGENT: &str = concat!("pilotlight/", env!("CARGO_PKG_VERSION"));

/// Sends requests. Each call blocks its thread.
pub struct Http {
    agent: ureq::Agent,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// Bytes that are no UTF-8 are replaced.
    pub body: String,
}

impl Http {
    /// Trusts the public certificate authorities (as of the day this program was built), or only those of
    /// one PEM file.
    ///
    /// # Errors
    /// [`HttpError::Certificates`]
    pub fn new(ca: Option<&PathBuf>) -> Result<Self, HttpError> {
        let roots = match ca {
            None => RootCerts::WebPki,
            Some(path) => {
                let found = certificates("github.ca", path)?;
                let found: Vec<_> =
                    found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
                RootCerts::new_with_certs(&found)
            }
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false) // the caller judges every status
            .max_redirects(0) // a moved repository is reported, not followed with a token in hand
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_idle_connections(1)
            .user_agent(USER_AGENT)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Self { agent: config.new_agent() })
    }

    /// Sends one request and reads no more than the status of its answer.
    ///
    /// # Errors
    /// [`HttpError::NotSent`] or [`HttpError::Ambiguous`]
    pub fn status(&self, request: Request<String>) -> Result<u16, HttpError> {
        Ok(self.agent.run(request).map_err(failed)?.status().as_u16())
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// [`HttpError::NotSent`] or [`HttpError::Ambiguous`]
    pub fn send(&self, request: Request<String>) -> Result<Response, HttpError> {
        let mut response = self.agent.run(request).map_err(failed)?;
        let body =
            response.body_mut().with_config().limit(BODY_LIMIT).lossy_utf8(true).read_to_string();
        let body = body.map_err(|error| HttpError::Ambiguous(why(&error)))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Response { status, headers, body })
    }
}

fn failed(error: ureq::Error) -> HttpError {
    let why = why(&error);
    let unsent = match &error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    };
    if unsent { HttpError::NotSent(why) } else { HttpError::Ambiguous(why) }
}

/// In the words that the checks of endpoints have.
fn why(error: &ureq::Error) -> String {
    let reply = match error {
        ureq::Error::HostNotFound => return "the name of its host has no address".to_owned(),
        ureq::Error::Timeout(ureq::Timeout::Resolve) => {
            return "the address of its host is not known in time".to_owned();
        }
        ureq::Error::Timeout(ureq::Timeout::Connect) => {
            EndpointReply::Failed(EndpointError::Silent(TIMEOUT))
        }
        ureq::Error::Timeout(_) => EndpointReply::Failed(EndpointError::Mute(TIMEOUT)),
        ureq::Error::Io(error) => broken(error, TIMEOUT),
        ureq::Error::Rustls(error) => EndpointReply::Failed(tls_error(error)),
        other => return printable_up_to(&other.to_string(), 200),
    };
    match reply {
        EndpointReply::Failed(error) => format!("it {error}"),
        EndpointReply::Local(why) => why,
        EndpointReply::Open | EndpointReply::Page { .. } => String::new(),
    }
}
