//! STARTTLS of mail servers: SMTP (RFC 3207) and IMAP (RFC 9051).

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::config::{Endpoint, Scheme};
use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::EndpointError;
use crate::io::http::failure::broken;
use crate::text::printable_up_to;

/// For one line of a reply, and for the lines of one reply.
const LINE: usize = 2_000;
const LINES: usize = 100;

/// Brings the connection to where TLS begins; nothing to do for other schemes.
pub(super) async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    endpoint: &Endpoint,
) -> Result<(), EndpointReply> {
    // What is sent, and how the last line of the right reply begins.
    let steps: &[(&str, &str)] = match endpoint.scheme {
        Scheme::Smtp => &[("", "220 "), ("EHLO pilotlight\r\n", "250 "), ("STARTTLS\r\n", "220 ")],
        Scheme::Imap => &[("", "* OK"), ("a STARTTLS\r\n", "a OK")],
        Scheme::Https | Scheme::Http | Scheme::Tcp | Scheme::Tls => &[],
    };
    for (command, right) in steps {
        let sent = async {
            stream.write_all(command.as_bytes()).await?;
            stream.flush().await
        };
        sent.await.map_err(|error| broken(&error, endpoint.timeout))?;
        reply(stream, endpoint, command.trim_end(), right).await?;
    }
    Ok(())
}

/// Reads up to the last line of a reply.
async fn reply<S: AsyncRead + Unpin>(
    stream: &mut S,
    endpoint: &Endpoint,
    command: &str,
    right: &str,
) -> Result<(), EndpointReply> {
    for _ in 0..LINES {
        let line = line(stream, endpoint).await?;
        let begins = |start: &str| {
            line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        if begins(right) || line == right.trim_end() {
            return Ok(());
        }
        let goes_on = match endpoint.scheme {
            // `250-`: more lines follow.
            Scheme::Smtp => line.as_bytes().get(3) == Some(&b'-'),
            _ => begins("* ") && !right.starts_with('*'),
        };
        if !goes_on {
            let to = if command.is_empty() { "the connection" } else { command };
            let line = printable_up_to(&line, 100);
            let why = format!("it answers {line:?} to {to}");
            return Err(EndpointReply::Failed(EndpointError::Tls(why)));
        }
    }
    let why = format!("a reply of more than {LINES} lines");
    Err(EndpointReply::Failed(EndpointError::Garbled(why)))
}

/// A line without its end. Byte by byte: what follows the last reply is TLS.
async fn line<S: AsyncRead + Unpin>(
    stream: &mut S,
    endpoint: &Endpoint,
) -> Result<String, EndpointReply> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\n") && line.len() < LINE {
        let read = stream.read_exact(&mut byte).await;
        read.map_err(|error| broken(&error, endpoint.timeout))?;
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
