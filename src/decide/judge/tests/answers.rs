//! One answer against one expected record set.

use crate::config::{Expected, RecordSet};
use crate::decide::judge::fault::Fault;
use crate::decide::judge::nameserver::judge_answer;
use crate::decide::probe::answer::{Answer, Values};
use crate::decide::probe::query::Transport;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::proto::rr::rdata::{CNAME, MX, NS, TXT};

use std::net::Ipv4Addr;

use super::*;

fn text(strings: &[&str]) -> RData {
    RData::TXT(TXT::new(strings.iter().map(ToString::to_string).collect()))
}

fn anything(of: RecordType) -> RecordSet {
    RecordSet { name: name("www.example.net."), rtype: of, expected: Expected::Some }
}

/// The fault's code, or that there is none.
fn code(set: &RecordSet, records: &[(Name, RData)]) -> String {
    code_of(set, &answer(set, records))
}

fn code_of(set: &RecordSet, answer: &Answer) -> String {
    match judge_answer(set, answer, Transport::Udp) {
        Ok(()) => "right".to_owned(),
        Err(fault) => fault.code().to_string(),
    }
}

#[test]
fn order_and_repetition_do_not_matter_but_a_missing_or_extra_record_does() {
    let set = expecting(&[a(1), a(2)]);
    for (found, said) in [
        (&[a(1), a(2)][..], "right"),
        (&[a(2), a(1)], "right"),
        (&[a(2), a(1), a(2)], "right"),
        (&[a(1)], "wrong-records"),
        (&[a(1), a(2), a(3)], "wrong-records"),
        (&[a(1), a(3)], "wrong-records"),
        (&[], "no-records"),
    ] {
        assert_eq!(code(&set, &www(found)), said, "{found:?}");
    }
    let fault = judge_answer(&set, &answer(&set, &www(&[a(1), a(3)])), Transport::Udp);
    let (missing, extra) = (Values::of([a(2)].iter()), Values::of([a(3)].iter()));
    assert_eq!(fault, Err(Fault::Records { missing, extra }));
}

#[test]
fn a_zone_without_its_ns_records_has_a_fault_of_the_ns_set() {
    let ns = RData::NS(NS(name("ns1.example.net.")));
    assert_eq!(code(&expecting(&[ns]), &[]), "ns-set");
    assert_eq!(code(&anything(RecordType::NS), &[]), "no-records");
}

#[test]
fn the_letter_case_of_names_does_not_matter() {
    let mx = |preference, host| RData::MX(MX::new(preference, name(host)));
    let set = expecting(&[mx(10, "mail.example.net.")]);
    assert_eq!(code(&set, &www(&[mx(10, "MAIL.Example.net.")])), "right");
    assert_eq!(code(&set, &www(&[mx(20, "mail.example.net.")])), "wrong-records");
    let upper = [(name("WWW.EXAMPLE.NET."), mx(10, "mail.example.net."))];
    assert_eq!(code(&set, &upper), "right");
}

#[test]
fn a_text_is_the_same_however_it_is_split_but_not_in_other_case() {
    let set = expecting(&[text(&["v=spf1 include:_spf.example.org -all"])]);
    let cut = text(&["v=spf1 ", "include:_spf.example.org", "", " -all"]);
    assert_eq!(code(&set, &www(&[cut])), "right");
    let missing_space = text(&["v=spf1", "include:_spf.example.org -all"]);
    assert_eq!(code(&set, &www(&[missing_space])), "wrong-records");
    let upper = text(&["V=SPF1 include:_spf.example.org -all"]);
    assert_eq!(code(&set, &www(&[upper])), "wrong-records");
    // Two texts are not one that is cut.
    let two = [text(&["v=spf1 include:_spf.example.org"]), text(&[" -all"])];
    assert_eq!(code(&set, &www(&two)), "wrong-records");
}

#[test]
fn an_alias_is_right_only_where_it_is_expected() {
    let alias = |to| RData::CNAME(CNAME(name(to)));
    let chain =
        [(name("www.example.net."), alias("web.example.net.")), (name("web.example.net."), a(1))];
    assert_eq!(code(&expecting(&[a(1)]), &chain), "alias");
    assert_eq!(code(&anything(RecordType::A), &chain), "alias");
    assert_eq!(code(&expecting(&[alias("web.example.net.")]), &chain), "right");
    let elsewhere = expecting(&[alias("other.example.net.")]);
    assert_eq!(code(&elsewhere, &chain), "wrong-records");
}

