//! TCP: peers that are slow, idle, many, or do not read.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::daemon::{Daemon, PATIENCE, Settings, eventually};
use super::domain::{ALICE, as_req, code, exchange, granted};
use super::wire::{Tcp, frame};

/// Time-outs that no connection of its test reaches but the one it is about.
const SHORT_FIRST_OCTET: &str =
    "first-octet-timeout = \"200ms\"\nframe-timeout = \"1h\"\nidle-timeout = \"1h\"";
const SHORT_FRAME: &str = "first-octet-timeout = \"1h\"\nframe-timeout = \"300ms\"\nidle-timeout = \"1h\"";
const SHORT_IDLE: &str = "first-octet-timeout = \"1h\"\nframe-timeout = \"1h\"\nidle-timeout = \"200ms\"";
const NO_TIMEOUTS: &str = "first-octet-timeout = \"1h\"\nframe-timeout = \"1h\"\nidle-timeout = \"1h\"";

fn with_timeouts(listen: &'static str) -> Daemon {
    Daemon::start(&Settings { listen, ..Settings::default() })
}

#[test]
fn a_connection_without_a_first_octet_is_closed() {
    let daemon = with_timeouts(SHORT_FIRST_OCTET);
    Tcp::to(daemon.address()).ends();
    daemon.counts("tgtx_tcp_closed_total{reason=\"slow\"}", 1);
    daemon.counts("tgtx_tcp_connections", 0);
}

#[test]
fn a_frame_that_does_not_end_is_cut_off() {
    let daemon = with_timeouts(SHORT_FRAME);
    let whole = frame(&as_req(&[]));
    for part in [&whole[..1], &whole[..4], &whole[..whole.len() - 1]] {
        let mut tcp = Tcp::to(daemon.address());
        tcp.write(part);
        tcp.ends();
    }
    daemon.counts("tgtx_tcp_closed_total{reason=\"slow\"}", 3);
}

