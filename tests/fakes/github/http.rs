//! Just enough HTTP/1.1 for the fake: one request per connection, lengths declared, no chunks.
//!
//! It must know nothing of issues or faults.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method, such as `GET`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers in the order received.
    pub headers: Vec<(String, String)>,
    /// Body as text.
    pub body: String,
}

impl Request {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|header| header.0.eq_ignore_ascii_case(name));
        found.map(|header| header.1.as_str())
    }

    /// The target before the question mark.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// Reads a whole request; nothing if the client gives up, or does not speak HTTP.
    pub(super) fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(start) = head.parse(&bytes).ok()? {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let headers = head.headers.iter();
                let mut request = Self {
                    method: head.method?.into(),
                    target: head.path?.into(),
                    headers: headers.map(|h| (h.name.into(), text(h.value))).collect(),
                    body: String::new(),
                };
                let length = request.header("content-length").unwrap_or("0");
                let end = start + length.parse::<usize>().ok()?;
                if bytes.len() >= end {
                    request.body = text(&bytes[start..end]);
                    return Some(request);
                }
            }
            match stream.read(&mut chunk).ok()? {
                0 => return None,
                read => bytes.extend(&chunk[..read]),
            }
        }
    }
}

/// Query parameters: raw, for links that repeat them, and decoded one by one.
pub(super) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub fn of(request: &'a Request) -> Self {
        Self(request.target.split_once('?').map_or("", |parts| parts.1))
    }

    /// The decoded value, if there is one and it is not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let (_, raw) = pairs.find(|pair| pair.0 == name)?;
        let mut bytes = Vec::new();
        let mut rest = raw.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => byte,
            });
        }
        String::from_utf8(bytes).ok().filter(|value| !value.is_empty())
    }

    /// The same query for another page.
    pub fn with_page(&self, page: usize) -> String {
        let pairs = self.0.split('&');
        let kept = pairs.filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        let page = format!("page={page}");
        kept.chain([page.as_str()]).collect::<Vec<_>>().join("&")
    }
}

/// An answer before it is put on the wire.
pub(super) struct Reply {
    pub status: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: String,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let content = ("content-type", "application/json; charset=utf-8".into());
        let headers = BTreeMap::from([content]);
        let body = body.to_string();
        Self { status, headers, body }
    }

    /// GitHub's body for errors.
    pub fn error(status: u16, message: &str) -> Self {
        let docs = "https://docs.github.com/rest";
        let status_text = status.to_string();
        let body = json!({"message": message, "documentation_url": docs, "status": status_text});
        Self::json(status, &body)
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.insert(name, value.to_string());
        self
    }

    /// The bytes to send; cut, they end in the middle of the body that was promised.
    pub fn bytes(self, cut: bool) -> Vec<u8> {
        let length = self.body.len();
        let mut text = format!("HTTP/1.1 {} \r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "connection: close\r\n";
        if self.status != 304 {
            text += &format!("content-length: {length}\r\n");
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        let sent = if cut { length / 2 } else { length };
        bytes.extend(&self.body.as_bytes()[..sent]);
        bytes
    }
}

/// Unix time and the form HTTP wants, of an RFC 3339 time in UTC.
pub(super) fn times(at: &str) -> (u64, String) {
    let parts = at.split(|c: char| !c.is_ascii_digit());
    let parts: Vec<u64> = parts.filter_map(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = parts[..] else {
        panic!("not an RFC 3339 time in UTC: {at}");
    };
    // Years begin in March here, so that the leap day comes last and needs no case of its own.
    let (y, m) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days as usize % 7];
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = &months[month as usize * 3 - 3..month as usize * 3];
    let date = format!("{weekday}, {day:02} {month} {year} {} GMT", &at[11..19]);
    (days * 86_400 + hour * 3600 + minute * 60 + second, date)
}
