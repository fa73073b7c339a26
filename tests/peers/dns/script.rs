//! What a scripted nameserver does with a query, whatever carries it: the right answer from its
//! zones, bent by the [`Behaviour`] of the moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

pub use super::nameserver::Nameserver;
use super::wire;
pub use super::zone::ZoneData;

/// How a query came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// One length-prefixed message on a connection.
    Tcp,
}

/// One thing to send back.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The message, without TCP's length prefix.
    pub bytes: Vec<u8>,
    /// How long to wait first.
    pub delay: Duration,
    /// Over UDP, send it from another port than the one that was asked.
    pub from_other_source: bool,
    /// Over TCP, send the length of the whole, then the first half, then close.
    pub half: bool,
}

impl Reply {
    /// A reply sent at once, from the right source, whole.
    pub fn now(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// The reply as TCP carries it.
    pub(super) fn framed(&self) -> Vec<u8> {
        let length = u16::try_from(self.bytes.len()).expect("a DNS message fits 16 bits");
        let sent = if self.half { length / 2 } else { length };
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend(&self.bytes[..usize::from(sent)]);
        frame
    }
}

type ScriptFn = dyn Fn(Transport, &[u8]) -> Vec<Reply> + Send + Sync;

/// A behaviour written by the test itself: from transport and raw query to the replies.
#[derive(Clone)]
pub struct Script(Arc<ScriptFn>);

impl Script {
    pub(super) fn replies(&self, transport: Transport, packet: &[u8]) -> Vec<Reply> {
        (self.0)(transport, packet)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

/// What a nameserver does. Unless a variant says otherwise it does the same over UDP and TCP.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers as it should.
    Good,
    /// Takes every query and answers none.
    Silent,
    /// Nothing is bound to its port.
    PortClosed,
    /// The right answer without AA.
    NotAuthoritative,
    /// Every address in the answer is another one.
    WrongAddress,
    /// One address too many in the answer.
    ExtraAddress,
    /// NOERROR without the records.
    NoData,
    /// NXDOMAIN.
    NxDomain,
    /// REFUSED.
    Refused,
    /// SERVFAIL, and nothing with it.
    ServFail,
    /// SERVFAIL around the right records.
    ServFailWithAnswer,
    /// UDP: TC and no records. TCP: the answer.
    TruncatedEmpty,
    /// UDP: TC and half of the records (rounded down). TCP is closed.
    TruncatedPartialNoTcp,
    /// UDP: TC and a packet that ends inside a record. TCP: the answer.
    TruncatedMidRecord,
    /// The right data under another owner name.
    OtherOwner,
    /// The right data, the owner name in the other letter case.
    OtherCase,
    /// The answer under another message ID.
    WrongId,
    /// The same, and then the right one.
    WrongIdThenRight,
    /// UDP: the answer from another port. TCP: the answer.
    WrongSource,
    /// UDP: the same, and then the right one. TCP: the answer.
    WrongSourceThenRight,
    /// The right records under another question.
    WrongQuestion,
    /// The same, and then the right one.
    WrongQuestionThenRight,
    /// Bytes that are no message, under the right ID.
    Garbage,
    /// The same, and then the answer.
    GarbageThenRight,
    /// Three bytes, the first two of them the right ID.
    GarbageShort,
    /// UDP: the answer in a 5000-byte message, whatever size was asked for. TCP: the answer.
    Oversized,
    /// The query itself, still marked as a query.
    Echo,
    /// TCP is closed.
    NoTcp,
    /// UDP: the answer. TCP: bytes that are no message, under the right ID.
    TcpGarbage,
    /// UDP: the answer. TCP: accepts, never answers.
    TcpSilent,
    /// UDP: the answer. TCP: its length, half of it, and the end of the connection.
    TcpHalf,
    /// FORMERR without OPT for a query with one, the answer for a query without.
    NoEdnsFormerr,
    /// NOTIMP without OPT for a query with one, the answer for a query without.
    NoEdnsNotimp,
    /// Silence for a query with OPT, the answer for a query without.
    NoEdnsSilent,
    /// The answer, and for what is in none of its zones an answer with RA, if RD was set.
    OpenResolver,
    /// The first of several NS records is missing.
    OtherNs,
    /// The SOA has this serial.
    Serial(u32),
    /// With DO the SOA is signed, from the one time to the other (seconds since 1970).
    Signed(u32, u32),
    /// The answer after a while.
    Late(Duration),
    /// UDP: the first n packets of every question are lost. TCP: the answer.
    DropFirst(u32),
    /// UDP: every n-th packet is lost. TCP: the answer.
    DropEvery(u32),
    /// What the test says; see [`Behaviour::custom`].
    Custom(Script),
}

impl Behaviour {
    /// A behaviour written by the test. The function runs on the server's thread: it must not call
    /// [`Nameserver::set`].
    pub fn custom(script: impl Fn(Transport, &[u8]) -> Vec<Reply> + Send + Sync + 'static) -> Self {
        Self::Custom(Script(Arc::new(script)))
    }

