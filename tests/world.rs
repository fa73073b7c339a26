//! Zones as the world sees them: a private root, a zone below it and ours, each on NSD and signed by BIND's tools, and
//! the built program that looks at them.

mod served;

use std::thread;

use serde_json::Value;

use served::{DELEGATION, ECDSA, SOA, World, ZONE};

/// State, fault codes, and details of a zone.
fn seen(zone: &Value) -> String {
    let faults = zone["faults"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let faults: Vec<String> =
        faults.iter().map(|f| format!(" {}: {}", text(&f["fault"]), text(&f["detail"]))).collect();
    format!("{}{}{}", text(&zone["state"]), faults.concat(), text(&zone["unseen_why"]))
}

/// A name, what is seen, and the look.
type Case = (&'static str, &'static str, Box<dyn FnOnce() -> Value + Send>);

/// Runs the cases at once, and names those that are not seen so.
fn all(cases: Vec<Case>) {
    let wrong = thread::scope(|scope| {
        let started: Vec<_> = cases
            .into_iter()
            .map(|(name, expected, look)| (name, expected, scope.spawn(look)))
            .collect();
        let ended = started.into_iter().filter_map(|(name, expected, look)| {
            let seen = look.join().map_or_else(|_| "a panic".to_owned(), |zone| seen(&zone));
            (!seen.starts_with(expected)).then(|| format!("{name}: {seen}"))
        });
        ended.collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn case(
    name: &'static str,
    expected: &'static str,
    look: impl FnOnce() -> Value + Send + 'static,
) -> Case {
    (name, expected, Box::new(look))
}

#[test]
fn a_signed_zone_is_well_with_every_algorithm_and_digest_and_one_that_cannot_be_verified_is_unknown()
 {
    let with = |algorithm: &'static str, digest: &'static str| {
        move || {
            let mut world = World::new(algorithm);
            world.ds = world.signer.ds(&world.key, digest);
            world.look()
        }
    };
    let unsigned = |options: &'static [&'static str]| {
        move || {
            let mut world = World::new(ECDSA);
            (world.ds, world.zone) = (String::new(), format!("{SOA}{ZONE}"));
            world.tld_options = options.to_vec();
            world.look()
        }
    };
    all(vec![
        case("8", "well", with("RSASHA256", "SHA-256")),
        case("13", "well", with(ECDSA, "SHA-1")),
        case("15", "well", with("ED25519", "SHA-384")),
        case("16", "unknown", with("ED448", "SHA-256")),
        case("unsigned, NSEC", "well", unsigned(&[])),
        case("unsigned, NSEC3 with opt-out", "well", unsigned(&["-3", "-", "-A", "-u"])),
    ]);
}

/// The text with one letter of the last signature over this type at this owner changed.
fn corrupt(zone: &str, owner: &str, rtype: &str) -> String {
    let lines = zone.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hit = words.first() == Some(&owner) && words.get(3..5) == Some(&["RRSIG", rtype][..]);
        match (hit, words.last()) {
            (true, Some(last)) => {
                let first = if last.starts_with('A') { 'B' } else { 'A' };
                line.replace(last, &format!("{first}{}", &last[1..])) + "\n"
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// The text without the signatures over this type at this owner.
fn unsigned(zone: &str, owner: &str, rtype: &str) -> String {
    let lines = zone.lines().filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.first() != Some(&owner) || words.get(3..5) != Some(&["RRSIG", rtype][..])
    });
    lines.map(|line| format!("{line}\n")).collect()
}

const PAST: [&str; 4] = ["-s", "20200101000000", "-e", "20200201000000"];
const FUTURE: [&str; 4] = ["-s", "20900101000000", "-e", "20900201000000"];

#[test]
fn the_chain_of_trust() {
    all([broken_delegation(), broken_signatures(), broken_above()].into_iter().flatten().collect());
}

/// A look after a change of our zone.
fn ours(change: fn(&mut World)) -> impl FnOnce() -> Value + Send {
    move || {
        let mut world = World::new(ECDSA);
        change(&mut world);
        world.look()
    }
}

/// A look with another zone above ours.
fn tld(change: fn(&World) -> String) -> impl FnOnce() -> Value + Send {
    move || {
        let world = World::new(ECDSA);
        world.look_with(&world.root(), &change(&world), &world.root_key)
    }
}

fn broken_delegation() -> Vec<Case> {
    vec![
        case(
            "DS without its key",
            "down ds-without-key",
            ours(|world| {
                let other = world.signer.key("example.test", ECDSA, true);
                world.ds = world.signer.ds(&other, "SHA-256");
            }),
        ),
        case(
            "DS for an unsigned zone",
            "down ds-unsigned",
            ours(|world| {
                world.zone = format!("{SOA}{ZONE}");
            }),
        ),
        case("an ended signature", "down signature-ended", ours(|world| world.sign(&PAST))),
        case(
            "a signature of the future",
            "down signature-ahead",
            ours(|world| {
                world.sign(&FUTURE);
            }),
        ),
    ]
}

fn broken_signatures() -> Vec<Case> {
    vec![
        case(
            "a corrupt signature of DNSKEY",
            "down signature-wrong: has a DNSKEY set",
            ours(|world| {
                world.zone = corrupt(&world.zone, "example.test.", "DNSKEY");
            }),
        ),
        case(
            "no signature of DNSKEY",
            "down signature-wrong: has a DNSKEY set",
            ours(|world| {
                world.zone = unsigned(&world.zone, "example.test.", "DNSKEY");
            }),
        ),
        case(
            "DNSKEY signed with the ZSK only",
            "down signature-wrong: has a DNSKEY set",
            ours(|world| {
                let (key, zsk) =
                    (world.key.clone(), world.signer.key("example.test", ECDSA, false));
                world.sign_with((&[&key, &zsk], &[&zsk]), &[]);
            }),
        ),
        case(
            "a corrupt signature of NS",
            "down signature-wrong: has a NS set",
            ours(|world| {
                world.zone = corrupt(&world.zone, "example.test.", "NS");
            }),
        ),
    ]
}

fn broken_above() -> Vec<Case> {
    vec![
        case(
            "DS without a signature",
            "down chain-above: breaks the chain of trust at test,",
            tld(|world| unsigned(&world.tld(), "example.test.", "DS")),
        ),
        case(
            "the TLD's signature corrupt",
            "down chain-above: breaks the chain of trust at test,",
            tld(|world| corrupt(&world.tld(), "test.", "DNSKEY")),
        ),
        case(
            "no DS, and the proof corrupt",
            "down chain-above: breaks the chain of trust at test,",
            || {
                let mut world = World::new(ECDSA);
                (world.ds, world.zone) = (String::new(), format!("{SOA}{ZONE}"));
                let tld = corrupt(&world.tld(), "example.test.", "NSEC");
                world.look_with(&world.root(), &tld, &world.root_key)
            },
        ),
        case("another root", "down chain-above: breaks the chain of trust at the root,", || {
            let world = World::new(ECDSA);
            let other = world.signer.key("", ECDSA, true);
            world.look_with(&world.root(), &world.tld(), &other)
        }),
    ]
}

#[test]
fn the_delegation() {
    let with = |delegation: &'static str| {
        move || {
            let mut world = World::new(ECDSA);
            world.ds = String::new();
            world.delegation = delegation.to_owned();
            world.look()
        }
    };
    all(vec![
        case("expired", "down no-such-domain", with("")),
        case("no delegation", "down not-delegated", with("example TXT text\n")),
        case(
            "CNAME",
            "down not-delegated: has a CNAME to parking.test",
            with("example CNAME parking\n"),
        ),
        case(
            "moved",
            "down other-nameservers: delegates the zone to ns.parking.test,",
            with("example NS ns.parking\nns.parking A 127.0.61.5\n"),
        ),
        case(
            "one is missing",
            "degraded delegation-differs: delegates the zone to other",
            with("example NS ns1.example\nns1.example A 127.0.61.4\n"),
        ),
        case(
            "one more",
            "degraded delegation-differs: delegates the zone to other",
            with(
                "example NS ns1.example\nexample NS ns2.example\nexample NS ns3.example\n\
             ns1.example A 127.0.61.4\nns2.example A 127.0.61.5\nns3.example A 127.0.61.5\n",
            ),
        ),
    ]);
}

#[test]
fn the_glue() {
    let with = |delegation: &'static str| {
        move || {
            let mut world = World::new(ECDSA);
            world.ds = String::new();
            world.delegation = delegation.to_owned();
            world.look()
        }
    };
    all(vec![
        case("right", "well", with(DELEGATION)),
        case(
            "wrong glue",
            "degraded glue: has the address (glue) 127.0.61.9 for ns2.example.test",
            with(
                "example NS ns1.example\nexample NS ns2.example\n\
             ns1.example A 127.0.61.4\nns2.example A 127.0.61.9\n",
            ),
        ),
        case(
            "all glue wrong",
            "down glue: leads to none of your nameservers",
            with(
                "example NS ns1.example\nexample NS ns2.example\n\
             ns1.example A 127.0.61.8\nns2.example A 127.0.61.9\n",
            ),
        ),
    ]);
}

#[test]
fn two_servers_of_the_zone_above() {
    let look = |second: fn(&mut World)| {
        move || {
            let mut world = World::new(ECDSA);
            let first = world.tld();
            second(&mut world);
            let second = world.tld();
            world.look_with_both(&world.root(), [&first, &second], &world.root_key)
        }
    };
    all(vec![
        case("alike", "well", look(|_| {})),
        case(
            "apart",
            "degraded parents-differ: answers otherwise than 127.0.61.",
            look(|world| {
                world.delegation = DELEGATION.replace("example NS ns2", "example NS ns3");
            }),
        ),
    ]);
}

#[test]
fn the_time_that_its_signatures_have_left() {
    let look = |begins: &'static str, ends: &'static str| {
        move || {
            let mut world = World::new(ECDSA);
            world.sign(&["-s", begins, "-e", ends]);
            world.look()
        }
    };
    all(vec![
        case(
            "a day of a month",
            "degraded signature-ends: has a ",
            look("now-2592000", "now+86400"),
        ),
        case("a day of two", "well", look("now-86400", "now+86400")),
        case("an hour of two days", "degraded signature-ends", look("now-172800", "now+3600")),
    ]);
}

#[test]
fn every_row_of_the_manual_has_a_test_of_its_name() {
    let manual = std::fs::read_to_string("src/decide/README.md").unwrap();
    let (_, section) = manual.split_once("### Zones, as the world sees them").unwrap();
    let (_, table) = section.split_once("| what is looked at |").unwrap();
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<&str> = lines.map(|line| line.split('|').nth(1).unwrap().trim()).collect();
    assert!(rows.len() >= 5, "{rows:?}");
    let tests = std::fs::read_to_string(file!()).unwrap();
    for row in rows {
        assert!(tests.contains(&format!("fn {}()", row.replace(' ', "_"))), "{row}");
    }
}

/// RFC 6781: ZSK by pre-publication, KSK by double signature.
#[test]
fn every_step_of_a_zsk_and_of_a_ksk_rollover_is_well() {
    let step = |n: usize| {
        move || {
            let mut world = World::new(ECDSA);
            let key = |ksk| world.signer.key("example.test", ECDSA, ksk);
            let (ksk, new_ksk, zsk, new_zsk) = (key(true), key(true), key(false), key(false));
            let (all, steps) = (
                [&ksk, &new_ksk, &zsk, &new_zsk],
                [
                    (vec![0, 2], vec![0, 2], vec![0]),
                    (vec![0, 2, 3], vec![0, 2], vec![0]),
                    (vec![0, 2, 3], vec![0, 3], vec![0]),
                    (vec![0, 3], vec![0, 3], vec![0]),
                    (vec![0, 1, 3], vec![0, 1, 3], vec![0]),
                    (vec![0, 1, 3], vec![0, 1, 3], vec![0, 1]),
                    (vec![0, 1, 3], vec![0, 1, 3], vec![1]),
                    (vec![1, 3], vec![1, 3], vec![1]),
                ],
            );
            let (published, signing, ds) = &steps[n];
            let keys = |list: &[usize]| list.iter().map(|&n| all[n]).collect::<Vec<_>>();
            world.ds = ds.iter().map(|&n| world.signer.ds(all[n], "SHA-256")).collect();
            let text = format!("{SOA}{ZONE}");
            let keys = (keys(published), keys(signing));
            world.zone = world.signer.sign("example.test", &text, (&keys.0, &keys.1), &[]);
            world.look()
        }
    };
    let names =
        ["before", "new ZSK", "signs", "old ZSK gone", "new KSK", "both DS", "new DS", "after"];
    all(names.into_iter().enumerate().map(|(n, name)| case(name, "well", step(n))).collect());
}
