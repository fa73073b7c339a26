//! Ways to a server that are narrower than it deserves: one that lets UDP through and no TCP, and one for TCP
//! that can be cut.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long the server may take to answer, and how long a thread may not notice that it should end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Forwards until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Proxy {
    /// Forwards every datagram that comes to that address, and its answer. Nothing listens there for TCP.
    ///
    /// # Panics
    /// When there is no port.
    pub fn udp_only(here: IpAddr, to: SocketAddr) -> Self {
        let socket = UdpSocket::bind((here, 0)).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time that is not zero");
        let address = socket.local_addr().expect("it is bound");
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        thread::spawn(move || {
            let mut packet = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
                if let Ok(answer) = exchange(here, to, &packet[..length]) {
                    let _ = socket.send_to(&answer, from); // whoever asked may be gone
                }
            }
        });
        Self { address, over }
    }

    /// Forwards connections to that address.
    ///
    /// # Panics
    /// When there is no port.
    pub fn tcp(here: IpAddr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((here, 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(server) = TcpStream::connect(to) {
                    let _ = pump(client, server);
                }
            }
        });
        Self { address, over }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // so that a listener wakes up
    }
}

fn exchange(here: IpAddr, to: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((here, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(question)?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn pump(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (ask, answer) = ((client.try_clone()?, server.try_clone()?), (server, client));
    for (from, to) in [ask, answer] {
        thread::spawn(move || copy(from, to));
    }
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both); // the other end may have done so
}
