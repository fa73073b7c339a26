//! The anchors are asked with the nameservers and after them. While our own connection cannot be believed, no
//! nameserver is well or down.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::fakes::dns::memnet::Family as Internet;
use pilotlight::decide::judge::uplink::Family;

const ANCHOR_4: &str = "127.0.0.1:53";
const ANCHOR_6: &str = "[::1]:53";
const NOWHERE_4: &str = "127.0.0.9:53";
const NOWHERE_6: &str = "[::1]:9";
const SERVER_4: &str = "127.0.0.2:53";
const SERVER_6: &str = "[::1]:2";

/// An anchor and one nameserver, on both internets; nothing at the two addresses for interception.
struct Home {
    net: MemNet,
    anchor_4: Nameserver,
    anchor_6: Nameserver,
    server: Nameserver,
    config: Config,
}

fn home(addresses: &[&str], behaviour: Behaviour) -> Home {
    let net = MemNet::new();
    let (anchor_4, anchor_6) = (anchor(), anchor());
    let server = Nameserver::behaving([zone()], behaviour);
    net.add(at(ANCHOR_4), anchor_4.clone());
    net.add(at(ANCHOR_6), anchor_6.clone());
    net.add(at(SERVER_4), server.clone());
    net.add(at(SERVER_6), server.clone());
    let config = config(
        &[addresses.iter().map(|address| at(address)).collect()],
        WWW,
        &[at(ANCHOR_4), at(ANCHOR_6)],
        &[at(NOWHERE_4), at(NOWHERE_6)],
    );
    Home { net, anchor_4, anchor_6, server, config }
}

impl Home {
    /// What is believed of IPv4 and IPv6, and what is said of the nameserver.
    async fn look(&self) -> ((Family, Family), Verdict) {
        let (_, judgement) = look(&self.net, &self.config, product()).await;
        let uplink = judgement.uplink;
        let [(0, verdict)] = &judgement.verdicts[..] else {
            panic!("one nameserver: {:?}", judgement.verdicts);
        };
        ((uplink.ipv4, uplink.ipv6), verdict.clone())
    }
}

