//! Messages that are wrong in one way each, over UDP and TCP, with what must come of them.

mod rows;

use kdc::client::reply::Outcome;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, DORA, as_req, code, exchange, granted};
use super::wire::{Tcp, Udp};
use rows::{Expected, Row};

/// A daemon that has read every account of the corpus, so that answers come in the order of the requests.
fn warm() -> Daemon {
    let daemon = Daemon::start(&Settings { listen: "udp-reply-limit = 16384", ..Settings::default() });
    let mut tcp = Tcp::to(daemon.address());
    for user in [ALICE, DORA] {
        let credential = daemon.domain.credential(user);
        tcp.ask(&exchange(&credential).encode().unwrap());
    }
    daemon
}

fn outcome(reply: Option<&[u8]>) -> Expected {
    match reply {
        None => Expected::Silence,
        Some(reply) => Expected::Code(code(reply)),
    }
}

#[test]
fn every_row_has_its_outcome_over_udp() {
    let daemon = warm();
    let udp = Udp::to(daemon.address());
    for Row { name, request, udp: expected, .. } in rows::all(&daemon.domain) {
        let reply = match expected {
            Expected::Silence if request.len() > 65_507 => continue,
            Expected::Silence => udp.ask_or_silence(&request),
            _ => Some(udp.ask(&request)),
        };
        assert_eq!(outcome(reply.as_deref()), expected, "{name}");
    }
}

#[test]
fn every_row_has_its_outcome_over_tcp() {
    let daemon = warm();
    for Row { name, request, tcp: expected, .. } in rows::all(&daemon.domain) {
        let mut tcp = Tcp::to(daemon.address());
        tcp.send(&request);
        let reply = tcp.receive_or_end();
        assert_eq!(outcome(reply.as_deref()), expected, "{name}");
    }
}

#[test]
fn a_request_cut_anywhere_or_with_more_behind_it_gets_silence() {
    let daemon = warm();
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
    let daemon = warm();
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

/// Reasons that are found before the ticket is opened, but for `message_too_large`, which is silent over UDP.
const UNAUTHENTICATED: &[&str] = &[
    "protocol_version",
    "as_request",
    "no_padata",
    "no_pa_tgs_req",
    "duplicate_padata",
    "fast_not_supported",
    "fast_armor",
    "wrong_realm",
    "ticket_not_krbtgt",
    "not_a_partial_tgt",
    "unknown_branch",
    "service_ticket",
    "kdc_option",
    "unsupported_field",
    "s4u",
    "postdated",
    "malformed_padata",
    "no_key",
    "ticket_integrity",
];

#[test]
fn no_answer_before_the_ticket_opens_is_larger_than_its_question_or_asks_the_directory() {
    let daemon = Daemon::start(&Settings::default());
    let searches = |daemon: &Daemon| {
        let samples = daemon.samples();
        let searches = samples.iter().filter(|line| line.starts_with("tgtx_ldap_searches_total"));
        searches.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    let udp = Udp::to(daemon.address());
    for Row { name, request, .. } in rows::unauthenticated(&daemon.domain) {
        for request in [&request, &rows::shortest(&request)] {
            if request.len() > 65_507 {
                continue;
            }
            if let Some(reply) = udp.ask_or_silence(request) {
                let (reply, request) = (reply.len(), request.len());
                assert!(reply <= request, "{name}: {reply} octets for {request}");
            }
        }
    }
    assert_eq!(searches(&daemon), 0);
    for reason in UNAUTHENTICATED {
        let counted = daemon.sample(&format!("tgtx_refusals_total{{reason=\"{reason}\"}}"));
        assert!(counted > 0, "the corpus has no row for {reason}");
    }
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
