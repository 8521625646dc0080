//! `tgtx explain` against a real domain controller: what it says of an account is what the daemon does.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::path::Path;

use kdc::client::reply::Outcome;
use kdc::client::transport::Protocol;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, run};
use tgtx_tests::settings::Settings;

fn explain(config: &Path, account: &str) -> Ended {
    let config = config.to_str().expect("a path that is text");
    run(["explain", account, "--config", config, "--json"])
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).expect(&ended.errors)
}

fn names(path: &Value) -> Vec<&str> {
    let steps = path.as_array().map(Vec::as_slice).unwrap_or_default();
    steps.iter().filter_map(|step| step["name"].as_str()).collect()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn every_account_of_the_lab_is_explained_as_it_is_exchanged() {
    let lab = Lab::from_environment();
    let settings = Settings::of(&lab);
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o600);
    let daemon = Daemon::start(&settings);
    let kdc = daemon.kdc(Protocol::Tcp);
    let entra = Entra::of(&lab, "azuread");

    for (key, user) in &lab.users {
        let credential = entra.credential(user);
        let outcome = ask(&kdc, &exchange(&credential));
        let ended = explain(&config, &user.sid);
        let said = json(&ended);
        assert_eq!(said["account"]["name"], *user.name, "{key}");
        match outcome {
            Outcome::Granted(_) => {
                assert_eq!((ended.status, &said["verdict"]), (Some(0), &"allowed".into()), "{key}: {said}");
            }
            Outcome::Denied(denied) => {
                assert_eq!((ended.status, &said["verdict"]), (Some(10), &"refused".into()), "{key}: {said}");
                assert_eq!(said["error"]["code"], denied.code, "{key}");
                let status = denied.nt_status.map(|status| format!("{status:#010x}"));
                assert_eq!(said["nt_status"]["code"].as_str(), status.as_deref(), "{key}");
            }
        }
        let decided_by = &said["decided_by"];
        if !decided_by.is_null() {
            assert_eq!(decided_by["path_search"], "found", "{key}: {said}");
            let path = decided_by["path"].as_array().expect("a path");
            assert_eq!(path.first().map(|step| &step["sid"]), Some(&said["account"]["sid"]), "{key}");
            assert_eq!(path.last().map(|step| &step["sid"]), Some(&decided_by["sid"]), "{key}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_path_is_the_one_that_the_directory_has() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings::of(&lab).to_toml(), 0o600);
    let cases = [
        ("alice", "start primary_group", "Domain Users"),
        ("denied", "start member", "Denied RODC Password Replication Group"),
        ("denied_nested", "start member member", "Denied RODC Password Replication Group"),
        ("builtin_op", "start member member member", "Account Operators"),
    ];
    for (key, edges, last) in cases {
        let said = json(&explain(&config, &lab.user(key).name));
        let path = &said["decided_by"]["path"];
        let steps = path.as_array().expect("a path");
        let by: Vec<_> = steps.iter().filter_map(|step| step["by"].as_str()).collect();
        assert_eq!(by.join(" "), edges, "{key}: {path}");
        assert_eq!(names(path).last(), Some(&last), "{key}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn an_account_is_found_by_any_of_its_names_and_what_is_none_is_one_line() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings::of(&lab).to_toml(), 0o600);
    let alice = &lab.user("alice").sid;
    for name in ["ALICE", "lab\\alice", "alice@lab.example"] {
        assert_eq!(json(&explain(&config, name))["account"]["sid"], **alice, "{name}");
    }
    let foreign = lab.user("upn_foreign");
    let upn = foreign.upn.as_deref().expect("a userPrincipalName");
    assert_eq!(json(&explain(&config, upn))["account"]["sid"], *foreign.sid);

    let domain_admins = format!("{}-512", lab.domain_sid);
    for account in ["nobody", "*", "OTHER\\alice", "S-1-5-21-9-9-9-1104", &domain_admins] {
        let ended = explain(&config, account);
        assert_eq!((ended.status, ended.output.as_str()), (Some(1), ""), "{account}");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    }
    // Nobody listens on the port of FTP there.
    let away = Settings { urls: vec![format!("ldaps://{}:21", lab.daemon_address)], ..Settings::of(&lab) };
    let ended = explain(&folder.write("away.toml", away.to_toml(), 0o600), "alice");
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    assert!(ended.errors.contains("cannot be reached"), "{}", ended.errors);
}
