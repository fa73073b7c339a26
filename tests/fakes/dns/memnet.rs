//! A network in memory, as a [`RuntimeProvider`], in tokio time. With that time paused, a test of hours takes
//! milliseconds and comes out the same in every run.

use std::collections::{HashMap, HashSet};
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioHandle, TokioTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, sink};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::nameserver::lock;
use super::script::{Nameserver, Reply, Transport};

/// How long a packet takes one way, unless told otherwise.
const LATENCY: Duration = Duration::from_millis(1);

/// What a connection holds that nobody has read yet. More waits at the server.
const WINDOW: usize = 2048;

/// How long a TCP connect takes to fail without an answer, where the caller sets no time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One of the two internets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    V4,
    V6,
}

/// A network of nameservers, as one client sees it. Clones are the same network.
///
/// An address that was never added is a host that is switched off: packets to it vanish.
#[derive(Clone, Default)]
pub struct MemNet(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    servers: HashMap<SocketAddr, Nameserver>,
    closed: HashSet<SocketAddr>,
    links: HashMap<Family, Link>,
    latency: Option<Duration>,
}

/// What is the matter with a family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Cut,
    Unreachable,
}

/// What a packet finds at an address.
enum Host {
    Absent,
    /// Nothing on this port.
    Closed,
    Open(Nameserver),
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

    /// Ends the server at an address while its host stays up: UDP gets `ConnectionRefused`, one round trip
    /// after the send, as a *connected* socket does; TCP is refused, and an open connection ends.
    pub fn close(&self, addr: SocketAddr) {
        self.lock().closed.insert(addr);
    }

    /// Undoes [`close`](Self::close).
    pub fn open(&self, addr: SocketAddr) {
        self.lock().closed.remove(&addr);
    }

    /// Cuts a family off beyond the local router: sends succeed and nothing comes back. A TCP connection
    /// that sends into a cut is lost; it stays silent after [`mend`](Self::mend) too.
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

