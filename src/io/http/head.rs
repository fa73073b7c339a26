//! The head of an HTTP answer, and the framing of its body.

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};
use thiserror::Error;

use crate::text::printable_up_to;

/// For the line before a chunk.
const CHUNK_LINE_LIMIT: usize = 4 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum NotHttp {
    #[error("it does not begin with a status line of HTTP/1")]
    StatusLine,
    #[error("its headers are malformed")]
    Headers,
    #[error("its chunks are malformed")]
    Chunks,
    #[error("it is HTTP/2")]
    Http2,
}

/// What a check needs of the status line and headers.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) retry_after: Option<String>,
    /// The `Content-Encoding`, unless it is none.
    pub(super) encoding: Option<String>,
    charset: Option<String>,
    pub(super) body: Body,
}

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Bytes.
    Length(u64),
    /// Bytes of this chunk, with the line end after it.
    Chunks(u64),
    UntilClosed,
}

impl Head {
    /// The head, and its bytes; `None`: it is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, NotHttp> {
        // The frame that begins every connection of HTTP/2: its settings, on stream 0.
        if let [0, _, _, 4, _, 0, 0, 0, 0, ..] = bytes {
            return Err(NotHttp::Http2);
        }
        let mut headers = vec![EMPTY_HEADER; bytes.len() / "a:\n".len() + 1];
        let mut response = Response::new(&mut headers);
        let parsed = ParserConfig::default()
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_multiple_spaces_in_response_status_delimiters(true)
            .allow_space_before_first_header_name(true)
            .ignore_invalid_headers_in_responses(true)
            .parse_response(&mut response, bytes);
        match parsed {
            Ok(Status::Partial) => Ok(None),
            Ok(Status::Complete(used)) => {
                Ok(response.code.map(|status| (used, Self::new(status, response.headers))))
            }
            Err(httparse::Error::Status | httparse::Error::Version) => Err(NotHttp::StatusLine),
            Err(_) if response.code.is_none() => Err(NotHttp::StatusLine),
            Err(_) => Err(NotHttp::Headers),
        }
    }

    fn new(status: u16, headers: &[Header<'_>]) -> Self {
        let value = |name: &str| {
            let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(header.value).trim().to_owned())
        };
        let word = |name| value(name).map(|value: String| value.to_ascii_lowercase());
        let chunked = word("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked"));
        let length = value("content-length").and_then(|length| length.parse().ok());
        let body = match length {
            _ if matches!(status, 204 | 304) => Body::Length(0),
            _ if chunked => Body::Chunks(0),
            Some(length) => Body::Length(length),
            None => Body::UntilClosed,
        };
        let encoding = word("content-encoding").filter(|e| !["", "identity"].contains(&e.as_str()));
        let charset = word("content-type").and_then(|content| {
            let charset = content.split_once("charset=")?.1.split(';').next()?.trim();
            Some(printable_up_to(charset.trim_matches(['"', '\'']), 40))
        });
        Self {
            status,
            location: value("location"),
            retry_after: value("retry-after"),
            encoding: encoding.map(|encoding| printable_up_to(&encoding, 40)),
            charset,
            body,
        }
    }

    /// Another head follows this one.
    pub(super) fn interim(&self) -> bool {
        self.status / 100 == 1 && self.status != 101
    }

    /// The character set, if the text would be other bytes in it than in UTF-8 and Latin-1.
    pub(super) fn unreadable_charset(&self, text: &str) -> Option<&str> {
        let charset = self.charset.as_deref()?;
        let readable = ["utf-8", "utf8", "us-ascii", "iso-8859-1", "latin1", "windows-1252"];
        let like_ascii = !charset.starts_with("utf-16") && !charset.starts_with("utf-32");
        let read = readable.contains(&charset) || text.is_ascii() && like_ascii;
        (!read).then_some(charset)
    }
}

impl Body {
    /// Moves what has come of the body to `page`; true at its end.
    pub(super) fn decode(
        &mut self,
        unread: &mut Vec<u8>,
        page: &mut Vec<u8>,
    ) -> Result<bool, NotHttp> {
        match self {
            Self::UntilClosed => page.append(unread),
            Self::Length(left) => {
                let length = unread.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                page.extend(unread.drain(..length));
                *left -= length as u64;
                return Ok(*left == 0);
            }
            Self::Chunks(left) => loop {
                if *left == 0 {
                    match httparse::parse_chunk_size(unread) {
                        Ok(Status::Complete((_, 0))) => return Ok(true),
                        Ok(Status::Complete((used, size))) => {
                            unread.drain(..used);
                            *left = size.saturating_add(2);
                        }
                        Ok(Status::Partial) if unread.len() < CHUNK_LINE_LIMIT => return Ok(false),
                        _ => return Err(NotHttp::Chunks),
                    }
                }
                let data = usize::try_from(left.saturating_sub(2)).unwrap_or(usize::MAX);
                let all = unread.len().min(data.saturating_add(2));
                let all = all.min(usize::try_from(*left).unwrap_or(usize::MAX));
                page.extend_from_slice(&unread[..all.min(data)]);
                unread.drain(..all);
                *left -= all as u64;
                if *left > 0 {
                    return Ok(false);
                }
            },
        }
        Ok(false)
    }
}
