//! Faults: which requests they strike, and what comes of the effect and of the reply.
//!
//! It must know nothing of what a request asks for; that is for the rules in `api`.

use super::Exchange;
use super::api::State;
use super::http::{Reply, Request, times};
use Fault::*;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

const SECONDARY_LIMIT: &str = "You have exceeded a secondary rate limit. Please wait a few minutes \
                               before you try again.";

/// Which requests a fault strikes.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Method, or `*` for any.
    pub method: String,
    /// Part of path and query; with a final `$`, the end of the path instead.
    pub path: String,
}

impl Matcher {
    /// `("POST", "/issues$")` means creations only, `("GET", "page=2")` second pages.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into() }
    }

    fn matches(&self, request: &Request) -> bool {
        (self.method == "*" || self.method == request.method)
            && match self.path.strip_suffix('$') {
                Some(end) => request.path().ends_with(end),
                None => request.target.contains(&self.path),
            }
    }
}

/// A way to fail.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Close without effect or reply.
    LoseBefore,
    /// Take effect, then close without a reply.
    LoseAfter,
    /// Answer this status without effect.
    Status(u16),
    /// Take effect, then answer this status.
    StatusAfter(u16),
    /// 403, no requests remaining until the reset.
    PrimaryLimit {
        /// Unix time of the reset.
        reset_epoch: u64,
    },
    /// GitHub's secondary rate limit.
    SecondaryLimit {
        /// 403 or 429: GitHub uses both.
        status: u16,
        /// Seconds in `Retry-After`; without it the header is missing.
        retry_after: Option<u64>,
    },
    /// 200 with a body that is not JSON, without effect.
    Garbage,
    /// Take effect, then send half of the body that `Content-Length` promises.
    TruncatedBody,
    /// Create, lose the reply, and leave the new issue out of the next n list requests.
    LostCreateNotListedFor(usize),
}

impl State {
    /// Answers a request, or not, as the faults have it.
    pub fn answer(&mut self, request: &Request) -> Option<Vec<u8>> {
        let fault = self.strike(request);
        if let Some(LostCreateNotListedFor(listings)) = fault {
            self.hide = listings;
        }
        let served = match fault {
            None | Some(LoseAfter | StatusAfter(_) | TruncatedBody | LostCreateNotListedFor(_)) => {
                Some(self.route(request).unwrap_or_else(|refusal| refusal))
            }
            Some(_) => None,
        };
        self.hide = 0;
        let reply = match fault {
            None => self.unless_known(request, served?),
            Some(TruncatedBody) => served?,
            Some(LoseBefore | LoseAfter | LostCreateNotListedFor(_)) => return None,
            Some(Status(status) | StatusAfter(status)) => Reply::error(status, "Server Error"),
            Some(PrimaryLimit { reset_epoch }) => {
                Reply::error(403, "API rate limit exceeded for user ID 1.")
                    .with("x-ratelimit-used", 5000)
                    .with("x-ratelimit-remaining", 0)
                    .with("x-ratelimit-reset", reset_epoch)
            }
            Some(SecondaryLimit { status, retry_after }) => {
                let mut reply = Reply::error(status, SECONDARY_LIMIT);
                reply.headers.extend(retry_after.map(|s| ("retry-after", s.to_string())));
                reply
            }
            Some(Garbage) => Reply {
                status: 200,
                headers: BTreeMap::from([("content-type", "text/html".into())]),
                body: "<html>Sign in to this network</html>".into(),
            },
        };
        let (request, status, body) = (request.clone(), reply.status, reply.body.clone());
        self.exchanges.push(Exchange { request, status, body });
        let cut = matches!(fault, Some(TruncatedBody));
        Some(self.dress(reply).bytes(cut))
    }

    /// Marks what is read with its `ETag`, and sends nothing where the client has the same already.
    ///
    /// GitHub's tag changes with any byte of the answer; so does this one, and with the links to other pages.
    fn unless_known(&mut self, request: &Request, reply: Reply) -> Reply {
        if request.method != "GET" || reply.status != 200 {
            return reply;
        }
        let mut hasher = std::hash::DefaultHasher::new();
        (&reply.body, reply.headers.get("link")).hash(&mut hasher);
        let tag = format!("W/\"{:016x}\"", hasher.finish());
        if request.header("if-none-match") != Some(&tag) {
            return reply.with("etag", tag);
        }
        self.unchanged.0 += 1;
        Reply { status: 304, headers: BTreeMap::new(), body: String::new() }.with("etag", tag)
    }

    fn strike(&mut self, request: &Request) -> Option<Fault> {
        let mut faults = self.faults.iter_mut();
        let (_, fault, left) = faults.find(|fault| fault.2 > 0 && fault.0.matches(request))?;
        *left -= 1;
        Some(*fault)
    }

    /// Adds the headers that GitHub puts on everything, where the reply has none of its own.
    fn dress(&mut self, mut reply: Reply) -> Reply {
        let (epoch, date) = times(&self.now);
        let (hour, requests) = (epoch / 3600, self.log.len());
        if self.window.0 != hour {
            self.window = (hour, requests - 1);
            self.unchanged.1 = self.unchanged.0 - usize::from(reply.status == 304);
        }
        let used = requests - self.window.1 - (self.unchanged.0 - self.unchanged.1);
        let mut headers = BTreeMap::from([
            ("date", date),
            ("x-github-request-id", format!("FAKE:{requests}")),
            ("x-ratelimit-limit", "5000".into()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-remaining", 5000_usize.saturating_sub(used).to_string()),
            ("x-ratelimit-reset", ((hour + 1) * 3600).to_string()),
            ("x-ratelimit-resource", "core".into()),
        ]);
        if let Some(expiry) = &self.expiry {
            headers.insert("github-authentication-token-expiration", expiry.clone());
        }
        headers.append(&mut reply.headers);
        if reply.status == 403 {
            headers.insert("x-accepted-github-permissions", "issues=write".into());
        }
        Reply { headers, ..reply }
    }
}
