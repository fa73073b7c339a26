//! Answers that the list of behaviours does not have: messages bent by hand, and connections that end.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record};

use super::*;
use crate::fakes::dns::script::Reply;
use crate::fakes::dns::socket::SocketServer;
use pilotlight::decide::judge::round::Judgement;
use pilotlight::io::dns::socket::Net;

/// What is said of a server that answers well, its messages bent before they go out.
async fn bent(bend: impl Fn(Transport, &mut Message) + Send + Sync + 'static) -> String {
    let good = Nameserver::new([zone()]);
    let script = move |transport, packet: &[u8]| {
        let bend = |reply: Reply| {
            let mut message = Message::from_vec(&reply.bytes).unwrap();
            bend(transport, &mut message);
            Reply::now(message.to_vec().unwrap())
        };
        let replies = good.replies(transport, packet);
        replies.into_iter().map(bend).collect()
    };
    let (net, config) = one(Nameserver::behaving([], Behaviour::custom(script)));
    let (_, judgement) = look(&net, &config, product()).await;
    verdicts(&judgement).concat()
}

#[tokio::test(start_paused = true)]
async fn queries_have_rd_0_except_the_one_about_recursion() {
    let asked: Arc<Mutex<Vec<Message>>> = Arc::default();
    let (heard, good) = (Arc::clone(&asked), Nameserver::new([zone()]));
    let script = move |transport, packet: &[u8]| {
        heard.lock().unwrap().push(Message::from_vec(packet).unwrap());
        good.replies(transport, packet)
    };
    let (net, config) = one(Nameserver::behaving([], Behaviour::custom(script)));
    look(&net, &config, product()).await;
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= 5, "SOA, NS, www and recursion over UDP, SOA over TCP");
    for message in asked.iter() {
        let outside = message.queries[0].name.is_root();
        assert_eq!(message.metadata.recursion_desired, outside);
        let edns = message.edns.as_ref().unwrap();
        assert_eq!((edns.max_payload(), edns.version()), (1232, 0));
        assert_eq!(message.queries.len(), 1);
        assert_eq!(message.queries[0].query_class, DNSClass::IN);
    }
    // Of the SOA in each round, of the other record sets once an hour.
    let signed = asked.iter().filter(|m| m.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok));
    assert_eq!(signed.count(), 3);
}

fn error(message: &mut Message, code: ResponseCode) {
    message.answers.clear();
    message.metadata.response_code = code;
}

fn hollow(_: Transport, message: &mut Message) {
    for record in &mut message.answers {
        record.data = RData::Update0(record.record_type());
    }
}

fn shout(_: Transport, message: &mut Message) {
    let name = message.queries[0].name.to_ascii().to_uppercase();
    message.queries[0].name = Name::from_ascii(name).unwrap();
}

fn chatter(_: Transport, message: &mut Message) {
    let data = RData::TXT(TXT::new(vec!["by the way".to_owned()]));
    let name = message.queries[0].name.clone();
    message.answers.insert(0, Record::from_rdata(name, 1, data));
}

fn second_soa(_: Transport, message: &mut Message) {
    let mut soa = message.answers.iter().find(|r| matches!(r.data, RData::SOA(_))).cloned();
    if let Some(RData::SOA(soa)) = soa.as_mut().map(|record| &mut record.data) {
        soa.serial += 1;
    }
    message.answers.extend(soa);
}

type Bend = fn(Transport, &mut Message);

