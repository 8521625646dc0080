//! Kerberos, password changes and pings over UDP, a batch of datagrams per system call.
//!
//! Each packet thread owns a [`UdpReceiver`] and a [`UdpSender`] over one [`ServerSocket`]; tasks that answer
//! later share the socket itself. A reply leaves from the address its request was sent to (packet information,
//! `ip(7)` and RFC 3542 §6), or else clients of a host with several addresses would not know it.
//!
//! What must not be answered at all is dropped here and counted: datagrams larger than the limit, and sources
//! from which an answer would come back as a new request (reply-type services, our own socket) or that are no
//! single host.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, Shutdown, SockaddrStorage,
    recvmmsg, sendmmsg, sendmsg, setsockopt, shutdown, sockopt,
};

use super::pulse::Pulse;

/// Datagrams per system call.
const BATCH: usize = 32;

/// UDP services below 1024 that answer whatever they are sent: a request that claims to come from one would make
/// the two answer each other for ever, or make us the mirror of an attack (CVE-2002-2443). echo, daytime, qotd,
/// chargen, time, domain, tftp, kerberos, sunrpc, ntp, netbios-ns, snmp, cldap, svrloc, kpasswd, isakmp, router.
const REPLY_SERVICES: [u16; 17] =
    [7, 13, 17, 19, 37, 53, 69, 88, 111, 123, 137, 161, 389, 427, 464, 500, 520];

/// A bound UDP socket that tells where each datagram was sent to.
#[derive(Debug)]
pub struct ServerSocket {
    socket: UdpSocket,
    local: SocketAddr,
    request_limit: usize,
    stopped: AtomicBool,
    /// It outlives us, so that shutting it down would end it for the next process too.
    is_passed: bool,
    /// Of the thread that serves it.
    pulse: Arc<Pulse>,
}

/// How long the receiver of a socket that must not be shut down waits before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(250);

/// The address of ours that a datagram was sent to, which its reply leaves from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub address: IpAddr,
    /// The interface the datagram came in through.
    pub interface: u32,
}

/// A received datagram, in its receiver's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// Its payload, at least one octet, at most the socket's request limit.
    pub octets: &'a [u8],
    /// Where it came from.
    pub peer: SocketAddr,
    /// Where it was sent to.
    pub local: LocalAddress,
}

/// A datagram to send.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its payload.
    pub octets: Bytes,
    /// Where it goes.
    pub peer: SocketAddr,
    /// Where it leaves from.
    pub local: LocalAddress,
}

/// How many datagrams of one batch were dropped unseen, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Without any octet.
    pub short: u64,
    /// Larger than `udp-request-limit`.
    pub oversize: u64,
    /// From a source that must not be answered.
    pub looping: u64,
}

impl ServerSocket {
    /// Takes over a bound socket for which packet information is switched on.
    pub(super) fn new(socket: UdpSocket, request_limit: usize) -> io::Result<Self> {
        let local = socket.local_addr()?;
        let (stopped, pulse) = (AtomicBool::new(false), Arc::default());
        Ok(Self { socket, local, request_limit, stopped, is_passed: false, pulse })
    }

    /// Takes over a socket that systemd has bound and keeps.
    pub(super) fn passed(socket: UdpSocket, request_limit: usize) -> io::Result<Self> {
        tell_packet_info(&socket, socket.local_addr()?)?;
        socket.set_read_timeout(Some(GLANCE))?;
        Ok(Self { is_passed: true, ..Self::new(socket, request_limit)? })
    }

