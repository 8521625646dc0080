//! Pings and daemons of these tests.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kdc::discovery::{PingAnswer, SamLogonResponse, ping};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;

/// Longer than an answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The realm of the captured messages.
pub(crate) const REALM: &str = "AFOREST.AD";

/// Of a ping's filter.
pub(crate) type Elements<'a> = &'a [(&'a str, &'a [u8])];

/// V5EX.
pub(crate) const EX: (&str, &[u8]) = ("NtVer", &[6]);

pub(crate) fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/windows-server-2022").join(name)
}

/// A daemon of the captured domain on a free port, with these lines in `[listen]`, `[limits]` and `[domain.discovery]`.
/// Without a key of a branch it never becomes ready.
pub(crate) fn captured_domain(limits: &str, discovery: &str) -> Daemon {
    captured_domain_at("127.0.0.1:0", limits, discovery, "")
}

/// The same at this address, and with more domains behind it.
pub(crate) fn captured_domain_at(cldap: &str, limits: &str, discovery: &str, more: &str) -> Daemon {
    let folder = Folder::new();
    let keytab = folder.write("keytab", std::fs::read(vector("keytab")).unwrap(), 0o600);
    let toml = configuration(&keytab, cldap, limits, discovery) + more;
    let daemon = Daemon::launch_in(folder, &toml);
    daemon.wait_until("the directories are read", || {
        let checks = daemon.readiness().1["checks"].as_array().unwrap().clone();
        checks.iter().all(|check| check["name"] != "directory" || check["ok"] == true)
    });
    daemon
}

/// Its configuration.
pub(crate) fn configuration(keytab: &Path, cldap: &str, limits: &str, discovery: &str) -> String {
    format!(
        "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\ncldap = [{cldap:?}]\n[limits]\n{limits}\n\
         [log]\nformat = \"json\"\n[[domain]]\nrealm = {REALM:?}\nkeytabs = [{keytab:?}]\ndirectory = \"ldif:{}\"\n\
         [domain.discovery]\n{discovery}\n",
        vector("testuser.ldif").display()
    )
}

/// A client's socket.
pub(crate) struct Client(UdpSocket);

impl Client {
    pub(crate) fn of(server: SocketAddr) -> Self {
        Self::from("127.0.0.1", server)
    }

    pub(crate) fn from(source: &str, server: SocketAddr) -> Self {
        // A source port like the daemon's own would look like its own answer coming back.
        let ports = std::iter::repeat_with(|| UdpSocket::bind((source, 0)).unwrap());
        let is_other = |socket: &UdpSocket| socket.local_addr().unwrap().port() != server.port();
        let socket = ports.take(16).find(is_other).expect("another port");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.connect(server).unwrap();
        Self(socket)
    }

    pub(crate) fn send(&self, datagram: &[u8]) {
        self.0.send(datagram).unwrap();
    }

    /// What comes next.
    pub(crate) fn receive(&self) -> Vec<u8> {
        let mut octets = vec![0; 65_535];
        let length = self.0.recv(&mut octets).unwrap();
        octets.truncate(length);
        octets
    }

    /// The answer to a datagram.
    pub(crate) fn ask(&self, datagram: &[u8]) -> Vec<u8> {
        self.send(datagram);
        self.receive()
    }

    /// Whether nothing has come, once everything sent so far has been dealt with: `fence` is answered at once.
    pub(crate) fn is_silent_until(&self, fence: &[u8]) -> bool {
        let id = kdc::discovery::Request::parse(fence).unwrap().message_id;
        self.send(fence);
        PingAnswer::parse(&self.receive()).unwrap().message_id == id
    }

    /// Whether nothing comes within a moment.
    pub(crate) fn hears_nothing(&self) -> bool {
        self.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        self.0.recv(&mut [0; 64]).is_err()
    }
}

/// A ping for the captured domain.
pub(crate) fn for_domain(id: u32) -> Vec<u8> {
    ping(id, &[("DnsDomain", REALM.as_bytes()), EX])
}

pub(crate) fn extended(datagram: &[u8]) -> SamLogonResponse {
    PingAnswer::parse(datagram).unwrap().extended().unwrap()
}
