//! What is looked at: a test for each row of the manual's table, of the row's name.

use super::behaviours::{DAY, TODAY, in_memory};
use super::*;
use crate::fakes::dns::script::Reply;
use hickory_resolver::proto::op::{Message, ResponseCode};
use pilotlight::config::{Environment, Schedule, TEXT_ONLY};
use pilotlight::decide::time::Moment;
use pilotlight::decide::track::health::Health;
use pilotlight::decide::track::state::MonitorState;

macro_rules! rows {
    ($($name:ident $body:block)*) => {
        $(#[tokio::test(start_paused = true)] async fn $name() $body)*

        const ROWS: &[&str] = &[$(stringify!($name)),*];
    };
}

#[test]
fn every_row_of_the_manual_has_a_test_of_its_name() {
    let manual = std::fs::read_to_string("src/decide/README.md").unwrap();
    let (_, table) = manual.split_once("| what is looked at |").unwrap();
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &str| line.split('|').nth(1).unwrap().trim().to_lowercase().replace(' ', "_");
    assert_eq!(lines.map(row).collect::<Vec<_>>(), ROWS);
}

/// What is said of servers that behave so, each alone.
async fn hold(table: &[(Behaviour, &str)]) {
    for (behaviour, verdict) in table {
        let said = in_memory(std::slice::from_ref(behaviour), WWW).await;
        assert_eq!(said, [*verdict], "{behaviour:?}");
    }
}

use Behaviour as B;

rows! {
    every_record_set_that_you_list {
        hold(&[
            (B::Good, "well"),
            (B::OtherCase, "well"),
            (B::WrongAddress, "down: wrong-records"),
            (B::ExtraAddress, "down: wrong-records"),
            (B::NotAuthoritative, "down: not-authoritative"),
            (B::OtherOwner, "down: other-owner"),
        ])
        .await;
    }

    the_soa_over_udp {
        hold(&[(B::Silent, "down: silent"), (B::Refused, "down: rcode-refused")])
            .await;
    }

    the_soa_over_tcp {
        hold(&[(B::NoTcp, "degraded: tcp-closed"), (B::TcpSilent, "degraded: tcp-silent")]).await;
    }

    a_truncated_answer {
        hold(&[
            (B::TruncatedEmpty, "well"),
            (B::TruncatedPartialNoTcp, "down: truncated-closed"),
        ])
        .await;
    }

    the_soa_serials_of_all_nameservers {
        assert_eq!(after(&[(0, B::Serial(8)), (3599, B::Serial(8))]).await, ["well", "well"]);
        assert_eq!(after(&[(0, B::Serial(8)), (3600, B::Serial(8))]).await, ["well", "serial-behind"]);
        assert_eq!(after(&[(0, B::Serial(8)), (3600, B::Good)]).await, ["well", "well"]);
        assert_eq!(after(&[(0, B::Good), (9, B::Serial(1)), (3609, B::Serial(1))]).await[0], "serial-went-back");
    }

    the_ns_set {
        hold(&[(B::OtherNs, "degraded: ns-set")]).await;
    }

    edns {
        hold(&[
            (B::NoEdnsFormerr, "degraded: edns-rcode-formerr"),
            (B::NoEdnsNotimp, "degraded: edns-rcode-notimp"),
            (B::NoEdnsSilent, "degraded: edns-silent"),
            (B::NoDoSilent, "degraded: do-silent"),
            (B::NoCookieFormerr, "degraded: edns-option"),
            (B::WantsCookie, "well"),
        ])
        .await;
    }

    a_name_outside_its_zones {
        hold(&[(B::OpenResolver, "degraded: open-recursion")]).await;
    }

    what_must_not_exist {
        for (more, verdict) in [
            ("", "well"),
            ("* 300 A 192.0.2.66", "down: unexpected-records"),
            ("* 300 CNAME www", "down: alias"),
            ("www 300 AAAA 2001:db8::66", "down: unexpected-records"),
            ("six 300 A 192.0.2.66", "down: unexpected-records"),
        ] {
            let zone = ZoneData::parse("example.net", &format!("{FILE}{more}"));
            assert_eq!(from_file(Nameserver::new([zone])).await, verdict, "{more}");
        }
        for (question, reply, verdict) in [
            ("_tcp.example.net. A", Some(ResponseCode::NXDomain), "down: rcode-nxdomain"),
            ("www.example.net. AAAA", Some(ResponseCode::NXDomain), "down: rcode-nxdomain"),
            ("www.example.net. AAAA", Some(ResponseCode::ServFail), "down: rcode-servfail"),
            ("six.example.net. A", None, "down: silent"),
            ("pilotlight0.example.net. A", Some(ResponseCode::NoError), "well"),
            ("pilotlight0.example.net. A", Some(ResponseCode::ServFail), "down: rcode-servfail"),
        ] {
            let server = Nameserver::behaving([], one_reply(question, reply));
            assert_eq!(from_file(server).await, verdict, "{question} {reply:?}");
        }
        let none = |rtype: &str| format!("{{ name = \"www\", type = {rtype:?}, values = [] }}");
        assert_eq!(in_memory(&[B::Good, B::NxDomain], &none("MX")).await[0], "well");
        assert_eq!(in_memory(&[B::Good], &none("A")).await, ["down: unexpected-records"]);
    }

    the_signatures {
        let until = |ends| B::Signed(TODAY - 30 * DAY, ends);
        hold(&[
            (until(TODAY + 3 * DAY), "well"),
            (until(TODAY + 3 * DAY - 1), "degraded: signature-ends"),
            (until(TODAY - 1), "down: signature-ended"),
            (B::Signed(TODAY + DAY, TODAY + 9 * DAY), "down: signature-ahead"),
            (B::Signed(TODAY - 3 * DAY, TODAY + DAY), "well"),
            (B::Signed(TODAY - 3 * DAY, TODAY + DAY - 4), "degraded: signature-ends"),
            (B::SignedAddresses(TODAY - 30 * DAY, TODAY + 3 * DAY), "well"),
            (B::SignedAddresses(TODAY - 30 * DAY, TODAY + 3 * DAY - 1), "degraded: signature-ends"),
            (B::SignedAddresses(TODAY - 30 * DAY, TODAY - 1), "down: signature-ended"),
        ])
        .await;
        let signs = || until(TODAY + 30 * DAY);
        assert_eq!(after(&[(0, signs()), (3600, signs())]).await, ["well", "unsigned"]);
    }

    time {
        let late = |millis| B::Late(Duration::from_millis(millis));
        hold(&[(late(990), "well"), (late(1_010), "degraded: slow")]).await;
    }
}

/// A zone file.
const FILE: &str = "
    @         300 SOA  ns1.example.net. hostmaster.example.net. 7 7200 3600 1209600 300
    @         300 NS   ns1.example.net.
    www       300 A    192.0.2.80
    six       300 AAAA 2001:db8::6
    _sip._tcp 300 SRV  0 5 5060 www.example.net.
";

/// What is said of a server that should have the zone of [`FILE`].
async fn from_file(server: Nameserver) -> String {
    let text = "[vantage]\nanchors = [\"127.0.0.1\"]\nintercept = []\n[[nameserver]]\nname = \
                \"ns1.example.net\"\naddresses = [\"127.0.0.2\"]\n[[zone]]\nname = \"example.net\"\nfile = \
                \"zone\"\n";
    let lines: Vec<_> = FILE.lines().map(str::trim).collect();
    let read = |_: &std::path::Path| Ok(lines.join("\n").into_bytes());
    let environment = Environment { read: &read, ..TEXT_ONLY };
    let config = Config::parse_in(environment, "test.toml", text).unwrap();
    let (net, _) = one(server);
    let (_, judgement) = look(&net, &config, product()).await;
    verdicts(&judgement).concat()
}

/// The zone of [`FILE`], but one question gets no records and this code, or no reply.
fn one_reply(question: &str, code: Option<ResponseCode>) -> Behaviour {
    let good = Nameserver::new([ZoneData::parse("example.net", FILE)]);
    let question = question.to_owned();
    Behaviour::custom(move |transport, packet| {
        let mut replies = good.replies(transport, packet);
        let mut message = Message::from_vec(&replies[0].bytes).unwrap();
        let asked = &message.queries[0];
        if format!("{} {}", asked.name, asked.query_type) == question {
            let Some(code) = code else { return Vec::new() };
            message.answers.clear();
            message.metadata.response_code = code;
            replies = vec![Reply::now(message.to_vec().unwrap())];
        }
        replies
    })
}

/// What is wrong with two nameservers after rounds at these seconds, before each of which the first one is
/// told how to behave. The second is good.
async fn after(rounds: &[(u64, Behaviour)]) -> [String; 2] {
    let net = MemNet::new();
    let (home, first, second) = (at("127.0.0.1:53"), at("127.0.0.2:53"), at("127.0.0.3:53"));
    let changing = Nameserver::new([zone()]);
    net.add(home, anchor());
    net.add(first, changing.clone());
    net.add(second, Nameserver::new([zone()]));
    let config = config(&[vec![first], vec![second]], WWW, &[home], &[]);
    let once = Schedule { open_after: 1, close_after: 1, ..config.schedule.clone() };
    let mut watch = MonitorState::new(&config);
    for (seconds, behaviour) in rounds {
        changing.set(behaviour.clone());
        let (_, judgement) = look(&net, &config, product()).await;
        let now = Moment { uptime: Duration::from_secs(*seconds), ..Moment::default() };
        (watch, _) = watch.after(&judgement, now, &once, "new");
    }
    let said = |index: usize| match &watch.subjects[index].health {
        Health::Failing(failing) => failing.incident.findings[0].fault.to_string(),
        health => health.state().word().to_owned(),
    };
    [said(0), said(1)]
}
