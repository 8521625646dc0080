//! Kerberos and password changes over UDP: one thread per core answers from what is at hand, and hands the rest over.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::warn;

use super::udp_socket::{Datagram, KerberosUdpSocket, LocalAddress, Reply, UdpReceiver, UdpSender};
use crate::shell::in_flight::InFlight;
use crate::shell::origin::{Origin, Protocol, Transport};
use crate::shell::service::{Answer, Service, Step};

/// How long to wait after a failed receive, so that a lasting fault neither spins nor floods the log.
const RECEIVE_PAUSE: Duration = Duration::from_millis(250);

/// A datagram whose account must be read from the directory.
pub struct Cold {
    octets: Bytes,
    origin: Origin,
    arrived: Duration,
    way_back: WayBack,
    _in_flight: InFlight,
}

/// What a socket's thread hands messages to.
pub struct HandOver {
    /// Answers.
    pub service: Arc<Service>,
    /// What the cache does not hold goes here; where that is full the client is told to ask another KDC.
    pub cold: mpsc::Sender<Cold>,
    /// What is relayed is waited for here, as much at once as the relay allows.
    pub runtime: Handle,
}

/// Receives on `socket` and answers, on a thread of its own, until the service stops.
pub fn serve(socket: Arc<KerberosUdpSocket>, protocol: Protocol, hand_over: &HandOver) {
    let service = &hand_over.service;
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
            if let Ok(reply) =
                catch_unwind(AssertUnwindSafe(|| answer(&datagram, protocol, hand_over, &socket)))
            {
                replies.extend(reply);
            }
        }
        service.metrics().unsent(sender.send(&replies));
    }
}

fn answer(
    datagram: &Datagram<'_>,
    protocol: Protocol,
    hand_over: &HandOver,
    socket: &Arc<KerberosUdpSocket>,
) -> Option<Reply> {
    let service = &hand_over.service;
    let origin = Origin { peer: datagram.peer, transport: Transport::Udp, protocol };
    let way_back = || WayBack { peer: datagram.peer, local: datagram.local, socket: Arc::clone(socket) };
    match service.answer_warm(datagram.octets, origin) {
        Step::Done(answer) => reply(answer, datagram.peer, datagram.local),
        Step::Relay(passage) => {
            let octets = Bytes::copy_from_slice(datagram.octets);
            let (service, in_flight, way_back) = (Arc::clone(service), service.begin(), way_back());
            hand_over.runtime.spawn(async move {
                let answer = service.relay(octets, origin, passage).await;
                way_back.send(answer, &service);
                drop(in_flight);
            });
            None
        }
        Step::Directory => {
            let cold_one = Cold {
                octets: Bytes::copy_from_slice(datagram.octets),
                origin,
                arrived: service.clock().elapsed(),
                way_back: way_back(),
                _in_flight: service.begin(),
            };
            match hand_over.cold.try_send(cold_one) {
                Ok(()) => None,
                Err(_full) => reply(service.shed(datagram.octets, origin), datagram.peer, datagram.local),
            }
        }
    }
}

/// Answers what the threads hand over, each datagram in a task of its own, at most as many at once as the channel
/// holds.
pub async fn serve_cold(mut cold: mpsc::Receiver<Cold>, service: Arc<Service>) {
    let seats = Arc::new(tokio::sync::Semaphore::new(cold.max_capacity()));
    while let Some(Cold { octets, origin, arrived, way_back, _in_flight }) = cold.recv().await {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let answer = service.answer(&octets, origin, arrived).await;
            way_back.send(answer, &service);
            drop((seat, _in_flight));
        });
    }
}

/// How an answer that is waited for gets to where its message came from.
struct WayBack {
    peer: SocketAddr,
    local: LocalAddress,
    socket: Arc<KerberosUdpSocket>,
}

impl WayBack {
    /// From any thread; what the kernel does not take is counted.
    fn send(&self, answer: Answer, service: &Service) {
        if reply(answer, self.peer, self.local).is_some_and(|reply| self.socket.send(&reply).is_err()) {
            service.metrics().unsent(1);
        }
    }
}

/// The datagram to `peer` from the address that was asked, if there is an answer.
fn reply(answer: Answer, peer: SocketAddr, local: LocalAddress) -> Option<Reply> {
    match answer {
        Answer::Reply(octets) => Some(Reply { octets, peer, local }),
        Answer::Silence => None,
    }
}
