//! Whether the uplink is online, before any fault counts.
//!
//! Anchors are queried in every round, and again after a round that saw a fault, so that an uplink that goes down in
//! the middle of a round causes no fault. Each address family is judged by itself: a home without IPv6 is not an
//! outage of a nameserver that has it.

use std::net::SocketAddr;

use hickory_resolver::proto::op::ResponseCode;
use serde::{Deserialize, Serialize};

use crate::decide::probe::round::{AnchorReply, Outcome, Round};

/// What a round says about one address family of our uplink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// No target of the round has an address of this family.
    Unused,
    /// Anchors answered, before and after.
    Online,
    /// No anchor answered.
    Offline,
    /// Something between us and the internet answers in place of other servers.
    Intercepted,
}

impl Family {
    /// Whether observations over this family say anything about a nameserver.
    #[must_use]
    pub fn believable(self) -> bool {
        self == Self::Online
    }
}

/// Both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplink {
    pub ipv4: Family,
    pub ipv6: Family,
}

impl Uplink {
    pub const UNUSED: Self = Self { ipv4: Family::Unused, ipv6: Family::Unused };
    pub const ONLINE: Self = Self { ipv4: Family::Online, ipv6: Family::Online };

    /// The family of an address.
    #[must_use]
    pub fn of(&self, address: &std::net::SocketAddr) -> Family {
        if address.is_ipv6() { self.ipv6 } else { self.ipv4 }
    }

    /// After a round over some of the subjects: a family that none of them has is as it was before.
    #[must_use]
    pub fn or(self, before: Self) -> Self {
        let either = |now, before| match now {
            Family::Unused => before,
            seen => seen,
        };
        Self { ipv4: either(self.ipv4, before.ipv4), ipv6: either(self.ipv6, before.ipv6) }
    }

    /// Without the families that nothing uses.
    #[must_use]
    pub fn used_by(self, rounds: impl Iterator<Item = Self>) -> Self {
        let used = rounds.fold(Self::UNUSED, Self::or);
        let known = |family, used| if used == Family::Unused { used } else { family };
        Self { ipv4: known(self.ipv4, used.ipv4), ipv6: known(self.ipv6, used.ipv6) }
    }

    /// Neither family can be believed.
    #[must_use]
    pub fn is_down(&self) -> bool {
        !self.ipv4.believable() && !self.ipv6.believable()
    }

    /// The anchors that did not answer: those of an address family that is offline.
    #[must_use]
    pub fn silent(&self, anchors: &[SocketAddr]) -> Vec<SocketAddr> {
        let family = |anchor: &SocketAddr| if anchor.is_ipv6() { self.ipv6 } else { self.ipv4 };
        anchors.iter().filter(|anchor| family(anchor) == Family::Offline).copied().collect()
    }

    /// Some family is intercepted.
    #[must_use]
    pub fn intercepted(&self) -> bool {
        self.ipv4 == Family::Intercepted || self.ipv6 == Family::Intercepted
    }
}

/// Reads the uplink off a round.
#[must_use]
pub fn read(round: &Round) -> Uplink {
    let family = |v6: bool| {
        let of_family = |reading: &&AnchorReply| reading.address.is_ipv6() == v6;
        let asked = round.observed.iter().any(|o| o.target.address.is_ipv6() == v6);
        let checked = round.endpoints.iter().any(|result| result.used(v6))
            || round.world.iter().any(|result| result.used(v6));
        if !asked && !checked {
            return Family::Unused;
        }
        let answers = |r: &AnchorReply| matches!(r.outcome, Outcome::Answer(_));
        if round.intercept.iter().filter(of_family).any(answers) {
            return Family::Intercepted;
        }
        let mut passes = vec![&round.before];
        passes.extend(&round.after);
        let mut state = Family::Online;
        for pass in passes {
            let mut anchors = pass.iter().filter(of_family).peekable();
            if anchors.clone().any(authoritative) {
                continue;
            }
            if anchors.any(answers) {
                // Every real anchor has authority over what it is asked; whoever answers without it is
                // not the anchor.
                return Family::Intercepted;
            }
            state = Family::Offline;
        }
        state
    };
    Uplink { ipv4: family(false), ipv6: family(true) }
}

fn authoritative(reading: &AnchorReply) -> bool {
    matches!(&reading.outcome, Outcome::Answer(a) if a.aa && a.rcode == ResponseCode::NoError)
}

