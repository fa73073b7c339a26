//! One GET over one connection: HTTP/1.1, read as leniently as browsers read it.
//!
//! No redirect is followed, no cookie or password sent, no proxy used.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::config::Endpoint;
use crate::decide::probe::endpoint::{BODY_LIMIT, EndpointReply, Search};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::http::client::USER_AGENT;
use crate::io::http::failure::{HTTP_2, broken};
use crate::io::http::head::{Body, Head, NotHttp};

/// For the status line and headers of the answer.
const HEAD_LIMIT: usize = 64 * 1024;

/// A connection, and what has been read from it but not used yet.
struct Connection<'a, S> {
    stream: S,
    unread: Vec<u8>,
    endpoint: &'a Endpoint,
}

/// Asks for the endpoint's page, and looks for the text that it must contain.
pub(super) async fn get<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    endpoint: &Endpoint,
) -> Result<EndpointReply, EndpointReply> {
    let mut connection = Connection { stream, unread: Vec::new(), endpoint };
    connection.send(&request(endpoint)).await?;
    let head = connection.head().await?;
    let contains = match &endpoint.contains {
        None => Search::Found,
        Some(text) => connection.search(text, &head).await?,
    };
    let Head { status, location, retry_after, .. } = head;
    Ok(EndpointReply::Page { status, location, retry_after, contains })
}

fn request(endpoint: &Endpoint) -> String {
    let (host, path) = (endpoint.authority(), endpoint.path());
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n");
    let own = [("User-Agent", USER_AGENT), ("Accept", "*/*")];
    let given = endpoint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let replaced = |name: &str| given.clone().any(|(other, _)| other.eq_ignore_ascii_case(name));
    for (name, value) in own.into_iter().filter(|(name, _)| !replaced(name)).chain(given.clone()) {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request + "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn send(&mut self, request: &str) -> Result<(), EndpointReply> {
        let sent = async {
            self.stream.write_all(request.as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| self.broken(&error))
    }

    async fn head(&mut self) -> Result<Head, EndpointReply> {
        loop {
            match Head::parse(&self.unread).map_err(not_http)? {
                Some((used, head)) => {
                    self.unread.drain(..used);
                    if !head.interim() {
                        return Ok(head);
                    }
                }
                None if self.unread.len() > HEAD_LIMIT => {
                    let what = "read headers of more than 64 KiB".to_owned();
                    return Err(EndpointReply::Failed(EndpointError::Unsupported(what)));
                }
                None if !self.read().await? => return Err(self.ended()),
                None => {}
            }
        }
    }

    /// Looks for the text in the first [`BODY_LIMIT`] bytes of the page. Reads no further than it must.
    async fn search(&mut self, text: &str, head: &Head) -> Result<Search, EndpointReply> {
        if let Some(encoding) = &head.encoding {
            return Ok(Search::Unreadable(format!("read a page that is compressed ({encoding})")));
        }
        let latin_1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let texts = [Some(text.as_bytes().to_vec()), latin_1];
        let found = |page: &[u8]| {
            let mut texts = texts.iter().flatten();
            texts.any(|text| page.windows(text.len()).any(|window| window == text))
        };
        let missing = match head.unreadable_charset(text) {
            Some(charset) => Search::Unreadable(format!("read a page in {charset}")),
            None => Search::Missing,
        };
        let (mut body, mut page) = (head.body, Vec::new());
        let mut left = usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX);
        loop {
            let before = page.len();
            let complete = body.decode(&mut self.unread, &mut page).map_err(not_http)?;
            page.truncate(before + left);
            left -= page.len() - before;
            if found(&page) {
                return Ok(Search::Found);
            }
            if complete || left == 0 {
                return Ok(missing);
            }
            // The text may have begun in these bytes.
            page.drain(..page.len().saturating_sub(text.len() - 1));
            if !self.read().await? {
                return if body == Body::UntilClosed { Ok(missing) } else { Err(self.ended()) };
            }
        }
    }

    /// Reads some more; false at the end of the connection.
    async fn read(&mut self) -> Result<bool, EndpointReply> {
        let mut chunk = [0; 4 * 1024]; // no read_buf: hickory's adapter needs initialized memory
        match self.stream.read(&mut chunk).await {
            Ok(length) => {
                self.unread.extend_from_slice(&chunk[..length]);
                Ok(length > 0)
            }
            // Many servers end without TLS's close_notify. HTTP knows whether something is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn ended(&self) -> EndpointReply {
        self.broken(&io::ErrorKind::UnexpectedEof.into())
    }

    fn broken(&self, error: &io::Error) -> EndpointReply {
        broken(error, self.endpoint.timeout)
    }
}

fn not_http(error: NotHttp) -> EndpointReply {
    EndpointReply::Failed(match error {
        NotHttp::Http2 => EndpointError::Unsupported(HTTP_2.to_owned()),
        other => EndpointError::Garbled(other.to_string()),
    })
}
