//! Sockets that systemd opened and passes to us (`sd_listen_fds(3)`): ports below 1024 without a capability, and restarts
//! that lose nothing, because the sockets outlive the process.
//!
//! They stay systemd's as well as ours. A setting that outlives us is therefore one that the next process would make
//! too, and nothing is ever shut down.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use listenfd::ListenFd;

/// The sockets that nobody has claimed yet, each with its address.
#[derive(Debug, Default)]
pub struct PassedSockets {
    udp: Vec<(SocketAddr, UdpSocket)>,
    tcp: Vec<(SocketAddr, TcpListener)>,
}

impl PassedSockets {
    /// All that were passed to this process; mostly none. The second call finds none.
    ///
    /// # Errors
    /// One of them is no socket of UDP or TCP.
    pub fn take() -> io::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Self::default();
        for index in 0..passed.len() {
            if let Ok(Some(socket)) = passed.take_udp_socket(index) {
                sockets.udp.push((socket.local_addr()?, socket));
            } else if let Some(listener) = passed.take_tcp_listener(index)? {
                sockets.tcp.push((listener.local_addr()?, listener));
            }
        }
        Ok(sockets)
    }

    /// Those for UDP on this address.
    pub(super) fn udp(&mut self, address: SocketAddr) -> Vec<UdpSocket> {
        claim(&mut self.udp, address)
    }

    /// Those for TCP on this address.
    pub(super) fn tcp(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        claim(&mut self.tcp, address)
    }

    /// An address that nobody has claimed: what came there would never be answered.
    #[must_use]
    pub fn unclaimed(&self) -> Option<SocketAddr> {
        let udp = self.udp.iter().map(|(address, _)| *address);
        udp.chain(self.tcp.iter().map(|(address, _)| *address)).next()
    }
}

fn claim<S>(sockets: &mut Vec<(SocketAddr, S)>, address: SocketAddr) -> Vec<S> {
    sockets.extract_if(.., |(bound, _)| *bound == address).map(|(_, socket)| socket).collect()
}

/// As many as there are threads, if need be by sharing: the threads of a shared socket take turns, and wake each other.
/// Those beyond the number of threads are kept, because the kernel spreads clients over them as well.
pub(super) fn spread<S>(
    passed: Vec<S>,
    threads: usize,
    share: impl Fn(&S) -> io::Result<S>,
) -> io::Result<Vec<S>> {
    let missing = threads.saturating_sub(passed.len());
    let shared = passed.iter().cycle().take(missing).map(share).collect::<io::Result<Vec<_>>>()?;
    Ok(passed.into_iter().chain(shared).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what systemd does")]
    fn a_socket_is_claimed_once_and_by_its_address_alone() {
        let sockets: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<_> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let udp = addresses.iter().copied().zip(sockets).collect();
        let mut passed = PassedSockets { udp, tcp: Vec::new() };
        assert_eq!(passed.udp(addresses[1]).len(), 1);
        assert!(passed.udp(addresses[1]).is_empty() && passed.tcp(addresses[0]).is_empty());
        assert_eq!(passed.unclaimed(), Some(addresses[0]));
        assert_eq!(passed.udp(addresses[0]).len() + passed.udp(addresses[2]).len(), 2);
        assert_eq!(passed.unclaimed(), None);
    }

    #[test]
    fn every_thread_has_a_socket_and_none_is_left_over() {
        for (passed, threads, are) in [(1, 4, 4), (2, 4, 4), (4, 4, 4), (6, 4, 6)] {
            let spread = spread((0..passed).collect(), threads, |&number: &usize| Ok(number)).unwrap();
            assert_eq!(spread.len(), are);
            assert!((0..passed).all(|number| spread.contains(&number)));
        }
    }
}
