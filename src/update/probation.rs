//! Decides whether the service works after a restart with another binary. Pure: what is observed comes in, the
//! next state goes out.
//!
//! ```text
//!  Restarting ──► Starting ──────────► Probation ────────► Accepted
//!      │  it runs     │  a finished round    │  longer than the
//!      │              │                      │  watchdog waits
//!      └──────────────┴──────────────────────┴───────────► Rejected
//!        too late       too late, it died      it died
//! ```
//!
//! The result of the round does not matter: a binary is not to blame for a nameserver or an uplink that is down.

use std::time::Duration;

use super::error::UpdateError;
use super::system::ServiceState;
use crate::io::system::unit::ProcessEnd;

#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// From the restart to the first finished round.
    pub ready: Duration,
    /// From there to acceptance. Longer than systemd's watchdog waits.
    pub probation: Duration,
}

/// The progress of a candidate; times are uptimes.
#[derive(Debug)]
pub(super) enum Progress {
    /// `before` is the run before the restart.
    Restarting {
        before: String,
        until: Duration,
    },
    /// `run` has not finished a round.
    Starting {
        run: String,
        until: Duration,
    },
    /// `run` is accepted if it is still alive at `until`.
    Probation {
        run: String,
        until: Duration,
    },
    Accepted,
    Rejected(UpdateError),
}

impl Progress {
    pub(super) fn after(
        self,
        service: &ServiceState,
        hash: &str,
        limits: TimeLimits,
        now: Duration,
    ) -> Self {
        let late = |what| Self::Rejected(UpdateError::Late { what, limit: limits.ready });
        let end = |run: &str| match &service.end {
            _ if service.run != run => Some(ProcessEnd::Restarted),
            end => end.clone(),
        };
        let finished_round = service.finished_round.as_deref() == Some(hash);
        match self {
            Self::Restarting { before, until } if service.run == before => {
                if now > until {
                    late("been started")
                } else {
                    Self::Restarting { before, until }
                }
            }
            Self::Restarting { until, .. } => {
                Self::Starting { run: service.run.clone(), until }.after(service, hash, limits, now)
            }
            Self::Starting { run, until } => match end(&run) {
                Some(end) => Self::Rejected(UpdateError::DiedStarting { end }),
                None if finished_round => Self::Probation { run, until: now + limits.probation },
                None if now > until => late("finished a round"),
                None => Self::Starting { run, until },
            },
            Self::Probation { run, until } => match end(&run) {
                Some(end) => Self::Rejected(UpdateError::DiedOnProbation { end }),
                // Not if its status is gone: the watchdog may be about to end it.
                None if now >= until && finished_round => Self::Accepted,
                None => Self::Probation { run, until },
            },
            ended => ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TimeLimits =
        TimeLimits { ready: Duration::from_secs(90), probation: Duration::from_secs(75) };

    /// Seconds, the run, and whether it exited with 3 or which binary has finished a round.
    type Observed = (u64, &'static str, Service);

    #[derive(Clone, Copy)]
    enum Service {
        Exited,
        Silent,
        Finished(&'static str),
    }
    use Service::{Exited, Finished, Silent};

    /// The state after these observations, in short.
    fn progress(observed: &[Observed]) -> String {
        let first = Progress::Restarting { before: "old".to_owned(), until: LIMITS.ready };
        let last = observed.iter().fold(first, |progress, (at, run, service)| {
            let end = matches!(service, Exited).then(|| ProcessEnd::Exited("3".to_owned()));
            let finished_round = match service {
                Finished(binary) => Some((*binary).to_owned()),
                _ => None,
            };
            let service = ServiceState { run: (*run).to_owned(), end, finished_round };
            progress.after(&service, "new", LIMITS, Duration::from_secs(*at))
        });
        match last {
            Progress::Restarting { .. } => "restarting".to_owned(),
            Progress::Starting { .. } => "starting".to_owned(),
            Progress::Probation { until, .. } => format!("probation until {}", until.as_secs()),
            Progress::Accepted => "accepted".to_owned(),
            Progress::Rejected(error) => error.to_string(),
        }
    }

    #[test]
    fn every_arrow_is_walked() {
        let restarting = (1, "old", Exited); // the end of the old run does not matter
        let starting = (5, "1", Finished("old")); // nor does its status file
        let probation = (20, "1", Finished("new"));
        let accepted = (95, "1", Finished("new"));
        let early = "it exited with 3 before it had finished a round";
        let cases: [(&[Observed], &str); 17] = [
            (&[restarting], "restarting"),
            (&[restarting, starting], "starting"),
            (&[restarting, probation], "probation until 95"),
            (&[probation, (94, "1", Finished("new"))], "probation until 95"),
            (&[probation, (99, "1", Silent)], "probation until 95"),
            (&[probation, accepted], "accepted"),
            (&[probation, accepted, (96, "2", Exited)], "accepted"),
            (&[(91, "old", Finished("old"))], "it has not been started within 1 min 30 s"),
            (&[starting, (91, "1", Silent)], "it has not finished a round within 1 min 30 s"),
            (
                &[starting, (91, "1", Finished("old"))],
                "it has not finished a round within 1 min 30 s",
            ),
            (&[restarting, (5, "1", Exited)], early),
            (&[starting, (6, "1", Exited)], early),
            (&[starting, (6, "1", Exited), starting], early),
            (&[probation, (80, "1", Exited)], "it exited with 3 after its first round"),
            (
                &[starting, (9, "2", Silent)],
                "it died, and was started again before it had finished a round",
            ),
            (
                &[probation, (90, "2", Silent)],
                "it died, and was started again after its first round",
            ),
            (
                &[probation, (90, "2", Finished("new"))],
                "it died, and was started again after its first round",
            ),
        ];
        for (observed, expected) in cases {
            assert_eq!(progress(observed), expected);
        }
    }
}
