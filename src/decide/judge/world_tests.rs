use std::sync::Arc;

use super::*;
use crate::config::{Config, TEXT_ONLY};
use crate::decide::judge::uplink::Family;
use crate::decide::probe::world::{Link, WorldResult, world_checks};

fn config() -> Config {
    let text = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                zone = [{ name = 'example.net' }, { name = 'home.arpa' }, \
                { name = 'example.org', world = false }, { name = 'example.com', records = [ \
                { name = '@', type = 'NS', values = ['ns.example.com.'] }] }]";
    Config::parse_in(TEXT_ONLY, "", text).unwrap()
}

const PARENT: &str = "198.51.100.7:53";

fn walk(delegation: Delegation) -> Walk {
    let root = "198.51.100.1:53".parse().unwrap();
    let link = |zone: &str| Link {
        zone: Name::from_ascii(zone).unwrap(),
        parent: root,
        ds: Vec::new(),
        keys: None,
        ns: None,
    };
    Walk {
        root,
        links: vec![link("."), link("net."), link("example.net.")],
        replies: vec![ParentReply { server: PARENT.parse().unwrap(), delegation }],
        silent: None,
    }
}

fn found(outcome: WorldOutcome, uplink: Uplink, clock: bool) -> Verdict {
    let config = config();
    let check = Arc::clone(&world_checks(&config)[0]);
    let now = Moment { wall: clock.then_some(jiff::Timestamp::UNIX_EPOCH), ..Moment::default() };
    verdict(&WorldResult { check, outcome, packets: 9 }, uplink, &now, &config.schedule)
}

#[test]
fn private_names_and_zones_that_the_user_leaves_out_are_not_looked_at() {
    let zones: Vec<_> = world_checks(&config()).iter().map(|check| check.zone.to_ascii()).collect();
    assert_eq!(zones, ["example.net.", "example.com."]);
}

#[test]
fn a_nameserver_that_the_records_list_is_the_users_under_any_name_of_its_own() {
    let config = config();
    let fault = |name: &str| {
        let nameservers = vec![Name::from_ascii(name).unwrap()];
        let mut walk = walk(Delegation::Delegated { nameservers, glue: Vec::new() });
        walk.links[2].zone = Name::from_ascii("example.com.").unwrap();
        let check = Arc::clone(&world_checks(&config)[1]);
        let result = WorldResult { check, outcome: WorldOutcome::Walked(walk), packets: 9 };
        let verdict = verdict(&result, Uplink::ONLINE, &Moment::default(), &config.schedule);
        verdict.findings.first().map(|finding| finding.fault.to_string())
    };
    assert_eq!(fault("ns.example.com."), None);
    assert_eq!(fault("ns.example.org.").as_deref(), Some("other-nameservers"));
}

#[test]
fn without_the_uplink_or_root_servers_nothing_is_known_and_nothing_is_shown() {
    let expired = || WorldOutcome::Walked(walk(Delegation::NoSuchName));
    for family in [Family::Offline, Family::Intercepted, Family::Unused] {
        let uplink = Uplink { ipv4: family, ..Uplink::ONLINE };
        assert_eq!(found(expired(), uplink, true), Verdict::default());
    }
    assert_eq!(found(WorldOutcome::NoRoot, Uplink::ONLINE, true), Verdict::default());
    let known = found(expired(), Uplink::ONLINE, true);
    let [finding] = &known.findings[..] else { panic!("{known:?}") };
    assert_eq!(finding.fault.to_string(), "no-such-domain");
    assert_eq!(finding.command, "dig @198.51.100.7 +norecurse +nocookie example.net NS");
}

#[test]
fn before_the_clock_is_set_the_delegation_is_judged_and_no_signature() {
    let ns = Name::from_ascii("ns1.example.net.").unwrap();
    let delegated = |glue: &str| {
        let glue = vec![(ns.clone(), glue.parse().unwrap())];
        WorldOutcome::Walked(walk(Delegation::Delegated { nameservers: vec![ns.clone()], glue }))
    };
    let good = found(delegated("192.0.2.1"), Uplink::ONLINE, false);
    assert_eq!((good.observed_addresses, good.findings), (1, Vec::new()));
    let unknown = found(delegated("192.0.2.1"), Uplink::ONLINE, true);
    assert!(unknown.observed_addresses == 0 && unknown.why.is_some(), "{unknown:?}");
    let lost = found(delegated("192.0.2.9"), Uplink::ONLINE, false);
    assert_eq!(lost.findings[0].fault.to_string(), "glue");
}

#[test]
fn a_zone_above_whose_servers_are_all_silent_is_degraded() {
    let net = Name::from_ascii("net.").unwrap();
    let silent = Some((net, PARENT.parse().unwrap()));
    let walk =
        Walk { silent, links: Vec::new(), replies: Vec::new(), ..walk(Delegation::NoSuchName) };
    let verdict = found(WorldOutcome::Walked(walk), Uplink::ONLINE, true);
    assert_eq!(verdict.severity(), Some(crate::decide::judge::finding::Severity::Degraded));
    assert_eq!(verdict.findings[0].fault.to_string(), "unresolvable");
}
