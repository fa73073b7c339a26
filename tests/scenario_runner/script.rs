//! A scenario's text, read into what happens and what is expected. See [`super`] for its form.

use std::time::Duration;

use super::clause::{Act, Clause, Edit, Given, Link, Look, Network, Person, Site};
use crate::fakes::dns::memnet::Family;
use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::{Fault, Matcher, Permission};

/// 2026-03-01T00:00:00Z: 00:00 of every scenario.
pub(super) const MIDNIGHT: u32 = 1_772_323_200;

/// A scenario.
pub(super) struct Script {
    /// What is not as usual.
    pub given: Vec<Given>,
    /// In the order of their times.
    pub lines: Vec<Line>,
}

/// Everything that one line of the text says.
pub(super) struct Line {
    /// Its number in the file.
    pub number: usize,
    /// Since the day began.
    pub at: Duration,
    /// Each with its text.
    pub clauses: Vec<(String, Clause)>,
}

impl Script {
    /// Reads a text.
    ///
    /// # Errors
    /// `LINE: CLAUSE: what is wrong with it`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut script = Self { given: Vec::new(), lines: Vec::new() };
        let mut at = None;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &str, why: &str| format!("{number}: {}: {why}", what.trim());
            let mut clauses = clauses(line).map_err(|why| wrong(line, why))?;
            let Some(first) = clauses.first_mut() else {
                continue;
            };
            if first[0] == "given" {
                first.remove(0);
                for words in clauses {
                    let said = words.join(" ");
                    let given =
                        given(&words).ok_or_else(|| wrong(&said, "nobody can give that"))?;
                    script.given.push(given);
                }
                continue;
            }
            if let Some(time) = time(&first[0]) {
                first.remove(0);
                if at.is_some_and(|before| time < before) {
                    return Err(wrong(line, "that was earlier than the line before"));
                }
                at = Some(time);
            }
            let at = at.ok_or_else(|| wrong(line, "begin with a time, such as 00:10"))?;
            let mut read = Vec::new();
            for words in clauses.iter().filter(|words| !words.is_empty()) {
                let said = words.join(" ");
                let clause =
                    clause(words).ok_or_else(|| wrong(&said, "no scenario can say that"))?;
                read.push((said, clause));
            }
            script.lines.push(Line { number, at, clauses: read });
        }
        Ok(script)
    }
}

/// The words of each clause; quotes keep a text together.
fn clauses(line: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut clauses = vec![Vec::new()];
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let words = clauses.last_mut().expect("there is always one");
        match first {
            '#' => break,
            '|' => {
                clauses.push(Vec::new());
                rest = &rest[1..];
            }
            '"' => {
                let (text, after) = rest[1..].split_once('"').ok_or("a quote has no end")?;
                words.push(text.to_owned());
                rest = after;
            }
            _ => {
                let end = rest.find([' ', '|', '"']).unwrap_or(rest.len());
                words.push(rest[..end].to_owned());
                rest = &rest[end..];
            }
        }
        rest = rest.trim_start();
    }
    match clauses[..] {
        [ref only] if only.is_empty() => Ok(Vec::new()),
        _ if clauses.iter().any(Vec::is_empty) => Err("a bar has nothing beside it"),
        _ => Ok(clauses),
    }
}

/// `00:31` or `00:31:10`; the second day begins at 24:00.
fn time(word: &str) -> Option<Duration> {
    let parts: Option<Vec<u64>> = word.split(':').map(|part| part.parse().ok()).collect();
    let seconds = match parts?[..] {
        [hours, minutes @ 0..60] => hours * 3600 + minutes * 60,
        [hours, minutes @ 0..60, seconds @ 0..60] => hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

fn given(words: &[String]) -> Option<Given> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words[..] {
        ["ipv6"] => Given::Ipv6,
        [count, "zones"] => Given::Zones(count.parse().ok()?),
        ["schedule", key, value] => Given::Schedule(key.into(), value.into()),
        ["no", "token"] => Given::NoToken,
        ["heartbeat", every] => Given::Heartbeat(every.into()),
        ["assignee", login] => Given::Assignee(login.into()),
        ["endpoint", url] => Given::Endpoint(url.into()),
        _ => return None,
    })
}

