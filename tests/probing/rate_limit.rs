//! How fast the questions go out: spaced for each address, bounded for all together.

use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::Message;

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

/// What a server does with the queries that are too many.
#[derive(Clone, Copy, Debug)]
enum Beyond {
    Refuse,
    Drop,
    /// As BIND's `all-per-second`: who goes on meanwhile gets nothing for up to 15 s.
    DropForLonger,
}

/// Answers 20 queries a second, and 20 more after a second of peace.
fn limited(server: Nameserver, beyond: Beyond) -> Nameserver {
    limited_to(20.0, server, beyond)
}

/// The same at another rate.
fn limited_to(rate: f64, server: Nameserver, beyond: Beyond) -> Nameserver {
    let refusing = Nameserver::behaving([], Behaviour::Refused);
    let state = Mutex::new((rate, None::<Instant>));
    let limiter = Behaviour::custom(move |transport, packet| {
        let (balance, last) = &mut *state.lock().unwrap();
        let now = Instant::now();
        let passed = last.replace(now).map_or(0.0, |last| (now - last).as_secs_f64());
        let least = if matches!(beyond, Beyond::DropForLonger) { -15.0 * rate } else { 0.0 };
        let credit = (*balance + passed * rate).min(rate);
        *balance = (credit - 1.0).max(least);
        match beyond {
            _ if credit >= 1.0 => server.replies(transport, packet),
            Beyond::Refuse => refusing.replies(transport, packet),
            Beyond::Drop | Beyond::DropForLonger => Vec::new(),
        }
    });
    Nameserver::behaving([], limiter)
}

const BEYOND: [Beyond; 3] = [Beyond::Refuse, Beyond::Drop, Beyond::DropForLonger];

/// A configuration of two zones with so many record sets each, on one nameserver.
fn two_zones(server: Nameserver, records: usize) -> (MemNet, Config) {
    let (net, config) = one(server);
    let zones = ["example.net", "example.org"].map(|zone| {
        let records = many_records(records);
        format!("[[zone]]\nname = \"{zone}\"\nrecords = [{NS}, {records}]\n")
    });
    let zones = zones.concat().replacen(
        "\"ns1\", \"ns2\"",
        "\"ns1.example.net.\", \"ns2.example.net.\"",
        2,
    );
    let anchor = config.vantage.anchors[0];
    let text = format!(
        "[vantage]\nanchors = [\"{anchor}\"]\nintercept = []\n[[nameserver]]\nname = \"ns1.example.net\"\n\
         addresses = [\"{}\"]\n{zones}",
        config.nameservers[0].addresses[0]
    );
    (net, Config::parse("test.toml", &text).unwrap_or_else(|problems| panic!("{problems}")))
}

