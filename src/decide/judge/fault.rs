//! What can be wrong with an answer, in words that a person understands.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use jiff::Timestamp;

use crate::decide::judge::fault_code::{FaultCode, FaultKind};
use crate::decide::judge::finding::{Finding, Severity};
use crate::decide::probe::query::{Query, dig};
use crate::decide::probe::round::{Outcome, rcode_text};
use crate::decide::time::{span_text, wall_text};

/// What sets one server's edition apart from another's. The name is the other server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SerialFault {
    /// It serves an older serial.
    Stale {
        /// Its serial, and that which it should have by now.
        serials: [u32; 2],
        /// Who has that, or a newer one.
        other: String,
        /// How long it may take.
        grace: Duration,
    },
    /// It served a newer serial before.
    Regressed {
        /// What it had, and what it has.
        serials: [u32; 2],
        /// Who stayed.
        other: String,
    },
    /// Neither is newer.
    Incomparable {
        /// Its serial, and the other.
        serials: [u32; 2],
        /// Who has that.
        other: String,
    },
    /// It has the newest serial, and most servers do not follow.
    NotReplicated {
        /// Its serial.
        serial: u32,
        /// Who has an older one, and which.
        others: Vec<(String, u32)>,
        /// How long it may take.
        grace: Duration,
    },
    /// It does not sign, and this nameserver does.
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

/// Completes the sentence "it …".
impl fmt::Display for SerialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = |grace: &Duration| match *grace {
            Duration::ZERO => String::new(),
            grace => format!(", for more than {}", span_text(grace)),
        };
        match self {
            Self::Stale { serials: [own, theirs], other, grace } => write!(
                f,
                "serves serial {own} of the zone, and {other} has {theirs} or a newer one{}: it does not get \
                 the zone, or does not take it",
                long(grace)
            ),
            Self::Regressed { serials: [before, now], other } => write!(
                f,
                "went back from serial {before} to {now}, and {other} has the newer one: no \
                 server takes over an older zone, so raise its serial above all others"
            ),
            Self::Incomparable { serials: [own, theirs], other } => write!(
                f,
                "serves serial {own} of the zone, and {other} has {theirs}: neither of these is the newer one \
                 (RFC 1982), so neither server will ever take over the other's zone"
            ),
            Self::NotReplicated { serial, others, grace } => {
                let others: Vec<String> =
                    others.iter().map(|(name, serial)| format!("{name} {serial}")).collect();
                write!(
                    f,
                    "serves serial {serial} of the zone, which most others do not take over ({}){}: it does \
                     not notify or serve them, or its zone is wrong",
                    others.join(", "),
                    long(grace)
                )
            }
            Self::Unsigned(other) => write!(
                f,
                "answers without signatures (RRSIG), and {other} with them: resolvers that validate may \
                 reject its answers"
            ),
        }
    }
}

/// Why an observation is not the right answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    Silent,
    Closed,
    /// The network has no route.
    Unreachable(String),
    /// The reply is not an answer to the query.
    Garbled(String),
    /// An RCODE other than NOERROR.
    Rcode(ResponseCode),
    /// AA is clear: the server is lame, or something on the way answers in its place.
    NotAuthoritative,
    NoRecords,
    /// The name is a CNAME, against the configuration.
    Alias(String),
    /// Records of that type, under another name.
    OtherOwner(String),
    /// A set that differs from the expected one.
    Records {
        /// Expected, and not there.
        missing: Vec<RData>,
        /// There, and not expected.
        extra: Vec<RData>,
    },
    ManySoa(usize),
    /// Truncated over UDP, and wrong over TCP.
    Truncated(Box<Fault>),
    /// Wrong over TCP only (RFC 7766: TCP is not optional).
    Tcp(Box<Fault>),
    /// Wrong with EDNS only (RFC 6891).
    Edns(Box<Fault>),
    /// An NS set that differs from the configuration.
    Nameservers {
        /// Expected, and not there.
        missing: Vec<RData>,
        /// There, and not expected.
        extra: Vec<RData>,
    },
    /// An open resolver.
    OpenRecursion,
    /// Every answer takes longer than this.
    Slow(Duration),
    /// The signature over the SOA ends soon, at this time.
    SignatureEnds(Timestamp),
    /// It ended at this time.
    SignatureEnded(Timestamp),
    /// It begins at this time.
    SignatureAhead(Timestamp),
    /// A zone serial that differs from that of other nameservers.
    Serial(SerialFault),
}

impl Fault {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Tcp(_)
            | Self::Edns(_)
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
            Self::Silent => FaultKind::Silent,
            Self::Closed => FaultKind::Closed,
            Self::Unreachable(_) => FaultKind::Unreachable,
            Self::Garbled(_) => FaultKind::Garbled,
            Self::Rcode(rcode) => return FaultCode::Rcode(*rcode),
            Self::NotAuthoritative => FaultKind::NotAuthoritative,
            Self::NoRecords => FaultKind::NoRecords,
            Self::Alias(_) => FaultKind::Alias,
            Self::OtherOwner(_) => FaultKind::OtherOwner,
            Self::Records { .. } => FaultKind::WrongRecords,
            Self::ManySoa(_) => FaultKind::ManySoa,
            Self::Truncated(inner) => return FaultCode::Truncated(Box::new(inner.code())),
            Self::Tcp(inner) => return FaultCode::Tcp(Box::new(inner.code())),
            Self::Edns(inner) => return FaultCode::Edns(Box::new(inner.code())),
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

