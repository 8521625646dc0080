//! KDCs to relay to, each with a manner of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use kdc::krb::der::Der;
use kdc::krb::messages::{KerberosString, KrbError, PrincipalName};
use socket2::SockRef;

use tgtx_tests::device::now;

use super::wire::frame;

/// How often its threads look whether they are still wanted.
const GLANCE: Duration = Duration::from_millis(5);

/// What an upstream does with what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A KRB-ERROR of this code, at once. Its e-data is the request.
    Answers(i32),
    /// As above, but so many milliseconds later.
    Slow(u64, i32),
    /// Nothing, and the connection stays open.
    Silent,
    /// Nothing, and over TCP the connection is closed.
    Closes,
    /// Half of its answer, and then nothing.
    Half,
    /// Half of its answer, and then a reset.
    Resets,
    /// Something else than Kerberos.
    Garbage,
    /// A length and nothing else, of an answer as long as can be announced.
    Endless,
}

/// An upstream on a free port of 127.0.0.1, over UDP and TCP, until it is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Upstream {
    pub(crate) fn start(manner: Manner) -> Self {
        let (listener, socket) = bind();
        let address = listener.local_addr().unwrap();
        let upstream =
            Self { address, asked: Arc::default(), connections: Arc::default(), is_over: Arc::default() };
        let (asked, is_over) = (Arc::clone(&upstream.asked), Arc::clone(&upstream.is_over));
        thread::spawn(move || serve_udp(&socket, manner, &asked, &is_over));
        let (asked, is_over) = (Arc::clone(&upstream.asked), Arc::clone(&upstream.is_over));
        let connections = Arc::clone(&upstream.connections);
        thread::spawn(move || {
            listener.set_nonblocking(true).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    sleep(GLANCE);
                    continue;
                };
                connections.fetch_add(1, Ordering::Relaxed);
                let (asked, is_over) = (Arc::clone(&asked), Arc::clone(&is_over));
                thread::spawn(move || serve_tcp(stream, manner, &asked, &is_over));
            }
        });
        upstream
    }

    /// Messages that have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Connections that have come.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A port of 127.0.0.1 that is free for UDP and TCP.
pub(crate) fn free_port() -> SocketAddr {
    bind().0.local_addr().unwrap()
}

fn bind() -> (TcpListener, UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()) {
            return (listener, socket);
        }
    }
}

/// The value of `kdcs` or `kpasswd`.
pub(crate) fn list(servers: &[SocketAddr]) -> String {
    format!("{:?}", servers.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// What an upstream that answers says to `request`.
pub(crate) fn answer_to(request: &[u8], code: i32) -> Vec<u8> {
    if !matches!(request.first(), Some(0x6a | 0x6c)) {
        // RFC 3244 §2: length, version, no AP-REP, and here the request.
        let length = u16::try_from(request.len() + 6).unwrap();
        return [&length.to_be_bytes()[..], &[0, 1, 0, 0], request].concat();
    }
    let krbtgt = [KerberosString(b"krbtgt"), KerberosString(b"UPSTREAM")];
    KrbError {
        ctime: None,
        cusec: None,
        stime: now(),
        susec: 0,
        error_code: code,
        crealm: None,
        cname: None,
        realm: b"UPSTREAM",
        sname: PrincipalName::new(2, &krbtgt),
        e_text: None,
        e_data: Some(request),
    }
    .to_der()
}

fn serve_udp(socket: &UdpSocket, manner: Manner, asked: &AtomicUsize, is_over: &AtomicBool) {
    socket.set_read_timeout(Some(GLANCE)).unwrap();
    let mut buffer = vec![0; 65_536];
    while !is_over.load(Ordering::Relaxed) {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
        asked.fetch_add(1, Ordering::Relaxed);
        let request = &buffer[..length];
        let answer = match manner {
            Manner::Answers(code) => answer_to(request, code),
            Manner::Slow(millis, code) => {
                // Others are not to wait behind it.
                let (socket, answer) = (socket.try_clone().unwrap(), answer_to(request, code));
                thread::spawn(move || {
                    sleep(Duration::from_millis(millis));
                    let _ = socket.send_to(&answer, peer);
                });
                continue;
            }
            Manner::Half | Manner::Resets => {
                let answer = answer_to(request, 25);
                answer[..answer.len() / 2].to_vec()
            }
            Manner::Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Manner::Silent | Manner::Closes | Manner::Endless => continue,
        };
        let _ = socket.send_to(&answer, peer);
    }
}

fn serve_tcp(mut stream: TcpStream, manner: Manner, asked: &AtomicUsize, is_over: &AtomicBool) {
    stream.set_nonblocking(false).unwrap();
    stream.set_nodelay(true).unwrap();
    while let Some(request) = receive(&mut stream, is_over) {
        asked.fetch_add(1, Ordering::Relaxed);
        match manner {
            Manner::Answers(code) => drop(stream.write_all(&frame(&answer_to(&request, code)))),
            Manner::Slow(millis, code) => {
                sleep(Duration::from_millis(millis));
                let _ = stream.write_all(&frame(&answer_to(&request, code)));
            }
            Manner::Silent => {}
            Manner::Closes => return,
            Manner::Half | Manner::Resets => {
                let framed = frame(&answer_to(&request, 25));
                let _ = stream.write_all(&framed[..framed.len() / 2]);
                if manner == Manner::Resets {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                    return;
                }
            }
            Manner::Garbage => {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
                let _ = stream.shutdown(Shutdown::Both);
            }
            Manner::Endless => drop(stream.write_all(&0x7fff_ffff_u32.to_be_bytes())),
        }
    }
}

/// The next frame, unless the other side closes or the upstream is over.
fn receive(stream: &mut TcpStream, is_over: &AtomicBool) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    fill(stream, &mut length, is_over)?;
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    fill(stream, &mut request, is_over)?;
    Some(request)
}

fn fill(stream: &mut TcpStream, mut rest: &mut [u8], is_over: &AtomicBool) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while !rest.is_empty() {
        match stream.read(rest) {
            Ok(0) => return None,
            Ok(read) => rest = &mut rest[read..],
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if is_over.load(Ordering::Relaxed) {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
    Some(())
}