    /// The address and port it is bound to.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The progress of the thread that serves it.
    #[must_use]
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// Ends every wait for a datagram, now and later. Those that have come can still be received.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if self.is_passed {
            return;
        }
        // Linux says that an unconnected socket is not connected, and wakes who waits for it all the same.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Read);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Sends one datagram, from any thread, without waiting.
    ///
    /// # Errors
    /// The kernel's; the client will ask again.
    pub fn send(&self, reply: &Reply) -> io::Result<()> {
        let packet_info = PacketInfo::of(reply.local);
        let peer = SockaddrStorage::from(reply.peer);
        let octets = [IoSlice::new(&reply.octets)];
        let control = [packet_info.control_message()];
        sendmsg(self.socket.as_raw_fd(), &octets, &control, MsgFlags::MSG_DONTWAIT, Some(&peer))?;
        Ok(())
    }

    fn headers(&self) -> MultiHeaders<SockaddrStorage> {
        let control = match self.local {
            SocketAddr::V4(_) => cmsg_space!(in_pktinfo),
            SocketAddr::V6(_) => cmsg_space!(in6_pktinfo),
        };
        MultiHeaders::preallocate(BATCH, Some(control))
    }
}

/// Has each datagram come with the address it was sent to.
pub(super) fn tell_packet_info(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?,
    }
    Ok(())
}

/// Receives batches on the thread that made it: the system call's headers point into it, so it stays there.
pub struct UdpReceiver {
    socket: Arc<ServerSocket>,
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Vec<Vec<u8>>,
    /// What the batch in `buffers` is: index of the buffer, length, peer, local address.
    arrivals: Vec<(usize, usize, SocketAddr, LocalAddress)>,
}

impl UdpReceiver {
    /// Allocates the buffers of one batch.
    #[must_use]
    pub fn new(socket: Arc<ServerSocket>) -> Self {
        let buffers = (0..BATCH).map(|_| vec![0; socket.request_limit]).collect();
        Self { headers: socket.headers(), buffers, arrivals: Vec::with_capacity(BATCH), socket }
    }

