//! The nameserver that a script drives: its zones, the behaviour of the moment, and what it was
//! asked. It has no network of its own; [`super::socket`] and [`super::memnet`] give it one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hickory_resolver::proto::op::{Message, MessageType};
use hickory_resolver::proto::rr::{Name, RecordType};

use super::script::{Behaviour, Reply, Transport};
use super::zone::ZoneData;
use crate::fakes::rng::Rng;

/// A callback for [`Nameserver::watch`].
pub(super) type Watcher = dyn Fn() + Send + Sync;

/// A nameserver without a network. Clones are the same server; put one behind as many addresses as
/// it should have.
#[derive(Clone)]
pub struct Nameserver(Arc<Shared>);

struct Shared {
    zones: Vec<ZoneData>,
    state: Mutex<State>,
    watchers: Mutex<Vec<Weak<Watcher>>>,
}

struct State {
    behaviour: Behaviour,
    packets: usize,
    noise: Rng,
    /// UDP packets since the behaviour was set, for `DropEvery` and, by question, for `DropFirst`.
    since: u32,
    since_by_question: HashMap<(Name, RecordType), u32>,
}

impl Nameserver {
    /// A well-behaved server of these zones.
    pub fn new(zones: impl IntoIterator<Item = ZoneData>) -> Self {
        Self(Arc::new(Shared {
            zones: zones.into_iter().collect(),
            state: Mutex::new(State {
                behaviour: Behaviour::Good,
                packets: 0,
                noise: Rng::new(53),
                since: 0,
                since_by_question: HashMap::new(),
            }),
            watchers: Mutex::default(),
        }))
    }

    /// The same, behaving as told from the start.
    pub fn behaving(zones: impl IntoIterator<Item = ZoneData>, behaviour: Behaviour) -> Self {
        let server = Self::new(zones);
        server.set(behaviour);
        server
    }

    /// Changes the behaviour. Sockets that it opens or closes are open or closed on return.
    pub fn set(&self, behaviour: Behaviour) {
        let mut state = self.state();
        state.behaviour = behaviour;
        state.since = 0;
        state.since_by_question.clear();
        drop(state);
        let mut watchers = lock(&self.0.watchers);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        let live: Vec<_> = watchers.iter().filter_map(Weak::upgrade).collect();
        drop(watchers);
        for watcher in live {
            watcher();
        }
    }

    /// The behaviour of the moment.
    pub fn behaviour(&self) -> Behaviour {
        self.state().behaviour.clone()
    }

    /// How many packets were received, questions or not.
    pub fn count(&self) -> usize {
        self.state().packets
    }

    /// Counts from 0 again.
    pub fn forget(&self) {
        self.state().packets = 0;
    }

    /// Whether something is bound to the UDP port.
    pub fn udp_open(&self) -> bool {
        !matches!(self.behaviour(), Behaviour::PortClosed)
    }

    /// Whether something listens on the TCP port.
    pub fn tcp_open(&self) -> bool {
        use Behaviour::{NoTcp, PortClosed, TruncatedPartialNoTcp};
        !matches!(self.behaviour(), PortClosed | NoTcp | TruncatedPartialNoTcp)
    }

    /// Calls `watcher`, while it is held, whenever the behaviour was changed.
    pub(super) fn watch(&self, watcher: &Arc<Watcher>) {
        lock(&self.0.watchers).push(Arc::downgrade(watcher));
    }

    /// Takes one packet and says what to send back, in this order where delays are equal.
    pub fn replies(&self, transport: Transport, packet: &[u8]) -> Vec<Reply> {
        let query = Message::from_vec(packet)
            .ok()
            .filter(|message| message.metadata.message_type == MessageType::Query);
        let (behaviour, lost) = self.state().take(transport, query.as_ref());
        match (&behaviour, &query) {
            (Behaviour::Custom(script), _) => script.replies(transport, packet),
            (_, Some(query)) if !lost => {
                let noise = self.state().noise.next();
                behaviour.apply(&self.0.zones, transport, query, noise)
            }
            _ => Vec::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

impl State {
    /// Notes a packet; returns the behaviour, and whether the packet is to be lost.
    fn take(&mut self, transport: Transport, query: Option<&Message>) -> (Behaviour, bool) {
        self.packets += 1;
        let mut lost = false;
        if let Some(question) = query.and_then(|query| query.queries.first()) {
            let key = (question.name.clone(), question.query_type);
            if transport == Transport::Udp {
                self.since += 1;
                let of_question = self.since_by_question.entry(key).or_default();
                *of_question += 1;
                lost = match self.behaviour {
                    Behaviour::DropFirst(n) => *of_question <= n,
                    Behaviour::DropEvery(n) => n > 0 && self.since.is_multiple_of(n),
                    _ => false,
                };
            }
        }
        (self.behaviour.clone(), lost)
    }
}

/// Locks, panicked holders or not: a test that fails should fail with its own message.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
