//! Services of the user, told of changes and that the daemon lives: slow, hanging, refusing and redirecting ones.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use serde_json::Value;

use crate::fakes::dns::script::Behaviour;
use crate::fakes::dns::socket::SocketServer;
use crate::fakes::web::{Site, Web};
use crate::home::{Home, PATIENCE, shows, wait};
use crate::program::{Setting, anchor, loopback};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn takes() -> Web {
    Web::http(HERE, Site::page(200, "", ""))
}

fn url(web: &Web) -> String {
    format!("http://127.0.0.1:{}/topic", web.port())
}

/// A home whose daemon has this in its configuration.
fn home(more: &str) -> Home {
    let home = Home::new();
    home.write_config(2, more);
    home.start();
    home.until("well", shows("well"));
    home
}

fn breaks(home: &Home) {
    home.servers[1].nameserver().set(Behaviour::WrongAddress);
    home.until("down", shows("down"));
}

fn mends(home: &Home) {
    home.servers[1].nameserver().set(Behaviour::Good);
    home.until("well again", shows("well"));
}

fn told(home: &Home, web: &Web, count: usize) -> Vec<String> {
    assert!(
        wait(PATIENCE, || web.requests().len() == count),
        "{:?} {}",
        web.requests(),
        home.log()
    );
    web.requests()
}

#[test]
fn a_change_is_posted_as_json_and_in_the_style_of_ntfy() {
    let (json, ntfy) = (takes(), takes());
    let home = home(&format!(
        "[[notify]]\nurl = \"{}\"\n[[notify]]\nurl = \"{}\"\nstyle = \"ntfy\"\ntoken-file = \"ntfy-token\"\n",
        url(&json),
        url(&ntfy)
    ));
    fs::write(home.at("ntfy-token"), "tk_secret\n").unwrap();
    breaks(&home);
    mends(&home);
    let requests = told(&home, &json, 2);
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let change: Value = serde_json::from_str(body).unwrap();
    assert!(head.starts_with("POST /topic HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("authorization"), "{head}");
    assert_eq!((&change["subject"], &change["to"]), (&"ns2.example.net".into(), &"down".into()));
    assert!(requests[1].contains("\"to\":\"well\""), "{}", requests[1]);
    let requests = told(&home, &ntfy, 2);
    let head = requests[0].to_lowercase();
    for line in
        ["title: ns2.example.net is down", "priority: urgent", "authorization: bearer tk_secret"]
    {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
    assert!(
        requests[0].contains("\r\n\r\nns2.example.net is down (it was well), seen from home\n")
    );
    assert!(requests[1].to_lowercase().contains("\r\npriority: default\r\n"), "{}", requests[1]);
    home.until_logged(": ns2.example.net is well (it was down)");
    assert!(!home.log().contains("tk_secret") && !home.log().contains("/topic"), "{}", home.log());
}

#[test]
fn a_service_that_fails_delays_nobody_and_is_seen_in_the_status() {
    let (hangs, elsewhere, good) = (Web::http(HERE, Site::Stalls(String::new())), takes(), takes());
    let moved = format!("location: {}\r\n", url(&elsewhere));
    let redirects = Web::http(HERE, Site::page(307, &moved, ""));
    // A port that nobody else gets, at an address where nobody listens.
    let held = TcpListener::bind((HERE, 0)).unwrap();
    let refuses = SocketAddr::from(([127, 77, 27, 250], held.local_addr().unwrap().port()));
    let mut more = format!("[[notify]]\nurl = \"http://{refuses}/\"\n");
    for web in [&hangs, &redirects, &good] {
        more += &format!("[[notify]]\nurl = \"{}\"\ntoken-file = \"token\"\n", url(web));
    }
    let home = Home::new();
    fs::write(home.at("token"), "tk_secret").unwrap();
    home.write_config(2, &more);
    home.start();
    home.until("well", shows("well"));
    breaks(&home);
    told(&home, &good, 1);
    let issue = || home.github.issues().len() == 1;
    assert!(wait(PATIENCE, issue), "{}", home.log());
    let fails = |status: &Value, why: &str| {
        let notices = status["notices"].as_array().unwrap();
        notices.iter().any(|n| n["source"] == "notify" && n["text"].as_str().unwrap().contains(why))
    };
    home.until("refused", |status| fails(status, "it refuses the connection"));
    let redirect = "it answers with 307, a redirect, which is not followed";
    home.until("redirected", |status| fails(status, redirect));
    home.until("reported", |status| {
        let meaning = status["meaning"].as_str().unwrap();
        status["reporting"] == "fine" && !meaning.contains("report")
    });
    assert_eq!(elsewhere.requests(), [""; 0], "nobody else gets the token");
    // What was not delivered is sent again.
    let before = redirects.requests().len();
    redirects.set(Site::page(204, "", ""));
    assert!(wait(PATIENCE, || redirects.requests().len() > before), "{}", home.log());
    home.until("delivered", |status| !fails(status, redirect));
    mends(&home);
    told(&home, &good, 2);
}

#[test]
fn after_each_round_a_heartbeat_is_sent_and_to_another_url_while_something_is_down() {
    let (web, down) = (takes(), takes());
    let home =
        home(&format!("[heartbeat]\nurl = \"{}\"\ndown-url = \"{}\"\n", url(&web), url(&down)));
    assert!(wait(PATIENCE, || web.requests().len() > 2), "{}", home.log());
    let requests = web.requests();
    assert!(requests[0].starts_with("GET /topic HTTP/1.1\r\n"), "{}", requests[0]);
    assert_eq!(down.requests().len(), 0);
    breaks(&home);
    assert!(wait(PATIENCE, || down.requests().len() > 2), "{}", home.log());
    down.set(Site::page(500, "", ""));
    home.until("seen", |status| {
        let notices = status["notices"].as_array().unwrap();
        notices.iter().any(|n| n["source"] == "heartbeat")
    });
}

#[test]
fn report_tries_each_service() {
    let web = takes();
    let server = SocketServer::start(HERE, 0, crate::fakes::dns::script::Nameserver::new([]));
    let root = anchor(HERE);
    let broken = Web::http(HERE, Site::page(403, "", ""));
    let setting = |more: &str| {
        let zone = "[[zone]]\nname = \"example.net\"\nrecords = [{ name = \"@\", type = \"NS\", values = [\"ns1\"] }]\n";
        Setting::new(&loopback(&[server.addr()], &[root.addr()], &format!("{zone}{more}")))
    };
    let services = format!(
        "[[notify]]\nurl = \"{0}\"\nstyle = \"ntfy\"\n[heartbeat]\nurl = \"{0}\"\n",
        url(&web)
    );
    let ran = setting(&services).run(&["report", "--test"]);
    let host = format!("127.0.0.1:{}", web.port());
    let expected = format!("notify     {host} takes it\nheartbeat  {host} takes it\n");
    assert_eq!((ran.code, &ran.out), (Some(0), &expected), "{ran:?}");
    assert!(web.requests()[0].to_lowercase().contains("\r\ntitle: pilotlight: test is well\r\n"));
    let services = format!("{services}[[notify]]\nurl = \"{}\"\n", url(&broken));
    let ran = setting(&services).run(&["report", "--test"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains(": it answers with 403\n"), "{ran:?}");
    let ran = setting(&services).run(&["report"]);
    assert!(ran.code == Some(1) && ran.err.contains("there is no [github] section"), "{ran:?}");
}
