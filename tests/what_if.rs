//! `tgtx what-if` against a real domain controller: whom it says to change side does so once the change is made.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;

use kdc::client::reply::Outcome;
use kdc::client::transport::Protocol;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, run};
use tgtx_tests::settings::Settings;

const BRANCH: &str = "proposed";

/// Those of a daemon that serves a branch whose lists nobody else relies on.
fn settings(lab: &Lab) -> Settings {
    let keytabs = vec![lab.keytabs.krbtgt.clone(), lab.branch(BRANCH).keytab.clone()];
    Settings { keytabs, ..Settings::of(lab) }
}

fn what_if(settings: &Settings, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o600);
    let config = config.to_str().expect("a path that is text");
    run(["what-if", "--config", config].into_iter().chain(arguments.iter().copied()))
}

/// Which accounts a daemon that starts now gives tickets to, by SID.
fn served(lab: &Lab, settings: &Settings) -> BTreeMap<String, bool> {
    let daemon = Daemon::start(settings);
    let (kdc, entra) = (daemon.kdc(Protocol::Tcp), Entra::of(lab, BRANCH));
    let is_served = |(sid, name): (String, String)| {
        let partial = entra.partial_tgt(&name, &sid).mint().expect("a partial TGT");
        let granted = matches!(ask(&kdc, &exchange(&partial)), Outcome::Granted(_));
        (sid, granted)
    };
    lab.accounts().into_iter().filter(|(_, name)| !is_of_a_load(name)).map(is_served).collect()
}

/// Accounts that tests of load may have made, thousands of them, and all alike.
fn is_of_a_load(name: &str) -> bool {
    name.starts_with("load")
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn whom_it_says_to_change_side_does_so_once_the_change_is_made() {
    let lab = Lab::from_environment();
    let settings = settings(&lab);
    let (denied, allowed) = ("msDS-NeverRevealGroup", "msDS-RevealOnDemandGroup");
    let cases = [
        ("--deny-add", "everywhere", denied, "add"),
        ("--deny-remove", "Denied RODC Password Replication Group", denied, "delete"),
        ("--allow-add", "externals", allowed, "add"),
        ("--allow-remove", "Domain Users", allowed, "delete"),
    ];
    let now = served(&lab, &settings);
    for (option, group, attribute, how) in cases {
        let ended = what_if(&settings, &[option, group, "--json"]);
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
        let said: Value = serde_json::from_str(&ended.output).expect("JSON");
        let accounts = lab.accounts().len();
        assert_eq!((&said["accounts"], &said["undecidable"]), (&accounts.into(), &0.into()), "{option}");

        let computer = &lab.branch(BRANCH).computer_dn;
        let record = |how| {
            let group = format!("CN={group},CN=Users,{}", lab.base_dn);
            format!("dn: {computer}\nchangetype: modify\n{how}: {attribute}\n{attribute}: {group}\n")
        };
        lab.modify(&record(how));
        let then = served(&lab, &settings);
        lab.modify(&record(if how == "add" { "delete" } else { "add" }));

        let changed = now.iter().filter(|(sid, served)| then[*sid] != **served);
        let changed: BTreeMap<&str, bool> = changed.map(|(sid, served)| (&**sid, *served)).collect();
        let listed: Vec<&Value> = said["changed"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|account| !is_of_a_load(account["name"].as_str().expect("a name")))
            .collect();
        let told: BTreeMap<&str, bool> = listed
            .iter()
            .map(|account| (account["sid"].as_str().expect("a SID"), account["now"] == "allowed"))
            .collect();
        assert!(!changed.is_empty(), "{option} {group} changes nothing");
        assert_eq!(told, changed, "{option} {group}");
        for account in listed {
            assert_eq!(account["list"], attribute, "{account}");
            let path = account["path"].as_array().expect("a path");
            assert_eq!(path.first().map(|step| &step["sid"]), Some(&account["sid"]), "{account}");
            assert!(path.len() > 1, "{account}");
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_cannot_be_said_is_one_line_and_an_exit_code() {
    let lab = Lab::from_environment();
    let good = settings(&lab);
    let nowhere = Settings { urls: vec!["ldaps://127.0.0.9".to_owned()], ..good.clone() };
    let cases: [(&Settings, &[&str], i32, &str); 5] = [
        (&good, &["--deny-add", "gone"], 1, "gone: not the name of one object of the domain"),
        (&good, &["--deny-remove", "everywhere"], 1, "everywhere is not on msDS-NeverRevealGroup itself"),
        (&good, &["--deny-add", "everywhere", "--branch", "20002"], 1, "nobody is served now: "),
        (&good, &["--deny-add", "everywhere", "--branch", "7"], 1, "the directory has no branch 7"),
        (&nowhere, &["--deny-add", "everywhere"], 1, "directory unavailable: "),
    ];
    for (settings, arguments, status, line) in cases {
        let ended = what_if(settings, arguments);
        assert_eq!((ended.status, &*ended.output), (Some(status), ""), "{arguments:?}");
        let told = ended.errors.lines().last().unwrap_or_default();
        assert!(told.starts_with(&format!("tgtx: {line}")), "{arguments:?}: {}", ended.errors);
    }
    assert_eq!(what_if(&good, &[]).status, Some(2));
}
