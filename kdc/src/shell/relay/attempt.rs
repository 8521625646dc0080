//! One question to one upstream.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::upstreams::Upstreams;
use crate::relay::{Kind, Reply};
use crate::shell::clock::Clock;
use crate::shell::origin::Transport;
use crate::shell::udp_client::UdpClient;

/// For a connection to come about.
const CONNECT: Duration = Duration::from_secs(1);

/// Octets of an answer over TCP. The largest ticket that Windows takes is 64 KiB (MaxTokenSize), and it may be in there
/// twice.
const LONGEST_REPLY: usize = 256 << 10;

/// How much of an answer room is made for before its octets are there.
const FIRST_ROOM: usize = 4096;

/// Octets of an answer over UDP: what IP allows.
const LONGEST_DATAGRAM: usize = 65_535;

/// A message to be answered by somebody.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    pub(super) kind: Kind,
    pub(super) transport: Transport,
    pub(super) octets: Bytes,
    /// What chance decides by.
    pub(super) draw: u64,
}

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It was never asked: no connection, or nobody listens.
    #[error("{0}")]
    Unreached(io::Error),
    /// It was asked, and closed the connection without a word: it may be one that does so with what it cannot read.
    #[error("it closed the connection: {0}")]
    Closed(io::Error),
    /// It was asked, and broke off within its answer.
    #[error("{0}")]
    Broken(io::Error),
    /// What it said is no answer.
    #[error("what it answers is not Kerberos")]
    Garbage,
    /// It is this host that cannot ask.
    #[error("{0}")]
    Ours(io::Error),
}

impl Fault {
    /// Why something could not be opened.
    fn opening(error: io::Error) -> Self {
        let ours = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EADDRNOTAVAIL];
        if ours.map(|errno| Some(errno as i32)).contains(&error.raw_os_error()) {
            Self::Ours(error)
        } else {
            Self::Unreached(error)
        }
    }
}

/// What an upstream said, and what that is.
pub(super) type Told = Result<(Reply, Bytes), Fault>;

/// Asks `address` and waits for its answer, however long that takes.
pub(super) async fn ask(address: SocketAddr, errand: &Errand, upstreams: &Upstreams, clock: Clock) -> Told {
    match errand.transport {
        Transport::Udp => ask_udp(address, errand).await,
        Transport::Tcp => ask_tcp(address, errand, upstreams, clock).await,
    }
}

/// Each question has a socket of its own: a KRB-ERROR does not say which question it answers, and a port that nobody can
/// guess keeps out forgers. What is no answer is passed over, for it may be theirs.
async fn ask_udp(address: SocketAddr, errand: &Errand) -> Told {
    let client = UdpClient::of(address).await.map_err(Fault::opening)?;
    client.send(&errand.octets).await.map_err(Fault::opening)?;
    loop {
        let octets = client.receive(LONGEST_DATAGRAM).await.map_err(Fault::Unreached)?;
        if let Some(reply) = Reply::judge(errand.kind, &octets) {
            return Ok((reply, octets.into()));
        }
    }
}

async fn ask_tcp(address: SocketAddr, errand: &Errand, upstreams: &Upstreams, clock: Clock) -> Told {
    // A password change is not sent again where the first sending may have been read.
    let may_repeat = errand.kind != Kind::Kpasswd;
    if may_repeat && let Some(mut kept) = upstreams.idle().take(address, clock.elapsed()) {
        // One that was closed a moment ago is no fault: a new one will do.
        if let Ok(answer) = converse(&mut kept, errand).await {
            upstreams.idle().put(address, kept, clock.elapsed());
            return Ok(answer);
        }
    }
    let mut stream = match timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(Fault::opening)?,
        Err(_) => return Err(Fault::Unreached(io::ErrorKind::TimedOut.into())),
    };
    // A failed option costs latency only.
    let _ = stream.set_nodelay(true);
    let answer = converse(&mut stream, errand).await?;
    if may_repeat {
        upstreams.idle().put(address, stream, clock.elapsed());
    }
    Ok(answer)
}

/// Sends the message and reads one answer (RFC 4120 §7.2.2).
async fn converse(stream: &mut TcpStream, errand: &Errand) -> Told {
    let length = u32::try_from(errand.octets.len()).unwrap_or(u32::MAX).to_be_bytes();
    // One write, and no copy of a message that several upstreams are asked.
    let mut frame = Buf::chain(&length[..], errand.octets.clone());
    stream.write_all_buf(&mut frame).await.map_err(Fault::Closed)?;

    let first = stream.read_u8().await.map_err(Fault::Closed)?;
    let mut rest = [0; 3];
    stream.read_exact(&mut rest).await.map_err(Fault::Broken)?;
    let [second, third, fourth] = rest;
    let length = u32::from_be_bytes([first, second, third, fourth]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LONGEST_REPLY {
        return Err(Fault::Garbage);
    }
    let mut reply = BytesMut::with_capacity(length.min(FIRST_ROOM));
    while reply.len() < length {
        let missing = length.saturating_sub(reply.len());
        let mut limited = (&mut reply).limit(missing);
        if stream.read_buf(&mut limited).await.map_err(Fault::Broken)? == 0 {
            return Err(Fault::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    let judged = Reply::judge(errand.kind, &reply).ok_or(Fault::Garbage)?;
    Ok((judged, reply.freeze()))
}
