//! The same request twice: a retransmit gets its reply again, a replay is refused.

use std::net::IpAddr;

use kdc::client::reply::Outcome;
use kdc::client::request::Exchange;
use kdc::client::transport::{Kdc, Protocol};
use kdc::krb::messages::error_code;
use kdc::krb::messages::{KdcReq, PaData, PaDatas, RequestType};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, exchange};
use tgtx_tests::lab::Lab;
use tgtx_tests::settings::Settings;

use crate::refusals::refused;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_retransmit_gets_the_same_octets_again() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings { udp_reply_limit: 65_507, ..Settings::of(&lab) });
    let entra = Entra::of(&lab, "azuread");
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let partial = entra.credential(lab.user("alice"));
        let request = exchange(&partial).encode().unwrap();
        let first = daemon.kdc(protocol).ask(&request).unwrap();
        for again in [Protocol::Udp, Protocol::Tcp, Protocol::Udp] {
            assert_eq!(daemon.kdc(again).ask(&request).unwrap(), first, "{again:?} after {protocol:?}");
        }
    }
    assert_eq!(daemon.counter("tgtx_retransmits_total"), 6);
    assert_eq!(daemon.counter("tgtx_replays_total"), 0);
    assert_outcomes(&daemon, 2, 6);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_reply_that_was_too_big_comes_in_full_over_tcp() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let partial = Entra::of(&lab, "azuread").credential(lab.user("alice"));
    let request = exchange(&partial);
    let octets = request.encode().unwrap();
    let read = |reply: &[u8]| Outcome::read(reply, &request).unwrap();
    for _ in 0..2 {
        let small = daemon.kdc(Protocol::Udp).ask(&octets).unwrap();
        assert_eq!(read(&small).denied().map(|denied| denied.code), Some(error_code::RESPONSE_TOO_BIG));
    }
    let whole = daemon.kdc(Protocol::Tcp).ask(&octets).unwrap();
    assert!(read(&whole).granted().is_some());
    assert_eq!(daemon.kdc(Protocol::Tcp).ask(&octets).unwrap(), whole);
    assert_outcomes(&daemon, 1, 3);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn an_authenticator_in_other_octets_or_from_elsewhere_is_a_replay() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let elsewhere: IpAddr = "127.0.0.99".parse().unwrap();

    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let here = daemon.kdc(protocol);
        let there = Kdc { source: Some(elsewhere), ..here };
        for (what, from, other_padata) in
            [("other padata", here, true), ("from elsewhere", there, false), ("both", there, true)]
        {
            let partial = entra.credential(lab.user("alice"));
            let request = exchange(&partial);
            let octets = request.encode().unwrap();
            here.ask(&octets).unwrap();
            let again = if other_padata { with_more_padata(&octets) } else { octets.clone() };
            let (outcome, line) = refused(&daemon, what, "replay", || read(&from, &again, &request));
            assert_eq!(outcome.denied().map(|denied| denied.code), Some(34), "{what}");
            assert!(line["client_name"] == "alice", "{line}");
            // The rightful sender's retransmit is none the worse for it.
            let retransmits = daemon.counter("tgtx_retransmits_total");
            here.ask(&octets).unwrap();
            assert_eq!(daemon.counter("tgtx_retransmits_total"), retransmits + 1, "{what}");
        }
    }
    assert_eq!(daemon.counter("tgtx_replays_total"), 6);
}

/// So many audit events there are, and no others.
fn assert_outcomes(daemon: &Daemon, issued: usize, retransmitted: usize) {
    daemon.wait_until("audited", || daemon.audit().len() >= issued + retransmitted);
    let of = |outcome| daemon.audit().iter().filter(|event| event["outcome"] == outcome).count();
    assert_eq!(
        (of("issued"), of("retransmitted"), daemon.audit().len()),
        (issued, retransmitted, issued + retransmitted)
    );
}

fn read(kdc: &Kdc, octets: &[u8], request: &Exchange<'_>) -> Outcome {
    Outcome::read(&kdc.ask(octets).unwrap(), request).unwrap()
}

/// The same request with one padata element more, which nothing protects.
fn with_more_padata(request: &[u8]) -> Vec<u8> {
    let request = KdcReq::parse(request).unwrap();
    let mut padata: Vec<PaData<'_>> = request.padata.unwrap().iter().collect();
    padata.push(PaData { kind: 999, value: b"anything" });
    KdcReq::new(RequestType::TgsReq, Some(PaDatas::of(&padata)), request.body_der()).unwrap().to_der()
}
