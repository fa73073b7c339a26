//! What can be wrong with an answer, in words that a person understands.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use jiff::Timestamp;
use thiserror::Error;

use crate::decide::judge::fault_code::{FaultCode, FaultKind};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::probe::answer::Values;
use crate::decide::probe::query::{DigOptions, Query, TIMEOUT, dig};
use crate::decide::probe::round::{Outcome, rcode_text};
use crate::decide::time::{span_text, wall_text};

/// What sets one server's zone apart from another's. Completes the sentence "it …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SerialFault {
    /// Its serial and that which it should have, the nameserver that has the latter or a newer one, and how
    /// long the transfer may take.
    #[error(
        "serves serial {} of the zone, and {other} has {} or a newer one{}: it does not get the zone, or does \
         not take it",
        .serials[0], .serials[1], after(.grace)
    )]
    Stale { serials: [u32; 2], other: String, grace: Duration },
    /// The serial it had and the one it has, and the nameserver that kept the newer one.
    #[error(
        "went back from serial {} to {}, and {other} has the newer one: no server takes over an older zone, \
         so raise its serial above all others",
        .serials[0], .serials[1]
    )]
    Regressed { serials: [u32; 2], other: String },
    /// Its serial, and the serial of the other nameserver.
    #[error(
        "serves serial {} of the zone, and {other} has {}: neither of these is the newer one (RFC 1982), so \
         neither server will ever take over the other's zone",
        .serials[0], .serials[1]
    )]
    Incomparable { serials: [u32; 2], other: String },
    /// The newest serial, the nameservers that have an older one, and how long the transfer may take.
    #[error(
        "serves serial {serial} of the zone, which most others do not take over ({}){}: it does not notify or \
         serve them, or its zone is wrong",
        named(.others), after(.grace)
    )]
    NotReplicated { serial: u32, others: Vec<(String, u32)>, grace: Duration },
    /// The nameserver that signs.
    #[error(
        "answers without signatures (RRSIG), and {0} with them: resolvers that validate may reject its answers"
    )]
    Unsigned(String),
}

impl SerialFault {
    fn code(&self) -> FaultKind {
        match self {
            Self::Stale { .. } => FaultKind::SerialStale,
            Self::Regressed { .. } => FaultKind::SerialRegressed,
            Self::Incomparable { .. } => FaultKind::SerialIncomparable,
            Self::NotReplicated { .. } => FaultKind::SerialNotReplicated,
            Self::Unsigned(_) => FaultKind::Unsigned,
        }
    }
}

/// Why an observation is not the right answer. Completes the sentence "it …".
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Fault {
    #[error("does not answer within {}", span_text(TIMEOUT))]
    Silent,
    /// The answer came after this time.
    #[error("does not answer within {}: its answer takes {:.1} s", span_text(TIMEOUT), .0.as_secs_f64())]
    Late(Duration),
    #[error("refuses packets: nothing listens on the port")]
    Closed,
    /// The network has no route.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The reply is not an answer to the query.
    #[error("sends something that is not an answer: {0}")]
    Garbled(String),
    /// An RCODE other than NOERROR.
    #[error("answers {}{}", rcode_text(*.0), rcode_meaning(*.0))]
    Rcode(ResponseCode),
    /// REFUSED, where other queries for the same zone are answered.
    #[error("answers REFUSED, though it answers other queries for the zone")]
    SomeRefused,
    #[error(
        "answers without authority (AA is clear): it is lame, or something on the way answers in its place"
    )]
    NotAuthoritative,
    #[error("has no such records")]
    NoRecords,
    /// The name is a CNAME, against the configuration.
    #[error("answers with an alias (CNAME) to {0}")]
    Alias(String),
    #[error("answers with records of another name, {0}")]
    OtherOwner(String),
    /// Expected records that are not there, and unexpected ones that are.
    #[error("answers with other records: {}", difference(.missing, .extra))]
    Records { missing: Values, extra: Values },
    /// NXDOMAIN for a name that exists.
    #[error(
        "answers NXDOMAIN, but this name exists: it has records of another type, or names below it, and resolvers \
         then hold that none of these exist (RFC 8020)"
    )]
    NameDenied,
    /// Records where there must be none.
    #[error(
        "answers with records that the configuration does not have: {0}; remove them from the zone (a wildcard may \
         make them), or add them to the configuration"
    )]
    Unexpected(Values),
    #[error("answers with {0} SOA records, not one")]
    ManySoa(usize),
    /// Truncated over UDP, and wrong over TCP.
    #[error("says over UDP that the answer is too long, and over TCP it {0}")]
    Truncated(Box<Fault>),
    /// Wrong over TCP only (RFC 7766: TCP is not optional).
    #[error("answers over UDP, but over TCP it {0}")]
    Tcp(Box<Fault>),
    /// Wrong over TCP, and wrong over UDP in another way.
    #[error("has another fault over TCP: it {0}")]
    AlsoTcp(Box<Fault>),
    /// Wrong with EDNS only (RFC 6891).
    #[error("answers only without EDNS; to a question with EDNS, as resolvers ask, it {0}")]
    Edns(Box<Fault>),
    /// Wrong with the DO flag only (RFC 4035).
    #[error(
        "answers only without the flag DO; to a question with DO, as validating resolvers ask, it {0}"
    )]
    Do(Box<Fault>),
    /// Wrong with the EDNS option COOKIE only: unknown options must be ignored (RFC 6891, section 6.1.2).
    #[error(
        "answers only without the EDNS option COOKIE; to a question with it, as resolvers ask, it {0}"
    )]
    EdnsOption(Box<Fault>),
    #[error(
        "has other nameservers (NS) for the zone than the configuration: {}; if the zone is right, list its \
         NS set among its records there",
        difference(.missing, .extra)
    )]
    Nameservers { missing: Values, extra: Values },
    #[error(
        "is an open resolver: it answers recursive queries (RA is set), which others use for attacks; switch \
         recursion off, or limit it to your own network"
    )]
    OpenRecursion,
    /// Every answer takes longer than this.
    #[error("takes longer than {} for every answer", span_text(*.0))]
    Slow(Duration),
    #[error(
        "answers with a signature (RRSIG) that ends at {}: the zone should have been signed again by now",
        wall_text(Some(*.0))
    )]
    SignatureEnds(Timestamp),
    #[error(
        "answers with a signature (RRSIG) that ended at {}: resolvers that validate reject the whole zone",
        wall_text(Some(*.0))
    )]
    SignatureEnded(Timestamp),
    #[error(
        "answers with a signature (RRSIG) that is not valid before {}: resolvers that validate reject the \
         whole zone until then",
        wall_text(Some(*.0))
    )]
    SignatureAhead(Timestamp),
    #[error(transparent)]
    Serial(SerialFault),
}

