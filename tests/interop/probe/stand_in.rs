//! Servers that a probe is to see through: one that passes on over one transport alone, and a KDC that lies.

use std::fmt;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, LazyLock};
use std::thread;

use kdc::client::inspect::OpenedTicket;
use kdc::client::mint::PartialTgt;
use kdc::client::transport::{Kdc, Protocol, receive_frame, send_frame};
use kdc::client::{BranchKey, SessionKey, keys};
use kdc::krb::crypto::{EncryptionKey, EncryptionType, MacKey};
use kdc::krb::der::Der;
use kdc::krb::messages::{ApReq, KdcReq, ReplyType, pa_type};
use tgtx_tests::device::{domain_keys, random, read_keytab};
use tgtx_tests::lab::Lab;
use tgtx_tests::reply::reply;

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
}

/// Where a server listens until the test ends.
pub(crate) struct Pipe(SocketAddr);

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Pipe {
    /// Passes messages on to a KDC over this transport; nobody listens on the other.
    pub(crate) fn open(kdc: SocketAddr, over: Over) -> Self {
        let ask = move |request: &[u8]| {
            let protocol = if over == Over::Udp { Protocol::Udp } else { Protocol::Tcp };
            Kdc { protocol, ..Kdc::at(kdc) }.ask(request).expect("an answer")
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        match over {
            Over::Udp => {
                let socket = UdpSocket::bind(address).expect("the same port");
                drop(listener);
                thread::spawn(move || serve_udp(&socket, &ask));
            }
            Over::Tcp => drop(thread::spawn(move || serve_tcp(&listener, &ask))),
        }
        Self(address)
    }
}

/// A KDC that issues full TGTs for anybody, with something wrong about them.
pub(crate) struct StandIn(SocketAddr);

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is changed of a full TGT before it is sealed and signed.
pub(crate) type Lie = fn(&mut PartialTgt<'_>);

impl StandIn {
    /// Serves over both transports, with the keys of the lab.
    pub(crate) fn start(lab: &Lab, lie: Lie) -> Self {
        let keys = Arc::new(Keys {
            branch: keys::all_keys(&read_keytab(&lab.keytabs.azuread)),
            krbtgt: domain_keys(lab).remove(0),
            realm: lab.realm.clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let socket = UdpSocket::bind(address).expect("the same port");
        let of_udp = Arc::clone(&keys);
        thread::spawn(move || serve_udp(&socket, &|request| of_udp.answer(request, lie)));
        thread::spawn(move || serve_tcp(&listener, &|request| keys.answer(request, lie)));
        Self(address)
    }
}

struct Keys {
    branch: Vec<BranchKey>,
    krbtgt: BranchKey,
    realm: String,
}

impl Keys {
    /// The TGS-REP to whatever is asked for, by whoever has a partial TGT.
    fn answer(&self, request: &[u8], lie: Lie) -> Vec<u8> {
        let request = KdcReq::parse(request).expect("a request");
        let ap_req = request.padata.expect("padata").of_kind(pa_type::TGS_REQ).next().expect("a ticket");
        let presented = ApReq::parse(ap_req).expect("an AP-REQ").ticket.to_der();
        let partial = OpenedTicket::open(&presented, &self.branch).expect("a partial TGT");
        let name = partial.client.name();
        let sid = partial.pac.as_ref().and_then(|pac| pac.requestor).expect("a SID");
        let session_key = SessionKey::aes256(&random());
        let authtime = partial.times.authtime;
        let mut full =
            PartialTgt::new(&self.krbtgt, &self.realm, &name, sid, authtime, session_key, random());
        full.pac.kdc.rodc_identifier = None;
        lie(&mut full);
        let full = full.mint().expect("a ticket");

        let key = partial.key.encryption_key().expect("a session key");
        reply(ReplyType::TgsRep, &full, &key, request.body().nonce)
    }
}

/// A key that is nobody's here, to sign with.
pub(crate) fn strangers_key() -> &'static MacKey {
    static KEY: LazyLock<BranchKey> = LazyLock::new(|| {
        let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[7; 32]).expect("a key");
        BranchKey::new(2, &key)
    });
    KEY.pac_key()
}

fn serve_udp(socket: &UdpSocket, answer: &dyn Fn(&[u8]) -> Vec<u8>) {
    let mut request = vec![0; 65_535];
    while let Ok((length, peer)) = socket.recv_from(&mut request) {
        // A probe that has given up takes no answer.
        let _ = socket.send_to(&answer(&request[..length]), peer);
    }
}

fn serve_tcp(listener: &TcpListener, answer: &dyn Fn(&[u8]) -> Vec<u8>) {
    for stream in listener.incoming().flatten() {
        if let Ok(request) = receive_frame(&stream) {
            let _ = send_frame(&stream, &answer(&request));
        }
    }
}
