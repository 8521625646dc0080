//! A clock that is wrong, and jumps: tickets are judged by it, what lasts is not measured by it. And the clients' clocks.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use kdc::client::SessionKey;
use tgtx_tests::device::random;
use tgtx_tests::folder::Folder;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, code, exchange, granted};
use super::wire::{Tcp, Udp};

/// KRB_AP_ERR_BAD_INTEGRITY, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_REPEAT and KRB_AP_ERR_SKEW of RFC 4120 §7.5.9.
const BAD_INTEGRITY: i32 = 31;
const NOT_YET_VALID: i32 = 33;
const REPEAT: i32 = 34;
const SKEW: i32 = 37;

/// A daemon whose clock is off by what a file says.
struct Deceived {
    daemon: Daemon,
    folder: Folder,
}

impl Deceived {
    fn start() -> Self {
        let folder = Folder::new();
        let offset = folder.write("offset", "+0", 0o644);
        let environment = [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
            // The file is read anew each time.
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // A change of the system's clock moves that one only.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let settings = Settings {
            environment: environment.into(),
            listen: "udp-reply-limit = 65000",
            ..Settings::default()
        };
        Self { daemon: Daemon::start(&settings), folder }
    }

    /// Whole or not at all: the library ends a process whose file it cannot read.
    fn set(&self, offset: &str) {
        let new = self.folder.write("new", offset, 0o644);
        fs::rename(new, self.folder.path("offset")).unwrap();
    }

    /// Trades a partial TGT issued just now; 0, or the error's code.
    fn trade(&self) -> i32 {
        let credential = self.daemon.domain.credential(ALICE);
        let exchange = exchange(&credential);
        let reply = Tcp::to(self.daemon.address()).ask(&exchange.encode().unwrap());
        if reply.first() == Some(&0x7e) {
            return code(&reply);
        }
        granted(&reply, &exchange);
        0
    }
}

/// Debian's libfaketime, whatever the architecture.
fn library() -> PathBuf {
    let architectures = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = architectures.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.is_file()).expect("Debian's package libfaketime")
}

#[test]
#[ignore = "needs Debian's libfaketime"]
fn ten_minutes_off_nobody_gets_a_ticket_and_with_the_right_time_everybody_does_again() {
    let deceived = Deceived::start();
    assert_eq!(deceived.trade(), 0);
    for (offset, codes) in [("+10m", &[SKEW][..]), ("-10m", &[SKEW, NOT_YET_VALID])] {
        deceived.set(offset);
        eventually("its clock is wrong", || (deceived.trade() != 0).then_some(()));
        for _ in 0..20 {
            let code = deceived.trade();
            assert!(codes.contains(&code), "{code} at {offset}");
        }
        // Who watches it and who judges its directory go by the other clock.
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert!(deceived.daemon.http(path).starts_with("HTTP/1.1 200 "), "{path} at {offset}");
        }
        deceived.set("+0");
        eventually("its clock is right", || (deceived.trade() == 0).then_some(()));
        for _ in 0..20 {
            assert_eq!(deceived.trade(), 0, "after {offset}");
        }
    }
}

#[test]
#[ignore = "needs Debian's libfaketime"]
fn a_clock_that_jumps_forth_and_back_forgets_no_authenticator() {
    let deceived = Deceived::start();
    let credential = deceived.daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let request = exchange.encode().unwrap();
    granted(&Udp::to(deceived.daemon.address()).ask(&request), &exchange);
    for offset in ["+10m", "-10m"] {
        deceived.set(offset);
        eventually("its clock is wrong", || (deceived.trade() != 0).then_some(()));
        deceived.set("+0");
        eventually("its clock is right", || (deceived.trade() == 0).then_some(()));
        let replayed = Udp::from([127, 0, 0, 5], deceived.daemon.address()).ask(&request);
        assert_eq!(code(&replayed), REPEAT, "after {offset}");
    }
}

#[test]
fn clocks_of_clients_are_measured_and_nobody_else_moves_what_is_told_of_them() {
    let daemon = Daemon::start(&Settings::default());
    let credential = daemon.domain.credential(ALICE);
    let behind = |seconds, session_key: Option<SessionKey>| {
        let mut exchange = exchange(&credential);
        exchange.ctime = exchange.ctime.saturating_sub(Duration::from_secs(seconds));
        exchange.session_key = session_key.unwrap_or(exchange.session_key);
        exchange.encode().unwrap()
    };
    let ask = |request: &[u8]| Tcp::to(daemon.address()).ask(request);
    for seconds in [0, 100] {
        let reply = ask(&behind(seconds, None));
        assert_ne!(reply.first(), Some(&0x7e), "{seconds} s behind");
    }
    assert_eq!(code(&ask(&behind(400, None))), SKEW);
    // Who has somebody's ticket and not its key, and who sends again what another has sent.
    assert_eq!(code(&ask(&behind(1000, Some(SessionKey::aes256(&random()))))), BAD_INTEGRITY);
    let sent = behind(200, None);
    assert_ne!(ask(&sent).first(), Some(&0x7e));
    assert_eq!(code(&Udp::from([127, 0, 0, 5], daemon.address()).ask(&sent)), REPEAT);
    for (limit, requests) in [("15", 1), ("120", 2), ("300", 3), ("600", 4), ("+Inf", 4)] {
        daemon.counts(&format!("tgtx_clock_skew_seconds_bucket{{le=\"{limit}\"}}"), requests);
    }
}
