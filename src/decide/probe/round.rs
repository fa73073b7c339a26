//! A round: the reply to every query, as plain data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;

use crate::config::{Expected, RecordSet};
use crate::decide::probe::answer::Answer;
use crate::decide::probe::endpoint::EndpointResult;
use crate::decide::probe::query::{Query, QueryKind, Target};
use crate::decide::probe::world::WorldResult;
use crate::decide::time::Moment;

#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    pub at: Moment,
    /// The anchors, asked together with the nameservers.
    pub before: Vec<AnchorReply>,
    /// Addresses where no nameserver can be.
    pub intercept: Vec<AnchorReply>,
    /// The anchors again, if anything looked faulty.
    pub after: Option<Vec<AnchorReply>>,
    pub observed: Vec<Observed>,
    pub endpoints: Vec<EndpointResult>,
    pub world: Vec<WorldResult>,
}

/// The reply of an anchor, or of an address where no nameserver can be.
#[derive(Debug, Clone, PartialEq)]
pub struct AnchorReply {
    pub address: SocketAddr,
    pub outcome: Outcome,
    /// Of the last attempt.
    pub latency: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub target: Arc<Target>,
    /// One for each of the target's queries, in their order.
    pub observations: Vec<Observation>,
}

impl Observed {
    /// Queries for the keys (DNSKEY) of the zones whose SOA came with a signature.
    #[must_use]
    pub fn key_queries(&self) -> Vec<Query> {
        let signed = |(query, observation): &(&Query, &Observation)| {
            query.kind == QueryKind::Signatures
                && matches!(&observation.outcome, Outcome::Answer(answer) if !answer.signatures.is_empty())
        };
        let key = |(soa, _): (&Query, &Observation)| {
            let (rtype, expected) = (RecordType::DNSKEY, Expected::Exists);
            let set = Arc::new(RecordSet { name: soa.set.name.clone(), rtype, expected });
            Query { set, ..soa.clone() }
        };
        self.target.queries.iter().zip(&self.observations).filter(signed).map(key).collect()
    }
}

/// The reply to one query, all attempts together.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The first answer, or how the last attempt failed.
    pub outcome: Outcome,
    /// Packets or connections used; 0 for a query that was not sent because its address is dead.
    pub attempts: u8,
    /// The answer over UDP was truncated, and [`Self::outcome`] came over TCP.
    pub truncated: bool,
    /// From sending to answer, in the attempt that counted.
    pub latency: Duration,
    pub edns: Edns,
}

/// Whether a query was sent with EDNS (RFC 6891), as resolvers do.
#[derive(Debug, Clone, PartialEq)]
pub enum Edns {
    With,
    /// With EDNS it got this, which is no answer. The outcome that counts was got without EDNS.
    Refused(Box<Outcome>),
    /// With the DO flag it got this. The outcome that counts was got with EDNS and without DO.
    DoRefused(Box<Outcome>),
    /// Without EDNS, or without DO, because this address had refused that just before.
    Without,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A DNS message that answers this query, right or wrong.
    Answer(Answer),
    /// Nothing within the timeout.
    Silent,
    /// Nothing within the timeout, and an answer after this time.
    Late(Duration),
    /// Nothing listens on the port (ICMP port unreachable, TCP connection refused).
    Closed,
    /// The network has no route (host unreachable and the like).
    Unreachable(String),
    /// Only packets that are not an answer: not DNS, for another query, not a response.
    Garbled(String),
    /// A failure on our own side: no evidence about the server.
    Local(String),
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
        ResponseCode::BADCOOKIE => "BADCOOKIE".to_owned(),
        // Both are 16; BADSIG occurs inside TSIG records only.
        ResponseCode::BADVERS | ResponseCode::BADSIG => "BADVERS".to_owned(),
        other => format!("RCODE{}", u16::from(other)),
    }
}
