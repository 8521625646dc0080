//! In front of another server: its answers with KEY_LIST and nothing else, and its silence.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use kdc::discovery::{DsFlags, PingAnswer, Request, ping};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;

use super::wire::{Client, EX, REALM, captured_domain, extended, for_domain, vector};

/// A server that answers each ping with what `answer` makes of it.
fn server(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut octets = [0; 65_535];
        while let Ok((length, peer)) = socket.recv_from(&mut octets) {
            for datagram in answer(&octets[..length]) {
                let _ = socket.send_to(&datagram, peer);
            }
        }
    });
    address
}

/// The captured answer without KEY_LIST and with the number of this ping.
fn without_key_list(ping: &[u8]) -> Vec<u8> {
    let mut answer = std::fs::read(vector("cldap-netlogon-response.bin")).unwrap();
    let flags = answer.windows(4).position(|octets| octets == [0xfd, 0xf3, 0x03, 0x00]).unwrap();
    answer[flags + 2] = 0x01;
    let id = Request::parse(ping).unwrap().message_id;
    // Both messages begin with a length of five octets and the number's header.
    let second = answer.windows(6).rposition(|octets| octets == [0x30, 0x84, 0, 0, 0, 0x10]).unwrap();
    for start in [0, second] {
        answer[start + 8] = u8::try_from(id).unwrap();
    }
    answer
}

fn upstream(server: SocketAddr) -> String {
    format!("upstream = \"{server}\"")
}

#[test]
fn the_upstreams_answer_gets_key_list_and_nothing_else() {
    let daemon = captured_domain("", &upstream(server(|ping| vec![without_key_list(ping)])));
    let client = Client::of(daemon.cldap()[0]);
    let asked = for_domain(5);
    let (answer, original) = (client.ask(&asked), without_key_list(&asked));
    assert_eq!(extended(&original).flags.with(DsFlags::KEY_LIST), extended(&answer).flags);
    let differing: Vec<usize> = (0..original.len()).filter(|&at| original[at] != answer[at]).collect();
    assert_eq!((original.len(), differing.len()), (answer.len(), 1));
    assert_eq!(daemon.counter("tgtx_discovery_pings_total{result=\"key_list_set\"}"), 1);
}

#[test]
fn answers_that_do_not_name_our_domain_are_passed_on_as_they_are() {
    let foreign = |ping: &[u8]| {
        let mut answer = without_key_list(ping);
        let name = answer.windows(7).position(|octets| octets == b"aforest").unwrap();
        answer[name] = b'b';
        answer
    };
    let daemon = captured_domain("", &upstream(server(move |ping| vec![foreign(ping)])));
    let client = Client::of(daemon.cldap()[0]);
    for asked in [for_domain(5), ping(6, &[("DnsDomain", b"bforest.ad"), EX])] {
        assert_eq!(client.ask(&asked), foreign(&asked));
    }
    assert_eq!(daemon.counter("tgtx_discovery_pings_total{result=\"passed_on\"}"), 2);
}

#[test]
fn of_several_datagrams_the_one_with_the_pings_number_counts() {
    let answers = |ping: &[u8]| {
        let right = without_key_list(ping);
        let mut other = right.clone();
        other[8] ^= 1;
        vec![vec![], b"garbage".to_vec(), vec![0x30; 9000], other, right]
    };
    let daemon = captured_domain("", &upstream(server(answers)));
    let answer = Client::of(daemon.cldap()[0]).ask(&for_domain(5));
    assert_eq!(PingAnswer::parse(&answer).unwrap().message_id, 5);
}

#[test]
fn where_the_upstream_is_silent_or_away_so_are_we() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let away = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [silent.local_addr().unwrap(), away] {
        let daemon = captured_domain("", &upstream(address));
        let client = Client::of(daemon.cldap()[0]);
        client.send(&for_domain(5));
        let series = "tgtx_discovery_pings_total{result=\"upstream_silent\"}";
        daemon.wait_until("given up", || daemon.counter(series) == 1);
        assert!(client.hears_nothing());
    }
}

#[test]
fn a_ping_behind_many_that_the_upstream_ignores_is_answered() {
    let wanted = 5;
    let answers = move |ping: &[u8]| match Request::parse(ping).unwrap().message_id {
        id if id == wanted => vec![without_key_list(ping)],
        _ => Vec::new(),
    };
    let daemon = captured_domain("pings-per-source = 0", &upstream(server(answers)));
    let flood = Client::of(daemon.cldap()[0]);
    let overload = || daemon.counter("tgtx_discovery_pings_total{result=\"overload\"}");
    daemon.wait_until("overloaded", || {
        (0..600).for_each(|_| flood.send(&for_domain(6)));
        overload() > 0
    });
    let answer = Client::of(daemon.cldap()[0]).ask(&for_domain(wanted));
    assert_eq!(PingAnswer::parse(&answer).unwrap().message_id, wanted);
}

#[test]
fn a_domain_whose_directory_was_never_read_is_not_announced() {
    let folder = Folder::new();
    let keytab = folder.write("keytab", std::fs::read(vector("keytab")).unwrap(), 0o600);
    let password = folder.write("password", "secret", 0o600);
    let upstream = upstream(server(|ping| vec![without_key_list(ping)]));
    let toml = format!(
        "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\ncldap = [\"127.0.0.1:0\"]\n\
         [log]\nformat = \"json\"\n[[domain]]\nrealm = {REALM:?}\nkeytabs = [{keytab:?}]\n\
         [domain.ldap]\nurls = [\"ldap://127.0.0.1:1\"]\nallow-plaintext = true\n\
         bind-dn = \"CN=tgtx\"\npassword-file = {password:?}\n[domain.discovery]\n{upstream}\n"
    );
    let daemon = Daemon::launch_in(folder, &toml);
    let asked = for_domain(5);
    assert_eq!(Client::of(daemon.cldap()[0]).ask(&asked), without_key_list(&asked));
    assert_eq!(daemon.counter("tgtx_discovery_pings_total{result=\"passed_on\"}"), 1);
}

#[test]
fn filters_with_or_and_not_are_answered_without_the_upstream() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let daemon = captured_domain("", &upstream(silent.local_addr().unwrap()));
    let client = Client::of(daemon.cldap()[0]);
    // (&(NtVer=\06)) becomes (!…) and (|…), the second of them around what is no filter at all.
    let asked = ping(3, &[EX]);
    let and = asked.windows(4).position(|octets| octets == [0xa0, 0x84, 0, 0]).unwrap();
    for (operator, inside) in [(0xa2, 0xa3), (0xa1, 0x41)] {
        let mut changed = asked.clone();
        changed[and] = operator;
        changed[and + 6] = inside;
        let answer = client.ask(&changed);
        assert_eq!(PingAnswer::parse(&answer), Ok(PingAnswer { message_id: 3, value: None }));
    }
    assert_eq!(daemon.counter("tgtx_discovery_pings_total{result=\"empty\"}"), 2);
}

#[test]
fn more_pings_than_may_wait_are_dropped() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let daemon = captured_domain("pings-per-source = 0", &upstream(silent.local_addr().unwrap()));
    let client = Client::of(daemon.cldap()[0]);
    let overload = || daemon.counter("tgtx_discovery_pings_total{result=\"overload\"}");
    daemon.wait_until("overloaded", || {
        (0..200).for_each(|_| client.send(&for_domain(5)));
        overload() > 0
    });
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", daemon.id())).unwrap().count();
    assert!(descriptors < 256 + 64, "{descriptors} open files");
}
