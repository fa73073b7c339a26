//! What a round costs: packets to servers that do not answer, and time for all others.

use std::io;
use std::pin::Pin;

use hickory_resolver::net::runtime::TokioHandle;

use super::*;
use pilotlight::decide::judge::fault_code::{FaultCode, FaultKind};
use pilotlight::decide::judge::finding::Finding;
use pilotlight::decide::judge::uplink::Family;
use pilotlight::decide::probe::round::{Edns, Observed, Outcome};

use crate::fakes::dns::script::Reply;

const HOME: &str = "127.0.0.1:53";
const FIRST: &str = "127.0.0.2:53";
const SECOND: &str = "127.0.0.3:53";

/// A network with an anchor, and two nameservers for that many records of which the second is well.
fn two(first: &Nameserver, records: usize) -> (MemNet, Config) {
    let net = MemNet::new();
    net.add(at(HOME), anchor());
    net.add(at(FIRST), first.clone());
    net.add(at(SECOND), Nameserver::new([many_zone(records)]));
    let servers = [vec![at(FIRST)], vec![at(SECOND)]];
    let config = config(&servers, &many_records(records), &[at(HOME)], &[]);
    (net, config)
}

fn attempts(observed: &Observed) -> Vec<u8> {
    observed.observations.iter().map(|o| o.attempts).collect()
}

/// Three times two seconds, pauses of half a second and of one, and a second for an answer that is late.
const GIVES_UP: Duration = Duration::from_millis(8_500);

