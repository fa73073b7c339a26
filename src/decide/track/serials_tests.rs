//! Rounds of zone serials, ten minutes apart, and who is blamed.

use crate::decide::probe::query::Query;
use std::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::config::{Expected, RecordSet};
use crate::decide::probe::query::{QueryKind, Transport};
use hickory_resolver::proto::rr::{Name, RecordType};

const GRACE: Duration = Duration::from_secs(3600);
const ROUND: Duration = Duration::from_secs(600);
const HALF: u32 = 1 << 31;

fn served(subject: usize, serial: u32, signed: Option<bool>) -> ZoneSerial {
    let set = RecordSet {
        name: Name::from_ascii("example.net.").unwrap(),
        rtype: RecordType::SOA,
        expected: Expected::Some,
    };
    ZoneSerial {
        address: SocketAddr::from(([192, 0, 2, u8::try_from(subject).unwrap() + 1], 53)),
        zone: "example.net".to_owned(),
        query: Query {
            zone: Some(0),
            set: Arc::new(set),
            transport: Transport::Udp,
            kind: QueryKind::Signatures,
        },
        serial,
        signed,
    }
}

/// A zone's nameservers, and whose incidents are remembered.
#[derive(Default)]
struct Zone {
    serials: Serials,
    now: Duration,
    holding: Vec<usize>,
}

impl Zone {
    fn at(&mut self, verdicts: &[(usize, Verdict)], grace: Duration) -> Vec<String> {
        let holding = |subject: usize| self.holding.contains(&subject);
        let name = |subject: usize| format!("ns{}", subject + 1);
        let asked = verdicts.iter().map(|(subject, verdict)| (*subject, verdict));
        let rows = self.serials.after(asked, self.now, grace, &holding, &name);
        self.now += ROUND;
        rows.iter().map(|(subject, row)| format!("{} {}", name(*subject), row.fault)).collect()
    }

    /// One round in which the nameservers have these serials; `None` is one that is not heard of.
    fn round(&mut self, serials: &[Option<u32>]) -> Vec<String> {
        let verdict = |(subject, serial): (usize, &Option<u32>)| {
            let serials = serial.iter().map(|&serial| served(subject, serial, Some(false)));
            (subject, Verdict { serials: serials.collect(), ..Verdict::default() })
        };
        let verdicts: Vec<_> = serials.iter().enumerate().map(verdict).collect();
        self.at(&verdicts, GRACE)
    }

    /// The same, for so many rounds; what the last one said.
    fn rounds(&mut self, count: usize, serials: &[u32]) -> Vec<String> {
        let serials: Vec<Option<u32>> = serials.iter().copied().map(Some).collect();
        let mut said = Vec::new();
        for _ in 0..count {
            said = self.round(&serials);
        }
        said
    }
}

/// What is said while the grace lasts, and at its end.
fn in_time_and_late(zone: &mut Zone, serials: &[u32]) -> [Vec<String>; 2] {
    let early = zone.rounds(6, serials);
    [early, zone.rounds(1, serials)]
}

#[test]
fn a_stale_server_is_at_fault_after_the_grace_until_it_catches_up() {
    let mut zone = Zone::default();
    assert!(zone.rounds(3, &[5, 5]).is_empty());
    let [early, late] = in_time_and_late(&mut zone, &[6, 5]);
    assert!(early.is_empty(), "{early:?}");
    assert_eq!(late, ["ns2 serial-behind"]);
    // It moves, and is not there yet; and then it is.
    zone.serials = Serials::default();
    let _ = in_time_and_late(&mut zone, &[9, 5]);
    assert_eq!(zone.rounds(1, &[9, 7]), ["ns2 serial-behind"]);
    assert!(zone.rounds(1, &[9, 9]).is_empty());
}

#[test]
fn a_zone_that_changes_at_every_round_is_never_late_as_long_as_each_change_arrives() {
    let mut zone = Zone::default();
    for serial in 1..100 {
        assert!(zone.rounds(1, &[serial + 1, serial, serial]).is_empty(), "{serial}");
    }
    // One that is stuck is found all the same.
    for serial in 101..106 {
        assert!(zone.rounds(1, &[serial, 99, serial - 1]).is_empty());
    }
    assert_eq!(zone.rounds(1, &[106, 99, 105]), ["ns2 serial-behind"]);
}

#[test]
fn serials_wrap_around_and_a_constant_0_is_fine() {
    let mut zone = Zone::default();
    assert!(zone.rounds(20, &[0, 0, 0]).is_empty());
    let mut zone = Zone::default();
    let [_, late] = in_time_and_late(&mut zone, &[3, u32::MAX - 1]);
    assert_eq!(late, ["ns2 serial-behind"]);
    assert!(zone.rounds(1, &[3, 3]).is_empty());
    assert!(newer(0, u32::MAX) && newer(HALF - 1, 0) && !newer(5, 5));
    assert!(!newer(HALF, 0) && !newer(0, HALF), "RFC 1982 leaves this open");
}

#[test]
fn of_two_incomparable_serials_the_newer_arrival_is_at_fault() {
    let mut zone = Zone::default();
    let _ = zone.rounds(3, &[7, 7]);
    let [early, late] = in_time_and_late(&mut zone, &[7 + HALF, 7]);
    assert!(early.is_empty());
    assert_eq!(late, ["ns1 serial-went-back"], "it is not newer than what it had");
    let mut zone = Zone::default();
    let [_, late] = in_time_and_late(&mut zone, &[7, 7 + HALF]);
    assert_eq!(late.len(), 1, "both stand in the sentence of one");
    assert!(late[0].ends_with("serial-incomparable"), "{late:?}");
    let mut zone = Zone::default();
    let [_, late] = in_time_and_late(&mut zone, &[7, 7, 7 + HALF]);
    assert_eq!(late, ["ns3 serial-incomparable"]);
}