fn both(records: usize) -> [ZoneData; 2] {
    let text = ZONE.to_owned()
        + &(0..records).map(|n| format!("r{n} 300 A 192.0.2.1\n")).collect::<String>();
    ["example.net", "example.org"].map(|zone| ZoneData::parse(zone, &text))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_limits_its_rate_is_well_and_asked_slowly_from_then_on() {
    for beyond in BEYOND {
        for (records, rate) in [(20, 20.0), (40, 20.0), (150, 20.0), (150, 40.0), (40, 6.0)] {
            if rate < 10.0 && matches!(beyond, Beyond::DropForLonger) {
                continue; // slowly is not slowly enough
            }
            let server = limited_to(rate, Nameserver::new(both(records)), beyond);
            let (net, config) = two_zones(server, records);
            let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
            let inspector = Inspector::new(net, clock, product());
            let targets = targets(&config);
            for again in [false, true] {
                let begin = Instant::now();
                let round = inspector.round(&targets, &[], &config.vantage).await;
                let longest = product().longest_round(&targets);
                assert!(begin.elapsed() <= longest, "{:?}", begin.elapsed());
                assert_eq!(
                    verdicts(&judge(&config, &round)),
                    ["well"],
                    "{beyond:?} {records} {rate}"
                );
                let attempts = round.observed[0].observations.iter().map(|o| o.attempts);
                // A few that are dropped have their answers before it comes to that.
                let slowly = again && (records, rate) == (150, 20.0);
                assert!(!slowly || attempts.max() == Some(1), "{beyond:?} {records}");
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
        }
    }
}

/// A behaviour for some queries, and [`limited`] for all.
fn limited_but(
    zones: [ZoneData; 2],
    beyond: Beyond,
    name: &'static str,
    bad: Behaviour,
) -> Nameserver {
    let (good, bad) = (Nameserver::new(zones), Nameserver::behaving([], bad));
    let server = Behaviour::custom(move |transport, packet| {
        let asked = Message::from_vec(packet).unwrap();
        let name = format!("{name}.");
        match asked.queries[0].name.to_string().ends_with(&name) {
            true => bad.replies(transport, packet),
            false => good.replies(transport, packet),
        }
    });
    limited(Nameserver::behaving([], server), beyond)
}

#[tokio::test(start_paused = true)]
async fn a_fault_beside_a_limit_is_found_in_the_same_round_and_nothing_else() {
    for beyond in BEYOND {
        for (name, bad, verdict, detail) in [
            (
                "r17.example.org",
                Behaviour::ServFail,
                "down: rcode-servfail",
                "answers SERVFAIL: it knows the zone and cannot serve it",
            ),
            (
                "r17.example.org",
                Behaviour::Refused,
                "down: rcode-refused",
                "answers REFUSED, though it answers other queries for the zone",
            ),
            ("r90.example.net", Behaviour::Silent, "down: silent", "does not answer within 2 s"),
            (
                "example.org",
                Behaviour::Refused,
                "down: rcode-refused",
                "answers REFUSED: it does not serve this zone (lame)",
            ),
        ] {
            let server = limited_but(both(100), beyond, name, bad.clone());
            let (net, config) = two_zones(server, 100);
            let (_, judgement, took) = timed(&net, &config, product()).await;
            assert_eq!(verdicts(&judgement), [verdict], "{beyond:?} {name} {bad:?}");
            let rows = &judgement.verdicts[0].1.findings;
            let rows: Vec<_> = rows.iter().map(|row| (&*row.zone, &*row.detail)).collect();
            let zone = &name[name.len() - "example.org".len()..];
            assert_eq!(rows, [(zone, detail)], "{beyond:?} {name}");
            assert!(took <= product().longest_round(&targets(&config)), "{took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_few_queries_are_repeated() {
    for (name, bad, repeated) in [
        ("example.org", Behaviour::Refused, 1),
        ("r17.example.org", Behaviour::Refused, 1),
        ("example.org", Behaviour::ServFail, 0),
        ("r17.example.org", Behaviour::Silent, 2),
    ] {
        let (good, bad) = (Nameserver::new(both(20)), Nameserver::behaving([], bad));
        let server = Behaviour::custom(move |transport, packet| {
            let asked = Message::from_vec(packet).unwrap();
            match asked.queries[0].name.to_string().ends_with(&format!("{name}.")) {
                true => bad.replies(transport, packet),
                false => good.replies(transport, packet),
            }
        });
        let server = Nameserver::behaving([], server);
        let (net, config) = two_zones(server.clone(), 20);
        let (_, judgement) = look(&net, &config, product()).await;
        assert_eq!(judgement.verdicts[0].1.findings.len(), 1);
        // None about the cookie, where not everything has an answer.
        let queries = targets(&config)[0].queries.len() - usize::from(repeated == 2);
        // The query for what must not exist may be about the same name.
        let extra = server.count() - queries;
        assert!((repeated..=repeated + 2).contains(&extra), "{name}: {extra}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_in_the_log_once_with_the_key_that_sets_the_rate() {
    let log = Written::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // With one subscriber only, tracing asks that of the thread which logs a line first: another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let server = limited(Nameserver::new(both(40)), Beyond::Refuse);
    let (net, config) = two_zones(server, 40);
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let inspector = Inspector::new(net, clock, product());
    for _ in 0..3 {
        inspector.round(&targets(&config), &[], &config.vantage).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("limits")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0].ends_with(
            "127.0.0.2 limits how fast it answers: some queries fail at 50 a second, and succeed at 10 a second; \
             from now on it gets them at 10 a second; `queries-per-second` in [schedule] sets the rate for all"
        ),
        "{text}"
    );
}

/// What was logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
