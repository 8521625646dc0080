//! What strangers send leaves nothing behind: no series, no memory.

use kdc::client::Principal;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, code, exchange};
use super::wire::{Tcp, Udp};

/// Distinct realms, and as many distinct names, each from an address of its own: a million where cryptography is fast.
const STRANGERS: u32 = if cfg!(debug_assertions) { 2_000 } else { 500_000 };
/// Distinct names in tickets that open.
const CLIENTS: usize = if cfg!(debug_assertions) { 200 } else { 5_000 };
/// Datagrams under way at once: what a socket's buffer holds for certain.
const WINDOW: usize = 32;

/// Beyond which there would be too many series for a Prometheus of many instances.
const SERIES: usize = 600;

const PLACEHOLDER: &[u8] = b"X0000000.EXAMPLE";

/// `template` with `PLACEHOLDER` replaced by one of its length.
fn numbered(template: &[u8], number: u32) -> Vec<u8> {
    let name = format!("X{number:07}.EXAMPLE");
    let mut request = template.to_vec();
    for start in 0..request.len() - name.len() {
        if template[start..].starts_with(PLACEHOLDER) {
            request[start..start + name.len()].copy_from_slice(name.as_bytes());
        }
    }
    request
}

/// From addresses that begin with 127 and `network`, 16 of which have room for them all.
fn flood(daemon: &Daemon, network: u8, template: &[u8], expected: i32) {
    for first in (0..STRANGERS).step_by(WINDOW) {
        let ask = |number: u32| {
            let [_, high, middle, low] = number.to_be_bytes();
            let stranger = Udp::from([127, network + high, middle, low], daemon.address());
            stranger.send(&numbered(template, number));
            stranger
        };
        let asking: Vec<Udp> = (first..STRANGERS).take(WINDOW).map(ask).collect();
        asking.iter().for_each(|stranger| assert_eq!(code(&stranger.receive()), expected));
    }
}

#[test]
fn names_realms_and_addresses_of_strangers_leave_no_series_and_no_memory() {
    let daemon = Daemon::start(&Settings::default());
    let credential = daemon.domain.credential(ALICE);
    let mut request = exchange(&credential);
    request.server = Principal::krbtgt(std::str::from_utf8(PLACEHOLDER).unwrap());
    let foreign_realm = request.encode().unwrap();
    request.server = credential.server.clone();
    request.server.components = vec![b"cifs".to_vec(), PLACEHOLDER.to_vec()];
    let foreign_server = request.encode().unwrap();

    // Once each, so that what is made on first use is there.
    let udp = Udp::to(daemon.address());
    assert_eq!(code(&udp.ask(&foreign_realm)), 68);
    assert_eq!(code(&udp.ask(&foreign_server)), 7);
    let mut tcp = Tcp::to(daemon.address());
    let ask_as = |tcp: &mut Tcp, number: usize| {
        let credential = daemon.domain.partial_named(&format!("user{number}"), ALICE.rid).mint().unwrap();
        assert_eq!(code(&tcp.ask(&exchange(&credential).encode().unwrap())), 6);
    };
    ask_as(&mut tcp, 0);
    let (series, resident) = (daemon.samples().len(), daemon.memory("VmRSS"));

    std::thread::scope(|scope| {
        scope.spawn(|| flood(&daemon, 64, &foreign_realm, 68));
        scope.spawn(|| flood(&daemon, 80, &foreign_server, 7));
    });
    // The flood may have taken longer than a connection may be idle.
    let mut tcp = Tcp::to(daemon.address());
    (1..CLIENTS).for_each(|number| ask_as(&mut tcp, number));

    assert_eq!(daemon.samples().len(), series);
    assert!(series < SERIES, "{series} series");
    let grown = daemon.memory("VmRSS").saturating_sub(resident);
    assert!(grown < 32 << 20, "attacks 2, R5: {grown} octets");
    daemon.counts("tgtx_refusals_total{reason=\"wrong_realm\"}", u64::from(STRANGERS) + 1);
    daemon.counts("tgtx_krb_errors_total{code=\"KDC_ERR_WRONG_REALM\"}", u64::from(STRANGERS) + 1);
}

#[test]
fn kept_replies_are_bounded() {
    let daemon = Daemon::start(&Settings {
        replay: "reply-memory = \"64KiB\"\nentries = 1000",
        ..Settings::default()
    });
    let credential = daemon.domain.credential(ALICE);
    let mut tcp = Tcp::to(daemon.address());
    let first = exchange(&credential).encode().unwrap();
    let reply = tcp.ask(&first);
    assert!(tcp.ask(&first) == reply);
    for _ in 0..CLIENTS {
        tcp.ask(&exchange(&credential).encode().unwrap());
    }
    assert!(tcp.ask(&first) != reply, "pushed out, so made anew; never 34");
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", CLIENTS as u64 + 2);
    daemon.counts("tgtx_replays_total", 0);
}
