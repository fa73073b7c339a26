//! Master files (RFC 1035, section 5), as text: entries, and the words that they are made of.
//!
//! It knows of blanks, quotes, parentheses, comments and escapes, and nothing of records. hickory's own reader
//! is not used: inside parentheses it knows no quotes, so that a `;` in a long key begins a comment; `\DDD` is
//! no decimal to it, and `@` no name in a record; it wants a TTL everywhere, opens the files that `$INCLUDE`
//! names, and cannot tell on which line it failed. (A test holds that against it.)

use std::borrow::Cow;

use super::problem::{Wrong, wrong};

/// A word as it is written, without the quotes around it and with the escapes in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word<'a> {
    pub(super) raw: &'a [u8],
    pub(super) quoted: bool,
}

impl<'a> Word<'a> {
    /// For words that have no escapes when they are right: numbers, addresses, types.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.raw)
    }

    /// The bytes that it stands for.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Wrong> {
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

/// The byte that `\X` or `\DDD` stands for, given what follows the backslash; and the rest.
pub(super) fn escaped(text: &[u8]) -> Result<(u8, &[u8]), Wrong> {
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
    Err(wrong(
        format!("has \\{code} in it"),
        "write three digits from \\000 to \\255 for a byte, and \\\\ for a backslash",
    ))
}

/// The word at the beginning of `text`, which begins with neither a blank nor a `;`, `(` or `)`; and the rest.
pub(super) fn word(text: &[u8]) -> Result<(Word<'_>, &[u8]), Wrong> {
    let quoted = text.first() == Some(&b'"');
    let text = if quoted { &text[1..] } else { text };
    let mut end = 0;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' if quoted => {
                return Ok((Word { raw: &text[..end], quoted }, &text[end + 1..]));
            }
            b'\n' => break,
            b' ' | b'\t' | b'\r' | b';' | b'(' | b')' | b'"' if !quoted => break,
            b'\\' if text.get(end + 1).is_some_and(|next| *next != b'\n') => end += 2,
            _ => end += 1,
        }
    }
    if quoted {
        return Err(wrong(
            "has a quote that is not closed",
            "put a double quote at the end; inside, write a quote as \\\"",
        ));
    }
    Ok((Word { raw: &text[..end], quoted }, &text[end..]))
}

/// An entry: a line, or several that parentheses hold together.
#[derive(Debug, PartialEq)]
pub(super) struct Entry<'a> {
    /// The line on which it begins, counted from 1.
    pub(super) line: usize,
    /// It begins with a blank: its owner is that of the entry before.
    pub(super) blank: bool,
    /// Never empty.
    pub(super) words: Vec<Word<'a>>,
}

impl Entry<'_> {
    /// As it is written, blanks aside.
    pub(super) fn text(&self) -> String {
        let word = |word: &Word<'_>| match word.quoted {
            true => format!("\"{}\"", word.text()),
            false => word.text().into_owned(),
        };
        self.words.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// The entries of a file, one after the other; after a line that cannot be read comes the next.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Entries<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), line: 1 }
    }

    fn entry(&mut self) -> Result<Entry<'a>, Wrong> {
        let blank = matches!(self.rest, [b' ' | b'\t', ..]);
        let mut entry = Entry { line: self.line, blank, words: Vec::new() };
        let mut depth = 0_usize;
        while let [first, after @ ..] = self.rest {
            match first {
                b'\n' => {
                    self.rest = after;
                    self.line += 1;
                    if depth == 0 {
                        return Ok(entry);
                    }
                }
                b' ' | b'\t' | b'\r' => self.rest = after,
                b';' => self.skip_line(),
                b'(' => {
                    depth += 1;
                    self.rest = after;
                }
                b')' if depth > 0 => {
                    depth -= 1;
                    self.rest = after;
                }
                b')' => {
                    return Err(wrong(
                        "has a ) without its (",
                        "write a ( before it, or take it out",
                    ));
                }
                _ => {
                    let (word, after) = word(self.rest)?;
                    entry.words.push(word);
                    self.rest = after;
                }
            }
        }
        if depth == 0 {
            return Ok(entry);
        }
        Err(wrong("has a ( without its )", "write a ) where the values end"))
    }

    /// Up to the end of the line.
    fn skip_line(&mut self) {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
    }
}

impl<'a> Iterator for Entries<'a> {
    /// An entry; or the line where it begins, and what is wrong with it.
    type Item = Result<Entry<'a>, (usize, Wrong)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            match self.entry() {
                Ok(entry) if entry.words.is_empty() => {}
                Ok(entry) => return Some(Ok(entry)),
                Err(wrong) => {
                    self.skip_line();
                    return Some(Err((line, wrong)));
                }
            }
        }
        None
    }
}
