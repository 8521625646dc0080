//! A directory that changes while the daemon runs.

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, LDIF, code, exchange, granted};
use super::wire::Tcp;

/// In `Helpdesk Tier 0`, which is in Domain Admins: dora, and after her alice, whose name is not ASCII.
const DORA: &str = "member: CN=Dora Dimitrova,OU=Staff,DC=demo,DC=example\n";
const ALICE_TOO: &str = "member:: Q049QWxpY2Ugw4VuZ3N0csO2bSxPVT1TdGFmZixEQz1kZW1vLERDPWV4YW1wbGU=\n";

#[test]
fn who_was_moved_into_a_denied_group_is_refused_as_soon_as_the_directory_is_read_again() {
    let daemon = Daemon::start(&Settings::default());
    let credential = daemon.domain.credential(ALICE);
    let mut tcp = Tcp::to(daemon.address());
    let mut ask = || {
        let exchange = exchange(&credential);
        (tcp.ask(&exchange.encode().unwrap()), exchange)
    };
    let (reply, first) = ask();
    granted(&reply, &first);

    let moved = LDIF.replace(DORA, &format!("{DORA}{ALICE_TOO}"));
    assert_ne!(moved, LDIF);
    daemon.change_directory(&moved);
    let refused = eventually("alice is refused", || {
        let (reply, _) = ask();
        // A TGS-REP is no KRB-ERROR.
        (reply.first() == Some(&0x7e)).then_some(reply)
    });
    assert_eq!(code(&refused), 20);

    daemon.change_directory(LDIF);
    eventually("alice is served again", || (ask().0.first() == Some(&0x6d)).then_some(()));
}
