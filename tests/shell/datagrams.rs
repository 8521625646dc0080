//! UDP: what is not a request, and where requests must not come from.

use std::net::{Ipv4Addr, UdpSocket};

use kdc::client::Principal;

use super::daemon::{Daemon, Settings};
use super::domain::{REALM, as_req, as_req_for, code};
use super::wire::{Fence, Tcp, Udp};

#[test]
fn what_is_no_request_gets_silence_and_is_counted() {
    let daemon = Daemon::start(&Settings::default());
    let udp = Udp::to(daemon.address());
    let malformed: [&[u8]; 8] = [
        &[0],
        &[0x6c],
        &[0x6a, 0x81],
        &[0x6c, 0x84, 0xff, 0xff, 0xff, 0xff],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 512],
        &[0; 1465],
        &[0x30; 16_384],
    ];
    for datagram in malformed {
        assert_eq!(udp.ask_or_silence(datagram), None, "{datagram:02x?}");
    }
    assert_eq!(udp.ask_or_silence(&[]), None);
    assert_eq!(udp.ask_or_silence(&[0x6c; 16_385]), None);
    assert_eq!(udp.ask_or_silence(&[0x6c; 65_507]), None);
    daemon.counts("tgtx_dropped_total{reason=\"decode\"}", malformed.len() as u64);
    daemon.counts("tgtx_dropped_total{reason=\"short\"}", 1);
    daemon.counts("tgtx_dropped_total{reason=\"oversize\"}", 2);
}

#[test]
fn random_octets_get_silence() {
    let daemon = Daemon::start(&Settings::default());
    let udp = Udp::to(daemon.address());
    for length in 1..400 {
        let mut octets = vec![0; length];
        kdc::shell::entropy::fill(&mut octets).unwrap();
        // Every other one begins like a TGS-REQ.
        if length % 2 == 0 {
            octets[0] = 0x6c;
        }
        assert_eq!(udp.ask_or_silence(&octets), None, "{octets:02x?}");
    }
}

#[test]
fn an_as_req_is_sent_to_another_kdc_with_no_more_octets_than_it_had() {
    let daemon = Daemon::start(&Settings::default());
    let request = as_req(&[]);
    let reply = Udp::to(daemon.address()).ask(&request);
    assert_eq!(code(&reply), 29);
    assert!(reply.len() <= request.len());
    daemon.counts("tgtx_refusals_total{reason=\"as_request\"}", 1);
}

/// The server that was asked for stands in the error, however long its name is.
#[test]
fn an_error_longer_than_a_reply_may_be_is_told_over_tcp_alone() {
    let daemon = Daemon::start(&Settings::default());
    let udp = Udp::to(daemon.address());
    for (length, fits) in [(1_200, true), (1_465, false), (12_000, false)] {
        let mut server = Principal::krbtgt(REALM);
        server.components[1] = vec![b'x'; length];
        let request = as_req_for(&server, &[]);
        assert_eq!(udp.ask_or_silence(&request).is_some(), fits, "{length} octets");
        assert_eq!(code(&Tcp::to(daemon.address()).ask(&request)), 29, "{length} octets");
    }
}

/// From a source port of its own on 127.0.0.3; the fence comes from another, so it cannot tell silence from
/// slowness: the counter does, once both were seen.
fn ask_from_port(daemon: &Daemon, port: u16) -> bool {
    let before = daemon.sample("tgtx_dropped_total{reason=\"loop\"}");
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 3), port)).unwrap();
    let udp = Udp::bound(socket, daemon.address());
    let fence = Fence::new();
    udp.send(&fence.request);
    super::daemon::eventually("the datagram is dropped or answered", || {
        let dropped = daemon.sample("tgtx_dropped_total{reason=\"loop\"}") > before;
        if dropped { Some(false) } else { udp.peek().map(|reply| fence.is_answered_by(&reply)) }
    })
}

#[test]
fn a_datagram_from_our_own_port_is_not_answered() {
    let daemon = Daemon::start(&Settings::default());
    assert!(!ask_from_port(&daemon, daemon.address().port()));
}

#[test]
#[ignore = "needs root, for source ports below 1024"]
fn services_that_answer_anything_are_not_answered_and_other_low_ports_are() {
    let daemon = Daemon::start(&Settings::default());
    for port in [7, 13, 17, 19, 37, 53, 69, 88, 111, 123, 137, 161, 389, 427, 464, 500, 520] {
        assert!(!ask_from_port(&daemon, port), "{port}");
    }
    for port in [1, 89, 600, 1023] {
        assert!(ask_from_port(&daemon, port), "{port}");
    }
}
