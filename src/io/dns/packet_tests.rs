//! Which packets answer a query: by hand, and a hundred thousand at random.

use hickory_resolver::proto::op::{Edns, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::*;
use crate::rng::Rng;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn query(of: &str) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(name(of), RecordType::A));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    message
}

/// The right answer, with so many records.
fn reply(query: &Message, records: u8) -> Message {
    let mut message = query.clone().into_response();
    message.metadata.authoritative = true;
    for n in 0..records {
        let data = RData::A(std::net::Ipv4Addr::new(192, 0, 2, n).into());
        message.add_answer(Record::from_rdata(query.queries[0].name.clone(), 300, data));
    }
    message
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

/// What is made of the answer to `www.example.net A` after `bend`.
fn bent(bend: impl FnOnce(&mut Message)) -> Result<Message, NotAnAnswer> {
    let asked = query("www.example.net.");
    let mut message = reply(&asked, 2);
    bend(&mut message);
    accept_datagram(&asked, &bytes(&message))
}

#[test]
fn an_answer_to_the_query_is_accepted_right_or_wrong() {
    for of in [".", "net.", "www.example.net.", "WWW.Example.NET."] {
        let asked = query(of);
        let right = reply(&asked, 3);
        assert_eq!(accept_datagram(&asked, &bytes(&right)), Ok(right));
    }
    assert!(bent(|m| m.metadata.authoritative = false).is_ok());
    assert!(bent(|m| m.metadata.response_code = ResponseCode::ServFail).is_ok());
    assert!(bent(|m| m.answers.clear()).is_ok());
    assert!(bent(|m| m.queries[0].name = name("WwW.eXample.net.")).is_ok());
}

/// The right answer as bytes, and then a record of this type and data in the section whose count stands there.
fn with_record(asked: &Message, count_at: usize, rtype: u16, rdata: &[u8]) -> Vec<u8> {
    let mut message = reply(asked, 1);
    let edns = message.edns.take().filter(|_| count_at < 10);
    let mut packet = bytes(&message);
    packet[count_at + 1] += 1;
    packet.extend(b"\xc0\x0c"); // the owner is the name of the question
    packet.extend(rtype.to_be_bytes());
    packet.extend(b"\0\x01\0\0\x01\x2c");
    packet.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
    packet.extend(rdata);
    if edns.is_some() {
        packet[11] += 1;
        packet.extend(b"\0\0\x29\x04\xd0\x01\0\0\0\0\0"); // OPT with a high code of 1, and so BADVERS
    }
    packet
}

#[test]
fn rdata_that_nobody_compares_may_be_any_bytes_in_any_section() {
    let asked = query("www.example.net.");
    let (answer, authority, additional) = (6, 8, 10);
    let naptr = b"\0\x01\0\x01\x01!\0\0\0";
    for (section, rtype, rdata, accepted) in [
        (answer, 65534, &b""[..], true), // BIND while it signs
        (answer, 35, naptr, true),
        (answer, 35, b"\xff", true),
        (answer, 65, b"\0\x01\x40", true), // HTTPS
        (answer, 46, b"", true),           // RRSIG
        (answer, 255, b"x", true),         // no type of a record at all
        (answer, 29, b"", true),
        (answer, 1, b"\xc0\0\x02", false), // A, of three bytes
        (answer, 16, b"", false),
        (answer, 5, b"\xff", false),
        (authority, 16, b"", true),
        (authority, 6, b"\xff", true),
        (additional, 1, b"\xc0\0\x02", true),
        (additional, 28, b"", true),
        (additional, 250, b"", true),
    ] {
        let packet = with_record(&asked, section, rtype, rdata);
        let got = accept_datagram(&asked, &packet);
        assert_eq!(got.is_ok(), accepted, "{section} {rtype} {rdata:?} {got:?}");
        let Ok(message) = got else {
            continue;
        };
        assert!(matches!(message.answers[0].data, RData::A(_)), "{message}");
        let high = u16::from(message.metadata.response_code) >> 4;
        assert_eq!((message.edns.is_some(), high), (section < 10, u16::from(section < 10)));
        let added = match section {
            6 => message.answers.last(),
            8 => message.authorities.last(),
            _ => message.additionals.last(),
        };
        assert_eq!(added.unwrap().record_type(), RecordType::from(rtype));
        assert_eq!(added.unwrap().name, asked.queries[0].name);
        // A record that ends too early is none, whatever its type.
        let short = accept_datagram(&asked, &packet[..packet.len() - 1]);
        assert!(short.is_err(), "{short:?}");
    }
}

#[test]
fn any_other_packet_is_rejected_with_the_reason() {
    let (other_question, other_kind) =
        ("an answer to another question", "an answer of another kind or class");
    type Bend = fn(&mut Message);
    let cases: [(Bend, &str); 9] = [
        (|m| m.metadata.id ^= 1, "an answer with another message ID"),
        (|m| m.metadata.message_type = MessageType::Query, "a question instead of an answer"),
        (|m| m.queries[0].name = name("example.net."), other_question),
        (|m| m.queries[0].query_type = RecordType::AAAA, other_question),
        (|m| m.queries[0].query_class = DNSClass::CH, other_question),
        (|m| m.queries.push(m.queries[0].clone()), other_question),
        (|m| m.queries.clear(), other_question),
        (|m| m.metadata.op_code = OpCode::Status, other_kind),
        (|m| m.answers[1].dns_class = DNSClass::CH, other_kind),
    ];
    for (bend, why) in cases {
        assert_eq!(bent(bend), Err(NotAnAnswer(why.to_owned())));
    }
}

#[test]
fn a_datagram_has_a_header_at_least_and_the_allowed_size_at_most() {
    let asked = query("www.example.net.");
    let right = bytes(&reply(&asked, 1));
    for length in 0..HEADER {
        let why = format!("a packet of {}, shorter than a DNS header", count(length, "byte"));
        assert_eq!(accept_datagram(&asked, &right[..length]), Err(NotAnAnswer(why)));
    }
    // Bytes after the message do not matter, but too many are too many.
    let mut padded = right;
    padded.resize(usize::from(UDP_PAYLOAD), 0);
    assert!(accept_datagram(&asked, &padded).is_ok());
    padded.push(0);
    let why = "a packet of more than the 1232 bytes that we allow";
    assert_eq!(accept_datagram(&asked, &padded), Err(NotAnAnswer(why.to_owned())));
    assert!(accept(&asked, &padded).is_ok(), "over TCP they are allowed");
}

#[test]
fn an_error_may_come_without_the_question() {
    let asked = query("www.example.net.");
    let mut refused = reply(&asked, 0);
    refused.queries.clear();
    refused.edns = None;
    refused.metadata.response_code = ResponseCode::Refused;
    assert_eq!(accept_datagram(&asked, &bytes(&refused)), Ok(refused.clone()));
    // Its ID is all that ties it to the query.
    refused.metadata.id ^= 1;
    assert!(accept_datagram(&asked, &bytes(&refused)).is_err());
}

#[test]
fn a_packet_truncated_anywhere_after_its_question_still_has_tc() {
    let asked = query("www.example.net.");
    let mut cut = reply(&asked, 3);
    cut.metadata.truncation = true;
    let cut = bytes(&cut);
    let end = question_end(&cut).unwrap();
    for length in HEADER..cut.len() {
        match accept_datagram(&asked, &cut[..length]) {
            Ok(message) => {
                assert!(length >= end && message.metadata.truncation);
                assert_eq!(message.queries, asked.queries);
            }
            Err(why) => {
                assert!(length < end);
                assert_eq!(why.0, "a truncated packet without a question");
            }
        }
    }
    let mut other = query("mail.example.net.");
    other.metadata.id = asked.metadata.id;
    let why = "an answer to another question";
    assert_eq!(accept_datagram(&other, &cut[..cut.len() - 3]), Err(NotAnAnswer(why.to_owned())));
    // Without TC nothing excuses a packet that ends too early.
    let whole = bytes(&reply(&asked, 3));
    let broken = accept_datagram(&asked, &whole[..whole.len() - 3]).unwrap_err();
    assert!(broken.0.starts_with("a packet that is not a DNS message"), "{broken:?}");
}

#[test]
fn the_question_ends_after_its_name_type_and_class() {
    let header = [0; HEADER];
    let end = |tail: &[u8]| question_end(&[&header, tail].concat());
    assert_eq!(end(b"\0\0\x01\0\x01"), Some(HEADER + 5)); // the root
    assert_eq!(end(b"\x03www\0\0\x01\0\x01and more"), Some(HEADER + 9));
    for short in [&b""[..], b"\0", b"\0\0\x01\0", b"\x03ww", b"\x03www", b"\x3f"] {
        assert_eq!(end(short), None, "{short:?}");
    }
    // A pointer, and lengths that are none, however much follows.
    for odd in [0x40, 0x80, 0xc0, 0xff] {
        assert_eq!(end(&[&[odd][..], &[0; 300]].concat()), None, "{odd}");
    }
}

/// Damage of the kinds that networks, middleboxes and forgers do.
fn spoil(rng: &mut Rng, packet: &mut Vec<u8>) {
    let at = rng.index(packet.len());
    match rng.below(5) {
        0 if !packet.is_empty() => packet[at] = rng.next().to_le_bytes()[0],
        1 if !packet.is_empty() => packet[at] ^= 1 << rng.below(8),
        // The header and the question decide most.
        2 if packet.len() > 40 => {
            let at = 2 + rng.index(38);
            packet[at] = rng.next().to_le_bytes()[0];
        }
        3 => packet.truncate(at),
        _ => packet.splice(at..at, rng.next().to_le_bytes()).for_each(drop),
    }
}

#[test]
fn random_packets_do_no_harm_and_only_answers_to_the_query_are_accepted() {
    let mut rng = Rng::new(53);
    let mut accepted = 0;
    for turn in 0_u32..100_000 {
        let of = [".", "a.", "www.example.net.", "Xn--nxasmq6b.Example."];
        let asked = query(of[rng.index(of.len())]);
        let mut right = reply(&asked, u8::try_from(rng.below(4)).unwrap());
        match rng.below(4) {
            0 => right.metadata.truncation = true,
            1 => {
                right.queries.clear();
                right.metadata.response_code = ResponseCode::FormErr;
            }
            _ => {}
        }
        let mut packet = match rng.below(16) {
            0 => (0..rng.below(1300)).map(|_| rng.next().to_le_bytes()[0]).collect(),
            _ => bytes(&right),
        };
        for _ in 0..rng.below(4) {
            spoil(&mut rng, &mut packet);
        }
        assert!(question_end(&packet).is_none_or(|end| end <= packet.len()));
        let Ok(message) = accept_datagram(&asked, &packet) else {
            continue;
        };
        accepted += 1;
        let error = message.metadata.response_code != ResponseCode::NoError;
        let bare = error && message.queries.is_empty() && message.answers.is_empty();
        assert!(bare || message.queries == asked.queries, "turn {turn}: {packet:02x?}");
        assert_eq!(message.metadata.id, asked.metadata.id, "turn {turn}");
        assert_eq!(message.metadata.message_type, MessageType::Response);
    }
    // Some were spoilt and some were not, or the test would show nothing.
    assert!((10_000..90_000).contains(&accepted), "{accepted}");
}
