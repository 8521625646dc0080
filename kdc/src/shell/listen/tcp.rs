//! Kerberos and password changes over TCP: frames with a length of four octets (RFC 4120 §7.2.2), several on a connection, answered in
//! order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::connections::{Connections, Full, Seat};
use crate::shell::observe::metrics::TcpClosed;
use crate::shell::origin::{Origin, Protocol, Transport};
use crate::shell::service::{Answer, Service, Step};

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for an evicted connection's descriptor.
const EVICTION_PAUSE: Duration = Duration::from_millis(1);

/// How much of a frame room is made for before its octets are there.
const FIRST_ROOM: usize = 4096;

/// What a TCP listener keeps to.
#[derive(Debug, Clone, Copy)]
pub struct TcpLimits {
    /// Octets of a request.
    pub request: usize,
    /// For the first octet of a new connection.
    pub first_octet: Duration,
    /// From the first to the last octet of a request, and for a reply to be taken.
    pub frame: Duration,
    /// For the next request after a reply.
    pub idle: Duration,
}

/// Serves every connection to `listener` until the service stops.
pub async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    service: Arc<Service>,
    connections: Arc<Connections>,
    limits: TcpLimits,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!(%error, "accept failed");
                let evicted = is_out_of_descriptors(&error) && connections.make_room();
                sleep(if evicted { EVICTION_PAUSE } else { ACCEPT_PAUSE }).await;
                continue;
            }
        };
        if service.is_stopping() {
            return;
        }
        let metrics = service.metrics();
        match connections.enter(peer.ip()) {
            Ok(seat) => {
                metrics.tcp_connections(connections.open());
                let origin = Origin { peer, transport: Transport::Tcp, protocol };
                let (service, connections) = (Arc::clone(&service), Arc::clone(&connections));
                tokio::spawn(converse(stream, origin, seat, service, connections, limits));
            }
            Err(Full::Altogether) => metrics.tcp_closed(TcpClosed::Full),
            Err(Full::Address) => metrics.tcp_closed(TcpClosed::PerAddress),
        }
    }
}

/// Whether the process, or the system, can open nothing more.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    [Errno::EMFILE, Errno::ENFILE].map(|errno| Some(errno as i32)).contains(&error.raw_os_error())
}

async fn converse(
    stream: TcpStream,
    origin: Origin,
    seat: Seat,
    service: Arc<Service>,
    connections: Arc<Connections>,
    limits: TcpLimits,
) {
    // A failed option costs latency only.
    let _ = stream.set_nodelay(true);
    let mut conversation = Conversation { stream, origin, seat, service, limits };
    if let Some(reason) = conversation.run().await {
        conversation.service.metrics().tcp_closed(reason);
    }
    let service = Arc::clone(&conversation.service);
    drop(conversation);
    service.metrics().tcp_connections(connections.open());
}

struct Conversation {
    stream: TcpStream,
    origin: Origin,
    seat: Seat,
    service: Arc<Service>,
    limits: TcpLimits,
}

/// Why there is no next request.
enum End {
    /// The peer closed, or the connection broke.
    Theirs,
    /// We close, for this reason.
    Ours(TcpClosed),
    /// As above, and RFC 4120 §7.2.2 wants KRB_ERR_FIELD_TOOLONG first.
    TooLong,
}

impl Conversation {
    /// Answers requests until one side has had enough; the reason if it is ours.
    async fn run(&mut self) -> Option<TcpClosed> {
        let (mut patience, mut impatience) = (self.limits.first_octet, TcpClosed::Slow);
        loop {
            let request = match self.next(patience, impatience).await {
                Ok(request) => request,
                Err(End::Theirs) => return None,
                Err(End::Ours(reason)) => return Some(reason),
                Err(End::TooLong) => {
                    if let Answer::Reply(reply) = self.service.too_long(self.origin) {
                        self.send(&reply).await;
                    }
                    return Some(TcpClosed::Oversize);
                }
            };
            let _in_flight = self.service.begin();
            let arrived = self.service.clock().elapsed();
            let (answer, silent) = match self.service.answer_warm(&request, self.origin) {
                Step::Done(answer) => (answer, TcpClosed::Malformed),
                Step::Directory => {
                    (self.service.answer(&request, self.origin, arrived).await, TcpClosed::Malformed)
                }
                Step::Relay(passage) => {
                    (self.service.relay(request, self.origin, passage).await, TcpClosed::Unanswered)
                }
            };
            let Answer::Reply(reply) = answer else { return Some(silent) };
            if !self.send(&reply).await || self.service.is_stopping() {
                return None;
            }
            (patience, impatience) = (self.limits.idle, TcpClosed::Idle);
        }
    }

    /// The next frame's content. Its first octet may take `patience`, the rest `frame`.
    async fn next(&mut self, patience: Duration, impatience: TcpClosed) -> Result<Bytes, End> {
        // A seat is needed back from who sends half a request as much as from who sends nothing.
        self.seat.rest();
        let frame = tokio::select! {
            frame = receive(&mut self.stream, &self.limits, patience, impatience) => frame,
            () = self.seat.evicted() => Err(End::Ours(TcpClosed::Evicted)),
        };
        self.seat.work();
        frame
    }

    /// Sends a reply in one call; whether the peer took it in time.
    async fn send(&mut self, reply: &[u8]) -> bool {
        let mut frame = BytesMut::with_capacity(reply.len().saturating_add(4));
        frame.put_u32(u32::try_from(reply.len()).unwrap_or(u32::MAX));
        frame.put_slice(reply);
        matches!(timeout(self.limits.frame, self.stream.write_all(&frame)).await, Ok(Ok(())))
    }
}

/// The next frame's content, its first octet within `patience`, the rest within `frame`.
async fn receive(
    stream: &mut TcpStream,
    limits: &TcpLimits,
    patience: Duration,
    impatience: TcpClosed,
) -> Result<Bytes, End> {
    let mut length = [0; 4];
    let read = match timeout(patience, stream.read(&mut length)).await {
        Err(_) => return Err(End::Ours(impatience)),
        Ok(Err(_) | Ok(0)) => return Err(End::Theirs),
        Ok(Ok(read)) => read,
    };
    match timeout(limits.frame, receive_rest(stream, limits, length, read)).await {
        Err(_) => Err(End::Ours(TcpClosed::Slow)),
        Ok(frame) => frame,
    }
}

/// The rest of a frame of which the first `read` octets are in `length`.
async fn receive_rest(
    stream: &mut TcpStream,
    limits: &TcpLimits,
    mut length: [u8; 4],
    read: usize,
) -> Result<Bytes, End> {
    let rest = length.get_mut(read..).unwrap_or_default();
    stream.read_exact(rest).await.map_err(|_| End::Theirs)?;
    // The highest bit is reserved (RFC 4120 §7.2.2); with it any length is over the limit.
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limits.request {
        return Err(End::TooLong);
    }
    // Room grows with what has come, not with what was announced.
    let mut frame = BytesMut::with_capacity(length.min(FIRST_ROOM));
    while frame.len() < length {
        let missing = length.saturating_sub(frame.len());
        let mut limited = (&mut frame).limit(missing);
        if stream.read_buf(&mut limited).await.map_err(|_| End::Theirs)? == 0 {
            return Err(End::Theirs);
        }
    }
    Ok(frame.freeze())
}
