//! Kerberos over UDP: one thread per core answers from what is at hand, and hands the rest over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::warn;

use super::in_flight::InFlight;
use super::origin::{Origin, Transport};
use super::service::{Answer, Service};
use super::udp_socket::{Datagram, KerberosUdpSocket, LocalAddress, Reply, UdpReceiver, UdpSender};

/// How long to wait after a failed receive, so that a lasting fault neither spins nor floods the log.
const RECEIVE_PAUSE: Duration = Duration::from_millis(250);

/// A datagram whose account must be read from the directory.
pub struct Cold {
    octets: Bytes,
    origin: Origin,
    arrived: Duration,
    local: LocalAddress,
    socket: Arc<KerberosUdpSocket>,
    _in_flight: InFlight,
}

/// Receives on `socket` and answers, on a thread of its own, until the service stops. What the cache does not hold goes
/// to `cold`; where that is full the client is told to ask another KDC.
pub fn serve(socket: Arc<KerberosUdpSocket>, service: &Service, cold: &mpsc::Sender<Cold>) {
    let mut receiver = UdpReceiver::new(Arc::clone(&socket));
    let mut sender = UdpSender::new(Arc::clone(&socket));
    let mut replies = Vec::new();
    while !service.is_stopping() {
        let (datagrams, dropped) = match receiver.receive() {
            Ok(batch) => batch,
            Err(error) => {
                warn!(%error, "receiving datagrams failed");
                thread::sleep(RECEIVE_PAUSE);
                continue;
            }
        };
        service.metrics().dropped_unseen(dropped);
        replies.clear();
        for datagram in datagrams {
            // A defect costs one request, not the thread; the hook of `panics` has counted and logged it.
            if let Ok(reply) = catch_unwind(AssertUnwindSafe(|| answer(&datagram, service, cold, &socket))) {
                replies.extend(reply);
            }
        }
        service.metrics().unsent(sender.send(&replies));
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
            let cold_one = Cold {
                octets: Bytes::copy_from_slice(datagram.octets),
                origin,
                arrived: service.clock().elapsed(),
                local: datagram.local,
                socket: Arc::clone(socket),
                _in_flight: service.begin(),
            };
            match cold.try_send(cold_one) {
                Ok(()) => None,
                Err(_) => match service.shed(datagram.octets, origin) {
                    Answer::Reply(octets) => {
                        Some(Reply { octets, peer: datagram.peer, local: datagram.local })
                    }
                    Answer::Silence => None,
                },
            }
        }
    }
}

/// Answers what the threads hand over, each datagram in a task of its own, at most as many at once as the channel
/// holds.
pub async fn serve_cold(mut cold: mpsc::Receiver<Cold>, service: Arc<Service>) {
    let seats = Arc::new(tokio::sync::Semaphore::new(cold.max_capacity()));
    while let Some(Cold { octets, origin, arrived, local, socket, _in_flight }) = cold.recv().await {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            if let Answer::Reply(octets) = service.answer(&octets, origin, arrived).await
                && socket.send(&Reply { octets, peer: origin.peer, local }).is_err()
            {
                service.metrics().unsent(1);
            }
            drop((seat, _in_flight));
        });
    }
}
