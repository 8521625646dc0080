//! The loop of a thread that serves a UDP socket, whatever comes over it: receive a batch, answer what can be answered at once, send.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::warn;

use super::udp_socket::{Datagram, Reply, ServerSocket, UdpReceiver, UdpSender};
use crate::shell::service::Service;

/// How long to wait after a failed receive, so that a lasting fault neither spins nor floods the log.
const RECEIVE_PAUSE: Duration = Duration::from_millis(250);

/// Batches that are still taken of what has come before the stop: more than a socket's buffer holds on most hosts.
const LAST_BATCHES: u32 = 256;

/// Receives on `socket` and sends what `answer` has to say at once, until the socket is stopped. What has come by then
/// is answered.
pub fn serve(socket: &Arc<ServerSocket>, service: &Service, answer: impl Fn(&Datagram<'_>) -> Option<Reply>) {
    let mut receiver = UdpReceiver::new(Arc::clone(socket));
    let mut sender = UdpSender::new(Arc::clone(socket));
    let mut replies = Vec::new();
    let mut last_batches = 0..LAST_BATCHES;
    loop {
        let is_stopped = socket.is_stopped();
        if is_stopped && last_batches.next().is_none() {
            return;
        }
        let (datagrams, dropped) = match receiver.receive() {
            Ok(batch) => batch,
            Err(_) if is_stopped => return,
            Err(error) => {
                warn!(address = %socket.local_address(), %error, "receiving datagrams failed");
                thread::sleep(RECEIVE_PAUSE);
                continue;
            }
        };
        socket.pulse().turn();
        service.metrics().dropped_unseen(dropped);
        replies.clear();
        let mut is_empty = true;
        for datagram in datagrams {
            is_empty = false;
            // A defect costs one message, not the thread; the hook of `panics` has counted and logged it.
            if let Ok(reply) = catch_unwind(AssertUnwindSafe(|| answer(&datagram))) {
                replies.extend(reply);
            }
        }
        service.metrics().unsent(sender.send(&replies));
        socket.pulse().turn();
        if is_stopped && is_empty {
            return;
        }
    }
}
