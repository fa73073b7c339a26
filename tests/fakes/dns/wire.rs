//! Messages and the ways to spoil them: what a nameserver with the right zones would send, made to
//! fit, and the damage that [`super::script::Behaviour`] asks for.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::op::{Edns, Message, Metadata, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_resolver::proto::rr::rdata::{A, AAAA, NULL, SOA, TXT};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::script::Transport;
use super::zone::ZoneData;
use crate::fakes::rng::Rng;

/// The UDP payload the server itself is willing to send and to receive, as most of them are now.
const SERVER_PAYLOAD: u16 = 1232;

/// The zone that answers for the query's name, if this server has it.
pub(crate) fn zone_for<'a>(zones: &'a [ZoneData], query: &Message) -> Option<&'a ZoneData> {
    let question = query.queries.first()?;
    zones
        .iter()
        .filter(|zone| zone.origin().zone_of(&question.name))
        .max_by_key(|zone| zone.origin().iter().len())
}

/// The right reply to a query, of whatever size.
pub(crate) fn respond(zones: &[ZoneData], query: &Message) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata = Metadata::response_from_request(&query.metadata);
    reply.queries = query.queries.clone();
    if let Some(asked) = &query.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(SERVER_PAYLOAD).set_dnssec_ok(asked.flags().dnssec_ok);
        reply.edns = Some(edns);
        if asked.version() > 0 {
            reply.metadata.response_code = ResponseCode::BADVERS;
            return reply;
        }
    }
    if query.metadata.op_code != OpCode::Query {
        reply.metadata.response_code = ResponseCode::NotImp;
        return reply;
    }
    let [question] = &query.queries[..] else {
        reply.metadata.response_code = ResponseCode::FormErr;
        return reply;
    };
    let zone = zone_for(zones, query).filter(|_| question.query_class == DNSClass::IN);
    let Some(zone) = zone else {
        reply.metadata.response_code = ResponseCode::Refused;
        return reply;
    };
    let answer = zone.answer(&question.name, question.query_type);
    reply.metadata.response_code = answer.code;
    reply.metadata.authoritative = answer.authoritative;
    reply.answers = answer.answers;
    reply.authorities = answer.authorities;
    reply.additionals = answer.additionals;
    reply
}

/// A message's bytes, held to the size that the client takes: over UDP first the additional section goes,
/// then everything, with TC set.
pub(crate) fn fit(reply: &Message, query: &Message, transport: Transport) -> Vec<u8> {
    let bytes = encode(reply);
    let asked = query.edns.as_ref().map_or(512, Edns::max_payload);
    let limit = usize::from(asked.clamp(512, SERVER_PAYLOAD));
    if transport == Transport::Tcp || bytes.len() <= limit {
        return bytes;
    }
    let mut lean = reply.clone();
    lean.additionals.clear();
    let bytes = encode(&lean);
    if bytes.len() <= limit {
        return bytes;
    }
    encode(&reply.truncate())
}

/// A message's bytes, of whatever size.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a message of valid records")
}

/// Makes a reply of this code, without AA and records.
pub(crate) fn fail(reply: &mut Message, code: ResponseCode) {
    reply.metadata.response_code = code;
    reply.metadata.authoritative = false;
    reply.answers.clear();
    reply.authorities.clear();
    reply.additionals.clear();
}

/// The data of the option COOKIE.
pub(crate) fn cookie(query: &Message) -> Option<Vec<u8>> {
    match query.edns.as_ref()?.option(EdnsCode::Cookie)? {
        EdnsOption::Unknown(_, data) => Some(data.clone()),
        _ => None,
    }
}

/// Answers a client's cookie that comes alone with BADCOOKIE and the server's cookie.
pub(crate) fn demand_cookie(reply: &mut Message, query: &Message) {
    let Some(both) = cookie(query).map(|client| [&client[..8], b"a cookie"].concat()) else {
        return;
    };
    if cookie(query).as_ref() != Some(&both) {
        fail(reply, ResponseCode::BADCOOKIE);
    }
    if let Some(edns) = &mut reply.edns {
        edns.options_mut().insert(EdnsOption::Unknown(EdnsCode::Cookie.into(), both));
    }
}

/// Sets TC and keeps so many answers.
pub(crate) fn truncate(reply: &mut Message, answers: usize) {
    reply.answers.truncate(answers);
    reply.authorities.clear();
    reply.additionals.clear();
    reply.metadata.truncation = true;
}

/// Takes the first of several NS records out.
pub(crate) fn drop_one_ns(reply: &mut Message) {
    let ns = |record: &Record| record.record_type() == RecordType::NS;
    let first = reply.answers.iter().position(ns);
    if reply.answers.iter().filter(|record| ns(record)).count() > 1 {
        reply.answers.remove(first.expect("there are several"));
    }
}

