//! What the operator denies on top of the directory's lists, at a real domain controller.

use std::process::Command;

use kdc::client::transport::Protocol;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended, run};
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

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn whoever_holds_replication_rights_is_denied_only_where_that_is_asked_for() {
    let lab = Lab::from_environment();
    let usual = Daemon::start(&Settings::of(&lab));
    let settings = settings(&lab, "deny-replicators = true");
    let strict = Daemon::start(&settings);
    let cases =
        [("syncer", None, Some(20)), ("alice", None, None), ("many", None, None), ("bob", None, None)];
    for (key, usually, strictly) in cases {
        assert_eq!(refused(&lab, &usual, key), usually, "{key}");
        assert_eq!(refused(&lab, &strict, key), strictly, "{key}");
    }
    assert_eq!(strict.counter("tgtx_refusals_total{reason=\"replicator\"}"), 1);

    let said = explained(&settings, "syncer");
    assert_eq!(said["reason"], "replicator", "{said}");
    assert_eq!(said["decided_by"]["list"], "deny-replicators", "{said}");
    assert_eq!(said["decided_by"]["name"], "directory-sync", "{said}");
    let checked = tgtx(&settings, &["check", "--online"]);
    assert!(checked.output.contains("deny-replicators denies "), "{}", checked.output);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn rights_given_while_the_daemon_runs_deny_from_the_next_look_on() {
    let lab = Lab::from_environment();
    let settings = settings(&lab, "deny-replicators = true\n[domain.cache]\npoll = \"1s\"");
    let daemon = Daemon::start(&settings);
    let user = lab.user("upn_foreign");
    assert_eq!(refused(&lab, &daemon, "upn_foreign"), None);
    let right = format!("(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;{})", user.sid);
    grant(&lab, "add", &right);
    daemon.wait_until("denied", || refused(&lab, &daemon, "upn_foreign") == Some(20));
    grant(&lab, "remove", &right);
    daemon.wait_until("served again", || refused(&lab, &daemon, "upn_foreign").is_none());
}

/// Adds an entry to the DACL of the domain's head, or removes it.
fn grant(lab: &Lab, verb: &str, entry: &str) {
    // The bindings belong to Debian's own Python.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/lab/grant.py")).arg(&lab.folder);
    let ended = program::end(command.args([verb, entry]));
    assert_eq!(ended.status, Some(0), "{}", ended.errors);
}
