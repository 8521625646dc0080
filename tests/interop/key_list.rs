//! The key list, asked for by impacket's own client for it (`KeyListSecrets`, which the key list attack is made with),
//! and what the NT hash it gets is good for at the domain controller.
//!
//! That client asks port 88 and nothing else, so each daemon here has an address of its own.

use std::env;
use std::process::Command;

use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

const RELEASED: &str = "tgtx_keys_released_total{etype=\"rc4-hmac\"}";

/// A daemon at a loopback address, port 88, with the key list on or off.
struct Kdc {
    daemon: Daemon,
    host: &'static str,
}

impl Kdc {
    fn start(lab: &Lab, host: &'static str, key_list: bool, require_body_checksum: bool) -> Self {
        // What is under `[domain.ldap]` ends where the next table begins.
        let users = &lab.keytabs.users;
        let more = format!("[domain.key-list]\nenabled = {key_list}\nkeytabs = [{users:?}]\n");
        let settings = Settings {
            kerberos: vec![format!("{host}:88")],
            require_body_checksum,
            more,
            ..Settings::of(lab)
        };
        Self { daemon: Daemon::start(&settings), host }
    }

    /// What impacket's client gets for the user; as released, its ticket has no PAC.
    fn ask(&self, lab: &Lab, user: &User, with_pac: bool) -> Value {
        let python = env::var_os("TGTX_IMPACKET_PYTHON").expect("TGTX_IMPACKET_PYTHON; run tests/run");
        let mut client = Command::new(python);
        client
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/clients/impacket_key_list.py"))
            .args(["--kdc", self.host, "--realm", &lab.realm])
            .args(["--branch", &lab.branch("azuread").number.to_string()])
            .args(["--user", &user.name, "--password", &user.password])
            .arg("--keytab")
            .arg(&lab.keytabs.azuread);
        if with_pac {
            client.args(["--sid", &user.sid]);
        }
        let events = self.daemon.audit().len();
        let ended = program::end(&mut client);
        assert_eq!(ended.status, Some(0), "{}: {ended:?}", user.name);
        self.daemon.wait_until("logged", || self.daemon.audit().len() > events);
        serde_json::from_str(&ended.output).expect("JSON")
    }

    fn gets_nothing(&self, lab: &Lab, user: &User, with_pac: bool) {
        let told = self.ask(lab, user, with_pac);
        assert_eq!(told["hash"], Value::Null, "{}: {told}", user.name);
    }

    /// The last request ends with this event. The log comes through a pipe, after the reply.
    fn last_event_is(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        self.daemon.wait_until(what, || self.daemon.audit().last().is_some_and(&holds));
    }

    fn last_was(&self, outcome: &str) {
        self.last_event_is(outcome, |event| event["outcome"] == outcome);
    }

    fn last_was_refused(&self, code: i64, reason: &str) {
        self.last_event_is(reason, |event| event["reason"] == reason && event["krb_error"] == code);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn impacket_gets_the_hash_of_whom_the_lists_allow_and_it_opens_an_ntlm_session() {
    let lab = Lab::from_environment();
    let kdc = Kdc::start(&lab, "127.0.0.21", true, false);
    for key in ["alice", "bob", "many"] {
        let user = lab.user(key);
        let told = kdc.ask(&lab, user, true);
        assert_eq!(told["of_password"], true, "{key}: {told}");
        kdc.last_was("keys_released");
        let hash = told["hash"].as_str().expect("a hash");
        let session = smb_session(&lab, user, hash);
        assert_eq!(session.status, Some(0), "{key}: {session:?}");
    }
    assert_eq!(kdc.daemon.counter(RELEASED), 3);
    // A session that any hash opened would show nothing.
    let stranger = smb_session(&lab, lab.user("alice"), &"0".repeat(32));
    assert_ne!(stranger.status, Some(0), "{stranger:?}");
    assert!(format!("{stranger:?}").contains("NT_STATUS_LOGON_FAILURE"), "{stranger:?}");

    let refused = [
        ("denied", 20, "never_reveal"),
        ("nested_da", 20, "never_reveal"),
        ("unlisted", 20, "not_on_allow_list"),
        ("disabled", 18, "account_disabled"),
        ("password_expired", 23, "password_expired"),
    ];
    for (key, code, reason) in refused {
        kdc.gets_nothing(&lab, lab.user(key), true);
        kdc.last_was_refused(code, reason);
    }
    // A Protected User gets the ticket alone.
    kdc.gets_nothing(&lab, lab.user("protected"), true);
    kdc.last_was("issued");
    assert_eq!(kdc.daemon.counter(RELEASED), 3);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn impacket_gets_no_hash_where_the_key_list_is_off() {
    let lab = Lab::from_environment();
    let kdc = Kdc::start(&lab, "127.0.0.22", false, false);
    kdc.gets_nothing(&lab, lab.user("alice"), true);
    kdc.last_event_is("issued without keys", |event| {
        event["notes"].as_array().is_some_and(|notes| notes.contains(&"keylist_ignored".into()))
    });
    kdc.gets_nothing(&lab, lab.user("denied"), true);
    kdc.last_was_refused(20, "never_reveal");
    assert_eq!(kdc.daemon.counter(RELEASED), 0);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn impacket_as_released_gets_no_hash_whatever_is_configured() {
    let lab = Lab::from_environment();
    let alice = lab.user("alice");
    let lenient = Kdc::start(&lab, "127.0.0.23", true, false);
    lenient.gets_nothing(&lab, alice, false);
    lenient.last_was_refused(20, "no_pac");
    // Its authenticator has no checksum either, which by default is required before anything else is looked at.
    let default = Kdc::start(&lab, "127.0.0.24", true, true);
    for with_pac in [false, true] {
        default.gets_nothing(&lab, alice, with_pac);
        default.last_was_refused(50, "checksum_missing");
    }
}

/// Logs on to the domain controller's SMB with nothing but the hash.
fn smb_session(lab: &Lab, user: &User, hash: &str) -> Ended {
    program::end(
        Command::new("smbclient")
            .arg(format!("//{}/IPC$", lab.kdc.ip()))
            .args(["--configfile=/dev/null", "--use-kerberos=off", "--pw-nt-hash", "--command=exit"])
            .arg(format!("--user={}/{}%{hash}", lab.netbios_name, user.name)),
    )
}
