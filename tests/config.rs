//! Configuration files, bad ones with the exact text that they earn, and the example that is shipped.
//!
//! Each file in `tests/configs` is about one table and holds cases of this form:
//!
//! ```text
//! === what the case shows
//! a configuration; unless it has them, one good nameserver and one good zone are added at its end
//! ---
//! all that is printed about it
//! ```
//!
//! `BLESS=1 cargo test` writes what is printed now into these files; read the difference before
//! you commit it.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pilotlight::config::{
    Config, Driver, Environment, Expected, Panel, Problems, Schedule, address_text, read_file,
};

const NAMESERVER: &str = r#"
[[nameserver]]
name = "ns1.example.net"
addresses = ["192.0.2.1", "2001:db8::1"]
"#;

const ZONE: &str = r#"
[[zone]]
name = "example.net"
"#;

pub(super) fn completed(case: &str) -> String {
    let mut text = case.to_owned();
    if case.contains("# nothing is added") {
        return text;
    }
    if !case.contains("[nameserver]") {
        text.push_str(NAMESERVER);
    }
    if !case.contains("[zone]") {
        text.push_str(ZONE);
    }
    text
}

fn on_disk(file: &str, text: &str) -> Result<Config, Problems> {
    Config::parse_in(
        Environment { host_name: "", read: &read_file, for_reports: false },
        file,
        text,
    )
}