impl Fault {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Tcp(_)
            | Self::AlsoTcp(_)
            | Self::Edns(_)
            | Self::Do(_)
            | Self::EdnsOption(_)
            | Self::Nameservers { .. }
            | Self::OpenRecursion
            | Self::Slow(_)
            | Self::SignatureEnds(_)
            | Self::Serial(_) => Severity::Degraded,
            Self::Truncated(inner) => inner.severity(),
            _ => Severity::Down,
        }
    }

    #[must_use]
    pub fn code(&self) -> FaultCode {
        let kind = match self {
            Self::Silent | Self::Late(_) => FaultKind::Silent,
            Self::Closed => FaultKind::Closed,
            Self::Unreachable(_) => FaultKind::Unreachable,
            Self::Garbled(_) => FaultKind::Garbled,
            Self::Rcode(rcode) => return FaultCode::Rcode(*rcode),
            Self::SomeRefused => return FaultCode::Rcode(ResponseCode::Refused),
            Self::NotAuthoritative => FaultKind::NotAuthoritative,
            Self::NoRecords => FaultKind::NoRecords,
            Self::Alias(_) => FaultKind::Alias,
            Self::OtherOwner(_) => FaultKind::OtherOwner,
            Self::NameDenied => return FaultCode::Rcode(ResponseCode::NXDomain),
            Self::Unexpected(_) => FaultKind::UnexpectedRecords,
            Self::Records { .. } => FaultKind::WrongRecords,
            Self::ManySoa(_) => FaultKind::ManySoa,
            Self::Truncated(inner) => return FaultCode::Truncated(Box::new(inner.code())),
            Self::Tcp(inner) | Self::AlsoTcp(inner) => {
                return FaultCode::Tcp(Box::new(inner.code()));
            }
            Self::Edns(inner) => return FaultCode::Edns(Box::new(inner.code())),
            Self::Do(inner) => return FaultCode::Do(Box::new(inner.code())),
            Self::EdnsOption(_) => FaultKind::EdnsOption,
            Self::Nameservers { .. } => FaultKind::NsSet,
            Self::OpenRecursion => FaultKind::OpenRecursion,
            Self::Slow(_) => FaultKind::Slow,
            Self::SignatureEnds(_) => FaultKind::SignatureEnds,
            Self::SignatureEnded(_) => FaultKind::SignatureEnded,
            Self::SignatureAhead(_) => FaultKind::SignatureAhead,
            Self::Serial(fault) => fault.code(),
        };
        kind.into()
    }

    /// The fault of a server that answers other queries for the same zone: it is not lame.
    #[must_use]
    pub fn in_served_zone(self) -> Self {
        let inside = |fault: Box<Self>| Box::new(fault.in_served_zone());
        match self {
            Self::Rcode(ResponseCode::Refused) => Self::SomeRefused,
            Self::Truncated(inner) => Self::Truncated(inside(inner)),
            Self::Tcp(inner) => Self::Tcp(inside(inner)),
            Self::AlsoTcp(inner) => Self::AlsoTcp(inside(inner)),
            other => other,
        }
    }

    /// Only a wait shows it.
    fn is_about_time(&self) -> bool {
        match self {
            Self::Silent | Self::Late(_) | Self::Slow(_) => true,
            Self::Truncated(inner) | Self::Tcp(inner) | Self::AlsoTcp(inner) => {
                inner.is_about_time()
            }
            Self::Edns(inner) | Self::Do(inner) | Self::EdnsOption(inner) => inner.is_about_time(),
            _ => false,
        }
    }

    /// The finding of a fault that one query has shown, sent with or without EDNS.
    #[must_use]
    pub fn finding(
        &self,
        address: SocketAddr,
        zone: String,
        query: &Query,
        no_edns: bool,
    ) -> Finding {
        let dnssec = matches!(
            self,
            Self::SignatureEnds(_) | Self::SignatureEnded(_) | Self::SignatureAhead(_)
        );
        let shown = DigOptions { no_edns, timeout: self.is_about_time(), dnssec };
        Finding {
            address,
            zone,
            question: query.to_string(),
            more: 0,
            severity: self.severity(),
            fault: self.code(),
            detail: self.to_string(),
            command: dig(&address, query, shown),
        }
    }
}

