//! Binds the sockets a service is served on, per address as many TCP listeners and UDP sockets as there are threads
//! for each, and those for pings. Where systemd passes sockets of an address, these are served instead.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::holders::{self, Holder};
use super::passed::{PassedSockets, spread};
use super::udp_socket::{ServerSocket, tell_packet_info};
use crate::discovery::request::LONGEST_REQUEST;

/// Connections that wait to be accepted.
const TCP_BACKLOG: i32 = 1024;

/// Octets the kernel may hold for one UDP socket: the requests of some milliseconds at full load.
const UDP_BUFFER: usize = 4 << 20;

/// Ports that are tried where any will do.
const FREE_PORT_TRIES: u32 = 16;

/// Linux' `net.ipv4.ip_unprivileged_port_start`, where nobody has changed it.
const PRIVILEGED_BELOW: u16 = 1024;

/// All sockets of one service.
#[derive(Debug, Default)]
pub struct ServiceSockets {
    /// One group per address, one packet thread per socket.
    pub udp: Vec<Vec<Arc<ServerSocket>>>,
    /// One group per address, at least one listener per thread in each, not blocking; none for pings.
    pub tcp: Vec<Vec<TcpListener>>,
    /// Addresses left out because the host has no IPv6.
    pub skipped: Vec<SocketAddr>,
}

/// An address that cannot be bound. `Display` is one line with the mend.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport} {address}: {error}{}", mend(error, holder.as_ref()))]
pub struct BindError {
    transport: &'static str,
    address: SocketAddr,
    error: io::Error,
    holder: Option<Holder>,
}

impl BindError {
    /// Why an address cannot be had over `"TCP"` or `"UDP"`.
    #[must_use]
    pub fn new(transport: &'static str, address: SocketAddr, error: io::Error) -> Self {
        let is_taken = error.kind() == io::ErrorKind::AddrInUse;
        let holder = if is_taken { holders::of(transport, address) } else { None };
        Self { transport, address, error, holder }
    }

    /// Who has it, where somebody has and we may know.
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// Whether it says of who asked rather than of the address: the daemon's user may not, the daemon may.
    #[must_use]
    pub fn lacks_privilege(&self) -> bool {
        self.error.kind() == io::ErrorKind::PermissionDenied && self.address.port() < PRIVILEGED_BELOW
    }
}

fn mend(error: &io::Error, holder: Option<&Holder>) -> String {
    match (error.kind(), holder) {
        (io::ErrorKind::AddrInUse, Some(holder)) => {
            format!("; {holder} holds the port: stop it, or have it or us listen elsewhere")
        }
        (io::ErrorKind::AddrInUse, None) => {
            "; another process holds the port, `ss -lnptu` names it".to_owned()
        }
        (io::ErrorKind::PermissionDenied, _) => {
            "; ports below 1024 need CAP_NET_BIND_SERVICE, as the systemd unit grants it".to_owned()
        }
        (io::ErrorKind::AddrNotAvailable, _) => "; this host does not have the address".to_owned(),
        _ => String::new(),
    }
}

