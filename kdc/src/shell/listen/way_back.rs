//! The way of an answer to where its datagram came from.

use std::net::SocketAddr;
use std::sync::Arc;

use super::udp_socket::{LocalAddress, Reply, ServerSocket};
use crate::shell::service::{Answer, Service};

/// How an answer that is waited for gets to where its message came from.
pub(super) struct WayBack {
    pub(super) peer: SocketAddr,
    pub(super) local: LocalAddress,
    pub(super) socket: Arc<ServerSocket>,
}

impl WayBack {
    /// From any thread; what the kernel does not take is counted.
    pub(super) fn send(&self, answer: Answer, service: &Service) {
        if reply(answer, self.peer, self.local).is_some_and(|reply| self.socket.send(&reply).is_err()) {
            service.metrics().unsent(1);
        }
    }
}

/// The datagram to `peer` from the address that was asked, if there is an answer.
pub(super) fn reply(answer: Answer, peer: SocketAddr, local: LocalAddress) -> Option<Reply> {
    match answer {
        Answer::Reply(octets) => Some(Reply { octets, peer, local }),
        Answer::Silence => None,
    }
}
