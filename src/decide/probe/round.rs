//! A round: what every question got, as plain data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};

use crate::decide::probe::endpoint::EndpointResult;
use crate::decide::probe::query::Target;
use crate::decide::time::Moment;

/// Everything that one look at the world brought back.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// When it began.
    pub at: Moment,
    /// The anchors, asked together with the nameservers.
    pub before: Vec<AnchorReply>,
    /// The addresses where no nameserver can be.
    pub intercept: Vec<AnchorReply>,
    /// The anchors again, if anything looked faulty.
    pub after: Option<Vec<AnchorReply>>,
    /// The nameservers.
    pub observed: Vec<Observed>,
    /// The web endpoints.
    pub endpoints: Vec<EndpointResult>,
}

/// What one anchor, or one address where nobody should answer, had to say.
#[derive(Debug, Clone, PartialEq)]
pub struct AnchorReply {
    /// Who was asked.
    pub address: SocketAddr,
    /// What came back.
    pub outcome: Outcome,
    /// How long the last attempt took.
    pub latency: Duration,
}

/// What one target's questions got.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// What was asked.
    pub target: Arc<Target>,
    /// One for each of the target's questions, in their order.
    pub observations: Vec<Observation>,
}

/// What one question got, all attempts together.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The first answer, or how the last attempt failed.
    pub outcome: Outcome,
    /// Packets or connections used; 0 for a question that was not asked because its address is dead.
    pub attempts: u8,
    /// The answer over UDP was truncated, and [`Self::outcome`] is what TCP said.
    pub truncated: bool,
    /// From sending to answer, in the attempt that counted.
    pub latency: Duration,
    /// Whether it went with EDNS.
    pub edns: Edns,
}

/// Whether a question was asked with EDNS (RFC 6891), as resolvers ask.
#[derive(Debug, Clone, PartialEq)]
pub enum Edns {
    /// It was.
    With,
    /// That got something else than an answer (this), and what counts was asked without.
    Refused(Box<Outcome>),
    /// It was not, because this address had refused it just before.
    Without,
}

/// What a question got.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A DNS message that answers this very question, right or wrong.
    Answer(Answer),
    /// Nothing within the timeout.
    Silent,
    /// The address says that nothing listens there (ICMP port unreachable, TCP connection refused).
    Closed,
    /// The network says that there is no way there (host unreachable and the like).
    Unreachable(String),
    /// Only things that are not an answer: unparseable, for another question, not a response.
    Garbled(String),
    /// Something on our side failed; it says nothing about the other.
    Local(String),
}

/// The part of a DNS message that judging needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The response code, extended bits included.
    pub rcode: ResponseCode,
    /// Authoritative answer.
    pub aa: bool,
    /// Recursion available.
    pub ra: bool,
    /// Truncated.
    pub tc: bool,
    /// The answer section: owner and data, in the order of the message.
    pub records: Vec<(Name, RData)>,
}

/// The mnemonic that `dig` prints.
#[must_use]
pub fn rcode_text(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        // Both are 16; a bad signature is only ever said inside a TSIG record.
        ResponseCode::BADVERS | ResponseCode::BADSIG => "BADVERS".to_owned(),
        other => format!("RCODE{}", u16::from(other)),
    }
}