fn unknown(unseen: &[&str]) -> Verdict {
    Verdict {
        unobserved_addresses: unseen.iter().map(|address| at(address)).collect(),
        ..Verdict::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_fails_during_a_round_leaves_nameservers_unknown() {
    let home = home(&[SERVER_4], Behaviour::Good);
    let (net, packets) = (home.net.clone(), AtomicUsize::new(0));
    home.server.set(Behaviour::custom(move |_, _| {
        // By the second attempt the anchors have answered long ago.
        if packets.fetch_add(1, Ordering::Relaxed) == 1 {
            net.cut(Internet::V4);
        }
        Vec::new()
    }));
    let (round, _) = look(&home.net, &home.config, product()).await;
    home.net.mend(Internet::V4);
    assert!(matches!(
        round.before[0].outcome,
        pilotlight::decide::probe::round::Outcome::Answer(_)
    ));
    let judgement = judge(&home.config, &round);
    assert_eq!(judgement.uplink.ipv4, Family::Offline);
    assert_eq!(judgement.verdicts, [(0, unknown(&[SERVER_4]))]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_returns_during_a_round_leaves_nameservers_unknown() {
    let home = home(&[SERVER_4], Behaviour::Good);
    home.net.cut(Internet::V4);
    let mend = async {
        // The anchors have been given up after four seconds; the last attempt comes at 5.5 s.
        tokio::time::sleep(Duration::from_secs(5)).await;
        home.net.mend(Internet::V4);
    };
    let ((uplink, verdict), ()) = tokio::join!(home.look(), mend);
    assert_eq!(uplink, (Family::Offline, Family::Unused));
    assert!(home.server.count() > 0, "it was asked, and answered");
    assert_eq!(verdict, unknown(&[SERVER_4]));
}

#[tokio::test(start_paused = true)]
async fn a_fault_counts_if_the_anchors_answer_before_and_after() {
    let home = home(&[SERVER_4], Behaviour::Refused);
    let (uplink, verdict) = home.look().await;
    assert_eq!(uplink, (Family::Online, Family::Unused));
    assert_eq!(said(&verdict), "down: rcode-refused");
    assert_eq!(home.anchor_4.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn anchors_are_queried_once_and_twice_before_they_count_as_silent() {
    let home = home(&[SERVER_4], Behaviour::Good);
    assert_eq!(said(&home.look().await.1), "well");
    assert_eq!(home.anchor_4.count(), 1);
    home.anchor_4.set(Behaviour::DropFirst(1));
    home.anchor_4.forget();
    let (uplink, verdict) = home.look().await;
    assert_eq!((uplink.0, said(&verdict).as_str()), (Family::Online, "well"));
    assert_eq!(home.anchor_4.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_ipv6_at_home_only_ipv4_is_judged() {
    for (behaviour, verdict) in
        [(Behaviour::Good, "well"), (Behaviour::Refused, "down: rcode-refused")]
    {
        for cut in [MemNet::cut, MemNet::unreachable] {
            let home = home(&[SERVER_4, SERVER_6], behaviour.clone());
            cut(&home.net, Internet::V6);
            let (uplink, found) = home.look().await;
            assert_eq!(uplink, (Family::Online, Family::Offline));
            assert_eq!(
                (found.observed_addresses, found.unobserved_addresses.as_slice()),
                (1, &[at(SERVER_6)][..])
            );
            assert_eq!(said(&found), verdict);
            assert!(found.findings.iter().all(|row| row.address == at(SERVER_4)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_network_everything_is_unknown() {
    for cut in [MemNet::cut, MemNet::unreachable] {
        let home = home(&[SERVER_4, SERVER_6], Behaviour::Good);
        cut(&home.net, Internet::V4);
        cut(&home.net, Internet::V6);
        let (uplink, verdict) = home.look().await;
        assert_eq!(uplink, (Family::Offline, Family::Offline));
        assert_eq!(verdict, unknown(&[SERVER_4, SERVER_6]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_address_is_down_while_the_anchors_answer() {
    // The other way round than at home without IPv6: the network says no, and yet we are online.
    let home = home(&[SERVER_4], Behaviour::Good);
    home.net.remove(at(SERVER_4));
    let (uplink, verdict) = home.look().await;
    assert_eq!(uplink.0, Family::Online);
    assert_eq!(said(&verdict), "down: silent");
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_an_intercept_address_makes_its_family_unknown_and_no_other() {
    for behaviour in [Behaviour::Good, Behaviour::Refused, Behaviour::NotAuthoritative] {
        let home = home(&[SERVER_4, SERVER_6], Behaviour::Good);
        // An interceptor answers for all addresses, well or badly.
        home.net.add(at(NOWHERE_4), Nameserver::behaving([zone()], behaviour));
        let (uplink, verdict) = home.look().await;
        assert_eq!(uplink, (Family::Intercepted, Family::Online));
        assert_eq!(
            (verdict.observed_addresses, verdict.unobserved_addresses.as_slice()),
            (1, &[at(SERVER_4)][..])
        );
        assert_eq!(verdict.findings, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_without_a_nameserver_at_an_intercept_address_is_no_interception() {
    let home = home(&[SERVER_4], Behaviour::Good);
    home.net.close(at(NOWHERE_4));
    let (uplink, verdict) = home.look().await;
    assert_eq!((uplink.0, said(&verdict).as_str()), (Family::Online, "well"));
}

#[tokio::test(start_paused = true)]
async fn an_anchor_without_authority_is_interception() {
    let home = home(&[SERVER_4, SERVER_6], Behaviour::Refused);
    home.anchor_4.set(Behaviour::NotAuthoritative);
    let (uplink, verdict) = home.look().await;
    assert_eq!(uplink, (Family::Intercepted, Family::Online));
    assert!(verdict.findings.iter().all(|row| row.address == at(SERVER_6)));
    assert_eq!(verdict.unobserved_addresses, [at(SERVER_4)]);
}

#[tokio::test(start_paused = true)]
async fn a_family_without_nameservers_gets_no_query() {
    let home = home(&[SERVER_4], Behaviour::Refused);
    // Not even interception counts there: its address is not asked.
    let nowhere = anchor();
    home.net.add(at(NOWHERE_6), nowhere.clone());
    let (uplink, _) = home.look().await;
    assert_eq!(uplink, (Family::Online, Family::Unused));
    assert_eq!((home.anchor_4.count(), home.anchor_6.count(), nowhere.count()), (2, 0, 0));
}
