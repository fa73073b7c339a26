//! The sockets of [`super::memnet`]: datagrams and streams that are channels, and the tasks that
//! carry packets between them and the nameservers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use hickory_resolver::net::runtime::{DnsTcpStream, DnsUdpSocket, TokioTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use super::memnet::{Direction, Host, Wires};
use super::nameserver::lock;
use super::script::{Nameserver, Reply, Transport};

/// A datagram and who sent it, or what the network had to say about one of ours.
type Received = io::Result<(Vec<u8>, SocketAddr)>;

/// A UDP socket on a [`MemNet`](super::memnet::MemNet).
pub struct MemUdp {
    net: Wires,
    local: SocketAddr,
    /// Cloned into the task that carries a query, which puts the replies in.
    to_inbox: UnboundedSender<Received>,
    inbox: Mutex<UnboundedReceiver<Received>>,
}

impl MemUdp {
    pub(super) fn bound(net: Wires, local: SocketAddr) -> Self {
        let (to_inbox, inbox) = unbounded_channel();
        Self { net, local, to_inbox, inbox: Mutex::new(inbox) }
    }
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
        if self.local.is_ipv4() != target.is_ipv4() {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        }
        self.net.route(target)?;
        if self.net.passes(target, Direction::ToServer) {
            let (net, inbox) = (self.net.clone(), self.to_inbox.clone());
            tokio::spawn(carry(net, target, buf.to_vec(), inbox));
        }
        Poll::Ready(Ok(buf.len()))
    }
}

/// Takes a datagram to its server and the replies back.
async fn carry(net: Wires, to: SocketAddr, packet: Vec<u8>, inbox: UnboundedSender<Received>) {
    let deliver = |received| {
        if net.passes(to, Direction::FromServer) {
            // The socket may be closed by now.
            let _ = inbox.send(received);
        }
    };
    sleep(net.one_way()).await;
    match net.host(to, Nameserver::udp_open) {
        Host::Absent => {}
        Host::Closed => {
            sleep(net.one_way()).await;
            deliver(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        Host::Open(server) => {
            let elsewhere = SocketAddr::new(to.ip(), to.port().wrapping_add(1));
            for (at, reply) in schedule(&net, server.replies(Transport::Udp, &packet)) {
                sleep_until(at).await;
                let from = if reply.from_other_source { elsewhere } else { to };
                deliver(Ok((reply.bytes, from)));
            }
        }
    }
}

/// When each reply arrives, in that order; replies of one moment keep theirs.
fn schedule(net: &Wires, replies: Vec<Reply>) -> Vec<(Instant, Reply)> {
    let start = Instant::now() + net.one_way();
    let mut all: Vec<_> = replies.into_iter().map(|reply| (start + reply.delay, reply)).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// A piece of a stream on its way to the server, and when it arrives.
type Segment = (Instant, Vec<u8>);

/// A piece of a stream on its way back: bytes, none for the end, or a reset.
type Returned = io::Result<Vec<u8>>;

/// A TCP connection on a [`MemNet`](super::memnet::MemNet), from the asker's end.
pub struct MemTcp {
    net: Wires,
    /// `None` once closed.
    outgoing: Option<UnboundedSender<Segment>>,
    incoming: UnboundedReceiver<Returned>,
    unread: Vec<u8>,
    ended: bool,
}

impl MemTcp {
    pub(super) fn connected(net: Wires, server: SocketAddr) -> Self {
        let (outgoing, from_asker) = unbounded_channel();
        let (to_asker, incoming) = unbounded_channel();
        tokio::spawn(converse(net.clone(), server, from_asker, to_asker));
        Self { net, outgoing: Some(outgoing), incoming, unread: Vec::new(), ended: false }
    }
}

impl DnsTcpStream for MemTcp {
    type Time = TokioTime;
}

impl AsyncRead for MemTcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.unread.is_empty() && !self.ended {
            match ready!(self.incoming.poll_recv(cx)) {
                Some(Ok(bytes)) if !bytes.is_empty() => self.unread = bytes,
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(error));
                }
                _ => self.ended = true,
            }
        }
        let length = self.unread.len().min(buf.len());
        buf[..length].copy_from_slice(&self.unread[..length]);
        self.unread.drain(..length);
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for MemTcp {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let arrives = Instant::now() + self.net.one_way();
        let sent =
            self.outgoing.as_ref().and_then(|outgoing| outgoing.send((arrives, buf.to_vec())).ok());
        Poll::Ready(match sent {
            Some(()) => Ok(buf.len()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing = None;
        Poll::Ready(Ok(()))
    }
}

/// The server's end of a connection, until the asker's is gone.
async fn converse(
    net: Wires,
    addr: SocketAddr,
    mut from_asker: UnboundedReceiver<Segment>,
    to_asker: UnboundedSender<Returned>,
) {
    let mut bytes = Vec::new();
    while let Some((arrives, segment)) = from_asker.recv().await {
        sleep_until(arrives).await;
        let host = net.host(addr, Nameserver::tcp_open);
        let server = match host {
            Host::Open(server) if net.is_up(addr) => server,
            Host::Closed if net.is_up(addr) => {
                sleep(net.one_way()).await;
                let _ = to_asker.send(Err(io::ErrorKind::ConnectionReset.into()));
                return;
            }
            // Lost: the connection stays open, and silent, until the asker gives it up.
            _ => {
                while from_asker.recv().await.is_some() {}
                return;
            }
        };
        bytes.extend(segment);
        while let Some(query) = take_message(&mut bytes) {
            let replies = schedule(&net, server.replies(Transport::Tcp, &query));
            tokio::spawn(send_back(net.clone(), addr, replies, to_asker.clone()));
        }
    }
}

/// Sends the replies to one query.
async fn send_back(
    net: Wires,
    addr: SocketAddr,
    replies: Vec<(Instant, Reply)>,
    to_asker: UnboundedSender<Returned>,
) {
    for (at, reply) in replies {
        sleep_until(at).await;
        if !net.is_up(addr) {
            continue;
        }
        // The asker may have hung up by now.
        let _ = to_asker.send(Ok(reply.framed()));
        if reply.half {
            let _ = to_asker.send(Ok(Vec::new()));
        }
    }
}

/// Takes the first whole message out of what has arrived.
fn take_message(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    if bytes.len() < 2 + length {
        return None;
    }
    let message = bytes[2..2 + length].to_vec();
    bytes.drain(..2 + length);
    Some(message)
}
