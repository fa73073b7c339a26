//! Findings over time: from verdicts to incidents.

mod across_rounds;
pub mod health;
pub mod health_state;
pub mod incident;
pub mod reported;
pub mod serials;
pub mod state;
pub mod stored;
pub mod subject;
pub mod subject_kind;
pub mod uptime;
