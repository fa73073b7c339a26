//! Values that several tables have: lengths of time, and URLs.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use ureq::http::Uri;

use super::document::Node;
use super::problem::{Rejection, reject};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Longer times are typing errors, and would only make arithmetic with dates fail.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The time here, or the default.
pub(super) fn time(node: &Node<'_>, default: &str, range: RangeInclusive<Duration>) -> Duration {
    let written = node.text(default, |text| duration(text, &range));
    written.unwrap_or_else(|| duration(default, &range).expect("the default is in its range"))
}

/// The time here, `None` for "off", or the default.
pub(super) fn time_or_off(node: &Node<'_>, default: &str, least: Duration) -> Option<Duration> {
    let read = |text: &str| match text {
        "off" => Ok(None),
        text => duration(text, &(least..=LONGEST)).map(Some).map_err(|why| Rejection {
            next: format!("write a time from {least:?} to 365d, or \"off\""),
            ..why
        }),
    };
    node.text(default, read).unwrap_or_else(|| duration(default, &(least..=LONGEST)).ok())
}

/// `10m`, `1h 30m`, `500ms`, `2d`: jiff's friendly format, with days of 24 hours.
pub(super) fn duration(
    text: &str,
    range: &RangeInclusive<Duration>,
) -> Result<Duration, Rejection> {
    let days = SpanRelativeTo::days_are_24_hours();
    let signed = text.parse::<Span>().and_then(|span| span.to_duration(days));
    let Ok(signed) = signed else {
        return reject(
            "is not a length of time",
            "write numbers with units (ms, s, m, h, d), such as \"10m\" or \"1h 30m\"",
        );
    };
    let bound = |time| match time {
        Duration::ZERO => "0s".to_owned(),
        LONGEST => "365d".to_owned(),
        time => format!("{time:?}"),
    };
    let next = format!("write a time from {} to {}", bound(*range.start()), bound(*range.end()));
    match Duration::try_from(signed) {
        Err(_) => reject("is negative", next),
        Ok(time) if time < *range.start() => reject("is too short", next),
        Ok(time) if time > *range.end() => reject("is too long", next),
        Ok(time) => Ok(time),
    }
}

/// Whether this host, without brackets, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// The parts of `scheme://host[:port][/path]`.
pub(super) struct Url {
    pub(super) scheme: String,
    /// As written; an IPv6 address is in brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// With its query.
    pub(super) path: String,
}

/// `next` is the advice for text that is no such URL.
pub(super) fn url(text: &str, next: &str) -> Result<Url, Rejection> {
    let uri = text.parse::<Uri>().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri, uri.scheme_str()?, uri.authority()?)));
    let Some((uri, scheme, authority)) = parts else {
        return reject("is not a URL", next);
    };
    let (host, port) = (authority.host(), uri.port_u16());
    let bare = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    // The parser leaves a user name, and a port that is no number, in the authority.
    if authority.as_str() != bare || port == Some(0) {
        return reject("has more than a host and a port before its path", next);
    }
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    Ok(Url { scheme: scheme.to_owned(), host: host.to_owned(), port, path: path.to_owned() })
}

impl Url {
    /// The host without the brackets of an IPv6 address.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }
}
