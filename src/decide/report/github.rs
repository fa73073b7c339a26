//! What a comparison reads and writes: issues as GitHub lists them, and the steps that change them.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::Schedule;
use crate::decide::report::marker::VantageObservation;
use crate::decide::time::Moment;
use crate::decide::track::incident::IssueRef;
use crate::decide::track::reported::RememberedIncident;

/// An issue about an incident, written by an account that the configuration trusts.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    pub number: u64,
    /// As it is now: people may have changed it.
    pub title: String,
    /// As it is now: people may have added to it.
    pub body: String,
    pub open: bool,
    /// It was closed, and opened again.
    pub reopened: bool,
    pub closed_at: Option<Timestamp>,
    /// The observation of the vantage that opened the issue, from the body.
    pub opener: VantageObservation,
    /// The observations of other vantages, from comments; not read in closed issues.
    pub secondary: Vec<VantageObservation>,
    /// Some of its comments could not be read: other vantages may see the fault too.
    pub partial: bool,
}

/// An issue of ours that is about no incident: a heartbeat, or the end of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct AuxiliaryIssue {
    pub number: u64,
    pub body: String,
    pub open: bool,
}

/// The issues on GitHub: complete, or not used at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// All open issues of all vantages, oldest first.
    pub open: Vec<Issue>,
    /// The closed issues that changed last; empty if they were not asked for.
    pub closed: Vec<Issue>,
    /// Open ones, and closed ones as above.
    pub auxiliary: Vec<AuxiliaryIssue>,
    /// When GitHub answered, by its own clock. Vantages compare this time, so that no vantage's clock matters.
    pub at: Option<Timestamp>,
    /// When our token expires, if GitHub said so.
    pub token_expires: Option<Timestamp>,
}

/// What a comparison needs beside the issues.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub vantage: &'a str,
    /// A fault that fewer vantages see counts as degraded.
    pub quorum: u32,
    /// The names of all subjects in the configuration.
    pub subjects: &'a [String],
    /// When our vantage last saw a subject well, if this process ever has.
    pub last_well: &'a [(String, Timestamp)],
    /// Subjects that were well in the last round.
    pub well: &'a [String],
    /// Subjects that the last round could not observe.
    pub unobserved: &'a [String],
    /// Incidents whose issues are complete, even where a listing lags behind that.
    pub resolved: &'a [String],
    pub schedule: &'a Schedule,
    pub now: Moment,
}

/// One change on GitHub.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Create {
        incident: String,
        title: String,
        body: String,
        /// The incident is over.
        resolved: bool,
        /// No person has to act: the issue gets no labels and no assignees.
        no_labels: bool,
    },
    /// Add a comment, unless a comment with this key exists.
    Comment { issue: u64, key: String, body: String },
    /// Write our vantage's observation into its comment: edit the comment with this key, or add it.
    Observe {
        issue: u64,
        key: String,
        body: String,
        /// The incidents that need nothing more after this step.
        resolves: Vec<String>,
    },
    Edit {
        issue: u64,
        title: Option<String>,
        body: String,
        state: Option<IssueState>,
        /// The incidents that need nothing more after this step.
        resolves: Vec<String>,
        /// The incident that has this issue after this step.
        reports: Option<String>,
    },
}

impl Step {
    /// The issue that it changes; `None` if it opens one.
    #[must_use]
    pub fn issue(&self) -> Option<u64> {
        match self {
            Self::Create { .. } => None,
            Self::Comment { issue, .. }
            | Self::Observe { issue, .. }
            | Self::Edit { issue, .. } => Some(*issue),
        }
    }

    /// An edit that changes no incident.
    pub(super) fn edit(issue: u64, body: String, state: Option<IssueState>) -> Self {
        Self::Edit { issue, title: None, body, state, resolves: Vec::new(), reports: None }
    }
}

/// GitHub's `state` and `state_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    Open,
    /// `closed`, `completed`.
    Completed,
    /// `closed`, `not_planned`: a duplicate, or no longer in the configuration.
    NotPlanned,
}

/// The steps that make GitHub hold what it should, and what the listing has shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// By the ID of the incident.
    pub known: Vec<(String, IssueRef)>,
    /// Incidents that need nothing more.
    pub resolved: Vec<String>,
    /// Incidents of an earlier process, to be resumed.
    pub resume: Vec<RememberedIncident>,
    /// Another report is due after this time, with the closed issues.
    pub again: Option<Duration>,
}
