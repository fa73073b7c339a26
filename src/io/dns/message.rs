//! A question as hickory sends it, and what its reply comes to.

use std::io;
use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{
    DnsRequest, DnsRequestOptions, DnsResponse, Edns, Message, MessageType, OpCode, Query,
    ResponseCode,
};
use hickory_resolver::proto::rr::{DNSClass, Name, Record, RecordType};

use crate::decide::probe::endpoint::EndpointReply;
use crate::decide::probe::endpoint_error::EndpointError;
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::round::{Answer, Outcome};
use crate::io::dns::socket::UDP_PAYLOAD;

/// EACCES (administratively prohibited), ENONET, EPROTO, ENOPROTOOPT and EHOSTDOWN of Linux, as it reports
/// ICMP (icmp_err_convert in net/ipv4/icmp.c, tab_unreach in net/ipv6/icmp.c).
const UNREACHABLE: [i32; 5] = [13, 64, 71, 92, 112];

/// What a message asks, and how.
#[derive(Clone, Copy)]
pub(in crate::io) struct QueryParams<'a> {
    pub(super) name: &'a Name,
    pub(super) rtype: RecordType,
    pub(super) aim: QueryKind,
    pub(super) edns: bool,
}

/// Servers from before EDNS say so in one of these ways (RFC 6891, section 7).
pub(super) fn refuses_edns(answer: &Answer) -> bool {
    matches!(answer.rcode, ResponseCode::FormErr | ResponseCode::NotImp)
}

impl QueryParams<'_> {
    fn query(&self) -> Query {
        Query::query(self.name.clone(), self.rtype)
    }
}

pub(super) fn request(asking: QueryParams<'_>) -> DnsRequest {
    let mut message = Message::query();
    // As a rule RD is clear: the answer must be the server's own.
    message.metadata.recursion_desired = asking.aim == QueryKind::Recursion;
    message.add_query(asking.query());
    if asking.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD);
        edns.set_dnssec_ok(asking.aim == QueryKind::Signatures);
        message.set_edns(edns);
    }
    DnsRequest::new(message, DnsRequestOptions::default())
}

pub(super) fn outcome(reply: Result<DnsResponse, NetError>, asking: QueryParams<'_>) -> Outcome {
    let error = match reply {
        Ok(response) => return read(response, asking),
        Err(error) => error,
    };
    match error {
        NetError::Timeout => Outcome::Silent,
        NetError::Io(error) => io_outcome(&error),
        // Hickory turns some messages into errors; the message is what we are after.
        NetError::Dns(DnsError::ResponseCode(code)) => {
            Outcome::Garbled(format!("an answer of code {code} that could not be read"))
        }
        NetError::Busy | NetError::NoConnections => Outcome::Local(error.to_string()),
        error => Outcome::Garbled(error.to_string()),
    }
}

pub(in crate::io) fn io_outcome(error: &io::Error) -> Outcome {
    use io::ErrorKind as Kind;
    // A router or the other end said no (ICMP), in a way that has no kind of its own. That it is not our
    // own side is what the anchors are for. Our own firewall says EPERM.
    if error.raw_os_error().is_some_and(|code| UNREACHABLE.contains(&code)) {
        return Outcome::Unreachable(error.to_string());
    }
    match error.kind() {
        Kind::TimedOut => Outcome::Silent,
        Kind::ConnectionRefused => Outcome::Closed,
        // Somebody listens. Which of these it is depends on how far the packets had come.
        Kind::UnexpectedEof
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe => {
            Outcome::Garbled("a connection that ends without an answer".to_owned())
        }
        Kind::NetworkUnreachable | Kind::HostUnreachable => Outcome::Unreachable(error.to_string()),
        _ => Outcome::Local(error.to_string()),
    }
}

fn read(response: DnsResponse, asking: QueryParams<'_>) -> Outcome {
    let (message, _) = response.into_parts();
    if message.metadata.message_type != MessageType::Response {
        return Outcome::Garbled("a question instead of an answer".to_owned());
    }
    // An error may come without the question; an answer may not.
    let bare = message.queries.is_empty() && message.answers.is_empty();
    if !bare && message.queries != [asking.query()] {
        return Outcome::Garbled("an answer to another question".to_owned());
    }
    // Hickory leaves the class to us, and lets records without data pass in what is no query.
    let ours = |record: &Record| record.dns_class == DNSClass::IN;
    if message.metadata.op_code != OpCode::Query || !message.answers.iter().all(ours) {
        return Outcome::Garbled("an answer of another kind or class".to_owned());
    }
    let records = message.answers.into_iter().map(|record| (record.name, record.data));
    Outcome::Answer(Answer {
        rcode: message.metadata.response_code,
        aa: message.metadata.authoritative,
        ra: message.metadata.recursion_available,
        tc: message.metadata.truncation,
        records: records.collect(),
    })
}

/// What a failure of the connection means, before and after it was made.
pub(in crate::io) fn broken(
    error: &io::Error,
    timeout: Duration,
    connected: bool,
) -> EndpointReply {
    EndpointReply::Failed(match io_outcome(error) {
        Outcome::Silent if connected => EndpointError::Mute(timeout),
        Outcome::Silent => EndpointError::Silent(timeout),
        Outcome::Closed => EndpointError::Closed,
        Outcome::Unreachable(why) => EndpointError::Unreachable(why),
        Outcome::Garbled(_) | Outcome::Answer(_) => EndpointError::BrokenOff,
        Outcome::Local(why) => return EndpointReply::Local(why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_that_says_no_is_not_our_own_fault_and_our_own_firewall_is() {
        let outcome = |code| io_outcome(&io::Error::from_raw_os_error(code));
        for code in UNREACHABLE {
            assert!(matches!(outcome(code), Outcome::Unreachable(_)), "{code}");
        }
        let (eperm, emfile) = (1, 24);
        for code in [eperm, emfile] {
            assert!(matches!(outcome(code), Outcome::Local(_)), "{code}");
        }
    }
}
