//! `tgtx explain` against a real domain controller: what it says of an account is what the daemon does.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
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
    let accounts = lab.accounts();
    let names: Vec<_> = accounts.values().map(String::as_str).collect();
    for known in
        lab.users.values().map(|user| &*user.name).chain(["Administrator", "Guest", "krbtgt", "DC1$"])
    {
        assert!(names.contains(&known), "{known} is not among {names:?}");
    }

    let mut said_of = BTreeMap::new();
    for (sid, name) in &accounts {
        let credential = entra.partial_tgt(name, sid).mint().expect("a partial TGT");
        let outcome = ask(&kdc, &exchange(&credential));
        let ended = explain(&config, sid);
        let said = json(&ended);
        assert_eq!((&said["account"]["name"], &said["account"]["sid"]), (&(**name).into(), &(**sid).into()));
        match outcome {
            Outcome::Granted(_) => {
                assert_eq!((ended.status, &said["verdict"]), (Some(0), &"allowed".into()), "{name}: {said}");
            }
            Outcome::Denied(denied) => {
                assert_eq!((ended.status, &said["verdict"]), (Some(10), &"refused".into()), "{name}: {said}");
                assert_eq!(said["error"]["code"], denied.code, "{name}");
                let status = denied.nt_status.map(|status| format!("{status:#010x}"));
                assert_eq!(said["nt_status"]["code"].as_str(), status.as_deref(), "{name}");
            }
        }
        let decided_by = &said["decided_by"];
        if !decided_by.is_null() {
            assert_eq!(decided_by["path_search"], "found", "{name}: {said}");
            let path = decided_by["path"].as_array().expect("a path");
            assert_eq!(path.first().map(|step| &step["sid"]), Some(&said["account"]["sid"]), "{name}");
            assert_eq!(path.last().map(|step| &step["sid"]), Some(&decided_by["sid"]), "{name}");
        }
        said_of.insert(&**sid, said);
    }
    // The client is told a code, the audit line a reason.
    daemon.wait_until("audited", || daemon.audit().len() >= accounts.len());
    for line in daemon.audit() {
        let said = &said_of[line["client_sid"].as_str().expect("a SID")];
        assert_eq!(said["reason"], line["reason"], "{line}");
        assert_eq!(said["verdict"] == "allowed", line["outcome"] == "issued", "{line}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_path_is_the_one_that_the_directory_has() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", Settings::of(&lab).to_toml(), 0o600);
    // `|` is the primary group, `>` a member's.
    let denied = "> Denied RODC Password Replication Group";
    let allowed = "> Allowed RODC Password Replication Group";
    let five = |name: &str| [5, 4, 3, 2, 1].map(|number| format!("> {name}-{number} ")).concat();
    let circle = |name: &str| [1, 2, 3].map(|number| format!("> {name}-{number} ")).concat();
    let cases = [
        ("alice", None, "| Domain Users".to_owned()),
        ("denied", Some("never_reveal"), denied.to_owned()),
        ("denied_nested", Some("never_reveal"), format!("> never-to-the-cloud {denied}")),
        ("builtin_op", Some("never_reveal"), "> helpdesk-tier2 > helpdesk > Account Operators".to_owned()),
        ("deep_denied", Some("never_reveal"), format!("{}{denied}", five("deep-denied"))),
        ("deep_allowed", None, format!("{}{allowed}", five("deep-allowed"))),
        ("circle_denied", Some("never_reveal"), format!("{}{denied}", circle("circle-denied"))),
        ("circle_allowed", None, format!("{}{allowed}", circle("circle-allowed"))),
        ("circle_unlisted", Some("not_on_allow_list"), String::new()),
        ("primary_denied", Some("never_reveal"), format!("| never-to-the-cloud {denied}")),
        ("crowded", Some("never_reveal"), format!("> crowd {denied}")),
    ];
    for (key, reason, expected) in cases {
        let said = json(&explain(&config, &lab.user(key).name));
        assert_eq!(said["reason"].as_str(), reason, "{key}: {said}");
        let steps = said["decided_by"]["path"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told: Vec<_> = steps
            .iter()
            .skip(1)
            .map(|step| match step["by"].as_str() {
                Some("primary_group") => format!("| {}", step["name"].as_str().unwrap_or_default()),
                Some("member") => format!("> {}", step["name"].as_str().unwrap_or_default()),
                other => panic!("{key}: {other:?}"),
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{key}");
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
    for account in ["nobody", "*", "OTHER\\alice", "S-1-5-11", &domain_admins] {
        let ended = explain(&config, account);
        assert_eq!((ended.status, ended.output.as_str()), (Some(1), ""), "{account}");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    }
    // The exchange refuses another domain's without asking the directory, and so it is told.
    let ended = explain(&config, "S-1-5-21-9-9-9-1104");
    assert_eq!((ended.status, json(&ended)["reason"].as_str()), (Some(10), Some("requestor_foreign")));
    // Nobody listens on the port of FTP there.
    let away = Settings { urls: vec![format!("ldaps://{}:21", lab.daemon_address)], ..Settings::of(&lab) };
    let ended = explain(&folder.write("away.toml", away.to_toml(), 0o600), "alice");
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    assert!(ended.errors.contains("cannot be reached"), "{}", ended.errors);
}