fn rcode_meaning(rcode: ResponseCode) -> &'static str {
    match rcode {
        ResponseCode::Refused => ": it does not serve this zone (lame)",
        ResponseCode::NXDomain => ": it says that the name does not exist",
        ResponseCode::ServFail => ": it knows the zone and cannot serve it",
        _ => "",
    }
}

fn after(grace: &Duration) -> String {
    match *grace {
        Duration::ZERO => String::new(),
        grace => format!(", for more than {}", span_text(grace)),
    }
}

fn named(serials: &[(String, u32)]) -> String {
    let named: Vec<String> =
        serials.iter().map(|(name, serial)| format!("{name} {serial}")).collect();
    named.join(", ")
}

fn difference(missing: &Values, extra: &Values) -> String {
    let named = [("missing", missing), ("unexpected", extra)];
    let named = named.into_iter().filter(|(_, records)| !records.is_empty());
    let said: Vec<String> = named.map(|(word, them)| format!("{word} {them}")).collect();
    said.join(", ")
}

/// The fault of an outcome that is not a right answer.
pub(crate) fn failure(outcome: &Outcome) -> Option<Fault> {
    Some(match outcome {
        Outcome::Answer(answer) if answer.rcode != ResponseCode::NoError => {
            Fault::Rcode(answer.rcode)
        }
        Outcome::Answer(_) | Outcome::Local(_) => return None,
        Outcome::Silent => Fault::Silent,
        Outcome::Late(time) => Fault::Late(*time),
        Outcome::Closed => Fault::Closed,
        Outcome::Unreachable(why) => Fault::Unreachable(why.clone()),
        Outcome::Garbled(why) => Fault::Garbled(why.clone()),
    })
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::RData;

    use super::*;

    #[test]
    fn every_fault_reads_as_the_end_of_a_sentence_and_has_a_stable_code() {
        let a = |last| RData::A(std::net::Ipv4Addr::new(192, 0, 2, last).into());
        let values = |records: &[RData]| Values::of(records.iter());
        let many: Vec<RData> = (1..=7).map(a).collect();
        let wrong = Fault::Records { missing: values(&[a(80)]), extra: values(&many) };
        assert_eq!(
            wrong.to_string(),
            "answers with other records: missing 192.0.2.80, unexpected 192.0.2.1, 192.0.2.2, \
             192.0.2.3, 192.0.2.4, 192.0.2.5 and 2 more"
        );
        let tcp = Fault::Tcp(Box::new(Fault::Closed));
        assert_eq!(tcp.code().to_string(), "tcp-closed");
        assert_eq!(tcp.severity(), Severity::Degraded);
        let late = Fault::Late(Duration::from_millis(2_540));
        assert_eq!(late.to_string(), "does not answer within 2 s: its answer takes 2.5 s");
        assert_eq!(late.code().to_string(), "silent");
        assert_eq!(Fault::Do(Box::new(late)).code().to_string(), "do-silent");
        let cookie = Fault::EdnsOption(Box::new(Fault::Silent));
        assert_eq!(
            (cookie.severity(), &*cookie.code().to_string()),
            (Severity::Degraded, "edns-option")
        );
        let bad = Fault::Rcode(ResponseCode::BADCOOKIE);
        assert_eq!(
            (&*bad.to_string(), &*bad.code().to_string()),
            ("answers BADCOOKIE", "rcode-badcookie")
        );
        assert_eq!(Fault::Rcode(ResponseCode::Refused).code().to_string(), "rcode-refused");
        assert_eq!(
            Fault::Truncated(Box::new(Fault::Silent)).to_string(),
            "says over UDP that the answer is too long, and over TCP it does not answer within 2 s"
        );
    }
}
