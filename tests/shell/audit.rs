//! Audit events: what is told of whom, and what becomes of it when nobody takes it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{ALICE, DORA, as_req, code, exchange, granted};
use super::wire::Tcp;

const UNAVAILABLE: i32 = 29;
const REFUSED: &str = "tgtx_refusals_total{reason=\"audit_unavailable\"}";

fn with_audit(lines: &str) -> Settings {
    Settings { audit: lines.to_owned(), ..Settings::default() }
}

/// Trades alice's partial TGT; 0, or the error's code.
fn trade(daemon: &Daemon) -> i32 {
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let reply = Tcp::to(daemon.address()).ask(&exchange.encode().unwrap());
    if reply.first() == Some(&0x7e) {
        return code(&reply);
    }
    granted(&reply, &exchange);
    0
}

#[test]
fn each_request_about_somebody_is_an_event_and_a_stop_loses_none() {
    let mut daemon = Daemon::start(&Settings::default());
    let alice = daemon.domain.credential(ALICE);
    let request = exchange(&alice).encode().unwrap();
    let mut tcp = Tcp::to(daemon.address());
    for _ in 0..2 {
        tcp.ask(&request);
    }
    let dora = daemon.domain.credential(DORA);
    assert_eq!(code(&tcp.ask(&exchange(&dora).encode().unwrap())), 20);
    tcp.ask(&as_req(&[]));
    for _ in 0..100 {
        assert_eq!(trade(&daemon), 0);
    }
    let address = daemon.address();
    let (status, took) = daemon.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");

    let events = daemon.audit();
    let outcomes: Vec<&str> = events.iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes[..3], ["issued", "retransmitted", "refused"]);
    assert_eq!((outcomes.len(), &outcomes[3..]), (103, ["issued"; 100].as_slice()));
    let [first, _, refused] = &events[..3] else { unreachable!() };
    assert_eq!((&first["client_name"], &first["source_ip"]), (&"alice".into(), &"127.0.0.1".into()));
    assert_eq!((&first["Status"], &first["TicketEncryptionType"]), (&"0x0".into(), &"0x12".into()));
    assert_eq!(first["keylist_requested"], false);
    assert_eq!((&refused["reason"], &refused["Status"]), (&"never_reveal".into(), &"0x14".into()));
    assert_eq!(refused["policy_rule"], "msDS-NeverRevealGroup");
    assert!(refused["policy_group"].is_string() && refused["TicketOptions"].is_string(), "{refused}");
    assert_ne!(first["source_port"], Value::from(address.port()));
    let runs: Vec<_> = events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    let (run, _) = runs[0].split_once('-').unwrap();
    assert!(runs.iter().enumerate().all(|(index, id)| *id == format!("{run}-{}", index + 1)), "{runs:?}");
}

#[test]
fn sigusr1_opens_the_file_anew() {
    let daemon = Daemon::start(&Settings::default());
    assert_eq!(trade(&daemon), 0);
    daemon.audited(1);
    let moved = daemon.move_audit();
    assert_eq!(trade(&daemon), 0);
    let in_moved = || fs::read_to_string(&moved).unwrap().lines().count();
    eventually("the file that was moved away is written on", || (in_moved() == 2).then_some(()));
    daemon.signal("USR1");
    eventually("it is opened anew", || daemon.log_text().contains("opened again").then_some(()));
    assert_eq!(trade(&daemon), 0);
    assert_eq!((daemon.audited(1).len(), in_moved()), (1, 2));
    daemon.counts("tgtx_audit_events_total", 3);
    daemon.counts("tgtx_audit_lost_total", 0);
}

