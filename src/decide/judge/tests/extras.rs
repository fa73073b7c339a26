//! What is wrong with right answers: signatures, slowness, EDNS, recursion.

use super::*;
use crate::decide::judge::finding::Severity;
use crate::decide::judge::finding::Verdict;
use crate::decide::judge::round::looks_faulty;
use crate::decide::judge::tests::rounds::{
    observation, refused, right, round, rows, two, verdicts,
};
use crate::decide::probe::query::QueryKind;
use crate::decide::probe::query::targets;
use crate::decide::probe::round::AnchorReply;
use crate::decide::probe::round::Edns;
use crate::decide::probe::round::Observation;
use crate::decide::probe::round::Outcome;
use crate::decide::time::Moment;
use hickory_resolver::proto::dnssec::Algorithm;
use hickory_resolver::proto::dnssec::rdata::{DNSSECRData, RRSIG, SigInput};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::proto::rr::rdata::NULL;
use jiff::Timestamp;
use std::time::Duration;

/// A signature over records of that type that holds between these times.
fn rrsig(of: RecordType, begins: u32, ends: u32) -> RData {
    let input = SigInput {
        type_covered: of,
        algorithm: Algorithm::ECDSAP256SHA256,
        num_labels: 2,
        original_ttl: 300,
        sig_expiration: ends.into(),
        sig_inception: begins.into(),
        key_tag: 1,
        signer_name: Name::root(),
    };
    RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![9, 9])))
}

const DAY: u32 = 86_400;
const NOW: u32 = 1_767_268_800;

fn second(at: u32) -> Timestamp {
    Timestamp::from_second(at.into()).unwrap()
}

/// What is said of the first server when all sign their SOA so, at this time.
fn signed(signatures: &[RData], now: Option<Timestamp>) -> Vec<String> {
    let config = two();
    let mut round = round(&config, |_, question| {
        let mut observation = right(question);
        if let (QueryKind::Signatures, Outcome::Answer(answer)) =
            (question.kind, &mut observation.outcome)
        {
            let all = [&[soa(1)], signatures].concat();
            let owned = all.iter().map(|data| (&question.set.name, data));
            *answer = Answer::new(&question.set, owned);
        }
        observation
    });
    round.at = Moment { wall: now, ..Moment::default() };
    let [first, _] = verdicts(&config, &round);
    rows(&first)
        .iter()
        .map(|row| row.replace(" 127.0.0.1:53 example.net example.net SOA +0", ""))
        .collect()
}

fn said(begins: u32, ends: u32) -> Vec<String> {
    signed(&[rrsig(RecordType::SOA, begins, ends)], Some(second(NOW)))
}

#[test]
fn a_signature_close_to_its_end_is_degraded_and_an_expired_one_down() {
    assert!(said(NOW - 30 * DAY, NOW + 3 * DAY).is_empty());
    assert_eq!(said(NOW - 30 * DAY, NOW + 3 * DAY - 1), ["degraded signature-ends"]);
    // The last quarter of a short lifetime.
    assert!(said(NOW - 3 * DAY, NOW + DAY).is_empty());
    assert_eq!(said(NOW - 3 * DAY - 4, NOW + DAY), ["degraded signature-ends"]);
    assert_eq!(said(NOW - DAY, NOW), ["degraded signature-ends"]);
    assert_eq!(said(NOW - DAY, NOW - 1), ["down signature-ended"]);
    assert_eq!(said(NOW + 60, NOW + 9 * DAY), ["down signature-ahead"]);
    assert!(said(NOW, NOW + 9 * DAY).is_empty());
}

#[test]
fn the_signature_that_ends_last_counts_and_those_over_other_records_do_not() {
    let of = |all: &[RData]| signed(all, Some(second(NOW)));
    let good = || rrsig(RecordType::SOA, NOW - DAY, NOW + 9 * DAY);
    let ended = || rrsig(RecordType::SOA, NOW - DAY, NOW - 1);
    let ahead = || rrsig(RecordType::SOA, NOW + 1, NOW + DAY);
    assert!(of(&[ended(), good(), ahead()]).is_empty());
    assert_eq!(of(&[ended(), ahead()]), ["down signature-ahead"]);
    assert!(of(&[rrsig(RecordType::NS, NOW - DAY, NOW - 1)]).is_empty());
    assert!(of(&[]).is_empty());
    let unreadable = RData::Unknown { code: RecordType::RRSIG, rdata: NULL::with(vec![0; 10]) };
    assert!(of(&[unreadable]).is_empty());
}

#[test]
fn no_signature_is_judged_before_our_own_clock_is_set() {
    let ended = rrsig(RecordType::SOA, NOW - DAY, NOW - 1);
    assert!(signed(&[ended], None).is_empty());
}

