//! Which packets answer a query.
//!
//! A forger or a broken middlebox can send packets before the right one. So over UDP what does not answer the
//! query is passed over, with the reason, and the right answer may still follow.

use crate::text::count;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::NULL;
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinDecoder};

use crate::config::is_compared;

/// What we allow a server to send over UDP (DNS flag day 2020).
pub(super) const UDP_PAYLOAD: u16 = 1232;

const HEADER: usize = 12;

/// Why a packet does not answer a query, as the end of "it sends …".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnAnswer(pub(super) String);

/// As [`accept`], for a datagram.
pub(super) fn accept_datagram(query: &Message, datagram: &[u8]) -> Result<Message, NotAnAnswer> {
    if datagram.len() > usize::from(UDP_PAYLOAD) {
        return Err(NotAnAnswer(format!(
            "a packet of more than the {UDP_PAYLOAD} bytes that we allow"
        )));
    }
    accept(query, datagram)
}

/// The message in the packet, right or wrong, if it answers the query; else why it does not.
pub(super) fn accept(query: &Message, packet: &[u8]) -> Result<Message, NotAnAnswer> {
    let length = packet.len();
    if length < HEADER {
        return Err(NotAnAnswer(format!(
            "a packet of {}, shorter than a DNS header",
            count(length, "byte")
        )));
    }
    if packet[..2] != query.metadata.id.to_be_bytes() {
        return Err(NotAnAnswer("an answer with another message ID".to_owned()));
    }
    if packet[2] & 0x80 == 0 {
        return Err(NotAnAnswer("a question instead of an answer".to_owned()));
    }
    let message = match Message::from_vec(packet) {
        Ok(message) => message,
        Err(_) => match with_opaque_records(packet) {
            Some(message) => message,
            None if packet[2] & 0x02 != 0 => truncated(packet)?,
            None => return Err(NotAnAnswer("a packet that is not a DNS message".to_owned())),
        },
    };
    // An error may come without the question (old servers do so for FORMERR); an answer may not.
    let bare = message.queries.is_empty() && message.answers.is_empty();
    let error = bare && message.metadata.response_code != ResponseCode::NoError;
    if !error && message.queries != query.queries {
        return Err(NotAnAnswer("an answer to another question".to_owned()));
    }
    let internet = |record: &Record| record.dns_class == DNSClass::IN;
    let kind = (message.metadata.message_type, message.metadata.op_code);
    if kind != (MessageType::Response, OpCode::Query) || !message.answers.iter().all(internet) {
        return Err(NotAnAnswer("an answer of another kind or class".to_owned()));
    }
    Ok(message)
}

/// The message, if hickory cannot read the data of some of its records, and nobody compares that data: of such
/// a record owner, type and class are enough.
fn with_opaque_records(packet: &[u8]) -> Option<Message> {
    let mut message = truncated(packet).ok()?;
    let end = u16::try_from(question_end(packet)?).ok()?;
    let decoder = &mut BinDecoder::new(packet).clone(end);
    let mut section = |count_at: usize| {
        let count = u16::from_be_bytes([packet[count_at], packet[count_at + 1]]);
        (0..count).map(|_| record(decoder)).collect::<Option<Vec<_>>>()
    };
    let (answers, authorities) = (section(6)?, section(8)?);
    let (options, additionals): (Vec<_>, Vec<_>) =
        section(10)?.into_iter().partition(|record| record.record_type() == RecordType::OPT);
    let lost =
        |record: &Record| matches!(record.data, RData::Unknown { code, .. } if is_compared(code));
    if answers.iter().any(lost) || options.len() > 1 || message.queries.len() > 1 {
        return None;
    }
    message.edns = options.first().map(Into::into);
    if let Some(edns) = &message.edns {
        message.metadata.merge_response_code(edns.rcode_high());
    }
    (message.answers, message.authorities, message.additionals) =
        (answers, authorities, additionals);
    Some(message)
}

/// The next record, as hickory reads it if it can.
fn record(decoder: &mut BinDecoder<'_>) -> Option<Record> {
    let start = u16::try_from(decoder.index()).ok()?;
    let name = Name::read(decoder).ok()?;
    let code = RecordType::read(decoder).ok()?;
    let class = decoder.read_u16().ok()?.unverified(/* any class is one */);
    let ttl = decoder.read_u32().ok()?.unverified(/* nobody reads it */);
    let length = decoder.read_u16().ok()?.unverified(/* the next line verifies it */);
    let data = decoder.read_slice(length.into()).ok()?.unverified(/* any bytes are data */);
    match Record::read(&mut decoder.clone(start)) {
        Ok(record) if code == RecordType::OPT => Some(record),
        Ok(record) if !matches!(record.data, RData::Update0(_)) => Some(record),
        _ if code == RecordType::OPT => None,
        _ => {
            let mut rdata = NULL::new();
            rdata.anything = data.to_vec();
            let mut record = Record::from_rdata(name, ttl, RData::Unknown { code, rdata });
            record.dns_class = class.into();
            Some(record)
        }
    }
}

/// The header and the question of a packet that ends in the middle of a record. TC says that there is more,
/// and that is enough.
fn truncated(packet: &[u8]) -> Result<Message, NotAnAnswer> {
    let no_question = || NotAnAnswer("a truncated packet without a question".to_owned());
    let end = question_end(packet).ok_or_else(no_question)?;
    let mut whole = packet[..end].to_vec();
    whole[6..HEADER].fill(0); // the counts of the other sections
    Message::from_vec(&whole).map_err(|_| no_question())
}

/// Where the first question of a message ends. Its name is not compressed: nothing stands before it that
/// it could point to.
fn question_end(message: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match *message.get(at)? {
            0 => break,
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
    let end = at + 1 + 4; // the root label, then type and class
    (end <= message.len()).then_some(end)
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
