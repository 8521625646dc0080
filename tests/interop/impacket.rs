//! impacket's ASN.1, encryption and PAC code agrees with ours about tickets and refusals.

use std::env;
use std::process::Command;

use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::program;
use tgtx_tests::settings::Settings;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn impacket_reads_our_tickets_as_we_mean_them() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings { udp_reply_limit: 65_507, ..Settings::of(&lab) });
    let krbtgt = lab.keytabs.krbtgt.to_str().unwrap();
    let cases: [(&str, &[&str]); 5] = [
        ("alice", &["--transport", "tcp"]),
        ("alice", &["--transport", "udp"]),
        ("bob", &["--subkey"]),
        ("many", &["--key-list"]),
        ("mueller", &["--subkey", "--key-list"]),
    ];
    for (key, options) in cases {
        let user = lab.user(key);
        let told = exchange(&lab, &daemon, user, &[&["--krbtgt-keytab", krbtgt], options].concat());
        assert_eq!(told["error"], Value::Null, "{key}: {told}");
        let (reply, ticket) = (&told["reply"], &told["ticket"]);
        assert_eq!(ticket["sname"], serde_json::json!(["krbtgt", lab.realm]), "{told}");
        assert_eq!((&ticket["same_session_key"], &ticket["pacs"]), (&true.into(), &1.into()), "{told}");
        for time in ["authtime", "endtime"] {
            assert_eq!(ticket[time], reply[time], "{told}");
        }
        let pac = &ticket["pac"];
        assert_eq!(pac["server_signature_valid"], true, "{told}");
        assert_eq!(pac["kdc_signature_valid"], true, "{told}");
        assert_eq!(pac["effective_name"], *user.name, "{told}");
        assert_eq!(pac["client_name"], *user.name, "{told}");
        assert_eq!(pac["requestor"], *user.sid, "{told}");
        assert_eq!(pac["domain_sid"], *lab.domain_sid, "{told}");
        assert_eq!(pac["extra_sids"], serde_json::json!(["S-1-18-1"]), "{told}");
        let groups: Vec<String> = pac["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .map(|rid| format!("{}-{rid}", lab.domain_sid))
            .collect();
        assert_eq!(groups, user.tgt_groups, "{key}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn impacket_is_refused_for_the_same_reasons() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let bob = lab.user("bob").sid.clone();
    let cases: [(&str, &[&str], i64); 15] = [
        ("nested_da", &[], 20),
        ("unlisted", &[], 20),
        ("disabled", &[], 18),
        ("password_expired", &[], 23),
        ("alice", &["--requestor", &bob], 20),
        ("alice", &["--no-pac"], 20),
        ("alice", &["--no-requestor"], 20),
        ("alice", &["--bad-pac-signature"], 41),
        ("alice", &["--no-checksum"], 50),
        ("alice", &["--bad-checksum"], 41),
        ("alice", &["--skew", "-600"], 37),
        ("alice", &["--start", "600"], 33),
        ("alice", &["--start", "-3600", "--lifetime", "3000"], 32),
        ("alice", &["--kvno", "308740097"], 7),
        ("alice", &["--service", "cifs/dc1.lab.example"], 7),
    ];
    for (key, options, code) in cases {
        let told = exchange(&lab, &daemon, lab.user(key), options);
        assert_eq!(told["error"], code, "{key} {options:?}: {told}");
    }
}

fn exchange(lab: &Lab, daemon: &Daemon, user: &User, options: &[&str]) -> Value {
    let python = env::var_os("TGTX_IMPACKET_PYTHON").expect("TGTX_IMPACKET_PYTHON; run tests/run");
    let ended = program::end(
        Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/clients/impacket_exchange.py"))
            .args(["--kdc", &daemon.kerberos()[0].to_string(), "--realm", &lab.realm])
            .args(["--user", &user.name, "--sid", &user.sid])
            .arg("--keytab")
            .arg(&lab.keytabs.azuread)
            .args(options),
    );
    assert_eq!(ended.status, Some(0), "{options:?}: {ended:?}");
    serde_json::from_str(&ended.output).expect("JSON")
}
