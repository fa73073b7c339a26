//! Every way in which a scripted nameserver can behave, and what must be said of it.

use super::*;
use crate::fakes::dns::socket::SocketServer;
use pilotlight::io::dns::socket::Net;

/// When every look is: 2026-01-01T00:00:00Z.
pub(super) const TODAY: u32 = 1_767_225_600;
pub(super) const DAY: u32 = 86_400;
const YESTERDAY: u32 = TODAY - DAY;

/// Makes a list of `(name, behaviour, verdict)` of lines `Behaviour => "verdict"`, and holds that every
/// behaviour there is has a line.
macro_rules! table {
    ($($behaviour:ident $(($($value:expr),*))? => $verdict:literal,)*) => {
        fn table() -> Vec<(&'static str, Behaviour, &'static str)> {
            #[expect(unreachable_patterns, reason = "some behaviours have two lines")]
            fn has_a_line(behaviour: &Behaviour) {
                match behaviour {
                    $(Behaviour::$behaviour { .. } => {})*
                    Behaviour::Custom { .. } => {}
                }
            }
            let table = vec![$((
                stringify!($behaviour $(($($value),*))?),
                Behaviour::$behaviour $(($($value),*))?,
                $verdict,
            )),*];
            table.iter().for_each(|(_, behaviour, _)| has_a_line(behaviour));
            table
        }
    };
}

// Faults over UDP come first; those over TCP only follow as "tcp-…".
table! {
    Good => "well",
    Silent => "down: silent",
    PortClosed => "down: closed",
    NotAuthoritative => "down: not-authoritative",
    WrongAddress => "down: wrong-records",
    ExtraAddress => "down: wrong-records",
    NoData => "down: no-records, ns-set",
    NxDomain => "down: rcode-nxdomain",
    Refused => "down: rcode-refused",
    ServFail => "down: rcode-servfail",
    ServFailWithAnswer => "down: rcode-servfail",
    TruncatedEmpty => "well",
    TruncatedPartialNoTcp => "down: truncated-closed",
    TruncatedMidRecord => "well",
    OtherOwner => "down: other-owner",
    OtherCase => "well",
    // Over UDP anybody can have sent the first one. On a connection it was the server.
    WrongId => "down: garbled",
    WrongIdThenRight => "degraded: tcp-garbled",
    WrongSource => "down: garbled",
    WrongSourceThenRight => "well",
    WrongQuestion => "down: garbled",
    WrongQuestionThenRight => "degraded: tcp-garbled",
    Garbage => "down: garbled",
    GarbageThenRight => "degraded: tcp-garbled",
    GarbageShort => "down: garbled",
    Oversized => "down: garbled",
    Echo => "down: garbled",
    NoTcp => "degraded: tcp-closed",
    TcpGarbage => "degraded: tcp-garbled",
    TcpSilent => "degraded: tcp-silent",
    TcpHalf => "degraded: tcp-garbled",
    // Queries without EDNS get the answer.
    NoEdnsFormerr => "degraded: edns-rcode-formerr",
    NoEdnsNotimp => "degraded: edns-rcode-notimp",
    NoEdnsSilent => "degraded: edns-silent",
    NoCookieSilent => "degraded: edns-option",
    NoCookieFormerr => "degraded: edns-option",
    WantsCookie => "well",
    NoDoSilent => "degraded: do-silent",
    OpenResolver => "degraded: open-recursion",
    OtherNs => "degraded: ns-set",
    Serial(1) => "well", // one round alone cannot tell who is behind
    Signed(YESTERDAY, TODAY + 30 * DAY) => "well",
    Signed(TODAY - 30 * DAY, TODAY + DAY) => "degraded: signature-ends",
    Signed(YESTERDAY, TODAY - 1) => "down: signature-ended",
    Signed(TODAY + DAY, TODAY + 30 * DAY) => "down: signature-ahead",
    SignedAddresses(YESTERDAY, TODAY + DAY) => "well",
    Late(Duration::from_millis(100)) => "well",
    Late(Duration::from_secs(60)) => "down: silent",
    DropFirst(2) => "well",
    DropFirst(3) => "down: silent",
    DropEvery(3) => "well",
    DropEvery(1) => "down: silent",
}

