//! Shadow mode: the same decisions as live, and no ticket.

use serde_json::Value;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, DORA, REALM, User, code, exchange, granted};
use super::wire::{Tcp, Udp};

const UNAVAILABLE: i32 = 29;
/// Disabled.
const DAVE: User = User { name: "dave", rid: 1107 };
/// No account.
const NOBODY: User = User { name: "nobody", rid: 4711 };

/// Serves the domain of `live` with its keys, and relays to it.
fn shadow_of(live: &Daemon) -> Daemon {
    let relay = format!("kdcs = [\"{}\"]", live.address());
    in_shadow(Settings { relay, keys: Some(live.domain.keys()), ..Settings::default() })
}

fn in_shadow(settings: Settings) -> Daemon {
    let daemon = Daemon::start(&settings);
    daemon.reconfigure(&format!("realm = \"{REALM}\""), &format!("realm = \"{REALM}\"\nmode = \"shadow\""));
    daemon.reload();
    daemon
}

/// What was decided, of whom and why, without what differs from process to process.
fn decisions(daemon: &Daemon, events: usize) -> Vec<Value> {
    let mut events = daemon.audited(events);
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        for own in [
            "time",
            "event_id",
            "request_id",
            "duration_us",
            "source_ip",
            "source_port",
            "IpAddress",
            "shadow",
        ] {
            event.remove(own);
        }
    }
    events
}

#[test]
fn every_decision_is_the_one_that_is_made_live() {
    let live = Daemon::start(&Settings::default());
    let shadow = shadow_of(&live);
    let mut requests = Vec::new();
    for user in [ALICE, DORA, DAVE, NOBODY] {
        let request = exchange(&live.domain.credential(user)).encode().unwrap();
        requests.extend([request.clone(), request]);
    }
    let alice = live.domain.credential(ALICE);
    let whole = exchange(&alice).encode().unwrap();
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1 << (index % 8);
        requests.push(changed);
    }
    let mut tcp = Tcp::to(shadow.address());
    for request in &requests {
        tcp.send(request);
        if tcp.receive_or_end().is_none() {
            tcp = Tcp::to(shadow.address());
        }
    }
    // Last, so that all is counted when it is answered: a ticket that the live daemon issued comes through.
    let last = exchange(&alice);
    granted(&Tcp::to(shadow.address()).ask(&last.encode().unwrap()), &last);

    let issued = live.sample("tgtx_exchanges_total{result=\"issued\"}");
    assert!(issued > 2);
    shadow.counts("tgtx_exchanges_total{result=\"shadow\"}", issued);
    shadow.counts("tgtx_exchanges_total{result=\"issued\"}", 0);
    let told = live.sample("tgtx_retransmits_total");
    assert!(told > 0);
    shadow.counts("tgtx_retransmits_total", told);
    for reason in
        ["ticket_integrity", "never_reveal", "account_disabled", "client_unknown", "checksum_mismatch"]
    {
        let series = format!("tgtx_refusals_total{{reason=\"{reason}\"}}");
        let refused = live.sample(&series);
        assert!(refused > 0, "{reason}");
        shadow.counts(&series, refused);
    }
    let events = live.audit().len();
    assert!(shadow.audited(events).iter().all(|event| event["shadow"] == true));
    assert_eq!(decisions(&shadow, events), decisions(&live, events));
    assert!(live.audit().iter().all(|event| event.get("shadow").is_none()));
}

#[test]
fn without_a_relay_everybody_is_told_that_there_is_no_service() {
    let shadow = in_shadow(Settings { listen: "udp-reply-limit = 16384", ..Settings::default() });
    for user in [ALICE, DORA] {
        let credential = shadow.domain.credential(user);
        let request = exchange(&credential).encode().unwrap();
        // A retransmit, too.
        for _ in 0..2 {
            assert_eq!(code(&Tcp::to(shadow.address()).ask(&request)), UNAVAILABLE);
            assert_eq!(code(&Udp::to(shadow.address()).ask(&request)), UNAVAILABLE);
        }
    }
    shadow.counts("tgtx_exchanges_total{result=\"shadow\"}", 1);
    shadow.counts("tgtx_retransmits_total", 3);
    shadow.counts("tgtx_refusals_total{reason=\"never_reveal\"}", 4);
    shadow.counts("tgtx_refusals_total{reason=\"shadow_mode\"}", 8);
    shadow.counts("tgtx_krb_errors_total{code=\"KDC_ERR_SVC_UNAVAILABLE\"}", 8);
    shadow.counts("tgtx_krb_errors_total{code=\"KDC_ERR_TGT_REVOKED\"}", 0);
    let outcomes: Vec<_> = shadow.audited(8).iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes[..4], ["issued", "retransmitted", "retransmitted", "retransmitted"]);
    assert_eq!(outcomes[4..], ["refused", "refused", "refused", "refused"]);
}
