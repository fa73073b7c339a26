//! The configuration on the card, and the files that it names.

use super::*;

#[test]
fn zone_files_are_imported_with_the_configuration_and_a_broken_one_leaves_the_old_in_force() {
    const SOA: &str = "@ SOA ns1 hostmaster 0 7200 3600 1209600 300\r\n";
    let config = GOOD.replace("'example.net' }", "'example.net', file = 'zones/example.net' }");
    let board = Board::new(&[("pilotlight.toml", &config), ("zones/example.net", SOA)]);
    assert_eq!(board.problems(), "");
    let imported = || board.read("data/pilotlight/config/zones/example.net").unwrap();
    assert_eq!(imported(), SOA);
    board.put(&[("zones/example.net", &format!("{SOA}www A 192.0.2.300\r\n"))]);
    let problems = board.problems();
    assert!(problems.starts_with("zones/example.net:2: \"www A 192.0.2.300\" is"), "{problems}");
    assert_eq!(imported(), SOA);
    // The configuration is the same, but not the file that it names.
    let changed = format!("{SOA}www A 192.0.2.30\r\n");
    board.put(&[("zones/example.net", &changed)]);
    assert_eq!(board.problems(), "");
    assert_eq!(imported(), changed);
    board.remove("zones/example.net");
    let problems = board.problems();
    assert!(problems.starts_with("pilotlight.toml:2: zone[0].file: \"zones/"), "{problems}");
}

#[test]
fn a_configuration_with_problems_is_explained_on_the_card_and_the_last_good_one_stays() {
    let board = Board::new(&[("pilotlight.toml", GOOD)]);
    board.start();
    board.put(&[("pilotlight.toml", BAD)]);
    let count = board.start().problems.len();
    assert_eq!(board.read(CONFIG).as_deref(), Some(GOOD));
    let text = board.read(PROBLEMS).unwrap();
    let mut from = 0;
    for part in [
        "\r\n\r\npilotlight.toml:1: nameserver[0].addresses[0]: \"192.0.2.300\" is not an IP address\r\n    write",
        "\r\n\r\npilotlight.toml:2: zone[0]",
        "\r\n\r\nUntil then the configuration imported before stays in force: config-",
        ", which watches ns1.example.net.\r\n",
    ] {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part:?} is missing: {text}"));
    }
    let notice = board.read(NOTICE).unwrap();
    assert_eq!(notice.lines().count(), count, "{notice}");
    assert!(notice.starts_with("pilotlight.toml:1: nameserver[0].addresses[0]: "), "{notice}");
    let before = board.snapshot();
    board.start();
    assert_eq!(board.snapshot(), before);
    // Corrected, in a file with another name.
    board.remove("pilotlight.toml");
    let good = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    board.put(&[("PILOTL~1.TOM", "x"), ("Pilotlight.toml.txt", &good)]);
    assert!(board.start().done.is_empty(), "the same as before");
    assert_eq!((board.read(PROBLEMS), board.read(NOTICE)), (None, None));
}

#[test]
fn only_the_configuration_in_force_is_stored() {
    let board = Board::new(&[("pilotlight.toml", GOOD)]);
    board.start();
    let changed = format!("{AUTHORITY}\n");
    for certificate in [AUTHORITY, &changed] {
        board.put(&[("pilotlight.toml", OTHER), ("tls/ca.pem", certificate)]);
        board.start();
    }
    assert_eq!(board.read("data/pilotlight/config/tls/ca.pem").as_deref(), Some(&*changed));
    assert_eq!(board.list("data/pilotlight").len(), 2);
    // A damaged file is replaced from the card.
    fs::write(board.at(CONFIG), "").unwrap();
    board.start();
    assert_eq!(board.read(CONFIG).as_deref(), Some(OTHER));
}

