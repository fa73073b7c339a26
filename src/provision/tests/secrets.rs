//! The token, the keys and the wireless networks on the card.

use super::*;

#[test]
fn each_start_installs_the_credential_even_without_a_card() {
    let board = Board::new(&[("github-token", TOKEN)]);
    board.start();
    fs::remove_dir_all(board.at("run/credstore")).unwrap();
    fs::remove_dir_all(&board.paths.card).unwrap();
    let report = board.start_with(board.disk());
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    assert!(
        report.failed && report.problems[0].reason.contains("/card: No such file"),
        "{report:?}"
    );
}

#[test]
fn a_token_is_never_repeated_and_other_text_is_not_imported() {
    let utf16: Vec<u8> = TOKEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(Vec<u8>, bool); 8] = [
        (format!("\u{feff}{TOKEN}\n").into(), true),
        ([&[0xff, 0xfe], &utf16[..]].concat(), true),
        (format!("{TOKEN}\n{TOKEN}\n").into(), false),
        (format!("token = {TOKEN}\n").into(), false),
        (format!("{TOKEN}\u{7}").into(), false),
        (utf16, false),
        (b"\xffSECRET0".into(), false),
        (b"\0\0\0SECRET0".into(), false),
    ];
    for (bytes, good) in cases {
        let board = Board::new(&[]);
        let file = board.at("card/Github-Token.txt");
        fs::write(&file, bytes).unwrap();
        let report = board.start();
        assert_eq!(board.read(STORED_TOKEN).is_some(), good, "{report:?}");
        assert_eq!(
            (file.exists(), report.problems.len()),
            (!good, usize::from(!good)),
            "{report:?}"
        );
        let text = format!("{report:?}{:?}", board.read(PROBLEMS));
        assert!(!text.contains("SECRET0"), "{text}");
    }
    let board = Board::new(&[("github-token", TOKEN), ("github-token.txt", "another")]);
    let problems = board.problems();
    assert!(problems.starts_with("github-token and github-token.txt: "), "{problems}");
}

#[test]
fn the_rest_of_an_interrupted_token_overwrite_is_removed() {
    for rest in ["\0\0\0\0", "\n\n", &format!("\0\0\0{}", &TOKEN[20..])] {
        let board = Board::new(&[("github-token", TOKEN)]);
        board.start();
        board.put(&[("github-token", rest)]);
        let report = board.start();
        assert!(report.problems.is_empty() && report.done.is_empty(), "{report:?}");
        assert_eq!(board.read("card/github-token"), None);
        assert_eq!(board.read(STORED_TOKEN).as_deref(), Some(TOKEN));
    }
}

#[test]
fn a_token_stays_on_the_card_if_the_data_partition_is_only_memory() {
    let mut board = Board::new(&[("github-token", TOKEN)]);
    board.paths.durable = false;
    let report = board.start();
    assert!(report.done.iter().any(|done| done.contains("stays on the card")), "{report:?}");
    assert_eq!(board.read("card/github-token").as_deref(), Some(TOKEN));
    assert_eq!(board.read("run/credstore/github-token").as_deref(), Some(TOKEN));
    let here = Path::new("/");
    assert!(CardPaths::new(here, Path::new("/proc"), here).durable, "a mount, but not memory");
}

#[test]
fn good_keys_are_imported_beside_bad_ones_and_a_private_key_changes_nothing() {
    let board = Board::new(&[("authorized_keys", &format!("# mine\r\nssh-rsa AAAA\r\n{KEY}"))]);
    let problems = board.problems();
    assert_eq!(board.read(KEYS).as_deref(), Some(KEY));
    assert!(problems.starts_with("authorized_keys:2: this is not a complete"), "{problems}");
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET0\n-----END OPENSSH PRIVATE KEY-----\n";
    for text in [private.to_owned(), format!("{KEY}{private}"), "nonsense\n".to_owned()] {
        board.put(&[("authorized_keys", &text)]);
        let problems = board.problems();
        assert_eq!(board.read(KEYS).as_deref(), Some(KEY), "its owner can still log in");
        assert_eq!(problems.lines().count(), 1, "{problems}");
        assert_eq!(problems.contains("PRIVATE"), text.contains("PRIVATE"), "{problems}");
        let text = board.read(PROBLEMS).unwrap();
        assert!(!text.contains("SECRET0") && text.contains("stay in force"), "{text}");
    }
}

#[test]
fn networks_are_added_changed_and_removed_but_not_those_that_iwd_added() {
    let board = Board::new(&[("wifi.conf", WIFI)]);
    board.start();
    let home = || board.read("data/wifi/Home.psk").unwrap();
    let derived = "[Security]\nPassphrase=correct horse\nPreSharedKey=00ff\n";
    fs::write(board.at("data/wifi/Home.psk"), derived).unwrap();
    fs::write(board.at("data/wifi/Friends.psk"), "[Security]\nPassphrase=by iwctl\n").unwrap();
    board.start();
    assert_eq!(home(), derived);
    let changed = "country = FR\nssid = Home\npassphrase = another one\nssid = Caf\u{e9}\n";
    board.put(&[("wifi.conf", changed)]);
    board.start();
    assert_eq!(home(), "[Security]\nPassphrase=another\\sone\n");
    assert!(board.read("data/wifi/main.conf").unwrap().starts_with("[General]\nCountry=FR\n"));
    let networks = ["=436166c3a9.open", "Friends.psk", "Home.psk", "from-the-card", "main.conf"];
    assert_eq!(board.list("data/wifi"), networks);
    board.put(&[("wifi.conf", &format!("{changed}hidden = yes\n"))]);
    board.start();
    let hidden = "[Settings]\nAutoConnect=true\nHidden=true\n";
    assert_eq!(board.read("data/wifi/=436166c3a9.open").unwrap(), hidden);
    board.put(&[("wifi.conf", "ssid = Home\npassphrase = SECRET0\n")]);
    let problems = board.problems();
    assert!(problems.starts_with("wifi.conf:2: a passphrase has 8"), "{problems}");
    assert_eq!(board.list("data/wifi"), networks, "a mistake removes nothing");
    board.put(&[("wifi.conf", "#")]);
    board.start();
    assert_eq!(board.list("data/wifi"), ["Friends.psk"]);
}