/// One nameserver for each behaviour, all asked in one round over loopback sockets.
async fn over_sockets(behaviours: &[Behaviour], records: &str) -> Vec<String> {
    let home = SocketServer::start([127, 0, 0, 1].into(), 0, anchor());
    let mut ports = Vec::new();
    for (number, behaviour) in (1..).zip(behaviours) {
        // Each has its own address, so that no other test takes its port while that is closed.
        let server = Nameserver::behaving([zone()], behaviour.clone());
        ports.push(SocketServer::start([127, 53, 1, number].into(), 0, server));
    }
    let servers: Vec<_> = ports.iter().map(|port| vec![port.addr()]).collect();
    let config = config(&servers, records, &[home.addr()], &[]);
    let (_, judgement) = look(&Net::default(), &config, hurried()).await;
    verdicts(&judgement)
}

/// The same, over a network in memory.
pub(super) async fn in_memory(behaviours: &[Behaviour], records: &str) -> Vec<String> {
    let net = MemNet::new();
    let home = at("127.0.0.1:53");
    net.add(home, anchor());
    let mut servers = Vec::new();
    for (number, behaviour) in (1..).zip(behaviours) {
        let address = SocketAddr::new([127, 53, 2, number].into(), 53);
        net.add(address, Nameserver::behaving([zone()], behaviour.clone()));
        servers.push(vec![address]);
    }
    let config = config(&servers, records, &[home], &[]);
    let (_, judgement) = look(&net, &config, product()).await;
    verdicts(&judgement)
}

/// Compares what was said of the table's behaviours with it, `but` for one row; rows that differ are shown.
#[track_caller]
fn hold_the_table(found: &[String], but: Option<(&str, &str)>) {
    let table = table();
    assert_eq!(found.len(), table.len());
    let mut differences = String::new();
    for ((name, _, expected), found) in table.iter().zip(found) {
        let expected = but.filter(|(row, _)| row == name).map_or(*expected, |(_, other)| other);
        if found != expected {
            writeln!(differences, "{name}: {found}, and not {expected}").unwrap();
        }
    }
    assert_eq!(differences, "");
}

fn all() -> Vec<Behaviour> {
    table().into_iter().map(|(_, behaviour, _)| behaviour).collect()
}

#[tokio::test(start_paused = true)]
async fn every_behaviour_gets_its_verdict_in_memory() {
    hold_the_table(&in_memory(&all(), WWW).await, None);
}

#[tokio::test]
async fn every_behaviour_gets_its_verdict_over_loopback_sockets() {
    // The kernel drops what comes to a connected socket from elsewhere: we never hear of it.
    let but = ("WrongSource", "down: silent");
    hold_the_table(&over_sockets(&all(), WWW).await, Some(but));
}

#[tokio::test(start_paused = true)]
async fn a_cname_is_right_only_where_the_configuration_expects_it() {
    let alias = r#"{ name = "alias", type = "CNAME", values = ["www"] }"#;
    // The server follows the alias, so the expected addresses are in the answer as well.
    let address = r#"{ name = "alias", type = "A", values = ["192.0.2.80", "192.0.2.81"] }"#;
    let elsewhere = r#"{ name = "alias", type = "CNAME", values = ["mail"] }"#;
    for (records, verdict) in
        [(alias, "well"), (address, "down: alias"), (elsewhere, "down: wrong-records")]
    {
        assert_eq!(in_memory(&[Behaviour::Good], records).await, [verdict]);
    }
}

#[tokio::test]
async fn ipv6_sockets_are_like_the_others() {
    let here = std::net::Ipv6Addr::LOCALHOST;
    if std::net::UdpSocket::bind((here, 0)).is_err() {
        return eprintln!("not tested: this machine has no ::1");
    }
    let open = |server| SocketServer::start(here.into(), 0, server);
    let (home, good) = (open(anchor()), open(Nameserver::new([zone()])));
    let closed = open(Nameserver::new([zone()]));
    closed.stop();
    let servers = [vec![good.addr()], vec![closed.addr()]];
    let config = config(&servers, WWW, &[home.addr()], &[]);
    let (_, judgement) = look(&Net::default(), &config, hurried()).await;
    assert_eq!(verdicts(&judgement), ["well", "down: closed"]);
}
