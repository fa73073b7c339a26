//! Answers that the list of behaviours does not have: messages bent by hand, and connections that end.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{SOA, TXT};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record};

use super::*;
use crate::peers::dns::script::Reply;
use crate::peers::dns::socket::SocketServer;
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
    let net = MemNet::new();
    let (home, address) = (at("127.0.0.1:53"), at("127.0.0.2:53"));
    net.add(home, anchor());
    net.add(address, Nameserver::behaving([], Behaviour::custom(script)));
    let config = config(&[vec![address]], WWW, &[home], &[]);
    let (_, judgement) = look(&net, &config, product()).await;
    verdicts(&judgement).concat()
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_as_resolvers_ask_and_only_the_one_about_recursion_asks_for_it() {
    let asked: Arc<Mutex<Vec<Message>>> = Arc::default();
    let (heard, good) = (Arc::clone(&asked), Nameserver::new([zone()]));
    let script = move |transport, packet: &[u8]| {
        heard.lock().unwrap().push(Message::from_vec(packet).unwrap());
        good.replies(transport, packet)
    };
    let net = MemNet::new();
    let (home, address) = (at("127.0.0.1:53"), at("127.0.0.2:53"));
    net.add(home, anchor());
    net.add(address, Nameserver::behaving([], Behaviour::custom(script)));
    let config = config(&[vec![address]], WWW, &[home], &[]);
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
    // Signatures are asked for once a zone, for they take room.
    let signed = asked.iter().filter(|m| m.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok));
    assert_eq!(signed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_bent_is_well() {
    assert_eq!(bent(|_, _| {}).await, "well");
}

#[tokio::test(start_paused = true)]
async fn an_error_may_come_without_the_question_and_an_answer_may_not() {
    let refused = bent(|_, message| {
        message.queries.clear();
        message.answers.clear();
        message.metadata.response_code = ResponseCode::Refused;
    });
    assert_eq!(refused.await, "down: rcode-refused, tcp-rcode-refused");
    let nothing = bent(|_, message| message.queries.clear());
    assert_eq!(nothing.await, "down: garbled, tcp-garbled");
}

#[tokio::test(start_paused = true)]
async fn the_question_may_come_back_in_other_letter_case() {
    let upper = bent(|_, message| {
        let name = message.queries[0].name.to_ascii().to_uppercase();
        message.queries[0].name = Name::from_ascii(name).unwrap();
    });
    assert_eq!(upper.await, "well");
}

#[tokio::test(start_paused = true)]
async fn an_rcode_that_needs_edns_is_read_whole() {
    let badvers = bent(|_, message| {
        message.answers.clear();
        message.metadata.response_code = ResponseCode::BADVERS;
    });
    assert_eq!(badvers.await, "down: rcode-badvers, tcp-rcode-badvers");
}

#[tokio::test(start_paused = true)]
async fn a_record_without_data_is_no_record() {
    fn hollow(message: &mut Message) {
        for record in &mut message.answers {
            record.data = RData::Update0(record.record_type());
        }
    }
    assert_eq!(bent(|_, m| hollow(m)).await, "down: garbled, tcp-garbled");
    // In an update they are allowed.
    let update = bent(|_, message| {
        hollow(message);
        message.metadata.op_code = OpCode::Update;
    });
    assert_eq!(update.await, "down: garbled, tcp-garbled");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_another_class_is_not_ours() {
    let chaos = bent(|_, message| {
        let records = message.answers.iter_mut();
        records.for_each(|record| record.dns_class = DNSClass::CH);
    });
    assert_eq!(chaos.await, "down: garbled, tcp-garbled");
}

#[tokio::test(start_paused = true)]
async fn records_of_other_types_beside_the_answer_do_not_matter() {
    let chatty = bent(|_, message| {
        let data = RData::TXT(TXT::new(vec!["by the way".to_owned()]));
        let name = message.queries[0].name.clone();
        message.answers.insert(0, Record::from_rdata(name, 1, data));
    });
    assert_eq!(chatty.await, "well");
}

#[tokio::test(start_paused = true)]
async fn two_soa_records_are_one_too_many() {
    let twice = bent(|_, message| {
        let soa = message.answers.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some((record.name.clone(), soa.clone())),
            _ => None,
        });
        if let Some((name, soa)) = soa {
            let other = SOA::new(
                soa.mname.clone(),
                soa.rname.clone(),
                soa.serial + 1,
                soa.refresh,
                soa.retry,
                soa.expire,
                soa.minimum,
            );
            let second = Record::from_rdata(name, 300, RData::SOA(other));
            message.answers.push(second);
        }
    });
    assert_eq!(twice.await, "down: many-soa, tcp-many-soa");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_truncated_over_tcp() {
    let cut = bent(|transport, message| {
        message.metadata.truncation = transport == Transport::Tcp;
    });
    assert_eq!(cut.await, "degraded: tcp-garbled");
}

#[tokio::test(start_paused = true)]
async fn after_a_truncated_answer_the_one_over_tcp_is_judged() {
    let lame = bent(|transport, message| {
        message.metadata.truncation = transport == Transport::Udp;
        message.metadata.authoritative = transport == Transport::Udp;
    });
    let verdict = "down: truncated-not-authoritative, tcp-not-authoritative";
    assert_eq!(lame.await, verdict);
    // What the cut answer itself held does not matter.
    let stray = bent(|transport, message| {
        if transport == Transport::Udp {
            message.metadata.truncation = true;
            message.metadata.authoritative = false;
            message.metadata.response_code = ResponseCode::ServFail;
        }
    });
    assert_eq!(stray.await, "well");
}

#[tokio::test(start_paused = true)]
async fn ttls_do_not_matter() {
    let aged = bent(|_, message| {
        for (ttl, record) in (0..).zip(&mut message.answers) {
            record.ttl = ttl;
        }
    });
    assert_eq!(aged.await, "well");
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
    let net = MemNet::new();
    let (home, address) = (at("127.0.0.1:53"), at("127.0.0.2:53"));
    net.add(home, anchor());
    net.add(address, Nameserver::behaving([], Behaviour::custom(script)));
    let config = config(&[vec![address]], WWW, &[home], &[]);
    let begin = Instant::now();
    let (_, judgement) = look(&net, &config, product()).await;
    let took = Instant::now() - begin;
    // Two questions after each other, each given up after 7.5 s.
    assert!(took < Duration::from_millis(15_200), "{took:?}");
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
async fn a_connection_that_ends_is_an_answer_that_is_none_however_it_ends() {
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
