//! The pipeline from an outcome to its sink.

#![expect(clippy::disallowed_methods, reason = "a test reads what was written, and waits for it")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::thread::sleep;
use std::time::Instant;

use serde_json::{Value, json};

use super::encoder::Form;
use super::*;
use crate::exchange::{Asked, Detail, Notes, ReleasedKeys, Timestamp};
use crate::krb::crypto::EncryptionType;
use crate::krb::keys::Slot;
use crate::krb::messages::KerberosTime;
use crate::shell::origin::{Origin, Protocol, Transport};

/// A folder of the test's own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tgtx-audit-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn arrival(peer: &str) -> Arrival {
    let origin =
        Origin { peer: peer.parse().unwrap(), transport: Transport::Tcp, protocol: Protocol::Kerberos };
    let seconds = KerberosTime::from_unix_seconds(1_700_000_000).unwrap();
    Arrival { at: Timestamp { seconds, microseconds: 42 }, origin, took: Duration::from_micros(1234) }
}

fn alice() -> Who {
    let asked = Some(Asked { kdc_options: 0x4081_0000, key_list: true });
    let mut who = Who::example(b"alice");
    (who.sid, who.asked) = (Some("S-1-5-21-1-2-3-1107".parse().unwrap()), asked);
    who
}

fn issued(who: Who) -> Issued {
    Issued {
        reply: Vec::new(),
        who,
        allowed_by: "S-1-5-21-1-2-3-513".parse().unwrap(),
        endtime: KerberosTime::from_unix_seconds(1_700_036_000).unwrap(),
        ticket_etype: EncryptionType::Aes256Sha1,
        slot: Slot::Current,
        session_etype: EncryptionType::Aes128Sha1,
        released: None,
        notes: Notes::default(),
    }
}

fn refused(reason: Refusal, detail: Detail, who: Who) -> RefusedRequest {
    RefusedRequest::from(reason.because(detail)).about(who)
}