/// Binds every address for which no socket was passed. Port 0 takes a free port, the same for TCP and UDP. A wildcard
/// IPv6 address is left out on a host without IPv6, because it is among the defaults; one named in full is not.
///
/// # Errors
/// [`BindError`] for the first address that cannot be bound; nothing is left open then.
pub fn bind(
    addresses: &[SocketAddr],
    udp_request_limit: usize,
    threads: NonZeroUsize,
    passed: &mut PassedSockets,
) -> Result<ServiceSockets, BindError> {
    let mut sockets = ServiceSockets::default();
    for &address in addresses {
        let (tcp, udp) = (passed.tcp(address), passed.udp(address));
        let bound = if tcp.is_empty() || udp.is_empty() {
            bind_both(address, udp_request_limit, threads)
        } else {
            take_over(address, tcp, udp, udp_request_limit, threads)
        };
        match bound {
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

/// Serves on what systemd passed.
fn take_over(
    address: SocketAddr,
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    udp_request_limit: usize,
    threads: NonZeroUsize,
) -> Result<(Vec<TcpListener>, Vec<Arc<ServerSocket>>), BindError> {
    let failed = |transport| move |error| BindError::new(transport, address, error);
    let listener = |listener: TcpListener| listener.set_nonblocking(true).map(|()| listener);
    let tcp = spread(tcp, threads.get(), TcpListener::try_clone)
        .and_then(|listeners| listeners.into_iter().map(listener).collect());
    let socket = |socket| ServerSocket::passed(socket, udp_request_limit).map(Arc::new);
    let udp = spread(udp, threads.get(), UdpSocket::try_clone)
        .and_then(|sockets| sockets.into_iter().map(socket).collect());
    Ok((tcp.map_err(failed("TCP"))?, udp.map_err(failed("UDP"))?))
}

fn bind_both(
    address: SocketAddr,
    udp_request_limit: usize,
    threads: NonZeroUsize,
) -> Result<(Vec<TcpListener>, Vec<Arc<ServerSocket>>), BindError> {
    let failed = |transport| move |error| BindError::new(transport, address, error);
    let mut tries = 1..=FREE_PORT_TRIES;
    loop {
        let bound = unserved(address).map_err(failed("TCP"))?;
        let tcp = (0..threads.get()).map(|_| bind_tcp(bound)).collect::<io::Result<_>>();
        let tcp = tcp.map_err(failed("TCP"))?;
        let udp = (0..threads.get())
            .map(|_| bind_udp(bound, udp_request_limit).map(Arc::new))
            .collect::<io::Result<_>>();
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
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.udp.iter().filter_map(|group| group.first()).map(|socket| socket.local_address()).collect()
    }
}

/// Binds every address for pings for which no socket was passed, one UDP socket each and no listener; a wildcard IPv6
/// address is left out as in [`bind`].
///
/// # Errors
/// [`BindError`] for the first address that cannot be bound.
pub fn bind_cldap(addresses: &[SocketAddr], passed: &mut PassedSockets) -> Result<ServiceSockets, BindError> {
    let mut sockets = ServiceSockets::default();
    for &address in addresses {
        let passed = passed.udp(address);
        let bound: io::Result<Vec<_>> = if passed.is_empty() {
            bind_for_pings(address).map(|socket| vec![Arc::new(socket)])
        } else {
            let take_over = |socket| ServerSocket::passed(socket, LONGEST_REQUEST).map(Arc::new);
            passed.into_iter().map(take_over).collect()
        };
        match bound {
            Ok(group) => sockets.udp.push(group),
            Err(error) if address.ip().is_unspecified() && lacks_ipv6(address, &error) => {
                sockets.skipped.push(address);
            }
            Err(error) => return Err(BindError::new("UDP", address, error)),
        }
    }
    Ok(sockets)
}

fn bind_for_pings(address: SocketAddr) -> io::Result<ServerSocket> {
    let socket = open_udp(address)?;
    socket.bind(&address.into())?;
    ServerSocket::new(socket.into(), LONGEST_REQUEST)
}

/// The address, with a free port where any will do, unless somebody serves it over TCP. Sockets with SO_REUSEPORT
/// would not find out about another instance of this daemon.
fn unserved(address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = open_tcp(address)?;
    socket.bind(&address.into())?;
    TcpListener::from(socket).local_addr()
}

/// A listener that does not block, for tokio to take over. It shares its address with its siblings: the kernel spreads
/// connections over them.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open_tcp(address)?;
    setsockopt(&socket, sockopt::ReusePort, &true)?;
    // Connections take it over. It costs latency only where it fails.
    let _ = socket.set_tcp_nodelay(true);
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn open_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    // Connections of the process before us may still be closing.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// A UDP socket that shares its address with its siblings: the kernel spreads clients over them.
fn bind_udp(address: SocketAddr, request_limit: usize) -> io::Result<ServerSocket> {
    let socket = open_udp(address)?;
    setsockopt(&socket, sockopt::ReusePort, &true)?;
    socket.bind(&address.into())?;
    ServerSocket::new(socket.into(), request_limit)
}

/// A UDP socket that tells to which address each datagram was sent.
fn open_udp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    tell_packet_info(&socket, address)?;
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
        let threads = NonZeroUsize::new(threads).unwrap();
        super::bind(&[address.parse().unwrap()], 16_384, threads, &mut PassedSockets::default())
    }

    #[test]
    fn binds_a_tcp_and_a_udp_socket_per_thread_on_one_port() {
        let sockets = bind("127.0.0.1:0", 3).unwrap();
        let address = sockets.addresses()[0];
        assert_ne!(address.port(), 0);
        assert_eq!(sockets.tcp[0].len(), 3);
        assert!(sockets.tcp[0].iter().all(|listener| listener.local_addr().unwrap() == address));
        assert_eq!(sockets.udp[0].len(), 3);
        assert!(sockets.udp[0].iter().all(|socket| socket.local_address() == address));
    }

    #[test]
    fn ipv4_and_ipv6_wildcards_share_a_port() {
        let first = bind("0.0.0.0:0", 1).unwrap();
        let port = first.addresses()[0].port();
        let second = bind(&format!("[::]:{port}"), 1).unwrap();
        assert_eq!(second.tcp.len() + second.skipped.len(), 1);
    }

    #[test]
    fn pings_have_a_socket_an_address_and_no_listener() {
        let addresses = ["127.0.0.1:0", "[::]:0"].map(|address| address.parse().unwrap());
        let sockets = bind_cldap(&addresses, &mut PassedSockets::default()).unwrap();
        assert_eq!(sockets.addresses().len() + sockets.skipped.len(), 2);
        assert!(sockets.tcp.is_empty() && sockets.udp.iter().all(|group| group.len() == 1));
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_the_mend() {
        let first = bind("127.0.0.1:0", 1).unwrap();
        let address = first.addresses()[0];
        let error = bind(&address.to_string(), 1).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on TCP {address}: ")), "{error}");
        assert!(
            error.contains(&format!("(process {}) holds the port: stop it", std::process::id())),
            "{error}"
        );
    }

    #[test]
    fn an_address_of_another_host_is_an_error() {
        let error = bind("192.0.2.1:0", 1).unwrap_err().to_string();
        assert!(error.contains("this host does not have the address"), "{error}");
    }
}
