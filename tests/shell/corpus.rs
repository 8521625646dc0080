//! Messages that are wrong in one way each, over UDP and TCP: nothing may come of them.

mod rows;

use kdc::client::reply::Outcome;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, as_req, code, exchange, granted};
use super::wire::{Tcp, Udp};

#[test]
fn no_row_has_an_answer_over_udp() {
    let daemon = Daemon::start(&Settings::default());
    let udp = Udp::to(daemon.address());
    for (name, request) in rows::all(&daemon.domain) {
        assert_eq!(udp.ask_or_silence(&request), None, "{name}");
    }
}

#[test]
fn every_row_ends_its_connection_over_tcp() {
    let daemon = Daemon::start(&Settings::default());
    for (name, request) in rows::all(&daemon.domain) {
        let mut tcp = Tcp::to(daemon.address());
        tcp.send(&request);
        assert_eq!(tcp.receive_or_end(), None, "{name}");
    }
}

#[test]
fn a_request_cut_anywhere_or_with_more_behind_it_gets_silence() {
    let daemon = Daemon::start(&Settings { listen: "udp-reply-limit = 16384", ..Settings::default() });
    let udp = Udp::to(daemon.address());
    let credential = daemon.domain.credential(ALICE);
    for request in [exchange(&credential).encode().unwrap(), as_req(&[])] {
        for length in 0..request.len() {
            assert_eq!(udp.ask_or_silence(&request[..length]), None, "cut at {length}");
        }
        for more in [&[0][..], &[0, 0], &request] {
            assert_eq!(udp.ask_or_silence(&[&request, more].concat()), None);
        }
    }
}

#[test]
fn a_request_with_any_octet_changed_is_not_granted_unless_nothing_protects_the_octet() {
    let daemon = Daemon::start(&Settings { listen: "udp-reply-limit = 16384", ..Settings::default() });
    let mut tcp = Tcp::to(daemon.address());
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    granted(&tcp.ask(&request), &exchange);
    let mut granted_again = 0;
    for index in 0..request.len() {
        let mut changed = request.clone();
        changed[index] ^= 1 << (index % 8);
        tcp.send(&changed);
        match tcp.receive_or_end() {
            None => tcp = Tcp::to(daemon.address()),
            Some(reply) => {
                granted_again += usize::from(Outcome::read(&reply, &exchange).unwrap().denied().is_none())
            }
        }
    }
    // Other octets under the same authenticator are a replay, whatever they say.
    assert_eq!(granted_again, 0);
}

#[test]
fn the_smallest_requests_get_silence_over_udp_and_their_error_over_tcp() {
    let daemon = Daemon::start(&Settings::default());
    let udp = Udp::to(daemon.address());
    for (request, expected) in rows::smallest() {
        assert_eq!(udp.ask_or_silence(&request), None, "{} octets", request.len());
        assert_eq!(code(&Tcp::to(daemon.address()).ask(&request)), expected);
    }
}
