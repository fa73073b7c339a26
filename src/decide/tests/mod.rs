mod budget;
mod closed_by_hand;
mod course;
mod duplicates;
mod failure_schedule;
mod vantages;

/// The heartbeats of vantages that are alive.
pub(in crate::decide) use vantages::alive;
