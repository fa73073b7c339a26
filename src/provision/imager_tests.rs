//! Cards that Raspberry Pi Imager has set up. `tests/imager` has what five of its versions write.

use super::tests::Board;

const PMK: &str = "b6aa3e1d5d3ab3a5c7d0f6a19b1a2f30b3a1e9cd52e4be1d0f1d8cb0a1c2d3e4";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0m1XqCPqpbjEzYbSe7rWEu0kLHYBmVWkBJhpBPqx5T me@laptop\n";
const PHONE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@phone\n";

/// `My \Über "net"`
const NETWORK: &str = "data/wifi/=4d79205cc39c62657220226e657422.psk";

const KEYS: &str = "data/ssh/authorized_keys";

macro_rules! sample {
    ($version:literal) => {
        [
            ("user-data", include_str!(concat!("../../tests/imager/", $version, "/user-data"))),
            (
                "network-config",
                include_str!(concat!("../../tests/imager/", $version, "/network-config")),
            ),
            ("cmdline.txt", include_str!(concat!("../../tests/imager/", $version, "/cmdline.txt"))),
        ]
    };
}

const NEWEST: [(&str, &str); 3] = sample!("2.0.11");
const PRESEED: &str = include_str!("../../tests/imager/2.0.11/rpi-preseed.toml");

/// As the image has them.
const SHIPPED: [(&str, &str); 2] = [
    ("wifi.conf", include_str!("../../image/card/wifi.conf")),
    ("authorized_keys", include_str!("../../image/card/authorized_keys")),
];

fn board(files: &[(&str, &str)]) -> Board {
    let board = Board::new(&SHIPPED);
    board.put(files);
    board
}

#[test]
fn keys_wifi_country_and_host_name_are_imported_from_five_versions_of_imager() {
    let hidden = "[Settings]\nHidden=true\n";
    let preseed = [("rpi-preseed.toml", PRESEED)];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 6] = [
        ("1.7.5", &sample!("1.7.5"), NETWORK, hidden),
        ("1.9.6", &sample!("1.9.6"), NETWORK, hidden),
        ("2.0.0", &sample!("2.0.0"), "data/wifi/=c39c62657220756e73.psk", hidden),
        ("2.0.6", &sample!("2.0.6"), NETWORK, ""),
        ("2.0.11", &NEWEST, NETWORK, hidden),
        ("rpi-preseed", &preseed, NETWORK, hidden),
    ];
    for (version, files, network, settings) in cases {
        let board = board(files);
        let report = board.start();
        assert!(report.problems.is_empty(), "{version}: {report:?}");
        let expected = format!("[Security]\nPreSharedKey={PMK}\n{settings}");
        assert_eq!(board.read(network), Some(expected), "{version}: {:?}", board.list("data/wifi"));
        let country = board.read("data/wifi/main.conf").unwrap();
        assert!(country.starts_with("[General]\nCountry=DE\n"), "{version}: {country}");
        assert_eq!(board.read(KEYS), Some(KEY.to_owned() + PHONE), "{version}");
        assert_eq!(board.read("data/hostname").as_deref(), Some("lamp1"), "{version}");
        let unused = report.done.iter().find(|done| done.contains("not used")).unwrap();
        assert!(unused.contains("time zone"), "{version}: {unused}");
        assert_eq!(
            unused.contains(", password"),
            version < "2" || version == "2.0.6",
            "{version}: {unused}"
        );
        let before = board.snapshot();
        let report = board.start_with(board.disk().cut_after(0));
        assert!(
            !report.failed && report.done.is_empty(),
            "nothing is written: {version}: {report:?}"
        );
        assert_eq!(board.snapshot(), before, "{version}");
    }
}

#[test]
fn the_files_of_the_user_win_over_those_of_imager() {
    let board = board(&NEWEST);
    board.start();
    let home = "[Security]\nPassphrase=correct\\shorse\n";
    board.put(&[("authorized_keys", PHONE), ("Hostname.txt", "\u{feff}# mine\r\nLamp-2\r\n")]);
    board.put(&[("wifi.conf", "ssid = Home\npassphrase = correct horse\ncountry = FR\n")]);
    assert_eq!(board.problems(), "");
    assert_eq!(board.read(KEYS).as_deref(), Some(PHONE));
    assert_eq!(board.read("data/hostname").as_deref(), Some("lamp-2"));
    assert_eq!(board.read("data/wifi/Home.psk").as_deref(), Some(home));
    assert_eq!(board.read(NETWORK), None);
    // A country alone speaks of no network.
    board.put(&[("wifi.conf", "country = AT\n")]);
    assert_eq!(board.problems(), "");
    assert!(board.read(NETWORK).is_some() && board.read("data/wifi/Home.psk").is_none());
    assert!(board.read("data/wifi/main.conf").unwrap().contains("Country=AT"));
    // Files with only a comment say nothing, and without Imager's they remove.
    board.put(&[("authorized_keys", "# none\n"), ("hostname", "# none\n"), ("wifi.conf", "#\n")]);
    board.remove("Hostname.txt");
    board.start();
    assert_eq!(board.read(KEYS), Some(KEY.to_owned() + PHONE));
    assert_eq!(board.read("data/hostname").as_deref(), Some("lamp1"));
    ["user-data", "network-config", "cmdline.txt"].iter().for_each(|name| board.remove(name));
    board.start();
    assert_eq!(board.read(KEYS).as_deref(), Some(""));
    assert_eq!((board.read("data/hostname"), board.read(NETWORK)), (None, None));
}

