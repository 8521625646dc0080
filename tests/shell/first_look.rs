//! Who comes after a start and before the directory has answered waits in the sockets. The daemon runs in this process here,
//! because its clock stands still unless a test moves it on.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kdc::client::request::Exchange;
use kdc::config::{Config, Surroundings};
use kdc::shell::daemon::Daemon;
use kdc::shell::files::domain_files::DomainFiles;
use kdc::shell::listen::passed::PassedSockets;
use metrics_exporter_prometheus::PrometheusBuilder;
use tgtx_tests::directory_server::DirectoryServer;
use tgtx_tests::folder::Folder;
use tgtx_tests::nobody::nobody;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::advance;

use super::daemon::{PATIENCE, Settings, configuration, eventually};
use super::domain::{self, ALICE, Domain, LDIF, code, exchange, granted};
use super::wire::{Tcp, Udp};

/// How long the directory is waited for.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const INSTANT: Duration = Duration::from_millis(1);
const UNAVAILABLE: i32 = 29;

/// A daemon that starts.
struct Starting {
    daemon: JoinHandle<Daemon>,
    address: SocketAddr,
    domain: Domain,
    /// While it is there, tokio does not move the paused clock on by itself, as it does where all wait for the network.
    _clock_stands: Sender<()>,
    _folder: Folder,
}

impl Starting {
    fn with(directory: SocketAddr) -> Self {
        let (clock_stands, goes_on) = channel::<()>();
        spawn_blocking(move || goes_on.recv());
        let address = own_address();
        let settings = Settings {
            kerberos: vec![address.to_string()],
            listen: "udp-reply-limit = 65000",
            ldap: Some(directory),
            ..Settings::default()
        };
        let (folder, domain) = (Folder::new(), Domain::draw());
        folder.write("keytab", domain.keytab(domain::REALM), 0o600);
        folder.write("password", "a password", 0o600);
        let file = folder.path("tgtx.toml");
        let surroundings = Surroundings { file: &file, credentials_directory: None };
        // The directory's own time-out is not what ends the wait.
        let patient = "connections = 1\nconnect-timeout = \"1h\"\nsearch-timeout = \"1h\"\n";
        let text = configuration(&settings, file.parent().unwrap()).replace("connections = 1\n", patient);
        let config = Config::parse(&text, surroundings).unwrap();
        let daemon = tokio::spawn(async move {
            let files = config.domains.iter().map(DomainFiles::read).collect::<Result<_, _>>().unwrap();
            let recorder = PrometheusBuilder::new().build_recorder().handle();
            Daemon::start(&config, files, PassedSockets::default(), recorder).await.unwrap()
        });
        Self { daemon, address, domain, _clock_stands: clock_stands, _folder: folder }
    }
}

/// The daemon when it has started.
async fn served(starting: JoinHandle<Daemon>) -> Daemon {
    let (_started, patience) = channel::<()>();
    let too_late = spawn_blocking(move || patience.recv_timeout(PATIENCE));
    tokio::select! {
        daemon = starting => daemon.unwrap(),
        _ = too_late => panic!("it does not serve within {PATIENCE:?}"),
    }
}

/// Port 0 would not do, because requests come before the daemon has said where it listens.
fn own_address() -> SocketAddr {
    static PORT: AtomicU16 = AtomicU16::new(20_088);
    let [.., high, low] = std::process::id().to_be_bytes();
    let port = PORT.fetch_add(1, Ordering::Relaxed);
    SocketAddrV4::new(Ipv4Addr::new(127, 88, high, low), port).into()
}

/// A directory that does not answer yet.
struct Held {
    server: DirectoryServer,
    let_go: Sender<()>,
    asked: Receiver<()>,
}

impl Held {
    fn start() -> Self {
        let ((tell, asked), (let_go, held)) = (channel(), channel::<()>());
        let held = Mutex::new(held);
        let server = DirectoryServer::admitting(LDIF, move || {
            // Nobody is to be told any more, or to let it go, when the test ends.
            let _ = tell.send(());
            let _ = held.lock().unwrap().recv();
        });
        Self { server, let_go, asked }
    }

    /// Waits until the daemon has connected, so that it would serve by now if it did not wait: its sockets are open.
    async fn asked(self) -> Sender<()> {
        spawn_blocking(move || self.asked.recv_timeout(PATIENCE)).await.unwrap().unwrap();
        self.let_go
    }
}

