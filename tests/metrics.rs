//! The textfile for Prometheus: what promtool says of it, and when it is there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fakes::dns::script::Behaviour;
use crate::home::{Home, PATIENCE, shows, wait};

/// What `promtool check metrics` has to say; nothing is good.
fn promtool(file: &Path) -> String {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(fs::File::open(file).unwrap()).stdout(Stdio::piped());
    let checked = promtool.output().expect("promtool is in Debian's prometheus: see tests/run");
    let said = [checked.stdout, checked.stderr].concat();
    format!("{}{}", checked.status, String::from_utf8_lossy(&said))
}

#[test]
fn promtool_finds_nothing_wrong_with_the_textfile() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/pilotlight.prom");
    assert_eq!(promtool(&file), "exit status: 0");
}

#[test]
fn the_textfile_follows_rounds_and_reloads_and_is_removed_at_the_end() {
    let home = Home::new();
    let up = |file: &str, value: u8| {
        let line = format!("subject=\"ns2.example.net\"}} {value}\n");
        let file = home.at(file);
        let seen = || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.contains(&format!("pilotlight_subject_up{{kind=\"nameserver\",{line}"))
        };
        assert!(wait(PATIENCE, seen), "{}", home.log());
    };
    home.write_config(2, "\n[metrics]\ntextfile = \"pilotlight.prom\"\n");
    home.start();
    up("run/pilotlight.prom", 1);
    home.servers[1].nameserver().set(Behaviour::WrongAddress);
    up("run/pilotlight.prom", 0);
    assert_eq!(promtool(&home.at("run/pilotlight.prom")), "exit status: 0");
    let elsewhere = home.at("elsewhere/other.prom");
    home.write_config(2, &format!("\n[metrics]\ntextfile = {:?}\n", elsewhere.display()));
    home.until("down", shows("down"));
    home.signal("-HUP");
    up("elsewhere/other.prom", 0);
    assert!(!home.at("run/pilotlight.prom").exists());
    home.signal("-TERM");
    home.ended(PATIENCE);
    assert!(!elsewhere.exists(), "what nobody keeps up to date any more says nothing");
}
