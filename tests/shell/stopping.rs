//! SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, as_req, exchange};
use super::wire::{Tcp, Udp};

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
            (daemon.sample("tgtx_requests_total{transport=\"udp\"}") > 100).then_some(())
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
