//! A nameserver on real loopback sockets: the same port over UDP and TCP, served by plain threads, so
//! that it neither needs a tokio clock nor minds a paused one, and child processes reach it too.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::real::free_port;
use super::nameserver::{Watcher, lock};
use super::script::{Nameserver, Reply, Transport};

/// How often to look for a port that is free over both UDP and TCP.
const PORT_ATTEMPTS: usize = 100;

/// A nameserver's port. It opens and closes as the behaviour wants it ([`Nameserver::set`] returns
/// when that is done), and closes for good when dropped.
///
/// While a port is closed another program may take it; tests that close ports are safer with a port
/// of their own choice, or an address of their own in 127.0.0.0/8.
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
struct Open {
    stopped: bool,
    udp: Option<Served>,
    tcp: Option<Served>,
}

/// A socket and the thread that owns it; the socket is closed when the thread ends.
struct Served {
    halt: Arc<Halt>,
    thread: JoinHandle<()>,
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

    /// The nameserver behind the port.
    pub fn nameserver(&self) -> &Nameserver {
        &self.port.nameserver
    }

    /// Closes the port and every connection; it is closed on return.
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
        let taken = "nobody else took the port";
        if open.stopped || !server.udp_open() {
            if let Some(udp) = open.udp.take() {
                udp.close(|| poke_udp(addr));
            }
        } else if open.udp.is_none() {
            let socket = UdpSocket::bind(addr).expect(taken);
            open.udp = Some(Served::udp(socket, server.clone()));
        }
        if open.stopped || !server.tcp_open() {
            if let Some(tcp) = open.tcp.take() {
                tcp.close(|| poke_tcp(addr));
            }
        } else if open.tcp.is_none() {
            let listener = TcpListener::bind(addr).expect(taken);
            open.tcp = Some(Served::tcp(listener, server.clone()));
        }
    }
}

impl Served {
    fn udp(socket: UdpSocket, server: Nameserver) -> Self {
        Self::spawn(move |halt| serve_udp(&socket, &server, halt))
    }

    fn tcp(listener: TcpListener, server: Nameserver) -> Self {
        Self::spawn(move |halt| serve_tcp(&listener, &server, halt))
    }

    fn spawn(serve: impl FnOnce(&Halt) + Send + 'static) -> Self {
        let halt = Arc::new(Halt::default());
        let seen = halt.clone();
        let thread = thread::spawn(move || serve(&seen));
        Self { halt, thread }
    }

    /// Ends the thread; `poke` gets it out of the call that it waits in.
    fn close(self, poke: impl FnOnce()) {
        self.halt.raise();
        poke();
        // A thread that panicked (a test's script did) has said so and closed its socket.
        let _ = self.thread.join();
    }
}

/// A flag that can be waited for.
#[derive(Default)]
struct Halt {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Halt {
    fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    fn is_raised(&self) -> bool {
        *lock(&self.raised)
    }

    /// Waits; false if the flag was raised before the time was up.
    fn stays_down(&self, time: Duration) -> bool {
        let raised = lock(&self.raised);
        let waited = self.changed.wait_timeout_while(raised, time, |up| !*up);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn serve_udp(socket: &UdpSocket, server: &Nameserver, halt: &Halt) {
    let here = socket.local_addr().expect("a bound socket has an address");
    let elsewhere = UdpSocket::bind((here.ip(), 0)).expect("a second port");
    let elsewhere = &elsewhere;
    thread::scope(|scope| {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            let received = socket.recv_from(&mut buffer);
            if halt.is_raised() {
                return;
            }
            let Ok((length, from)) = received else {
                continue;
            };
            for reply in server.replies(Transport::Udp, &buffer[..length]) {
                let send = move |reply: &Reply| {
                    let out = if reply.from_other_source { elsewhere } else { socket };
                    // An asker that has gone is none of a nameserver's business.
                    let _ = out.send_to(&reply.bytes, from);
                };
                if reply.delay.is_zero() {
                    send(&reply);
                } else {
                    scope.spawn(move || halt.stays_down(reply.delay).then(|| send(&reply)));
                }
            }
        }
    });
}

fn serve_tcp(listener: &TcpListener, server: &Nameserver, halt: &Halt) {
    thread::scope(|scope| {
        let mut connections: Vec<Weak<TcpStream>> = Vec::new();
        for stream in listener.incoming() {
            if halt.is_raised() {
                break;
            }
            let Ok(stream) = stream.map(Arc::new) else {
                continue;
            };
            connections.retain(|open| open.strong_count() > 0);
            connections.push(Arc::downgrade(&stream));
            scope.spawn(move || converse(&stream, server, halt));
        }
        for open in connections.iter().filter_map(Weak::upgrade) {
            let _ = open.shutdown(Shutdown::Both);
        }
    });
}

/// Answers one connection until either side ends it.
fn converse(stream: &TcpStream, server: &Nameserver, halt: &Halt) {
    let _ = stream.set_nodelay(true);
    thread::scope(|scope| {
        while let Ok(query) = read_message(stream) {
            for reply in server.replies(Transport::Tcp, &query) {
                if reply.delay.is_zero() {
                    send_message(stream, &reply);
                } else {
                    scope.spawn(move || {
                        halt.stays_down(reply.delay).then(|| send_message(stream, &reply))
                    });
                }
            }
        }
    });
}

fn read_message(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// Sends a reply in one write, so that replies of several threads do not mix.
fn send_message(mut stream: &TcpStream, reply: &Reply) {
    let sent = stream.write_all(&reply.framed());
    if sent.is_err() || reply.half {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn bind_both(ip: IpAddr, port: u16) -> (UdpSocket, TcpListener) {
    let attempt = |port: u16| -> io::Result<_> {
        let udp = UdpSocket::bind((ip, port))?;
        let tcp = TcpListener::bind(udp.local_addr()?)?;
        Ok((udp, tcp))
    };
    if port == 0 {
        let mut bound = (0..PORT_ATTEMPTS).filter_map(|_| attempt(free_port(&[ip])).ok());
        return bound.next().expect("a port is free");
    }
    attempt(port).unwrap_or_else(|error| panic!("{ip} port {port}: {error}"))
}

/// Wakes a thread that waits for a datagram. Should the packet be lost to a full buffer, then the
/// thread does not wait.
fn poke_udp(addr: SocketAddr) {
    let poke = UdpSocket::bind((addr.ip(), 0)).and_then(|socket| socket.send_to(&[], addr));
    poke.expect("a packet to oneself");
}

/// Wakes a thread that waits for a connection. A refusal means that it has ended already.
fn poke_tcp(addr: SocketAddr) {
    let _ = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
}
