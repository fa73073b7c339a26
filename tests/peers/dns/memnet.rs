//! A network in memory, as a [`RuntimeProvider`]: hickory's own UDP and TCP clients run over it
//! unchanged, without a socket, in tokio time. With that time paused, a test of hours takes
//! milliseconds and comes out the same in every run.

use std::collections::{HashMap, HashSet};
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hickory_resolver::net::runtime::{RuntimeProvider, TokioHandle, TokioTime};
use tokio::time::{sleep, timeout};

pub use super::memsock::{MemTcp, MemUdp};
use super::nameserver::lock;
use super::script::Nameserver;
use super::wire::Prng;

/// How long a packet takes one way, unless told otherwise.
const LATENCY: Duration = Duration::from_millis(1);

/// How long a TCP connect takes to fail without an answer, where the caller sets no time: hickory's
/// own provider takes the same.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One of the two internets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Addresses of 32 bits.
    V4,
    /// Addresses of 128 bits.
    V6,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A query.
    ToServer,
    /// A reply.
    FromServer,
}

/// A network of nameservers, as one asker sees it. Clones are the same network.
///
/// An address that was never added is a host that is switched off: packets to it vanish.
#[derive(Clone, Default)]
pub struct MemNet {
    wires: Wires,
    tasks: TokioHandle,
}

/// The network without the asker's tasks. Sockets hold no more than this: as with tokio's provider,
/// the background task of an exchange ends when the last clone of its provider is dropped.
#[derive(Clone, Default)]
pub(super) struct Wires(Arc<Mutex<Shared>>);

struct Shared {
    servers: HashMap<SocketAddr, Nameserver>,
    closed: HashSet<SocketAddr>,
    links: HashMap<Family, Link>,
    latency: Duration,
    loss: HashMap<Direction, Loss>,
    next_port: u16,
}

/// What is the matter with a family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Cut,
    Unreachable,
}

struct Loss {
    dice: Prng,
    percent: u8,
}

/// What a packet finds at an address.
pub(super) enum Host {
    /// Nobody.
    Absent,
    /// A host without anything on this port.
    Closed,
    /// A nameserver.
    Open(Nameserver),
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            servers: HashMap::new(),
            closed: HashSet::new(),
            links: HashMap::new(),
            latency: LATENCY,
            loss: HashMap::new(),
            next_port: 49_152,
        }
    }
}

impl MemNet {
    /// A network without anybody in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a nameserver at an address, over UDP and TCP.
    pub fn add(&self, addr: SocketAddr, nameserver: Nameserver) {
        self.lock().servers.insert(addr, nameserver);
    }

    /// Switches the host at an address off: packets to it vanish.
    pub fn remove(&self, addr: SocketAddr) {
        self.lock().servers.remove(&addr);
    }

    /// Ends the server at an address while its host stays up: UDP gets `ConnectionRefused`, one
    /// round trip after the send, as a *connected* socket does; TCP is refused, and an open
    /// connection is reset when it is next written to.
    pub fn close(&self, addr: SocketAddr) {
        self.lock().closed.insert(addr);
    }

    /// Undoes [`close`](Self::close).
    pub fn open(&self, addr: SocketAddr) {
        self.lock().closed.remove(&addr);
    }

    /// Cuts a family off beyond the local router: sends succeed and nothing comes back. A TCP
    /// connection that sends into a cut is lost; it stays silent after [`mend`](Self::mend) too.
    pub fn cut(&self, family: Family) {
        self.lock().links.insert(family, Link::Cut);
    }

    /// Takes the route away: a send, and a TCP connect, fails at once with `NetworkUnreachable`.
    pub fn unreachable(&self, family: Family) {
        self.lock().links.insert(family, Link::Unreachable);
    }

    /// Undoes [`cut`](Self::cut) and [`unreachable`](Self::unreachable).
    pub fn mend(&self, family: Family) {
        self.lock().links.remove(&family);
    }

    /// Loses so many of a hundred UDP packets in one direction, which ones depending on nothing but
    /// the seed and the order of the packets. (TCP would send again; it is not touched.)
    pub fn loss(&self, direction: Direction, seed: u64, percent: u8) {
        let dice = Prng::new(seed);
        self.lock().loss.insert(direction, Loss { dice, percent });
    }

    /// Sets how long a packet takes one way: 1 ms at first.
    pub fn latency(&self, one_way: Duration) {
        self.lock().latency = one_way;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.wires.lock()
    }
}

impl Wires {
    pub(super) fn one_way(&self) -> Duration {
        self.lock().latency
    }

    /// What a send to an address returns at once.
    pub(super) fn route(&self, to: SocketAddr) -> io::Result<()> {
        match self.link(to) {
            Some(Link::Unreachable) => Err(io::ErrorKind::NetworkUnreachable.into()),
            _ => Ok(()),
        }
    }

    /// Whether packets between here and an address arrive, but for bad luck.
    pub(super) fn is_up(&self, with: SocketAddr) -> bool {
        self.link(with).is_none()
    }

    /// Whether this one UDP packet arrives.
    pub(super) fn passes(&self, with: SocketAddr, direction: Direction) -> bool {
        let lost = self
            .lock()
            .loss
            .get_mut(&direction)
            .is_some_and(|loss| loss.dice.next() % 100 < u64::from(loss.percent));
        !lost && self.is_up(with)
    }

    /// Who takes a packet at an address; `open` says whether a nameserver has the port open.
    pub(super) fn host(&self, addr: SocketAddr, open: fn(&Nameserver) -> bool) -> Host {
        let shared = self.lock();
        if shared.closed.contains(&addr) {
            return Host::Closed;
        }
        match shared.servers.get(&addr) {
            None => Host::Absent,
            Some(server) if open(server) => Host::Open(server.clone()),
            Some(_) => Host::Closed,
        }
    }

    fn link(&self, addr: SocketAddr) -> Option<Link> {
        let family = match addr {
            SocketAddr::V4(_) => Family::V4,
            SocketAddr::V6(_) => Family::V6,
        };
        self.lock().links.get(&family).copied()
    }

    /// The handshake: what comes of it, one round trip later.
    async fn handshake(&self, addr: SocketAddr) -> io::Result<MemTcp> {
        self.route(addr)?;
        if !self.is_up(addr) {
            pending::<()>().await;
        }
        sleep(self.one_way()).await;
        let host = self.host(addr, Nameserver::tcp_open);
        sleep(self.one_way()).await;
        match host {
            Host::Open(_) if self.is_up(addr) => Ok(MemTcp::connected(self.clone(), addr)),
            Host::Closed if self.is_up(addr) => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.0)
    }
}

impl RuntimeProvider for MemNet {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = MemUdp;
    type Tcp = MemTcp;

    fn create_handle(&self) -> Self::Handle {
        self.tasks.clone()
    }

    fn connect_tcp(
        &self,
        server_addr: SocketAddr,
        _bind_addr: Option<SocketAddr>,
        wait_for: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        let wires = self.wires.clone();
        Box::pin(async move {
            let wait_for = wait_for.unwrap_or(CONNECT_TIMEOUT);
            timeout(wait_for, wires.handshake(server_addr))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }

    fn bind_udp(
        &self,
        mut local_addr: SocketAddr,
        _server_addr: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        if local_addr.port() == 0 {
            let mut shared = self.lock();
            local_addr.set_port(shared.next_port);
            shared.next_port = shared.next_port.checked_add(1).unwrap_or(49_152);
        }
        let socket = MemUdp::bound(self.wires.clone(), local_addr);
        Box::pin(async move { Ok(socket) })
    }
}
