//! A terminal with what `check` prints, from a real run.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::fakes::dns::script::{Behaviour, Nameserver, ZoneData};
use crate::fakes::dns::socket::SocketServer;
use crate::program::{Ran, Setting, anchor};

const COLUMNS: usize = 84;

/// One run of `check` over two nameservers, of which one is wrong.
fn checked() -> Ran {
    let zone = "@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 300 NS ns1\n@ 300 NS ns2\nwww 300 A 192.0.2.80";
    let serve = |address: &str, behaviour| {
        let nameserver = Nameserver::behaving([ZoneData::parse("example.net", zone)], behaviour);
        SocketServer::start(address.parse::<IpAddr>().unwrap(), 0, nameserver)
    };
    let servers =
        [serve("127.0.0.51", Behaviour::Good), serve("127.0.0.52", Behaviour::WrongAddress)];
    let root = anchor("127.0.0.1".parse().unwrap());
    let mut config =
        format!("[vantage]\nname = \"home\"\nanchors = [\"{}\"]\nintercept = []\n", root.addr());
    for (number, server) in (1..).zip(&servers) {
        config += &format!(
            "[[nameserver]]\nname = \"ns{number}.example.net\"\naddresses = [\"{}\"]\n",
            server.addr()
        );
    }
    config += "[[zone]]\nname = \"example.net\"\nrecords = [{ name = \"www\", type = \"A\", values = [\"192.0.2.80\"] }]\n";
    let ran = Setting::new(&config).run(&["check"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    ran
}

#[test]
fn the_picture_of_check_shows_what_it_prints() {
    let ran = checked();
    let mut lines = vec![("b", "$ pilotlight check".to_owned())];
    for line in ran.out.lines() {
        let line = settled(line);
        let look = match line.split_whitespace().nth(2) {
            Some("well") => "ok",
            Some("down") => "bad",
            _ => "",
        };
        for part in folded(&line) {
            lines.push((look, part));
        }
    }
    lines.push(("b", "$ echo $?".to_owned()));
    lines.push(("", "2".to_owned()));
    let (width, height) = (COLUMNS * 8 + 24, lines.len() * 20 + 24);
    let mut body =
        format!("<rect width=\"{width}\" height=\"{height}\" rx=\"8\" class=\"screen\"/>\n");
    for (row, (look, line)) in lines.iter().enumerate() {
        let line = line.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            body,
            "<text x=\"12\" y=\"{}\" xml:space=\"preserve\" class=\"t {look}\">{line}</text>",
            row * 20 + 28
        )
        .unwrap();
    }
    let style = "text.t { font: 13px ui-monospace, monospace; fill: #e6edf3; white-space: pre } .screen { fill: #0d1117 }\n\
                 text.ok { fill: #3fb950 } text.bad { fill: #ff7b72 } text.b { font-weight: 600 }\n";
    super::compare(
        "check.svg",
        (width, height),
        "pilotlight check: one server is well, one is down",
        style,
        &body,
    );
}

/// The same line each time: figures, a port and a time are replaced.
fn settled(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for at in 0..words.len() {
        if words[at].starts_with("127.0.0.52") || words[at].starts_with("@127.0.0.52") {
            words[at] =
                words[at].replace("127.0.0.52", "192.0.2.53").split(':').next().unwrap().to_owned();
        }
        if words[at].starts_with("questions") {
            words[at - 1] = "6".to_owned();
        }
        if words[at].starts_with("ms") {
            words[at - 1] = "14.2".to_owned();
        }
        if words[at] == "-p" {
            words[at].clear();
            words[at + 1].clear();
        }
        if words[at] == "since" {
            words[at + 1] = "2026-11-22".to_owned();
            words[at + 2] = "17:28:14".to_owned();
        }
    }
    let indent = line.len() - line.trim_start().len();
    let words: Vec<&str> = words.iter().map(String::as_str).skip(indent).collect();
    " ".repeat(indent) + &words.join(" ").replace("53   +no", "53 +no")
}

/// As a terminal shows a line that is too long.
fn folded(line: &str) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    chars.chunks(COLUMNS).map(|part| part.iter().collect()).collect()
}
