//! Keys of users: what their release leaves in log and metrics, and keytabs that change, or are not as they should be.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kdc::client::ccache::Ccache;
use kdc::krb::keytab::{Entry, Keytab};
use serde_json::Value;
use tgtx_tests::folder::{self, Folder};
use tgtx_tests::program;
use zeroize::Zeroizing;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, DOMAIN_SID, DORA, Domain, LDIF, REALM, code, exchange, granted};
use super::wire::{Tcp, Udp};

const RELEASED: &str = "tgtx_keys_released_total{etype=\"rc4-hmac\"}";
const FAILED: &str = "tgtx_user_key_reads_total{result=\"failed\"}";

/// A keytab with keys of alice and dora, all of one octet.
fn keytab(kvno: u32, octet: u8) -> Vec<u8> {
    let entry = |(name, etype, length): (&str, i32, usize)| Entry {
        realm: REALM.into(),
        components: vec![name.into()],
        name_type: 1,
        timestamp: 0,
        kvno,
        etype,
        key: Zeroizing::new(vec![octet; length]),
    };
    let entries = [("alice", 23, 16), ("alice", 18, 32), ("dora", 23, 16), ("WS1$", 23, 16)].map(entry);
    Keytab::new(entries.into()).to_bytes().unwrap().to_vec()
}

/// `[domain.cache]` goes on, then the key list follows.
fn lines(poll: &str, keytab: &Path) -> String {
    format!("poll = {poll:?}\n[domain.key-list]\nenabled = true\nkeytabs = [{keytab:?}]\n")
}

struct Users {
    daemon: Daemon,
    keytab: PathBuf,
    folder: Folder,
}

impl Users {
    fn start(poll: &str) -> Self {
        let folder = Folder::new();
        let keytab = folder.write("users.keytab", keytab(3, 0x41), 0o600);
        let daemon = Daemon::start(&Settings { more: lines(poll, &keytab), ..Settings::default() });
        Self { daemon, keytab, folder }
    }

    /// Puts another file in the keytab's place, whole, as a good tool does.
    fn replace(&self, octets: &[u8], mode: u32) {
        let new = self.folder.write("new.keytab", octets, mode);
        fs::rename(new, &self.keytab).unwrap();
    }

    /// The first octet of the NT hash that alice gets.
    fn hash(&self) -> u8 {
        let credential = self.daemon.domain.credential(ALICE);
        let mut exchange = exchange(&credential);
        exchange.key_list = Some(vec![23, 18]);
        let reply = Tcp::to(self.daemon.address()).ask(&exchange.encode().unwrap());
        let granted = granted(&reply, &exchange);
        let [key] = granted.key_list.as_slice() else { panic!("{} keys", granted.key_list.len()) };
        assert_eq!((key.etype, key.octets.len()), (23, 16));
        key.octets[0]
    }

    fn becomes(&self, octet: u8) {
        eventually("the new keys are in use", || (self.hash() == octet).then_some(()));
    }

    fn events(&self, key: &str, value: &str) -> Vec<Value> {
        let log = self.daemon.log_text();
        let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event[key] == value).collect()
    }
}

