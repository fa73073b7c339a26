//! What we send, and what the peer answers, beside GitHub's own description of its API (OpenAPI 3.0): paths,
//! methods, parameters, bodies and statuses, down to every required member.

use std::fs;

use pilotlight::decide::report::github::IssueState;
use serde_json::Value;

use super::{client, marked};
use crate::fakes::github::{Exchange, GitHub as Peer, LOGIN, Permission, TOKEN};

/// Where `tests/run --prepare` puts it: 13 MB of the package that GitHub's own clients are made from.
const DESCRIPTION: &str = "target/openapi/package/generated/api.github.com.json";

/// These may come from anywhere, and are told of elsewhere:
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api> and
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api>.
const EVERYWHERE: [u16; 2] = [304, 401];

struct Description(Value);

impl Description {
    /// Follows a reference, as often as needed.
    fn at<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(to) => self.at(self.0.pointer(to.trim_start_matches('#')).unwrap()),
            None => node,
        }
    }

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
        let parameters: Vec<&Value> =
            operation["parameters"].as_array().unwrap().iter().map(|p| self.at(p)).collect();
        let query = exchange.request.target.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let known = parameters.iter().find(|p| p["in"] == "query" && p["name"] == name);
            let schema = &known.ok_or_else(|| format!("no parameter {name}"))?["schema"];
            let value = match schema["type"].as_str() {
                Some("integer") => value.parse::<u64>().unwrap().into(),
                _ => Value::from(value),
            };
            self.fits(schema, &value, name)?;
        }
        let schema = |node: &Value| node["content"]["application/json"]["schema"].clone();
        if exchange.request.method != "GET" && exchange.status < 400 {
            let body = serde_json::from_str(&exchange.request.body).unwrap();
            self.fits(&schema(&operation["requestBody"]), &body, "request")?;
        }
        let response = &operation["responses"][exchange.status.to_string()];
        match exchange.status {
            status if response.is_null() && EVERYWHERE.contains(&status) => Ok(()),
            status if response.is_null() => Err(format!("no answer {status}")),
            304 => Ok(()),
            _ => {
                let body = serde_json::from_str(&exchange.body).unwrap();
                self.fits(&schema(self.at(response)), &body, "answer")
            }
        }
    }

    /// As much of JSON Schema as the description uses here.
    fn fits(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = self.at(schema);
        let list = |name: &str| schema[name].as_array().cloned().unwrap_or_default();
        if value.is_null() && schema["nullable"] == true {
            return Ok(());
        }
        for part in list("allOf") {
            self.fits(&part, value, place)?;
        }
        let any = [list("oneOf"), list("anyOf")].concat();
        let why: Vec<String> =
            any.iter().filter_map(|one| self.fits(one, value, place).err()).collect();
        if !any.is_empty() && why.len() == any.len() {
            return Err(why.join("; or "));
        }
        let typed = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        let listed = schema["enum"].as_array().is_none_or(|all| all.contains(value));
        if !typed || !listed {
            return Err(format!("{place}: {value} is not {} {}", schema["type"], schema["enum"]));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.fits(&schema["items"], item, &format!("{place}[{n}]"))?;
        }
        let Some(members) = value.as_object() else { return Ok(()) };
        for name in list("required") {
            let name = name.as_str().unwrap();
            members.get(name).ok_or_else(|| format!("{place}.{name} is missing"))?;
        }
        for (name, member) in members {
            let known = &schema["properties"][name];
            if !known.is_null() {
                self.fits(known, member, &format!("{place}.{name}"))?;
            }
        }
        Ok(())
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
