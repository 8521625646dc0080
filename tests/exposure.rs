//! `tgtx exposure` against a real domain controller: it finds whom the lab has planted, and nobody else.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{Ended, end, run};
use tgtx_tests::settings::Settings;

fn exposure(settings: &Settings, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o600);
    let config = config.to_str().expect("a path that is text");
    run(["exposure", "--config", config].into_iter().chain(arguments.iter().copied()))
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn whoever_was_planted_is_found_with_the_reason_and_nobody_else() {
    let lab = Lab::from_environment();
    let proposed = lab.branch("proposed");
    let planted = [
        ("syncer", "replicates", "", "syncer directory-sync"),
        ("branch_writer", "controls", &*proposed.computer_dn, "branch_writer branch-writers"),
        ("branch_owner", "controls", &*proposed.krbtgt_dn, "branch_owner"),
        ("delegating", "unconstrained_delegation", "", ""),
        ("formerly_admin", "admin_count", "", ""),
        ("MSOL_0123456789ab", "synchronises", "", ""),
    ];
    let ended = exposure(&Settings::of(&lab), &["--json"]);
    assert_eq!(ended.status, Some(10), "{}", ended.errors);
    let said: Value = serde_json::from_str(&ended.output).expect("JSON");
    assert_eq!((&said["everybody"], &said["undecidable"]), (&Value::Array(Vec::new()), &0.into()), "{said}");
    assert_eq!(said["accounts"], lab.accounts().len());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value, of: &dyn Fn(&Value) -> String| {
        value.as_array().expect("a list").iter().map(of).collect::<Vec<_>>().join(" ")
    };
    let mut found = BTreeSet::new();
    for account in said["exposed"].as_array().expect("a list") {
        for reason in account["reasons"].as_array().expect("a list") {
            let path = list(&reason["path"], &|step| text(&step["name"]));
            found.insert((
                text(&account["name"]),
                text(&reason["danger"]),
                list(&reason["objects"], &text),
                path,
            ));
        }
    }
    let expected = planted.map(|(name, danger, object, path)| {
        (name.to_owned(), danger.to_owned(), object.to_owned(), path.to_owned())
    });
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn the_proposal_is_ldif_that_the_directory_takes_and_leaves_nobody_exposed() {
    let lab = Lab::from_environment();
    // A branch whose lists nobody else relies on.
    let keytabs = vec![lab.keytabs.krbtgt.clone(), lab.branch("proposed").keytab.clone()];
    let settings = Settings { keytabs, ..Settings::of(&lab) };
    let proposal = exposure(&settings, &["--ldif"]);
    assert_eq!(proposal.status, Some(10), "{}", proposal.errors);
    let folder = Folder::new();
    let file = folder.write("deny.ldif", &proposal.output, 0o600);
    let administrator = format!("CN=Administrator,CN=Users,{}", lab.base_dn);
    let as_administrator = |program: &str, arguments: &[&str]| {
        let mut change = Command::new(program);
        change.env("LDAPTLS_CACERT", &lab.ca).args(["-x", "-H", &lab.ldaps, "-D", &administrator]);
        let ended = end(change.args(["-w", &lab.administrator.password]).args(arguments));
        assert_eq!(ended.status, Some(0), "{program}: {}", ended.errors);
    };
    as_administrator("ldapmodify", &["-f", file.to_str().expect("a path that is text")]);
    let after = exposure(&settings, &["--csv"]);
    // Deleted, the group is on no list any more.
    as_administrator("ldapdelete", &[&format!("CN=tgtx exposed accounts,CN=Users,{}", lab.base_dn)]);
    assert_eq!(
        (after.status, after.output.lines().count()),
        (Some(0), 1),
        "{}{}",
        after.output,
        after.errors
    );
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn what_cannot_be_said_is_one_line_and_an_exit_code() {
    let lab = Lab::from_environment();
    let good = Settings::of(&lab);
    let nowhere = Settings { urls: vec!["ldaps://127.0.0.9".to_owned()], ..good.clone() };
    let cases: [(&Settings, &[&str], &str); 2] = [
        (&good, &["--branch", "7"], "the directory has no branch 7"),
        (&nowhere, &[], "directory unavailable: "),
    ];
    for (settings, arguments, line) in cases {
        let ended = exposure(settings, arguments);
        assert_eq!((ended.status, &*ended.output), (Some(1), ""), "{arguments:?}");
        let told = ended.errors.lines().last().unwrap_or_default();
        assert!(told.starts_with(&format!("tgtx: {line}")), "{arguments:?}: {}", ended.errors);
    }
}