fn printed(text: &str) -> String {
    match on_disk("pilotlight.toml", &completed(text)) {
        Ok(_) => "no problem at all".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

fn good(text: &str) -> Config {
    let text = completed(text);
    on_disk("/etc/pilotlight/pilotlight.toml", &text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_bad_config_gets_its_exact_problems() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs");
    let bless = std::env::var_os("BLESS").is_some();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut differences = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut now = String::new();
        for case in text.split("=== ").skip(1) {
            let (title, rest) = case.split_once('\n').unwrap();
            let (config, expected) = rest.split_once("---\n").unwrap();
            let printed = printed(config);
            if printed != expected.trim_end() {
                writeln!(differences, "{}: {title}\n{printed}", file.display()).unwrap();
            }
            write!(now, "=== {title}\n{config}---\n{printed}\n\n").unwrap();
        }
        if bless {
            fs::write(&file, now.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(bless || differences.is_empty(), "these now say:\n{differences}");
}

#[test]
fn ten_problems_in_one_file_are_printed_at_once_in_the_order_of_its_lines() {
    let problems = Config::parse("pilotlight.toml", TEN).unwrap_err();
    let lines: Vec<usize> = problems.list.iter().filter_map(|p| p.line).collect();
    assert_eq!(lines, [2, 3, 5, 7, 8, 11, 15, 18, 20, 23], "{problems}");
    assert_eq!(problems.to_string().lines().count(), 20);
}

#[test]
fn fifty_of_many_problems_are_listed_and_the_others_counted() {
    let many = |n: usize, line: &dyn Fn(usize) -> String| (0..n).map(line).collect::<String>();
    let twice = many(5_000, &|_| "[[zone]]\nname = \"example.net\"\n".to_owned());
    let values = format!(
        "records = [{{ name = \"www\", type = \"A\", values = [{}] }}]\n",
        "\"192.0.2.1\",".repeat(4_000)
    );
    for (text, more) in [
        (many(6_000, &|n| format!("key{n} = 1\n")), 5_950),
        (format!("[vantage]\nanchors = [{}]\n", "\"192.0.2.9\",".repeat(4_000)), 3_950),
        (format!("[[zone]]\nname = \"example.net\"\n{values}"), 3_949),
        (twice, 4_950),
        (many(5_000, &|_| "[[endpoint]]\nurl = \"https://example.net/\"\n".to_owned()), 4_949),
        (many(3_000, &|n| format!("{NAMESERVER}#{n}\n")), 8_948),
        (
            many(3_000, &|n| format!("[[nameserver]]\nname = \"ns{n}\"\naddresses = [\"{n}\"]\n")),
            2_950,
        ),
        (
            format!(
                "[[zone]]\nname = \"example.net\"\nnameservers = [{}]",
                many(5_000, &|n| format!("\"ns{n}\","))
            ),
            4_951,
        ),
    ] {
        let problems = on_disk("pilotlight.toml", &completed(&text)).unwrap_err();
        assert_eq!((problems.list.len(), problems.more), (50, more), "{}", &text[..80]);
    }
    let many = on_disk("", &"a = 1\n".repeat(200_000)).unwrap_err().to_string();
    assert!(many.starts_with("is larger than 1 MB\n"), "{many}");
}

#[test]
fn a_configuration_that_no_round_can_hold_takes_no_memory_for_each_zone_and_nameserver() {
    let server = |n| {
        format!("[[nameserver]]\nname = \"n{n}\"\naddresses = [\"10.0.{}.{}\"]\n", n >> 8, n & 255)
    };
    let servers: String = (0..5_000).map(server).collect();
    let zones: String = (0..20_000).map(|n| format!("[[zone]]\nname = \"z{n}\"\n")).collect();
    let problems = on_disk("pilotlight.toml", &(servers + &zones)).unwrap_err();
    assert!(problems.list[0].reason.starts_with("leads to 300000000 queries"), "{problems}");
}

const TEN: &str = r#"[github]
repository = "infra"
labels = "outage"
[vantage]
name = ""
[schedule]
intervall = "10m"
open-after = 0
[panel]
green = 17
red = 17
driver = "terminal"
[[nameserver]]
name = "ns1.example.net"
addresses = ["192.0.2.1", "192.0.2.300"]
[[nameserver]]
name = "ns2.example.net"
adresses = []
addresses = ["2001:db8::2"]
[[zone]]
nameservers = ["ns1.example.net", "ns2.example.net"]
records = [
  { name = "www", type = "A", values = ["192.0.2.80", 80] },
]
"#;

#[test]
fn an_omitted_key_has_its_default() {
    let config = good("");
    assert_eq!(config.github, None);
    let schedule = Schedule {
        interval: Duration::from_secs(600),
        splay: Duration::from_secs(10),
        recheck: Duration::from_secs(10),
        recover: Duration::from_secs(60),
        open_after: 3,
        close_after: 2,
        degraded_after: Duration::from_secs(3600),
        serial_grace: Duration::from_secs(3600),
        rrsig_warning: Duration::from_secs(3 * 24 * 3600),
        slow: Duration::from_secs(1),
        reopen_within: Duration::from_secs(3600),
        queries_per_second: 50,
        world: Some(Duration::from_secs(3600)),
    };
    assert_eq!(config.schedule, schedule);
    let panel = Panel {
        driver: Driver::Auto,
        green: 17,
        amber: 27,
        red: 22,
        own: Vec::new(),
        active_low: false,
    };
    assert_eq!(config.panel, panel);
    assert_eq!(config.vantage.anchors.len(), 8);
    let intercept: Vec<_> = config.vantage.intercept.iter().map(address_text).collect();
    assert_eq!(intercept, ["192.0.2.53", "2001:db8::53"]);
    assert_eq!(config.zones[0].nameservers, [0]);
    let github = good("[github]\nrepository = \"octocat/infra\"").github.unwrap();
    assert_eq!(github.api, "https://api.github.com");
    assert_eq!((github.labels.len(), github.assignees.len(), github.ca), (0, 0, None));
    assert_eq!((github.accounts.len(), github.quorum, github.token_file), (0, 1, None));
    assert_eq!(github.heartbeat, Some(Duration::from_secs(6 * 3600)));
    let off = good("[github]\nrepository = \"octocat/infra\"\nheartbeat = \"off\"");
    assert_eq!(off.github.unwrap().heartbeat, None);
}

#[test]
fn the_default_splay_is_a_tenth_of_a_short_interval() {
    let config = good("schedule.interval = \"1s\"");
    assert_eq!(config.schedule.splay, Duration::from_millis(100));
}

#[test]
fn durations_have_units_up_to_days() {
    for (text, seconds) in [("90s", 90), ("1h 30m", 5400), ("2d", 172_800)] {
        let config = good(&format!("schedule.interval = {text:?}"));
        assert_eq!(config.schedule.interval, Duration::from_secs(seconds));
    }
    let config = good("schedule.recheck = \"500ms\"\nschedule.degraded-after = \"0s\"");
    assert_eq!(config.schedule.recheck, Duration::from_millis(500));
    assert_eq!(config.schedule.degraded_after, Duration::ZERO);
}

#[test]
fn addresses_may_name_another_port() {
    let config = good(
        r#"
        [[nameserver]]
        name = "NS1.Example.NET."
        addresses = ["192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"]
        [[zone]]
        name = "Example.NET."
        nameservers = ["ns1.EXAMPLE.net."]
        "#,
    );
    let nameserver = &config.nameservers[0];
    assert_eq!(nameserver.name, "ns1.example.net");
    let addresses = ["192.0.2.1:53", "192.0.2.1:5353", "[2001:db8::1]:53", "[2001:db8::1]:5353"];
    let addresses = addresses.map(|a| a.parse::<SocketAddr>().unwrap());
    assert_eq!(nameserver.addresses, addresses);
    assert_eq!(config.zones[0].name.to_ascii(), "example.net.");
    assert!(config.zones[0].name.is_fqdn());
}

#[test]
fn paths_are_relative_to_the_folder_of_the_file() {
    let config = good("github.repository = \"octocat/infra\"\ngithub.ca = \"ca.pem\"");
    let ca = config.github.unwrap().ca.unwrap();
    assert_eq!(ca, Path::new("/etc/pilotlight/ca.pem"));
}

#[test]
fn the_api_loses_its_last_slash_and_may_be_plain_http_on_this_machine() {
    for (written, api) in [
        ("https://github.example.net/api/v3/", "https://github.example.net/api/v3"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ] {
        let config = good(&format!("github = {{ repository = \"o/r\", api = {written:?} }}"));
        assert_eq!(config.github.unwrap().api, api);
    }
}

#[test]
fn every_driver_has_a_name() {
    for (word, driver) in [
        ("auto", Driver::Auto),
        ("rppal", Driver::Rppal),
        ("gpiochip", Driver::Gpiochip),
        ("terminal", Driver::Terminal),
        ("none", Driver::None),
    ] {
        assert_eq!(good(&format!("panel.driver = {word:?}")).panel.driver, driver);
    }
}

/// Two nameservers with lamps of their own, the later one at the lower pin.
const OWN_LAMPS: &str = r#"
[panel]
green = 23
active-low = true
[[nameserver]]
name = "ns1.example.net"
addresses = ["192.0.2.1"]
lamp = 6
[[nameserver]]
name = "ns2.example.net"
addresses = ["192.0.2.2"]
lamp = 5
"#;

#[test]
fn a_nameserver_may_have_a_lamp_of_its_own() {
    let config = good(OWN_LAMPS);
    let lamps: Vec<_> = config.nameservers.iter().map(|n| n.lamp).collect();
    assert_eq!(lamps, [Some(6), Some(5)]);
    assert_eq!(config.panel.own, [5, 6]);
    assert_eq!(good("").nameservers[0].lamp, None);
}

#[test]
fn the_lamps_of_a_broken_file_are_read_as_far_as_possible() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilotlight.toml");
    let lamps = |text: &str| {
        fs::write(&path, text).unwrap();
        let (panel, problems) = Config::lamps(&path);
        let pins = [panel.green, panel.amber, panel.red];
        (pins, panel.own, panel.active_low, problems.is_some())
    };
    let good = completed(OWN_LAMPS);
    assert_eq!(lamps(&good), ([23, 27, 22], vec![5, 6], true, false));
    let no_zone = format!("{OWN_LAMPS}[[zone]]\nname = 1\n");
    assert_eq!(lamps(&no_zone), ([23, 27, 22], vec![5, 6], true, true));
    let no_toml = format!("{OWN_LAMPS}[[zone]\nname = \n");
    assert_eq!(lamps(&no_toml), ([23, 27, 22], vec![5, 6], true, true));
    let bad_pins = format!("{OWN_LAMPS}lamp = 5\n").replace("23", "1");
    assert_eq!(lamps(&bad_pins).0, [17, 27, 22]);
    assert_eq!(lamps("\0"), ([17, 27, 22], vec![], false, true));
    fs::remove_file(&path).unwrap();
    assert_eq!(Config::lamps(&path).0, self::good("").panel);
}

#[test]
fn interception_checks_can_be_switched_off() {
    assert!(good("vantage.intercept = []").vantage.intercept.is_empty());
}

#[test]
fn an_soa_is_expected_without_values() {
    let config =
        good("[[zone]]\nname = \"example.net\"\nrecords = [{ name = \"@\", type = \"SOA\" }]\n");
    assert_eq!(config.zones[0].records[0].expected, Expected::Some);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilotlight.toml");
    let printed = |path: &Path| Config::load(path).unwrap_err().to_string();
    let missing = printed(&path);
    assert!(missing.contains("pilotlight.toml: there is no such file\n    write it"), "{missing}");
    let directory = printed(folder.path());
    assert!(directory.contains(": cannot be read: Is a directory"), "{directory}");
    fs::write(&path, b"# one\n# two \xff\n").unwrap();
    let latin = printed(&path);
    assert!(latin.contains("pilotlight.toml:2: is not UTF-8 text from here on"), "{latin}");
    fs::write(&path, completed("\u{feff}# from Windows\r\n")).unwrap();
    assert!(Config::load(&path).is_ok(), "a byte order mark and CRLF do no harm");
}

#[test]
fn the_example_loads_and_the_defaults_it_shows_are_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/example.toml");
    let example = Config::load(&path).unwrap_or_else(|e| panic!("{e}"));
    // A default is a key or a table after a bare `#`; in a comment, a blank follows.
    let text = fs::read_to_string(&path).unwrap();
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#']) => rest,
            _ => line,
        })
        .collect();
    assert_ne!(uncommented.join("\n"), text);
    let file = path.display().to_string();
    let mut explicit = on_disk(&file, &uncommented.join("\n")).unwrap_or_else(|e| panic!("{e}"));
    // These three have no default that a file could show.
    assert_eq!(explicit.vantage.name, "home");
    explicit.vantage.name.clone_from(&example.vantage.name);
    let github = explicit.github.as_mut().unwrap();
    assert!(github.ca.take().is_some() && github.token_file.take().is_some());
    assert_eq!(explicit, example);
}
