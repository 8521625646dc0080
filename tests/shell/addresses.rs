//! Which address answers, IPv4 and IPv6.

use std::net::SocketAddr;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, exchange, granted};
use super::wire::{Tcp, Udp};

#[test]
fn a_wildcard_socket_answers_from_the_address_asked() {
    let daemon = Daemon::start(&Settings {
        kerberos: ["0.0.0.0:0", "[::]:0"].map(str::to_owned).into(),
        listen: "udp-reply-limit = 16384",
        ..Settings::default()
    });
    let [v4, v6] = daemon.addresses() else { panic!("{:?}", daemon.addresses()) };
    let credential = daemon.domain.credential(ALICE);
    let mut asked = vec![SocketAddr::new("::1".parse().unwrap(), v6.port())];
    asked.extend([1, 2, 9, 254].map(|last| SocketAddr::from(([127, 0, 0, last], v4.port()))));
    // Twice: the account is read from the directory by the first and is at hand for the others.
    for address in asked.iter().chain(&asked) {
        let exchange = exchange(&credential);
        // Connected sockets hear the address asked alone.
        granted(&Udp::to(*address).ask(&exchange.encode().unwrap()), &exchange);
    }
    for address in asked {
        let exchange = exchange(&credential);
        granted(&Tcp::to(address).ask(&exchange.encode().unwrap()), &exchange);
    }
}

#[test]
fn a_first_request_is_answered_from_the_address_asked() {
    for last in [1, 7] {
        let daemon = Daemon::start(&Settings {
            kerberos: vec!["0.0.0.0:0".to_owned()],
            listen: "udp-reply-limit = 16384",
            ..Settings::default()
        });
        let credential = daemon.domain.credential(ALICE);
        let exchange = exchange(&credential);
        let address = SocketAddr::from(([127, 0, 0, last], daemon.address().port()));
        granted(&Udp::to(address).ask(&exchange.encode().unwrap()), &exchange);
    }
}

#[test]
fn ipv6_serves_both_transports() {
    let daemon = Daemon::start(&Settings {
        kerberos: vec!["[::1]:0".to_owned()],
        listen: "udp-reply-limit = 16384",
        ..Settings::default()
    });
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let reply = Udp::to(daemon.address()).ask(&request);
    granted(&reply, &exchange);
    assert!(Tcp::to(daemon.address()).ask(&request) == reply, "a retransmit over TCP");
}