/// One request over UDP and one over TCP, on their way.
struct Asking<'c> {
    udp: (Udp, Exchange<'c>),
    tcp: (Tcp, Exchange<'c>),
}

impl<'c> Asking<'c> {
    fn send(address: SocketAddr, credential: &'c kdc::client::Credential) -> Self {
        let (udp, mut tcp) = (Udp::to(address), Tcp::to(address));
        let exchanges = [exchange(credential), exchange(credential)];
        udp.send(&exchanges[0].encode().unwrap());
        tcp.send(&exchanges[1].encode().unwrap());
        let [over_udp, over_tcp] = exchanges;
        Self { udp: (udp, over_udp), tcp: (tcp, over_tcp) }
    }

    /// The replies with what they are to.
    async fn replies(self) -> [(Vec<u8>, Exchange<'c>); 2] {
        let ((udp, over_udp), (mut tcp, over_tcp)) = (self.udp, self.tcp);
        let replies = spawn_blocking(move || (udp.receive(), tcp.receive())).await.unwrap();
        [(replies.0, over_udp), (replies.1, over_tcp)]
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_before_the_directorys_first_answer_gets_a_ticket() {
    let directory = Held::start();
    let starting = Starting::with(directory.server.address());
    let let_go = directory.asked().await;
    let credential = starting.domain.credential(ALICE);
    let asking = Asking::send(starting.address, &credential);
    assert!(!starting.daemon.is_finished(), "it serves without having heard of its directory");

    drop(let_go);
    let daemon = served(starting.daemon).await;
    assert!(daemon.report().ready, "{:?}", daemon.report());
    for (reply, exchange) in asking.replies().await {
        granted(&reply, &exchange);
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_silent_is_waited_for_two_seconds_and_then_clients_are_sent_elsewhere() {
    let directory = Held::start();
    let starting = Starting::with(directory.server.address());
    let _let_go = directory.asked().await;
    let credential = starting.domain.credential(ALICE);
    let asking = Asking::send(starting.address, &credential);
    advance(FIRST_LOOK - INSTANT).await;
    assert!(!starting.daemon.is_finished(), "it waits no longer");

    advance(INSTANT).await;
    let daemon = served(starting.daemon).await;
    assert!(!daemon.report().ready);
    for (reply, _) in asking.replies().await {
        assert_eq!(code(&reply), UNAVAILABLE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_is_not_waited_for() {
    let starting = Starting::with(nobody());
    let credential = starting.domain.credential(ALICE);
    let _daemon = served(starting.daemon).await;
    for (reply, _) in Asking::send(starting.address, &credential).replies().await {
        assert_eq!(code(&reply), UNAVAILABLE);
    }
}

#[tokio::test(start_paused = true)]
async fn of_those_who_wait_the_sockets_hold_as_many_as_they_have_room_for() {
    const MOST: usize = 1_000_000;
    let directory = Held::start();
    let starting = Starting::with(directory.server.address());
    let let_go = directory.asked().await;
    let flood = Udp::to(starting.address);
    let sent = (0..MOST).find(|_| {
        (0..1_000).for_each(|_| flood.send(&[0]));
        kept_and_dropped(starting.address).1 > 0
    });
    let (kept, dropped) = kept_and_dropped(starting.address);
    assert!(kept > 0 && dropped > 0, "{kept} octets are kept and {dropped} dropped of {sent:?} thousand");

    drop(let_go);
    let _daemon = served(starting.daemon).await;
    eventually("what waited is read", || (kept_and_dropped(starting.address).0 == 0).then_some(()));
    let credential = starting.domain.credential(ALICE);
    for (reply, exchange) in Asking::send(starting.address, &credential).replies().await {
        granted(&reply, &exchange);
    }
}

/// Octets that wait in the UDP sockets of this address, and datagrams that had no room there (`proc_net_udp(5)`).
fn kept_and_dropped(address: SocketAddr) -> (u64, u64) {
    let SocketAddr::V4(address) = address else { panic!("{address} is of IPv6") };
    let own = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[1] == own).fold((0, 0), |(kept, dropped), row| {
        let (_, waiting) = row[4].split_once(':').unwrap();
        let lost: u64 = row.last().unwrap().parse().unwrap();
        (kept + u64::from_str_radix(waiting, 16).unwrap(), dropped + lost)
    })
}