    /// The replies of a server of these zones to a query, where the behaviour is not a script of
    /// its own; `noise` is the seed of what looks random.
    pub(super) fn apply(
        &self,
        zones: &[ZoneData],
        transport: Transport,
        query: &Message,
        noise: u64,
    ) -> Vec<Reply> {
        use Behaviour as B;
        use Transport::{Tcp, Udp};
        let id = query.metadata.id;
        let right = wire::respond(zones, query);
        let good = || Reply::now(wire::fit(&right, query, transport));
        let bent = |bend: &dyn Fn(&mut Message)| {
            let mut message = right.clone();
            bend(&mut message);
            Reply::now(wire::fit(&message, query, transport))
        };
        let failed = |code| {
            bent(&|m| {
                m.metadata.authoritative = false;
                wire::empty(m, code);
            })
        };
        let negative = |code| {
            bent(&|m| {
                m.metadata.authoritative = true;
                wire::empty(m, code);
                let soa = wire::zone_for(zones, query).and_then(ZoneData::negative_soa);
                m.authorities.extend(soa);
            })
        };
        let rename = |name: fn(&Name) -> Name| {
            bent(&|m| {
                let own = m.answers.iter_mut();
                own.for_each(|record| record.name = name(&record.name));
            })
        };
        let wrong_id = || bent(&|m| m.metadata.id = id ^ 0x5555);
        let wrong_source = || Reply { from_other_source: true, ..good() };
        let wrong_question = || {
            bent(&|m| {
                let questions = m.queries.iter_mut();
                questions.for_each(|question| question.name = wire::other_name(&question.name));
            })
        };
        let garbage = || Reply::now(wire::garbage(noise, id));
        let truncated = |keep: fn(usize) -> usize| {
            bent(&|m| {
                let kept = keep(m.answers.len());
                m.answers.truncate(kept);
                m.authorities.clear();
                m.additionals.clear();
                m.metadata.truncation = true;
            })
        };
        let one = match (self, transport) {
            (B::Silent | B::PortClosed | B::Custom(_), _) => return Vec::new(),
            (B::NoTcp | B::TruncatedPartialNoTcp | B::TcpSilent, Tcp) => return Vec::new(),
            (B::NoEdnsSilent, _) if query.edns.is_some() => return Vec::new(),
            (B::WrongIdThenRight, _) => return vec![wrong_id(), good()],
            (B::WrongSourceThenRight, Udp) => return vec![wrong_source(), good()],
            (B::WrongQuestionThenRight, _) => return vec![wrong_question(), good()],
            (B::GarbageThenRight, _) => return vec![garbage(), good()],
            (B::NotAuthoritative, _) => bent(&|m| m.metadata.authoritative = false),
            (B::WrongAddress, _) => bent(&|m| m.answers.iter_mut().for_each(move_away)),
            (B::ExtraAddress, _) => bent(&|m| {
                let extra = m.answers.iter().rev().find_map(stray);
                m.answers.extend(extra);
            }),
            (B::NoData, _) => negative(ResponseCode::NoError),
            (B::NxDomain, _) => negative(ResponseCode::NXDomain),
            (B::Refused, _) => failed(ResponseCode::Refused),
            (B::ServFail, _) => failed(ResponseCode::ServFail),
            (B::ServFailWithAnswer, _) => {
                bent(&|m| m.metadata.response_code = ResponseCode::ServFail)
            }
            (B::TruncatedEmpty, Udp) => truncated(|_| 0),
            (B::TruncatedPartialNoTcp, Udp) => truncated(|all| all / 2),
            (B::TruncatedMidRecord, Udp) => Reply::now(wire::cut_mid_record(&right)),
            (B::OtherOwner, _) => rename(wire::other_name),
            (B::OtherCase, _) => rename(wire::other_case),
            (B::WrongId, _) => wrong_id(),
            (B::WrongSource, Udp) => wrong_source(),
            (B::WrongQuestion, _) => wrong_question(),
            (B::Garbage, _) | (B::TcpGarbage, Tcp) => garbage(),
            (B::GarbageShort, _) => Reply::now([&id.to_be_bytes()[..], &[0x84]].concat()),
            (B::Oversized, Udp) => Reply::now(wire::padded(&right, 5000)),
            (B::Echo, _) => Reply::now(wire::encode(query)),
            (B::TcpHalf, Tcp) => Reply { half: true, ..good() },
            (B::NoEdnsFormerr | B::NoEdnsNotimp, _) if query.edns.is_some() => bent(&|m| {
                m.metadata.authoritative = false;
                let formerr = matches!(self, B::NoEdnsFormerr);
                let code = if formerr { ResponseCode::FormErr } else { ResponseCode::NotImp };
                wire::empty(m, code);
                m.edns = None;
            }),
            (B::OpenResolver, _) => bent(&|m| wire::recurse(m, query)),
            (B::OtherNs, _) => bent(&|m| {
                let ns = |record: &Record| record.record_type() == RecordType::NS;
                if m.answers.iter().filter(|record| ns(record)).count() > 1 {
                    let first = m.answers.iter().position(ns).expect("there are several");
                    m.answers.remove(first);
                }
            }),
            (B::Serial(serial), _) => bent(&|m| {
                for record in &mut m.answers {
                    if let RData::SOA(soa) = &mut record.data {
                        soa.serial = *serial;
                    }
                }
            }),
            (B::Signed(begins, ends), _) => bent(&|m| wire::sign(m, *begins, *ends)),
            (B::Late(delay), _) => Reply { delay: *delay, ..good() },
            _ => good(),
        };
        vec![one]
    }
}

/// A record like this one with an address that is in no zone.
fn stray(record: &Record) -> Option<Record> {
    let data = wire::stray_address(&record.data)?;
    Some(Record::from_rdata(record.name.clone(), record.ttl, data))
}

fn move_away(record: &mut Record) {
    if let Some(moved) = stray(record) {
        *record = moved;
    }
}