/// What is written of events, as JSON.
fn written(events: &[Event]) -> Vec<Value> {
    let mut recorder = Recorder::new(Encoder::new(Form::Json), 0xab);
    events.iter().for_each(|event| recorder.event(event));
    let text = String::from_utf8(recorder.encoder.octets().to_vec()).unwrap();
    assert_eq!(text.lines().count(), recorder.encoder.ends().len());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event_of(refused: RefusedRequest) -> Event {
    let outcome = Outcome::Refused(refused.why);
    Event { arrival: arrival("[2001:db8::7]:50000"), who: *refused.who.unwrap(), outcome }
}

#[test]
fn an_issued_ticket_with_keys_is_two_events_of_one_request() {
    let released =
        Some(ReleasedKeys { kvno: 3, etypes: vec![EncryptionType::Rc4Hmac, EncryptionType::Aes256Sha1] });
    let issued = Issued { released, ..issued(alice()) };
    let event = Event::issued(arrival("192.0.2.7:50000"), issued);
    assert_eq!(event.records(), 2);
    let about = json!({
        "time": "2023-11-14T22:13:20.000042Z", "schema": 1, "request_id": "00000000000000ab-1",
        "domain": "LAB.EXAMPLE", "client_name": "alice", "client_sid": "S-1-5-21-1-2-3-1107",
        "branch_id": 30775, "kvno": 30775 << 16, "key_version": 2, "etype_ticket": 18,
        "source_ip": "192.0.2.7", "source_port": 50000, "transport": "tcp",
    });
    let with = |more: Value| {
        let mut fields = about.as_object().unwrap().clone();
        fields.extend(more.as_object().unwrap().clone());
        Value::Object(fields)
    };
    let expected = [
        with(json!({
            "event_id": "00000000000000ab-1", "outcome": "issued", "etype_session": 17,
            "ticket_end": "2023-11-15T08:13:20Z", "policy_rule": "msDS-RevealOnDemandGroup",
            "policy_group": "S-1-5-21-1-2-3-513", "notes": [], "keylist_requested": true, "duration_us": 1234,
            "windows_event_id": 4768, "Status": "0x0", "TicketOptions": "0x40810000",
            "TicketEncryptionType": "0x12", "PreAuthType": "-", "IpAddress": "::ffff:192.0.2.7",
        })),
        with(json!({
            "event_id": "00000000000000ab-2", "outcome": "keys_released", "released_etypes": [23, 18],
            "released_kvno": 3,
        })),
    ];
    assert_eq!(written(&[event]), expected);
}

#[test]
fn a_refusal_has_its_reason_in_our_words_and_in_windows() {
    let group = "S-1-5-32-544".parse().unwrap();
    let cases = [
        (Refusal::NeverReveal, Detail::Sid(group), 4768, Some("msDS-NeverRevealGroup"), "0x14"),
        (Refusal::NotOnAllowList, Detail::Text(""), 4768, Some("msDS-RevealOnDemandGroup"), "0x14"),
        (Refusal::NoPac, Detail::Text(""), 36, None, "0x14"),
        (Refusal::RequestorMissing, Detail::Text("x"), 37, None, "0x14"),
        (Refusal::RequestorMismatch, Detail::Sid(group), 38, None, "0x14"),
        (Refusal::AccountDisabled, Detail::Text(""), 4768, None, "0x12"),
    ];
    for (reason, detail, windows, rule, status) in cases {
        let has_group = rule.is_some() && matches!(detail, Detail::Sid(_));
        let told = (detail != Detail::Text("")).then(|| detail.to_string());
        let [event] = written(&[event_of(refused(reason, detail, alice()))]).try_into().unwrap();
        assert_eq!((&event["outcome"], &event["reason"]), (&"refused".into(), &reason.label().into()));
        assert_eq!((&event["krb_error"], &event["Status"]), (&reason.code().into(), &status.into()));
        assert_eq!((&event["windows_event_id"], event["policy_rule"].as_str()), (&windows.into(), rule));
        assert_eq!(event["detail"].as_str(), told.as_deref(), "{event}");
        assert_eq!(event["policy_group"].is_string(), has_group, "{event}");
        assert_eq!(
            (&event["IpAddress"], &event["source_ip"]),
            (&"2001:db8::7".into(), &"2001:db8::7".into())
        );
        assert_eq!(event["TicketEncryptionType"], "0xffffffff");
    }
}

#[test]
fn what_a_stranger_wrote_stays_in_its_field() {
    let names: [&[u8]; 6] = [
        b"a\",\"outcome\":\"issued",
        b"a\r\n{}\x1b[2J",
        "a\u{202e}b\u{2028}\u{85}".as_bytes(),
        b"a\xff\xfe\n",
        b"a\\\"}",
        &[b'a'; 100_000],
    ];
    for name in names {
        let directory = String::from_utf8_lossy(name).into_owned();
        let event = event_of(refused(Refusal::DirectoryData, directory.into(), Who::example(name)));
        let [json] = written(std::slice::from_ref(&event)).try_into().unwrap();
        assert_eq!((&json["outcome"], json.get("client_sid")), (&"refused".into(), None));
        let told = json["client_name"].as_str().unwrap();
        assert!(told.starts_with('a') && told.chars().count() <= 1025, "{told}");

        let mut recorder = Recorder::new(Encoder::new(Form::Journal), 0);
        recorder.event(&event);
        let message = std::str::from_utf8(recorder.encoder.octets()).unwrap();
        assert!(message.lines().all(|line| line.split_once('=').is_some_and(|(name, _)| {
            name.bytes().all(|octet| octet.is_ascii_uppercase() || octet == b'_')
        })));
        assert_eq!(message.matches("\nTGTX_OUTCOME=").count(), 1, "{message}");
        let unprintable = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}'));
        assert!(!message.contains(unprintable), "{message:?}");
        assert!(message.len() < 8192, "{} octets", message.len());
    }
}

/// Few events, at once.
const FEW: Bounds = Bounds { items: 4, octets: 1 << 20, gather: Duration::ZERO };

fn started(sink: Sink, on_loss: OnLoss) -> (Audit, Ended) {
    Audit::start_bounded(sink, on_loss, FEW, 7, Clock::start()).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "not in time: {what}");
        sleep(Duration::from_millis(5));
    }
}

fn is_over(ended: &Ended) -> bool {
    ended.0.has_changed().is_err()
}