#[test]
fn a_full_disk_under_count_stops_nobody_and_under_refuse_everybody() {
    let full = |on_loss: &str| with_audit(&format!("sink = \"file:/dev/full\"\non-loss = \"{on_loss}\""));
    let told = |daemon: &Daemon| daemon.log_text().matches("audit events cannot be written to").count();

    let mut counting = Daemon::start(&full("count"));
    for _ in 0..20 {
        assert_eq!(trade(&counting), 0);
    }
    eventually("it is told", || (told(&counting) > 0).then_some(()));
    assert_eq!(trade(&counting), 0);
    assert_eq!(told(&counting), 1, "once");
    let (status, took) = counting.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
    assert!(counting.log_text().contains("audit events are lost that /dev/full did not take"));

    let refusing = Daemon::start(&full("refuse"));
    assert_eq!(trade(&refusing), 0, "there is room for its event");
    eventually("it is told", || (told(&refusing) > 0).then_some(()));
    for _ in 0..20 {
        assert_eq!(trade(&refusing), UNAVAILABLE);
    }
    refusing.counts(REFUSED, 20);
    refusing.counts("tgtx_exchanges_total{result=\"error\"}", 20);
    assert_eq!(code(&Tcp::to(refusing.address()).ask(&as_req(&[]))), UNAVAILABLE, "an AS-REQ as ever");
    refusing.counts(REFUSED, 20);
}

#[test]
fn nobody_waits_for_a_reader_of_standard_error_who_has_stopped_reading() {
    let settings = Settings { unread_log: true, ..with_audit("sink = \"stderr\"") };
    let mut daemon = Daemon::start(&settings);
    let mut tcp = Tcp::to(daemon.address());
    // Far more than a pipe holds.
    for _ in 0..400 {
        assert_eq!(trade(&daemon), 0);
        tcp.ask(&as_req(&[]));
    }
    daemon.counts("tgtx_exchanges_total{result=\"issued\"}", 400);
    assert!(daemon.sample("tgtx_audit_events_total") < 400, "nobody has read them");
    let (status, took) = daemon.terminate();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
}

#[test]
fn a_file_that_cannot_be_opened_ends_the_start() {
    let folder = tgtx_tests::folder::Folder::new();
    let keytab = folder.write("keytab", super::domain::Domain::draw().keytab(super::domain::REALM), 0o600);
    let ldif = folder.write("domain.ldif", super::domain::LDIF, 0o644);
    let config = folder.write(
        "tgtx.toml",
        format!(
            "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\n\
             [audit]\nsink = \"file:/nonexistent/audit.jsonl\"\n[[domain]]\nrealm = \"{}\"\nkeytabs = [{keytab:?}]\n\
             directory = \"ldif:{}\"\n",
            super::domain::REALM,
            ldif.display()
        ),
        0o644,
    );
    let ended = Command::new(env!("CARGO_BIN_EXE_tgtx-under-test"))
        .args(["serve", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{told}");
    assert!(told.contains("/nonexistent/audit.jsonl: cannot be opened for audit events"), "{told}");
}

/// A file system of its own, of 4 MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount() -> Self {
        let path = std::env::temp_dir().join(format!("tgtx-small-disk-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&path).status();
        assert!(mounted.unwrap().success(), "a file system is mounted");
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
#[ignore = "needs root, to mount a small file system"]
fn what_a_full_disk_did_not_take_is_there_when_it_has_room_again() {
    let disk = SmallDisk::mount();
    let (file, filler) = (disk.0.join("audit.jsonl"), disk.0.join("filler"));
    let sink = format!("sink = \"file:{}\"\non-loss = \"refuse\"", file.display());
    let daemon = Daemon::start(&with_audit(&sink));
    fs::write(&filler, vec![0; (4 << 20) - (8 << 10)]).unwrap();
    let mut served: u64 = 0;
    while trade(&daemon) == 0 {
        served += 1;
    }
    fs::remove_file(&filler).unwrap();
    eventually("everybody is served again", || (trade(&daemon) == 0).then_some(()));
    served += 1;
    let refused = daemon.sample(REFUSED);
    daemon.counts("tgtx_audit_events_total", served + refused);
    let events: Vec<Value> = fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(events.len() as u64, served + refused, "none is lost, torn or written twice");
    assert_eq!(daemon.sample("tgtx_audit_lost_total"), 0);
    assert!(daemon.log_text().contains("again"), "{}", daemon.log_text());
}
