//! SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, as_req, code, exchange, granted};
use super::upstream::{Manner, Upstream, list};
use super::wire::{Tcp, Udp};

/// Sends a request and has its answer.
type Ask<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn ends_in_time_with_requests_and_connections_open() {
    let mut daemon = Daemon::start(&Settings::default());
    let address = daemon.address();
    let credential = daemon.domain.credential(ALICE);
    let request = exchange(&credential).encode().unwrap();
    let mut idle: Vec<Tcp> = (0..50).map(|_| Tcp::to(address)).collect();
    let mut half = Tcp::to(address);
    half.write(&[0, 0, 5, 0, 0x6c]);
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let udp = Udp::to(address);
                while !stopped.load(Ordering::Relaxed) {
                    udp.try_send(&request);
                    let _ = udp.peek();
                }
            });
        }
        eventually("requests are under way", || {
            (daemon.sample("tgtx_requests_total{transport=\"udp\",kind=\"tgs\"}") > 100).then_some(())
        });
        let (status, took) = daemon.terminate();
        stopped.store(true, Ordering::Relaxed);
        assert!(status.success(), "{status}");
        assert!(took < Duration::from_secs(5), "attacks 2, R20: {took:?}");
    });
    idle.iter_mut().for_each(Tcp::ends);
    half.ends();
}

#[test]
fn what_has_come_before_the_stop_is_answered() {
    let mut daemon = Daemon::start(&Settings::default());
    let address = daemon.address();
    let credential = daemon.domain.credential(ALICE);
    let udp: Vec<Udp> = (0..8).map(|_| Udp::to(address)).collect();
    // The account is not remembered: the first ones wait for the directory.
    daemon.reload();
    for _ in 0..25 {
        // Each with an authenticator of its own.
        udp.iter().for_each(|udp| udp.send(&exchange(&credential).encode().unwrap()));
    }
    let (status, _) = daemon.terminate();
    assert!(status.success(), "{status}");
    let answered: usize = udp.iter().map(|udp| std::iter::from_fn(|| udp.peek()).count()).sum();
    assert_eq!(answered, 200);
}

#[test]
fn who_comes_while_others_are_waited_for_is_answered() {
    let silent = Upstream::start(Manner::Silent);
    let mut daemon = Daemon::start(&Settings {
        listen: "udp-reply-limit = 65000",
        relay: format!("kdcs = {}", list(&[silent.address])),
        ..Settings::default()
    });
    let address = daemon.address();
    let credential = daemon.domain.credential(ALICE);
    let remembered = exchange(&credential);
    granted(&Udp::to(address).ask(&remembered.encode().unwrap()), &remembered);
    Udp::to(address).send(&as_req(&[]));
    eventually("the upstream is asked", || (silent.asked() > 0).then_some(()));
    daemon.signal("TERM");
    eventually("it is stopping", || daemon.log_text().contains(r#""stopping""#).then_some(()));
    let ways: [Ask<'_>; 2] =
        [&|request| Udp::to(address).ask(request), &|request| Tcp::to(address).ask(request)];
    for (ask, number) in ways.into_iter().zip([b"1", b"2"]) {
        let exchange = exchange(&credential);
        granted(&ask(&exchange.encode().unwrap()), &exchange);
        // There is no time for the upstream.
        assert_eq!(code(&ask(&as_req(&[(9999, number)]))), 29);
    }
    let (status, took) = daemon.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "attacks 2, R20: {status} after {took:?}");
}

#[test]
fn the_port_is_free_for_the_next_daemon_at_once() {
    let mut daemon = Daemon::start(&Settings::default());
    let address = daemon.address();
    let mut tcp = Tcp::to(address);
    tcp.ask(&as_req(&[]));
    daemon.terminate();
    tcp.ends();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(1).unwrap();
    std::net::UdpSocket::bind(address).unwrap();
}
