//! All that one report writes: incidents, the end of the token, the heartbeat.

use crate::decide::report::github::{Context, Listing, Plan};
use crate::decide::report::heartbeat::{self, HeartbeatInput, HeartbeatPlan};
use crate::decide::report::reconcile::reconcile;
use crate::decide::report::token;
use crate::decide::track::incident::DesiredIssue;

/// Whether a report needs the closed issues too. On a quiet day it needs them with a heartbeat only.
#[must_use]
pub fn needs_closed(
    wanted: &[DesiredIssue],
    heartbeat: Option<&HeartbeatInput>,
    open: &Listing,
) -> bool {
    !wanted.is_empty()
        || !open.open.is_empty()
        || token::expires_soon(open)
        || heartbeat.is_some_and(|input| heartbeat::due(input, open).is_some())
}

/// The steps of one report.
#[must_use]
pub fn plan(
    wanted: &[DesiredIssue],
    heartbeat: Option<&HeartbeatInput>,
    listing: &Listing,
    context: &Context<'_>,
) -> (Plan, HeartbeatPlan) {
    let mut plan = reconcile(wanted, listing, context);
    plan.steps.extend(token::plan(context.vantage, listing));
    let heartbeat = heartbeat.map(|input| heartbeat::plan(input, listing)).unwrap_or_default();
    plan.steps.extend(heartbeat.steps.iter().cloned());
    (plan, heartbeat)
}
