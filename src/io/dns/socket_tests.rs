//! Which datagrams are let through as an answer: by hand, and a hundred thousand at random.

use hickory_resolver::proto::op::{Edns, Query, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// A question as `io::dns` sends it.
fn question(of: &str) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(name(of), RecordType::A));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    message
}

/// The right answer to it, with so many records.
fn reply(question: &Message, records: u8) -> Message {
    let mut message = question.clone().into_response();
    message.metadata.authoritative = true;
    for n in 0..records {
        let data = RData::A(std::net::Ipv4Addr::new(192, 0, 2, n).into());
        message.add_answer(Record::from_rdata(question.queries[0].name.clone(), 300, data));
    }
    message
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

/// What is made of the answer to `www.example.net A` after `bend`.
fn heard(bend: impl FnOnce(&mut Message)) -> Result<Vec<u8>, String> {
    let asked = question("www.example.net.");
    let mut message = reply(&asked, 2);
    bend(&mut message);
    answer(&bytes(&asked), &bytes(&message))
}

#[test]
fn an_answer_to_the_question_goes_through_as_it_is() {
    for of in [".", "net.", "www.example.net.", "WWW.Example.NET."] {
        let asked = question(of);
        let right = bytes(&reply(&asked, 3));
        assert_eq!(answer(&bytes(&asked), &right), Ok(right));
    }
    // Right or wrong is for others to say, and so is the letter case of the question.
    assert!(heard(|m| m.metadata.authoritative = false).is_ok());
    assert!(heard(|m| m.metadata.response_code = ResponseCode::ServFail).is_ok());
    assert!(heard(|m| m.answers.clear()).is_ok());
    assert!(heard(|m| m.queries[0].name = name("WwW.eXample.net.")).is_ok());
}

#[test]
fn what_is_not_an_answer_to_the_question_is_held_back_with_the_reason() {
    let other_question = "an answer to another question";
    type Bend = fn(&mut Message);
    let cases: [(Bend, &str); 7] = [
        (|m| m.metadata.id ^= 1, "an answer with another message ID"),
        (|m| m.metadata.message_type = MessageType::Query, "a question instead of an answer"),
        (|m| m.queries[0].name = name("example.net."), other_question),
        (|m| m.queries[0].query_type = RecordType::AAAA, other_question),
        (|m| m.queries[0].query_class = DNSClass::CH, other_question),
        (|m| m.queries.push(m.queries[0].clone()), other_question),
        (|m| m.queries.clear(), other_question),
    ];
    for (bend, why) in cases {
        assert_eq!(heard(bend), Err(why.to_owned()));
    }
}

#[test]
fn a_packet_is_as_long_as_a_header_at_least_and_as_we_allow_at_most() {
    let asked = bytes(&question("www.example.net."));
    let right = bytes(&reply(&question("www.example.net."), 1));
    for length in 0..HEADER {
        let why = format!("a packet of {length} bytes, shorter than a DNS header");
        assert_eq!(answer(&asked, &right[..length]), Err(why));
    }
    // What follows the message is nobody's business, but too much is too much.
    let mut padded = asked.clone();
    padded[2] |= 0x80;
    padded.resize(usize::from(UDP_PAYLOAD), 0);
    assert!(answer(&asked, &padded).is_ok());
    padded.push(0);
    let why = "a packet of more than the 1232 bytes that we allow";
    assert_eq!(answer(&asked, &padded), Err(why.to_owned()));
}

#[test]
fn an_error_without_the_question_gets_it_back() {
    let asked = question("www.example.net.");
    let mut refused = reply(&asked, 0);
    refused.queries.clear();
    refused.edns = None;
    refused.metadata.response_code = ResponseCode::Refused;
    let whole = answer(&bytes(&asked), &bytes(&refused)).unwrap();
    let whole = Message::from_vec(&whole).unwrap();
    assert_eq!(whole.queries, asked.queries);
    assert_eq!(whole.metadata, refused.metadata);
    // Its ID is all that ties it to us.
    refused.metadata.id ^= 1;
    assert!(answer(&bytes(&asked), &bytes(&refused)).is_err());
}

#[test]
fn a_packet_that_was_cut_anywhere_after_its_question_still_says_that_it_was_cut() {
    let asked = question("www.example.net.");
    let mut cut = reply(&asked, 3);
    cut.metadata.truncation = true;
    let cut = bytes(&cut);
    let end = question_end(&cut).unwrap();
    for length in HEADER..cut.len() {
        match answer(&bytes(&asked), &cut[..length]) {
            Ok(whole) => {
                let whole = Message::from_vec(&whole).unwrap();
                assert!(length >= end && whole.metadata.truncation);
                assert_eq!(whole.queries, asked.queries);
            }
            Err(why) => {
                assert!(length < end);
                assert_eq!(why, "a truncated packet without a question");
            }
        }
    }
    let other = bytes(&question("mail.example.net."));
    let mut other_id = cut[..cut.len() - 3].to_vec();
    other_id[..2].copy_from_slice(&other[..2]);
    let why = "a truncated answer to another question";
    assert_eq!(answer(&other, &other_id), Err(why.to_owned()));
    // Without TC nothing excuses a packet that ends too early.
    let whole = bytes(&reply(&asked, 3));
    let broken = answer(&bytes(&asked), &whole[..whole.len() - 3]).unwrap_err();
    assert!(broken.starts_with("a packet that is not a DNS message"), "{broken}");
}

#[test]
fn the_question_ends_after_its_name_type_and_class() {
    let header = [0; HEADER];
    let end = |tail: &[u8]| question_end(&[&header, tail].concat());
    assert_eq!(end(b"\0\0\x01\0\x01"), Some(HEADER + 5)); // the root
    assert_eq!(end(b"\x03www\0\0\x01\0\x01"), Some(HEADER + 9));
    assert_eq!(end(b"\x03www\0\0\x01\0\x01and more"), Some(HEADER + 9));
    for short in [&b""[..], b"\0", b"\0\0\x01\0", b"\x03ww", b"\x03www", b"\x3f"] {
        assert_eq!(end(short), None, "{short:?}");
    }
    // A name that points elsewhere, and lengths that are none, however much follows.
    for odd in [0x40, 0x80, 0xc0, 0xff] {
        assert_eq!(end(&[&[odd][..], &[0; 300]].concat()), None, "{odd}");
    }
    assert_eq!(question_end(&[]), None);
}

/// SplitMix64: the same noise in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    /// Damage of the kinds that networks, middleboxes and forgers do.
    fn spoil(&mut self, packet: &mut Vec<u8>) {
        let at = self.below(packet.len());
        match self.below(5) {
            0 if !packet.is_empty() => packet[at] = self.next().to_le_bytes()[0],
            1 if !packet.is_empty() => packet[at] ^= 1 << self.below(8),
            // The header and the question decide most.
            2 if packet.len() > 40 => {
                let at = 2 + self.below(38);
                packet[at] = self.next().to_le_bytes()[0];
            }
            3 => packet.truncate(at),
            _ => packet.splice(at..at, self.next().to_le_bytes()).for_each(drop),
        }
    }
}

