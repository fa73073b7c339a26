//! What systemd and a person do to the built program: stop it, and have it read its configuration again.

use std::fs;
use std::time::Duration;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::TOKEN;
use crate::home::{Home, PATIENCE, shows};

/// What systemd, and whoever waits for a machine to switch off, should not have to wait longer than.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn sigterm_stops_the_daemon_and_removes_the_status_file() {
    let home = Home::new();
    home.start();
    home.until("well", shows("well"));
    home.signal("-TERM");
    let status = home.ended(STOPS_WITHIN);
    assert_eq!(status.code(), Some(0), "{}", home.log());
    assert!(!home.at("run/status.json").exists());
    assert!(home.log().contains("stopping"), "{}", home.log());
}

#[test]
fn a_github_that_hangs_delays_neither_rounds_nor_the_shutdown() {
    let home = Home::new();
    home.github.set_hang(true);
    home.start();
    assert!(home.github.wait_for_requests(1, PATIENCE));
    home.servers[1].nameserver().set(Behaviour::PortClosed);
    home.until("down", shows("down"));
    home.servers[1].nameserver().set(Behaviour::Good);
    home.until("well again", shows("well"));
    // The same request still hangs, and what happened meanwhile is kept.
    assert_eq!(home.github.requests(), ["GET /user"]);
    let kept = fs::read_to_string(home.at("state/unreported.json")).unwrap();
    assert!(kept.contains("ns2.example.net"), "{kept}");
    home.signal("-TERM");
    assert_eq!(home.ended(STOPS_WITHIN).code(), Some(0));
    // The next one files it.
    home.github.set_hang(false);
    home.start();
    let filed =
        home.github.wait_for(|issues| issues.iter().any(|issue| issue.state == "closed"), PATIENCE);
    assert!(filed, "{}", home.log());
    assert_eq!(home.github.issues().len(), 1);
}

#[test]
fn sighup_reads_a_good_configuration_and_rejects_a_bad_one() {
    let home = Home::new();
    home.start();
    let listed = |count: usize| {
        move |status: &serde_json::Value| {
            let servers = status["nameservers"].as_array();
            let well = status["state"] == "well";
            well && servers.is_some_and(|servers| servers.len() == count)
        }
    };
    home.until("well", listed(2));
    home.write_config(3, "");
    home.signal("-HUP");
    home.until("well with three", listed(3));
    home.until_logged("configuration read again: 3 nameservers at 3 addresses");

    home.write_config(2, "\n[[zone]]\nnaem = \"example.org\"\n");
    home.signal("-HUP");
    home.until_logged("the configuration has problems, and the old one stays in force:");
    home.until_logged("zone[1].naem");
    // All three are still asked.
    home.servers[2].nameserver().set(Behaviour::PortClosed);
    home.until("down", shows("down"));

    home.write_config(2, "");
    home.signal("-HUP");
    home.until("well with two", listed(2));
}

#[test]
fn sighup_reads_the_zone_file_again_and_a_broken_one_leaves_the_old_queries() {
    let home = Home::new();
    let zone = "@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\n@ NS ns2\n";
    fs::write(home.at("example.org.zone"), zone).unwrap();
    let file = "\n[[zone]]\nname = \"example.org\"\nfile = \"example.org.zone\"\n";
    home.write_config(2, file);
    home.start();
    home.until_logged("2 nameservers at 2 addresses, 14 questions every");

    let broken = format!("{zone}www A 192.0.2.80\nwww A 192.0.2.300\n");
    fs::write(home.at("example.org.zone"), broken).unwrap();
    home.signal("-HUP");
    home.until_logged("the configuration has problems, and the old one stays in force:");
    home.until_logged("example.org.zone:5: \"www A 192.0.2.300\" is not an IPv4 address");

    fs::write(home.at("example.org.zone"), format!("{zone}www A 192.0.2.80\n")).unwrap();
    home.signal("-HUP");
    home.until_logged("configuration read again: 2 nameservers at 2 addresses, 16 questions every");
}

#[test]
fn an_unreadable_state_file_is_renamed() {
    let home = Home::new();
    fs::create_dir(home.at("state")).unwrap();
    fs::write(home.at("state/unreported.json"), "[{\"subject\": 7}]").unwrap();
    home.start();
    home.until("well", shows("well"));
    let aside = fs::read_to_string(home.at("state/unreported.unreadable")).unwrap();
    assert_eq!(aside, "[{\"subject\": 7}]");
    assert!(home.log().contains("unreported.json: "), "{}", home.log());
}

#[test]
fn a_new_token_in_its_file_needs_no_restart() {
    let home = Home::new();
    let file = home.at("github-token");
    fs::write(&file, "expired\n").unwrap();
    let config = fs::read_to_string(home.at("pilotlight.toml")).unwrap();
    let config = config.replacen("[github]\n", "[github]\ntoken-file = \"github-token\"\n", 1);
    fs::write(home.at("pilotlight.toml"), config).unwrap();
    home.start();
    home.until("denied", |status| status["reporting"] == "denied");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    home.signal("-HUP"); // or within ten minutes
    home.until("heard", |status| status["reporting"] == "fine");
    home.signal("-TERM");
    assert!(home.ended(PATIENCE).success());
}
