//! Retransmits and replays, across transports and addresses (attacks: replay and restart semantics).

use std::time::Duration;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, DORA, code, exchange, granted};
use super::wire::{Tcp, Udp};

const WHOLE_OVER_UDP: &str = "udp-reply-limit = 16384";
const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

fn whole_over_udp() -> Daemon {
    Daemon::start(&Settings { listen: WHOLE_OVER_UDP, ..Settings::default() })
}

#[test]
fn the_same_octets_from_the_same_address_get_the_same_octets_on_any_port_and_transport() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let udp = Udp::to(daemon.address());
    let reply = udp.ask(&request);
    granted(&reply, &exchange);
    assert!(udp.ask(&request) == reply, "same port");
    assert!(Udp::to(daemon.address()).ask(&request) == reply, "another port");
    assert!(Tcp::to(daemon.address()).ask(&request) == reply, "TCP");
    assert!(Udp::to(daemon.address()).ask(&request) == reply, "UDP again");
    daemon.counts("tgtx_retransmits_total", 4);
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 1);
}

#[test]
fn too_large_a_reply_is_52_on_udp_each_time_and_whole_over_tcp() {
    let daemon = Daemon::start(&Settings { listen: "udp-reply-limit = 512", ..Settings::default() });
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let udp = Udp::to(daemon.address());
    for _ in 0..2 {
        let reply = udp.ask(&request);
        assert_eq!(code(&reply), 52);
        assert!(reply.len() <= 200, "{} octets", reply.len());
    }
    let mut tcp = Tcp::to(daemon.address());
    let reply = tcp.ask(&request);
    granted(&reply, &exchange);
    assert!(tcp.ask(&request) == reply);
    assert_eq!(code(&udp.ask(&request)), 52, "the stored reply is the whole one");
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 1);
    daemon.counts("tgtx_responses_too_big_total", 3);
    daemon.counts("tgtx_retransmits_total", 4);
}

#[test]
fn from_another_address_it_is_a_replay_over_either_transport() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(ALICE);
    for over_tcp in [false, true] {
        let request = exchange(&credential).encode().unwrap();
        let reply = if over_tcp {
            Tcp::from(HERE, daemon.address()).ask(&request)
        } else {
            Udp::from(HERE, daemon.address()).ask(&request)
        };
        assert_eq!(code(&Udp::from(ELSEWHERE, daemon.address()).ask(&request)), 34);
        assert_eq!(code(&Tcp::from(ELSEWHERE, daemon.address()).ask(&request)), 34);
        assert!(Tcp::from(HERE, daemon.address()).ask(&request) == reply, "its owner still gets it");
    }
    daemon.counts("tgtx_replays_total", 4);
}

#[test]
fn other_padata_are_a_replay_and_another_body_is_a_modified_message() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(ALICE);
    let mut exchange = exchange(&credential);
    let (udp, mut tcp) = (Udp::to(daemon.address()), Tcp::to(daemon.address()));
    let original = exchange.encode().unwrap();
    let reply = udp.ask(&original);
    granted(&reply, &exchange);

    exchange.key_list = Some(vec![23]);
    let other_padata = exchange.encode().unwrap();
    assert_eq!(code(&udp.ask(&other_padata)), 34);
    assert_eq!(code(&tcp.ask(&other_padata)), 34);

    exchange.key_list = None;
    let confirmed = exchange.checksum.clone();
    let right = exchange.body().unwrap();
    exchange.rtime = Some(exchange.till);
    exchange.sent_body = Some(exchange.body().unwrap());
    exchange.rtime = None;
    assert_eq!((exchange.body().unwrap(), &exchange.checksum), (right, &confirmed));
    let other_body = exchange.encode().unwrap();
    assert_eq!(code(&udp.ask(&other_body)), 41);
    assert_eq!(code(&tcp.ask(&other_body)), 41);
    assert!(udp.ask(&original) == reply, "neither burnt the original");
}

#[test]
fn a_body_swapped_first_does_not_burn_the_authenticator() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(ALICE);
    let mut exchange = exchange(&credential);
    let original = exchange.encode().unwrap();
    exchange.rtime = Some(exchange.till);
    exchange.sent_body = Some(exchange.body().unwrap());
    exchange.rtime = None;
    let thief = Udp::from(ELSEWHERE, daemon.address());
    assert_eq!(code(&thief.ask(&exchange.encode().unwrap())), 41);
    granted(&Udp::to(daemon.address()).ask(&original), &exchange);
}

#[test]
fn a_reply_that_is_no_longer_kept_is_made_anew() {
    let daemon = Daemon::start(&Settings {
        listen: WHOLE_OVER_UDP,
        replay: "reply-time = \"100ms\"",
        ..Settings::default()
    });
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let udp = Udp::to(daemon.address());
    let first = udp.ask(&request);
    std::thread::sleep(Duration::from_millis(300));
    let second = udp.ask(&request);
    assert!(second != first, "new keys");
    granted(&second, &exchange);
    assert_eq!(code(&Udp::from(ELSEWHERE, daemon.address()).ask(&request)), 34, "still a replay elsewhere");
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 2);
}

#[test]
fn a_refusal_is_decided_afresh_each_time() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(DORA);
    let request = exchange(&credential).encode().unwrap();
    let udp = Udp::to(daemon.address());
    for _ in 0..3 {
        assert_eq!(code(&udp.ask(&request)), 20);
    }
    daemon.counts("tgtx_refusals_total{reason=\"never_reveal\"}", 3);
    daemon.counts("tgtx_retransmits_total", 0);
}

#[test]
fn the_same_request_many_times_at_once_is_never_a_replay() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    let clients: Vec<Tcp> = (0..32).map(|_| Tcp::to(daemon.address())).collect();
    std::thread::scope(|scope| {
        for mut tcp in clients {
            let (request, exchange) = (&request, &exchange);
            scope.spawn(move || granted(&tcp.ask(request), exchange));
        }
    });
    daemon.counts("tgtx_replays_total", 0);
}

#[test]
fn other_octets_under_an_authenticator_whose_client_was_refused_are_a_replay_too() {
    let daemon = whole_over_udp();
    let credential = daemon.domain.credential(DORA);
    let mut exchange = exchange(&credential);
    let mut tcp = Tcp::to(daemon.address());
    assert_eq!(code(&tcp.ask(&exchange.encode().unwrap())), 20);
    exchange.key_list = Some(vec![23]);
    assert_eq!(code(&tcp.ask(&exchange.encode().unwrap())), 34);
    assert_eq!(code(&Udp::from(ELSEWHERE, daemon.address()).ask(&exchange.encode().unwrap())), 34);
}