fn clause(words: &[String]) -> Option<Clause> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let act = act(&words).map(Clause::Act);
    act.or_else(|| look(&words).map(Clause::Look))
}

fn act(words: &[&str]) -> Option<Act> {
    Some(match *words {
        ["start"] => Act::Start,
        ["stop"] => Act::Stop,
        ["kill"] => Act::Kill,
        ["reload"] => Act::Reload,
        [ns @ ("ns1" | "ns2" | "ns3"), how] => Act::Server(ns.into(), behaviour(how)?),
        [ns @ ("ns1" | "ns2" | "ns3"), "serial", serial] => {
            Act::Server(ns.into(), Behaviour::Serial(serial.parse().ok()?))
        }
        [ns @ ("ns1" | "ns2" | "ns3"), "signs", "until", hours] => {
            let until = MIDNIGHT + 3600 * hours.parse::<u32>().ok()?;
            Act::Server(ns.into(), Behaviour::Signed(MIDNIGHT - 30 * 86_400, until))
        }
        ["zone", zone, name, rtype, ref values @ ..] => {
            let values = values.iter().map(|&value| value.into()).collect();
            Act::Zone(zone.into(), name.into(), rtype.into(), values)
        }
        ["uplink", "cut", ref families @ ..] => Act::Uplink(Link::Cut, family(families)?),
        ["uplink", "gone", ref families @ ..] => Act::Uplink(Link::Gone, family(families)?),
        ["uplink", "mended", ref families @ ..] => Act::Uplink(Link::Mended, family(families)?),
        ["network", "intercepts"] => Act::Network(Network::Intercepts),
        ["network", "makes", "up", "answers"] => Act::Network(Network::MakesUp),
        ["network", "honest"] => Act::Network(Network::Honest),
        ["github", "up"] => Act::GitHub(Site::Up),
        ["github", "down"] => Act::GitHub(Site::Down),
        ["github", "hangs"] => Act::GitHub(Site::Hangs),
        ["next", what, "exhausted", seconds] => {
            Act::Exhausted(request(what)?, seconds.parse().ok()?)
        }
        ["next", what, ref fault @ ..] => Act::Next(1, request(what)?, self::fault(fault)?),
        ["issue", issue, "refuses", status] => {
            let all = Matcher::new("*", &format!("/issues/{issue}"));
            Act::Next(usize::MAX, all, Fault::Status(status.parse().ok()?))
        }
        ["faults", "over"] => Act::ClearFaults,
        ["token", "reads"] => Act::Token(Permission::Read),
        ["token", "useless"] => Act::Token(Permission::None),
        ["token", "good"] => Act::Token(Permission::Write),
        ["token", "expires", day] => Act::Expiry(format!("{day} 00:00:00 UTC")),
        ["person", ref what @ ..] => Act::Person(person(what)?),
        ["config", "adds", ns] => Act::Config(Edit::Adds(ns.into())),
        ["config", "drops", ns] => Act::Config(Edit::Drops(ns.into())),
        ["config", "expects", address] => Act::Config(Edit::Expects(address.into())),
        ["config", "breaks"] => Act::Config(Edit::Breaks),
        ["config", "mends"] => Act::Config(Edit::Mends),
        _ => return None,
    })
}

fn person(words: &[&str]) -> Option<Person> {
    Some(match *words {
        ["closes", "the", "last"] => Person::ClosesLast,
        ["closes", issue] => Person::Closes(issue.parse().ok()?),
        ["reopens", issue] => Person::Reopens(issue.parse().ok()?),
        ["retitles", issue, title] => Person::Retitles(issue.parse().ok()?, title.into()),
        ["adds", issue, text] => Person::Adds(issue.parse().ok()?, text.into()),
        ["comments", issue, text] => Person::Comments(issue.parse().ok()?, text.into()),
        _ => return None,
    })
}

fn behaviour(word: &str) -> Option<Behaviour> {
    Some(match word {
        "back" => Behaviour::Good,
        "silent" => Behaviour::Silent,
        "closed" => Behaviour::PortClosed,
        "refuses" => Behaviour::Refused,
        "fails" => Behaviour::ServFail,
        "lame" => Behaviour::NotAuthoritative,
        "wrong-address" => Behaviour::WrongAddress,
        "slow" => Behaviour::Late(Duration::from_millis(900)),
        "crawls" => Behaviour::Late(Duration::from_millis(1500)),
        "no-tcp" => Behaviour::NoTcp,
        "no-edns" => Behaviour::NoEdnsSilent,
        "refuses-edns" => Behaviour::NoEdnsFormerr,
        "open" => Behaviour::OpenResolver,
        "drops-one" => Behaviour::DropFirst(1),
        _ => return None,
    })
}

