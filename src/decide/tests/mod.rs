mod budget;
mod failure_schedule;
mod vantages;
