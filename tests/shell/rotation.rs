//! New keys of the domain's krbtgt and of the branch, under load: what was issued under the old ones is served on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kdc::client::mint::PartialTgt;
use kdc::client::{BranchKey, SessionKey};
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::keytab::Entry;
use pac::Sid;
use tgtx_tests::device::{now, random};

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{
    ALICE, BRANCH_KVNO, DOMAIN_SID, KRBTGT_KVNO, LDIF, REALM, branch_entry, code, exchange, granted, keytab,
    krbtgt_entry,
};
use super::wire::Tcp;

const BEHIND: &str = "tgtx_krbtgt_versions_behind";
const BRANCH_BEHIND: &str = "tgtx_branch_versions_behind";

/// The directory, its krbtgt at this version.
fn at(version: u32) -> String {
    LDIF.replace("msDS-KeyVersionNumber: 2", &format!("msDS-KeyVersionNumber: {version}"))
}

/// The kvno that alice's full TGT is issued under, or the error.
fn issued_under(daemon: &Daemon, branch: &BranchKey) -> Result<u32, i32> {
    let sid: Sid = format!("{DOMAIN_SID}-{}", ALICE.rid).parse().unwrap();
    let partial =
        PartialTgt::new(branch, REALM, ALICE.name, sid, now(), SessionKey::aes256(&random()), random());
    let credential = partial.mint().unwrap();
    let exchange = exchange(&credential);
    let reply = Tcp::to(daemon.address()).ask(&exchange.encode().unwrap());
    if reply.first() == Some(&0x7e) {
        return Err(code(&reply));
    }
    Ok(granted(&reply, &exchange).ticket_kvno.unwrap().as_u32())
}

fn branch_key(kvno: u32, octets: &[u8; 32]) -> BranchKey {
    BranchKey::new(kvno, &EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, octets).unwrap())
}

/// Puts entries beside those of the start, and reloads.
fn load(daemon: &Daemon, more: impl IntoIterator<Item = Entry>) -> String {
    let mut entries = daemon.domain.entries(REALM);
    entries.extend(more);
    daemon.replace("keytab", keytab(entries));
    daemon.reload()
}

#[test]
fn both_krbtgt_keys_change_under_load_and_no_ticket_is_refused() {
    let daemon = Daemon::start(&Settings::default());
    let (krbtgt, octets) = (random(), random());
    let newer = branch_key(BRANCH_KVNO + 1, &octets);
    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed) {
                    let kvno =
                        issued_under(&daemon, &daemon.domain.branch).expect("a ticket under the old key");
                    assert!([KRBTGT_KVNO, KRBTGT_KVNO + 1].contains(&kvno), "{kvno}");
                }
            });
        }
        let rotation = || {
            // The directory first: the old key issues on, and that is told of.
            daemon.change_directory(&at(KRBTGT_KVNO + 1));
            daemon.counts(BEHIND, 1);
            assert!(daemon.log_text().contains("one ahead of ours; load its keytab"));
            assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO));
            // Then the new keys beside the old ones.
            let more = [
                krbtgt_entry(REALM, KRBTGT_KVNO + 1, &krbtgt),
                branch_entry(REALM, BRANCH_KVNO + 1, &octets),
            ];
            assert_eq!(load(&daemon, more), "reloaded");
            assert_eq!(issued_under(&daemon, &newer), Ok(KRBTGT_KVNO + 1));
            assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO + 1));
            daemon.counts(BEHIND, 0);
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(rotation));
        stopped.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    for result in ["refused", "error"] {
        assert_eq!(daemon.sample(&format!("tgtx_exchanges_total{{result=\"{result}\"}}")), 0);
    }
}

#[test]
fn two_versions_behind_nobody_is_served_until_the_newest_key_is_loaded() {
    let daemon = Daemon::start(&Settings::default());
    daemon.change_directory(&at(KRBTGT_KVNO + 1));
    daemon.counts(BEHIND, 1);
    // A reload does not take a domain out of service by itself, so a step of two is refused.
    daemon.replace("domain.ldif", at(KRBTGT_KVNO + 2));
    let told = daemon.reload();
    assert!(told.contains("would no longer be ready") && told.contains("2 ahead of ours"), "{told}");
    assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO));
    let newest = krbtgt_entry(REALM, KRBTGT_KVNO + 2, &random());
    assert_eq!(load(&daemon, [newest]), "reloaded");
    assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO + 2));
    daemon.counts(BEHIND, 0);
}

