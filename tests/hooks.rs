//! The person's own command: run for each change, and never in the way.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::TOKEN;
use crate::home::{Home, PATIENCE, shows, wait};

const STOPS_WITHIN: Duration = Duration::from_secs(2);

/// A home whose daemon, in a folder of the test's own, runs this.
fn home(command: &str, more: &str) -> Home {
    let home = Home::new();
    let folder = home.at("").display().to_string();
    let command = format!("cd {folder}; {command}");
    home.write_config(2, &format!("\n[hooks]\non-change = {command:?}\n{more}\n"));
    home.start();
    home.until("well", shows("well"));
    home
}

fn lines(home: &Home, name: &str) -> Vec<String> {
    let text = fs::read_to_string(home.at(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn breaks(home: &Home) {
    home.servers[1].nameserver().set(Behaviour::WrongAddress);
    home.until("down", shows("down"));
}

fn mends(home: &Home) {
    home.servers[1].nameserver().set(Behaviour::Good);
    home.until("well again", shows("well"));
}

#[test]
fn a_hook_receives_an_outage_and_its_end_and_no_token() {
    let home = home("cat >>changes; env >environment", "");
    breaks(&home);
    mends(&home);
    assert!(wait(PATIENCE, || lines(&home, "changes").len() == 2), "{}", home.log());
    let changes: Vec<Value> =
        lines(&home, "changes").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words = ["subject", "from", "to", "vantage"].map(|member| changes[0][member].clone());
    assert_eq!(words, ["ns2.example.net", "well", "down", "home"]);
    assert_eq!(changes[0]["faults"][0]["fault"], "wrong-records");
    assert_eq!((&changes[1]["from"], &changes[1]["to"]), (&"down".into(), &"well".into()));
    assert_eq!(
        (&changes[1]["since"], &changes[1]["incident"]),
        (&changes[0]["since"], &changes[0]["incident"])
    );
    home.until_logged("on-change has run: ns2.example.net is well (it was down)");
    let environment = lines(&home, "environment").join("\n");
    assert!(environment.contains("PATH="), "{environment}");
    for secret in [TOKEN, "GITHUB_TOKEN", "CREDENTIALS_DIRECTORY"] {
        assert!(!environment.contains(secret), "{environment}");
    }
}

/// Its shell, and a child of that which would outlive it.
const HANGS: &str = "echo $$ >>pids; sleep 1000 & echo $! >>pids; wait";

fn gone(home: &Home, count: usize) -> bool {
    let pids = lines(home, "pids");
    pids.len() >= count && pids[..count].iter().all(|pid| !Path::new("/proc").join(pid).exists())
}

#[test]
fn a_hook_that_hangs_is_killed_with_its_children_and_the_next_change_runs() {
    let home = home(HANGS, "timeout = \"1s\"");
    breaks(&home);
    home.until_logged("on-change took too long and was killed: ns2.example.net is down");
    assert!(wait(PATIENCE, || gone(&home, 2)), "{:?}", lines(&home, "pids"));
    mends(&home);
    home.until_logged("was killed: ns2.example.net is well");
}

#[test]
fn a_hook_that_hangs_delays_neither_rounds_nor_the_shutdown() {
    let home = home(HANGS, "timeout = \"1h\"");
    breaks(&home);
    assert!(wait(PATIENCE, || lines(&home, "pids").len() == 2), "{}", home.log());
    mends(&home);
    breaks(&home);
    home.signal("-TERM");
    assert_eq!(home.ended(STOPS_WITHIN).code(), Some(0));
    assert!(wait(PATIENCE, || gone(&home, 2)), "nothing stays behind");
    assert_eq!(lines(&home, "pids").len(), 2, "one at a time");
}

/// In the background, in a session of its own, and as the child of a process that is gone.
const LEAVES: &str = "exec >/dev/null 2>&1; sleep 1000 & echo $! >>pids; setsid sh -c 'echo $$ >>pids; sleep 1000' & \
                      (setsid setsid sleep 1000 & echo $! >>pids); until [ $(wc -l <pids) = 3 ]; do sleep 0.01; done";

#[test]
fn a_hook_leaves_no_process_behind() {
    let home = home(LEAVES, "");
    breaks(&home);
    home.until_logged("on-change has run: ns2.example.net is down");
    assert!(gone(&home, 3), "{:?}", lines(&home, "pids"));
}

#[test]
fn a_hook_that_fails_or_is_missing_is_a_line_in_the_log() {
    let home = home("test -e here && echo no >&2 && exit 3; ./no-such-program", "");
    breaks(&home);
    home.until_logged("on-change ended with exit status: 127: ns2.example.net is down");
    assert!(home.log().contains("not found"), "{}", home.log());
    fs::write(home.at("here"), "").unwrap();
    mends(&home);
    home.until_logged(
        "on-change ended with exit status: 3: ns2.example.net is well (it was down): no",
    );
}
