//! Whether a binary that the service was restarted with does its work. Pure: what is seen in, a verdict out.
//!
//! ```text
//!  Asked ──────► Starting ──────────────► Proving ───────────► Accepted
//!    │  it runs     │  a finished round      │  a watchdog's
//!    │              │                        │  period is over
//!    └──────────────┴────────────────────────┴───────────────► Rejected
//!      out of time    out of time, it died     it died
//! ```
//!
//! What a finished round has found is not asked: nameservers that are down, or an uplink that is, are no fault
//! of the binary.

use std::time::Duration;

use crate::decide::time::span_text;

/// What is seen of the service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// A name for this run of it: another one after each start. Empty: it never ran.
    pub run: String,
    /// How this run ended, if it has.
    pub died: Option<String>,
    /// The hash of the binary that is running, ready, and has finished a round.
    pub watches: Option<String>,
}

/// How long each part may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the restart to the first finished round.
    pub ready: Duration,
    /// What must be survived after it: longer than systemd's watchdog waits.
    pub proof: Duration,
}

/// A trial; times are uptimes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trial {
    /// A restart was asked for, and this is the run from before it.
    Asked { before: String, until: Duration },
    /// This run has not finished a round.
    Starting { run: String, until: Duration },
    /// It has, and is believed when it still lives by then.
    Proving { run: String, until: Duration },
    /// It is good.
    Accepted,
    /// It is not, because of this.
    Rejected(String),
}

impl Trial {
    /// After a look.
    pub(super) fn after(self, seen: &Seen, hash: &str, patience: Patience, now: Duration) -> Self {
        let late = |what: &str| {
            Self::Rejected(format!("it has not {what} within {}", span_text(patience.ready)))
        };
        let died = |run: &str| match &seen.died {
            _ if seen.run != run => Some("it died, and was started again".to_owned()),
            died => died.clone(),
        };
        let watches = seen.watches.as_deref() == Some(hash);
        match self {
            Self::Asked { before, until } if seen.run == before => {
                if now > until {
                    late("been started")
                } else {
                    Self::Asked { before, until }
                }
            }
            Self::Asked { until, .. } => {
                Self::Starting { run: seen.run.clone(), until }.after(seen, hash, patience, now)
            }
            Self::Starting { run, until } => match died(&run) {
                Some(why) => Self::Rejected(format!("{why} before it had finished a round")),
                None if watches => Self::Proving { run, until: now + patience.proof },
                None if now > until => late("finished a round"),
                None => Self::Starting { run, until },
            },
            Self::Proving { run, until } => match died(&run) {
                Some(why) => Self::Rejected(format!("{why} after its first round")),
                // While the watchdog is about to end it, it has not died yet.
                None if now >= until && watches => Self::Accepted,
                None => Self::Proving { run, until },
            },
            ended => ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const PATIENCE: Patience = Patience { ready: READY, proof: PROOF };
    const READY: Duration = Duration::from_secs(90);
    const PROOF: Duration = Duration::from_secs(75);

    type Looks<'a> = &'a [(u64, &'a str, Option<&'a str>, Option<&'a str>)];

    /// What became of it, after these looks: when, which run, how it died, which binary watches.
    fn trial(looks: Looks<'_>) -> Trial {
        let begun = Trial::Asked { before: "old".to_owned(), until: READY };
        looks.iter().fold(begun, |trial, (at, run, died, watches)| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let seen = Seen { run: (*run).to_owned(), died: text(*died), watches: text(*watches) };
            trial.after(&seen, "new", PATIENCE, S(*at))
        })
    }

    fn rejected(looks: Looks<'_>) -> String {
        match trial(looks) {
            Trial::Rejected(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_arrow_is_walked() {
        let asked = (1, "old", Some("it stops"), Some("old"));
        let starting = (5, "1", None, Some("old"));
        let proving = (20, "1", None, Some("new"));
        assert!(matches!(trial(&[asked]), Trial::Asked { .. }), "the old run's end is no news");
        assert!(matches!(trial(&[asked, starting]), Trial::Starting { .. }), "nor its file");
        let until = S(20) + PROOF;
        assert_eq!(trial(&[asked, proving]), Trial::Proving { run: "1".to_owned(), until });
        assert!(matches!(trial(&[proving, (94, "1", None, Some("new"))]), Trial::Proving { .. }));
        assert!(
            matches!(trial(&[proving, (99, "1", None, None)]), Trial::Proving { .. }),
            "it is bitten"
        );
        let proved = (95, "1", None, Some("new"));
        assert_eq!(trial(&[proving, proved]), Trial::Accepted);
        assert_eq!(trial(&[proving, proved, (96, "2", Some("x"), None)]), Trial::Accepted);
        let late = |looks: Looks<'_>| rejected(looks).ends_with(" within 1 min 30 s");
        assert!(late(&[(91, "old", None, Some("old"))]), "systemd does nothing");
        assert!(late(&[starting, (91, "1", None, None)]), "never ready");
        assert!(late(&[starting, (91, "1", None, Some("old"))]), "ready without a round");
        let died = Some("it exited with 3");
        let early = "it exited with 3 before it had finished a round";
        assert_eq!(rejected(&[asked, (5, "1", died, None)]), early, "at once");
        assert_eq!(rejected(&[starting, (6, "1", died, None), starting]), early);
        assert_eq!(
            rejected(&[proving, (80, "1", died, None)]),
            "it exited with 3 after its first round"
        );
        let again = "it died, and was started again";
        assert!(
            rejected(&[starting, (9, "2", None, None)]).starts_with(again),
            "between two looks"
        );
        assert!(rejected(&[proving, (90, "2", None, Some("new"))]).starts_with(again));
    }
}
