//! The account of `testuser.ldif` must become the PAC that Windows made of it.

use pac::{BufferType, LogonInfo, Mac, Pac, SignatureType};

use super::*;
use crate::directory::{Tree, ViewRules};

const LDIF: &str = include_str!("../../../../tests/vectors/windows-server-2022/testuser.ldif");
const TGT_PAC: &[u8] = include_bytes!("../../../../tests/vectors/windows-server-2022/tgt-pac.bin");

/// authtime of the captured TGT: 2025-07-18 16:22:24.
const AUTHTIME: i64 = 1_752_855_744;

fn now() -> FileTime {
    FileTime::from_unix_seconds(AUTHTIME)
}

fn testuser() -> (Entry, DirectoryView) {
    let tree = Tree::parse(LDIF).expect("LDIF");
    let sid = "S-1-5-21-3661267520-3940350627-3661189989-1107".parse().expect("a SID");
    let entry = tree.find(&sid, now()).expect("constructed attributes").expect("testuser");
    (entry, tree.view(&ViewRules::default()).expect("view"))
}

fn principal(entry: &Entry, view: &DirectoryView) -> Result<Principal, DirectoryError> {
    Principal::from_entry(entry, view, SidHistory::Omit, now())
}

/// The PAC of a TGT with made-up signatures.
fn composed(principal: &Principal) -> Vec<u8> {
    let mut pac = Vec::new();
    principal
        .pac
        .compose(
            now(),
            &principal.sam_account_name,
            SignatureType::HmacSha1Aes256,
            &|_| Mac::from([0; 12]),
            &mut pac,
        )
        .expect("PAC");
    pac
}

fn logon_info(principal: &Principal) -> LogonInfo {
    let pac = composed(principal);
    let pac = Pac::parse(&pac).expect("PAC");
    LogonInfo::decode(pac.buffer(BufferType::LOGON_INFO).expect("LOGON_INFO")).expect("LogonInfo")
}

/// `testuser` with one attribute replaced by these values; by none, it is removed.
fn with(name: &str, values: &[&[u8]]) -> Entry {
    let (entry, _) = testuser();
    let mut changed = Entry::new(entry.dn());
    for (other, kept) in entry.attributes().filter(|(other, _)| !other.eq_ignore_ascii_case(name)) {
        for value in kept {
            changed.insert(other, value.clone());
        }
    }
    for value in values {
        changed.insert(name, *value);
    }
    changed
}

fn sid(text: &str) -> Sid {
    text.parse().expect("a SID")
}

#[test]
fn testuser_gets_the_pac_that_windows_gave_it() {
    let (entry, view) = testuser();
    let ours = composed(&principal(&entry, &view).expect("principal"));
    let (ours, theirs) =
        (Pac::parse(&ours).expect("our PAC"), Pac::parse(TGT_PAC).expect("the captured PAC"));
    let kinds = |pac: &Pac<'_>| pac.buffers().iter().map(|buffer| buffer.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&ours), kinds(&theirs));
    let decoded = |pac: &Pac<'_>| LogonInfo::decode(pac.buffer(BufferType::LOGON_INFO).expect("LOGON_INFO"));
    assert_eq!(decoded(&ours), decoded(&theirs));
    for kind in [
        BufferType::LOGON_INFO,
        BufferType::CLIENT_INFO,
        BufferType::UPN_DNS_INFO,
        BufferType::ATTRIBUTES_INFO,
        BufferType::REQUESTOR,
    ] {
        assert_eq!(ours.buffer(kind), theirs.buffer(kind), "{kind}");
    }
}

#[test]
fn what_decides_must_be_there() {
    let (_, view) = testuser();
    for name in [
        "objectClass",
        "objectSid",
        "sAMAccountName",
        "primaryGroupID",
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "msDS-UserPasswordExpiryTimeComputed",
        "accountExpires",
        "pwdLastSet",
        "tokenGroups",
        "tokenGroupsGlobalAndUniversal",
    ] {
        let entry = with(name, &[]);
        let error = principal(&entry, &view).expect_err(name);
        assert_eq!(error, entry.error(name, Fault::Absent).into());
        assert!(PRINCIPAL_ATTRIBUTES.contains(&name), "{name} is asked for");
    }
}

#[test]
fn what_only_describes_may_be_absent() {
    let (_, view) = testuser();
    for name in ["displayName", "userPrincipalName", "lastLogon", "logonCount", "badPwdCount"] {
        principal(&with(name, &[]), &view).expect(name);
    }
}

#[test]
fn group_ids_ascend_with_the_primary_group_in_its_place_and_foreign_groups_are_extra_sids() {
    let (_, view) = testuser();
    let own = |rid| view.domain_sid.with_rid(rid).expect("a SID");
    let foreign = sid("S-1-5-21-9-9-9-1200");
    let values = [own(1301), foreign, own(512), own(1201)].map(|sid| sid.to_bytes());
    let entry = with("tokenGroupsGlobalAndUniversal", &values.each_ref().map(Vec::as_slice));
    let principal = principal(&entry, &view).expect("principal");
    let info = logon_info(&principal);
    let rids: Vec<u32> = info.groups.iter().map(|group| group.rid).collect();
    assert_eq!(rids, [512, 513, 1201, 1301]);
    let extra: Vec<Sid> = info.extra_sids.iter().map(|extra| extra.sid).collect();
    assert_eq!(extra, [foreign, sid("S-1-18-1")]);
    assert_eq!(principal.pac.groups(), 6);
    assert_eq!((info.primary_group_id, info.user_flags), (513, 0x20));
}

