//! To a KDC and back (RFC 4120 §7.2): one datagram, or one length-prefixed frame over TCP.
//!
//! Blocking and without state: each call opens a socket and closes it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol as IpProtocol, Socket, Type};

use super::reply::Denied;
use super::until::Until;
use crate::krb::messages::error_code;

/// The longest reply that is read from a stream: a ticket is never longer, and a wrong peer might claim anything.
const LONGEST_FRAME: usize = 1 << 20;

/// The longest datagram there is.
const LONGEST_DATAGRAM: usize = 65_535;

/// How to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Over UDP, and over TCP if the KDC says that its reply is too big for UDP.
    #[default]
    UdpThenTcp,
    /// Over UDP alone: a reply too big is handed back as the KRB-ERROR it is.
    Udp,
    /// Over TCP alone.
    Tcp,
}

/// A KDC, and how to reach it.
#[derive(Clone, Copy, Debug)]
pub struct Kdc {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where to ask from; the route decides if absent.
    pub source: Option<IpAddr>,
    /// How long to wait for a connection, and for a reply to each datagram or frame.
    pub timeout: Duration,
    /// How many times a datagram is sent, the same octets each time.
    pub attempts: u32,
    /// UDP, TCP or first one and then the other.
    pub protocol: Protocol,
}

impl Kdc {
    /// Three datagrams of two seconds each, then TCP if the KDC asks for it.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self {
            address,
            source: None,
            timeout: Duration::from_secs(2),
            attempts: 3,
            protocol: Protocol::UdpThenTcp,
        }
    }

    /// Sends a request and returns the reply's octets.
    ///
    /// # Errors
    /// [`TransportError`] says which step failed.
    pub fn ask(&self, request: &[u8]) -> Result<Vec<u8>, TransportError> {
        match self.protocol {
            Protocol::Udp => self.over_udp(request),
            Protocol::Tcp => self.over_tcp(request),
            Protocol::UdpThenTcp => {
                let reply = self.over_udp(request)?;
                match Denied::parse(&reply) {
                    Some(denied) if denied.code == error_code::RESPONSE_TOO_BIG => self.over_tcp(request),
                    _ => Ok(reply),
                }
            }
        }
    }

    fn over_udp(&self, request: &[u8]) -> Result<Vec<u8>, TransportError> {
        let failed = |error| TransportError::new("UDP", self.address, error);
        let socket: UdpSocket = self.socket(Type::DGRAM, IpProtocol::UDP).map_err(failed)?.into();
        // Connected, so that the kernel drops what does not come from the address asked.
        socket.connect(self.address).map_err(failed)?;
        socket.set_read_timeout(Some(self.timeout)).map_err(failed)?;
        let mut reply = vec![0; LONGEST_DATAGRAM];
        let mut timed_out = io::Error::from(io::ErrorKind::TimedOut);
        for _ in 0..self.attempts {
            socket.send(request).map_err(failed)?;
            match socket.recv(&mut reply) {
                Ok(length) => {
                    reply.truncate(length);
                    return Ok(reply);
                }
                Err(error) if is_timeout(&error) => timed_out = error,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(timed_out))
    }

    fn over_tcp(&self, request: &[u8]) -> Result<Vec<u8>, TransportError> {
        let failed = |error| TransportError::new("TCP", self.address, error);
        let stream = self.connect().map_err(failed)?;
        send_frame(&stream, request).map_err(failed)?;
        receive_frame(Until::within(self.timeout, &stream)).map_err(failed)
    }

    /// A TCP connection with this KDC's time-outs, for frames sent by other means than [`ask`](Self::ask).
    ///
    /// # Errors
    /// Those of the system.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let socket = self.socket(Type::STREAM, IpProtocol::TCP)?;
        socket.connect_timeout(&self.address.into(), self.timeout)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn socket(&self, kind: Type, protocol: IpProtocol) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(self.address), kind, Some(protocol))?;
        if let Some(source) = self.source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        Ok(socket)
    }
}

