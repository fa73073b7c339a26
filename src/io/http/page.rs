//! One GET over one connection.
//!
//! [`ureq_proto`] speaks HTTP/1.1 and reads and writes nothing itself, so that a check needs no thread. No
//! redirect is followed, no cookie or password sent, no proxy used.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ureq_proto::client::state::RecvBody;
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};
use ureq_proto::http::{HeaderValue, Request, Response, header};
use ureq_proto::{BodyMode, Error};

use crate::config::Endpoint;
use crate::decide::probe::endpoint::{BODY_LIMIT, EndpointReply};
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::http::client::USER_AGENT;
use crate::io::http::failure::{broken, local};

/// For the request, and for the status line and headers of the answer.
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
    let request = Request::get(&endpoint.url)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(())
        .map_err(local)?;
    let mut connection = Connection { stream, unread: Vec::new(), endpoint };
    let (response, body) = connection.exchange(request).await?;
    let contains = match (&endpoint.contains, body) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(text), Some(body)) => connection.contains(text.as_bytes(), body).await?,
    };
    let location = response.headers().get(header::LOCATION);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let (status, location) = (response.status().as_u16(), location.map(text));
    Ok(EndpointReply::Page { status, location, contains })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// Sends the request and reads the head of the answer. The call that comes with it reads the body, if
    /// there is one.
    async fn exchange(
        &mut self,
        request: Request<()>,
    ) -> Result<(Response<()>, Option<Call<RecvBody>>), EndpointReply> {
        let mut call = Call::new(request).map_err(local)?.proceed();
        let mut head = vec![0; HEAD_LIMIT];
        let length = call.write(&mut head).map_err(local)?;
        let sent = async {
            self.stream.write_all(&head[..length]).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| self.broken(&error))?;
        let Ok(Some(SendRequestResult::RecvResponse(mut call))) = call.proceed() else {
            return Err(local("the URL is too long"));
        };
        loop {
            let (used, response) = call.try_response(&self.unread, false).map_err(garbled)?;
            self.unread.drain(..used);
            match response {
                Some(response) => {
                    let body = match call.proceed() {
                        Some(RecvResponseResult::RecvBody(body)) => Some(body),
                        _ => None,
                    };
                    return Ok((response, body));
                }
                None if used > 0 => {} // an interim answer (1xx)
                None if self.unread.len() > HEAD_LIMIT => {
                    let why = format!("headers of more than {HEAD_LIMIT} bytes");
                    return Err(EndpointReply::Failed(EndpointError::Garbled(why)));
                }
                None if !self.read().await? => return Err(self.ended()),
                None => {}
            }
        }
    }

    /// Whether the text is in the first [`BODY_LIMIT`] bytes of the page. Reads no further than it must.
    async fn contains(
        &mut self,
        text: &[u8],
        mut body: Call<RecvBody>,
    ) -> Result<bool, EndpointReply> {
        let (mut page, mut chunk) = (Vec::new(), [0; 8 * 1024]);
        let mut left = usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX);
        loop {
            let (used, length) = body.read(&self.unread, &mut chunk).map_err(garbled)?;
            self.unread.drain(..used);
            let length = length.min(left);
            left -= length;
            page.extend_from_slice(&chunk[..length]);
            if page.windows(text.len()).any(|window| window == text) {
                return Ok(true);
            }
            // The text may have begun in these bytes.
            page.drain(..page.len().saturating_sub(text.len() - 1));
            let until_closed = body.body_mode() == BodyMode::CloseDelimited;
            if left == 0 || body.can_proceed() && !until_closed {
                return Ok(false);
            }
            if used == 0 && length == 0 && !self.read().await? {
                return if until_closed { Ok(false) } else { Err(self.ended()) };
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

fn garbled(error: Error) -> EndpointReply {
    EndpointReply::Failed(EndpointError::Garbled(error.to_string()))
}
