//! What is changed in a real directory while the daemon runs counts when its time is over: an account's groups after
//! `ttl`, lists and authentication policies after `poll`.

use std::thread::sleep;
use std::time::Duration;

use kdc::client::transport::Protocol;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::lab::Lab;
use tgtx_tests::settings::Settings;

/// The error-code that a user's exchange is refused with; `None` where it is granted.
fn refused(lab: &Lab, daemon: &Daemon, key: &str) -> Option<i32> {
    let partial = Entra::of(lab, "azuread").credential(lab.user(key));
    let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
    outcome.denied().map(|denied| denied.code)
}

fn settings(lab: &Lab, cache: &str) -> Settings {
    Settings { more: format!("[domain.cache]\n{cache}\n"), ..Settings::of(lab) }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn who_was_moved_into_a_denied_group_is_refused_when_ttl_is_over() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&settings(&lab, "ttl = \"1s\"\npoll = \"60s\"\nmax-stale = \"120s\""));
    let ttl_is_over = || sleep(Duration::from_millis(1100));
    assert_eq!(refused(&lab, &daemon, "mover"), None);

    // Into a group that is in the denied one.
    let (mover, group) = (&lab.user("mover").dn, format!("CN=never-to-the-cloud,CN=Users,{}", lab.base_dn));
    let change = |how| format!("dn: {group}\nchangetype: modify\n{how}: member\nmember: {mover}\n");
    lab.modify(&change("add"));
    ttl_is_over();
    assert_eq!(refused(&lab, &daemon, "mover"), Some(20), "{}", daemon.log_text());
    assert_eq!(daemon.counter("tgtx_refusals_total{reason=\"never_reveal\"}"), 1);

    lab.modify(&change("delete"));
    ttl_is_over();
    assert_eq!(refused(&lab, &daemon, "mover"), None);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_policy_that_is_enforced_from_now_on_refuses_from_the_next_look_on() {
    let lab = Lab::from_environment();
    // The account is remembered all the while: the policy is not part of it.
    let daemon = Daemon::start(&settings(&lab, "ttl = \"60s\"\npoll = \"1s\""));
    assert_eq!(refused(&lab, &daemon, "switched"), None);
    let enforce = |value| {
        let container = "CN=AuthN Policies,CN=AuthN Policy Configuration,CN=Services,CN=Configuration";
        lab.modify(&format!(
            "dn: CN=Switched,{container},{}\nchangetype: modify\nreplace: msDS-AuthNPolicyEnforced\n\
             msDS-AuthNPolicyEnforced: {value}\n",
            lab.base_dn
        ));
    };
    enforce("TRUE");
    daemon.wait_until("refused", || refused(&lab, &daemon, "switched") == Some(12));
    enforce("FALSE");
    daemon.wait_until("served again", || refused(&lab, &daemon, "switched").is_none());
}