#[test]
fn whatever_comes_nothing_breaks_and_only_answers_to_our_question_go_through() {
    let mut noise = Noise(53);
    let mut through = 0;
    for turn in 0_u32..100_000 {
        let of = [".", "a.", "www.example.net.", "Xn--nxasmq6b.Example."];
        let asked = question(of[noise.below(of.len())]);
        let mut right = reply(&asked, u8::try_from(noise.below(4)).unwrap());
        match noise.below(4) {
            0 => right.metadata.truncation = true,
            1 => {
                right.queries.clear();
                right.metadata.response_code = ResponseCode::FormErr;
            }
            _ => {}
        }
        let mut packet = match noise.below(16) {
            0 => (0..noise.below(1300)).map(|_| noise.next().to_le_bytes()[0]).collect(),
            _ => bytes(&right),
        };
        for _ in 0..noise.below(4) {
            noise.spoil(&mut packet);
        }
        assert!(question_end(&packet).is_none_or(|end| end <= packet.len()));
        let Ok(whole) = answer(&bytes(&asked), &packet) else {
            continue;
        };
        through += 1;
        let seen = Message::from_vec(&whole)
            .unwrap_or_else(|error| panic!("turn {turn}: {error}: {packet:02x?}"));
        assert_eq!(seen.queries, asked.queries, "turn {turn}: {packet:02x?}");
        assert_eq!(seen.metadata.id, asked.metadata.id, "turn {turn}");
        assert_eq!(seen.metadata.message_type, MessageType::Response);
    }
    // Some were spoilt and some were not, or the test would show nothing.
    assert!((10_000..90_000).contains(&through), "{through}");
}
