//! An embedded, stateful fake of GitHub's REST API for issues, for integration tests and demos.
//!
//! It speaks HTTP/1.1 on 127.0.0.1 with plain threads, keeps repositories in memory, and fails in
//! GitHub's ways on demand: lost replies, rate limits, outages, a listing that lags behind. It must
//! know nothing of the program under test (no titles, markers or retry rules of its client) and of
//! no async runtime. It never reads the wall clock: time is a counter, or what `set_clock` says.

mod api;
mod fault;
mod http;
mod shape;

pub use fault::{Fault, Matcher};
pub use http::Request;

use api::State;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The repository that `GitHub::start` creates and the helpers act on.
pub const REPO: &str = "owner/infra";
/// The token known from the start; it belongs to [`LOGIN`].
pub const TOKEN: &str = "token";
/// The login behind [`TOKEN`].
pub const LOGIN: &str = "pilot";

/// A comment as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Identifier, unique over the whole fake.
    pub id: u64,
    /// Login of its author.
    pub user: String,
    /// Markdown text.
    pub body: String,
    /// When it was written.
    pub created_at: String,
    /// When it was last edited.
    pub updated_at: String,
}

/// An issue or pull request as stored; times are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issue {
    /// Number in its repository, one sequence for issues and pull requests.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Markdown text; an empty one is sent as `null`.
    pub body: String,
    /// `open` or `closed`.
    pub state: String,
    /// `completed`, `not_planned`, `duplicate`, `reopened` or nothing.
    pub state_reason: Option<String>,
    /// Label names.
    pub labels: Vec<String>,
    /// Logins it is assigned to.
    pub assignees: Vec<String>,
    /// Login of its author.
    pub user: String,
    /// When it was opened.
    pub created_at: String,
    /// When it last changed, comments included.
    pub updated_at: String,
    /// When it was closed, if it is.
    pub closed_at: Option<String>,
    /// Its comments, oldest first.
    pub comments: Vec<Comment>,
    /// Its page for people.
    pub html_url: String,
    /// Whether it is a pull request.
    pub pull_request: bool,
    /// Whether a person has locked it.
    pub locked: bool,
}

/// A request, and what was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// What a token may do in every repository.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Permission {
    /// Nothing: repositories answer 404, as private ones do.
    None,
    /// Read: writes answer 403.
    Read,
    /// Everything.
    Write,
}

/// The running fake; dropping it stops it.
pub struct GitHub {
    shared: Arc<Shared>,
    url: String,
    acceptor: Option<JoinHandle<()>>,
}

impl GitHub {
    /// Starts on a free port with [`REPO`], and [`TOKEN`] of [`LOGIN`] allowed everything.
    pub fn start() -> Self {
        Self::start_on(0)
    }

