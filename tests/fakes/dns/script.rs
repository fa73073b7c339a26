//! What a scripted nameserver does with a query, whatever carries it: the right answer from its
//! zones, bent by the [`Behaviour`] of the moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, Record, RecordType};

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
    /// In memory, over TCP, wait so long after the first half.
    pub pause: Duration,
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
    /// Silence for a query with the option COOKIE, the answer for a query without.
    NoCookieSilent,
    /// FORMERR for a query with the option COOKIE, the answer for a query without.
    NoCookieFormerr,
    /// BADCOOKIE and a cookie for a query with the client's cookie only, the answer for any other.
    WantsCookie,
    /// Silence for a query with DO, the answer for a query without.
    NoDoSilent,
    /// The answer, and for what is in none of its zones an answer with RA, if RD was set.
    OpenResolver,
    /// The first of several NS records is missing.
    OtherNs,
    /// The SOA has this serial.
    Serial(u32),
    /// With DO the SOA is signed, from the one time to the other (seconds since 1970).
    Signed(u32, u32),
    /// The same for addresses only.
    SignedAddresses(u32, u32),
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

    /// The replies of a server of these zones to a query, where the behaviour is not a script of its own;
    /// `noise` is the seed of what looks random.
    pub(super) fn apply(
        &self,
        zones: &[ZoneData],
        transport: Transport,
        query: &Message,
        noise: u64,
    ) -> Vec<Reply> {
        use Behaviour as B;
        use Transport::{Tcp, Udp};
        let right = wire::respond(zones, query);
        let good = || Reply::now(wire::fit(&right, query, transport));
        let bent = || {
            let mut message = right.clone();
            self.bend(&mut message, zones, transport, query);
            Reply::now(wire::fit(&message, query, transport))
        };
        let garbage = || Reply::now(wire::garbage(noise, query.metadata.id));
        let elsewhere = || Reply { from_other_source: true, ..good() };
        let one = match (self, transport) {
            (B::Silent | B::PortClosed | B::Custom(_), _) => return Vec::new(),
            (B::NoTcp | B::TruncatedPartialNoTcp | B::TcpSilent, Tcp) => return Vec::new(),
            (B::NoEdnsSilent, _) if query.edns.is_some() => return Vec::new(),
            (B::NoCookieSilent, _) if wire::cookie(query).is_some() => return Vec::new(),
            (B::NoDoSilent, _) if query.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok) => {
                return Vec::new();
            }
            (B::WrongIdThenRight | B::WrongQuestionThenRight, _) => return vec![bent(), good()],
            (B::WrongSourceThenRight, Udp) => return vec![elsewhere(), good()],
            (B::GarbageThenRight, _) => return vec![garbage(), good()],
            (B::TruncatedMidRecord, Udp) => Reply::now(wire::cut_mid_record(&right)),
            (B::WrongSource, Udp) => elsewhere(),
            (B::Garbage, _) | (B::TcpGarbage, Tcp) => garbage(),
            (B::GarbageShort, _) => {
                Reply::now([&query.metadata.id.to_be_bytes()[..], &[0x84]].concat())
            }
            (B::Oversized, Udp) => Reply::now(wire::padded(&right, 5000)),
            (B::Echo, _) => Reply::now(wire::encode(query)),
            (B::TcpHalf, Tcp) => Reply { half: true, ..good() },
            (B::Late(delay), _) => Reply { delay: *delay, ..good() },
            _ => bent(),
        };
        vec![one]
    }

    /// Makes of the right answer what this behaviour answers.
    fn bend(&self, m: &mut Message, zones: &[ZoneData], transport: Transport, query: &Message) {
        use Behaviour as B;
        let udp = transport == Transport::Udp;
        match self {
            B::NotAuthoritative => m.metadata.authoritative = false,
            B::WrongAddress => m.answers.iter_mut().for_each(move_away),
            B::ExtraAddress => {
                let extra = m.answers.iter().rev().find_map(stray);
                m.answers.extend(extra);
            }
            B::NoData | B::NxDomain => {
                let none = matches!(self, B::NxDomain);
                let code = if none { ResponseCode::NXDomain } else { ResponseCode::NoError };
                wire::fail(m, code);
                m.metadata.authoritative = true;
                m.authorities.extend(wire::zone_for(zones, query).and_then(ZoneData::negative_soa));
            }
            B::Refused => wire::fail(m, ResponseCode::Refused),
            B::ServFail => wire::fail(m, ResponseCode::ServFail),
            B::ServFailWithAnswer => m.metadata.response_code = ResponseCode::ServFail,
            B::TruncatedEmpty if udp => wire::truncate(m, 0),
            B::TruncatedPartialNoTcp if udp => wire::truncate(m, m.answers.len() / 2),
            B::OtherOwner => rename(m, wire::other_name),
            B::OtherCase => rename(m, wire::other_case),
            B::WrongId | B::WrongIdThenRight => m.metadata.id ^= 0x5555,
            B::WrongQuestion | B::WrongQuestionThenRight => {
                m.queries.iter_mut().for_each(|query| query.name = wire::other_name(&query.name));
            }
            B::NoEdnsFormerr | B::NoEdnsNotimp if query.edns.is_some() => {
                let formerr = matches!(self, B::NoEdnsFormerr);
                wire::fail(m, if formerr { ResponseCode::FormErr } else { ResponseCode::NotImp });
                m.edns = None;
            }
            B::NoCookieFormerr if wire::cookie(query).is_some() => {
                wire::fail(m, ResponseCode::FormErr);
            }
            B::WantsCookie => wire::demand_cookie(m, query),
            B::OpenResolver => wire::recurse(m, query),
            B::OtherNs => wire::drop_one_ns(m),
            B::Serial(serial) => wire::set_serial(m, *serial),
            B::Signed(begins, ends) => wire::sign(m, RecordType::SOA, *begins, *ends),
            B::SignedAddresses(begins, ends) => wire::sign(m, RecordType::A, *begins, *ends),
            _ => {}
        }
    }
}

fn rename(message: &mut Message, name: fn(&Name) -> Name) {
    message.answers.iter_mut().for_each(|record| record.name = name(&record.name));
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
