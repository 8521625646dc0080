//! Raw UDP and TCP clients.

use std::io::{ErrorKind, Read, Write};
use std::iter::repeat_with;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kdc::client::Principal;
use kdc::client::reply::Denied;

use super::daemon::PATIENCE;
use super::domain::{REALM, as_req_for};

/// A UDP socket that hears one daemon only.
pub(crate) struct Udp(UdpSocket);

impl Udp {
    /// From a free port of the address that the route chooses.
    pub(crate) fn to(address: SocketAddr) -> Self {
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        Self::bound(UdpSocket::bind(any).unwrap(), address)
    }

    /// From a free port of this loopback address, and not the daemon's own, from which it would hear itself.
    pub(crate) fn from(source: [u8; 4], address: SocketAddr) -> Self {
        let mut sockets = repeat_with(|| UdpSocket::bind((Ipv4Addr::from(source), 0)).unwrap());
        let own_port = |socket: &UdpSocket| socket.local_addr().unwrap().port() == address.port();
        Self::bound(sockets.find(|socket| !own_port(socket)).unwrap(), address)
    }

    /// Over a socket that is bound already.
    pub(crate) fn bound(socket: UdpSocket, address: SocketAddr) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // The kernel drops what does not come from the address asked.
        socket.connect(address).unwrap();
        Self(socket)
    }

    pub(crate) fn send(&self, request: &[u8]) {
        assert_eq!(self.0.send(request).unwrap(), request.len());
    }

    /// Sends to a daemon that may be gone.
    pub(crate) fn try_send(&self, request: &[u8]) {
        let _ = self.0.send(request);
    }

    pub(crate) fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let length = self.0.recv(&mut buffer).expect("a reply");
        buffer.truncate(length);
        buffer
    }

    /// What has come by now.
    pub(crate) fn peek(&self) -> Option<Vec<u8>> {
        self.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut buffer = vec![0; 65_536];
        let length = self.0.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }

    pub(crate) fn ask(&self, request: &[u8]) -> Vec<u8> {
        self.send(request);
        self.receive()
    }

    /// The reply to a request that is answered without the directory, or that there is none.
    pub(crate) fn ask_or_silence(&self, request: &[u8]) -> Option<Vec<u8>> {
        let fence = Fence::new();
        self.send(request);
        self.send(&fence.request);
        let first = self.receive();
        if fence.is_answered_by(&first) {
            return None;
        }
        assert!(fence.is_answered_by(&self.receive()), "one reply at most");
        Some(first)
    }
}

/// A request whose answer nothing else gets.
pub(crate) struct Fence {
    pub(crate) request: Vec<u8>,
    server: Principal,
}

impl Fence {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut server = Principal::krbtgt(REALM);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        server.components[0] = format!("fence-{number}").into();
        Self { request: as_req_for(&server, &[]), server }
    }

    pub(crate) fn is_answered_by(&self, reply: &[u8]) -> bool {
        Denied::parse(reply).is_some_and(|denied| denied.server == self.server)
    }
}

/// A TCP connection.
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Tcp {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// From this loopback address.
    pub(crate) fn from(source: [u8; 4], address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).unwrap();
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.write(&frame(request));
    }

    /// The next reply, or that the connection was closed without an octet of it.
    pub(crate) fn receive_or_end(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        match self.0.read(&mut length) {
            Ok(0) => return None,
            // A reset is an end, too: it says that something we sent was not read.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Ok(read) => self.0.read_exact(&mut length[read..]).unwrap(),
            Err(error) => panic!("neither a reply nor an end: {error}"),
        }
        let mut reply = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut reply).unwrap();
        Some(reply)
    }

    pub(crate) fn receive(&mut self) -> Vec<u8> {
        self.receive_or_end().expect("a reply")
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.send(request);
        self.receive()
    }

    /// Waits until the daemon closes without having sent anything more.
    pub(crate) fn ends(&mut self) {
        assert_eq!(self.receive_or_end(), None, "the connection is closed");
    }
}

/// RFC 4120 §7.2.2.
pub(crate) fn frame(request: &[u8]) -> Vec<u8> {
    let length = u32::try_from(request.len()).unwrap();
    [&length.to_be_bytes(), request].concat()
}