#[test]
fn a_primary_whose_serial_went_back_is_at_fault_and_its_secondaries_are_not() {
    let mut zone = Zone::default();
    let _ = zone.rounds(3, &[2026, 2026, 2026]);
    let [early, late] = in_time_and_late(&mut zone, &[1, 2026, 2026]);
    assert!(early.is_empty());
    assert_eq!(late, ["ns1 serial-went-back"]);
    // Also where a secondary was made anew with it, so that those who stayed are fewer.
    let mut zone = Zone::default();
    let _ = zone.rounds(3, &[2026, 2026, 2026]);
    let [_, late] = in_time_and_late(&mut zone, &[1, 1, 2026]);
    assert_eq!(late, ["ns1 serial-went-back", "ns2 serial-went-back"]);
    assert!(zone.rounds(1, &[2027, 2027, 2027]).is_empty());
}

#[test]
fn a_serial_that_most_servers_do_not_follow_is_at_fault() {
    let mut zone = Zone::default();
    let [_, late] = in_time_and_late(&mut zone, &[8, 7, 7]);
    assert_eq!(late, ["ns1 serial-ahead"]);
    assert_eq!(zone.rounds(1, &[8, 7, 8]), ["ns2 serial-behind"]);
}

#[test]
fn a_server_without_an_answer_is_ignored_and_keeps_its_lateness() {
    let mut zone = Zone::default();
    let _ = zone.rounds(2, &[7, 6]);
    for _ in 0..10 {
        assert!(zone.round(&[Some(7), None]).is_empty());
        assert!(zone.round(&[None, None]).is_empty());
    }
    assert_eq!(zone.rounds(1, &[7, 6]), ["ns2 serial-behind"]);
    assert!(zone.rounds(1, &[7, 7]).is_empty());
}

#[test]
fn a_partial_round_changes_only_its_own_nameservers() {
    let mut zone = Zone::default();
    let _ = in_time_and_late(&mut zone, &[7, 6]);
    let alone = |subject, serial| {
        let serials = vec![served(subject, serial, None)];
        [(subject, Verdict { serials, ..Verdict::default() })]
    };
    assert!(zone.at(&alone(0, 7), GRACE).is_empty());
    assert_eq!(zone.at(&alone(1, 6), GRACE), ["ns2 serial-behind"]);
    assert!(zone.at(&alone(1, 7), GRACE).is_empty());
}

#[test]
fn a_fault_that_an_issue_remembers_goes_on_without_another_grace() {
    let mut zone = Zone { holding: vec![1], ..Zone::default() };
    assert_eq!(zone.rounds(1, &[7, 6]), ["ns2 serial-behind"]);
    assert_eq!(zone.rounds(1, &[8, 6]), ["ns2 serial-behind"]);
    // Catching up ends it, even where there is more to come already.
    assert!(zone.rounds(1, &[9, 8]).is_empty());
    // And what is remembered of another one says nothing.
    let mut zone = Zone { holding: vec![0], ..Zone::default() };
    assert!(zone.rounds(6, &[7, 6]).is_empty());
}

#[test]
fn without_grace_one_round_is_enough() {
    let verdicts = [7, 6].into_iter().enumerate().map(|(subject, serial)| {
        let serials = vec![served(subject, serial, None)];
        (subject, Verdict { serials, ..Verdict::default() })
    });
    let verdicts: Vec<_> = verdicts.collect();
    assert_eq!(Zone::default().at(&verdicts, Duration::ZERO), ["ns2 serial-behind"]);
}

#[test]
fn an_unsigned_answer_beside_a_signed_one_has_the_same_grace() {
    let signed = |all: [Option<bool>; 3]| {
        let verdicts = all.into_iter().enumerate().map(|(subject, signed)| {
            let serials = vec![served(subject, 1, signed)];
            (subject, Verdict { serials, ..Verdict::default() })
        });
        verdicts.collect::<Vec<_>>()
    };
    let mut zone = Zone::default();
    // Whoever refuses EDNS cannot be asked for signatures.
    let mixed = signed([Some(true), Some(false), None]);
    for _ in 0..6 {
        assert!(zone.at(&mixed, GRACE).is_empty());
    }
    assert_eq!(zone.at(&mixed, GRACE), ["ns2 unsigned"]);
    assert!(zone.at(&signed([Some(false), Some(false), None]), GRACE).is_empty());
    assert!(zone.at(&signed([Some(true), Some(true), None]), GRACE).is_empty());
}

#[test]
fn every_serial_fault_reads_as_the_end_of_a_sentence() {
    let other = || "ns1.example.net".to_owned();
    let behind = SerialFault::Stale { serials: [5, 7], other: other(), grace: GRACE };
    assert_eq!(
        behind.to_string(),
        "serves serial 5 of the zone, and ns1.example.net has 7 or a newer one, for more than 1 h: it does not \
         get the zone, or does not take it"
    );
    let ahead =
        SerialFault::NotReplicated { serial: 8, others: vec![(other(), 7)], grace: Duration::ZERO };
    assert!(ahead.to_string().contains("do not take over (ns1.example.net 7): it does not notify"));
}