    /// Waits for a first datagram and takes all that are there by then: none where the socket was
    /// [stopped](ServerSocket::stop) or all were dropped.
    ///
    /// # Errors
    /// The kernel's, other than interruption.
    pub fn receive(&mut self) -> io::Result<(impl Iterator<Item = Datagram<'_>>, Dropped)> {
        self.arrivals.clear();
        let mut dropped = Dropped::default();
        {
            let port = self.socket.local.port();
            let mut slices: Vec<[IoSliceMut<'_>; 1]> =
                self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            let fd = self.socket.socket.as_raw_fd();
            match recvmmsg(fd, &mut self.headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None) {
                Ok(messages) => {
                    for (index, message) in messages.enumerate() {
                        match examine(&message, port) {
                            Ok((peer, local)) => self.arrivals.push((index, message.bytes, peer, local)),
                            Err(DropReason::Short) => dropped.short = dropped.short.saturating_add(1),
                            Err(DropReason::Oversize) => {
                                dropped.oversize = dropped.oversize.saturating_add(1)
                            }
                            Err(DropReason::Looping) => dropped.looping = dropped.looping.saturating_add(1),
                        }
                    }
                }
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The kernel shows the end of a socket as datagrams without octets.
        if self.socket.stopped.load(Ordering::Relaxed) {
            dropped.short = 0;
        }
        let buffers = &self.buffers;
        let datagrams = self.arrivals.iter().filter_map(move |&(index, length, peer, local)| {
            Some(Datagram { octets: buffers.get(index)?.get(..length)?, peer, local })
        });
        Ok((datagrams, dropped))
    }
}

/// Sends batches on the thread that made it, for the same reason.
pub struct UdpSender {
    socket: Arc<ServerSocket>,
    headers: MultiHeaders<SockaddrStorage>,
}

impl UdpSender {
    /// Allocates the headers of one batch.
    #[must_use]
    pub fn new(socket: Arc<ServerSocket>) -> Self {
        Self { headers: socket.headers(), socket }
    }

    /// Sends all replies without waiting, and says how many the kernel did not take: one that cannot be sent
    /// (its peer unreachable, the buffer full) is left out, its client will ask again.
    pub fn send(&mut self, replies: &[Reply]) -> usize {
        let mut failed = 0_usize;
        // Packet information is shared by all datagrams of a call, so a call takes neighbours with one address
        // of ours: on nearly every host that is the whole batch.
        for same_origin in replies.chunk_by(|one, next| one.local == next.local) {
            let mut rest = same_origin;
            while !rest.is_empty() {
                // One that was refused stands first, so the next call starts after it.
                let done = self.send_from_one_address(rest).unwrap_or_else(|_| {
                    failed = failed.saturating_add(1);
                    1
                });
                rest = rest.get(done.max(1)..).unwrap_or_default();
            }
        }
        failed
    }

    /// How many of the first replies, at least one, the kernel took; the error of the first if it took none.
    fn send_from_one_address(&mut self, replies: &[Reply]) -> Result<usize, Errno> {
        let Some(first) = replies.first() else {
            return Ok(0);
        };
        let packet_info = PacketInfo::of(first.local);
        let control = [packet_info.control_message()];
        let slices: Vec<[IoSlice<'_>; 1]> =
            replies.iter().take(BATCH).map(|reply| [IoSlice::new(&reply.octets)]).collect();
        let peers: Vec<Option<SockaddrStorage>> =
            replies.iter().take(BATCH).map(|reply| Some(SockaddrStorage::from(reply.peer))).collect();
        let fd = self.socket.socket.as_raw_fd();
        let sent = sendmmsg(fd, &mut self.headers, slices.iter(), &peers, control, MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }
}

enum DropReason {
    Short,
    Oversize,
    Looping,
}

fn examine(
    message: &RecvMsg<'_, '_, SockaddrStorage>,
    port: u16,
) -> Result<(SocketAddr, LocalAddress), DropReason> {
    if message.flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(DropReason::Oversize);
    }
    if message.bytes == 0 {
        return Err(DropReason::Short);
    }
    let peer = message.address.as_ref().and_then(peer_of).ok_or(DropReason::Looping)?;
    let local = message
        .cmsgs()
        .ok()
        .and_then(|mut messages| messages.find_map(|control| LocalAddress::of(&control)))
        .ok_or(DropReason::Looping)?;
    if may_be_answered(peer, local.address, port) { Ok((peer, local)) } else { Err(DropReason::Looping) }
}

/// Whether an answer to `peer` reaches one host and does not come back to us as a request.
fn may_be_answered(peer: SocketAddr, local: IpAddr, port: u16) -> bool {
    let address = peer.ip();
    let is_one_host = match address.to_canonical() {
        IpAddr::V4(address) => {
            !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
        }
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_multicast(),
    };
    // Clients on this host have its address, so our own port must be there too.
    let is_ourselves = peer.port() == port && (address == local || address.is_loopback());
    is_one_host
        && !is_ourselves
        && peer.port() != 0
        && !REPLY_SERVICES.contains(&peer.port())
        && !local.is_multicast()
}

fn peer_of(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(address) = address.as_sockaddr_in() {
        return Some(SocketAddrV4::new(address.ip(), address.port()).into());
    }
    let address = address.as_sockaddr_in6()?;
    Some(SocketAddrV6::new(address.ip(), address.port(), address.flowinfo(), address.scope_id()).into())
}

impl LocalAddress {
    fn of(control: &ControlMessageOwned) -> Option<Self> {
        match control {
            // ipi_spec_dst, not ipi_addr: the address to answer from also where a broadcast was sent to.
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(Self {
                address: Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()).into(),
                interface: u32::try_from(info.ipi_ifindex).unwrap_or(0),
            }),
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(Self {
                address: Ipv6Addr::from(info.ipi6_addr.s6_addr).into(),
                interface: info.ipi6_ifindex,
            }),
            _ => None,
        }
    }
}

/// Packet information as the kernel takes it.
enum PacketInfo {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl PacketInfo {
    fn of(local: LocalAddress) -> Self {
        match local.address {
            // The interface is left to routing: requests and replies may take different ways.
            IpAddr::V4(address) => Self::V4(in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
                ipi_addr: in_addr { s_addr: 0 },
            }),
            // A link-local address means nothing without its link.
            IpAddr::V6(address) => Self::V6(in6_pktinfo {
                ipi6_addr: in6_addr { s6_addr: address.octets() },
                ipi6_ifindex: if address.is_unicast_link_local() { local.interface } else { 0 },
            }),
        }
    }

    fn control_message(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}

#[cfg(test)]
mod tests;
