//! Kerberos and password changes over TCP: frames with a length of four octets (RFC 4120 §7.2.2), several on a connection, answered in
//! order.
//!
//! Each thread accepts on sockets of its own and answers its connections itself, so that a request that needs nobody
//! else changes threads nowhere. What must be waited for is asked for elsewhere: it takes the thread no time.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::connections::{Connections, Full, Seat};
use crate::shell::observe::metrics::TcpClosed;
use crate::shell::origin::{Origin, Protocol, Transport};
use crate::shell::relay::Passage;
use crate::shell::service::{Answer, Service, Step};

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for an evicted connection's descriptor.
const EVICTION_PAUSE: Duration = Duration::from_millis(1);

/// Connections that are still taken when the listener closes: what its queue may hold, and no more of what keeps coming.
const LAST_CONNECTIONS: usize = 1024;

/// How long to look whether there is another one.
const GLANCE: Duration = Duration::from_millis(1);

/// How much of a request room is made for before it is known how long it is: most come at once.
const FIRST_ROOM: usize = 4096;

/// Octets of a frame before its content.
const LENGTH: usize = 4;

thread_local! {
    /// Room for a request that no connection of this thread has any use for: most requests come and are answered
    /// between two waits, so that one is enough.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

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

/// What the connections to all listeners share.
#[derive(Clone)]
pub struct Shared {
    /// Answers.
    pub service: Arc<Service>,
    /// Who may connect.
    pub connections: Arc<Connections>,
    /// The directory and upstreams are asked here.
    pub runtime: Handle,
    /// What every connection keeps to.
    pub limits: TcpLimits,
}

/// Serves every connection to `listener`, each in a task of the same runtime, until `finish` tells, those that have connected
/// by then included.
pub async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    shared: Arc<Shared>,
    mut finish: watch::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = finish.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => seat(stream, peer, protocol, &shared),
            Err(error) => {
                debug!(%error, "accept failed");
                let evicted = is_out_of_descriptors(&error) && shared.connections.make_room();
                sleep(if evicted { EVICTION_PAUSE } else { ACCEPT_PAUSE }).await;
            }
        }
    }
    for _ in 0..LAST_CONNECTIONS {
        let Ok(Ok((stream, peer))) = timeout(GLANCE, listener.accept()).await else { return };
        seat(stream, peer, protocol, &shared);
    }
}

/// Begins a conversation, if there is room for one.
fn seat(stream: TcpStream, peer: SocketAddr, protocol: Protocol, shared: &Arc<Shared>) {
    let Shared { service, connections, .. } = &**shared;
    let metrics = service.metrics();
    match connections.enter(peer.ip()) {
        Ok(seat) => {
            metrics.tcp_connections(connections.open());
            let origin = Origin { peer, transport: Transport::Tcp, protocol };
            let (received, shared) = (Vec::new(), Arc::clone(shared));
            tokio::spawn(Conversation { stream, received, origin, seat, shared }.hold());
        }
        Err(Full::Altogether) => metrics.tcp_closed(TcpClosed::Full),
        Err(Full::Address) => metrics.tcp_closed(TcpClosed::PerAddress),
    }
}

/// Whether the process, or the system, can open nothing more.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    [Errno::EMFILE, Errno::ENFILE].map(|errno| Some(errno as i32)).contains(&error.raw_os_error())
}

struct Conversation {
    stream: TcpStream,
    /// What has come and is not answered yet; without room of its own while nothing has.
    received: Vec<u8>,
    origin: Origin,
    seat: Seat,
    shared: Arc<Shared>,
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
    /// Answers requests until one side has had enough, and closes.
    async fn hold(mut self) {
        let reason = self.run().await;
        let shared = Arc::clone(&self.shared);
        drop(self);
        let metrics = shared.service.metrics();
        if let Some(reason) = reason {
            metrics.tcp_closed(reason);
        }
        metrics.tcp_connections(shared.connections.open());
    }

    /// Answers requests until one side has had enough; the reason if it is ours.
    async fn run(&mut self) -> Option<TcpClosed> {
        let shared = Arc::clone(&self.shared);
        let (service, limits) = (&shared.service, &shared.limits);
        let (mut patience, mut impatience) = (limits.first_octet, TcpClosed::Slow);
        loop {
            let length = match self.next(patience, impatience).await {
                Ok(length) => length,
                Err(End::Theirs) => return None,
                Err(End::Ours(reason)) => return Some(reason),
                Err(End::TooLong) => {
                    if let Answer::Reply(reply) = service.too_long(self.origin) {
                        send(&mut self.stream, &reply, limits.frame).await;
                    }
                    return Some(TcpClosed::Oversize);
                }
            };
            let _in_flight = service.begin();
            let request = self.received.get(LENGTH..).and_then(|rest| rest.get(..length)).unwrap_or_default();
            let arrived = service.clock().elapsed();
            let (answer, silent) = match service.answer_warm(request, self.origin) {
                Step::Done(answer) => (answer, TcpClosed::Malformed),
                Step::Relay(_) | Step::Directory(_) if service.is_stopping() => {
                    (service.send_away(request, self.origin), TcpClosed::Unanswered)
                }
                Step::Directory(_) => (elsewhere(self.ask(request, arrived)).await, TcpClosed::Malformed),
                Step::Relay(passage) => {
                    (elsewhere(self.relay(request, passage)).await, TcpClosed::Unanswered)
                }
            };
            let Answer::Reply(reply) = answer else { return Some(silent) };
            self.forget(length);
            // Who has its reply is waiting from then on, and who does not take it is no reason to keep others out.
            self.seat.rest();
            let sent = tokio::select! {
                biased;
                sent = send(&mut self.stream, &reply, limits.frame) => sent,
                () = self.seat.evicted() => return Some(TcpClosed::Evicted),
            };
            if !sent || service.is_stopping() {
                return None;
            }
            (patience, impatience) = (limits.idle, TcpClosed::Idle);
        }
    }