/// What is bent, how, and the verdict.
const BENT: [(&str, Bend, &str); 14] = [
    ("nothing", |_, _| {}, "well"),
    (
        "an error without the question",
        |_, m| {
            error(m, ResponseCode::Refused);
            m.queries.clear();
        },
        "down: rcode-refused",
    ),
    ("an answer without it", |_, m| m.queries.clear(), "down: garbled"),
    ("the question in other letter case", shout, "well"),
    ("a code that needs EDNS", |_, m| error(m, ResponseCode::BADVERS), "down: rcode-badvers"),
    ("records without data", hollow, "down: garbled"),
    (
        "records without data in an update, which may have them",
        |transport, m| {
            hollow(transport, m);
            m.metadata.op_code = OpCode::Update;
        },
        "down: garbled",
    ),
    (
        "another class",
        |_, m| m.answers.iter_mut().for_each(|record| record.dns_class = DNSClass::CH),
        "down: garbled",
    ),
    ("records of other types beside the answer", chatter, "well"),
    ("two SOA records", second_soa, "down: many-soa"),
    (
        "TC over TCP",
        |transport, m| m.metadata.truncation = transport == Transport::Tcp,
        "degraded: tcp-garbled",
    ),
    (
        "TC, and an answer over TCP that is not authoritative",
        |transport, m| {
            m.metadata.truncation = transport == Transport::Udp;
            m.metadata.authoritative = transport == Transport::Udp;
        },
        "down: truncated-not-authoritative",
    ),
    (
        "TC, and something that does not matter then",
        |transport, m| {
            if transport == Transport::Udp {
                m.metadata.truncation = true;
                m.metadata.authoritative = false;
                m.metadata.response_code = ResponseCode::ServFail;
            }
        },
        "well",
    ),
    ("TTLs", |_, m| (0..).zip(&mut m.answers).for_each(|(ttl, record)| record.ttl = ttl), "well"),
];

#[tokio::test(start_paused = true)]
async fn an_altered_message_gets_its_verdict() {
    for (what, bend, verdict) in BENT {
        assert_eq!(bent(bend).await, verdict, "{what}");
    }
}

/// What is said of a server before whose answers, over UDP, come so many of these, one every millisecond.
async fn flooded(count: u32, forged: fn(&[u8]) -> Vec<u8>) -> String {
    let good = Nameserver::new([zone()]);
    let script = move |transport, packet: &[u8]| {
        let mut replies = good.replies(transport, packet);
        if transport == Transport::Udp {
            let forgery = |n: u32| Reply {
                delay: Duration::from_millis(n.into()),
                ..Reply::now(forged(packet))
            };
            replies[0].delay = Duration::from_millis(count.into());
            replies.splice(0..0, (0..count).map(forgery));
        }
        replies
    };
    let (net, config) = one(Nameserver::behaving([], Behaviour::custom(script)));
    let (_, judgement, took) = timed(&net, &config, product()).await;
    // Two questions after each other, each given up after 8.5 s.
    assert!(took < Duration::from_millis(17_200), "{took:?}");
    verdicts(&judgement).concat()
}

#[tokio::test(start_paused = true)]
async fn an_answer_behind_a_flood_of_forgeries_is_found_and_a_flood_alone_ends_with_the_timeout() {
    for forged in [
        |packet: &[u8]| vec![!packet[0], packet[1], 0x84],
        |packet: &[u8]| packet.to_vec(),
        |packet: &[u8]| [&packet[..2], &[0xff; 60]].concat(),
    ] {
        assert_eq!(flooded(900, forged).await, "well");
        assert_eq!(flooded(5_000, forged).await, "down: garbled");
    }
}

/// A server that is well over UDP, and whose three connections end as `end` ends them.
async fn hanging_up(end: fn(TcpStream)) -> (String, Judgement) {
    let server = Nameserver::behaving([zone()], Behaviour::NoTcp);
    let server = SocketServer::start([127, 53, 4, 1].into(), 0, server);
    let home = SocketServer::start([127, 0, 0, 1].into(), 0, anchor());
    let listener = TcpListener::bind(server.addr()).unwrap();
    // Not waited for: should there be fewer connections, then the verdict says so.
    thread::spawn(move || listener.incoming().take(3).flatten().for_each(end));
    let config = config(&[vec![server.addr()]], WWW, &[home.addr()], &[]);
    let (_, judgement) = look(&Net::default(), &config, hurried()).await;
    (verdicts(&judgement).concat(), judgement)
}

#[tokio::test]
async fn a_connection_that_ends_early_is_a_fault_however_it_ends() {
    let ends: [fn(TcpStream); 2] = [
        // At once: before the question, or while it is on its way.
        drop,
        // With a reset: bytes that were sent are left unread.
        |mut stream| {
            let _ = stream.read(&mut [0]);
        },
    ];
    for end in ends {
        let (verdict, judgement) = hanging_up(end).await;
        assert_eq!(verdict, "degraded: tcp-garbled");
        assert_eq!(
            judgement.verdicts[0].1.findings[0].detail,
            "answers over UDP, but over TCP it sends something that is not an answer: a connection \
             that ends without an answer"
        );
    }
}