/// A message as a frame: its length in four octets, most significant first, then the message.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a message beyond 32 bits of length.
pub fn frame(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = Vec::with_capacity(message.len().saturating_add(4));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Ok(frame)
}

/// How long the message behind these four octets is.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for more than a mebibyte.
pub fn frame_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(prefix)).ok();
    length.filter(|&length| length <= LONGEST_FRAME).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Writes a message as a frame.
///
/// # Errors
/// Those of the system and of [`frame`].
pub fn send_frame(mut stream: impl Write, message: &[u8]) -> io::Result<()> {
    // In one write: a peer must take a frame in pieces, but there is no need to make it.
    stream.write_all(&frame(message)?)
}

/// Reads a frame.
///
/// # Errors
/// Those of the system and of [`frame_length`].
pub fn receive_frame(mut stream: impl Read) -> io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut message = vec![0; frame_length(prefix)?];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// A socket's time-out is `WouldBlock` on Unix, `connect`'s is `TimedOut`.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// The KDC was not reached, or gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{address} over {protocol}: {}", describe(.source))]
pub struct TransportError {
    /// Whom we asked.
    pub address: SocketAddr,
    protocol: &'static str,
    source: io::Error,
}

impl TransportError {
    fn new(protocol: &'static str, address: SocketAddr, source: io::Error) -> Self {
        Self { address, protocol, source }
    }

    /// Whether nobody answered in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        is_timeout(&self.source)
    }

    /// Whether the peer closed the connection in place of an answer.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        _ if is_timeout(error) => "no answer in time".to_owned(),
        io::ErrorKind::UnexpectedEof => "the connection was closed without an answer".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Principal;
    use crate::krb::der::Der;
    use crate::krb::messages::{KerberosTime, KrbError};
    use std::net::TcpListener;
    use std::thread;

    /// A KDC on loopback that answers one datagram "too big" and, on the same port, one frame with its echo.
    #[expect(clippy::disallowed_methods, reason = "the test's own sockets")]
    fn kdc() -> (SocketAddr, thread::JoinHandle<IpAddr>) {
        // Another test may have the TCP port of the same number.
        let (tcp, udp) = std::iter::repeat_with(|| UdpSocket::bind("127.0.0.1:0").unwrap())
            .find_map(|udp| Some((TcpListener::bind(udp.local_addr().unwrap()).ok()?, udp)))
            .unwrap();
        let address = udp.local_addr().unwrap();
        let server = Principal::krbtgt("LAB.EXAMPLE");
        let too_big = KrbError {
            ctime: None,
            cusec: None,
            stime: KerberosTime::EPOCH,
            susec: 0,
            error_code: error_code::RESPONSE_TOO_BIG,
            crealm: None,
            cname: None,
            realm: &server.realm,
            sname: server.to_wire().as_name(),
            e_text: None,
            e_data: None,
        }
        .to_der();
        let served = thread::spawn(move || {
            let (_, client) = udp.recv_from(&mut [0; 64]).unwrap();
            udp.send_to(&too_big, client).unwrap();
            let (stream, client) = tcp.accept().unwrap();
            let frame = receive_frame(&stream).unwrap();
            send_frame(&stream, &frame).unwrap();
            client.ip()
        });
        (address, served)
    }

    #[test]
    fn asks_again_over_tcp_from_the_source_chosen_when_the_reply_is_too_big() {
        let (address, served) = kdc();
        let source: IpAddr = "127.0.0.9".parse().unwrap();
        let kdc = Kdc { source: Some(source), ..Kdc::at(address) };
        assert_eq!(kdc.ask(b"request").unwrap(), b"request");
        assert_eq!(served.join().unwrap(), source);
    }

    #[test]
    fn frames_are_bounded_and_whole() {
        let mut frame = Vec::new();
        send_frame(&mut frame, b"abc").unwrap();
        assert_eq!(frame, [0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(receive_frame(frame.as_slice()).unwrap(), b"abc");
        for broken in [&[0x00, 0x10, 0, 1][..], &[0xff, 0xff, 0xff, 0xff], &[0, 0, 0, 4, 1]] {
            assert!(receive_frame(broken).is_err());
        }
    }
}