pub(crate) fn set_serial(reply: &mut Message, serial: u32) {
    for record in &mut reply.answers {
        if let RData::SOA(soa) = &mut record.data {
            soa.serial = serial;
        }
    }
}

/// What a resolver for everybody makes of a refusal.
pub(crate) fn recurse(reply: &mut Message, query: &Message) {
    reply.metadata.recursion_available = true;
    let refused = reply.metadata.response_code == ResponseCode::Refused;
    if let (true, true, [question]) =
        (refused, query.metadata.recursion_desired, &query.queries[..])
    {
        let host = Name::root();
        let soa = RData::SOA(SOA::new(host.clone(), host, 1, 1, 1, 1, 1));
        reply.metadata.response_code = ResponseCode::NoError;
        reply.answers = vec![Record::from_rdata(question.name.clone(), 300, soa)];
    }
}

/// Adds a signature over the records of that type that holds between these times, if the reply says DO. It is not a valid one.
pub(crate) fn sign(reply: &mut Message, of: RecordType, begins: u32, ends: u32) {
    let asked = reply.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
    let soa = reply.answers.iter().find(|record| record.record_type() == of);
    if let (true, Some(soa)) = (asked, soa) {
        let mut bytes = u16::from(of).to_be_bytes().to_vec();
        bytes.extend([13, 2]); // algorithm, labels
        [soa.ttl, ends, begins].iter().for_each(|field| bytes.extend(field.to_be_bytes()));
        bytes.extend([0, 1, 0]); // key tag, signer
        bytes.extend([7; 64]);
        let data = RData::Unknown { code: RecordType::RRSIG, rdata: NULL::with(bytes) };
        reply.answers.push(Record::from_rdata(soa.name.clone(), soa.ttl, data));
    }
}

/// The bytes of a reply with TC set, ending three bytes short of the last answer (or, without
/// answers, of the message): in the middle of a record, whose counts the header still announces.
pub(crate) fn cut_mid_record(reply: &Message) -> Vec<u8> {
    let mut whole = reply.clone();
    whole.metadata.truncation = true;
    let mut bytes = encode(&whole);
    if !whole.answers.is_empty() {
        whole.authorities.clear();
        whole.additionals.clear();
        whole.edns = None;
        bytes.truncate(encode(&whole).len());
    }
    bytes.truncate(bytes.len() - 3);
    bytes
}

/// The bytes of a reply blown up to exactly `size` with a TXT record in the additional section.
pub(crate) fn padded(reply: &Message, size: usize) -> Vec<u8> {
    /// Root owner name, type, class, TTL and length of a record.
    const RECORD_HEAD: usize = 11;
    let mut reply = reply.clone();
    let fill = size - encode(&reply).len() - RECORD_HEAD;
    // A string of n bytes takes n + 1 on the wire.
    let strings = (0..fill).step_by(256).map(|start| "x".repeat((fill - start).min(256) - 1));
    let data = RData::TXT(TXT::new(strings.collect()));
    reply.additionals.push(Record::from_rdata(Name::root(), 0, data));
    encode(&reply)
}

/// Random bytes under the given ID. The question count they announce is never one that they could
/// hold, so that no luck makes a message of them.
pub(crate) fn garbage(seed: u64, id: u16) -> Vec<u8> {
    let mut prng = Rng::new(seed);
    let mut bytes = id.to_be_bytes().to_vec();
    while bytes.len() < 96 {
        bytes.extend(prng.next().to_be_bytes());
    }
    bytes[4] |= 0x80;
    bytes
}

/// An address of the record's kind that no zone of a test holds; `None` for other records.
pub(crate) fn stray_address(data: &RData) -> Option<RData> {
    const V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);
    const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0x66);
    match data {
        RData::A(_) => Some(RData::A(A(V4))),
        RData::AAAA(_) => Some(RData::AAAA(AAAA(V6))),
        _ => None,
    }
}

/// The same name with the case of every letter turned.
pub(crate) fn other_case(name: &Name) -> Name {
    let swap = |byte: &u8| match byte.is_ascii_lowercase() {
        true => byte.to_ascii_uppercase(),
        false => byte.to_ascii_lowercase(),
    };
    let labels = name.iter().map(|label| label.iter().map(swap).collect::<Vec<u8>>());
    Name::from_labels(labels).expect("as long as it was")
}

/// A name beside this one: `not-www.example.net` for `www.example.net`.
pub(crate) fn other_name(name: &Name) -> Name {
    let mut label = b"not-".to_vec();
    label.extend(name.iter().next().unwrap_or_default());
    label.truncate(63);
    let parent = name.base_name();
    parent
        .prepend_label(label)
        .unwrap_or_else(|_| Name::root().prepend_label("not").expect("short"))
}
