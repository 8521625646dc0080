//! The daemon and Samba's own KDC, asked the same: each request goes to both, octet for octet, and every difference
//! between their answers stands in `differences.toml` with its justification.
//!
//! The run fails on a difference that is not listed, and on a listed one that no longer occurs. What it prints then is
//! the entry to add, but for the justification.

mod cases;
mod list;
mod observed;

use std::net::SocketAddr;
use std::time::Duration;

use kdc::client::SessionKey;
use kdc::client::request::Exchange;
use kdc::client::transport::{Kdc, Protocol};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, domain_keys, exchange, random};
use tgtx_tests::lab::Lab;
use tgtx_tests::settings::Settings;

use cases::Case;
use list::{Difference, List};
use observed::{Observed, Reader};

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn every_difference_from_samba_is_listed_and_every_listed_one_occurs() {
    let lab = Lab::from_environment();
    let mut keytabs = vec![lab.keytabs.krbtgt.clone()];
    keytabs.extend(lab.branches.values().map(|branch| branch.keytab.clone()));
    // Each account is read when Samba reads it: other tests sign the same users in, and keep it busy.
    let more = "search-timeout = \"20s\"\n[domain.cache]\nttl = \"0s\"\n".to_owned();
    let daemon = Daemon::launch(&Settings { keytabs, more, ..Settings::of(&lab) });
    // It never is ready: some of the branches have faults.
    let read = || daemon.metrics().contains("tgtx_ready{check=\"directory\"} 1");
    daemon.wait_until("the directory read", read);

    let list = List::read();
    let differences: Vec<Difference> =
        cases::all().iter().flat_map(|case| compare(&lab, daemon.kerberos()[0], case)).collect();
    let (unlisted, gone) = list.against(&differences);
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "{} differences are not listed:\n{}\n{} listed ones do not occur:\n{}",
        unlisted.len(),
        list::entries(&unlisted),
        gone.len(),
        gone.join("\n"),
    );
}

/// Both answers to a case, and in what they differ.
fn compare(lab: &Lab, daemon: SocketAddr, case: &Case) -> Vec<Difference> {
    let [ours, samba] = {
        let entra = Entra::of(lab, case.branch);
        let user = lab.user(case.user);
        let mut partial = entra.partial_tgt(&user.name, &user.sid);
        (case.ticket)(&mut partial, lab);
        let partial = partial.mint().unwrap();
        let mut request = exchange(&partial);
        let first = case.replayed.then(|| request.encode().unwrap());
        if case.armored {
            request.arm(SessionKey::aes256(&random()), random()).unwrap();
        }
        (case.request)(&mut request);
        let mut octets = request.encode().unwrap();
        (case.octets)(&mut octets);
        let keys = domain_keys(lab);
        let reader = Reader { domain_sid: &lab.domain_sid, tgt_groups: &user.tgt_groups, keys: &keys };
        [daemon, lab.kdc].map(|kdc| {
            if let Some(first) = &first {
                ask(kdc, first).expect("a reply to the first request");
            }
            observe(&reader, kdc, &octets, &request)
        })
    };
    Difference::between(case.name, &ours, &samba)
}

fn observe(reader: &Reader<'_>, kdc: SocketAddr, octets: &[u8], request: &Exchange<'_>) -> Observed {
    match ask(kdc, octets) {
        Some(reply) => reader.reply(&reply, request),
        None => reader.silence(),
    }
}

/// The reply over TCP, or that the connection was closed.
fn ask(address: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
    let kdc = Kdc { protocol: Protocol::Tcp, timeout: Duration::from_secs(20), ..Kdc::at(address) };
    match kdc.ask(octets) {
        Ok(reply) => Some(reply),
        Err(error) if error.is_closed() => None,
        Err(error) => panic!("{error}"),
    }
}
