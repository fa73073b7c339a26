mod budget;
mod closed_by_hand;
mod failure_schedule;
mod vantages;
