//! What the operator denies on top of the directory's lists, at a real domain controller.

use kdc::client::transport::Protocol;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, run};
use tgtx_tests::settings::Settings;

/// The lab's settings with these lines in `[domain.policy]`.
fn settings(lab: &Lab, policy: &str) -> Settings {
    Settings { more: format!("[domain.policy]\n{policy}\n"), ..Settings::of(lab) }
}

/// The error-code that a user's exchange is refused with; `None` where it is granted.
fn refused(lab: &Lab, daemon: &Daemon, key: &str) -> Option<i32> {
    let partial = Entra::of(lab, "azuread").credential(lab.user(key));
    let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
    outcome.denied().map(|denied| denied.code)
}

fn tgtx(settings: &Settings, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o600);
    run(arguments.iter().copied().chain(["--config", config.to_str().unwrap()]))
}

fn explained(settings: &Settings, account: &str) -> Value {
    serde_json::from_str(&tgtx(settings, &["explain", account, "--json"]).output).unwrap()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn groups_are_denied_by_name_by_distinguished_name_and_by_sid() {
    let lab = Lab::from_environment();
    let everywhere = format!("CN=everywhere,CN=Users,{}", lab.base_dn);
    let denied: [(&str, &str, &str); 4] = [
        ("everywhere", "alice", "bob"),
        (&everywhere, "alice", "bob"),
        ("bob", "bob", "alice"),
        (&lab.user("alice").sid, "alice", "bob"),
    ];
    for (entry, key, other) in denied {
        let settings = settings(&lab, &format!("deny-groups = [{entry:?}]"));
        let daemon = Daemon::start(&settings);
        assert_eq!(refused(&lab, &daemon, key), Some(20), "{entry}");
        assert_eq!(refused(&lab, &daemon, other), None, "{entry}");
        assert_eq!(daemon.counter("tgtx_refusals_total{reason=\"denied_by_operator\"}"), 1, "{entry}");
        let said = explained(&settings, &lab.user(key).sid);
        assert_eq!(said["reason"], "denied_by_operator", "{entry}: {said}");
        assert_eq!(said["decided_by"]["list"], "deny-groups", "{entry}: {said}");
        assert_eq!(said["decided_by"]["path_search"], "found", "{entry}: {said}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_denial_that_names_nothing_leaves_nobody_served_and_says_so() {
    let lab = Lab::from_environment();
    let elsewhere = "CN=gone,DC=other,DC=example".to_owned();
    let no_sid = format!("CN=Computers,{}", lab.base_dn);
    for entry in ["gone", &elsewhere, &no_sid, "CN=\\zz,DC=lab,DC=example"] {
        let settings = settings(&lab, &format!("deny-groups = [\"staff\", {entry:?}]"));
        let daemon = Daemon::launch(&settings);
        daemon.wait_for_event("nobody is served: deny-groups has ");
        let told = || daemon.readiness().1.to_string().contains("serving nobody: deny-groups has ");
        daemon.wait_until("the directory read", told);
        assert_eq!(refused(&lab, &daemon, "bob"), Some(20), "{entry}");
        assert_eq!(daemon.counter("tgtx_refusals_total{reason=\"denials_unresolved\"}"), 1, "{entry}");
        assert_eq!(daemon.readiness().0, 503, "{entry}");
        let checked = tgtx(&settings, &["check", "--online"]);
        assert_eq!(checked.status, Some(1), "{}", checked.output);
        assert!(checked.output.contains("nobody is served: deny-groups has "), "{}", checked.output);
    }
}
