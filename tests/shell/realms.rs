//! Two realms in one daemon share nothing: what one realm's branch writes neither opens nor serves in the other.

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, REALM, code, exchange, granted};
use super::wire::Tcp;

const OTHER: &str = "OTHER.EXAMPLE";

#[test]
fn a_branch_serves_in_its_own_realm_only() {
    let daemon = Daemon::start(&Settings { second: Some((OTHER, String::new())), ..Settings::default() });
    let (first, second) = (&daemon.domain, &daemon.second);
    for (branch, realm, name) in [(first, REALM, "the first"), (second, OTHER, "the second")] {
        let credential = branch.partial_of_realm(realm, ALICE);
        let request = exchange(&credential);
        granted(&Tcp::to(daemon.address()).ask(&request.encode().unwrap()), &request);
        daemon.counts("tgtx_exchanges_total{result=\"issued\"}", if name == "the first" { 1 } else { 2 });
    }
    // The same branch number, account and SID, but the other realm's name on the ticket: it does not open.
    for (branch, realm) in [(first, OTHER), (second, REALM)] {
        let credential = branch.partial_of_realm(realm, ALICE);
        assert_eq!(code(&Tcp::to(daemon.address()).ask(&exchange(&credential).encode().unwrap())), 31);
    }
    daemon.counts("tgtx_refusals_total{reason=\"ticket_integrity\"}", 2);
    // Its own realm's name on the ticket, and the other realm asked: nobody's to exchange.
    let credential = first.partial_of_realm(REALM, ALICE);
    let mut request = exchange(&credential);
    request.server = kdc::client::Principal::krbtgt(OTHER);
    assert_eq!(code(&Tcp::to(daemon.address()).ask(&request.encode().unwrap())), 68);
    daemon.counts("tgtx_refusals_total{reason=\"wrong_realm\"}", 1);
}
