//! `tgtx load` against the daemon: its answers are counted for what they are.

use serde_json::Value;
use tgtx_tests::folder::Folder;
use tgtx_tests::program::{self, Ended};

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, DOMAIN_SID, DORA, Domain, REALM, User};

/// Answers that fit a datagram.
const LARGE_REPLIES: &str = "udp-reply-limit = 65000";

/// Runs `tgtx load` for these users against the daemon, with the keys of `domain`.
fn load(daemon: &Daemon, domain: &Domain, users: &[User], arguments: &str) -> Ended {
    let folder = Folder::new();
    let keytab = folder.write("keytab", domain.keytab(REALM), 0o600);
    let list: String =
        users.iter().map(|user| format!("{} {DOMAIN_SID}-{}\n", user.name, user.rid)).collect();
    let users = folder.write("users", list, 0o600);
    let kdc = daemon.address().to_string();
    let mut all = vec!["load", &kdc, "--realm", REALM, "--keytab", keytab.to_str().unwrap()];
    all.extend(["--users", users.to_str().unwrap()]);
    all.extend(arguments.split_whitespace());
    program::run(all)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("{ended:?}"))
}

#[test]
fn each_transport_gets_a_ticket_for_each_request() {
    let daemon = Daemon::start(&Settings { listen: LARGE_REPLIES, ..Settings::default() });
    for transport in ["udp", "tcp", "tcp-kept"] {
        let pid = daemon.id();
        let arguments = format!("--transport {transport} --requests 300 --verify all --pid {pid} --json");
        let ended = load(&daemon, &daemon.domain, &[ALICE], &arguments);
        let report = json(&ended);
        assert_eq!((ended.status, ended.errors.as_str()), (Some(0), ""), "{report:#}");
        let answers = &report["answers"];
        assert_eq!((&answers["granted"], &answers["opened"]), (&300.into(), &300.into()), "{report:#}");
        assert_eq!((&report["transport"], &report["right"]), (&transport.into(), &true.into()));
        assert!(report["server"]["cpu_us"].as_f64().unwrap() > 0.0, "{report:#}");
        assert!(report["server"]["peak_memory"].as_u64().unwrap() > 1 << 20, "{report:#}");
        assert!(report["latency_us"]["p50"].as_f64().unwrap() > 0.0, "{report:#}");
        assert!(report["longest_gap_us"].as_f64().unwrap() > 0.0, "{report:#}");
        assert_eq!(daemon.sample("tgtx_retransmits_total"), 0);
        assert_eq!(daemon.sample("tgtx_replays_total"), 0);
    }
    assert_eq!(daemon.sample(r#"tgtx_exchanges_total{result="issued"}"#), 900);
}

#[test]
fn threads_and_source_addresses_share_the_requests() {
    let daemon = Daemon::start(&Settings::default());
    let ended = load(
        &daemon,
        &daemon.domain,
        &[ALICE],
        "--transport tcp-kept --in-flight 3 --requests 60 --threads 2",
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.output.contains("60 tickets"), "{ended:?}");
    let ended = load(
        &daemon,
        &daemon.domain,
        &[ALICE],
        "--transport tcp --in-flight 3 --requests 60 --source 127.0.0.3 --source 127.0.0.4",
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn an_open_loop_sends_what_is_due_and_no_more() {
    let daemon = Daemon::start(&Settings { listen: LARGE_REPLIES, ..Settings::default() });
    let ended = load(&daemon, &daemon.domain, &[ALICE], "--rate 400 --duration 500ms --threads 2 --json");
    let report = json(&ended);
    assert_eq!((&report["exchanges"], &report["rate"]), (&200.into(), &400.into()), "{report:#}");
}

#[test]
fn each_user_is_asked_for_once_and_a_warm_up_comes_before() {
    let daemon = Daemon::start(&Settings { listen: LARGE_REPLIES, ..Settings::default() });
    let report = json(&load(&daemon, &daemon.domain, &[ALICE, DORA], "--once --threads 2 --json"));
    assert_eq!(report["answers"]["granted"], 1, "{report:#}");
    assert_eq!(report["answers"]["denied"]["KDC_ERR_TGT_REVOKED"], 1, "{report:#}");
    let report = json(&load(&daemon, &daemon.domain, &[ALICE], "--warm-up --requests 5 --json"));
    assert_eq!((&report["warm_up"]["granted"], &report["answers"]["granted"]), (&1.into(), &5.into()));
}

#[test]
fn refusals_are_counted_by_name_and_fail_unless_they_are_expected() {
    let daemon = Daemon::start(&Settings::default());
    // Without the larger limit no ticket fits a datagram.
    for (user, arguments, status, text) in [
        (DORA, "", 1, "20 KDC_ERR_TGT_REVOKED"),
        (DORA, "--expect 20", 0, "20 KDC_ERR_TGT_REVOKED"),
        (ALICE, "", 1, "20 too big for a datagram"),
        (ALICE, "--expect 52", 0, "20 too big for a datagram"),
        (ALICE, "--expect 20", 1, "20 too big for a datagram"),
    ] {
        let ended = load(&daemon, &daemon.domain, &[user], &format!("--requests 20 {arguments}"));
        assert_eq!(ended.status, Some(status), "{arguments}: {ended:?}");
        assert!(ended.output.contains(&format!("answers    0 tickets, {text}")), "{arguments}: {ended:?}");
    }
}

#[test]
fn with_a_key_that_is_not_the_branchs_nothing_is_right() {
    let daemon = Daemon::start(&Settings::default());
    let ended = load(&daemon, &Domain::draw(), &[ALICE], "--requests 20 --json");
    let report = json(&ended);
    assert_eq!((ended.status, &report["right"]), (Some(1), &false.into()));
    assert_eq!(report["answers"]["denied"]["KRB_AP_ERR_BAD_INTEGRITY"], 20, "{report:#}");
}

#[test]
fn requests_that_nobody_answers_are_lost_or_failed() {
    let daemon = Daemon::start(&Settings::default());
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let keytab = folder.write("keytab", daemon.domain.keytab(REALM), 0o600);
    let users = folder.write("users", format!("alice {DOMAIN_SID}-1104\n"), 0o600);
    for (transport, text) in [("udp", ", 3 lost"), ("tcp", ", 3 Connection refused")] {
        let ended = program::run([
            "load",
            &address,
            "--realm",
            REALM,
            "--keytab",
            keytab.to_str().unwrap(),
            "--users",
            users.to_str().unwrap(),
            "--transport",
            transport,
            "--requests",
            "3",
            "--timeout",
            "50ms",
        ]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.output.contains(text), "{ended:?}");
    }
}

#[test]
fn a_list_that_is_none_is_refused_by_line() {
    let daemon = Daemon::start(&Settings::default());
    let nobody = User { name: "", rid: 0 };
    let ended = load(&daemon, &daemon.domain, &[ALICE, nobody], "--once");
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("line 2: not a user"), "{ended:?}");
}
