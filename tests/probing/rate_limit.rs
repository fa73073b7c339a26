//! How fast the questions go out: spaced for each address, bounded for all together.

use std::sync::{Arc, Mutex};

use super::*;

/// When the questions came, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Instant>>>);

impl Log {
    /// A server that notes when it is asked, and does as the other one.
    fn of(&self, server: Nameserver) -> Nameserver {
        let times = Arc::clone(&self.0);
        Nameserver::behaving(
            [],
            Behaviour::custom(move |transport, packet| {
                // A connection gets its permit before the handshake, and its query comes after that.
                let handshake = match transport {
                    Transport::Udp => Duration::ZERO,
                    Transport::Tcp => 2 * LATENCY,
                };
                times.lock().unwrap().push(Instant::now() - handshake);
                server.replies(transport, packet)
            }),
        )
    }

    fn times(&self) -> Vec<Instant> {
        let mut times = self.0.lock().unwrap().clone();
        times.sort_unstable();
        times
    }
}

/// Nameservers in memory that hold `questions` records and note when they are asked.
struct World {
    net: MemNet,
    logs: Vec<Log>,
    config: Config,
}

fn world(behaviours: &[Behaviour], questions: usize) -> World {
    let net = MemNet::new();
    let home = at("127.0.0.1:53");
    net.add(home, anchor());
    let zone = many_zone(questions);
    let (mut servers, mut logs) = (Vec::new(), Vec::new());
    for (number, behaviour) in (1..).zip(behaviours) {
        let address = SocketAddr::new([127, 53, 3, number].into(), 53);
        let server = Nameserver::behaving([zone.clone()], behaviour.clone());
        let log = Log::default();
        net.add(address, log.of(server));
        servers.push(vec![address]);
        logs.push(log);
    }
    let config = config(&servers, &many_records(questions), &[home], &[]);
    World { net, logs, config }
}

/// What a packet takes one way in [`MemNet`].
const LATENCY: Duration = Duration::from_millis(1);
/// At the product's rate.
const GAP: Duration = Duration::from_millis(20);
/// What a timer of one millisecond's grain may take off a gap.
const GRAIN: Duration = Duration::from_millis(1);

fn gaps(times: &[Instant]) -> impl Iterator<Item = Duration> {
    times.windows(2).map(|pair| pair[1] - pair[0])
}

#[tokio::test(start_paused = true)]
async fn packets_to_one_address_keep_their_distance_also_when_repeated() {
    for behaviour in [Behaviour::Good, Behaviour::DropFirst(1), Behaviour::TruncatedEmpty] {
        let world = world(std::slice::from_ref(&behaviour), 100);
        let (_, judgement) = look(&world.net, &world.config, product()).await;
        assert_eq!(verdicts(&judgement), ["well"], "{behaviour:?}");
        let times = world.logs[0].times();
        let closest = gaps(&times).min().unwrap();
        assert!(closest + GRAIN >= GAP, "{behaviour:?}: {closest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_address_waits_for_another() {
    let alone = world(&[Behaviour::Good], 500);
    let (_, _, alone) = timed(&alone.net, &alone.config, product()).await;
    assert!(alone < GAP * 520, "{alone:?}");

    let many = world(&vec![Behaviour::Good; 8], 500);
    let begin = Instant::now();
    let (_, judgement) = look(&many.net, &many.config, product()).await;
    assert_eq!(verdicts(&judgement), ["well"; 8]);
    for log in &many.logs {
        let took = *log.times().last().unwrap() - begin;
        assert!(took <= alone + GAP, "{took:?} and not {alone:?}");
        let closest = gaps(&log.times()).min().unwrap();
        assert!(closest + GRAIN >= GAP, "{closest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_packets_are_sent_at_once() {
    let world = world(&[Behaviour::Good], 100);
    let (_, _, took) = timed(&world.net, &world.config, ProbeLimits::at_rate(0)).await;
    assert!(took < Duration::from_millis(50), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_queries_in_flight_is_bounded() {
    let slow = Duration::from_secs(1);
    let world = world(&vec![Behaviour::Late(slow); 3], 30);
    let limits = ProbeLimits { in_flight: 10, ..ProbeLimits::at_rate(0) };
    let (_, judgement) = look(&world.net, &world.config, limits).await;
    assert_eq!(verdicts(&judgement), ["degraded: slow"; 3]);
    let mut times: Vec<Instant> = world.logs.iter().flat_map(Log::times).collect();
    times.sort_unstable();
    // Each of these packets is answered a second after it came.
    let under_way = |at: &Instant| {
        let since = times.iter().filter(|other| *other <= at && *at - **other < slow);
        since.count()
    };
    let most = times.iter().map(under_way).max();
    assert_eq!(most, Some(10));
}
