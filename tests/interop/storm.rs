//! A site signs in at once: users of whom the daemon knows none.

use std::process::Command;

use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program;
use tgtx_tests::settings::Settings;

/// Users for each transport.
const USERS: usize = 500;

/// The lab's users for load, `name SID` a line.
fn users(lab: &Lab) -> Vec<String> {
    let status = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab/lab"))
        .arg("users")
        .arg(&lab.folder)
        .arg((2 * USERS).to_string())
        .status();
    assert!(status.unwrap().success(), "no users");
    let list = std::fs::read_to_string(lab.folder.join("load-users")).unwrap();
    list.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_storm_of_unknown_users_makes_one_search_each_and_no_refusal() {
    let lab = Lab::from_environment();
    let users = users(&lab);
    let daemon = Daemon::start(&Settings { udp_reply_limit: 65_507, ..Settings::of(&lab) });
    let folder = Folder::new();
    for (turn, (transport, users)) in ["udp", "tcp"].into_iter().zip(users.chunks(USERS)).enumerate() {
        let list = folder.write(transport, users.join("\n"), 0o600);
        // Over UDP no more at once than the kernel's buffers hold of their answers.
        let ended = program::run([
            "load",
            &daemon.kerberos()[0].to_string(),
            "--realm",
            &lab.realm,
            "--keytab",
            lab.keytabs.azuread.to_str().unwrap(),
            "--users",
            list.to_str().unwrap(),
            "--once",
            "--in-flight",
            if transport == "udp" { "100" } else { "250" },
            "--transport",
            transport,
            "--timeout",
            "10s",
            "--json",
        ]);
        let report: Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
        assert_eq!(report["answers"]["granted"], USERS, "{report:#}");
        let served = (turn + 1) * USERS;
        assert_eq!(daemon.counter(r#"tgtx_exchanges_total{result="issued"}"#), served as u64);
        assert_eq!(daemon.counter(r#"tgtx_ldap_searches_total{result="ok"}"#), served as u64);
    }
}
