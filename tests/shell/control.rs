//! The control socket and the verbs that use it: who may, what is said, and that no key is in it.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

use kdc::discovery::ping;
use serde_json::Value;
use tgtx_tests::program::{self, Ended};

use super::daemon::{Daemon, PATIENCE, Settings, eventually};
use super::domain::{ALICE, BRANCH_KVNO, REALM, branch_entry, exchange, granted, keytab};
use super::wire::{Tcp, Udp};

/// A verb, told by its configuration which daemon is meant.
fn tgtx(daemon: &Daemon, verb: &[&str]) -> Ended {
    let config = daemon.file("tgtx.toml");
    program::run([verb, &["--config", config.to_str().unwrap()]].concat())
}

fn json(daemon: &Daemon, verb: &[&str]) -> Value {
    let ended = tgtx(daemon, &[verb, &["--json"]].concat());
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// What a client gets that writes this.
fn answer(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(daemon.file("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(request);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn ticket(daemon: &Daemon) {
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    granted(&Tcp::to(daemon.address()).ask(&exchange.encode().unwrap()), &exchange);
}

/// The names of all members, those of a list's elements behind `[]`.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                found.insert(path.clone());
                members(value, &path, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| members(value, &format!("{path}[]"), found)),
        _ => {}
    }
}

/// The names in the table under this heading of the documentation.
fn documented(heading: &str) -> BTreeSet<String> {
    let text = include_str!("../../docs/lifecycle.md");
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let rows =
        section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn status_says_how_the_daemon_is_and_the_documentation_what_is_said() {
    let daemon = Daemon::start(&Settings::default());
    ticket(&daemon);
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 1);
    let status = json(&daemon, &["status"]);
    let mut found = BTreeSet::new();
    members(&status, "", &mut found);
    assert_eq!(found, documented("### Status as JSON"));
    assert_eq!(
        (&status["schema"], &status["state"], &status["ready"]),
        (&1.into(), &"serving".into(), &true.into())
    );
    assert_eq!(status["pid"], daemon.id());
    assert_eq!((&status["counters"]["requests"], &status["counters"]["issued"]), (&1.into(), &1.into()));
    assert_eq!(status["domains"][0]["keys"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["domains"][0]["krbtgt_versions_behind"], 0);

    let told = tgtx(&daemon, &["status"]);
    assert_eq!(told.status, Some(0), "{told:?}");
    assert!(told.output.contains(": ready\n") && told.output.contains("branch 30775"), "{}", told.output);

    daemon.reconfigure("realm", "relam");
    let told = tgtx(&daemon, &["reload"]);
    assert_eq!(told.status, Some(1), "{told:?}");
    assert!(told.errors.contains("unknown key `relam`; did you mean `realm`?"), "{told:?}");
    let told = tgtx(&daemon, &["status"]);
    assert_eq!(told.status, Some(0), "ready all the same");
    assert!(told.output.contains("NOT RELOADED") && told.output.contains("relam"), "{}", told.output);
}

#[test]
fn keys_list_names_keys_and_entries_not_used_and_shows_none() {
    let daemon = Daemon::start(&Settings::default());
    let mut entries = daemon.domain.entries(REALM);
    let secrets: Vec<Vec<u8>> = entries.iter().map(|entry| entry.key.to_vec()).collect();
    let mut stranger = branch_entry("OTHER.EXAMPLE", 1, &[7; 32]);
    stranger.components = vec![b"host".to_vec(), b"x".to_vec()];
    entries.push(stranger);
    daemon.replace("keytab", keytab(entries));
    assert_eq!(tgtx(&daemon, &["reload"]).status, Some(0));

    let keys = json(&daemon, &["keys", "list"]);
    let mut found = BTreeSet::new();
    members(&keys, "", &mut found);
    assert_eq!(found, documented("### Keys as JSON"));
    let [krbtgt, branch] = keys["keys"].as_array().unwrap().as_slice() else { panic!("{keys}") };
    assert_eq!(
        (&krbtgt["role"], &krbtgt["kvno"], &krbtgt["employment"]),
        (&"krbtgt".into(), &2.into(), &"issues".into())
    );
    assert_eq!((&branch["branch"], &branch["kvno"]), (&30775.into(), &BRANCH_KVNO.into()));
    assert_eq!(branch["employment"], "opens");
    assert_eq!(keys["skipped"][0]["reason"], "of another realm", "{keys}");

    let told = tgtx(&daemon, &["keys", "list"]);
    assert_eq!(told.status, Some(0), "{told:?}");
    assert!(told.output.contains("not used: "), "{}", told.output);
    let everything =
        keys.to_string() + &told.output + &json(&daemon, &["status"]).to_string() + &daemon.log_text();
    for secret in secrets {
        let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
        let list = format!("{secret:?}");
        for form in [&hex[..16], list.trim_matches(['[', ']'])] {
            assert!(!everything.to_lowercase().contains(form), "a key");
        }
    }
}

#[test]
fn a_key_in_use_goes_only_where_the_operator_says_so() {
    let daemon = Daemon::start(&Settings::default());
    let newer = branch_entry(REALM, BRANCH_KVNO + 1, &[9; 32]);
    daemon.replace("keytab", keytab(vec![daemon.domain.entries(REALM).swap_remove(0), newer]));
    let told = tgtx(&daemon, &["reload"]);
    assert_eq!(told.status, Some(1), "{told:?}");
    assert!(told.errors.contains(&format!("branch 30775, kvno {BRANCH_KVNO}")), "{told:?}");
    ticket(&daemon);

    let told = tgtx(&daemon, &["reload", "--allow-key-removal"]);
    assert_eq!((told.status, told.output.as_str()), (Some(0), "reloaded\n"), "{told:?}");
    let credential = daemon.domain.credential(ALICE);
    let reply = Tcp::to(daemon.address()).ask(&exchange(&credential).encode().unwrap());
    assert_eq!(super::domain::code(&reply), 31, "nobody opens it any more");
    assert_eq!(json(&daemon, &["keys", "list"])["keys"][1]["kvno"], BRANCH_KVNO + 1);
}

#[test]
fn what_is_no_request_gets_an_error_and_an_endless_one_an_end() {
    let daemon = Daemon::start(&Settings::default());
    let requests: [&[u8]; 5] =
        [b"\n", b"status\n", b"{\"ask\":\"reload\"}\n", b"{\"ask\":\"stop\"}\n", &[b' '; 100_000]];
    for request in requests {
        let answer = answer(&daemon, request);
        assert!(answer.is_empty() || answer.starts_with("{\"error\":\"not understood: "), "{answer}");
    }
    assert!(
        answer(&daemon, b"{\"ask\":\"status\"}\n").starts_with("{\"status\":{"),
        "it is there for the next"
    );
    let silent: Vec<UnixStream> =
        (0..40).map(|_| UnixStream::connect(daemon.file("control.sock")).unwrap()).collect();
    assert!(
        answer(&daemon, b"{\"ask\":\"status\"}\n").starts_with("{\"status\":{"),
        "behind forty who say nothing"
    );
    drop(silent);
}

#[test]
fn the_socket_is_for_root_and_the_group_and_goes_with_the_daemon() {
    let mut daemon =
        Daemon::start(&Settings { control: "group = \"daemon\"".to_owned(), ..Settings::default() });
    let socket = daemon.file("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    daemon.terminate();
    assert!(!socket.exists());
    let told = tgtx(&daemon, &["status"]);
    assert_eq!(told.status, Some(1), "{told:?}");
    assert!(told.errors.contains("control.sock: "), "{told:?}");
}

#[test]
#[ignore = "needs root, to ask as somebody else"]
fn a_stranger_is_refused_whatever_the_mode_and_a_member_of_the_group_is_not() {
    let daemon = Daemon::start(&Settings { control: "group = \"daemon\"".to_owned(), ..Settings::default() });
    let socket = daemon.file("control.sock");
    let ask = |uid: &str, gid: &str| {
        let mut client = Command::new("setpriv");
        client.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups"]);
        client.arg(program::tgtx()).args(["status", "--socket"]).arg(&socket);
        program::end(&mut client)
    };
    fs::set_permissions(daemon.file(""), Permissions::from_mode(0o755)).unwrap();
    let (nobody, member) = (("65534", "65534"), ("65534", "1"));
    assert_eq!(ask(nobody.0, nobody.1).status, Some(1), "by its mode");
    assert_eq!(ask(member.0, member.1).status, Some(0), "as a member of daemon");
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(ask(nobody.0, nobody.1).status, Some(1), "by who it is");
    eventually("it is told", || daemon.log_text().contains("refused on the control socket").then_some(()));
}

#[test]
fn who_drains_is_not_ready_and_not_found_serves_on_and_stops_in_the_end() {
    let mut daemon = Daemon::start(&Settings {
        listen: "cldap = [\"127.0.0.1:0\"]\ndrain-grace = \"3s\"",
        ..Settings::default()
    });
    let cldap = json(&daemon, &["status"])["listening"]["cldap"][0].as_str().unwrap().parse().unwrap();
    let pings = Udp::to(cldap);
    let request = ping(1, &[("DnsDomain", REALM.as_bytes()), ("NtVer", &[6])]);
    assert!(!pings.ask(&request).is_empty());

    let told = tgtx(&daemon, &["drain"]);
    assert_eq!(told.status, Some(0), "{told:?}");
    assert!(told.output.starts_with("draining; stops in "), "{told:?}");
    let ready = daemon.http("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("\"name\":\"not_draining\""), "{ready}");
    assert_eq!(tgtx(&daemon, &["status"]).status, Some(1));
    assert_eq!(json(&daemon, &["status"])["state"], "draining");
    pings.send(&request);
    daemon.counts("tgtx_discovery_pings_total{result=\"not_ready\"}", 1);
    assert_eq!(pings.peek(), None);
    ticket(&daemon);
    // Not once more from the beginning.
    assert_eq!(tgtx(&daemon, &["drain"]).status, Some(0));
    assert!(daemon.ends().success());
}
