//! Every refusal has its code on the wire, and its reason in the log and in the metrics.

use kdc::client::mint::{PartialTgt, TicketData};
use kdc::client::reply::Outcome;
use kdc::client::request::{BodyChecksum, Exchange};
use kdc::client::transport::Protocol;
use kdc::client::{BranchKey, Credential};
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::messages::KerberosTime;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange, now, random};
use tgtx_tests::lab::{Lab, User};
use tgtx_tests::settings::Settings;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn accounts_that_policy_or_their_state_keeps_out() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let domain_group = |rid: u32| format!("{}-{rid}", lab.domain_sid);
    let denied_group = domain_group(572);
    // The last column: what the log gives as the deciding group, and the NTSTATUS in the error.
    let cases = [
        // Domain Admins are in the Denied group and in BUILTIN\Administrators; the lowest SID is named.
        ("nested_da", 20, "never_reveal", None, None),
        ("denied", 20, "never_reveal", Some(denied_group.as_str()), None),
        ("denied_nested", 20, "never_reveal", Some(denied_group.as_str()), None),
        ("builtin_op", 20, "never_reveal", Some("S-1-5-32-548"), None),
        ("unlisted", 20, "not_on_allow_list", None, None),
        ("computer", 20, "computer", None, None),
        ("disabled", 18, "account_disabled", None, Some(0xc000_0072)),
        ("locked", 18, "account_locked", None, Some(0xc000_0234)),
        ("expired", 18, "account_expired", None, Some(0xc000_0193)),
        ("no_hours", 18, "logon_hours", None, Some(0xc000_006f)),
        ("password_expired", 23, "password_expired", None, Some(0xc000_0071)),
        ("must_change", 23, "password_must_change", None, Some(0xc000_0224)),
    ];
    for (key, code, reason, detail, nt_status) in cases {
        let user = lab.user(key);
        let partial = entra.credential(user);
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let request = exchange(&partial);
            let (outcome, line) = refused(&daemon, key, reason, || ask(&daemon.kdc(protocol), &request));
            let denied = outcome.denied().expect("a refusal");
            assert_eq!((denied.code, denied.nt_status), (code, nt_status), "{key}");
            assert_eq!(denied.text, None, "the client learns no reason: {key}");
            assert_eq!(line["client_sid"], Value::from(&*user.sid), "{line}");
            assert_eq!(line["client_name"].as_str(), Some(&*user.name), "{line}");
            if let Some(detail) = detail {
                assert_eq!(line["detail"], Value::from(detail), "{line}");
            }
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn tickets_that_are_not_what_entra_issues() {
    type Break = fn(&mut PartialTgt<'_>, &Lab);
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let cases: [(&str, i32, &str, Break); 12] = [
        ("SID of another user", 20, "requestor_mismatch", |tgt, lab| {
            tgt.pac.requestor = Some(lab.user("bob").sid.parse().unwrap());
        }),
        ("SID of nobody", 20, "requestor_unknown", |tgt, lab| {
            tgt.pac.requestor = Some(format!("{}-999999", lab.domain_sid).parse().unwrap());
        }),
        ("SID of another domain", 20, "requestor_foreign", |tgt, _| {
            tgt.pac.requestor = Some("S-1-5-21-1-2-3-1107".parse().unwrap());
        }),
        ("no SID", 20, "requestor_missing", |tgt, _| tgt.pac.requestor = None),
        ("name of nobody", 6, "client_unknown", |tgt, _| {
            tgt.client.components = vec![b"nobody".to_vec()];
            tgt.pac.client_info.as_mut().unwrap().name = "nobody".to_owned();
        }),
        ("no PAC", 20, "no_pac", |tgt, _| tgt.authorization_data = TicketData::Absent),
        ("PAC of another ticket", 20, "pac_client_info", |tgt, _| {
            tgt.pac.client_info.as_mut().unwrap().name = "bob".to_owned();
        }),
        ("PAC of another branch", 41, "pac_branch", |tgt, _| tgt.pac.kdc.rodc_identifier = Some(4711)),
        ("expired", 32, "ticket_expired", |tgt, _| tgt.set_times(ago(7200), ago(60))),
        ("about to expire", 32, "ticket_expired", |tgt, _| tgt.set_times(ago(7200), ago(-110))),
        ("not yet valid", 33, "ticket_not_yet_valid", |tgt, _| {
            tgt.times.starttime = Some(ago(-600));
        }),
        ("never valid", 11, "ticket_never_valid", |tgt, _| tgt.times.endtime = tgt.times.authtime),
    ];
    let alice = lab.user("alice");
    for (what, code, reason, change) in cases {
        let mut tgt = entra.partial_tgt(&alice.name, &alice.sid);
        change(&mut tgt, &lab);
        assert_refused(&daemon, what, (code, reason), &tgt.mint().unwrap(), |_| {});
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn keys_and_branches_that_are_not_ours() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let alice = lab.user("alice");

    let wrong = Entra { key: another_key(entra.key.kvno()), ..Entra::of(&lab, "azuread") };
    assert_refused(&daemon, "wrong key", (31, "ticket_integrity"), &wrong.credential(alice), |_| {});
    let unknown = Entra { key: another_key(4711 << 16 | 1), ..Entra::of(&lab, "azuread") };
    assert_refused(&daemon, "unknown branch", (7, "unknown_branch"), &unknown.credential(alice), |_| {});

    let other = another_key(entra.key.kvno());
    for what in ["server signature", "KDC signature"] {
        let mut tgt = entra.partial_tgt(&alice.name, &alice.sid);
        let signer = if what == "KDC signature" { &mut tgt.pac.kdc } else { &mut tgt.pac.server };
        signer.key = other.pac_key();
        let line = assert_refused(&daemon, what, (41, "pac_signature"), &tgt.mint().unwrap(), |_| {});
        assert_eq!(line["detail"], what, "{line}");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn requests_that_do_not_hold() {
    type Break = fn(&mut Exchange<'_>);
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let entra = Entra::of(&lab, "azuread");
    let cases: [(&str, i32, &str, Break); 7] = [
        ("clock ahead", 37, "clock_skew", |request| request.ctime = ago(-400)),
        ("clock behind", 37, "clock_skew", |request| request.ctime = ago(400)),
        ("body swapped", 41, "checksum_mismatch", |request| {
            let meant = request.till;
            request.till = KerberosTime::MAX;
            request.sent_body = Some(request.body().unwrap());
            request.till = meant;
        }),
        ("body swapped under a keyed checksum", 41, "checksum_mismatch", |request| {
            request.checksum = BodyChecksum::Keyed;
            request.etypes = vec![17];
            request.sent_body = Some(request.body().unwrap());
            request.etypes = vec![18];
        }),
        ("checksum broken", 41, "checksum_mismatch", |request| {
            request.checksum = BodyChecksum::Other(7, vec![0; 16]);
        }),
        ("checksum absent", 50, "checksum_missing", |request| request.checksum = BodyChecksum::Absent),
        ("another client's authenticator", 36, "client_mismatch", |request| {
            request.authenticator_client.components = vec![b"bob".to_vec()];
        }),
    ];
    for (what, code, reason, change) in cases {
        let partial = entra.credential(lab.user("alice"));
        assert_refused(&daemon, what, (code, reason), &partial, change);
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_branch_with_a_fault_serves_nobody_and_the_others_are_served() {
    let lab = Lab::from_environment();
    let mut keytabs = vec![lab.keytabs.krbtgt.clone()];
    keytabs.extend(lab.branches.values().map(|branch| branch.keytab.clone()));
    let daemon = Daemon::launch(&Settings { keytabs, ..Settings::of(&lab) });
    let served = |branch: &str, user: &User| {
        let partial = Entra::of(&lab, branch).credential(user);
        ask(&daemon.kdc(Protocol::Tcp), &exchange(&partial)).granted().is_some()
    };
    daemon.wait_until("serving the good branch", || served("azuread", lab.user("alice")));
    assert!(served("high", lab.user("alice")));

    let cases = [
        ("no_link", 12, "branch_unusable"),
        ("no_partial_secrets", 12, "branch_unusable"),
        ("unresolvable", 20, "branch_list_unresolved"),
    ];
    for (name, code, reason) in cases {
        let partial = Entra::of(&lab, name).credential(lab.user("alice"));
        assert_refused(&daemon, name, (code, reason), &partial, |_| {});
        let number = lab.branch(name).number;
        daemon.wait_for_event(&format!("branch {number} serves nobody: "));
    }
    let (status, readiness) = daemon.readiness();
    assert_eq!(status, 503);
    assert!(readiness.to_string().contains("serving nobody: 20001, 20002, 20003"), "{readiness}");
    assert!(served("azuread", lab.user("bob")));
}

/// Trades `partial` with a request that `change` has been at, and holds the refusal against code and reason.
fn assert_refused(
    daemon: &Daemon,
    what: &str,
    (code, reason): (i32, &str),
    partial: &Credential,
    change: impl Fn(&mut Exchange<'_>),
) -> Value {
    let mut request = exchange(partial);
    change(&mut request);
    let (outcome, line) = refused(daemon, what, reason, || ask(&daemon.kdc(Protocol::Tcp), &request));
    assert_eq!(outcome.denied().map(|denied| denied.code), Some(code), "{what}");
    assert_eq!(line["krb_error"], code, "{what}: {line}");
    line
}

/// What `ask` brought, and the audit line about it, which gives this reason, as does the metric.
pub(crate) fn refused(
    daemon: &Daemon,
    what: &str,
    reason: &str,
    ask: impl FnOnce() -> Outcome,
) -> (Outcome, Value) {
    let series = format!("tgtx_refusals_total{{reason=\"{reason}\"}}");
    // Refusals alone: the line about a ticket issued before this may come late.
    let refusals =
        || -> Vec<Value> { daemon.audit().into_iter().filter(|line| line["outcome"] == "refused").collect() };
    let (lines, counted) = (refusals().len(), daemon.counter(&series));
    let outcome = ask();
    daemon.wait_until("logged", || refusals().len() > lines);
    let line = refusals().swap_remove(lines);
    assert_eq!(line["reason"], reason, "{what}: {line}");
    assert_eq!(daemon.counter(&series), counted + 1, "{what}");
    (outcome, line)
}

/// A key that nobody knows.
fn another_key(kvno: u32) -> BranchKey {
    let octets: [u8; 32] = random();
    let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &octets).expect("a key");
    BranchKey::new(kvno, &key)
}

fn ago(seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(now().unix_seconds() - seconds).expect("a time")
}
