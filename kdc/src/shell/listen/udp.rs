//! Kerberos and password changes over UDP: one thread per core answers from what is at hand, and hands the rest over.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::cold::{ColdQueue, Entry};
use super::datagrams;
use super::udp_socket::{Datagram, Reply, ServerSocket};
use super::way_back::{WayBack, reply};
use crate::shell::origin::{Origin, Protocol, Transport};
use crate::shell::service::{Service, Step};

/// What a socket's thread hands messages to.
pub struct HandOver {
    /// Answers.
    pub service: Arc<Service>,
    /// What the cache does not hold goes here; where that is full the client is told to ask another KDC.
    pub cold: ColdQueue,
    /// What is relayed is waited for here, as much at once as the relay allows.
    pub runtime: Handle,
}

/// Receives on `socket` and answers, on a thread of its own, until the service stops.
pub fn serve(socket: &Arc<ServerSocket>, protocol: Protocol, hand_over: &HandOver) {
    datagrams::serve(socket, &hand_over.service, |datagram| answer(datagram, protocol, hand_over, socket));
}

fn answer(
    datagram: &Datagram<'_>,
    protocol: Protocol,
    hand_over: &HandOver,
    socket: &Arc<ServerSocket>,
) -> Option<Reply> {
    let service = &hand_over.service;
    let origin = Origin { peer: datagram.peer, transport: Transport::Udp, protocol };
    let way_back = || WayBack { peer: datagram.peer, local: datagram.local, socket: Arc::clone(socket) };
    match service.answer_warm(datagram.octets, origin) {
        Step::Done(answer) => reply(answer, datagram.peer, datagram.local),
        Step::Relay(_) | Step::Directory(_) if service.is_stopping() => {
            reply(service.send_away(datagram.octets, origin), datagram.peer, datagram.local)
        }
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
        Step::Directory(wanted) => {
            match hand_over.cold.enter(datagram.octets, origin, way_back(), wanted, service) {
                Entry::Waits => None,
                Entry::Repeated => {
                    service.metrics().dropped_repeated();
                    None
                }
                Entry::Full => reply(service.shed(datagram.octets, origin), datagram.peer, datagram.local),
            }
        }
    }
}
