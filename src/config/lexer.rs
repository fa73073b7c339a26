//! The lexer of zone files (RFC 1035, section 5): entries and their tokens, and nothing of records.
//!
//! hickory's own parser is not used: inside parentheses it ignores quotes, so a `;` in a long key begins a
//! comment; it reads `\DDD` as octal and `@` in a record as a name; it wants a TTL everywhere, opens the files
//! that `$INCLUDE` names, and has no line number for an error. (A test in `zone_file` holds that against it.)

use std::borrow::Cow;

use super::problem::{Rejection, reject};

/// As written, without the quotes around it and with the escapes in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) raw: &'a [u8],
    pub(super) quoted: bool,
}

impl<'a> Token<'a> {
    /// For numbers, addresses and types, which need no escapes.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.raw)
    }

    /// With its escapes resolved.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Rejection> {
        let mut bytes = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let [first, after @ ..] = rest {
            let (byte, after) = if *first == b'\\' { escaped(after)? } else { (*first, after) };
            bytes.push(byte);
            rest = after;
        }
        Ok(bytes)
    }
}

/// The byte of `\X` or `\DDD`, and the rest; `text` begins after the backslash.
pub(super) fn escaped(text: &[u8]) -> Result<(u8, &[u8]), Rejection> {
    let code = match text {
        [a, b, c, rest @ ..] if [a, b, c].into_iter().all(u8::is_ascii_digit) => {
            let value = [a, b, c].into_iter().fold(0, |sum, d| sum * 10 + u32::from(d - b'0'));
            match u8::try_from(value) {
                Ok(byte) => return Ok((byte, rest)),
                Err(_) => value.to_string(),
            }
        }
        [digit, ..] if digit.is_ascii_digit() => char::from(*digit).to_string(),
        [other, rest @ ..] => return Ok((*other, rest)),
        [] => String::new(),
    };
    reject(
        format!("has the escape \\{code}, which is not valid"),
        "write three digits from \\000 to \\255 for a byte, and \\\\ for a backslash",
    )
}

/// The token at the beginning of `text`, and the rest. It is empty before a blank, `;`, `(` or `)`.
pub(super) fn token(text: &[u8]) -> Result<(Token<'_>, &[u8]), Rejection> {
    let quoted = text.first() == Some(&b'"');
    let text = if quoted { &text[1..] } else { text };
    let mut end = 0;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' if quoted => return Ok((Token { raw: &text[..end], quoted }, &text[end + 1..])),
            b'\n' | b'\r' => break,
            b' ' | b'\t' | b';' | b'(' | b')' | b'"' if !quoted => break,
            b'\\' if text.get(end + 1).is_some_and(|next| !matches!(next, b'\n' | b'\r')) => {
                end += 2
            }
            _ => end += 1,
        }
    }
    if quoted {
        return reject(
            "has a quote that is not closed",
            "put a double quote at the end; inside, write a quote as \\\"",
        );
    }
    Ok((Token { raw: &text[..end], quoted }, &text[end..]))
}

/// A line, or several lines in parentheses.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<'a> {
    /// Its first line, counted from 1.
    pub(super) line: usize,
    /// It begins with a blank: its owner is that of the entry before.
    pub(super) blank: bool,
    /// Never empty.
    pub(super) tokens: Vec<Token<'a>>,
}

impl Entry<'_> {
    /// As written, with single blanks.
    pub(super) fn text(&self) -> String {
        let text = |token: &Token<'_>| match token.quoted {
            true => format!("\"{}\"", token.text()),
            false => token.text().into_owned(),
        };
        self.tokens.iter().map(text).collect::<Vec<_>>().join(" ")
    }
}

/// The entries of a zone file, whose lines end with LF, CR LF or CR. After an error, reading goes on at the next line.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Entries<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), line: 1 }
    }

    fn entry(&mut self) -> Result<Entry<'a>, Rejection> {
        let blank = matches!(self.rest, [b' ' | b'\t', ..]);
        let mut entry = Entry { line: self.line, blank, tokens: Vec::new() };
        let mut depth = 0_usize;
        while let [first, after @ ..] = self.rest {
            match first {
                b';' => {
                    self.skip_line();
                    continue;
                }
                b'\n' | b'\r' => self.line += 1,
                b' ' | b'\t' => {}
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => {
                    return reject("has a ) without its (", "write a ( before it, or remove it");
                }
                _ => {
                    let (token, after) = token(self.rest)?;
                    entry.tokens.push(token);
                    self.rest = after;
                    continue;
                }
            }
            let ends = matches!(first, b'\n' | b'\r');
            self.rest = match after {
                [b'\n', after @ ..] if *first == b'\r' => after, // CR LF is one end
                after => after,
            };
            if ends && depth == 0 {
                return Ok(entry);
            }
        }
        match depth {
            0 => Ok(entry),
            _ => reject("has a ( without its )", "write a ) where the values end"),
        }
    }

    fn skip_line(&mut self) {
        let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
    }
}

impl<'a> Iterator for Entries<'a> {
    /// An error has the line on which its entry begins.
    type Item = Result<Entry<'a>, (usize, Rejection)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            match self.entry() {
                Ok(entry) if entry.tokens.is_empty() => {}
                Ok(entry) => return Some(Ok(entry)),
                Err(why) => {
                    self.skip_line();
                    return Some(Err((line, why)));
                }
            }
        }
        None
    }
}