#[test]
fn signature_times_after_2106_are_read() {
    let after = Timestamp::from_second((1_i64 << 32) + 1_000).unwrap();
    let span = |begins, ends| signed(&[rrsig(RecordType::SOA, begins, ends)], Some(after));
    assert!(span(u32::MAX - DAY, 9 * DAY).is_empty());
    assert_eq!(span(u32::MAX - DAY, 999), ["down signature-ended"]);
    assert_eq!(span(u32::MAX - 30 * DAY, DAY), ["degraded signature-ends"]);
}

#[test]
fn a_round_yields_the_served_serial_and_whether_the_zone_is_signed() {
    let config = two();
    let plain = |edns: Edns| {
        let round =
            round(&config, |_, question| Observation { edns: edns.clone(), ..right(question) });
        let [first, second] = verdicts(&config, &round);
        assert_eq!((first.serials.len(), second.serials.len()), (1, 4));
        let served = &second.serials[1];
        assert_eq!((served.zone.as_str(), served.serial), ("example.org", 1));
        first.serials[0].signed
    };
    assert_eq!(plain(Edns::With), Some(false));
    assert_eq!(plain(Edns::Without), None);
}

#[test]
fn a_fault_with_edns_only_is_degraded_and_the_answer_without_edns_counts() {
    let config = two();
    let formerr = Outcome::Answer(Answer { rcode: ResponseCode::FormErr, ..with(&[]) });
    for (refusal, fault) in [
        (formerr, "edns-rcode-formerr"),
        (Outcome::Silent, "edns-silent"),
        (Outcome::Garbled("noise".to_owned()), "edns-garbled"),
    ] {
        let round = round(&config, |asked, question| {
            let refused = Edns::Refused(Box::new(refusal.clone()));
            let edns = match asked {
                "127.0.0.1:53 UDP example.net SOA" if question.kind == QueryKind::Signatures => {
                    refused
                }
                _ if asked.starts_with("127.0.0.1:53") => Edns::Without,
                _ => Edns::With,
            };
            let wrong = asked == "127.0.0.1:53 UDP www.example.net A";
            let got =
                if wrong { observation(Outcome::Answer(with(&[a(9)]))) } else { right(question) };
            Observation { edns, ..got }
        });
        assert!(looks_faulty(&round));
        let [first, second] = verdicts(&config, &round);
        assert!(second.findings.is_empty());
        let edns = format!("degraded 127.0.0.1:53 example.net example.net SOA +0 {fault}");
        let wrong = "down 127.0.0.1:53 example.net www.example.net A +0 wrong-records";
        assert_eq!(rows(&first), [wrong, &edns]);
    }
}

#[test]
fn a_fault_with_do_or_with_a_cookie_only_is_degraded_and_named() {
    let config = two();
    let formerr = || Outcome::Answer(Answer { rcode: ResponseCode::FormErr, ..with(&[]) });
    let said = |kind: QueryKind, bent: Observation, rest: fn(&str) -> Option<Observation>| {
        let round = round(&config, |asked, question| match rest(asked) {
            _ if asked == "127.0.0.1:53 UDP example.net SOA" && question.kind == kind => {
                bent.clone()
            }
            Some(other) => other,
            None => right(question),
        });
        let [first, _] = verdicts(&config, &round);
        rows(&first)
    };
    let row = |fault| vec![format!("degraded 127.0.0.1:53 example.net example.net SOA +0 {fault}")];
    for (refusal, code) in [(Outcome::Silent, "silent"), (formerr(), "rcode-formerr")] {
        let edns = Edns::DoRefused(Box::new(refusal.clone()));
        let bent = Observation { edns, ..observation(Outcome::Answer(with(&[]))) };
        let bent = Observation { outcome: right(&targets(&config)[0].queries[0]).outcome, ..bent };
        assert_eq!(said(QueryKind::Signatures, bent, |_| None), row(format!("do-{code}")));
        let bent = || observation(refusal.clone());
        assert_eq!(said(QueryKind::Cookie, bent(), |_| None), row("edns-option".to_owned()));
        // Where something else fails as well, the cookie is not to blame.
        let silent = |asked: &str| {
            (asked == "127.0.0.1:53 UDP example.net NS").then(|| observation(Outcome::Silent))
        };
        let rows = said(QueryKind::Cookie, bent(), silent);
        assert_eq!(rows, ["down 127.0.0.1:53 example.net example.net NS +0 silent"]);
    }
}

