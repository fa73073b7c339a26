//! The real network for DNS, as hickory's traits describe one. Tests have another one in memory.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider, TokioTime,
};
use tokio::io::Interest;
use tokio::net::UdpSocket;

type BoxedIo<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

/// UDP sockets are connected, so that the kernel drops what comes from other addresses and reports when
/// nothing listens at the other end.
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

/// A connected socket whose reads return errors as well: tokio's own waits for packets only, and "nothing
/// listens there" comes as an error.
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