#[test]
fn the_country_of_the_kernel_counts_for_wifi_conf_too() {
    let board = board(&[("cmdline.txt", "quiet cfg80211.ieee80211_regdom=de")]);
    board.put(&[("wifi.conf", "ssid = Home\npassphrase = correct horse\n")]);
    assert_eq!(board.problems(), "");
    assert!(board.read("data/wifi/main.conf").unwrap().contains("Country=DE"));
    for cmdline in
        ["quiet", "cfg80211.ieee80211_regdom=Germany", "cfg80211.ieee80211_regdom=\u{fc}"]
    {
        board.put(&[("cmdline.txt", cmdline)]);
        let problems = board.problems();
        assert!(problems.starts_with("wifi.conf:1: the country is missing"), "{problems}");
    }
}

#[test]
fn two_boards_have_the_names_of_their_cards() {
    let [first, second] = ["kitchen", "attic"].map(|name| {
        let board = board(&[("user-data", &NEWEST[0].1.replace("lamp1", name))]);
        board.start();
        board
    });
    assert_eq!(first.read("data/hostname").as_deref(), Some("kitchen"));
    assert_eq!(second.read("data/hostname").as_deref(), Some("attic"));
    first.put(&[("hostname", "cellar\n")]);
    first.start();
    assert_eq!(first.read("data/hostname").as_deref(), Some("cellar"));
}

#[test]
fn a_host_name_has_letters_digits_and_hyphens() {
    let board = board(&[("hostname", "lamp1\n")]);
    assert_eq!(board.problems(), "");
    let long = "a".repeat(64);
    for (text, line) in [
        ("lamp1.local", 1),
        ("\nl\u{e4}mp", 2),
        ("-a", 1),
        ("a-", 1),
        ("a b", 1),
        ("a\n# second\nb\n", 3),
        (long.as_str(), 1),
    ] {
        board.put(&[("hostname", text)]);
        let problems = board.problems();
        assert!(
            problems.starts_with(&format!("hostname:{line}: this is not a host name; ")),
            "{text}: {problems}"
        );
        assert_eq!(
            board.read("data/hostname").as_deref(),
            Some("lamp1"),
            "the last good one stays"
        );
        assert!(
            board.read("card/PROBLEMS.txt").unwrap().contains("host name imported before stays")
        );
    }
    board.put(&[("hostname", "\0\0")]);
    assert_eq!(board.problems(), "", "a blank file changes nothing");
    assert_eq!(board.read("data/hostname").as_deref(), Some("lamp1"));
    board.remove("hostname");
    board.put(&[("user-data", "hostname: my lamp\n")]);
    assert!(board.problems().starts_with("user-data:1: this is not a host name; "));
}

#[test]
fn a_password_without_a_key_is_a_problem() {
    let only_password =
        "#cloud-config\nuser:\n  name: pi\n  passwd: \"$y$SECRET0\"\nssh_pwauth: true\n";
    let preseed = "[user]\nname = \"pi\"\npassword = \"$y$SECRET0\"\n";
    for (name, text, line) in [("user-data", only_password, 4), ("rpi-preseed.toml", preseed, 3)] {
        let board = board(&[(name, text)]);
        let report = board.start();
        assert_eq!((report.problems.len(), report.problems[0].line), (1, Some(line)), "{report:?}");
        let notice = board.read("run/pilotlight-notices/card").unwrap();
        assert!(notice.contains("nobody can log in; log in as pilotlight, with a key"), "{notice}");
        let shown = format!("{report:?}{:?}", board.read("card/PROBLEMS.txt"));
        assert!(!shown.contains("SECRET0"), "{shown}");
        // Somebody can log in now.
        board.put(&[("root_keys", KEY)]);
        assert_eq!(board.problems(), "");
    }
}

