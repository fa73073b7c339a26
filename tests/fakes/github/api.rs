//! The fake's memory and GitHub's rules over it: who may do what, and what is listed.
//!
//! It must know nothing of sockets, threads and faults.

use super::http::{Query, Reply, Request};
use super::shape::FIRST_ID;
use super::{Comment, Exchange, Fault, Issue, Matcher, Permission};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

const FIRST_REPO_ID: usize = 1000;

#[derive(Default)]
pub(super) struct Repo {
    pub name: String,
    /// The other name it goes by: GitHub's own links say `/repositories/ID`.
    pub id: String,
    /// Nothing is ever removed, so the issue with number n is at n - 1.
    pub issues: Vec<Issue>,
}

#[derive(Default)]
pub(super) struct State {
    pub url: String,
    pub repos: Vec<Repo>,
    /// By token: login and what the token may do.
    pub users: BTreeMap<String, (String, Permission)>,
    pub drop_labels: bool,
    pub issues_disabled: bool,
    pub clock: Option<Box<dyn Fn() -> String + Send + Sync>>,
    pub faults: Vec<(Matcher, Fault, usize)>,
    pub log: Vec<Request>,
    pub exchanges: Vec<Exchange>,
    pub connections: usize,
    /// The seconds of all writes so far, whatever came of them.
    pub written: Vec<String>,
    pub down: bool,
    pub hang: bool,
    /// Counts outages and ends of hanging: a request of an earlier era is not answered.
    pub era: usize,
    pub stopping: bool,
    /// The time of the request or act in progress.
    pub now: String,
    /// The hour that rate limits count in, and the requests before it.
    pub window: (u64, usize),
    /// Answers 304 so far, and of those the ones before the hour that is counted.
    pub unchanged: (usize, usize),
    /// When tokens expire.
    pub expiry: Option<String>,
    last_comment: u64,
    /// For how many listings an issue created now stays hidden, and those that still are.
    pub hide: usize,
    hidden: HashMap<(usize, u64), usize>,
}

const NO_AGENT: &str = "Request forbidden by administrative rules. Please make sure your request \
                        has a User-Agent header.";
const NOT_ALLOWED: &str = "Resource not accessible by personal access token";

/// The reply, as an error if it is a refusal.
pub(super) type Answer = Result<Reply, Reply>;

impl State {
    /// Nothing yet, at that address.
    pub fn new(url: &str) -> Self {
        let url = url.into();
        Self { url, ..Self::default() }
    }

