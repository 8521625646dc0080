//! A socket with room for one request without its answer.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use socket2::{Domain, Protocol, Socket, Type};

use super::Transport;
use crate::client::transport::{frame, frame_length};

/// A TCP reply starts with its length.
const PREFIX: usize = 4;

/// Where lanes lead, and who is told when something comes.
pub(super) struct Route<'a> {
    pub(super) kdc: SocketAddr,
    pub(super) transport: Transport,
    pub(super) epoll: &'a Epoll,
}

/// One socket at a time, and what of a message went or came through it.
pub(super) struct Lane {
    /// What the lane's events carry.
    token: u64,
    source: Option<IpAddr>,
    socket: Option<Socket>,
    /// What the socket is watched for, once it is.
    watched: EpollFlags,
    /// What the connection did not take yet.
    unsent: Vec<u8>,
    /// The beginning of a frame.
    received: Vec<u8>,
}

impl Lane {
    pub(super) const fn new(token: u64, source: Option<IpAddr>) -> Self {
        let watched = EpollFlags::empty();
        Self { token, source, socket: None, watched, unsent: Vec::new(), received: Vec::new() }
    }

    /// Opens a socket, if there is none open, and begins to connect it.
    pub(super) fn open(&mut self, route: &Route<'_>) -> io::Result<()> {
        if self.socket.is_some() {
            return Ok(());
        }
        let (kind, protocol) = match route.transport {
            Transport::Udp => (Type::DGRAM, Protocol::UDP),
            Transport::Tcp | Transport::TcpKept => (Type::STREAM, Protocol::TCP),
        };
        let socket = Socket::new(Domain::for_address(route.kdc), kind.nonblocking(), Some(protocol))?;
        if let Some(source) = self.source {
            if kind == Type::STREAM {
                // A port is chosen when the peer is known, so that one closed a while ago can be taken again.
                setsockopt(&socket, IpBindAddressNoPort, &true)?;
            }
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&route.kdc.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => return Err(error),
            _ => self.socket = Some(socket),
        }
        Ok(())
    }

    /// Sends a request through the open socket, or as much of it as goes; [`flush`](Self::flush) sends the rest.
    pub(super) fn send(&mut self, route: &Route<'_>, request: &[u8]) -> io::Result<()> {
        match route.transport {
            Transport::Udp => self.open_socket()?.send(request).map(|_| ())?,
            Transport::Tcp | Transport::TcpKept => {
                self.unsent = frame(request)?;
                self.write()?;
            }
        }
        self.watch(route)
    }

    /// Sends what a connection did not take before.
    pub(super) fn flush(&mut self, route: &Route<'_>) -> io::Result<()> {
        self.write()?;
        self.watch(route)
    }

    /// The answer, once it is whole. A connection that closes before is an error.
    pub(super) fn receive(&mut self, route: &Route<'_>, scratch: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        let length = match self.open_socket()?.read(scratch) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            other => other?,
        };
        let octets = scratch.get(..length).unwrap_or_default();
        if route.transport == Transport::Udp {
            return Ok(Some(octets.to_vec()));
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.received.extend_from_slice(octets);
        let Some(prefix) = self.received.first_chunk::<PREFIX>() else { return Ok(None) };
        let whole = frame_length(*prefix)?.saturating_add(PREFIX);
        if self.received.len() < whole {
            return Ok(None);
        }
        let reply = self.received.get(PREFIX..whole).map(<[u8]>::to_vec);
        self.received.clear();
        if route.transport == Transport::Tcp {
            self.close();
        }
        Ok(reply)
    }

    /// Closes the socket, so that an answer that comes later is nobody's.
    pub(super) fn close(&mut self) {
        // With its last descriptor, a socket leaves those that are waited for.
        self.socket = None;
        self.watched = EpollFlags::empty();
        self.unsent.clear();
        self.received.clear();
    }

    pub(super) const fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    fn write(&mut self) -> io::Result<()> {
        // Borrowed apart from `unsent`.
        let mut socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        while !self.unsent.is_empty() {
            match socket.write(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                // Not connected yet, or the buffer is full.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for the answer, and for room where there is more to send.
    fn watch(&mut self, route: &Route<'_>) -> io::Result<()> {
        let wanted = match self.unsent.is_empty() {
            true => EpollFlags::EPOLLIN,
            false => EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT,
        };
        let socket = self.open_socket()?;
        let mut event = EpollEvent::new(wanted, self.token);
        if self.watched.is_empty() {
            route.epoll.add(socket, event)?;
        } else if self.watched != wanted {
            route.epoll.modify(socket, &mut event)?;
        }
        self.watched = wanted;
        Ok(())
    }

    fn open_socket(&self) -> io::Result<&Socket> {
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
