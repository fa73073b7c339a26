//! What reconciling is told and what it says: issues in, steps out, and what became of them.

use jiff::Timestamp;

use crate::config::Schedule;
use crate::decide::report::marker::Marker;
use crate::decide::time::Moment;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::RememberedIncident;

/// An issue that carries a vantage's marker and that an account of ours wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// As it is now; people may have changed it.
    pub title: String,
    /// As it is now; people may have added to it.
    pub body: String,
    /// Open.
    pub open: bool,
    /// It was closed before, and opened again.
    pub reopened: bool,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What the vantage that opened it says.
    pub marker: Marker,
    /// What other vantages say, each in a comment of its own; not looked for in closed issues.
    pub observations: Vec<Marker>,
}

/// An issue of ours that is about no nameserver: a sign of life, or a token.
#[derive(Debug, Clone, PartialEq)]
pub struct AuxiliaryIssue {
    /// Its number.
    pub number: u64,
    /// As it is now.
    pub body: String,
    /// Open.
    pub open: bool,
}

/// What is on GitHub: complete, or not used at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// All open issues of all vantages, oldest first.
    pub open: Vec<Issue>,
    /// The closed ones that changed last, if they were asked for.
    pub closed: Option<Vec<Issue>>,
    /// Those about other things; closed ones as above.
    pub auxiliary: Vec<AuxiliaryIssue>,
    /// When GitHub answered, by its own clock: what vantages compare, so that none of theirs matters.
    pub at: Option<Timestamp>,
}

/// What reconciling needs to know beside the issues.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Our vantage's name.
    pub vantage: &'a str,
    /// Fewer vantages than this make nothing worse than degraded.
    pub quorum: u32,
    /// Every name that the configuration watches.
    pub subjects: &'a [String],
    /// Those that the last round saw well.
    pub well: &'a [String],
    /// Those that the last round could not see.
    pub unobserved: &'a [String],
    /// Incidents whose issues say all, even where a listing lags behind that.
    pub resolved: &'a [String],
    /// The thresholds.
    pub schedule: &'a Schedule,
    /// Now.
    pub now: Moment,
}

/// One call that changes something.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Open an issue, and close it at once if the incident is over.
    Create {
        /// Whose.
        incident: String,
        /// The title.
        title: String,
        /// The body.
        body: String,
        /// The incident is over.
        over: bool,
        /// Nobody has to act on it: it goes without labels and assignees.
        calm: bool,
    },
    /// Say something, unless a comment with this key is there already.
    Comment {
        /// Where.
        issue: u64,
        /// What makes it unique.
        key: String,
        /// The whole comment, key included.
        body: String,
    },
    /// Say what our vantage sees in the issue of another: one comment with this key, edited when it is there.
    Observe {
        /// Where.
        issue: u64,
        /// What makes it unique.
        key: String,
        /// The whole comment, key included.
        body: String,
        /// The incidents that need nothing more after this.
        settles: Vec<String>,
    },
    /// Change an issue.
    Edit {
        /// Which.
        issue: u64,
        /// A new title.
        title: Option<String>,
        /// The new body.
        body: String,
        /// A new state.
        state: Option<IssueState>,
        /// The incidents that need nothing more after this.
        settles: Vec<String>,
        /// The incident that has this issue after it.
        reports: Option<String>,
    },
}

/// GitHub's `state` and `state_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    /// `open`.
    Open,
    /// `closed`, `completed`.
    Completed,
    /// `closed`, `not_planned`: a duplicate, or nobody watches it any more.
    NotPlanned,
}

/// What is to be done, and what was learned by looking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// Incidents and their issues.
    pub known: Vec<(String, IssueRef)>,
    /// Incidents that need nothing more.
    pub resolved: Vec<String>,
    /// Incidents to take over.
    pub resume: Vec<RememberedIncident>,
}

/// The closed issues are needed before anything can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedClosed;
