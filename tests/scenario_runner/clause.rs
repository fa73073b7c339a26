//! What a line of a scenario can say, as data.

use std::time::Duration;

use crate::fakes::dns::memnet::Family;
use crate::fakes::dns::script::Behaviour;
use crate::fakes::github::{Fault, Matcher, Permission};

/// One thing that a line says.
pub(super) enum Clause {
    /// Something happens.
    Act(Act),
    /// Something is expected.
    Look(Look),
}

/// What is not as usual.
pub(super) enum Given {
    /// Nameservers and anchors have IPv6 addresses as well.
    Ipv6,
    /// So many zones and not one.
    Zones(usize),
    /// A setting of the configuration's schedule.
    Schedule(String, String),
    /// The daemon is started without a token.
    NoToken,
    /// There are heartbeats, so far apart; else there are none, so that the issues are those of outages.
    Heartbeat(String),
    Assignee(String),
    /// A web endpoint is watched as well.
    Endpoint(String),
}

/// What happens.
pub(super) enum Act {
    Start,
    Stop,
    /// The daemon is gone from one instruction to the next.
    Kill,
    Reload,
    /// A nameserver behaves otherwise.
    Server(String, Behaviour),
    /// A record set of a zone, on all its servers: zone, name, type, values.
    Zone(String, String, String, Vec<String>),
    Uplink(Link, Vec<Family>),
    Network(Network),
    GitHub(Site),
    /// The next so many requests of that kind meet with a fault.
    Next(usize, Matcher, Fault),
    /// The same, until so many seconds from now, by GitHub's clock.
    Exhausted(Matcher, u64),
    /// No fault is left.
    ClearFaults,
    Token(Permission),
    /// From now on GitHub says that the token expires then.
    Expiry(String),
    Person(Person),
    Config(Edit),
}

/// What a person does on GitHub's page.
pub(super) enum Person {
    Closes(u64),
    /// The newest issue that is open, if there is one.
    ClosesLast,
    Reopens(u64),
    Retitles(u64, String),
    /// Adds a line below the body.
    Adds(u64, String),
    Comments(u64, String),
}

#[derive(Clone, Copy)]
pub(super) enum Link {
    /// Packets vanish.
    Cut,
    /// There is no route, and the system says so.
    Gone,
    Mended,
}

/// What the home's network does on port 53.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Network {
    /// A resolver takes every packet and answers it, as home routers do: without authority, and also for
    /// addresses where nobody is.
    Intercepts,
    /// Answers come from where they should, and also from addresses where nobody is.
    MakesUp,
    Honest,
}

#[derive(Clone, Copy)]
pub(super) enum Site {
    Up,
    Down,
    Hangs,
}

/// A change of the configuration file; the daemon sees it at the next start or reload.
pub(super) enum Edit {
    Adds(String),
    Drops(String),
    /// `www` should have this address.
    Expects(String),
    /// A line that no configuration has.
    Breaks,
    /// Without that line again.
    Mends,
}

/// What is expected.
pub(super) enum Look {
    /// The panel's state, the nameservers it says are down, and whether it says that we cannot report.
    Panel(String, Vec<usize>, bool),
    /// There is no status file.
    NoStatus,
    /// What the status file says of a nameserver.
    Server(String, String),
    Reporting(String),
    /// State and title.
    Issue(u64, String, Option<String>),
    IssueSays(u64, String),
    Comments(u64, usize),
    /// One comment, counted from 1, has this in it.
    CommentSays(u64, usize, String),
    /// So many issues in all.
    Issues(usize),
    /// None but those that lines have spoken of.
    NoNewIssues,
    NothingWritten(Duration),
    /// So many requests to GitHub since then.
    Requests(usize, Duration),
    /// So many requests to GitHub in all that it counts: it had something new to say.
    Counted(usize),
    /// So many incidents are kept in the state directory.
    Kept(usize),
}