#[test]
fn each_release_is_an_event_and_a_count_and_no_key_is_in_them() {
    let users = Users::start("5s");
    let (alice, dora) = (users.daemon.domain.credential(ALICE), users.daemon.domain.credential(DORA));
    let mut asks = exchange(&alice);
    asks.key_list = Some(vec![18, 23]);
    let request = asks.encode().unwrap();
    let reply = Tcp::to(users.daemon.address()).ask(&request);
    assert_eq!(granted(&reply, &asks).key_list.len(), 1);
    assert!(Tcp::to(users.daemon.address()).ask(&request) == reply, "a retransmit");
    assert_eq!(code(&Udp::to(users.daemon.address()).ask(&request)), 52, "and one over UDP");
    let mut denied = exchange(&dora);
    denied.key_list = Some(vec![23]);
    assert_eq!(code(&Tcp::to(users.daemon.address()).ask(&denied.encode().unwrap())), 20);
    let silent = exchange(&alice);
    granted(&Tcp::to(users.daemon.address()).ask(&silent.encode().unwrap()), &silent);

    users.daemon.counts(RELEASED, 1);
    users.daemon.counts("tgtx_keys_released_total{etype=\"aes256-cts-hmac-sha1-96\"}", 0);
    users.daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 2);
    // Two tickets, one with keys, two retransmits and a refusal.
    let events = users.daemon.audited(6);
    let of = |outcome| events.iter().filter(|event| event["outcome"] == outcome).collect::<Vec<_>>();
    let [event] = of("keys_released")[..] else { panic!("{events:#?}") };
    assert_eq!(
        (&event["client_name"], &event["released_etypes"]),
        (&"alice".into(), &serde_json::json!([23])),
        "{event}"
    );
    assert_eq!(event["client_sid"], format!("{DOMAIN_SID}-{}", ALICE.rid), "{event}");
    assert_eq!((&event["released_kvno"], &event["branch_id"]), (&3.into(), &30775.into()), "{event}");
    assert_eq!((of("issued").len(), of("retransmitted").len(), events.len()), (2, 2, 6), "{events:#?}");
    let text = users.daemon.log_text() + &users.daemon.audit_text() + &users.daemon.http("/metrics");
    for key in ["41414141", "AAAAAAAA", "65, 65, 65", "QUFBQUFB"] {
        assert!(!text.contains(key), "{key} in {text}");
    }
}

#[test]
fn a_new_keytab_is_in_use_without_a_restart_and_a_bad_one_never() {
    let users = Users::start("100ms");
    assert_eq!(users.hash(), 0x41);
    users.replace(&keytab(4, 0x42), 0o600);
    users.becomes(0x42);
    assert_eq!(users.daemon.sample(FAILED), 0);

    let bad: [(&[u8], u32, &str); 3] = [
        (&keytab(5, 0x43)[..60], 0o600, "is cut short"),
        (&keytab(5, 0x43), 0o644, "may be read or written by group or others"),
        (b"", 0o600, "is empty"),
    ];
    for (octets, mode, fault) in bad {
        users.replace(octets, mode);
        eventually("the fault is told", || {
            let told = users.events("level", "ERROR");
            told.iter().find(|event| event["message"].as_str().unwrap().contains(fault)).map(|_| ())
        });
        assert_eq!(users.hash(), 0x42, "what was read before stays: {fault}");
    }
    fs::remove_file(&users.keytab).unwrap();
    eventually("its absence is told", || users.daemon.log_text().contains("does not exist").then_some(()));
    assert_eq!(users.hash(), 0x42);
    assert!(users.daemon.sample(FAILED) >= 4);

    users.replace(&keytab(5, 0x43), 0o600);
    users.becomes(0x43);
    // Mended without a change of the file itself.
    fs::set_permissions(&users.keytab, Permissions::from_mode(0o604)).unwrap();
    let failed = users.daemon.sample(FAILED);
    eventually("it is refused", || (users.daemon.sample(FAILED) > failed).then_some(()));
    fs::set_permissions(&users.keytab, Permissions::from_mode(0o600)).unwrap();
    users.becomes(0x43);
}

#[test]
fn sighup_reads_user_keys_at_once() {
    let users = Users::start("59s");
    users.replace(&keytab(4, 0x44), 0o600);
    assert_eq!(users.hash(), 0x41);
    users.daemon.hang_up();
    users.becomes(0x44);
}