    /// Sets how long a packet takes one way.
    pub fn latency(&self, one_way: Duration) {
        self.lock().latency = Some(one_way);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.0)
    }

    fn one_way(&self) -> Duration {
        self.lock().latency.unwrap_or(LATENCY)
    }

    fn link(&self, addr: SocketAddr) -> Option<Link> {
        let family = if addr.is_ipv4() { Family::V4 } else { Family::V6 };
        self.lock().links.get(&family).copied()
    }

    /// What a send to an address returns at once.
    fn route(&self, to: SocketAddr) -> io::Result<()> {
        match self.link(to) {
            Some(Link::Unreachable) => Err(io::ErrorKind::NetworkUnreachable.into()),
            _ => Ok(()),
        }
    }

    /// Whether packets between here and an address arrive.
    fn is_up(&self, with: SocketAddr) -> bool {
        self.link(with).is_none()
    }

    /// Who takes a packet at an address; `open` says whether a nameserver has the port open.
    fn host(&self, addr: SocketAddr, open: fn(&Nameserver) -> bool) -> Host {
        let shared = self.lock();
        match shared.servers.get(&addr) {
            _ if shared.closed.contains(&addr) => Host::Closed,
            None => Host::Absent,
            Some(server) if open(server) => Host::Open(server.clone()),
            Some(_) => Host::Closed,
        }
    }

    /// The handshake: what comes of it, one round trip later.
    async fn handshake(self, addr: SocketAddr) -> io::Result<AsyncIoTokioAsStd<DuplexStream>> {
        self.route(addr)?;
        let sent = self.is_up(addr);
        sleep(self.one_way()).await;
        let host = self.host(addr, Nameserver::tcp_open);
        sleep(self.one_way()).await;
        match host {
            _ if !sent || !self.is_up(addr) => pending().await,
            Host::Absent => pending().await,
            Host::Closed => Err(io::ErrorKind::ConnectionRefused.into()),
            Host::Open(_) => {
                let (ours, theirs) = duplex(WINDOW);
                tokio::spawn(self.converse(addr, theirs));
                Ok(AsyncIoTokioAsStd(ours))
            }
        }
    }

    /// The server's end of a connection, until either end closes it.
    async fn converse(self, addr: SocketAddr, mut stream: DuplexStream) -> io::Result<()> {
        loop {
            let mut query = vec![0; stream.read_u16().await?.into()];
            stream.read_exact(&mut query).await?;
            sleep(self.one_way()).await;
            let server = match self.host(addr, Nameserver::tcp_open) {
                Host::Open(server) if self.is_up(addr) => server,
                Host::Closed if self.is_up(addr) => return sleep_then_end(self.one_way()).await,
                // Lost: the connection stays open, and silent, until the client gives it up.
                _ => return tokio::io::copy(&mut stream, &mut sink()).await.map(drop),
            };
            for (at, reply) in self.schedule(server.replies(Transport::Tcp, &query)) {
                sleep_until(at).await;
                if self.is_up(addr) {
                    let frame = reply.framed();
                    let (head, rest) = frame.split_at(frame.len() / 2);
                    stream.write_all(head).await?;
                    if !reply.pause.is_zero() {
                        sleep(reply.pause).await;
                    }
                    stream.write_all(rest).await?;
                }
                if reply.half {
                    return Ok(());
                }
            }
        }
    }

    /// Takes a datagram to its server and the replies back.
    async fn carry(self, to: SocketAddr, packet: Vec<u8>, inbox: UnboundedSender<Received>) {
        let deliver = |received| {
            if self.is_up(to) {
                // The socket may be closed by now.
                let _ = inbox.send(received);
            }
        };
        sleep(self.one_way()).await;
        match self.host(to, Nameserver::udp_open) {
            Host::Absent => {}
            Host::Closed => {
                sleep(self.one_way()).await;
                deliver(Err(io::ErrorKind::ConnectionRefused.into()));
            }
            Host::Open(server) => {
                let elsewhere = SocketAddr::new(to.ip(), to.port().wrapping_add(1));
                for (at, reply) in self.schedule(server.replies(Transport::Udp, &packet)) {
                    sleep_until(at).await;
                    let from = if reply.from_other_source { elsewhere } else { to };
                    deliver(Ok((reply.bytes, from)));
                }
            }
        }
    }

    /// When each reply arrives, in that order; replies of one moment keep theirs.
    fn schedule(&self, replies: Vec<Reply>) -> Vec<(Instant, Reply)> {
        let start = Instant::now() + self.one_way();
        let mut all: Vec<_> =
            replies.into_iter().map(|reply| (start + reply.delay, reply)).collect();
        all.sort_by_key(|(at, _)| *at);
        all
    }
}

async fn sleep_then_end(time: Duration) -> io::Result<()> {
    sleep(time).await;
    Ok(())
}

/// A datagram and its sender, or what the network had to say about one of ours.
type Received = io::Result<(Vec<u8>, SocketAddr)>;

/// A UDP socket on a [`MemNet`].
pub struct MemUdp {
    net: MemNet,
    to_inbox: UnboundedSender<Received>,
    inbox: Mutex<UnboundedReceiver<Received>>,
}

impl DnsUdpSocket for MemUdp {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = ready!(lock(&self.inbox).poll_recv(cx));
        let (packet, from) = received.expect("this socket holds a sender")?;
        // What does not fit is gone, as with recvfrom.
        let length = packet.len().min(buf.len());
        buf[..length].copy_from_slice(&packet[..length]);
        Poll::Ready(Ok((length, from)))
    }

    fn poll_send_to(
        &self,
        _cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.net.route(target)?;
        if self.net.is_up(target) {
            let inbox = self.to_inbox.clone();
            tokio::spawn(self.net.clone().carry(target, buf.to_vec(), inbox));
        }
        Poll::Ready(Ok(buf.len()))
    }
}

impl RuntimeProvider for MemNet {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = MemUdp;
    type Tcp = AsyncIoTokioAsStd<DuplexStream>;

    fn create_handle(&self) -> Self::Handle {
        TokioHandle::default()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        _bind: Option<SocketAddr>,
        wait_for: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        let connecting =
            timeout(wait_for.unwrap_or(CONNECT_TIMEOUT), self.clone().handshake(server));
        Box::pin(async { connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) })
    }

    fn bind_udp(
        &self,
        _local: SocketAddr,
        _server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        let (to_inbox, inbox) = unbounded_channel();
        let socket = MemUdp { net: self.clone(), to_inbox, inbox: Mutex::new(inbox) };
        Box::pin(async move { Ok(socket) })
    }
}
