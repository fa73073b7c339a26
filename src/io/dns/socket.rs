//! Sockets for DNS, as hickory's transports want them.
//!
//! [`Net`] is the real network. [`FilteredSocket`] sits on any network and lets only datagrams through that can be
//! the answer: hickory gives up at the first one that it cannot parse, and a forger or a broken middlebox
//! must not be able to turn a right answer that follows into a fault. What it held back it remembers, so
//! that "only garbage came" differs from "nothing came".

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider, TokioTime,
};
use hickory_resolver::proto::op::{Message, MessageType};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// What we allow a server to send over UDP (DNS flag day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// Larger than any datagram that we would take, so that one that is too large is seen to be so.
const BUFFER: usize = 4096;

const HEADER: usize = 12;

type BoxedIo<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

/// The real network. UDP sockets are connected, so that the kernel drops what comes from elsewhere and
/// tells us when nothing listens at the other end.
#[derive(Clone, Default)]
pub struct Net(TokioRuntimeProvider);

impl RuntimeProvider for Net {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = NetSocket;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        bind: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> BoxedIo<Self::Tcp> {
        self.0.connect_tcp(server, bind, timeout)
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> BoxedIo<Self::Udp> {
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            Ok(NetSocket(socket))
        })
    }
}

/// A connected datagram socket that wakes up for errors as well: tokio's own waits for packets only, and
/// "nothing listens there" comes as an error.
pub struct NetSocket(UdpSocket);

#[async_trait]
impl DnsUdpSocket for NetSocket {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        DnsUdpSocket::poll_recv_from(&self.0, cx, buf)
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        DnsUdpSocket::poll_send_to(&self.0, cx, buf, target)
    }

    async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            self.0.ready(Interest::READABLE | Interest::ERROR).await?;
            let refused = self.0.try_io(Interest::ERROR, || {
                self.0.take_error()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match refused {
                Ok(error) => return Err(error),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {}
            }
            match self.0.try_recv_from(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }
}

/// A network for one question over UDP, which remembers what it held back.
#[derive(Clone)]
pub struct FilteredSocket<P> {
    network: P,
    heard: Arc<Mutex<Rejections>>,
}

#[derive(Default)]
struct Rejections {
    question: Vec<u8>,
    rejected: Option<String>,
}

/// A datagram socket behind an [`FilteredSocket`].
pub struct FilteredUdp<S> {
    socket: S,
    server: SocketAddr,
    heard: Arc<Mutex<Rejections>>,
}

impl<P: RuntimeProvider> FilteredSocket<P> {
    /// Listens on that network.
    pub fn new(network: P) -> Self {
        Self { network, heard: Arc::default() }
    }

    /// The last thing that was held back, in words.
    #[must_use]
    pub fn rejected(&self) -> Option<String> {
        lock(&self.heard).rejected.clone()
    }
}

fn lock(heard: &Mutex<Rejections>) -> std::sync::MutexGuard<'_, Rejections> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: RuntimeProvider> RuntimeProvider for FilteredSocket<P> {
    type Handle = P::Handle;
    type Timer = P::Timer;
    type Udp = FilteredUdp<P::Udp>;
    type Tcp = P::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.network.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        bind: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> BoxedIo<Self::Tcp> {
        self.network.connect_tcp(server, bind, timeout)
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> BoxedIo<Self::Udp> {
        let socket = self.network.bind_udp(local, server);
        let heard = Arc::clone(&self.heard);
        Box::pin(async move { Ok(FilteredUdp { socket: socket.await?, server, heard }) })
    }
}

#[async_trait]
impl<S: DnsUdpSocket> DnsUdpSocket for FilteredUdp<S> {
    type Time = S::Time;

    /// Everything, unfiltered; hickory's client calls [`Self::recv_from`].
    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.socket.poll_recv_from(cx, buf)
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        lock(&self.heard).question = buf.to_vec();
        self.socket.poll_send_to(cx, buf, target)
    }

    async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let mut datagram = [0; BUFFER];
        // Bounded: each turn takes one datagram out of the socket, and the attempt's timeout ends a flood.
        loop {
            let (length, source) = self.socket.recv_from(&mut datagram).await?;
            let mut heard = lock(&self.heard);
            if source != self.server {
                heard.rejected = Some(format!("a packet from another address, {source}"));
                continue;
            }
            match answer(&heard.question, &datagram[..length]) {
                Ok(answer) => {
                    let length = answer.len().min(buf.len());
                    buf[..length].copy_from_slice(&answer[..length]);
                    return Ok((length, source));
                }
                Err(why) => heard.rejected = Some(why),
            }
        }
    }
}

/// The datagram as hickory should see it, or why it is not an answer to that question.
fn answer(question: &[u8], datagram: &[u8]) -> Result<Vec<u8>, String> {
    let length = datagram.len();
    if length > usize::from(UDP_PAYLOAD) {
        return Err(format!("a packet of more than the {UDP_PAYLOAD} bytes that we allow"));
    }
    if length < HEADER {
        return Err(format!("a packet of {length} bytes, shorter than a DNS header"));
    }
    if datagram[..2] != question[..2] {
        return Err("an answer with another message ID".to_owned());
    }
    if datagram[2] & 0x80 == 0 {
        return Err("a question instead of an answer".to_owned());
    }
    let asked = &question[HEADER..question_end(question).ok_or("our own question is broken")?];
    if datagram[4..6] == [0, 0] && datagram[3] & 0x0f != 0 {
        // An error without the question (old servers do so for FORMERR): the ID is all that ties it to
        // ours. Hickory wants to see the question, so it gets it.
        let mut whole = datagram[..HEADER].to_vec();
        whole[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        whole.extend_from_slice(asked);
        return Ok(whole);
    }
    match Message::from_vec(datagram) {
        Ok(message) if answers(&message, question) => Ok(datagram.to_vec()),
        Ok(_) => Err("an answer to another question".to_owned()),
        Err(_) if datagram[2] & 0x02 != 0 => {
            // Truncated in the middle of a record: TC says that there is more, and that is all we need.
            let end = question_end(datagram).ok_or("a truncated packet without a question")?;
            let mut whole = datagram[..end].to_vec();
            whole[6..HEADER].fill(0);
            match Message::from_vec(&whole) {
                Ok(message) if answers(&message, question) => Ok(whole),
                _ => Err("a truncated answer to another question".to_owned()),
            }
        }
        Err(error) => Err(format!("a packet that is not a DNS message ({error})")),
    }
}

fn answers(message: &Message, question: &[u8]) -> bool {
    let asked = Message::from_vec(question);
    message.metadata.message_type == MessageType::Response
        && asked.is_ok_and(|asked| asked.queries == message.queries)
}

/// Where the only question of a message ends. Its name is not compressed: there is nothing before it
/// that it could point to.
fn question_end(message: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match *message.get(at)? {
            0 => break,
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
    let end = at + 1 + 4; // the root label, then type and class
    (end <= message.len()).then_some(end)
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