#[test]
fn a_file_that_imager_did_not_write_is_a_problem_and_the_last_good_settings_stay() {
    let board = board(&NEWEST);
    board.start();
    let before = [KEYS, NETWORK, "data/hostname"].map(|file| board.read(file).unwrap());
    let network = NEWEST[1].1;
    let flow = "network: {wifis: {wlan0: {}}}\n";
    for (name, text, expected) in [
        ("network-config", "wifis: {wlan0: {}}\n", "network-config:1: this is not in the form"),
        ("network-config", "wifis:\n  wlan0: {}\n", "network-config:2: this is not in the form"),
        (
            "network-config",
            "wifis:\n  wlan0:\n    access-points: {a: {}}\n",
            "network-config:3: this is not in the form",
        ),
        (
            "network-config",
            "wifis:\n  w:\n    access-points:\n      \"a\": {password: \"SECRET0s\"}\n",
            "network-config:4: this is not in the form",
        ),
        ("network-config", flow, "network-config:1: this is not in the form"),
        ("network-config", &network.replace(PMK, "short"), "network-config:15: a passphrase has 8"),
        (
            "network-config",
            &network.replace("\"DE\"", "\"Germany\""),
            "network-config:11: a country is",
        ),
        (
            "user-data",
            "ssh_authorized_keys: [ 'ssh-rsa AAAA' ]\n",
            "user-data:1: this is not a complete",
        ),
        (
            "rpi-preseed.toml",
            "[ssh]\nenabled = yes\n",
            "rpi-preseed.toml:2: from here on this is not TOML",
        ),
        (
            "rpi-preseed.toml",
            "[wlan]\nssid_hex = \"4\"\ncountry = \"DE\"\n",
            "rpi-preseed.toml:2: the name of a network has 1 to 32 bytes",
        ),
    ] {
        assert_rejected(&board, (name, text), expected);
        let after = [KEYS, NETWORK, "data/hostname"].map(|file| board.read(file).unwrap());
        assert_eq!(after, before, "{expected}");
    }
}

/// With the files of the newest Imager but this one, the card has this problem.
fn assert_rejected(board: &Board, (name, text): (&str, &str), expected: &str) {
    for (name, text) in &NEWEST {
        board.put(&[(name, text)]);
    }
    if name == "rpi-preseed.toml" {
        board.remove("network-config");
    }
    board.put(&[(name, text)]);
    let problems = board.problems();
    assert!(problems.starts_with(expected), "{expected}: {problems}");
    assert!(!problems.contains("SECRET0"), "{problems}");
    let text = board.read("card/PROBLEMS.txt").unwrap();
    assert!(text.contains("Until then the "), "{text}");
    if name == "rpi-preseed.toml" {
        board.remove(name);
    }
}

#[test]
fn a_network_has_any_name_a_passphrase_or_none() {
    let network = |ssid: &str, rest: &str| {
        let text = NEWEST[1].1.replace("My \\\\\\xc3\\x9cber \\\"net\\\"", ssid);
        text.replace(&format!("          hidden: true\n          password: \"{PMK}\"\n"), rest)
    };
    let open = "          auth:\n            key-management: none\n";
    let nested =
        "          auth:\n            key-management: psk\n            password: \"corr \\\"ct\"\n";
    for (ssid, rest, file, text) in [
        (r"\xfcber", open, "=fc626572.open", "[Settings]\nAutoConnect=true\n"),
        (
            "Caf\u{e9} # 1: x",
            open,
            "=436166c3a9202320313a2078.open",
            "[Settings]\nAutoConnect=true\n",
        ),
        ("Home", nested, "Home.psk", "[Security]\nPassphrase=corr\\s\"ct\n"),
        (
            "Home",
            "          password: \"correct horse\"\n",
            "Home.psk",
            "[Security]\nPassphrase=correct\\shorse\n",
        ),
    ] {
        let board = board(&[("network-config", &network(ssid, rest).replace('\n', "\r\n"))]);
        assert_eq!(board.problems(), "", "{ssid}");
        assert_eq!(
            board.read(&format!("data/wifi/{file}")).as_deref(),
            Some(text),
            "{:?}",
            board.list("data/wifi")
        );
    }
    let hex = PRESEED.replace("ssid = \"My \\\\\u{dc}ber \\\"net\\\"\"", "ssid_hex = \"fc626572\"");
    let board = board(&[("rpi-preseed.toml", &hex)]);
    assert_eq!(board.problems(), "");
    assert!(board.read("data/wifi/=fc626572.psk").is_some(), "{:?}", board.list("data/wifi"));
}

#[test]
fn a_configuration_cannot_name_the_files_of_imager() {
    let config = "nameserver = [{ name = 'ns1.example.net', addresses = ['192.0.2.1'] }]\n\
                  zone = [{ name = 'example.net', file = 'network-config' }]\n";
    let board = board(&[NEWEST[1], ("pilotlight.toml", config)]);
    let problems = board.problems();
    assert!(problems.contains("names a file that does not exist"), "{problems}");
}

#[test]
fn a_file_that_is_not_text_takes_nothing_back() {
    let board = board(&NEWEST);
    board.start();
    let before = [KEYS, NETWORK, "data/hostname"].map(|file| board.read(file).unwrap());
    for name in ["user-data", "network-config"] {
        std::fs::write(board.paths.card.join(name), b"\nhostname: \xff\n").unwrap();
    }
    board.put(&[("hostname", "# none\n")]);
    let problems = board.problems();
    assert!(problems.starts_with("user-data:2: from here on this is not UTF-8"), "{problems}");
    let after = [KEYS, NETWORK, "data/hostname"].map(|file| board.read(file).unwrap());
    assert_eq!(after, before);
}
