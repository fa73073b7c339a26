//! How GitHub shows users, repositories, issues and comments: the JSON, and nothing else.

use super::api::{Repo, State};
use super::{Comment, Issue};
use serde_json::{Value, json};

// Above u32, as GitHub's own ids are about to be: a client must not keep them in 32 bits.
pub(super) const FIRST_ID: u64 = 5_000_000_000;

impl State {
    pub fn user(&self, login: &str) -> Value {
        let next = |id: u64, byte| (id * 31 + u64::from(byte)) % 100_000_000;
        let id = login.bytes().fold(7, next);
        let bot = login.ends_with("[bot]");
        let kind = if bot { "Bot" } else { "User" };
        let url = format!("{}/users/{login}", self.url);
        json!({
            "login": login, "id": id, "node_id": format!("U_{id}"), "type": kind, "site_admin": false,
            "html_url": format!("https://github.com/{login}"), "gravatar_id": "",
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "events_url": format!("{url}/events{{/privacy}}"), "gists_url": format!("{url}/gists{{/gist_id}}"),
            "followers_url": format!("{url}/followers"), "repos_url": format!("{url}/repos"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "organizations_url": format!("{url}/orgs"),
            "received_events_url": format!("{url}/received_events"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"), "url": url,
        })
    }

    /// The same of whoever asks for himself.
    pub fn own_user(&self, login: &str) -> Value {
        let mut user = self.user(login);
        let more = json!({
            "bio": null, "blog": "", "company": null, "email": null, "hireable": null, "location": null,
            "name": null, "followers": 0, "following": 0, "public_gists": 0, "public_repos": 0,
            "user_view_type": "public", "created_at": "2020-01-01T00:00:00Z",
            "updated_at": "2020-01-01T00:00:00Z",
        });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    }

    pub fn repo(&self, repo: usize) -> Value {
        let Repo { name, id, issues } = &self.repos[repo];
        let (id, full_name): (usize, _) = (id.parse().unwrap(), name);
        let (owner, name) = full_name.split_once('/').unwrap();
        let push = !self.drop_labels;
        let open = issues.iter().filter(|i| i.state == "open").count();
        json!({
            "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": full_name,
            "owner": self.user(owner), "private": true, "visibility": "private", "fork": false,
            "url": format!("{}/repos/{full_name}", self.url),
            "html_url": format!("https://github.com/{full_name}"),
            "archived": false, "disabled": false, "default_branch": "main",
            "has_issues": !self.issues_disabled, "open_issues_count": open, "open_issues": open,
            "permissions": {
                "admin": push, "maintain": push, "push": push, "triage": push, "pull": true
            },
        })
    }

    pub fn issue(&self, repo: usize, issue: &Issue) -> Value {
        let (number, html_url) = (issue.number, &issue.html_url);
        let id = FIRST_ID + (repo as u64) * 1_000_000 + number;
        let repo_url = format!("{}/repos/{}", self.url, self.repos[repo].name);
        let url = format!("{repo_url}/issues/{number}");
        let label = |(at, name): (usize, &String)| {
            json!({
                "id": FIRST_ID + at as u64, "node_id": format!("LA_{at}"), "name": name,
                "url": format!("{repo_url}/labels/{name}"),
                "color": "ededed", "default": false, "description": null,
            })
        };
        let assignees = issue.assignees.iter().map(|login| self.user(login));
        let assignees: Vec<_> = assignees.collect();
        let mut shown = json!({
            "id": id, "node_id": format!("I_{id}"), "number": number, "title": issue.title,
            "body": (!issue.body.is_empty()).then_some(&issue.body), "user": self.user(&issue.user),
            "state": issue.state, "state_reason": issue.state_reason, "locked": issue.locked,
            "labels": issue.labels.iter().enumerate().map(label).collect::<Vec<_>>(),
            "assignee": assignees.first(), "assignees": assignees, "milestone": null,
            "comments": issue.comments.len(), "author_association": "MEMBER",
            "created_at": issue.created_at, "updated_at": issue.updated_at,
            "closed_at": issue.closed_at, "html_url": html_url, "repository_url": repo_url,
            "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"),
            "labels_url": format!("{url}/labels{{/name}}"), "url": url,
        });
        if issue.pull_request {
            shown["draft"] = json!(false);
            shown["pull_request"] = json!({
                "url": format!("{repo_url}/pulls/{number}"), "html_url": html_url, "merged_at": null,
                "diff_url": format!("{html_url}.diff"), "patch_url": format!("{html_url}.patch"),
            });
        }
        shown
    }

    pub fn comment_on(&self, repo: usize, issue: &Issue, comment: &Comment) -> Value {
        let Comment { id, created_at, updated_at, .. } = comment;
        let repo_url = format!("{}/repos/{}", self.url, self.repos[repo].name);
        json!({
            "id": id, "node_id": format!("IC_{id}"), "user": self.user(&comment.user),
            "body": comment.body,
            "url": format!("{repo_url}/issues/comments/{id}"),
            "issue_url": format!("{repo_url}/issues/{}", issue.number),
            "html_url": format!("{}#issuecomment-{id}", issue.html_url),
            "created_at": created_at, "updated_at": updated_at, "author_association": "MEMBER",
        })
    }
}
