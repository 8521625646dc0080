//! Binds the sockets a service is served on, per address one TCP listener and as many UDP sockets as there are
//! packet threads, and those for pings.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::udp_socket::KerberosUdpSocket;
use crate::discovery::request::LONGEST_REQUEST;

/// Connections that wait to be accepted.
const TCP_BACKLOG: i32 = 1024;

/// Octets the kernel may hold for one UDP socket: the requests of some milliseconds at full load.
const UDP_BUFFER: usize = 4 << 20;

/// Ports that are tried where any will do.
const FREE_PORT_TRIES: u32 = 16;

/// All sockets of one service.
#[derive(Debug, Default)]
pub struct ServiceSockets {
    /// One group per address, one socket per packet thread in each.
    pub udp: Vec<Vec<Arc<KerberosUdpSocket>>>,
    /// One listener per address, not blocking.
    pub tcp: Vec<TcpListener>,
    /// Addresses left out because the host has no IPv6.
    pub skipped: Vec<SocketAddr>,
}

/// An address that cannot be bound. `Display` is one line with the mend.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport} {address}: {error}{}", mend(error))]
pub struct BindError {
    transport: &'static str,
    address: SocketAddr,
    error: io::Error,
}

fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another process holds the port, `ss -lnptu` names it",
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need CAP_NET_BIND_SERVICE, as the systemd unit grants it"
        }
        io::ErrorKind::AddrNotAvailable => "; this host does not have the address",
        _ => "",
    }
}

/// Binds every address. Port 0 takes a free port, the same for TCP and UDP. A wildcard
/// IPv6 address is left out on a host without IPv6, because it is among the defaults; one named in full is not.
///
/// # Errors
/// [`BindError`] for the first address that cannot be bound; nothing is left open then.
pub fn bind(
    addresses: &[SocketAddr],
    udp_request_limit: usize,
    threads: NonZeroUsize,
) -> Result<ServiceSockets, BindError> {
    let mut sockets = ServiceSockets::default();
    for &address in addresses {
        match bind_both(address, udp_request_limit, threads) {
            Ok((tcp, udp)) => {
                sockets.tcp.push(tcp);
                sockets.udp.push(udp);
            }
            Err(BindError { error, .. }) if address.ip().is_unspecified() && lacks_ipv6(address, &error) => {
                sockets.skipped.push(address);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sockets)
}

fn bind_both(
    address: SocketAddr,
    udp_request_limit: usize,
    threads: NonZeroUsize,
) -> Result<(TcpListener, Vec<Arc<KerberosUdpSocket>>), BindError> {
    let failed = |transport| move |error| BindError { transport, address, error };
    let mut tries = 1..=FREE_PORT_TRIES;
    loop {
        // TCP first: without SO_REUSEPORT it tells whether another instance serves the address.
        let tcp = bind_tcp(address).map_err(failed("TCP"))?;
        let bound = tcp.local_addr().map_err(failed("TCP"))?;
        let udp = (0..threads.get())
            .map(|_| bind_udp(bound, udp_request_limit).map(Arc::new))
            .collect::<io::Result<Vec<_>>>();
        match udp {
            Ok(udp) => return Ok((tcp, udp)),
            // Free for TCP is not yet free for UDP.
            Err(error)
                if address.port() == 0
                    && error.kind() == io::ErrorKind::AddrInUse
                    && tries.next().is_some() => {}
            Err(error) => return Err(failed("UDP")(error)),
        }
    }
}

impl ServiceSockets {
    /// The addresses that are listened on.
    ///
    /// # Errors
    /// The kernel's, which has no reason for any.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.tcp.iter().map(TcpListener::local_addr).collect()
    }
}

/// Binds every address for pings, one UDP socket each; a wildcard IPv6 address is left out as in [`bind`].
///
/// # Errors
/// [`BindError`] for the first address that cannot be bound.
pub fn bind_cldap(addresses: &[SocketAddr]) -> Result<Vec<Arc<KerberosUdpSocket>>, BindError> {
    let mut sockets = Vec::new();
    for &address in addresses {
        let bound = open_udp(address).and_then(|socket| {
            socket.bind(&address.into())?;
            KerberosUdpSocket::new(socket.into(), LONGEST_REQUEST)
        });
        match bound {
            Ok(socket) => sockets.push(Arc::new(socket)),
            Err(error) if address.ip().is_unspecified() && lacks_ipv6(address, &error) => {}
            Err(error) => return Err(BindError { transport: "UDP", address, error }),
        }
    }
    Ok(sockets)
}

/// A listener that does not block, for tokio to take over.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    // Connections of the process before us may still be closing.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A UDP socket that shares its address with its siblings: the kernel spreads clients over them.
fn bind_udp(address: SocketAddr, request_limit: usize) -> io::Result<KerberosUdpSocket> {
    let socket = open_udp(address)?;
    setsockopt(&socket, sockopt::ReusePort, &true)?;
    socket.bind(&address.into())?;
    KerberosUdpSocket::new(socket.into(), request_limit)
}

/// A UDP socket that tells to which address each datagram was sent.
fn open_udp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    match address {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?,
    }
    // As much as the host allows: net.core.rmem_max is the administrator's to raise.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    Ok(socket)
}

fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn lacks_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    use nix::errno::Errno;
    let missing = [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL].map(|errno| Some(errno as i32));
    address.is_ipv6() && missing.contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &str, threads: usize) -> Result<ServiceSockets, BindError> {
        super::bind(&[address.parse().unwrap()], 16_384, NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn binds_tcp_and_a_udp_socket_per_thread_on_one_port() {
        let sockets = bind("127.0.0.1:0", 3).unwrap();
        let address = sockets.tcp[0].local_addr().unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(sockets.udp[0].len(), 3);
        assert!(sockets.udp[0].iter().all(|socket| socket.local_address() == address));
    }

    #[test]
    fn ipv4_and_ipv6_wildcards_share_a_port() {
        let first = bind("0.0.0.0:0", 1).unwrap();
        let port = first.tcp[0].local_addr().unwrap().port();
        let second = bind(&format!("[::]:{port}"), 1).unwrap();
        assert_eq!(second.tcp.len() + second.skipped.len(), 1);
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_the_mend() {
        let first = bind("127.0.0.1:0", 1).unwrap();
        let address = first.tcp[0].local_addr().unwrap();
        let error = bind(&address.to_string(), 1).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on TCP {address}: ")), "{error}");
        assert!(error.ends_with("another process holds the port, `ss -lnptu` names it"), "{error}");
    }

    #[test]
    fn an_address_of_another_host_is_an_error() {
        let error = bind("192.0.2.1:0", 1).unwrap_err().to_string();
        assert!(error.contains("this host does not have the address"), "{error}");
    }
}