    /// Starts on the given port; 0 means a free one.
    pub fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared =
            Arc::new(Shared { state: Mutex::new(State::new(&url)), changed: Condvar::new() });
        let accepting = shared.clone();
        let acceptor = Some(thread::spawn(move || accepting.accept(&listener)));
        let github = Self { shared, url, acceptor };
        github.add_repo(REPO);
        github.add_user(TOKEN, LOGIN);
        github
    }

    /// Base address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Adds an empty repository, `owner/name`.
    pub fn add_repo(&self, name: &str) {
        self.act(|s| s.add_repo(name));
    }

    /// Adds a token of a user, allowed everything.
    pub fn add_user(&self, token: &str, login: &str) {
        let user = (login.to_string(), Permission::Write);
        self.act(|s| s.users.insert(token.into(), user));
    }

    /// Changes what a known token may do.
    pub fn set_permission(&self, token: &str, permission: Permission) {
        self.act(|s| s.users.get_mut(token).unwrap().1 = permission);
    }

    /// When every token expires, as the header says it (`2026-12-01 10:00:00 UTC`); `None`: never.
    pub fn set_expiry(&self, at: Option<&str>) {
        self.act(|s| s.expiry = at.map(String::from));
    }

    /// Whether users lack push, so that labels and assignees they send are dropped silently.
    pub fn drop_labels(&self, on: bool) {
        self.act(|s| s.drop_labels = on);
    }

    /// Whether repositories have issues; without them only pull requests are left, the rest is 410.
    pub fn set_issues_enabled(&self, on: bool) {
        self.act(|s| s.issues_disabled = !on);
    }

    /// Sets the clock (`2026-01-02T03:04:05Z`); it must not call back into this fake. The default
    /// starts at 2026-01-01T00:00:00Z and advances one second per request.
    pub fn set_clock(&self, clock: impl Fn() -> String + Send + Sync + 'static) {
        self.act(|s| s.clock = Some(Box::new(clock)));
    }

    /// An outage: connections are closed unread, those in progress too. State is kept.
    pub fn set_down(&self, on: bool) {
        self.act(|s| (s.down, s.era) = (on, s.era + 1));
    }

    /// Requests are logged and then left hanging; when this ends they are closed, without effect.
    pub fn set_hang(&self, on: bool) {
        self.act(|s| (s.hang, s.era) = (on, s.era + usize::from(!on)));
    }

    /// Queues a fault for the next `times` matching requests; the oldest matching one strikes first.
    pub fn inject(&self, matcher: Matcher, fault: Fault, times: usize) {
        self.act(|s| s.faults.push((matcher, fault, times)));
    }

    /// Forgets all faults and tells how many strikes were still to come.
    pub fn clear_faults(&self) -> usize {
        self.act(|s| s.faults.drain(..).fold(0, |sum, f| f.2.saturating_add(sum)))
    }

    /// All issues and pull requests of [`REPO`], by number.
    pub fn issues(&self) -> Vec<Issue> {
        self.issues_of(REPO)
    }

    /// The same of another repository.
    pub fn issues_of(&self, repo: &str) -> Vec<Issue> {
        self.look(|s| s.repos.iter().find(|r| r.name == repo).unwrap().issues.clone())
    }

    /// Opens an issue in [`REPO`] as anyone.
    pub fn open_as(&self, login: &str, title: &str, body: &str) -> u64 {
        self.act(|s| s.open(0, login, title, body, false))
    }

    /// Opens a pull request in [`REPO`] as anyone.
    pub fn open_pull_request_as(&self, login: &str, title: &str, body: &str) -> u64 {
        self.act(|s| s.open(0, login, title, body, true))
    }

    /// Closes an issue of [`REPO`] as completed.
    pub fn close_by_hand(&self, number: u64) {
        self.act(|s| s.set_state(0, number as usize - 1, "closed", None));
    }

    /// Reopens an issue of [`REPO`].
    pub fn reopen_by_hand(&self, number: u64) {
        self.act(|s| s.set_state(0, number as usize - 1, "open", None));
    }

    /// Changes title or body of an issue of [`REPO`].
    pub fn edit_by_hand(&self, number: u64, edit: impl FnOnce(&mut Issue)) {
        self.act(|s| {
            let now = s.now.clone();
            let issue = &mut s.repos[0].issues[number as usize - 1];
            edit(issue);
            issue.updated_at = now;
        });
    }

    /// Comments on an issue of [`REPO`] as anyone.
    pub fn comment_as(&self, login: &str, number: u64, body: &str) {
        self.act(|s| s.comment(0, number as usize - 1, login, body));
    }

    /// Opens n unrelated issues and pull requests (every third) by four logins, [`LOGIN`] included.
    pub fn fill(&self, n: usize) {
        let logins = ["octocat", LOGIN, "hubot", "dependabot[bot]"];
        self.act(|s| {
            for i in 0..n {
                s.open(0, logins[i % 4], &format!("Unrelated {i}"), "Filler.", i % 3 == 1);
            }
        });
    }

    /// Requests so far, as `GET /repos/owner/infra/issues?state=open`.
    pub fn requests(&self) -> Vec<String> {
        self.look(|s| s.log.iter().map(|r| format!("{} {}", r.method, r.target)).collect())
    }

    /// Requests so far that were answered 304, which GitHub does not count.
    pub fn unchanged(&self) -> usize {
        self.look(|s| s.unchanged.0)
    }

    /// Requests so far with headers and bodies.
    pub fn requests_detailed(&self) -> Vec<Request> {
        self.look(|s| s.log.clone())
    }

    /// Requests so far that had an answer, with it.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.look(|s| s.exchanges.clone())
    }

    /// How many requests so far were meant to create or change content, whatever came of them.
    pub fn writes(&self) -> usize {
        self.look(|s| s.log.iter().filter(|r| r.method != "GET").count())
    }

    /// A second in which there was more than one write, of whatever client. GitHub wants one second between two.
    pub fn hurried(&self) -> Option<String> {
        self.look(|s| s.written.windows(2).find(|two| two[0] == two[1]).map(|two| two[0].clone()))
    }

    /// Waits until the issues of [`REPO`] satisfy the predicate; false when time runs out.
    #[must_use]
    pub fn wait_for(&self, predicate: impl Fn(&[Issue]) -> bool, timeout: Duration) -> bool {
        self.wait(timeout, |s| predicate(&s.repos[0].issues))
    }

    /// Waits until so many requests were read, hanging ones included; false when time runs out.
    #[must_use]
    pub fn wait_for_requests(&self, at_least: usize, timeout: Duration) -> bool {
        self.wait(timeout, |s| s.log.len() >= at_least)
    }

    /// Waits until so many connections came in, refused ones included; false when time runs out.
    #[must_use]
    pub fn wait_for_connections(&self, at_least: usize, timeout: Duration) -> bool {
        self.wait(timeout, |s| s.connections >= at_least)
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, timeout, |s| !done(s));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.lock())
    }

    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.shared.lock();
        state.tick();
        self.shared.changed.notify_all();
        act(&mut state)
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.act(|s| s.stopping = true);
        // Wakes the acceptor, which would otherwise wait for one more client.
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        let _ = self.acceptor.take().unwrap().join();
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking test predicate must not take the whole fake with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let mut state = self.lock();
            if state.stopping {
                return;
            }
            state.connections += 1;
            self.changed.notify_all();
            if let (Ok(stream), false) = (stream, state.down) {
                let shared = self.clone();
                thread::spawn(move || shared.serve(stream));
            }
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = Request::read(&mut stream) else {
            return;
        };
        let mut state = self.lock();
        if state.stopping || state.down {
            return;
        }
        state.log.push(request.clone());
        state.tick();
        if request.method != "GET" {
            let now = state.now.clone();
            state.written.push(now);
        }
        self.changed.notify_all();
        if state.hang {
            let era = state.era;
            drop(self.changed.wait_while(state, |s| s.era == era && !s.stopping));
            return;
        }
        let reply = state.answer(&request);
        drop(state);
        if let Some(bytes) = reply {
            // The client may have given up; that is its affair.
            let _ = stream.write_all(&bytes);
        }
    }
}