    /// Begins to answer a request that needs the directory.
    fn ask(&self, request: &[u8], arrived: Duration) -> JoinHandle<Answer> {
        let (request, origin) = (Bytes::copy_from_slice(request), self.origin);
        let service = Arc::clone(&self.shared.service);
        self.shared.runtime.spawn(async move { service.answer(&request, origin, arrived).await })
    }

    /// Begins to relay a request.
    fn relay(&self, request: &[u8], passage: Passage) -> JoinHandle<Answer> {
        let (request, origin) = (Bytes::copy_from_slice(request), self.origin);
        let service = Arc::clone(&self.shared.service);
        self.shared.runtime.spawn(async move { service.relay(request, origin, passage).await })
    }

    /// Waits until a whole request is at the start of what was received, and returns the length of its content. Its
    /// first octet may take `patience`, the rest `frame`.
    async fn next(&mut self, patience: Duration, impatience: TcpClosed) -> Result<usize, End> {
        let limits = &self.shared.limits;
        if let Some(length) = whole_frame(&self.received, limits.request)? {
            self.seat.work();
            return Ok(length);
        }
        // A seat is needed back from who sends half a request as much as from who sends nothing.
        self.seat.rest();
        let length = tokio::select! {
            biased;
            length = receive(&mut self.stream, &mut self.received, limits, patience, impatience) => length,
            () = self.seat.evicted() => Err(End::Ours(TcpClosed::Evicted)),
        };
        self.seat.work();
        length
    }

    /// Lets go of an answered request. A connection that waits for its next one keeps no buffer.
    fn forget(&mut self, length: usize) {
        let answered = LENGTH.saturating_add(length).min(self.received.len());
        self.received.drain(..answered);
        if self.received.is_empty() {
            give_back(&mut self.received);
        }
    }
}

/// Sends a reply, as a rule in one call; whether the peer took it within `patience`.
async fn send(stream: &mut TcpStream, reply: &[u8], patience: Duration) -> bool {
    let length = u32::try_from(reply.len()).unwrap_or(u32::MAX).to_be_bytes();
    let at_once = stream.try_write_vectored(&[IoSlice::new(&length), IoSlice::new(reply)]);
    let sent = at_once.unwrap_or(0);
    let rest_of_reply = reply.get(sent.saturating_sub(LENGTH)..).unwrap_or_default();
    match length.get(sent..) {
        None | Some([]) if rest_of_reply.is_empty() => true,
        rest_of_length => {
            let rest = async {
                stream.write_all(rest_of_length.unwrap_or_default()).await?;
                stream.write_all(rest_of_reply).await
            };
            // Apart, because it is rare and every connection would keep room for it.
            matches!(Box::pin(timeout(patience, rest)).await, Ok(Ok(())))
        }
    }
}

/// Waits for an answer that is worked on beside this connection's thread.
async fn elsewhere(answer: JoinHandle<Answer>) -> Answer {
    // A defect costs one request; the hook of `panics` has counted and logged it.
    answer.await.unwrap_or(Answer::Silence)
}

/// Receives until a whole request is there, its first octet within `patience`, the rest within `frame`.
async fn receive(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    limits: &TcpLimits,
    patience: Duration,
    impatience: TcpClosed,
) -> Result<usize, End> {
    if received.is_empty() {
        match timeout(patience, receive_first(stream, received)).await {
            Err(_) => return Err(End::Ours(impatience)),
            Ok(received) => received?,
        }
        if let Some(length) = whole_frame(received, limits.request)? {
            return Ok(length);
        }
    }
    match timeout(limits.frame, receive_rest(stream, received, limits)).await {
        Err(_) => Err(End::Ours(TcpClosed::Slow)),
        Ok(length) => length,
    }
}

/// Waits without a buffer, and receives what is there as soon as something is.
async fn receive_first(stream: &TcpStream, received: &mut Vec<u8>) -> Result<(), End> {
    loop {
        stream.readable().await.map_err(|_| End::Theirs)?;
        *received = ROOM.take();
        received.reserve(FIRST_ROOM);
        match stream.try_read_buf(received) {
            Ok(0) => {
                give_back(received);
                return Err(End::Theirs);
            }
            Ok(_) => {
                // With room left, all that was there has been taken: the runtime need not ask the kernel to know.
                if received.len() < received.capacity() {
                    let _ =
                        stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
                }
                return Ok(());
            }
            // Nothing there after all.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => give_back(received),
            Err(_) => return Err(End::Theirs),
        }
    }
}

/// Leaves an empty buffer's room to the next request of this thread, unless one was so large that it is no common one.
fn give_back(received: &mut Vec<u8>) {
    let room = std::mem::take(received);
    if room.capacity() <= FIRST_ROOM {
        ROOM.set(room);
    }
}

async fn receive_rest(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    limits: &TcpLimits,
) -> Result<usize, End> {
    loop {
        // Room grows with what has come, not with what was announced.
        if stream.read_buf(received).await.map_err(|_| End::Theirs)? == 0 {
            return Err(End::Theirs);
        }
        if let Some(length) = whole_frame(received, limits.request)? {
            return Ok(length);
        }
    }
}

/// The length of the content of the frame at the start of `received`, if all of it is there.
fn whole_frame(received: &[u8], limit: usize) -> Result<Option<usize>, End> {
    let Some((length, content)) = received.split_first_chunk::<LENGTH>() else { return Ok(None) };
    // The highest bit is reserved (RFC 4120 §7.2.2); with it any length is over the limit.
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > limit { Err(End::TooLong) } else { Ok((content.len() >= length).then_some(length)) }
}
