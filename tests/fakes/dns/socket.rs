//! A nameserver on real loopback sockets: the same port over UDP and TCP, served by a runtime of its own, so
//! that it does not mind a paused clock, and child processes reach it too.

use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener, UdpSocket as StdSocket};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::super::real::free_port;
use super::nameserver::{Watcher, lock};
use super::script::{Nameserver, Transport};

/// How often to look for a port that is free over both UDP and TCP.
const PORT_ATTEMPTS: usize = 100;

/// A nameserver's port. It opens and closes as the behaviour wants it ([`Nameserver::set`] returns when that
/// is done), and closes for good when dropped.
///
/// While a port is closed another program may take it; tests that close ports are safer with a port of
/// their own choice, or an address of their own in 127.0.0.0/8.
pub struct SocketServer {
    port: Arc<Port>,
    /// Keeps the nameserver's callback alive.
    _watcher: Arc<Watcher>,
}

struct Port {
    addr: SocketAddr,
    nameserver: Nameserver,
    open: Mutex<Open>,
}

/// What is bound now.
#[derive(Default)]
struct Open {
    stopped: bool,
    udp: Option<Served>,
    tcp: Option<Served>,
}

/// A socket and the task that owns it. To drop it closes the socket, and waits until it is closed.
struct Served {
    task: AbortHandle,
    closed: Receiver<()>,
}

impl SocketServer {
    /// Serves a nameserver on a loopback address. Port 0 finds a port that is free over both.
    ///
    /// # Panics
    /// If the port cannot be bound.
    pub fn start(ip: IpAddr, port: u16, nameserver: Nameserver) -> Self {
        let (udp, tcp) = bind_both(ip, port);
        let addr = udp.local_addr().expect("a bound socket has an address");
        let open = Open {
            stopped: false,
            udp: Some(Served::udp(udp, nameserver.clone())),
            tcp: Some(Served::tcp(tcp, nameserver.clone())),
        };
        let port = Arc::new(Port { addr, nameserver, open: Mutex::new(open) });
        let watched = port.clone();
        let watcher: Arc<Watcher> = Arc::new(move || watched.follow());
        port.nameserver.watch(&watcher);
        port.follow();
        Self { port, _watcher: watcher }
    }

    /// Where it is, open or closed.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr
    }

    pub fn nameserver(&self) -> &Nameserver {
        &self.port.nameserver
    }

    /// Closes the port; it is closed on return.
    pub fn stop(&self) {
        lock(&self.port.open).stopped = true;
        self.port.follow();
    }

    /// Opens the same port again, as far as the behaviour has it open.
    ///
    /// # Panics
    /// If another program took the port meanwhile.
    pub fn start_again(&self) {
        lock(&self.port.open).stopped = false;
        self.port.follow();
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Port {
    /// Brings the sockets in line with the behaviour.
    fn follow(&self) {
        let mut open = lock(&self.open);
        let (addr, server) = (self.addr, &self.nameserver);
        let taken = "the port is still free";
        if open.stopped || !server.udp_open() {
            open.udp = None;
        } else if open.udp.is_none() {
            let socket = StdSocket::bind(addr).expect(taken);
            open.udp = Some(Served::udp(socket, server.clone()));
        }
        if open.stopped || !server.tcp_open() {
            open.tcp = None;
        } else if open.tcp.is_none() {
            let listener = StdListener::bind(addr).expect(taken);
            open.tcp = Some(Served::tcp(listener, server.clone()));
        }
    }
}

/// One thread for all servers of the process.
fn background() -> &'static Handle {
    static BACKGROUND: OnceLock<Handle> = OnceLock::new();
    BACKGROUND.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        thread::spawn(move || runtime.block_on(pending::<()>()));
        handle
    })
}

impl Served {
    fn udp(socket: StdSocket, server: Nameserver) -> Self {
        Self::spawn(async move {
            socket.set_nonblocking(true)?;
            serve_udp(UdpSocket::from_std(socket)?, &server).await
        })
    }

    fn tcp(listener: StdListener, server: Nameserver) -> Self {
        Self::spawn(async move {
            listener.set_nonblocking(true)?;
            serve_tcp(TcpListener::from_std(listener)?, &server).await
        })
    }

    fn spawn(serve: impl Future<Output = io::Result<()>> + Send + 'static) -> Self {
        let (guard, closed) = channel();
        // One value, so that the guard is dropped after the socket even if the task ends before its first poll.
        let serve = (serve, guard);
        let task = background().spawn(async move {
            let (serve, _guard) = serve;
            serve.await
        });
        Self { task: task.abort_handle(), closed }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        let _ = self.closed.recv(); // fails once the guard is gone
    }
}

async fn serve_udp(socket: UdpSocket, server: &Nameserver) -> io::Result<()> {
    let socket = Arc::new(socket);
    let elsewhere = Arc::new(UdpSocket::bind((socket.local_addr()?.ip(), 0)).await?);
    let mut late = JoinSet::new();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // "Nothing listens there" of a client that has gone is no error of ours.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        for reply in server.replies(Transport::Udp, &buffer[..length]) {
            let out = if reply.from_other_source { &elsewhere } else { &socket };
            if reply.delay.is_zero() {
                let _ = out.send_to(&reply.bytes, from).await;
                continue;
            }
            let out = Arc::downgrade(out); // a late reply does not keep the socket open
            late.spawn(async move {
                sleep(reply.delay).await;
                if let Some(out) = out.upgrade() {
                    let _ = out.send_to(&reply.bytes, from).await;
                }
            });
        }
    }
}

async fn serve_tcp(listener: TcpListener, server: &Nameserver) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(converse(stream, server.clone()));
    }
}

/// Answers one connection until either side ends it.
async fn converse(mut stream: TcpStream, server: Nameserver) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut query = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut query).await?;
        for reply in server.replies(Transport::Tcp, &query) {
            if !reply.delay.is_zero() {
                sleep(reply.delay).await; // even no time takes a millisecond
            }
            stream.write_all(&reply.framed()).await?;
            if reply.half {
                return Ok(());
            }
        }
    }
}

fn bind_both(ip: IpAddr, port: u16) -> (StdSocket, StdListener) {
    let attempt = |port: u16| -> io::Result<_> {
        let udp = StdSocket::bind((ip, port))?;
        let tcp = StdListener::bind(udp.local_addr()?)?;
        Ok((udp, tcp))
    };
    if port == 0 {
        let mut bound = (0..PORT_ATTEMPTS).filter_map(|_| attempt(free_port(&[ip])).ok());
        return bound.next().expect("a port is free");
    }
    attempt(port).unwrap_or_else(|error| panic!("{ip} port {port}: {error}"))
}
