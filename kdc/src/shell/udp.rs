//! Kerberos over UDP: one thread per core answers from what is at hand, and hands the rest over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::warn;

use super::origin::{Origin, Transport};
use super::service::{Answer, Service};
use super::udp_socket::{Datagram, KerberosUdpSocket, LocalAddress, Reply, UdpReceiver, UdpSender};

/// A datagram whose account must be read from the directory.
#[derive(Debug)]
pub struct Cold {
    octets: Bytes,
    origin: Origin,
    local: LocalAddress,
    socket: Arc<KerberosUdpSocket>,
}

/// Receives on `socket` and answers, on a thread of its own, until `stopping`. What the cache does not hold goes
/// to `cold`; where that is full the datagram is dropped, and the client asks again.
pub fn serve(
    socket: Arc<KerberosUdpSocket>,
    service: &Service,
    cold: &mpsc::Sender<Cold>,
    stopping: &AtomicBool,
) {
    let mut receiver = UdpReceiver::new(Arc::clone(&socket));
    let mut sender = UdpSender::new(Arc::clone(&socket));
    let mut replies = Vec::new();
    while !stopping.load(Ordering::Relaxed) {
        let (datagrams, dropped) = match receiver.receive() {
            Ok(batch) => batch,
            Err(error) => {
                warn!(%error, "receiving datagrams failed");
                continue;
            }
        };
        service.metrics().dropped_unseen(dropped);
        replies.clear();
        for datagram in datagrams {
            // A defect costs one request, not the thread; the service counts it.
            let reply = catch_unwind(AssertUnwindSafe(|| answer(&datagram, service, cold, &socket)));
            replies.extend(reply.ok().flatten());
        }
        sender.send(&replies);
    }
}

fn answer(
    datagram: &Datagram<'_>,
    service: &Service,
    cold: &mpsc::Sender<Cold>,
    socket: &Arc<KerberosUdpSocket>,
) -> Option<Reply> {
    let origin = Origin { peer: datagram.peer, transport: Transport::Udp };
    match service.answer_warm(datagram.octets, origin) {
        Some(Answer::Reply(octets)) => Some(Reply { octets, peer: datagram.peer, local: datagram.local }),
        Some(Answer::Silence) => None,
        None => {
            let octets = Bytes::copy_from_slice(datagram.octets);
            let handed_over =
                cold.try_send(Cold { octets, origin, local: datagram.local, socket: Arc::clone(socket) });
            if handed_over.is_err() {
                service.metrics().dropped_overload();
            }
            None
        }
    }
}

/// Answers what the threads hand over, each datagram in a task of its own, at most as many at once as the channel
/// holds.
pub async fn serve_cold(mut cold: mpsc::Receiver<Cold>, service: Arc<Service>) {
    let seats = Arc::new(tokio::sync::Semaphore::new(cold.max_capacity()));
    while let Some(Cold { octets, origin, local, socket }) = cold.recv().await {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            if let Answer::Reply(octets) = service.answer(&octets, origin).await {
                // What cannot be sent is asked for again.
                let _ = socket.send(&Reply { octets, peer: origin.peer, local });
            }
            drop(seat);
        });
    }
}