#[test]
fn records_of_another_name_are_a_fault_also_beside_the_right_ones() {
    let set = expecting(&[a(1)]);
    let other = || (name("not-www.example.net."), a(1));
    assert_eq!(code(&set, &[other()]), "other-owner");
    let beside = [(name("www.example.net."), a(1)), other()];
    assert_eq!(code(&set, &beside), "other-owner");
    // Of other types they are nobody's business: signatures come like that.
    let signature = [
        (name("www.example.net."), a(1)),
        (name("www.example.net."), text(&["not asked for"])),
        (name("elsewhere.example.net."), text(&["neither"])),
    ];
    assert_eq!(code(&set, &signature), "right");
}

#[test]
fn what_must_not_exist_is_wrong_when_it_does_and_when_the_name_is_denied_that_exists() {
    let denied = |set: &RecordSet| {
        let denied = Answer { rcode: ResponseCode::NXDomain, ..answer(set, &[]) };
        code_of(set, &denied)
    };
    let alias = RData::CNAME(CNAME(name("web.example.net.")));
    for (expected, said) in [
        (Expected::Nothing, ["right", "right", "unexpected-records", "alias"]),
        (Expected::NoData, ["right", "rcode-nxdomain", "unexpected-records", "alias"]),
        (Expected::Exists, ["right", "rcode-nxdomain", "right", "right"]),
    ] {
        let set = RecordSet { expected, ..anything(RecordType::A) };
        let with = |records: &[RData]| code(&set, &www(records));
        assert_eq!(
            [with(&[]), denied(&set), with(&[a(1)]), with(std::slice::from_ref(&alias))],
            said,
            "{set:?}"
        );
        for rcode in [ResponseCode::ServFail, ResponseCode::Refused] {
            assert_ne!(code_of(&set, &Answer { rcode, ..answer(&set, &[]) }), "right");
        }
        assert_eq!(code_of(&set, &Answer { aa: false, ..answer(&set, &[]) }), "not-authoritative");
    }
}

#[test]
fn two_soa_records_are_a_fault() {
    let set = anything(RecordType::SOA);
    assert_eq!(code(&set, &www(&[soa(1)])), "right");
    assert_eq!(code(&set, &www(&[soa(1), soa(2)])), "many-soa");
    assert_eq!(code(&set, &www(&[])), "no-records");
    let two = [ns("ns1.example.net."), ns("ns2.example.net.")];
    assert_eq!(code(&anything(RecordType::NS), &www(&two)), "right");
}

#[test]
fn the_header_counts_before_the_records() {
    let set = expecting(&[a(1)]);
    let lame = Answer { aa: false, ..with(&[a(1)]) };
    assert_eq!(code_of(&set, &lame), "not-authoritative");
    let failed = Answer { rcode: ResponseCode::ServFail, ..lame };
    assert_eq!(code_of(&set, &failed), "rcode-servfail");
    // TC over UDP never gets here (TCP is asked), and over TCP there is no such thing.
    let cut = Answer { tc: true, ..with(&[a(1)]) };
    let over_tcp = judge_answer(&set, &cut, Transport::Tcp).unwrap_err();
    assert_eq!(over_tcp.code().to_string(), "garbled");
}

#[test]
fn a_fault_is_short_and_the_same_however_much_a_server_sends() {
    let set = expecting(&[a(1)]);
    let detail = |set: &RecordSet, records: &[RData]| {
        let fault = judge_answer(set, &answer(set, &www(records)), Transport::Udp).unwrap_err();
        fault.to_string()
    };
    let addresses = |count: u32| -> Vec<RData> {
        (0..count).map(|n| RData::A(Ipv4Addr::from_bits(0x0a00_0000 + n).into())).collect()
    };
    let mut many = addresses(4_090);
    let short = detail(&set, &many);
    assert!(
        short.ends_with("10.0.0.0, 10.0.0.1, 10.0.0.10, 10.0.0.100, 10.0.0.101 and 4085 more"),
        "{short}"
    );
    many.reverse();
    assert_eq!(detail(&set, &many), short);
    let wide = text(&["x".repeat(250).as_str(); 240]);
    let texts = expecting(&[wide.clone(), text(&["short"])]);
    let long = detail(&texts, &[text(&["y".repeat(250).as_str(); 240])]);
    assert!(long.len() < 400, "{}", long.len());
    let kept = answer(&texts, &www(&[wide]));
    assert!(format!("{kept:?}").len() < 1_000);
}

#[test]
fn of_the_records_of_a_long_answer_none_is_kept() {
    let set = anything(RecordType::A);
    let short = format!("{:?}", answer(&set, &www(&[a(1)])));
    let long = format!("{:?}", answer(&set, &www(&vec![a(1); 4_090])));
    assert!(long.len() <= short.len() + 3, "{long}");
}