fn family(words: &[&str]) -> Option<Vec<Family>> {
    match words {
        [] => Some(vec![Family::V4, Family::V6]),
        ["v4"] => Some(vec![Family::V4]),
        ["v6"] => Some(vec![Family::V6]),
        _ => None,
    }
}

fn request(word: &str) -> Option<Matcher> {
    Some(match word {
        "listing" => Matcher::new("GET", "state=open"),
        "create" => Matcher::new("POST", "/issues$"),
        "comment" => Matcher::new("POST", "/comments$"),
        "edit" => Matcher::new("PATCH", "/issues/"),
        "request" => Matcher::new("*", ""),
        _ => return None,
    })
}

fn fault(words: &[&str]) -> Option<Fault> {
    let limit = |retry_after| Fault::SecondaryLimit { status: 403, retry_after };
    Some(match *words {
        ["lost", "before"] => Fault::LoseBefore,
        ["lost", "after"] => Fault::LoseAfter,
        ["lost", "after", "unlisted", listings] => {
            Fault::LostCreateNotListedFor(listings.parse().ok()?)
        }
        ["cut", "off"] => Fault::TruncatedBody,
        ["garbage"] => Fault::Garbage,
        ["status", status] => Fault::Status(status.parse().ok()?),
        ["status", status, "after"] => Fault::StatusAfter(status.parse().ok()?),
        ["limited"] => limit(None),
        ["limited", seconds] => limit(Some(seconds.parse().ok()?)),
        _ => return None,
    })
}

fn look(words: &[&str]) -> Option<Look> {
    let number = |word: &&str| word.parse::<usize>().ok();
    let day = Duration::ZERO;
    Some(match *words {
        ["panel", state, ref rest @ .., "cannot", "report"] => {
            let down: Option<Vec<usize>> = rest.iter().map(number).collect();
            Look::Panel(state.into(), down?, true)
        }
        ["panel", state, ref rest @ ..] => {
            let down: Option<Vec<usize>> = rest.iter().map(number).collect();
            Look::Panel(state.into(), down?, false)
        }
        ["no", "status"] => Look::NoStatus,
        [ns @ ("ns1" | "ns2" | "ns3"), "is", state] => Look::Server(ns.into(), state.into()),
        ["reporting", word] => Look::Reporting(word.into()),
        ["issue", issue, state @ ("open" | "closed")] => {
            Look::Issue(issue.parse().ok()?, state.into(), None)
        }
        ["issue", issue, state @ ("open" | "closed"), title] => {
            Look::Issue(issue.parse().ok()?, state.into(), Some(title.into()))
        }
        ["issue", issue, "says", text] => Look::IssueSays(issue.parse().ok()?, text.into()),
        ["issue", issue, "has", "no", "comments"] => Look::Comments(issue.parse().ok()?, 0),
        ["issue", issue, "has", count, "comment" | "comments"] => {
            Look::Comments(issue.parse().ok()?, count.parse().ok()?)
        }
        ["issue", issue, "comment", at, "says", text] => {
            Look::CommentSays(issue.parse().ok()?, at.parse().ok()?, text.into())
        }
        ["no", "issues"] => Look::Issues(0),
        [count, "issues"] => Look::Issues(count.parse().ok()?),
        ["no", "new", "issues"] => Look::NoNewIssues,
        ["nothing", "written"] => Look::NothingWritten(day),
        ["nothing", "written", "since", at] => Look::NothingWritten(time(at)?),
        ["counted", count] => Look::Counted(count.parse().ok()?),
        ["requests", count] => Look::Requests(count.parse().ok()?, day),
        ["requests", count, "since", at] => Look::Requests(count.parse().ok()?, time(at)?),
        ["nothing", "kept"] => Look::Kept(0),
        ["kept", count] => Look::Kept(count.parse().ok()?),
        _ => return None,
    })
}
