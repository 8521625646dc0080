//! What strangers send leaves nothing behind: no series, no memory.

use kdc::client::Principal;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, code, exchange};
use super::wire::{Tcp, Udp};

/// Distinct realms and names; the full number where cryptography is fast.
const STRANGERS: usize = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
/// Distinct names in tickets that open.
const CLIENTS: usize = if cfg!(debug_assertions) { 200 } else { 5_000 };
/// Datagrams under way at once: what a socket's buffer holds for certain.
const WINDOW: usize = 32;

const PLACEHOLDER: &[u8] = b"X0000000.EXAMPLE";

/// `template` with `PLACEHOLDER` replaced by one of its length.
fn numbered(template: &[u8], number: usize) -> Vec<u8> {
    let name = format!("X{number:07}.EXAMPLE");
    let mut request = template.to_vec();
    for start in 0..request.len() - name.len() {
        if template[start..].starts_with(PLACEHOLDER) {
            request[start..start + name.len()].copy_from_slice(name.as_bytes());
        }
    }
    request
}

fn flood(daemon: &Daemon, template: &[u8], expected: i32) {
    let udp = Udp::to(daemon.address());
    for first in (0..STRANGERS).step_by(WINDOW) {
        let window = first..(first + WINDOW).min(STRANGERS);
        window.clone().for_each(|number| udp.send(&numbered(template, number)));
        window.for_each(|_| assert_eq!(code(&udp.receive()), expected));
    }
}

#[test]
fn names_and_realms_of_strangers_leave_no_series_and_no_memory() {
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
        scope.spawn(|| flood(&daemon, &foreign_realm, 68));
        scope.spawn(|| flood(&daemon, &foreign_server, 7));
    });
    (1..CLIENTS).for_each(|number| ask_as(&mut tcp, number));

    assert_eq!(daemon.samples().len(), series);
    let grown = daemon.memory("VmRSS").saturating_sub(resident);
    assert!(grown < 32 << 20, "attacks 2, R5: {grown} octets");
    daemon.counts("tgtx_refusals_total{reason=\"wrong_realm\"}", STRANGERS as u64 + 1);
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