#[tokio::test(start_paused = true)]
async fn a_dead_address_gets_three_packets_whatever_the_number_of_queries() {
    let dead = Nameserver::behaving([], Behaviour::Silent);
    let (net, config) = two(&dead, 500);
    let (round, judgement, took) = timed(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement), ["down: silent", "well"]);
    assert_eq!(dead.count(), 3);
    let attempts = attempts(&round.observed[0]);
    assert_eq!(attempts[0], 3);
    assert!(attempts.len() > 500 && attempts[1..].iter().all(|count| *count == 0));
    // They share the fault nevertheless.
    let rows = &judgement.verdicts[0].1.findings;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].more, attempts.len() - 11, "all but the hourly ones");
    // The rate limit makes the live one take ten seconds; it does not wait for the dead one.
    assert!(took < Duration::from_millis(10_300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_closed_or_missing_server_ends_its_queries_within_seconds() {
    for (behaviour, verdict) in [
        (Some(Behaviour::Silent), "down: silent"),
        (Some(Behaviour::PortClosed), "down: closed"),
        (None, "down: silent"),
    ] {
        let first = Nameserver::behaving([zone()], behaviour.clone().unwrap_or(Behaviour::Good));
        let (net, config) = two(&first, 0);
        if behaviour.is_none() {
            net.remove(at(FIRST));
        }
        let (round, judgement, took) = timed(&net, &config, product()).await;
        assert_eq!(verdicts(&judgement), [verdict, "well"]);
        assert_eq!(attempts(&round.observed[0]), [3, 0, 0, 0, 0]);
        assert_eq!(attempts(&round.observed[1]), [1, 1, 1, 1, 1]);
        assert!(took < GIVES_UP + Duration::from_millis(100), "{verdict}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_silent_to_edns_costs_no_more_time_than_a_dead_one() {
    let old = Nameserver::behaving([many_zone(50)], Behaviour::NoEdnsSilent);
    let (net, config) = two(&old, 50);
    let (round, judgement, took) = timed(&net, &config, ProbeLimits::at_rate(0)).await;
    assert_eq!(verdicts(&judgement), ["degraded: edns-silent", "well"]);
    assert_eq!(judgement.verdicts[0].1.findings[0].more, 0);
    let attempts = attempts(&round.observed[0]);
    // Twice with it, once without, and once more with it, to be sure; and once without DO.
    assert_eq!(attempts[0], 4);
    assert!(attempts[1..attempts.len() - 1].iter().all(|count| *count == 1), "{attempts:?}");
    assert!(took < GIVES_UP + Duration::from_millis(100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_rejects_edns_gets_one_more_query() {
    let old = Nameserver::behaving([many_zone(50)], Behaviour::NoEdnsFormerr);
    let (net, config) = two(&old, 50);
    let (round, judgement, took) = timed(&net, &config, ProbeLimits::at_rate(0)).await;
    assert_eq!(verdicts(&judgement), ["degraded: edns-rcode-formerr", "well"]);
    let attempts = attempts(&round.observed[0]);
    assert_eq!(attempts[0], 2);
    assert!(attempts[1..attempts.len() - 1].iter().all(|count| *count == 1), "{attempts:?}");
    assert!(took < Duration::from_millis(100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn two_lost_packets_are_no_edns_fault() {
    let (net, config) = two(&Nameserver::behaving([zone()], Behaviour::DropFirst(2)), 0);
    let (round, judgement) = look(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement)[0], "well");
    // The third went without EDNS and was answered, and so was the one with it.
    assert_eq!(round.observed[0].observations[0].attempts, 4);
    assert_eq!(round.observed[0].observations[0].edns, Edns::With);
}

/// Answers so many packets and no more.
fn dying_after(packets: usize, zone: ZoneData) -> Nameserver {
    let good = Nameserver::new([zone]);
    Nameserver::behaving(
        [],
        Behaviour::custom(move |transport, packet| {
            let replies = good.replies(transport, packet);
            match good.count() <= packets {
                true => replies,
                false => Vec::new(),
            }
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_during_a_round_is_down_and_the_round_ends() {
    let (net, config) = two(&dying_after(100, many_zone(500)), 500);
    let (round, judgement, took) = timed(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement), ["down: silent, tcp-silent", "well"]);
    assert_eq!(attempts(&round.observed[0])[0], 1);
    // Fifty packets a second, three for each question that was not answered, and four of them again, slowly.
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_round_ends_at_its_deadline_and_unsent_queries_are_unknown() {
    let limits = ProbeLimits { deadline: Duration::from_secs(5), ..ProbeLimits::at_rate(0) };
    let (net, config) = two(&dying_after(1, zone()), 0);
    let longest = limits.longest_round(&targets(&config));
    let (round, judgement, took) = timed(&net, &config, limits).await;
    assert_eq!(verdicts(&judgement), ["unknown", "well"]);
    assert!(matches!(round.observed[0].observations[1].outcome, Outcome::Local(_)));
    assert!(took < Duration::from_millis(5_100), "{took:?}");
    assert!(took <= longest);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_never_answers_ends_with_the_timeout() {
    let mute = Nameserver::behaving([zone()], Behaviour::TcpSilent);
    let (net, config) = two(&mute, 0);
    let (_, judgement, took) = timed(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement), ["degraded: tcp-silent", "well"]);
    assert!(took < GIVES_UP + Duration::from_millis(100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn connecting_and_querying_share_one_timeout() {
    let (net, config) = two(&Nameserver::new([zone()]), 0);
    // A way there and back takes 1.8 s: within the timeout for one packet, not for two ways.
    net.latency(Duration::from_millis(900));
    let (_, judgement, took) = timed(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement), ["degraded: tcp-silent"; 2]);
    // One packet there and back, the connections, and the anchor again.
    let bound = GIVES_UP + 2 * Duration::from_millis(1_800);
    assert!(took < bound + Duration::from_millis(200), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_until_the_timeout_and_not_after_it() {
    for (late, verdict) in [(1_990, "well"), (2_010, "down: silent")] {
        let late = Behaviour::Late(Duration::from_millis(late));
        let (net, config) = two(&Nameserver::behaving([zone()], late), 0);
        // A connection takes another way there and back, so only what UDP says is looked at.
        let (_, judgement) = look(&net, &config, product()).await;
        let rows = &judgement.verdicts[0].1.findings;
        let over_udp = |row: &&Finding| {
            !matches!(row.fault, FaultCode::Tcp(_)) && row.fault != FaultKind::Slow
        };
        let udp = rows.iter().find(over_udp);
        let said = udp.map_or("well".to_owned(), |row| format!("down: {}", row.fault));
        assert_eq!(said, verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_within_a_second_after_the_timeout_is_late() {
    for (late, said) in [
        (2_100, "does not answer within 2 s: its answer takes 2.1 s"),
        (2_900, "does not answer within 2 s: its answer takes 2.9 s"),
        (3_100, "does not answer within 2 s"),
    ] {
        let late = Behaviour::Late(Duration::from_millis(late));
        let (net, config) = two(&Nameserver::behaving([zone()], late), 0);
        let (_, judgement) = look(&net, &config, product()).await;
        let rows = &judgement.verdicts[0].1.findings;
        assert_eq!(rows.len(), 1, "a late server is as dead as a silent one");
        assert_eq!((&*rows[0].detail, &*rows[0].fault.to_string()), (said, "silent"));
        assert!(rows[0].command.contains(" +tries=1 +time=2 "), "{}", rows[0].command);
    }
}

#[tokio::test(start_paused = true)]
async fn long_answers_that_wait_to_be_read_are_neither_silent_nor_slow() {
    let mut text = ZONE.to_owned();
    for (n, last) in (0..40).flat_map(|n| (0..600).map(move |last| (n, last))) {
        writeln!(text, "r{n} 300 A 10.0.{}.{}", last / 250, last % 250).unwrap();
    }
    let good = Nameserver::new([ZoneData::parse("example.net", &text)]);
    // Over a slow line the second half of each answer comes late.
    let pause = Duration::from_millis(900);
    let slow = Behaviour::custom(move |transport, packet| {
        let replies = good.replies(transport, packet).into_iter();
        replies.map(|reply| Reply { pause, ..reply }).collect()
    });
    let addresses: Vec<String> =
        (0..600).map(|n| format!("\"10.0.{}.{}\"", n / 250, n % 250)).collect();
    let values = addresses.join(", ");
    let record = |n| format!("{{ name = \"r{n}\", type = \"A\", values = [{values}] }}");
    let net = MemNet::new();
    net.add(at(HOME), anchor());
    net.add(at(FIRST), Nameserver::behaving([], slow));
    let records: Vec<String> = (0..40).map(record).collect();
    let config = config(&[vec![at(FIRST)]], &records.join(", "), &[at(HOME)], &[]);
    let (round, judgement) = look(&net, &config, product()).await;
    assert_eq!(verdicts(&judgement), ["well"]);
    assert!(attempts(&round.observed[0]).iter().all(|count| *count == 1));
    let latest = round.observed[0].observations.iter().map(|o| o.latency).max();
    assert!(latest < Some(Duration::from_secs(1)), "{latest:?}");
}

/// A network without a socket left for one of the addresses.
#[derive(Clone)]
struct Exhausted(MemNet, SocketAddr);

impl RuntimeProvider for Exhausted {
    type Handle = TokioHandle;
    type Timer = <MemNet as RuntimeProvider>::Timer;
    type Udp = <MemNet as RuntimeProvider>::Udp;
    type Tcp = <MemNet as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        bind: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        self.0.connect_tcp(server, bind, timeout)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        if server == self.1 {
            let too_many_open_files = 24; // EMFILE
            return Box::pin(async move { Err(io::Error::from_raw_os_error(too_many_open_files)) });
        }
        self.0.bind_udp(local, server)
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_our_own_side_leaves_nameservers_unknown() {
    let (net, config) = two(&Nameserver::new([zone()]), 0);
    let (round, judgement) = look(&Exhausted(net.clone(), at(FIRST)), &config, product()).await;
    assert_eq!(verdicts(&judgement), ["unknown", "well"]);
    assert_eq!(judgement.verdicts[0].1.unobserved_addresses, [at(FIRST)]);
    assert_eq!(round.after, None, "no nameserver looked faulty");
    // Where the anchors fail as well, we are offline.
    let (_, judgement) = look(&Exhausted(net, at(HOME)), &config, product()).await;
    assert_eq!(judgement.uplink.ipv4, Family::Offline);
    assert_eq!(verdicts(&judgement), ["unknown"; 2]);
}