#[test]
fn octets_that_trickle_do_not_prolong_a_frame() {
    let daemon = with_timeouts(SHORT_FRAME);
    let mut tcp = Tcp::to(daemon.address());
    let since = Instant::now();
    tcp.write(&100_000_u32.to_be_bytes());
    while tcp.0.write_all(&[0x30]).is_ok() {
        assert!(since.elapsed() < PATIENCE, "still open");
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.counts("tgtx_tcp_closed_total{reason=\"slow\"}", 1);
}

#[test]
fn a_connection_is_idle_only_so_long_after_a_reply() {
    let daemon = with_timeouts(SHORT_IDLE);
    let mut tcp = Tcp::to(daemon.address());
    assert_eq!(code(&tcp.ask(&as_req(&[]))), 29);
    tcp.ends();
    daemon.counts("tgtx_tcp_closed_total{reason=\"idle\"}", 1);
}

#[test]
fn a_client_that_never_reads_is_given_up() {
    let daemon = with_timeouts(SHORT_FRAME);
    let mut tcp = Tcp::to(daemon.address());
    tcp.0.set_write_timeout(Some(PATIENCE)).unwrap();
    let request = frame(&as_req(&[]));
    let batch = request.repeat(1000);
    // Replies fill the buffers between us, then our requests do, and then the daemon closes.
    let since = Instant::now();
    let ended = loop {
        match tcp.0.write_all(&batch) {
            Ok(()) => assert!(since.elapsed() < PATIENCE, "the daemon keeps what is not read"),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended}");
    daemon.counts("tgtx_tcp_connections", 0);
    assert_eq!(code(&Tcp::to(daemon.address()).ask(&as_req(&[]))), 29);
}

#[test]
fn a_client_that_never_reads_keeps_nobody_out() {
    let daemon =
        Daemon::start(&Settings { listen: NO_TIMEOUTS, limits: "connections = 1", ..Settings::default() });
    let mut tcp = Tcp::to(daemon.address());
    // Nothing more is taken from us once the daemon cannot get rid of a reply.
    tcp.0.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let batch = frame(&as_req(&[])).repeat(1000);
    while tcp.0.write_all(&batch).is_ok() {}
    assert_eq!(code(&Tcp::to(daemon.address()).ask(&as_req(&[]))), 29);
    daemon.counts("tgtx_tcp_closed_total{reason=\"evicted\"}", 1);
}

#[test]
fn a_connection_too_many_costs_the_one_that_has_waited_longest() {
    let daemon =
        Daemon::start(&Settings { listen: NO_TIMEOUTS, limits: "connections = 4", ..Settings::default() });
    let mut clients: Vec<Tcp> = (0..4)
        .map(|_| {
            let mut tcp = Tcp::to(daemon.address());
            tcp.ask(&as_req(&[]));
            tcp
        })
        .collect();
    // The first has waited longest until it asks again.
    clients[0].ask(&as_req(&[]));
    let mut fifth = Tcp::to(daemon.address());
    fifth.ask(&as_req(&[]));
    clients[1].ends();
    for client in [0, 2, 3] {
        assert_eq!(code(&clients[client].ask(&as_req(&[]))), 29, "client {client}");
    }
    daemon.counts("tgtx_tcp_closed_total{reason=\"evicted\"}", 1);
    daemon.counts("tgtx_tcp_connections", 4);
}

#[test]
fn connections_with_half_a_request_do_not_keep_new_clients_out() {
    let daemon =
        Daemon::start(&Settings { listen: NO_TIMEOUTS, limits: "connections = 8", ..Settings::default() });
    let request = frame(&as_req(&[]));
    let mut slow: Vec<Tcp> = (0..32)
        .map(|_| {
            let mut tcp = Tcp::to(daemon.address());
            // An eviction may come before the octets.
            let _ = tcp.0.write_all(&request[..9]);
            tcp
        })
        .collect();
    for _ in 0..8 {
        assert_eq!(code(&Tcp::to(daemon.address()).ask(&as_req(&[]))), 29);
    }
    slow[0].ends();
}

#[test]
fn one_address_has_so_many_connections_and_others_have_theirs() {
    let daemon = Daemon::start(&Settings {
        listen: NO_TIMEOUTS,
        limits: "connections-per-ip = 3",
        ..Settings::default()
    });
    let mut mine: Vec<Tcp> = (0..3).map(|_| Tcp::to(daemon.address())).collect();
    mine.iter_mut().for_each(|tcp| drop(tcp.ask(&as_req(&[]))));
    Tcp::to(daemon.address()).ends();
    daemon.counts("tgtx_tcp_closed_total{reason=\"per_address\"}", 1);
    assert_eq!(code(&Tcp::from([127, 0, 0, 4], daemon.address()).ask(&as_req(&[]))), 29);
    // A seat given back is a seat again.
    mine.pop();
    daemon.counts("tgtx_tcp_connections", 2);
    assert_eq!(code(&Tcp::to(daemon.address()).ask(&as_req(&[]))), 29);
}

#[test]
fn a_thousand_idle_connections_do_not_slow_a_new_client() {
    let daemon = Daemon::start(&Settings {
        listen: NO_TIMEOUTS,
        limits: "connections-per-ip = 0",
        ..Settings::default()
    });
    let idle: Vec<TcpStream> = (0..1000).map(|_| TcpStream::connect(daemon.address()).unwrap()).collect();
    daemon.counts("tgtx_tcp_connections", 1000);
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let since = Instant::now();
    granted(&Tcp::to(daemon.address()).ask(&request), &exchange);
    assert!(since.elapsed() < Duration::from_secs(1), "attacks 2, R8: {:?}", since.elapsed());
    drop(idle);
    daemon.counts("tgtx_tcp_connections", 0);
}

#[test]
fn a_process_out_of_descriptors_drops_who_waited_longest_and_serves_on() {
    let daemon =
        Daemon::start(&Settings { listen: NO_TIMEOUTS, descriptors: Some(64), ..Settings::default() });
    let idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(daemon.address()).unwrap()).collect();
    let mut tcp = Tcp::to(daemon.address());
    assert_eq!(code(&tcp.ask(&as_req(&[]))), 29);
    assert_eq!(code(&super::wire::Udp::to(daemon.address()).ask(&as_req(&[]))), 29);
    eventually("some were evicted", || {
        (daemon.sample("tgtx_tcp_closed_total{reason=\"evicted\"}") > 0).then_some(())
    });
    drop(idle);
}

#[test]
fn an_announced_length_is_not_allocated() {
    let daemon = Daemon::start(&Settings { listen: NO_TIMEOUTS, ..Settings::default() });
    let open = || {
        let mut tcp = Tcp::to(daemon.address());
        tcp.write(&(128_u32 << 10).to_be_bytes());
        tcp.write(&[0x6c]);
        tcp
    };
    let mut clients: Vec<Tcp> = (0..50).map(|_| open()).collect();
    daemon.counts("tgtx_tcp_connections", 50);
    let before = daemon.memory("VmData");
    clients.extend((0..400).map(|_| open()));
    daemon.counts("tgtx_tcp_connections", 450);
    let grown = daemon.memory("VmData").saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} octets for 400 connections that announced 128 KiB each");
}