    /// Reads the clock, once for everything that one request or act does.
    pub fn tick(&mut self) {
        let seconds = self.log.len();
        let (day, hour, minute) = (1 + seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        self.now = match &self.clock {
            Some(clock) => clock(),
            None => format!("2026-01-{day:02}T{hour:02}:{minute:02}:{:02}Z", seconds % 60),
        };
    }

    /// Adds an empty repository.
    pub fn add_repo(&mut self, name: &str) {
        let id = (FIRST_REPO_ID + self.repos.len()).to_string();
        let (name, issues) = (name.into(), Vec::new());
        self.repos.push(Repo { name, id, issues });
    }

    /// Does what a request asks for; both sides of the result are replies.
    pub fn route(&mut self, request: &Request) -> Answer {
        let missing = || Reply::error(404, "Not Found");
        if request.header("user-agent").is_none() {
            return Err(Reply::error(403, NO_AGENT));
        }
        let (login, permission) =
            self.caller(request).ok_or_else(|| Reply::error(401, "Bad credentials"))?;
        let method = request.method.as_str();
        let segments: Vec<&str> = request.path().split('/').skip(1).collect();
        let (name, rest) = match &segments[..] {
            ["user"] if method == "GET" => return Ok(Reply::json(200, &self.own_user(&login))),
            ["repos", owner, name, rest @ ..] => (format!("{owner}/{name}"), rest),
            ["repositories", id, rest @ ..] => (id.to_string(), rest),
            _ => return Err(missing()),
        };
        let named = |repo: &Repo| repo.id == name || repo.name.eq_ignore_ascii_case(&name);
        let repo = self.repos.iter().position(named).ok_or_else(missing)?;
        match permission {
            Permission::None => return Err(missing()),
            Permission::Read if method != "GET" => return Err(Reply::error(403, NOT_ALLOWED)),
            _ => {}
        }
        let (number, rest_of_issue) = match (method, rest) {
            ("GET", []) => return Ok(Reply::json(200, &self.repo(repo))),
            ("GET", ["issues"]) => {
                let listed = self.list(repo, &Query::of(request));
                return Ok(self.page(repo, request, "issues", listed));
            }
            ("POST", ["issues"]) => return self.create(repo, &login, request),
            ("PATCH", ["issues", "comments", id]) => {
                return self.edit_comment(repo, id, &login, &fields(request)?);
            }
            (_, ["issues", number, rest @ ..]) => (number.parse::<usize>().unwrap_or(0), rest),
            _ => return Err(missing()),
        };
        self.route_issue(request, &login, (repo, number.wrapping_sub(1)), rest_of_issue)
    }

    /// Who makes the request, and what their token may do.
    fn caller(&self, request: &Request) -> Option<(String, Permission)> {
        let (scheme, token) = request.header("authorization")?.split_once(' ')?;
        let known = ["bearer", "token"].contains(&&*scheme.to_lowercase());
        self.users.get(token).filter(|_| known).cloned()
    }

    /// A request about one issue: by repository and index.
    fn route_issue(
        &mut self,
        request: &Request,
        login: &str,
        (repo, at): (usize, usize),
        rest: &[&str],
    ) -> Answer {
        let missing = || Reply::error(404, "Not Found");
        let issue = self.repos[repo].issues.get(at).ok_or_else(missing)?;
        if self.issues_disabled && !issue.pull_request {
            return Err(gone());
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(Reply::json(200, &self.issue(repo, issue))),
            ("PATCH", []) => self.update(repo, at, &fields(request)?),
            ("GET", ["comments"]) => {
                let since = Query::of(request).get("since").unwrap_or_default();
                let comments = issue.comments.iter().filter(|c| c.created_at >= since);
                let shown = comments.map(|c| self.comment_on(repo, issue, c)).collect();
                Ok(self.page(repo, request, &format!("issues/{}/comments", at + 1), shown))
            }
            ("POST", ["comments"]) => {
                let fields = fields(request)?;
                let body = text(&fields, "body")?.filter(|body| !body.trim().is_empty());
                let body = body.ok_or_else(|| unsupplied("body"))?;
                self.comment(repo, at, login, body);
                let issue = &self.repos[repo].issues[at];
                let comment = issue.comments.last().unwrap();
                Ok(Reply::json(201, &self.comment_on(repo, issue, comment)))
            }
            _ => Err(missing()),
        }
    }

    fn list(&mut self, repo: usize, query: &Query) -> Vec<Value> {
        let get = |name, default: &str| query.get(name).unwrap_or(default.into());
        let (state, creator) = (get("state", "open"), get("creator", ""));
        let (labels, since) = (get("labels", ""), get("since", ""));
        let listed = |issue: &&Issue| {
            let has = |label: &str| issue.labels.iter().any(|l| l.eq_ignore_ascii_case(label));
            (state == "all" || issue.state == state)
                && (creator.is_empty() || issue.user.eq_ignore_ascii_case(&creator))
                && (labels.is_empty() || labels.split(',').all(has))
                && issue.updated_at >= since
                && (issue.pull_request || !self.issues_disabled)
                && !self.hidden.contains_key(&(repo, issue.number))
        };
        // In order of creation, since that is how they are stored.
        let mut found: Vec<&Issue> = self.repos[repo].issues.iter().filter(listed).collect();
        if get("sort", "created") == "updated" {
            found.sort_by_key(|issue| &issue.updated_at);
        }
        if get("direction", "desc") == "desc" {
            found.reverse();
        }
        let shown = found.iter().map(|issue| self.issue(repo, issue));
        let shown = shown.collect();
        self.hidden.retain(|(of, _), left| {
            *left -= usize::from(*of == repo);
            *left > 0
        });
        shown
    }

    fn page(&self, repo: usize, request: &Request, path: &str, items: Vec<Value>) -> Reply {
        let query = Query::of(request);
        let number = |name| query.get(name)?.parse().ok().filter(|number| *number > 0);
        let per_page: usize = number("per_page").unwrap_or(30).min(100);
        let page: usize = number("page").unwrap_or(1);
        let last = items.len().div_ceil(per_page).max(1);
        let mut links = Vec::new();
        let mut link = |on: bool, rel: &str, page: usize| {
            let (url, id, query) = (&self.url, &self.repos[repo].id, query.with_page(page));
            let link = format!("<{url}/repositories/{id}/{path}?{query}>; rel=\"{rel}\"");
            links.extend(on.then_some(link));
        };
        link(page > 1, "prev", last.min(page - 1));
        link(page < last, "next", page.saturating_add(1));
        link(page < last, "last", last);
        link(page > 1, "first", 1);
        let shown = items.into_iter().skip(per_page.saturating_mul(page - 1));
        let mut reply = Reply::json(200, &shown.take(per_page).collect());
        if !links.is_empty() {
            reply = reply.with("link", links.join(", "));
        }
        reply
    }

    fn create(&mut self, repo: usize, login: &str, request: &Request) -> Answer {
        if self.issues_disabled {
            return Err(gone());
        }
        let fields = fields(request)?;
        let title = text(&fields, "title")?.ok_or_else(|| unsupplied("title"))?;
        let body = text(&fields, "body")?.unwrap_or_default();
        let at = self.open(repo, login, title, body, false) as usize - 1;
        self.tag(repo, at, &fields);
        let issue = self.issue(repo, &self.repos[repo].issues[at]);
        Ok(Reply::json(201, &issue).with("location", issue["url"].as_str().unwrap()))
    }

    fn update(&mut self, repo: usize, at: usize, fields: &Value) -> Answer {
        let (title, body) = (text(fields, "title")?, text(fields, "body")?);
        let state = fields["state"].as_str();
        if state.is_some_and(|state| !["open", "closed"].contains(&state)) {
            return Err(invalid("state", "state is not open or closed"));
        }
        let issue = &mut self.repos[repo].issues[at];
        let before = issue.clone();
        issue.title = title.unwrap_or(&before.title).into();
        issue.body = body.unwrap_or(&before.body).into();
        self.tag(repo, at, fields);
        if let Some(state) = state {
            self.set_state(repo, at, state, fields["state_reason"].as_str());
        }
        let issue = &mut self.repos[repo].issues[at];
        if *issue != before {
            issue.updated_at = self.now.clone();
        }
        let issue = self.issue(repo, &self.repos[repo].issues[at]);
        Ok(Reply::json(200, &issue))
    }

    /// Sets the labels and assignees sent along, unless the user's are dropped.
    fn tag(&mut self, repo: usize, at: usize, fields: &Value) {
        if self.drop_labels {
            return;
        }
        let name = |item: &Value| item.as_str().or(item["name"].as_str()).map(String::from);
        let names = |field: &str| Some(fields[field].as_array()?.iter().filter_map(name).collect());
        let issue = &mut self.repos[repo].issues[at];
        issue.labels = names("labels").unwrap_or(issue.labels.split_off(0));
        issue.assignees = names("assignees").unwrap_or(issue.assignees.split_off(0));
    }

    /// Opens an issue or pull request.
    pub fn open(&mut self, repo: usize, login: &str, title: &str, body: &str, pull: bool) -> u64 {
        let name = &self.repos[repo].name;
        let number = self.repos[repo].issues.len() as u64 + 1;
        let kind = if pull { "pull" } else { "issues" };
        let issue = Issue {
            number,
            title: title.into(),
            body: body.into(),
            state: "open".into(),
            user: login.into(),
            created_at: self.now.clone(),
            updated_at: self.now.clone(),
            html_url: format!("https://github.com/{name}/{kind}/{number}"),
            pull_request: pull,
            locked: false,
            ..Issue::default()
        };
        self.repos[repo].issues.push(issue);
        if self.hide > 0 {
            self.hidden.insert((repo, number), self.hide);
        }
        number
    }

    /// Closes or reopens, if that is a change; otherwise the reason is ignored, as GitHub does.
    pub fn set_state(&mut self, repo: usize, at: usize, state: &str, reason: Option<&str>) {
        let issue = &mut self.repos[repo].issues[at];
        if issue.state == state {
            return;
        }
        let closed = state == "closed";
        let reason = reason.filter(|_| closed);
        let reason = reason.unwrap_or(if closed { "completed" } else { "reopened" });
        issue.state = state.into();
        issue.state_reason = (!issue.pull_request).then(|| reason.into());
        issue.closed_at = closed.then(|| self.now.clone());
        issue.updated_at = self.now.clone();
    }

    /// Adds a comment.
    pub fn comment(&mut self, repo: usize, at: usize, login: &str, body: &str) {
        self.last_comment += 1;
        let comment = Comment {
            id: FIRST_ID + self.last_comment,
            user: login.into(),
            body: body.into(),
            created_at: self.now.clone(),
            updated_at: self.now.clone(),
        };
        let issue = &mut self.repos[repo].issues[at];
        issue.comments.push(comment);
        issue.updated_at = self.now.clone();
    }

    /// Changes a comment, which only its author may do here.
    fn edit_comment(&mut self, repo: usize, id: &str, login: &str, fields: &Value) -> Answer {
        let body = text(fields, "body")?.filter(|body| !body.trim().is_empty());
        let body = body.ok_or_else(|| unsupplied("body"))?;
        let issues = &mut self.repos[repo].issues;
        let mut all = issues.iter_mut().flat_map(|issue| {
            let number = issue.number as usize - 1;
            issue.comments.iter_mut().map(move |comment| (number, comment))
        });
        let (at, comment) = all
            .find(|(_, comment)| comment.id.to_string() == id)
            .ok_or_else(|| Reply::error(404, "Not Found"))?;
        if comment.user != login {
            return Err(Reply::error(403, NOT_ALLOWED));
        }
        body.clone_into(&mut comment.body);
        comment.updated_at = self.now.clone();
        let comment = comment.clone();
        issues[at].updated_at = self.now.clone();
        Ok(Reply::json(200, &self.comment_on(repo, &self.repos[repo].issues[at], &comment)))
    }
}

fn gone() -> Reply {
    Reply::error(410, "Issues are disabled for this repo")
}

fn unsupplied(field: &str) -> Reply {
    let message = format!("Invalid request.\n\n\"{field}\" wasn't supplied.");
    Reply::error(422, &message)
}

fn invalid(field: &str, message: &str) -> Reply {
    let error = json!({"resource": "Issue", "code": "custom", "field": field, "message": message});
    let docs = "https://docs.github.com/rest/issues/issues";
    let body = json!({
        "message": "Validation Failed", "errors": [error], "documentation_url": docs, "status": "422",
    });
    Reply::json(422, &body)
}

fn fields(request: &Request) -> Result<Value, Reply> {
    let fields = serde_json::from_str(&request.body).ok();
    let object = fields.filter(Value::is_object);
    object.ok_or_else(|| Reply::error(400, "Problems parsing JSON"))
}

/// A text field, if it is sent, within GitHub's limits.
fn text<'a>(fields: &'a Value, field: &str) -> Result<Option<&'a str>, Reply> {
    let limit = if field == "title" { 256 } else { 65_536 };
    match &fields[field] {
        Value::Null => Ok(None),
        Value::String(text) if field == "title" && text.trim().is_empty() => {
            Err(invalid(field, "title can't be blank"))
        }
        Value::String(text) if text.chars().count() > limit => {
            let message = format!("{field} is too long (maximum is {limit} characters)");
            Err(invalid(field, &message))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err(invalid(field, "not a string")),
    }
}
