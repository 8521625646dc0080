//! A process that may open nothing more.

use std::net::TcpStream;
use std::process::Command;

use tgtx_tests::directory_server::DirectoryServer;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, LDIF, User, as_req, code, exchange, granted};
use super::wire::{Tcp, Udp};

/// Files that the daemon may have open.
const ALLOWED: u32 = 400;
/// Of these, what TCP connections may take: files of its own, keytabs and the directory have the rest.
const CONNECTIONS: u64 = 144;
/// Another user who is allowed.
const ZOE: User = User { name: "zoë.müller", rid: 1105 };

const SETTINGS: &str = "udp-reply-limit = 65000\nfirst-octet-timeout = \"1h\"\nidle-timeout = \"1h\"";

fn start(server: &DirectoryServer) -> Daemon {
    Daemon::start(&Settings {
        ldap: Some(server.address()),
        listen: SETTINGS,
        descriptors: Some(ALLOWED),
        ..Settings::default()
    })
}

/// Whether this user gets a ticket that opens.
fn trade(daemon: &Daemon, user: User, ask: impl FnOnce(&[u8]) -> Vec<u8>) {
    let credential = daemon.domain.credential(user);
    let exchange = exchange(&credential);
    granted(&ask(&exchange.encode().unwrap()), &exchange);
}

/// How many files it may have open from now on; those that are open stay so.
fn allow(daemon: &Daemon, files: u32) {
    let limit = format!("--nofile={files}:");
    let mut prlimit = Command::new("prlimit");
    assert!(prlimit.args(["--pid", &daemon.id().to_string(), &limit]).status().unwrap().success());
}

#[test]
fn connections_that_are_all_taken_leave_the_directory_and_a_reload_what_they_need() {
    let server = DirectoryServer::start(LDIF);
    let daemon = start(&server);
    let idle: Vec<TcpStream> = (0..ALLOWED).map(|_| TcpStream::connect(daemon.address()).unwrap()).collect();
    eventually("connections are evicted", || {
        (daemon.sample("tgtx_tcp_closed_total{reason=\"evicted\"}") > 0).then_some(())
    });
    daemon.counts("tgtx_tcp_connections", CONNECTIONS);
    // Other settings are other connections.
    daemon.reconfigure("connections = 1", "connections = 8");
    assert_eq!(daemon.reload(), "reloaded");
    trade(&daemon, ALICE, |request| Udp::to(daemon.address()).ask(request));
    trade(&daemon, ZOE, |request| Tcp::to(daemon.address()).ask(request));
    drop(idle);
}

#[test]
fn without_a_descriptor_left_all_that_is_open_serves_on_and_a_reload_changes_nothing() {
    let server = DirectoryServer::start(LDIF);
    let daemon = start(&server);
    let (udp, mut tcp) = (Udp::to(daemon.address()), Tcp::to(daemon.address()));
    assert_eq!(code(&tcp.ask(&as_req(&[]))), 29);
    allow(&daemon, 1);
    let told = daemon.reload();
    assert!(
        told.starts_with("not reloaded, everything stays as it was") && told.contains("open files"),
        "{told}"
    );
    // Neither is remembered: both are read over the connection to the directory that there is.
    trade(&daemon, ALICE, |request| udp.ask(request));
    trade(&daemon, ZOE, |request| tcp.ask(request));
    let waiting = TcpStream::connect(daemon.address()).unwrap();
    trade(&daemon, ALICE, |request| udp.ask(request));

    allow(&daemon, ALLOWED);
    assert_eq!(daemon.reload(), "reloaded");
    trade(&daemon, ZOE, |request| Tcp::to(daemon.address()).ask(request));
    assert!(daemon.http("/readyz").starts_with("HTTP/1.1 200 "));
    drop(waiting);
}