#[test]
fn a_branch_key_that_is_behind_is_told_of_until_the_newest_one_is_loaded() {
    let daemon = Daemon::start(&Settings::default());
    let version = "msDS-SecondaryKrbTgtNumber: 30775\nmsDS-KeyVersionNumber: ";
    assert!(LDIF.contains(&format!("{version}1\n")));
    daemon.change_directory(&LDIF.replace(&format!("{version}1\n"), &format!("{version}3\n")));
    daemon.counts(BRANCH_BEHIND, 2);
    assert_eq!(load(&daemon, [branch_entry(REALM, BRANCH_KVNO + 2, &random())]), "reloaded");
    daemon.counts(BRANCH_BEHIND, 0);
}

#[test]
fn a_key_that_the_directory_has_not_heard_of_waits() {
    let daemon = Daemon::start(&Settings::default());
    assert_eq!(load(&daemon, [krbtgt_entry(REALM, KRBTGT_KVNO + 1, &random())]), "reloaded");
    assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO));
    daemon.change_directory(&at(KRBTGT_KVNO + 1));
    eventually("the new key issues", || {
        (issued_under(&daemon, &daemon.domain.branch) == Ok(KRBTGT_KVNO + 1)).then_some(())
    });
}

#[test]
fn it_is_seen_which_keys_are_still_in_use() {
    let daemon = Daemon::start(&Settings::default());
    let counted = |role: &str, [current, previous]: [u64; 2]| {
        for (slot, uses) in [("current", current), ("previous", previous)] {
            daemon.counts(&format!("tgtx_key_use_total{{role=\"{role}\",slot=\"{slot}\"}}"), uses);
        }
    };
    let older = &daemon.domain.branch;
    assert_eq!(issued_under(&daemon, older), Ok(KRBTGT_KVNO));
    counted("branch", [1, 0]);
    counted("krbtgt", [1, 0]);
    let octets = random();
    let more =
        [krbtgt_entry(REALM, KRBTGT_KVNO + 1, &random()), branch_entry(REALM, BRANCH_KVNO + 1, &octets)];
    assert_eq!(load(&daemon, more), "reloaded");
    // The directory has not heard of the domain's new key.
    assert_eq!(issued_under(&daemon, older), Ok(KRBTGT_KVNO));
    assert_eq!(issued_under(&daemon, &branch_key(BRANCH_KVNO + 1, &octets)), Ok(KRBTGT_KVNO));
    // Nobody's key, though it says to be the older one.
    assert_eq!(issued_under(&daemon, &branch_key(BRANCH_KVNO, &random())), Err(31));
    counted("branch", [2, 1]);
    counted("krbtgt", [1, 2]);
}

#[test]
fn sighup_removes_no_key_and_changes_none() {
    let daemon = Daemon::start(&Settings::default());
    let older = branch_key(BRANCH_KVNO, &random());
    let krbtgt = || daemon.domain.entries(REALM).swap_remove(0);
    let branch = || daemon.domain.entries(REALM).swap_remove(1);
    let newer = branch_entry(REALM, BRANCH_KVNO + 1, &random());
    let cases = [
        ("gone", vec![krbtgt()]),
        ("replaced by a newer one", vec![krbtgt(), newer]),
        ("another under the same kvno", vec![krbtgt(), branch_entry(REALM, BRANCH_KVNO, &random())]),
        ("the domain's is older", vec![krbtgt_entry(REALM, KRBTGT_KVNO - 1, &random()), branch()]),
    ];
    for (what, entries) in cases {
        daemon.replace("keytab", keytab(entries));
        let told = daemon.reload();
        assert!(told.contains("in use and in no keytab any more: "), "{what}: {told}");
        assert!(told.contains("tgtx reload --allow-key-removal"), "{what}: {told}");
        assert_eq!(daemon.sample("tgtx_config_last_reload_successful"), 0, "{what}");
        assert_eq!(issued_under(&daemon, &daemon.domain.branch), Ok(KRBTGT_KVNO), "{what}");
        assert_eq!(issued_under(&daemon, &older), Err(31), "{what}: another key of the branch");
    }
}
