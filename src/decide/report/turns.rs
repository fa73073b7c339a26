//! Turns: when GitHub is back after an outage that all vantages have seen, one of them files it and the others find it.
//!
//! GitHub cannot open an issue only if there is none. So the vantages take turns by the time of day: a vantage opens an
//! issue about an outage that is over only in its own turn, right after a listing. Where two of them do so all the same
//! (their clocks differ, or they do not know of each other), the younger issue becomes a duplicate of the older one.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::decide::report::github::{Context, Listing};
use crate::decide::report::heartbeat::alive_vantages;
use crate::decide::report::text::hash;

/// The length of a turn in seconds. An issue is opened in its first half, so that it is listed in the next turn.
const TURN: u64 = 6;

/// The turns where no other vantage is known, and ours has no heartbeat by which others would know it.
const UNKNOWN: u64 = 10;

/// After an issue was opened, it is compared with the issues of other vantages once more.
pub(super) const COMPARE_AFTER: Duration = Duration::from_secs(10);

/// The time until the turn of a vantage begins; zero in the turn, `None` if it is the only vantage.
pub(super) fn until_turn(listing: &Listing, context: &Context<'_>) -> Option<Duration> {
    let vantage = context.vantage;
    let now = u64::try_from(context.now.wall?.as_second()).ok()?;
    let known = known_vantages(listing, vantage);
    let (place, turns) = match known.len() {
        1 if alive_vantages(listing).any(|alive| alive == vantage) => return None,
        1 => (hash(vantage) % UNKNOWN, UNKNOWN),
        turns => (known.iter().take_while(|name| *name != vantage).count() as u64, turns as u64),
    };
    let into = (now + turns * TURN - place * TURN) % (turns * TURN);
    let wait = if into < TURN / 2 { 0 } else { turns * TURN - into };
    Some(Duration::from_secs(wait))
}

/// Our vantage, and all others that the listing names.
pub(super) fn known_vantages(listing: &Listing, vantage: &str) -> BTreeSet<String> {
    let issues = listing.open.iter().chain(&listing.closed);
    let observed = issues.flat_map(|issue| issue.observations()).map(|o| o.vantage.clone());
    alive_vantages(listing).chain(observed).chain([vantage.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::testing::{at, schedule};
    use crate::decide::tests::alive;

    fn wait(alive_now: &[&str], vantage: &str, second: u64) -> Option<Duration> {
        let listing = Listing { auxiliary: alive(alive_now), ..Listing::default() };
        let schedule = schedule();
        let context = Context {
            vantage,
            quorum: 1,
            subjects: &[],
            last_well: &[],
            well: &[],
            unobserved: &[],
            resolved: &[],
            schedule: &schedule,
            now: at(second),
        };
        until_turn(&listing, &context)
    }

    #[test]
    fn two_vantages_never_have_the_same_turn() {
        let names = ["cabin", "home", "office"];
        for second in 0..60 {
            let waits = names.map(|name| wait(&names, name, second).unwrap());
            let now = waits.iter().filter(|wait| wait.is_zero());
            assert_eq!(now.count(), usize::from(second % TURN < TURN / 2), "{waits:?}");
            assert!(waits.iter().all(|wait| wait.as_secs() < 3 * TURN), "{waits:?}");
        }
    }

    #[test]
    fn a_vantage_that_is_alone_does_not_wait() {
        assert_eq!(wait(&["home"], "home", 0), None);
        assert!(wait(&[], "home", 0).is_some(), "without heartbeats nobody knows");
    }
}
