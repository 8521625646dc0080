//! Samba's own tests of a KDC, in the strict mode that Windows passes, about armoured requests: another implementation's
//! FAST, and what Windows puts into an answer.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use kdc::client::transport::Protocol;
use serde_json::{Value, json};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange, read_keytab};
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::settings::Settings;

/// AES256 and FAST: the lab's keytab has a key of that type alone.
const SUPPORTED_ETYPES: u32 = 0x1_0010;

/// Where Debian has Samba's Python modules.
const SAMBA: &str = "/usr/lib/python3/dist-packages";

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn armoured_answers_pass_samba_s_strict_checks() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    // hide-client-names(1) in a reply is left out: Windows keeps the realm there, RFC 6113 does not.
    let cases = [
        ("alice", json!({})),
        ("many", json!({})),
        ("alice", json!({ "inner": { "etype": [17] } })),
        ("alice", json!({ "errors": [93], "fast_options": "001" })),
        ("alice", json!({ "errors": [24], "subkey": false, "edata": false })),
        ("alice", json!({ "errors": [7], "inner": { "sname": null } })),
        ("alice", json!({ "errors": [14], "inner": { "etype": [] } })),
        ("nested_da", json!({ "errors": [20] })),
        ("unlisted", json!({ "errors": [20], "fast_options": "01" })),
    ];
    for (key, case) in cases {
        check(&lab, &daemon, lab.user(key), &case);
    }
}

/// A ticket of its own as armour, made as it should be: neither a branch's word for another user, nor a compound
/// identity.
#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn explicit_armour_made_by_samba_s_tests_is_refused() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let partial = Entra::of(&lab, "azuread").credential(lab.user("bob"));
    let outcome = ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial));
    let full = outcome.granted().expect("a full TGT").credential;
    for (code, armour) in [(20, &partial), (24, &full)] {
        let armour = json!({
            "client": lab.user("bob").name,
            "ticket": hex(&armour.ticket),
            "session_key": hex(&armour.key.octets),
        });
        let case = json!({ "errors": [code], "armour": armour, "edata": false });
        check(&lab, &daemon, lab.user("alice"), &case);
    }
}

fn check(lab: &Lab, daemon: &Daemon, user: &User, case: &Value) {
    let partial = Entra::of(lab, "azuread").credential(user);
    let keytab = read_keytab(&lab.keytabs.krbtgt);
    let krbtgt = keytab.entries().iter().find(|entry| entry.etype == 18).expect("an AES256 key");
    let kdc = daemon.kerberos()[0];
    let mut input = json!({
        "kdc": kdc.ip(),
        "port": kdc.port(),
        "realm": lab.realm,
        "client": user.name,
        "sid": user.sid,
        "ticket": hex(&partial.ticket),
        "session_key": hex(&partial.key.octets),
        "krbtgt_key": hex(&krbtgt.key),
        "krbtgt_kvno": krbtgt.kvno,
        "supported_etypes": SUPPORTED_ETYPES,
    });
    let object = input.as_object_mut().unwrap();
    object.extend(case.as_object().unwrap().clone());

    // impacket's environment, because it has pyasn1 too.
    let python = env::var_os("TGTX_IMPACKET_PYTHON").expect("TGTX_IMPACKET_PYTHON; run tests/run");
    let mut checks = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/clients/samba_fast.py"))
        .env("PYTHONPATH", SAMBA)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python");
    checks.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let ended = checks.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {case}: {said}", user.name);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