#[test]
fn the_files_that_a_configuration_names_must_be_on_the_card() {
    for (name, expected) in [
        (
            "tls/ca.pem",
            "pilotlight.toml:3: github.ca: \"tls/ca.pem\" names a file that does not exist",
        ),
        (
            "../secret",
            "pilotlight.toml:3: github.ca: \"../secret\" names a file that does not exist",
        ),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes/web/ca.pem"), ""), // not on the card
    ] {
        let config = OTHER.replace("tls/ca.pem", name);
        let board = Board::new(&[("pilotlight.toml", &config), ("../secret", "x")]);
        let problems = board.problems();
        assert!(problems.starts_with(expected), "{problems}");
        assert_eq!(problems.is_empty(), expected.is_empty(), "{problems}");
        assert_eq!(board.read(CONFIG).is_some(), expected.is_empty());
    }
}

#[test]
fn only_the_daemon_may_read_the_private_keys_and_tokens_that_a_configuration_names() {
    let config = format!(
        "{GOOD}endpoint = [{{ url = 'https://www.example.net/', ca = 'ca.pem', cert = 'tls/cert.pem', key = 'tls/key.pem' \
         }}]\nnotify = [{{ url = 'https://ntfy.sh/topic', token-file = 'ntfy-token' }}]\n"
    );
    let board = Board::new(&[
        ("pilotlight.toml", &config),
        ("ca.pem", AUTHORITY),
        ("tls/cert.pem", AUTHORITY),
        ("tls/key.pem", "a key"),
        ("ntfy-token", "tk_secret"),
    ]);
    assert_eq!(board.problems(), "");
    for (name, mode) in [
        ("pilotlight.toml", 0o644),
        ("ca.pem", 0o644),
        ("tls/cert.pem", 0o644),
        ("tls/key.pem", 0o640),
        ("ntfy-token", 0o640),
    ] {
        assert_eq!(board.mode(&format!("data/pilotlight/config/{name}")), mode, "{name}");
    }
}

#[test]
fn a_new_card_names_the_first_step_and_that_is_not_a_problem() {
    let board = Board::new(&[("pilotlight.toml", &EXAMPLE.replace('\n', "\r\n"))]);
    let report = board.start();
    assert!(report.problems.is_empty() && report.first_step.is_some(), "{report:?}");
    let text = board.read(PROBLEMS).unwrap();
    assert!(
        text.contains("one thing to do") && text.contains("put your own nameservers"),
        "{text}"
    );
    assert_eq!((board.read(NOTICE), board.read(CONFIG)), (None, None));
    // An editor saved the real one as pilotlight.toml.txt beside the example.
    board.put(&[("pilotlight.toml.txt", GOOD)]);
    assert!(board.start().first_step.is_none());
    assert_eq!(board.read(CONFIG).as_deref(), Some(GOOD));
    board.remove("pilotlight.toml.txt");
    assert!(board.start().first_step.is_none(), "the example does not replace it");
    assert_eq!(board.read(PROBLEMS), None);
    assert!(Board::new(&[]).start().first_step.is_some(), "a card without any");
}

#[test]
fn the_version_in_use_judges_the_configuration_and_its_new_keys_name_files() {
    let mut board =
        Board::new(&[("pilotlight.toml.txt", "[new]\nkey = ['new/file', 'github-token']\n")]);
    board.put(&[("new/file", "content"), ("github-token", TOKEN)]);
    assert!(board.problems().contains("pilotlight.toml.txt:1: "), "this program knows no such key");
    board.judge = &|run| {
        let folder = run.join(CANDIDATE);
        assert_eq!(fs::read_to_string(folder.join("new/file")).unwrap(), "content");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "no secret is beside it");
        Ok(())
    };
    assert_eq!(board.problems(), "");
    assert_eq!(board.read("data/pilotlight/config/new/file").as_deref(), Some("content"));
    board.put(&[("pilotlight.toml.txt", "other = 1\n")]);
    board.judge = &|_| Err(vec![problem("", None, "pilotlight.toml:1: other: is new", "wait")]);
    assert_eq!(board.problems(), "pilotlight.toml.txt:1: other: is new; wait\n");
    assert_eq!(board.list("run/pilotlight-config"), [""; 0]);
}
