//! The user's `on-change` command: the changes that wait for it, one after the other.

use std::collections::VecDeque;

use tracing::{info, warn};

use crate::config::Hooks;
use crate::daemon::parts::Job;
use crate::decide::show::change::StateChange;
use crate::decide::show::message::about;
use crate::io::system::command;
use crate::io::system::command::Ran;

/// If more changes than this wait, the oldest is dropped.
const WAITING: usize = 32;

/// The changes that wait.
#[derive(Default)]
pub(super) struct Hook(VecDeque<StateChange>);

/// A change that the command has got, and the result.
pub(super) struct HookResult {
    change: StateChange,
    ran: Ran,
}

impl Hook {
    pub(super) fn add(&mut self, change: Vec<StateChange>) {
        self.0.extend(change);
        while self.0.len() > WAITING {
            let lost = self.0.pop_front();
            let about = lost.map(|change| about(&change)).unwrap_or_default();
            warn!("on-change takes too long, so it is not run for: {about}");
        }
    }

    /// The next one, under way.
    pub(super) fn next(&mut self, hooks: &Hooks) -> Job<HookResult> {
        let Some(command) = hooks.on_change.clone() else {
            self.0.clear();
            return None;
        };
        let (change, within) = (self.0.pop_front()?, hooks.timeout);
        let mut json = serde_json::to_vec(&change).expect("change is plain data");
        json.push(b'\n');
        Some(Box::pin(async move {
            let ran = command::run(&command, &json, within).await;
            HookResult { change, ran }
        }))
    }
}

impl HookResult {
    pub(super) fn log(&self) {
        let Self { change, ran } = self;
        let said = match ran.said.as_str() {
            "" => String::new(),
            said => format!(": {said}"),
        };
        let (name, about) = (change.subject.as_str(), about(change));
        if ran.well() {
            info!(NAMESERVER = name, "on-change has run: {about}{said}");
        } else {
            warn!(NAMESERVER = name, "on-change {}: {about}{said}", ran.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::track::health_state::HealthState;

    fn change(number: usize) -> StateChange {
        StateChange {
            version: StateChange::VERSION,
            subject: "ns1.example.net".to_owned(),
            from: HealthState::Well,
            to: HealthState::Down,
            since: None,
            faults: Vec::new(),
            incident: number.to_string(),
            vantage: String::new(),
            time: None,
        }
    }

    #[test]
    fn of_too_many_changes_the_last_reach_the_hook() {
        let mut hook = Hook::default();
        hook.add((0..WAITING).map(change).collect());
        hook.add(vec![change(WAITING)]);
        let waiting: Vec<String> = hook.0.iter().map(|change| change.incident.clone()).collect();
        let last: Vec<String> = (1..=WAITING).map(|number| number.to_string()).collect();
        assert_eq!(waiting, last);
    }

    #[test]
    fn without_a_command_no_change_waits() {
        let mut hook = Hook::default();
        hook.add(vec![change(0)]);
        let hooks = Hooks { on_change: None, timeout: std::time::Duration::ZERO };
        assert!(hook.next(&hooks).is_none());
        assert!(hook.0.is_empty());
    }
}
