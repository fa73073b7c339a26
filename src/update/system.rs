//! What an update needs of the machine around it; a test has one of its own.

use super::error::UpdateError;
use crate::decide::time::Moment;
use crate::io::system::unit::ProcessEnd;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceState {
    /// An ID that is new after each start; empty if the service never ran.
    pub run: String,
    /// How this run ended, if it has.
    pub end: Option<ProcessEnd>,
    /// The hash of the running binary, once it has finished a round.
    pub finished_round: Option<String>,
}

pub trait System {
    /// Runs a stored binary as an unprivileged user. Returns its version.
    fn test_run(&mut self, hash: &str) -> Result<String, UpdateError>;
    /// Restarts the service without waiting for it.
    fn restart(&mut self) -> Result<(), UpdateError>;
    fn service(&mut self) -> ServiceState;
    /// Waits for a second.
    fn wait(&mut self);
    fn now(&self) -> Moment;
}
