//! What we send, and what the peer answers, beside GitHub's own description of its API (OpenAPI 3.0): paths,
//! methods, parameters, bodies and statuses, down to every required member.

use std::fs;

use pilotlight::decide::report::github::IssueState;
use serde_json::Value;

use super::{client, marked};
use crate::fakes::github::{Exchange, GitHub as Peer, LOGIN, Permission, TOKEN};
use crate::json_schema::{fits, resolved};

/// Where `tests/run --prepare` puts it: 13 MB of the package that GitHub's own clients are made from.
const DESCRIPTION: &str = "target/openapi/package/generated/api.github.com.json";

/// These may come from anywhere, and are told of elsewhere:
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api> and
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api>.
const EVERYWHERE: [u16; 2] = [304, 401];

struct Description(Value);

impl Description {
    /// The operation of a path; its fixed parts before its variables.
    fn operation(&self, exchange: &Exchange) -> Option<&Value> {
        let path: Vec<&str> = exchange.request.path().split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            let same = |(a, b): (&&str, &&str)| a.starts_with('{') || a == b;
            template.len() == path.len() && template.iter().zip(&path).all(same)
        };
        let paths = self.0["paths"].as_object().unwrap().iter();
        let found = paths.filter(|(template, _)| fits(template));
        let (_, found) = found.min_by_key(|(template, _)| template.matches('{').count())?;
        found.get(exchange.request.method.to_lowercase())
    }

    fn check(&self, exchange: &Exchange) -> Result<(), String> {
        let operation = self.operation(exchange).ok_or("there is no such operation")?;
        let parameters: Vec<&Value> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| resolved(&self.0, p))
            .collect();
        let query = exchange.request.target.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let known = parameters.iter().find(|p| p["in"] == "query" && p["name"] == name);
            let schema = &known.ok_or_else(|| format!("no parameter {name}"))?["schema"];
            let value = match schema["type"].as_str() {
                Some("integer") => value.parse::<u64>().unwrap().into(),
                _ => Value::from(value),
            };
            fits(&self.0, schema, &value, name)?;
        }
        let schema = |node: &Value| node["content"]["application/json"]["schema"].clone();
        if exchange.request.method != "GET" && exchange.status < 400 {
            let body = serde_json::from_str(&exchange.request.body).unwrap();
            fits(&self.0, &schema(&operation["requestBody"]), &body, "request")?;
        }
        let response = &operation["responses"][exchange.status.to_string()];
        match exchange.status {
            status if response.is_null() && EVERYWHERE.contains(&status) => Ok(()),
            status if response.is_null() => Err(format!("no answer {status}")),
            304 => Ok(()),
            _ => {
                let body = serde_json::from_str(&exchange.body).unwrap();
                fits(&self.0, &schema(resolved(&self.0, response)), &body, "answer")
            }
        }
    }
}

/// Everything that the program ever asks for, and the ways in which it can be refused.
fn all_there_is(peer: &Peer) {
    let mut github = client(peer);
    let issue = github.create("ns1.example.net is down", &marked("a"), true).unwrap().number;
    peer.open_pull_request_as("octocat", "a pull request", "words");
    peer.edit_by_hand(issue, |issue| {
        issue.labels.push("outage".to_owned());
        issue.assignees.push("octocat".to_owned());
    });
    github.comment(issue, "key", "words").unwrap();
    github
        .observe(
            issue,
            "sight/home",
            &pilotlight::decide::report::marker::comment("sight/home", "a"),
        )
        .unwrap();
    github
        .observe(
            issue,
            "sight/home",
            &pilotlight::decide::report::marker::comment("sight/home", "b"),
        )
        .unwrap();
    for state in [IssueState::Completed, IssueState::Open, IssueState::NotPlanned] {
        github.edit(issue, Some("t"), Some("b"), Some(state)).unwrap();
        github.list(true).unwrap();
        github.list(true).unwrap();
    }
    github.create(&"t".repeat(300), "too long a title", true).unwrap_err();
    github.edit(99, None, Some("b"), None).unwrap_err();
    peer.set_permission(TOKEN, Permission::Read);
    github.create("t", "b", true).unwrap_err();
    peer.set_permission(TOKEN, Permission::None);
    github.list(false).unwrap_err();
    peer.set_permission(TOKEN, Permission::Write);
    peer.set_issues_enabled(false);
    github.create("t", "b", true).unwrap_err();
    peer.set_issues_enabled(true);
    pilotlight::io::github::api::GitHub::new(&super::settings(peer), "wrong")
        .unwrap()
        .list(true)
        .unwrap_err();
}

/// Holds all that a peer was asked, and has answered, beside the description.
pub(crate) fn as_described(peer: &Peer) -> Vec<Exchange> {
    let text = fs::read(DESCRIPTION).unwrap_or_else(|error| {
        panic!(
            "{DESCRIPTION}: {error}; `tests/run --prepare` fetches it (npm pack @octokit/openapi)"
        )
    });
    let description = Description(serde_json::from_slice(&text).unwrap());
    let exchanges = peer.exchanges();
    let mut wrong = Vec::new();
    // A next page is wherever GitHub says, and that address is not described.
    let own = |exchange: &&Exchange| !exchange.request.path().starts_with("/repositories/");
    for exchange in exchanges.iter().filter(own) {
        if let Err(why) = description.check(exchange) {
            let (request, status) = (&exchange.request, exchange.status);
            wrong.push(format!("{} {} {status}: {why}", request.method, request.target));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    exchanges
}

#[test]
fn requests_and_answers_match_githubs_api_description() {
    let peer = Peer::start();
    peer.open_as(LOGIN, "without a body", "");
    all_there_is(&peer);
    let exchanges = as_described(&peer);
    let had = |status| exchanges.iter().any(|exchange| exchange.status == status);
    for status in [200, 201, 304, 401, 403, 404, 410, 422] {
        assert!(had(status), "nothing was answered {status}");
    }
}
