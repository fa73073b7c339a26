//! GitHub's API as the program speaks it, against a peer that keeps state and fails in GitHub's ways; and
//! `pilotlight report`, which proves that way to a person.

mod command;
pub(crate) mod description;
mod limits;
mod listing;
mod refusals;
mod secrets;
mod writing;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use pilotlight::config::GitHub as Settings;
use pilotlight::decide::report::marker::VantageObservation;
use pilotlight::io::github::api::GitHub;

use crate::fakes::github::{GitHub as Peer, REPO, TOKEN};

fn settings(peer: &Peer) -> Settings {
    Settings {
        repository: REPO.to_owned(),
        api: peer.url(),
        ca: None,
        labels: Vec::new(),
        assignees: Vec::new(),
        heartbeat: None,
        accounts: Vec::new(),
        quorum: 1,
        token_file: None,
    }
}

fn client(peer: &Peer) -> GitHub {
    GitHub::new(&settings(peer), TOKEN).unwrap()
}

/// A body with the marker of that incident, as issues on GitHub have it for good: what is written here
/// must be understood by every later version.
fn marked(incident: &str) -> String {
    let body = format!(
        "<!-- pilotlight {{\"v\":1,\"vantage\":\"home\",\"subject\":\"ns1.example.net\",\"incident\":\
         \"{incident}\",\"since\":\"2026-03-01T00:30:07Z\",\"severity\":\"down\",\"worst\":\"down\",\"places\":[],\"shows\":\"1\",\"said\":\
         \"1\",\"said_at\":null,\"ended\":false}} -->\nwords\n<!-- /pilotlight -->"
    );
    assert!(VantageObservation::find(&body).is_some(), "{body}");
    body
}

/// Answers so many requests with these, in this order, and ends.
fn canned(replies: Vec<String>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        for reply in replies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                request.push(byte[0]);
            }
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    (url, thread)
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn user() -> String {
    reply(200, "", "{\"login\": \"pilot\"}")
}
