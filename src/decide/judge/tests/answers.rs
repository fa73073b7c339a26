//! One answer against one expected record set.

use crate::config::Expected;
use crate::config::RecordSet;
use crate::config::canonical;
use crate::decide::judge::fault::Fault;
use crate::decide::judge::nameserver::judge_answer;
use crate::decide::probe::query::Transport;
use crate::decide::probe::round::Answer;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::proto::rr::rdata::{CNAME, MX, NS, TXT};

use super::*;

fn text(strings: &[&str]) -> RData {
    RData::TXT(TXT::new(strings.iter().map(ToString::to_string).collect()))
}

/// `www.example.net`, which must hold these.
fn expecting(records: &[RData]) -> RecordSet {
    RecordSet {
        name: name("www.example.net."),
        rtype: records[0].record_type(),
        expected: Expected::Records(records.iter().map(canonical).collect()),
    }
}

fn anything(of: RecordType) -> RecordSet {
    RecordSet { name: name("www.example.net."), rtype: of, expected: Expected::Some }
}

/// The fault's code, or that there is none.
fn code(set: &RecordSet, answer: &Answer) -> String {
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
        assert_eq!(code(&set, &with(found)), said, "{found:?}");
    }
    let fault = judge_answer(&set, &with(&[a(1), a(3)]), Transport::Udp);
    let (missing, extra) = (vec![a(2)], vec![a(3)]);
    assert_eq!(fault, Err(Fault::Records { missing, extra }));
}

#[test]
fn a_zone_without_its_ns_records_has_a_fault_of_the_ns_set() {
    let ns = RData::NS(NS(name("ns1.example.net.")));
    assert_eq!(code(&expecting(&[ns]), &with(&[])), "ns-set");
    assert_eq!(code(&anything(RecordType::NS), &with(&[])), "no-records");
}

#[test]
fn the_letter_case_of_names_does_not_matter() {
    let mx = |preference, host| RData::MX(MX::new(preference, name(host)));
    let set = expecting(&[mx(10, "mail.example.net.")]);
    assert_eq!(code(&set, &with(&[mx(10, "MAIL.Example.net.")])), "right");
    assert_eq!(code(&set, &with(&[mx(20, "mail.example.net.")])), "wrong-records");
    let upper = answer(vec![(name("WWW.EXAMPLE.NET."), mx(10, "mail.example.net."))]);
    assert_eq!(code(&set, &upper), "right");
}

#[test]
fn a_text_is_the_same_however_it_is_split_but_not_in_other_case() {
    let set = expecting(&[text(&["v=spf1 include:_spf.example.org -all"])]);
    let cut = text(&["v=spf1 ", "include:_spf.example.org", "", " -all"]);
    assert_eq!(code(&set, &with(&[cut])), "right");
    let missing_space = text(&["v=spf1", "include:_spf.example.org -all"]);
    assert_eq!(code(&set, &with(&[missing_space])), "wrong-records");
    let upper = text(&["V=SPF1 include:_spf.example.org -all"]);
    assert_eq!(code(&set, &with(&[upper])), "wrong-records");
    // Two texts are not one that is cut.
    let two = [text(&["v=spf1 include:_spf.example.org"]), text(&[" -all"])];
    assert_eq!(code(&set, &with(&two)), "wrong-records");
}

#[test]
fn an_alias_is_right_only_where_it_is_expected() {
    let alias = |to| RData::CNAME(CNAME(name(to)));
    let chain = answer(vec![
        (name("www.example.net."), alias("web.example.net.")),
        (name("web.example.net."), a(1)),
    ]);
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
    assert_eq!(code(&set, &answer(vec![other()])), "other-owner");
    let beside = answer(vec![(name("www.example.net."), a(1)), other()]);
    assert_eq!(code(&set, &beside), "other-owner");
    // Of other types they are nobody's business: signatures come like that.
    let signature = answer(vec![
        (name("www.example.net."), a(1)),
        (name("www.example.net."), text(&["not asked for"])),
        (name("elsewhere.example.net."), text(&["neither"])),
    ]);
    assert_eq!(code(&set, &signature), "right");
}

#[test]
fn two_soa_records_are_a_fault() {
    let set = anything(RecordType::SOA);
    assert_eq!(code(&set, &with(&[soa(1)])), "right");
    assert_eq!(code(&set, &with(&[soa(1), soa(2)])), "many-soa");
    assert_eq!(code(&set, &with(&[])), "no-records");
    let two = [ns("ns1.example.net."), ns("ns2.example.net.")];
    assert_eq!(code(&anything(RecordType::NS), &with(&two)), "right");
}

#[test]
fn the_header_counts_before_the_records() {
    let set = expecting(&[a(1)]);
    let lame = Answer { aa: false, ..with(&[a(1)]) };
    assert_eq!(code(&set, &lame), "not-authoritative");
    let failed = Answer { rcode: ResponseCode::ServFail, ..lame };
    assert_eq!(code(&set, &failed), "rcode-servfail");
    // TC over UDP never gets here (TCP is asked), and over TCP there is no such thing.
    let cut = Answer { tc: true, ..with(&[a(1)]) };
    let over_tcp = judge_answer(&set, &cut, Transport::Tcp).unwrap_err();
    assert_eq!(over_tcp.code().to_string(), "garbled");
}