#[test]
fn everything_is_in_the_file_when_the_writer_has_ended() {
    let folder = Folder::new();
    let path = folder.path("audit.jsonl");
    let (audit, ended) = Audit::start(Sink::file(&path).unwrap(), OnLoss::Count, 7, Clock::start()).unwrap();
    for _ in 0..1000 {
        audit.issued(arrival("192.0.2.7:1"), issued(alice())).unwrap();
        audit.retransmitted(arrival("192.0.2.7:1"), &alice());
        audit.refused(arrival("192.0.2.7:1"), refused(Refusal::Replay, "".into(), alice()));
    }
    drop(audit);
    eventually("the writer ends", || is_over(&ended));
    let lines = lines(&path);
    let ids: Vec<String> = (1..=3000).map(|number| format!("0000000000000007-{number}")).collect();
    assert_eq!(lines.iter().map(|line| line["event_id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_file_that_was_moved_away_is_written_on_until_it_is_opened_anew() {
    let folder = Folder::new();
    let (path, moved) = (folder.path("audit.jsonl"), folder.path("audit.jsonl.1"));
    let (audit, _ended) = started(Sink::file(&path).unwrap(), OnLoss::Count);
    let tell = || audit.retransmitted(arrival("192.0.2.7:1"), &alice());
    tell();
    eventually("one is written", || lines(&path).len() == 1);
    fs::rename(&path, &moved).unwrap();
    tell();
    eventually("two are in the old one", || lines(&moved).len() == 2);
    audit.reopen();
    tell();
    eventually("the third is in the new one", || lines(&path).len() == 1);
    assert_eq!((lines(&moved).len(), &lines(&path)[0]["event_id"]), (2, &"0000000000000007-3".into()));
}

#[test]
fn only_files_and_devices_are_opened_and_no_links() {
    let folder = Folder::new();
    let (target, link, pipe) = (folder.path("target"), folder.path("link"), folder.path("pipe"));
    fs::write(&target, "").unwrap();
    symlink(&target, &link).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    Sink::file(&target).unwrap();
    Sink::file(Path::new("/dev/null")).unwrap();
    assert_ne!(Sink::file(&link).unwrap_err().kind(), ErrorKind::NotFound);
    Sink::file(&pipe).unwrap_err();
    assert_eq!(Sink::file(&folder.path("a/b")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_full_disk_refuses_where_that_is_asked_for_and_does_not_keep_the_daemon_from_ending() {
    for (on_loss, refuses) in [(OnLoss::Count, false), (OnLoss::Refuse, true)] {
        let (audit, ended) = started(Sink::file(Path::new("/dev/full")).unwrap(), on_loss);
        audit.issued(arrival("192.0.2.7:1"), issued(alice())).unwrap();
        eventually("the sink fails", || audit.state.blocked.load(Ordering::Relaxed));
        assert_eq!(audit.refuses(), refuses);
        // One batch is in the writer's hands, as many again find room.
        let outcomes: Vec<bool> =
            (0..6).map(|_| audit.issued(arrival("192.0.2.7:1"), issued(alice())).is_ok()).collect();
        assert_eq!(outcomes, [true, true, true, true, !refuses, !refuses], "{on_loss:?}");
        audit.close();
        eventually("the writer ends", || is_over(&ended));
    }
}

#[test]
fn the_ticket_that_finds_no_room_is_refused_in_its_clients_name() {
    let (audit, _ended) = started(Sink::file(Path::new("/dev/full")).unwrap(), OnLoss::Refuse);
    let refused = loop {
        if let Err(refused) = audit.issued(arrival("192.0.2.7:1"), issued(alice())) {
            break refused;
        }
    };
    assert_eq!((refused.why.reason, refused.who.as_deref()), (Refusal::AuditUnavailable, Some(&alice())));
}

#[test]
fn the_journal_gets_fields_and_what_it_missed_when_it_is_back() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let journal = UnixDatagram::bind(&path).unwrap();
    let receive = |journal: &UnixDatagram| {
        let mut message = [0; 8192];
        journal.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = journal.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let (audit, _ended) = started(Sink::journal(&path).unwrap(), OnLoss::Refuse);
    audit.refused(arrival("192.0.2.7:1"), refused(Refusal::NeverReveal, "".into(), alice()));
    let message = receive(&journal);
    assert!(message.starts_with("PRIORITY=6\nSYSLOG_IDENTIFIER=tgtx\nMESSAGE=refused: alice@LAB.EXAMPLE\n"));
    for line in
        ["TGTX_REASON=never_reveal", "TGTX_CLIENT_SID=S-1-5-21-1-2-3-1107", "TGTX_SOURCE_IP=192.0.2.7"]
    {
        assert!(message.lines().any(|known| known == line), "{line} is not in {message}");
    }

    drop(journal);
    fs::remove_file(&path).unwrap();
    audit.retransmitted(arrival("192.0.2.7:1"), &alice());
    eventually("nobody is served", || audit.refuses());
    for _ in 0..6 {
        audit.retransmitted(arrival("192.0.2.7:1"), &alice());
    }
    let journal = UnixDatagram::bind(&path).unwrap();
    let numbers: Vec<String> = (0..6)
        .map(|_| {
            let message = receive(&journal);
            message.lines().find_map(|line| line.strip_prefix("TGTX_EVENT_ID=")).unwrap().to_owned()
                + if message.contains("TGTX_LOST=2\n") { " lost 2" } else { "" }
        })
        .collect();
    assert_eq!(numbers[4..], ["0000000000000007-6", "0000000000000007-7 lost 2"], "{numbers:?}");
    eventually("everybody is served", || !audit.refuses());
    audit.retransmitted(arrival("192.0.2.7:1"), &alice());
    assert!(receive(&journal).contains("TGTX_EVENT_ID=0000000000000007-10\n"));
}
