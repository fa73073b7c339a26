//! The heartbeat of the built program, and the workflow that misses it: its very script, run with bash, curl
//! and jq against the embedded GitHub as GitHub Actions would run it.

use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::fakes::github::{GitHub, Issue, LOGIN, REPO, TOKEN};
use crate::github::description::as_described;
use crate::home::{Home, PATIENCE, shows, wait};
use crate::program::PROGRAM;

/// Who the repository's own token is, in a workflow.
const BOT: &str = "github-actions[bot]";
const BOTS_TOKEN: &str = "bots-token";

fn github() -> Arc<GitHub> {
    let github = Arc::new(GitHub::start());
    github.set_clock(|| Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    github.add_user(BOTS_TOKEN, BOT);
    github
}

fn home(vantage: &'static str, github: &Arc<GitHub>) -> Home {
    let mut home = Home::at_vantage(vantage, github);
    home.heartbeat = "1s";
    home.write_config(2, "");
    let config = std::fs::read_to_string(home.at("pilotlight.toml")).unwrap();
    let config = config.replace("\n[vantage]", "labels = [\"outage\"]\n\n[vantage]");
    std::fs::write(home.at("pilotlight.toml"), config).unwrap();
    home
}

/// The hidden record of a heartbeat.
fn hidden(body: &str) -> Value {
    let (_, rest) = body.split_once("<!-- pilotlight ").unwrap();
    serde_json::from_str(rest.split_once(" -->").unwrap().0).unwrap()
}

/// Seconds in which ns1 was well.
fn well(body: &str) -> u64 {
    let hidden = hidden(body);
    let days = hidden["record"]["past"]["ns1.example.net"][1].as_str().unwrap_or_default();
    let seconds = days.split(' ').filter_map(|day| day.split('.').nth(1));
    seconds.map(|seconds| seconds.parse::<u64>().unwrap()).sum()
}

fn sign(github: &GitHub, vantage: &str) -> Option<Issue> {
    let title = format!("pilotlight: {vantage} is watching");
    github.issues().into_iter().find(|issue| issue.title == title)
}

#[test]
fn a_vantage_edits_one_heartbeat_whose_figures_survive_a_power_cut() {
    let github = github();
    let home = home("home", &github);
    home.start();
    let counted = |issues: &[Issue]| issues.iter().any(|issue| well(&issue.body) >= 3);
    assert!(github.wait_for(counted, PATIENCE), "{}", home.log());
    home.kill();
    let before = sign(&github, "home").unwrap();
    assert!(before.body.contains("\n| ns1.example.net | well |"), "{}", before.body);
    let edits = || {
        let sent = github.requests_detailed();
        sent.into_iter().filter(|request| request.method == "PATCH").map(|request| request.body)
    };
    let old = edits().count();
    home.start();
    assert!(wait(PATIENCE, || edits().count() > old), "{}", home.log());
    let first: Value = serde_json::from_str(&edits().nth(old).unwrap()).unwrap();
    assert!(well(first["body"].as_str().unwrap()) >= well(&before.body), "{first}\n{before:?}");
    assert_eq!(github.issues().len(), 1, "and never a second one");
    assert!(before.comments.is_empty(), "nobody is notified");
    assert!(before.labels.is_empty(), "nor is it an outage");

    github.close_by_hand(1);
    let open = |issues: &[Issue]| issues[0].state == "open";
    assert!(github.wait_for(open, PATIENCE), "it lives: {}", home.log());
    assert_eq!(github.issues().len(), 1);
}

/// The workflow, as a YAML parser reads it, in one of its parts.
fn part(workflow: &str, path: &str) -> String {
    let mut yq = Command::new("yq");
    let yq = yq.args(["-r", path]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut yq = yq.expect("yq is in Debian: see tests/run");
    std::io::Write::write_all(&mut yq.stdin.take().unwrap(), workflow.as_bytes()).unwrap();
    let read = yq.wait_with_output().unwrap();
    assert!(read.status.success());
    String::from_utf8(read.stdout).unwrap().trim_end().to_owned()
}

/// Prints the workflow for a configuration.
fn printed(home: &Home) -> String {
    let mut program = Command::new(PROGRAM);
    program.args(["report", "--workflow", "--config"]).arg(home.at("pilotlight.toml"));
    let program = program.env("GITHUB_TOKEN", TOKEN).env_remove("CREDENTIALS_DIRECTORY");
    let printed = program.output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    String::from_utf8(printed.stdout).unwrap()
}

/// Runs its script once; what it says, or how it fails.
fn run(workflow: &str, github: &GitHub) -> Result<String, String> {
    let step = ".jobs.silence.steps[0]";
    let mut bash = Command::new("bash");
    // The shell that `shell: bash` is.
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c"]);
    bash.arg(part(workflow, &format!("{step}.run")));
    bash.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    bash.env("ACCOUNTS", part(workflow, &format!("{step}.env.ACCOUNTS")));
    bash.env("GITHUB_TOKEN", BOTS_TOKEN).env("GITHUB_REPOSITORY", REPO);
    let ran = bash.env("GITHUB_API_URL", github.url()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    if ran.status.success() { Ok(said) } else { Err(said) }
}

/// Makes a sign look as if it had been given so many hours ago.
fn age(github: &GitHub, vantage: &str, hours: i64) -> String {
    let sign = sign(github, vantage).unwrap();
    let at = hidden(&sign.body)["at"].as_str().unwrap().to_owned();
    let old = Timestamp::now() - SignedDuration::from_hours(hours);
    let old = old.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    github.edit_by_hand(sign.number, |issue| issue.body = issue.body.replace(&at, &old));
    old
}

fn alarms(github: &GitHub) -> Vec<Issue> {
    let issues = github.issues().into_iter();
    issues.filter(|issue| issue.user == BOT && issue.title.starts_with("pilotlight: ")).collect()
}

fn states(github: &GitHub) -> Vec<(String, String)> {
    alarms(github).into_iter().map(|issue| (issue.title, issue.state)).collect()
}

/// The manual shows the issue.
fn assert_in_the_manual(issue: &str) {
    let manual = include_str!("../src/decide/report/README.md");
    for line in issue.lines().skip(1).filter(|line| !line.is_empty()) {
        assert!(manual.contains(&format!("\n> {line}\n")), "{line}");
    }
}

#[test]
fn each_silent_vantage_has_one_alarm_until_its_heartbeat_returns() {
    let github = github();
    github.fill(500); // so that there are pages
    let homes = ["home", "office", "cabin"].map(|name| home(name, &github));
    for home in &homes {
        home.start();
        home.until("well", shows("well"));
    }
    for name in ["home", "office", "cabin"] {
        assert!(wait(PATIENCE, || sign(&github, name).is_some()), "{name}");
    }
    let workflow = printed(&homes[0]);
    assert_eq!(part(&workflow, ".permissions | tojson"), r#"{"issues":"write"}"#);
    assert_eq!(run(&workflow, &github), Ok(String::new()), "all is well");

    // All of them are unplugged; and somebody else says that one is alive.
    homes.iter().for_each(Home::kill);
    let old = age(&github, "home", 5);
    age(&github, "office", 7);
    let fresh = sign(&github, "cabin").unwrap().body.replace("\"cabin\"", "\"office\"");
    github.open_as("octocat", "pilotlight: office is watching", &fresh);
    let silent =
        |vantage: &str| (format!("pilotlight: {vantage} has gone silent"), "open".to_owned());
    let (home, office, cabin) = (silent("home"), silent("office"), silent("cabin"));
    run(&workflow, &github).unwrap();
    assert_eq!(states(&github), [home.clone(), office.clone()]);
    let told = alarms(&github)[0].body.clone();
    let number = sign(&github, "home").unwrap().number;
    assert!(told.contains(&format!("at **{old}** (issue #{number})")), "{told}");
    assert_in_the_manual(
        &told.replace(&old, "2026-03-01T03:00:00Z").replace(&format!("#{number}"), "#1"),
    );
    // A comment, or a label, is no heartbeat.
    github.comment_as("octocat", number, "Is it?");
    assert_eq!(run(&workflow, &github), Ok(String::new()));
    assert_eq!(states(&github), [home.clone(), office.clone()]);

    // Closed by hand, an alarm stays closed; and the third vantage makes its own.
    github.close_by_hand(alarms(&github)[0].number);
    age(&github, "cabin", 9);
    run(&workflow, &github).unwrap();
    let closed = |(title, _): (String, String)| (title, "closed".to_owned());
    assert_eq!(states(&github), [closed(home.clone()), office.clone(), cabin.clone()]);

    // One is back, one is taken out of service; the first dies anew.
    let since = sign(&github, "office").unwrap().body;
    homes[1].start();
    assert!(wait(PATIENCE, || sign(&github, "office").unwrap().body != since));
    homes[1].kill();
    github.close_by_hand(sign(&github, "cabin").unwrap().number);
    age(&github, "home", 4);
    run(&workflow, &github).unwrap();
    assert_eq!(states(&github), [closed(home.clone()), closed(office), closed(cabin), home]);
    let [_, office, cabin, _] = &alarms(&github)[..] else { panic!() };
    let back = "The heartbeat is back, written at 20";
    assert!(office.comments[0].body.starts_with(back), "{office:?}");
    assert!(cabin.comments[0].body.contains("was closed"), "{cabin:?}");
    as_described(&github);
}

#[test]
fn a_repository_without_a_heartbeat_or_a_failing_github_fails_the_run() {
    let github = github();
    let home = home("home", &github);
    let workflow = printed(&home);
    let sign =
        "<!-- pilotlight {\"life\":\"home\",\"at\":\"2026-01-01T00:00:00Z\",\"every\":60} -->";
    github.open_as("octocat", "pilotlight: home is watching", sign);
    let failed = run(&workflow, &github).unwrap_err();
    assert!(failed.contains("No open issue of pilot is a heartbeat"), "{failed}");
    github.open_as(LOGIN, "pilotlight: home is watching", sign);
    github.set_permission(BOTS_TOKEN, crate::fakes::github::Permission::Read);
    let failed = run(&workflow, &github).unwrap_err();
    assert!(failed.contains("403"), "{failed}");
    github.set_permission(BOTS_TOKEN, crate::fakes::github::Permission::None);
    assert!(run(&workflow, &github).is_err(), "what cannot be read is not nothing");
    assert_eq!(alarms(&github), []);
}

#[test]
fn neither_large_nor_unreadable_heartbeats_keep_a_silence_from_being_told() {
    let github = github();
    let workflow = printed(&home("home", &github));
    // Twenty vantages whose records fill an issue (65,536 characters): ten times what a command line holds.
    let record = "0.3600.20000 ".repeat(5_000);
    for n in 0..20 {
        let heartbeat = format!(
            "<!-- pilotlight {{\"life\":\"v{n:02}\",\"at\":\"2026-01-01T00:00:00Z\",\"every\":60,\
             \"record\":\"{record}\"}} -->"
        );
        github.open_as(LOGIN, &format!("pilotlight: v{n:02} is watching"), &heartbeat);
    }
    for broken in ["\"broken\",\"at\":\"yesterday\",\"every\":60", "7", "\"short\""] {
        let heartbeat = format!("<!-- pilotlight {{\"life\":{broken}}} -->");
        github.open_as(LOGIN, "pilotlight: broken is watching", &heartbeat);
    }
    let failed = run(&workflow, &github).unwrap_err();
    assert!(failed.contains("cannot be read: #"), "{failed}");
    let told: Vec<String> = states(&github).into_iter().map(|(title, _)| title).collect();
    let expected: Vec<String> =
        (0..20).map(|n| format!("pilotlight: v{n:02} has gone silent")).collect();
    assert_eq!(told, expected);
}
