//! What a person types, what it prints, and the exit codes that scripts rely on.

use std::fs;
use std::process::Command;

use crate::program::{PROGRAM, Ran, Setting, loopback};

pub(super) const ZONES: &str = r#"
[[zone]]
name = "example.net"
records = [{ name = "www", type = "A", values = ["192.0.2.80"] }]
"#;

/// The configuration of nobody: good, and never asked.
pub(super) fn unasked() -> Setting {
    let at = "127.0.0.1:5301".parse().unwrap();
    let anchor = "127.0.0.2:5301".parse().unwrap();
    Setting::new(&loopback(&[at], &[anchor], ZONES))
}

#[test]
fn config_lists_each_name_with_its_types() {
    let setting = unasked();
    let mut text = fs::read_to_string(&setting.config).unwrap();
    let record = |name: &str, rtype: &str| {
        format!("{{ name = {name:?}, type = {rtype:?}, values = [\"127.0.0.9\"] }}, ")
    };
    let more: String = (0..16).map(|n| record(&format!("host{n}"), "A")).collect();
    text.push_str(&format!(
        "[[zone]]\nname = \"example.org\"\nrecords = [{}{}{{ name = \"www\", type = \"AAAA\", values = [\"::1\"] }}]\n",
        record("www", "A"), more
    ));
    fs::write(&setting.config, text).unwrap();
    let ran = setting.run(&["config"]);
    let expected = "no problems

1 ns1.example.net at 127.0.0.1:5301
example.net on ns1.example.net
    @ SOA NS; www A
example.org on ns1.example.net
    @ SOA NS; www A AAAA; host0 A; host1 A; host2 A; host3 A; host4 A; host5 A; host6 A; host7 A;
    host8 A; host9 A; host10 A; host11 A; host12 A; host13 A; host14 A; host15 A
once an hour, to find an open resolver: . SOA

25 queries every 10 min; a fault is checked again after 10 s, and counts after 3 in a row
anchors that prove the uplink of test: 127.0.0.2:5301
no [github] section: no issues, only lamps and log
";
    assert_eq!(ran.out, format!("{}: {expected}", setting.config.display()), "{ran:?}");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn config_needs_the_files_that_reports_read() {
    let setting = unasked();
    let mut text = fs::read_to_string(&setting.config).unwrap();
    text.push_str(
        "[github]\nrepository = \"octocat/infra\"\nca = \"ca.pem\"\ntoken-file = \"token\"\n",
    );
    fs::write(&setting.config, &text).unwrap();
    let line = text.lines().count() - 1;
    let file = setting.config.display();
    let next =
        "put it there, or name another (the path is relative to the folder of the configuration)";
    let expected = format!(
        "{file}:{line}: github.ca: \"ca.pem\" names a file that does not exist\n    {next}\n\
         \n1 problem\n"
    );
    let ran = setting.run(&["config"]);
    assert_eq!((ran.code, ran.err), (Some(78), expected));
    fs::write(setting.dir.path().join("ca.pem"), "garbage").unwrap();
    let ran = setting.run(&["config"]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains("github.ca: \"ca.pem\" has no certificate in it\n"), "{ran:?}");
    fs::copy("tests/fakes/web/ca.pem", setting.dir.path().join("ca.pem")).unwrap();
    // The configuration of a card is checked on a desk, where no token is.
    let token = setting.dir.path().join("token");
    let note =
        format!("note: github.token-file: {} does not exist on this machine", token.display());
    let ran = setting.run(&["config"]);
    assert_eq!((ran.code, ran.out.contains(&note)), (Some(0), true), "{ran:?}");
    fs::write(token, "x").unwrap();
    let ran = setting.run(&["config"]);
    assert_eq!((ran.code, ran.out.contains("note: ")), (Some(0), false), "{ran:?}");
}

#[test]
fn config_notes_lamps_that_glow_at_power_on() {
    let notes = |pins: [u8; 3]| {
        let setting = unasked();
        let mut text = fs::read_to_string(&setting.config).unwrap();
        let [green, amber, red] = pins;
        text.push_str(&format!("[panel]\ngreen = {green}\namber = {amber}\nred = {red}\n"));
        fs::write(&setting.config, &text).unwrap();
        let ran = setting.run(&["config"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let notes = ran.out.lines().filter(|line| line.starts_with("note: "));
        notes.map(str::to_owned).collect::<Vec<_>>()
    };
    let note = |pin| {
        format!(
            "note: GPIO {pin} is pulled up while the board starts, so its lamp glows until pilotlight runs; 9 to 13 \
             and 16 to 27 are better"
        )
    };
    assert_eq!(notes([2, 9, 8]), [note(2), note(8)]);
    assert_eq!(notes([3, 4, 5]), [3, 4, 5].map(note));
    assert_eq!(notes([6, 27, 7]), [6, 7].map(note));
    assert_eq!(notes([9, 13, 16]), Vec::<String>::new());
}

#[test]
fn the_example_that_config_prints_loads() {
    let setting = unasked();
    let example = setting.run(&["config", "--example"]);
    assert_eq!(example.code, Some(0), "{example:?}");
    fs::write(&setting.config, &example.out).unwrap();
    let ran = setting.run(&["config"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("issues go to octocat/infra at"), "{ran:?}");
}

#[test]
fn every_command_that_needs_the_configuration_exits_78_over_a_bad_one() {
    let setting = unasked();
    let mut text = fs::read_to_string(&setting.config).unwrap();
    text.push_str("[schedule]\ninterval = \"0s\"\nrechek = \"10s\"\n");
    fs::write(&setting.config, text).unwrap();
    let runs: [&[&str]; 5] =
        [&["config"], &["check"], &["run"], &["report"], &["lamps", "--seconds", "1"]];
    let said: Vec<String> = runs
        .into_iter()
        .map(|arguments| {
            let ran = setting.run(arguments);
            assert_eq!(ran.code, Some(78), "{arguments:?} {ran:?}");
            assert_eq!(ran.out, "", "{arguments:?} {ran:?}");
            ran.err
        })
        .collect();
    assert!(said[0].contains("schedule.interval"), "{}", said[0]);
    assert!(said[0].contains("rechek"), "both problems: {}", said[0]);
    assert!(said[0].starts_with(&format!("{}:", setting.config.display())), "{}", said[0]);
    assert!(said[0].ends_with("\n\n2 problems\n"), "{}", said[0]);
    assert!(said.iter().all(|other| other == &said[0]), "{said:?}");
}

#[test]
fn a_configuration_that_is_missing_or_cannot_be_read_exits_78_with_its_path() {
    let mut setting = unasked();
    fs::remove_file(&setting.config).unwrap();
    let missing = setting.run(&["check"]);
    assert_eq!(missing.code, Some(78), "{missing:?}");
    let path = setting.config.display().to_string();
    assert!(missing.err.starts_with(&format!("{path}: there is no such file")), "{missing:?}");
    setting.config = setting.dir.path().to_owned();
    let folder = setting.run(&["check"]);
    assert_eq!(folder.code, Some(78), "{folder:?}");
    assert!(folder.err.contains("cannot be read"), "{folder:?}");
}

#[test]
fn status_without_a_daemon_is_unknown_and_says_so() {
    let setting = unasked();
    let dir = setting.dir.path().to_str().unwrap();
    let ran = setting.run(&["status", "--runtime-dir", dir]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert_eq!(
        ran.err,
        format!(
            "pilotlight: {dir}/status.json: this file does not exist, so no daemon is running; start it with `sudo \
             systemctl start pilotlight` (by hand: `pilotlight run`) and see its log with `journalctl -t pilotlight`; \
             if it runs with another --runtime-dir, name that folder here, too\n"
        )
    );
}

#[test]
fn report_without_github_or_without_a_token_names_what_is_missing() {
    let setting = unasked();
    let ran = setting.run(&["report"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("there is no [github] section"), "{ran:?}");
    let mut text = fs::read_to_string(&setting.config).unwrap();
    text.push_str("[github]\nrepository = \"owner/infra\"\n");
    fs::write(&setting.config, &text).unwrap();
    let file = setting.config.display().to_string();
    let next = format!(
        "\nMake a fine-grained token: https://github.com/settings/personal-access-tokens/new\n    with access to the \
         repository owner/infra, and the permission \"Issues: read and write\"\nTry it:\n    GITHUB_TOKEN=… pilotlight \
         report --test --config {file}\nGive it to the service:\n    sudo install -Dm600 /dev/stdin \
         /etc/credstore/github-token    # paste it, then Enter and Ctrl-D\n    sudo systemctl restart pilotlight\n"
    );
    let ran = |credentials: Option<&std::path::Path>| {
        let mut command = setting.command(&["report"]);
        command.env_remove("CREDENTIALS_DIRECTORY");
        command.envs(credentials.map(|folder| ("CREDENTIALS_DIRECTORY", folder)));
        let ran = Ran::of(&mut command);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        ran.err.strip_suffix(&next).unwrap_or_else(|| panic!("{}", ran.err)).to_owned()
    };
    let none = "pilotlight: there is no token: github.token-file is not in the configuration, this process has no \
                systemd credential github-token, and the environment variable GITHUB_TOKEN is not set";
    assert_eq!(ran(None), none);
    let dir = setting.dir.path();
    assert_eq!(ran(Some(dir)), none);
    let token = dir.join("github-token");
    fs::write(&token, "\n").unwrap();
    let empty =
        format!("pilotlight: there is no token: the credential {} is empty", token.display());
    assert_eq!(ran(Some(dir)), empty);
    fs::write(&setting.config, text.clone() + "token-file = \"github-token\"\n").unwrap();
    assert_eq!(ran(None), empty.replace("credential", "file"));
    fs::remove_file(&token).unwrap();
    let missing = format!("pilotlight: the token file {} does not exist", token.display());
    assert_eq!(ran(None), missing);
    let enterprise = text + "api = \"https://git.example.net/api/v3\"\n";
    fs::write(&setting.config, enterprise).unwrap();
    let ran = setting.run(&["report"]);
    let page = "https://git.example.net/settings/personal-access-tokens/new\n";
    assert!(ran.err.contains(page), "{ran:?}");
}

#[test]
fn provision_exits_0_with_and_without_problems_and_1_on_failure() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let provision = || {
        let mut command = Command::new(PROGRAM);
        command.arg("provision").env_remove("JOURNAL_STREAM");
        for name in ["card", "data", "run"] {
            command.arg(format!("--{name}")).arg(at(name));
        }
        Ran::of(&mut command)
    };
    for name in ["card", "data", "run"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("card/pilotlight.toml"), "[schedule]\r\nintervall = '10m'\r\n").unwrap();
    fs::write(at("card/github-token"), "SECRET0\r\n").unwrap();
    let ran = provision();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert!(
        ran.err.contains("pilotlight.toml:2: schedule.intervall: there is no such key"),
        "{ran:?}"
    );
    assert!(ran.err.contains(" github-token: overwritten and removed on the card\n"), "{ran:?}");
    assert!(!ran.err.contains("SECRET0"), "{ran:?}");
    assert!(at("card/PROBLEMS.txt").exists() && at("run/pilotlight-notices/card").exists());
    fs::write(at("card/pilotlight.toml"), fs::read_to_string(unasked().config).unwrap()).unwrap();
    assert_eq!(provision().code, Some(0));
    let ran = provision();
    assert!(ran.code == Some(0) && ran.err.contains("/card: nothing new"), "{ran:?}");
    fs::write(at("card/wifi.conf"), "ssid = Home\ncountry = DE\n").unwrap();
    fs::write(at("data/wifi"), "no folder").unwrap();
    let ran = provision();
    let why = format!("{}/.new: Not a directory", at("data/wifi").display());
    assert!(ran.code == Some(1) && ran.err.contains(&why), "{ran:?}");
}

#[test]
fn update_shows_the_last_result_and_requests_a_rollback_through_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let update = |option: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["update", option]).env_remove("JOURNAL_STREAM");
        for name in ["uploads", "store", "run"] {
            command.arg(format!("--{name}")).arg(at(name));
        }
        Ran::of(&mut command)
    };
    for name in ["uploads", "store", "run"] {
        fs::create_dir(at(name)).unwrap();
    }
    let ran = update("--status");
    let cards = "the one that came with the card\n";
    assert_eq!((ran.code, ran.out), (Some(0), format!("in use  {cards}before  {cards}")));
    assert_eq!(update("--rollback").code, Some(0));
    assert!(at("uploads/rollback").exists());
    let cut = r#"{"current":{"version":"0.2.0","hash":"0123456789abcdef","since":null},"previous":null,
        "last":{"what":"0.3.0 (abc)","at":"2026-01-01T00:00:00Z","outcome":"trying"}}"#;
    fs::write(at("store/state.json"), cut).unwrap();
    let ran = update("--status");
    assert!(ran.out.contains("in use  0.2.0 (0123456789ab) since (clock not set"), "{ran:?}");
    assert!(ran.out.ends_with("2026-01-01 00:00:00 UTC: 0.3.0 (abc): is being tried\n"), "{ran:?}");
    // As at the next start of a board on which that binary is gone.
    let ran = update("--boot");
    assert!(
        ran.code == Some(0) && ran.err.contains(" 0.2.0 (0123456789ab): rejected: "),
        "{ran:?}"
    );
    let current = fs::read_link(at("run/pilotlight-update/current")).unwrap();
    assert_eq!(current, fs::canonicalize(PROGRAM).unwrap());
    let ran = update("--status");
    assert!(ran.out.starts_with("in use  the one that came with the card\n"), "{ran:?}");
}

#[test]
fn a_command_line_that_makes_no_sense_exits_2_and_help_exits_0() {
    let setting = unasked();
    let wrong: [(&[&str], &str); 4] = [
        (&["chek"], "a similar subcommand exists: 'check'"),
        (&["check", "--jsn"], "a similar argument exists: '--json'"),
        (&["init", "example.net"], "name the file to write with --output"), // `run` adds --config
        (&["update", "--status", "--boot"], "cannot be used with"),
    ];
    for (arguments, reason) in wrong {
        let ran = setting.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?} {ran:?}");
        assert!(ran.err.contains(reason), "{arguments:?} {ran:?}");
    }
    let help = setting.run(&["--help"]);
    assert_eq!(help.code, Some(0), "{help:?}");
    for part in ["  -c, --config <FILE>", "\nExamples:\n  pilotlight init", "\n  78  the config"] {
        assert!(help.out.contains(part), "{part} {help:?}");
    }
    let of = |command: &str| {
        let help = Ran::of(Command::new(PROGRAM).args(["help", command]));
        assert_eq!(help.code, Some(0), "{help:?}");
        assert!(help.out.contains("Example"), "{help:?}");
        ["--config", "--runtime-dir", "xit code"].map(|part| help.out.contains(part))
    };
    assert_eq!(of("check"), [true, false, true]);
    assert_eq!(of("status"), [false, true, true]);
    assert_eq!(of("init"), [false, false, true]);
    assert_eq!(of("run"), [true, true, true]);
    let version = setting.run(&["--version"]);
    let expected = option_env!("PILOTLIGHT_VERSION").unwrap_or(env!("CARGO_PKG_VERSION"));
    let expected = format!("pilotlight {expected}\n");
    assert_eq!((version.code, version.out), (Some(0), expected));
}

#[test]
fn outside_our_image_its_commands_change_nothing_and_are_not_in_the_help() {
    let setting = unasked();
    let dir = setting.dir.path().to_str().unwrap();
    let missing = format!("{dir}/missing");
    let runs: [&[&str]; 8] = [
        &["provision"],
        &["provision", "--card", dir],
        &["provision", "--card", dir, "--data", dir, "--run", &missing],
        &["update"],
        &["update", "--status"],
        &["update", "--rollback", "--uploads", dir],
        &["update", "--boot", "--uploads", dir, "--store", dir],
        &["update", "--take", "--uploads", dir, "--store", dir, "--run", &missing],
    ];
    for arguments in runs {
        let ran = setting.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{arguments:?} {ran:?}");
        let start = format!(
            "pilotlight: `pilotlight {}` works only on our own SD card image, and this system is another one: \
             nothing has been changed; ",
            arguments[0]
        );
        assert!(ran.err.starts_with(&start), "{arguments:?} {ran:?}");
        let files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files, std::slice::from_ref(&setting.config), "{arguments:?}");
    }
    let help = setting.run(&["--help"]);
    assert!(!help.out.contains("provision") && !help.out.contains("update"), "{help:?}");
}
