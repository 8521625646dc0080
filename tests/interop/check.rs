//! `tgtx check --online` against a real domain controller: what it finds where all is well, and where one thing is not.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kdc::krb::keytab::{Entry, Keytab};
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

/// Moves the clock of a program that it is preloaded into (Debian's libfaketime).
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

fn check(settings: &Settings, options: &[&str], environment: &[(&str, &str)]) -> Ended {
    let folder = Folder::new();
    let config = folder.write("tgtx.toml", settings.to_toml(), 0o644);
    let mut command = Command::new(program::tgtx());
    command.args(["check", "--online", "--config"]).arg(config).args(options);
    program::end(command.envs(environment.iter().copied()))
}

/// What was found, as `severity about text`, without what is said of DNS: nothing resolves the lab's names.
fn found(settings: &Settings, environment: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let ended = check(settings, &["--json"], environment);
    let json: Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(json["schema"], 1);
    assert_eq!(json["ok"], ended.status == Some(0), "{json}");
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
    let findings = json["findings"].as_array().unwrap().iter();
    let lines = findings.filter(|finding| finding["about"] != "dns").map(|finding| {
        format!("{} {} {}", text(finding, "severity"), text(finding, "about"), text(finding, "text"))
    });
    (ended.status, lines.collect())
}

#[track_caller]
fn assert_found(lines: &[String], expected: &str) {
    let (kind, part) = expected.split_once(": ").unwrap();
    let is_it = |line: &&String| line.starts_with(kind) && line.contains(part);
    assert_eq!(lines.iter().filter(is_it).count(), 1, "{expected}: {lines:#?}");
}