#[test]
fn policy_sees_the_account_its_primary_group_and_every_token_group() {
    let (_, view) = testuser();
    let entry = with("tokenGroups", &[&sid("S-1-5-32-544").to_bytes()]);
    let account = principal(&entry, &view).expect("principal").account;
    let primary = view.domain_sid.with_rid(513).expect("a SID");
    let sids: Vec<Sid> = account.sids.iter().collect();
    assert_eq!(sids, [sid("S-1-5-32-544"), primary, account.object_sid]);
    let info = logon_info(&principal(&entry, &view).expect("principal"));
    assert!(
        info.extra_sids.iter().all(|extra| extra.sid != sid("S-1-5-32-544")),
        "BUILTIN is no TGT's business"
    );
}

#[test]
fn sid_history_goes_in_only_when_wanted_and_only_from_other_domains() {
    let (_, view) = testuser();
    let former = sid("S-1-5-21-9-9-9-1200");
    let entry = with("sIDHistory", &[&former.to_bytes()]);
    let include = |entry: &Entry| Principal::from_entry(entry, &view, SidHistory::Include, now());
    let has =
        |principal: &Principal| logon_info(principal).extra_sids.iter().any(|extra| extra.sid == former);
    assert!(has(&include(&entry).expect("principal")));
    assert!(!has(&principal(&entry, &view).expect("principal")));
    assert!(include(&entry).expect("principal").dropped_sids.is_empty());
}

#[test]
fn former_sids_that_were_never_another_domains_are_dropped_and_told_of() {
    let (_, view) = testuser();
    let (former, own) = (sid("S-1-5-21-9-9-9-512"), |rid| view.domain_sid.with_rid(rid).expect("a SID"));
    let forged = [own(512), own(1104), sid("S-1-5-32-544"), sid("S-1-18-1"), sid("S-1-5-9")];
    let values: Vec<_> = forged.iter().chain([&former]).map(Sid::to_bytes).collect();
    let entry = with("sIDHistory", &values.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let principal = Principal::from_entry(&entry, &view, SidHistory::Include, now()).expect("principal");
    assert_eq!(*principal.dropped_sids, forged);
    let extra: Vec<Sid> = logon_info(&principal).extra_sids.iter().map(|extra| extra.sid).collect();
    assert_eq!(extra, [former, Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY]);
    assert_eq!(principal.account.former_sids.len(), 6, "they deny all the same");
    let omitted = Principal::from_entry(&entry, &view, SidHistory::Omit, now()).expect("principal");
    assert!(omitted.dropped_sids.is_empty());
}

#[test]
fn logon_hours_end_the_session_when_they_close() {
    let (_, view) = testuser();
    let mut hours = [0xff; 21];
    hours[17] = 0b0000_0001; // Friday: open to 17:00 UTC, and it is 16:22
    let entry = with("logonHours", &[&hours]);
    let info = logon_info(&principal(&entry, &view).expect("principal"));
    let closing = FileTime::from_unix_seconds(AUTHTIME - AUTHTIME % 3600 + 3600);
    assert_eq!((info.logoff_time, info.kick_off_time), (closing, FileTime::NEVER));
    let short = with("logonHours", &[&[0xff; 20]]);
    assert_eq!(
        principal(&short, &view).expect_err("20 octets"),
        short.error("logonHours", Fault::NotLogonHours).into()
    );
}

#[test]
fn object_classes_tell_kinds_apart() {
    let (_, view) = testuser();
    let cases: [(&[&[u8]], AccountKind); 4] = [
        (&[b"top", b"person", b"user"], AccountKind::User),
        (&[b"top", b"user", b"computer"], AccountKind::Computer),
        (&[b"user", b"computer", b"msDS-GroupManagedServiceAccount"], AccountKind::ServiceAccount),
        (&[b"user", b"computer", b"msds-delegatedmanagedserviceaccount"], AccountKind::ServiceAccount),
    ];
    for (classes, expected) in cases {
        assert_eq!(
            principal(&with("objectClass", classes), &view).expect("principal").account.kind,
            expected
        );
    }
}

#[test]
fn a_name_is_the_account_s_by_its_type() {
    let (entry, view) = testuser();
    let principal = principal(&entry, &view).expect("principal");
    let cases = [
        ("TestUser", false, true),
        ("testuser$", false, false),
        ("testuser@aforest.ad", false, false),
        ("testuser@AFOREST.AD", true, true),
        ("testuser", true, false),
    ];
    for (name, enterprise, expected) in cases {
        let client = ClientName { name, enterprise };
        assert_eq!(principal.is_named(&client), expected, "{client:?}");
    }
}
