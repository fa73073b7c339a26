//! A query as a message, and the meaning of what comes back.

use std::io;

use hickory_resolver::proto::op::{Edns, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::opt::EdnsOption;
use hickory_resolver::proto::rr::{Name, RecordType};

use crate::config::RecordSet;
use crate::decide::probe::answer::Answer;
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::round::Outcome;
use crate::io::dns::packet::UDP_PAYLOAD;
use crate::text::printable_up_to;

/// What Linux makes of ICMP (icmp_err_convert in net/ipv4/icmp.c, tab_unreach in net/ipv6/icmp.c): EACCES, ENONET,
/// EPROTO, ENOPROTOOPT, ENETUNREACH, EHOSTDOWN and EHOSTUNREACH.
const UNREACHABLE: [(i32, &str); 7] = [
    (13, "a router or a firewall on the way forbids it"),
    (64, "its host is cut off from the network"),
    (71, "it does not take this protocol"),
    (92, "it does not take this protocol"),
    (101, "there is no route to its network"),
    (112, "a router on the way does not know its host"),
    (113, "there is no route to its host"),
];

/// Failures of our own side: EPERM, ENOMEM, ENFILE, EMFILE, EAFNOSUPPORT, EADDRNOTAVAIL and ENOBUFS.
const LOCAL: [(i32, &str); 7] = [
    (1, "a firewall of this machine forbids it"),
    (12, "this machine has no memory left"),
    (23, "this machine has too many open files: raise fs.file-max (sysctl)"),
    (
        24,
        "pilotlight may open no more files: raise its limit (`LimitNOFILE=` of the unit, or `ulimit -n`)",
    ),
    (97, "this machine has no such protocol"),
    (99, "this machine has no address for it"),
    (105, "this machine has no memory left for the network"),
];

/// The EDNS option COOKIE (RFC 7873), which hickory leaves as bytes.
const COOKIE: u16 = 10;

#[derive(Clone, Copy)]
pub(super) struct QueryParams<'a> {
    pub(super) name: &'a Name,
    pub(super) rtype: RecordType,
    pub(super) kind: QueryKind,
    pub(super) edns: bool,
    pub(super) dnssec: bool,
    /// The data of the option COOKIE.
    pub(super) cookie: Option<&'a [u8]>,
}

impl<'a> QueryParams<'a> {
    pub(super) fn new(name: &'a Name, rtype: RecordType, kind: QueryKind) -> Self {
        Self { name, rtype, kind, edns: true, dnssec: kind == QueryKind::Signatures, cookie: None }
    }

    /// With a random ID.
    pub(super) fn message(&self) -> Message {
        let mut message = Message::query();
        // As a rule RD is clear: the answer must be the server's own.
        message.metadata.recursion_desired = self.kind == QueryKind::Recursion;
        message.add_query(Query::query(self.name.clone(), self.rtype));
        if self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD);
            edns.set_dnssec_ok(self.dnssec);
            if let Some(cookie) = self.cookie {
                edns.options_mut().insert(EdnsOption::Unknown(COOKIE, cookie.to_vec()));
            }
            message.set_edns(edns);
        }
        message
    }
}

/// Servers that do not know EDNS answer with one of these codes (RFC 6891, section 7).
pub(super) fn refuses_edns(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp)
}

/// The cookies that the server wants back, if the answer is BADCOOKIE.
pub(super) fn wanted_cookie(message: &Message) -> Option<Vec<u8>> {
    let bad = message.metadata.response_code == ResponseCode::BADCOOKIE;
    match message.edns.as_ref().filter(|_| bad)?.option(COOKIE.into())? {
        EdnsOption::Unknown(_, cookies) => Some(cookies.clone()),
        _ => None,
    }
}

/// The part of the message that judging needs.
pub(super) fn answer(message: &Message, set: &RecordSet) -> Answer {
    let records = message.answers.iter().map(|record| (&record.name, &record.data));
    Answer {
        rcode: message.metadata.response_code,
        aa: message.metadata.authoritative,
        ra: message.metadata.recursion_available,
        tc: message.metadata.truncation,
        ..Answer::new(set, records)
    }
}

/// What an error of a socket says about the other end.
pub(in crate::io) fn io_outcome(error: &io::Error) -> Outcome {
    use io::ErrorKind as Kind;
    let words = |codes: &[(i32, &str)]| {
        let code = error.raw_os_error()?;
        codes.iter().find(|(known, _)| *known == code).map(|(_, words)| (*words).to_owned())
    };
    // A router or the other end refused. The anchors tell whether our own side is at fault.
    if let Some(why) = words(&UNREACHABLE) {
        return Outcome::Unreachable(why);
    }
    match error.kind() {
        Kind::TimedOut => Outcome::Silent,
        Kind::ConnectionRefused => Outcome::Closed,
        // A server listens. The kind depends on how far the packets had come.
        Kind::UnexpectedEof
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe => {
            Outcome::Garbled("a connection that ends without an answer".to_owned())
        }
        Kind::NetworkUnreachable | Kind::HostUnreachable => {
            Outcome::Unreachable("there is no route to it".to_owned())
        }
        _ => Outcome::Local(words(&LOCAL).unwrap_or_else(|| {
            let text = error.to_string();
            printable_up_to(text.split(" (os error").next().unwrap_or_default(), 200)
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_a_router_is_not_our_own_fault_and_one_by_our_firewall_is() {
        let outcome = |code| io_outcome(&io::Error::from_raw_os_error(code));
        for (code, words) in UNREACHABLE {
            assert_eq!(outcome(code), Outcome::Unreachable(words.to_owned()));
        }
        for (code, words) in LOCAL {
            assert_eq!(outcome(code), Outcome::Local(words.to_owned()));
        }
    }

    #[test]
    fn no_text_of_the_system_reaches_a_person_with_its_number() {
        for code in 1..=133 {
            if let Outcome::Local(why) | Outcome::Unreachable(why) | Outcome::Garbled(why) =
                io_outcome(&io::Error::from_raw_os_error(code))
            {
                assert!(!why.contains("os error") && !why.is_empty(), "{why}");
            }
        }
        let long = io::Error::other(format!("a\nb\u{1b}{}", "c".repeat(1_000)));
        let Outcome::Local(why) = io_outcome(&long) else { panic!("{long}") };
        assert!(why.starts_with("a\\nb\\u{1b}c") && why.len() < 300, "{why}");
    }
}