#[test]
fn the_exchange_command_shows_keys_only_where_asked_and_out_of_armour_too() {
    let users = Users::start("5s");
    let partial = Ccache::of(users.daemon.domain.credential(ALICE)).to_bytes().unwrap();
    let partial = users.folder.write("partial.ccache", &*partial, 0o600);
    let kdc = users.daemon.address().to_string();
    let exchange = |more: &[&str]| {
        let ended = program::run([&["exchange", &kdc, "--ccache", partial.to_str().unwrap()], more].concat());
        assert_eq!(ended.status, Some(0), "{more:?}: {ended:?}");
        ended.output
    };
    let hash = "41".repeat(16);
    for armour in [&[][..], &["--fast"]] {
        for (options, shown) in [
            (&["--key-list", "--show-keys"][..], true),
            (&["--key-list", "--show-keys", "--json"], true),
            (&["--key-list"], false),
            (&["--key-list", "--json"], false),
        ] {
            let told = exchange(&[armour, options].concat());
            assert_eq!(told.contains(&hash), shown, "{armour:?} {options:?}: {told}");
        }
    }
    users.daemon.counts(RELEASED, 8);
}

/// `tgtx` with a configuration whose keytab of user keys is as given.
fn run(users: &[u8], mode: u32, verb: &[&str]) -> program::Ended {
    let folder = Folder::new();
    let keytab = folder.write("keytab", Domain::draw().keytab(REALM), 0o600);
    let ldif = folder.write("domain.ldif", LDIF, 0o600);
    let more = lines("5s", &folder.write("users.keytab", users, mode));
    let config = folder.path("tgtx.toml");
    let domain = format!(
        "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\n\
         [[domain]]\nrealm = \"{REALM}\"\nkeytabs = [{keytab:?}]\ndirectory = \"ldif:{}\"\n[domain.cache]\n{more}",
        ldif.display()
    );
    folder::write(&config, domain, 0o600);
    let config = config.to_str().unwrap();
    program::run([verb, &["--config", config]].concat())
}

#[test]
fn a_keytab_of_user_keys_that_cannot_be_used_ends_the_start_with_78() {
    let no_user = Keytab::new(Vec::new()).to_bytes().unwrap();
    let cases: [(&[u8], u32, &str); 4] = [
        (&keytab(1, 1), 0o640, "chmod 600 it"),
        (&keytab(1, 1), 0o604, "chmod 600 it"),
        (b"no keytab", 0o600, "export it anew"),
        (&no_user, 0o600, "no key of a user of DEMO.EXAMPLE"),
    ];
    for (octets, mode, expected) in cases {
        let ended = run(octets, mode, &["serve"]);
        assert_eq!(ended.status, Some(78), "{ended:?}");
        assert!(ended.errors.contains("users.keytab") && ended.errors.contains(expected), "{ended:?}");
        let checked = run(octets, mode, &["check"]);
        assert_eq!(checked.status, Some(1), "{checked:?}");
        assert!(checked.output.contains(expected), "{checked:?}");
    }
}

#[test]
fn check_and_explain_tell_of_the_keys_and_show_none() {
    let checked = run(&keytab(3, 0x41), 0o600, &["check"]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    for line in [
        "DEMO.EXAMPLE: the key list is on: keys of 2 users, rc4-hmac",
        "entries of user keytabs not used: 1 not of a user by sAMAccountName",
        "entries of user keytabs not used: 1 of a type that is not released",
    ] {
        assert!(checked.output.contains(line), "{}", checked.output);
    }
    let alice = run(&keytab(3, 0x41), 0o600, &["explain", "alice"]);
    assert!(alice.output.contains("rc4-hmac, kvno 3: released if asked for"), "{}", alice.output);
    for (name, expected) in
        [("alice", "\"key_list\":{\"etypes\":[23],\"kvno\":3}"), ("dora", "\"key_list\":null")]
    {
        let explained = run(&keytab(3, 0x41), 0o600, &["explain", name, "--json"]);
        assert!(explained.output.contains(expected), "{}", explained.output);
        assert!(!explained.output.contains("4141"), "{}", explained.output);
    }
}