    /// The finding of a fault that one query has shown.
    #[must_use]
    pub fn finding(&self, address: SocketAddr, zone: String, query: &Query) -> Finding {
        Finding {
            address,
            zone,
            question: query.to_string(),
            more: 0,
            severity: self.severity(),
            fault: self.code(),
            detail: self.to_string(),
            command: dig(&address, query),
        }
    }
}

/// Completes the sentence "it …".
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("does not answer"),
            Self::Closed => f.write_str("refuses packets: nothing listens on the port"),
            Self::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Self::Garbled(why) => write!(f, "sends something that is not an answer: {why}"),
            Self::Rcode(ResponseCode::Refused) => {
                f.write_str("answers REFUSED: it does not serve this zone (lame)")
            }
            Self::Rcode(ResponseCode::NXDomain) => {
                f.write_str("answers NXDOMAIN: it says that the name does not exist")
            }
            Self::Rcode(ResponseCode::ServFail) => {
                f.write_str("answers SERVFAIL: it knows the zone and cannot serve it")
            }
            Self::Rcode(code) => write!(f, "answers {}", rcode_text(*code)),
            Self::NotAuthoritative => f.write_str(
                "answers without authority (AA is clear): it is lame, or something on the way \
                 answers in its place",
            ),
            Self::NoRecords => f.write_str("has no such records"),
            Self::Alias(target) => write!(f, "answers with an alias (CNAME) to {target}"),
            Self::OtherOwner(owner) => write!(f, "answers with records of another name, {owner}"),
            Self::Records { missing, extra } => {
                write!(f, "answers with other records: {}", difference(missing, extra))
            }
            Self::ManySoa(count) => write!(f, "answers with {count} SOA records, not one"),
            Self::Truncated(inner) => {
                write!(f, "says over UDP that the answer is too long, and over TCP it {inner}")
            }
            Self::Tcp(inner) => write!(f, "answers over UDP, but over TCP it {inner}"),
            Self::Edns(inner) => write!(
                f,
                "answers only without EDNS; to a question with EDNS, as resolvers ask, it {inner}"
            ),
            Self::Nameservers { missing, extra } => write!(
                f,
                "has other nameservers (NS) for the zone than the configuration: {}; if the zone is right, \
                 list its NS set among its records there",
                difference(missing, extra)
            ),
            Self::OpenRecursion => f.write_str(
                "is an open resolver: it answers recursive queries (RA is set), which others use for \
                 attacks; switch recursion off, or limit it to your own network",
            ),
            Self::Slow(limit) => {
                write!(f, "takes longer than {} for every answer", span_text(*limit))
            }
            Self::SignatureEnds(at) => write!(
                f,
                "signs its SOA only until {}: it should have been signed again by now",
                wall_text(Some(*at))
            ),
            Self::SignatureEnded(at) => write!(
                f,
                "answers with a signature (RRSIG) that ended at {}: resolvers that validate reject \
                 the whole zone",
                wall_text(Some(*at))
            ),
            Self::SignatureAhead(at) => write!(
                f,
                "answers with a signature (RRSIG) that is not valid before {}: resolvers that validate \
                 reject the whole zone until then",
                wall_text(Some(*at))
            ),
            Self::Serial(fault) => fault.fmt(f),
        }
    }
}

fn difference(missing: &[RData], extra: &[RData]) -> String {
    let named = [("missing", missing), ("unexpected", extra)];
    let named = named.into_iter().filter(|(_, records)| !records.is_empty());
    let said: Vec<String> = named.map(|(word, them)| format!("{word} {}", list(them))).collect();
    said.join(", ")
}

/// At most five records, so that one broken zone cannot fill an issue.
fn list(records: &[RData]) -> String {
    let shown: Vec<String> = records.iter().take(5).map(ToString::to_string).collect();
    let more = records.len() - shown.len();
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The fault of an outcome that is not a right answer.
pub(crate) fn failure(outcome: &Outcome) -> Option<Fault> {
    Some(match outcome {
        Outcome::Answer(answer) if answer.rcode != ResponseCode::NoError => {
            Fault::Rcode(answer.rcode)
        }
        Outcome::Answer(_) | Outcome::Local(_) => return None,
        Outcome::Silent => Fault::Silent,
        Outcome::Closed => Fault::Closed,
        Outcome::Unreachable(why) => Fault::Unreachable(why.clone()),
        Outcome::Garbled(why) => Fault::Garbled(why.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_as_the_end_of_a_sentence_and_has_a_stable_code() {
        let a = |last| RData::A(std::net::Ipv4Addr::new(192, 0, 2, last).into());
        let wrong = Fault::Records { missing: vec![a(80)], extra: (1..=7).map(a).collect() };
        assert_eq!(
            wrong.to_string(),
            "answers with other records: missing 192.0.2.80, unexpected 192.0.2.1, 192.0.2.2, \
             192.0.2.3, 192.0.2.4, 192.0.2.5 and 2 more"
        );
        let tcp = Fault::Tcp(Box::new(Fault::Closed));
        assert_eq!(tcp.code().to_string(), "tcp-closed");
        assert_eq!(tcp.severity(), Severity::Degraded);
        assert_eq!(Fault::Rcode(ResponseCode::Refused).code().to_string(), "rcode-refused");
        assert_eq!(
            Fault::Truncated(Box::new(Fault::Silent)).to_string(),
            "says over UDP that the answer is too long, and over TCP it does not answer"
        );
    }
}