#[test]
fn another_ns_set_than_the_configuration_has_is_degraded() {
    let config = two();
    let sets: [(&[&str], &str); 4] = [
        (&["NS2.Example.NET.", "ns1.example.net."], "right"),
        (&["ns1.example.net."], "missing ns2.example.net."),
        (
            &["ns1.example.net.", "ns2.example.net.", "ns9.example.org."],
            "unexpected ns9.example.org.",
        ),
        (
            &["ns1.example.net.", "ns9.example.org."],
            "missing ns2.example.net., unexpected ns9.example.org.",
        ),
    ];
    for (set, said) in sets {
        let round = round(&config, |asked, question| match asked {
            "127.0.0.1:53 UDP example.net NS" => {
                let owned = set.iter().map(|host| (question.set.name.clone(), ns(host)));
                observation(Outcome::Answer(answer(&question.set, &owned.collect::<Vec<_>>())))
            }
            _ => right(question),
        });
        let [first, second] = verdicts(&config, &round);
        assert!(second.findings.is_empty(), "the other one has the right set");
        match first.findings.first() {
            None => assert_eq!(said, "right"),
            Some(row) => {
                assert_eq!(
                    (row.fault.to_string().as_str(), row.severity),
                    ("ns-set", Severity::Degraded)
                );
                assert!(
                    row.detail.contains(&format!("configuration: {said}; if")),
                    "{}",
                    row.detail
                );
            }
        }
    }
}

#[test]
fn only_an_answer_with_ra_makes_an_open_resolver() {
    let config = two();
    let answered =
        |ra, aa, rcode, records| Outcome::Answer(Answer { rcode, aa, ra, records, ..with(&[]) });
    let (fine, failed) = (ResponseCode::NoError, ResponseCode::ServFail);
    for (outcome, open) in [
        (answered(true, false, fine, 1), true),
        // A server of the root, a referral, an appliance that sets RA whatever it says, a drop.
        (answered(false, true, fine, 1), false),
        (answered(false, false, fine, 0), false),
        (answered(true, false, fine, 0), false),
        (answered(true, false, ResponseCode::Refused, 0), false),
        (answered(true, false, failed, 0), false),
        (refused().outcome, false),
        (Outcome::Silent, false),
        (Outcome::Closed, false),
        (Outcome::Garbled("noise".to_owned()), false),
    ] {
        let round = round(&config, |asked, question| match asked {
            "127.0.0.1:53 UDP . SOA" => observation(outcome.clone()),
            _ => right(question),
        });
        let [first, _] = verdicts(&config, &round);
        assert_eq!(first.observed_addresses, 1, "{outcome:?}");
        match open {
            false => assert_eq!(rows(&first), [""; 0], "{outcome:?}"),
            true => {
                assert_eq!(
                    rows(&first),
                    ["degraded 127.0.0.1:53 (any other) . SOA +0 open-recursion"]
                );
                assert_eq!(
                    first.findings[0].command,
                    "dig @127.0.0.1 +recurse +nocookie +bufsize=1232 . SOA"
                );
            }
        }
    }
}

/// What is said when the first server takes so long for its questions, and the anchors for theirs.
fn slow(took: impl Fn(&str) -> u64, anchors: u64) -> Vec<String> {
    let config = two();
    let mut round = round(&config, |asked, question| {
        let late = asked.strip_prefix("127.0.0.1:53 ").map_or(7, &took);
        Observation { latency: Duration::from_millis(late), ..right(question) }
    });
    round.before.iter_mut().for_each(|anchor: &mut AnchorReply| {
        anchor.latency = Duration::from_millis(anchors);
    });
    let [first, second] = verdicts(&config, &round);
    assert!(second.findings.is_empty());
    rows(&first)
}

#[test]
fn a_server_is_slow_when_it_is_late_every_time_and_the_anchors_are_not() {
    let row = ["degraded 127.0.0.1:53 example.net example.net SOA +3 slow"];
    assert_eq!(slow(|_| 1_001, 7), row);
    assert!(slow(|_| 1_000, 7).is_empty());
    assert!(slow(|_| 1_001, 1_001).is_empty(), "our own uplink is slow");
    // Once in time is enough; what TCP or the question about recursion take says nothing.
    assert!(slow(|asked| if asked == "UDP example.net NS" { 10 } else { 1_500 }, 7).is_empty());
    let quick =
        |asked: &str| if asked.starts_with("TCP") || asked == "UDP . SOA" { 10 } else { 1_500 };
    assert_eq!(slow(quick, 7), row);
}

#[test]
fn a_query_with_a_fault_is_listed_and_a_skipped_one_is_not() {
    let config = two();
    let mut dead = round(&config, |_, question| right(question));
    for (n, observation) in (0..).zip(&mut dead.observed[0].observations) {
        observation.outcome = Outcome::Silent;
        observation.attempts = if n == 0 { 3 } else { 0 };
    }
    let questions = |verdict: &Verdict| {
        verdict.failed_queries.iter().map(|place| place.query).collect::<Vec<_>>()
    };
    assert_eq!(questions(&verdicts(&config, &dead)[0]), [0]);
    let lame = round(&config, |_, _| refused());
    assert_eq!(questions(&verdicts(&config, &lame)[0]), [0, 1, 2, 3, 5, 6]);
}