/// Words for the uplink, for log and status.
#[must_use]
pub fn uplink_text(uplink: Uplink) -> String {
    let word = |family: Family| match family {
        Family::Unused => None,
        Family::Online => Some("online"),
        Family::Offline => Some("offline"),
        Family::Intercepted => Some("intercepted"),
    };
    let named = [("IPv4", word(uplink.ipv4)), ("IPv6", word(uplink.ipv6))];
    let said = named.iter().filter_map(|(name, word)| word.map(|w| format!("{name} {w}")));
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Expected, RecordSet};
    use crate::decide::probe::answer::Answer;
    use crate::decide::probe::query::Target;
    use crate::decide::probe::round::Observed;
    use crate::decide::time::Moment;
    use hickory_resolver::proto::rr::{Name, RecordType};

    fn answer(aa: bool) -> Outcome {
        let set =
            RecordSet { name: Name::root(), rtype: RecordType::SOA, expected: Expected::Some };
        Outcome::Answer(Answer { aa, ..Answer::new(&set, std::iter::empty()) })
    }

    fn reading(address: &str, outcome: Outcome) -> AnchorReply {
        AnchorReply {
            address: address.parse().unwrap(),
            outcome,
            latency: std::time::Duration::ZERO,
        }
    }

    fn round(
        before: Vec<AnchorReply>,
        intercept: Vec<AnchorReply>,
        after: Option<Vec<AnchorReply>>,
    ) -> Round {
        let observed = Observed {
            target: Arc::new(Target {
                nameserver: 0,
                address: "192.0.2.1:53".parse().unwrap(),
                queries: Vec::new(),
            }),
            observations: Vec::new(),
        };
        Round {
            at: Moment::default(),
            before,
            intercept,
            after,
            observed: vec![observed],
            endpoints: Vec::new(),
            world: Vec::new(),
        }
    }

    const A: &str = "198.51.100.1:53";
    const B: &str = "203.0.113.1:53";

    #[test]
    fn one_anchor_that_answers_proves_the_uplink() {
        let before = vec![reading(A, Outcome::Silent), reading(B, answer(true))];
        let uplink = read(&round(before, vec![], None));
        assert_eq!((uplink.ipv4, uplink.ipv6), (Family::Online, Family::Unused));
    }

    #[test]
    fn no_anchor_before_or_none_after_is_offline() {
        let silent = || vec![reading(A, Outcome::Silent)];
        let good = || vec![reading(A, answer(true))];
        for (before, after) in
            [(silent(), None), (silent(), Some(good())), (good(), Some(silent()))]
        {
            assert_eq!(read(&round(before, vec![], after)).ipv4, Family::Offline);
        }
        let both = read(&round(good(), vec![], Some(good())));
        assert_eq!(both.ipv4, Family::Online);
    }

    #[test]
    fn an_answer_from_an_address_without_a_server_is_interception() {
        let good = vec![reading(A, answer(true))];
        let nowhere = vec![reading("192.0.2.53:53", answer(true))];
        let uplink = read(&round(good, nowhere, None));
        assert_eq!(uplink.ipv4, Family::Intercepted);
        assert!(uplink.is_down() && uplink.intercepted());
    }

    #[test]
    fn anchors_without_authority_are_interception_unless_one_has_it() {
        let lame = || reading(A, answer(false));
        let uplink = read(&round(vec![lame()], vec![], None));
        assert_eq!(uplink.ipv4, Family::Intercepted);
        let uplink = read(&round(vec![lame(), reading(B, answer(true))], vec![], None));
        assert_eq!(uplink.ipv4, Family::Online);
        // The after-pass counts as much.
        let good = vec![reading(A, answer(true))];
        let uplink = read(&round(good, vec![], Some(vec![lame()])));
        assert_eq!(uplink.ipv4, Family::Intercepted);
    }

    #[test]
    fn an_anchor_of_one_family_proves_nothing_about_the_other() {
        let mut both = round(vec![reading(A, answer(true))], vec![], None);
        both.observed.push(Observed {
            target: Arc::new(Target {
                nameserver: 0,
                address: "[2001:db8::1]:53".parse().unwrap(),
                queries: Vec::new(),
            }),
            observations: Vec::new(),
        });
        let uplink = read(&both);
        assert_eq!((uplink.ipv4, uplink.ipv6), (Family::Online, Family::Offline));
        assert!(!uplink.is_down());
    }
}
