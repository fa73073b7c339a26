mod budget;
mod closed_by_hand;
mod course;
mod failure_schedule;
mod vantages;