/// A copy of a keytab whose entries have other versions.
fn with_kvno(folder: &Folder, keytab: &Path, kvno: impl Fn(u32) -> u32) -> PathBuf {
    let read = Keytab::parse(&fs::read(keytab).unwrap()).unwrap();
    let entry = |entry: &Entry| Entry {
        realm: entry.realm.clone(),
        components: entry.components.clone(),
        name_type: entry.name_type,
        timestamp: entry.timestamp,
        kvno: kvno(entry.kvno),
        etype: entry.etype,
        key: entry.key.clone(),
    };
    let entries: Vec<Entry> = read.entries().iter().map(entry).collect();
    let name = format!("{:x}.keytab", entries[0].kvno);
    folder.write(&name, Keytab::new(entries).to_bytes().unwrap(), 0o600)
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_good_configuration_has_nothing_for_check_to_find() {
    let lab = Lab::from_environment();
    let settings = Settings::of(&lab);
    let (status, lines) = found(&settings, &[]);
    assert_eq!(status, Some(0), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("warning") || line.starts_with("error")), "{lines:#?}");
    let number = lab.branch("azuread").number;
    for expected in [
        format!("ok directory: {}:636 answers, bound as {}", lab.ldaps, lab.service_account.dn),
        "ok clock: our clock is ".to_owned(),
        "ok keys: the krbtgt key is the domain's current one".to_owned(),
        format!("ok branches: branch {number} serves: "),
        format!("ok keys: branch {number}: the key of version 1 is the current one"),
        "ok ports: [listen] metrics ".to_owned(),
    ] {
        assert_found(&lines, &expected);
    }
    let quiet = check(&settings, &["--quiet"], &[]);
    assert_eq!(quiet.status, Some(0), "{quiet:?}");
    assert!(quiet.output.lines().all(|line| line.starts_with("warning  LAB.EXAMPLE: ")), "{quiet:?}");
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn one_server_of_two_that_does_not_answer_is_a_warning() {
    let lab = Lab::from_environment();
    let closed = {
        // A port that was free a moment ago.
        let listener = TcpListener::bind((lab.forwarder_addresses[0], 0)).unwrap();
        format!("ldaps://{}", listener.local_addr().unwrap())
    };
    let (status, lines) =
        found(&Settings { urls: vec![closed.clone(), lab.ldaps.clone()], ..Settings::of(&lab) }, &[]);
    assert_eq!(status, Some(0), "{lines:#?}");
    assert_found(&lines, &format!("warning directory: {closed} cannot be reached (connection refused)"));
    assert_found(&lines, "ok directory: answers, bound as ");
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn keys_that_are_missing_or_of_another_version_than_the_directory_s_are_found() {
    let lab = Lab::from_environment();
    let folder = Folder::new();
    let branch = lab.branch("azuread");
    let cases = [
        (
            vec![lab.keytabs.krbtgt.clone()],
            Some(1),
            "error keys: no key of a branch in its keytabs".to_owned(),
        ),
        (
            vec![lab.keytabs.krbtgt.clone(), with_kvno(&folder, &branch.keytab, |kvno| kvno & 0xffff_0000)],
            Some(1),
            format!("error keys: branch {}: its key has version 1 in the directory and 0 in", branch.number),
        ),
        (
            vec![lab.keytabs.krbtgt.clone(), with_kvno(&folder, &branch.keytab, |kvno| kvno + 1)],
            Some(0),
            format!("note keys: branch {}: its key has version 2 in the keytab and 1 in", branch.number),
        ),
        (
            vec![
                lab.keytabs.krbtgt.clone(),
                with_kvno(&folder, &branch.keytab, |kvno| kvno & 0xffff | 0x1234_0000),
            ],
            Some(1),
            "error branches: branch 4660: no account of the domain has this number".to_owned(),
        ),
    ];
    for (keytabs, expected_status, expected) in cases {
        let (status, lines) = found(&Settings { keytabs, ..Settings::of(&lab) }, &[]);
        assert_eq!(status, expected_status, "{lines:#?}");
        assert_found(&lines, &expected);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_clock_that_is_off_is_warned_of_and_beyond_the_skew_an_error() {
    let lab = Lab::from_environment();
    for (offset, expected_status, expected) in [
        ("+120s", Some(0), "warning clock: our clock is 1"),
        ("+600s", Some(1), "error clock: our clock is "),
    ] {
        let moved = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let (status, lines) = found(&Settings::of(&lab), &moved);
        assert_eq!(status, expected_status, "{lines:#?}");
        assert_found(&lines, expected);
        assert!(lines.iter().any(|line| line.contains(" s ahead of that of ldaps://")), "{lines:#?}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_daemon_whose_clock_is_off_says_by_how_much_and_is_not_ready() {
    let lab = Lab::from_environment();
    let offset = |daemon: &Daemon| {
        let metrics = daemon.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("tgtx_clock_offset_seconds{server_index=\"0\"} "));
        line.and_then(|number| number.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let right = Daemon::start(&Settings::of(&lab));
    right.wait_long("the offset told", Duration::from_secs(30), || offset(&right).abs() < 30.0);

    let moved = [("LD_PRELOAD", FAKETIME), ("FAKETIME", "+600s"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let wrong = Daemon::launch_with(Folder::new(), &Settings::of(&lab).to_toml(), &moved);
    // Gauges of this kind are told every ten seconds.
    wrong.wait_long("the offset told", Duration::from_secs(30), || (offset(&wrong) + 600.0).abs() < 30.0);
    let (status, readiness) = wrong.readiness();
    assert_eq!(status, 503, "{readiness}");
    let checks = readiness["checks"].as_array().unwrap();
    let failing: Vec<&Value> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert!(matches!(failing.as_slice(), [clock] if clock["name"] == "clock"), "{readiness}");
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn whom_is_relayed_to_is_tried_and_ports_of_a_daemon_that_runs_are_its_own() {
    let lab = Lab::from_environment();
    let closed = {
        let listener = TcpListener::bind((lab.forwarder_addresses[0], 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let daemon = Daemon::start(&Settings::of(&lab));
    let serving = daemon.kdc(kdc::client::transport::Protocol::Tcp).address;
    let settings = Settings {
        kerberos: vec![serving.to_string()],
        more: format!("[domain.relay]\nkdcs = [\"{}\", \"{closed}\"]\n", lab.kdc),
        ..Settings::of(&lab)
    };
    let (status, lines) = found(&settings, &[]);
    assert_eq!(status, Some(0), "{lines:#?}");
    assert_found(&lines, &format!("ok relay: {} answers over TCP", lab.kdc));
    assert_found(&lines, &format!("warning relay: {closed} cannot be reached"));
    assert_found(&lines, &format!("note ports: [listen] kerberos {serving} is served by tgtx"));
}
