//! Roles, versions and reasons; and the captured tickets, opened with their own keys.

use pac::Pac;

use super::*;
use crate::krb::crypto::tests::hex;
use crate::krb::keytab::{Entry, Keytab};
use zeroize::Zeroizing;

const REALM: &str = "LAB.EXAMPLE";
const AES128: i32 = 17;
const AES256: i32 = 18;
const AES128_SHA256: i32 = 19;
const AES256_SHA384: i32 = 20;
const RC4_HMAC: i32 = 23;
const BRANCH_7: u32 = 7 << 16;

/// An entry of `name@REALM`; every kvno and type has a key of its own.
fn entry(name: &str, kvno: u32, etype: i32) -> Entry {
    let length = if matches!(etype, AES256 | AES256_SHA384) { 32 } else { 16 };
    let mut key = vec![etype as u8; length];
    key[..4].copy_from_slice(&kvno.to_be_bytes());
    Entry {
        realm: REALM.into(),
        components: name.split('/').map(|component| component.as_bytes().to_vec()).collect(),
        name_type: 1,
        timestamp: 0,
        kvno,
        etype,
        key: Zeroizing::new(key),
    }
}

fn domain(entries: Vec<Entry>) -> Result<DomainKeys, KeysError> {
    DomainKeys::from_keytabs(REALM, &[("the.keytab", Keytab::new(entries))], Rc4::Refused)
}

fn with_rc4_allowed(entries: Vec<Entry>) -> Result<DomainKeys, KeysError> {
    DomainKeys::from_keytabs(REALM, &[("the.keytab", Keytab::new(entries))], Rc4::Allowed)
}

fn with_krbtgt(mut entries: Vec<Entry>) -> Result<DomainKeys, KeysError> {
    entries.push(entry("krbtgt", 2, AES256));
    domain(entries)
}

fn reasons(keys: &DomainKeys) -> Vec<SkipReason> {
    keys.skipped().iter().map(|skipped| skipped.reason).collect()
}

#[test]
fn both_names_of_the_domain_krbtgt_are_known() {
    for name in ["krbtgt", "krbtgt/LAB.EXAMPLE", "krbtgt/lab.example"] {
        let keys = domain(vec![entry(name, 3, AES256)]).unwrap();
        assert_eq!(keys.issuing().kvno(), 3, "{name}");
    }
}

#[test]
fn a_branch_number_decides_whatever_the_name() {
    for name in ["krbtgt", "krbtgt_AzureAD", "host/anything"] {
        let keys = with_krbtgt(vec![entry(name, BRANCH_7 | 4, AES256)]).unwrap();
        let branch = keys.branch(7).unwrap();
        assert_eq!(branch.number(), 7);
        assert_eq!(branch.keys()[0].kvno(), BRANCH_7 | 4, "{name}");
        assert_eq!(branch.keys()[0].version(), 4);
        assert_eq!(keys.issuing().kvno(), 2);
        assert!(keys.branch(8).is_none());
    }
}

#[test]
fn a_domain_without_a_branch_key_has_keys() {
    let keys = with_krbtgt(vec![]).unwrap();
    assert_eq!(keys.branches().count(), 0);
    assert!(keys.skipped().is_empty());
}

#[test]
fn issues_under_the_newest_version_and_of_that_the_preferred_type() {
    let keys = domain(vec![
        entry("krbtgt", 4, AES256),
        entry("krbtgt", 5, AES128),
        entry("krbtgt", 5, AES256),
        entry("krbtgt", 4, AES128),
    ])
    .unwrap();
    let order: Vec<(u32, i32)> = keys.krbtgt().map(|key| (key.kvno(), key.etype().as_i32())).collect();
    assert_eq!(order, [(5, AES256), (5, AES128), (4, AES256), (4, AES128)]);
    assert_eq!(keys.issuing().pac_signature_type(), SignatureType::HmacSha1Aes256);
    assert_eq!(keys.supported_enctypes(), 0x18);
}

/// The types of the krbtgt entries, each with its version: the issuing key's, the types of session keys, the
/// bits of PA-SUPPORTED-ENCTYPES.
#[test]
fn the_types_of_the_krbtgt_keys_decide_under_what_and_with_what_tickets_are_issued() {
    type Case = (&'static [(u32, i32)], Rc4, (u32, i32), &'static [i32], u32);
    let cases: [Case; 10] = [
        (&[(2, AES256)], Rc4::Refused, (2, AES256), &[18, 17], 0x10),
        (&[(2, AES128)], Rc4::Refused, (2, AES128), &[18, 17], 0x08),
        (&[(2, AES256_SHA384), (2, AES256)], Rc4::Refused, (2, AES256), &[18, 17, 20, 19], 0x10),
        (&[(2, AES256_SHA384), (2, AES128)], Rc4::Refused, (2, AES128), &[18, 17, 20, 19], 0x08),
        (&[(2, AES128_SHA256), (2, AES256_SHA384)], Rc4::Refused, (2, AES256_SHA384), &[18, 17, 20, 19], 0),
        (&[(3, AES128_SHA256), (2, AES256)], Rc4::Refused, (3, AES128_SHA256), &[18, 17, 20, 19], 0x10),
        (&[(2, RC4_HMAC), (2, AES256)], Rc4::Refused, (2, AES256), &[18, 17], 0x10),
        (&[(2, RC4_HMAC), (2, AES128)], Rc4::Allowed, (2, AES128), &[18, 17, 23], 0x0c),
        (&[(2, RC4_HMAC), (2, AES128_SHA256)], Rc4::Allowed, (2, AES128_SHA256), &[18, 17, 20, 19, 23], 0x04),
        (&[(2, AES256)], Rc4::Allowed, (2, AES256), &[18, 17, 23], 0x14),
    ];
    for (entries, rc4, issuing, session, supported) in cases {
        let keytab = entries.iter().map(|(kvno, etype)| entry("krbtgt", *kvno, *etype)).collect();
        let keys = match rc4 {
            Rc4::Refused => domain(keytab).unwrap(),
            Rc4::Allowed => with_rc4_allowed(keytab).unwrap(),
        };
        let case = format!("{entries:?}, RC4 {rc4:?}");
        assert_eq!((keys.issuing().kvno(), keys.issuing().etype().as_i32()), issuing, "{case}");
        let etypes: Vec<i32> = keys.session_etypes().map(EncryptionType::as_i32).collect();
        assert_eq!(etypes, session, "{case}");
        assert_eq!(keys.supported_enctypes(), supported, "{case}");
        assert!(
            EncryptionType::ALL
                .iter()
                .all(|etype| keys.accepts(*etype) == (etype.is_aes() || rc4 == Rc4::Allowed))
        );
    }
}

#[test]
fn the_newest_key_that_the_directory_knows_issues() {
    let keys = domain(vec![entry("krbtgt", 3, AES256), entry("krbtgt", 2, AES256)]).unwrap();
    for (current, expected) in [(Some(1), 3), (Some(2), 2), (Some(3), 3), (Some(4), 3), (None, 3)] {
        assert_eq!(keys.issuing_at(current).kvno(), expected, "directory is at {current:?}");
    }
    assert_eq!(keys.age(Some(4)), KeyAge::Previous { current: 4 });
    assert_eq!(keys.age(Some(2)), KeyAge::Current);
}

#[test]
fn a_set_of_keys_loses_what_another_lacks_and_has_no_use_for_being_displaced() {
    let branch = |version, etype| entry("b", BRANCH_7 | version, etype);
    let loaded = || with_krbtgt(vec![branch(1, AES256), branch(2, AES256), branch(2, RC4_HMAC)]).unwrap();
    let mut another = branch(2, AES256);
    another.key[31] ^= 1;
    let cases = [
        ("the same", vec![branch(1, AES256), branch(2, AES256), branch(2, RC4_HMAC)], &[][..]),
        ("more", vec![branch(2, AES256), branch(1, AES256), branch(3, AES256), branch(2, RC4_HMAC)], &[]),
        ("displaced", vec![branch(4, AES256), branch(3, AES256), branch(2, RC4_HMAC)], &[]),
        (
            "one version gone",
            vec![branch(2, AES256), branch(2, RC4_HMAC)],
            &["branch 7, kvno 458753, aes256"],
        ),
        ("a type gone", vec![branch(1, AES256), branch(2, AES256)], &["branch 7, kvno 458754, rc4-hmac"]),
        (
            "other octets",
            vec![branch(1, AES256), another, branch(2, RC4_HMAC)],
            &["branch 7, kvno 458754, aes256"],
        ),
        (
            "all gone",
            vec![],
            &["branch 7, kvno 458754, aes256", "branch 7, kvno 458753, aes256", "branch 7, kvno 458754, rc4"],
        ),
    ];
    for (what, next, expected) in cases {
        let lost: Vec<String> =
            loaded().lost_to(&with_krbtgt(next).unwrap()).iter().map(ToString::to_string).collect();
        assert_eq!(lost.len(), expected.len(), "{what}: {lost:?}");
        assert!(
            lost.iter().zip(expected).all(|(lost, expected)| lost.starts_with(expected)),
            "{what}: {lost:?}"
        );
    }
}

#[test]
fn an_rc4_key_that_is_no_longer_allowed_is_not_lost() {
    let entries = || vec![entry("krbtgt", 2, AES256), entry("krbtgt", 2, RC4_HMAC)];
    let (allowed, refused) = (with_rc4_allowed(entries()).unwrap(), domain(entries()).unwrap());
    assert_eq!((allowed.loaded().count(), refused.loaded().count()), (2, 1));
    assert_eq!(allowed.lost_to(&refused), []);
}

#[test]
fn what_is_loaded_is_told_with_what_it_does() {
    let rc4 = entry("b", BRANCH_7 | 1, RC4_HMAC);
    let keys = domain(vec![
        entry("krbtgt", 2, AES256),
        entry("krbtgt", 1, AES256),
        entry("b", BRANCH_7 | 1, AES128),
        rc4,
    ]);
    let keys = keys.unwrap();
    let told: Vec<_> = keys.loaded().map(|key| (key.kvno, key.employment.label())).collect();
    let branch = BRANCH_7 | 1;
    assert_eq!(told, [(2, "issues"), (1, "stands_by"), (branch, "opens"), (branch, "verifies")]);
}

#[test]
fn keys_of_rfc_8009_sign_pacs_with_their_own_types() {
    for (etype, kind) in
        [(AES128_SHA256, SignatureType::HmacSha256Aes128), (AES256_SHA384, SignatureType::HmacSha384Aes256)]
    {
        let keys = domain(vec![entry("krbtgt", 2, etype), entry("a", BRANCH_7 | 3, etype)]).unwrap();
        assert_eq!(keys.issuing().pac_signature_type(), kind);
        assert_eq!(keys.issuing().pac_key().mac(b"pac").as_bytes().len(), kind.mac_len());
        let branch = keys.branch(7).unwrap();
        assert_eq!(branch.candidates(EncryptionType::from_i32(etype).unwrap(), 3).count(), 1);
        assert_eq!(branch.kdc_signature_keys(kind).count(), 1);
    }
}

#[test]
fn an_rc4_key_of_a_branch_opens_tickets_only_where_rc4_is_allowed() {
    let entries = || {
        let branch = [AES256, RC4_HMAC].map(|etype| entry("a", BRANCH_7 | 3, etype));
        [entry("krbtgt", 2, AES256)].into_iter().chain(branch).collect()
    };
    for (keys, opening) in [(domain(entries()), 0), (with_rc4_allowed(entries()), 1)] {
        let keys = keys.unwrap();
        let branch = keys.branch(7).unwrap();
        assert_eq!(branch.candidates(EncryptionType::Rc4Hmac, 3).count(), opening);
        assert_eq!(branch.kdc_signature_keys(SignatureType::HmacMd5).count(), 1, "verified in either case");
        assert_eq!(branch.keys()[0].etype(), EncryptionType::Aes256Sha1, "the best first");
    }
}

#[test]
fn an_rc4_key_alone_is_not_enough_even_where_rc4_is_allowed() {
    let krbtgt = with_rc4_allowed(vec![entry("krbtgt", 2, RC4_HMAC)]);
    let branch = with_rc4_allowed(vec![entry("krbtgt", 2, AES256), entry("a", BRANCH_7 | 3, RC4_HMAC)]);
    assert!(matches!(krbtgt, Err(KeysError::NoAesKey { role: Role::Krbtgt, .. })));
    assert!(matches!(branch, Err(KeysError::NoAesKey { role: Role::Branch(7), .. })));
}

#[test]
fn two_versions_are_kept_of_each_role_branch_and_type() {
    let mut entries = Vec::new();
    for version in [2, 9, 7, 3] {
        entries.push(entry("krbtgt", version, AES256));
        entries.push(entry("a", BRANCH_7 | version, AES256));
        entries.push(entry("a", BRANCH_7 | version, RC4_HMAC));
        entries.push(entry("b", 8 << 16 | version, AES128));
    }
    let keys = domain(entries).unwrap();
    let versions =
        |branch: u16| -> Vec<u16> { keys.branch(branch).unwrap().keys().iter().map(Key::version).collect() };
    assert_eq!(keys.krbtgt().map(Key::version).collect::<Vec<_>>(), [9, 7]);
    assert_eq!(versions(7), [9, 7]);
    assert_eq!(versions(8), [9, 7]);
    assert_eq!(keys.branch(7).unwrap().kdc_signature_keys(SignatureType::HmacMd5).count(), 2);
    assert_eq!(reasons(&keys), [SkipReason::Older; 8]);
}

#[test]
fn the_newest_version_is_the_current_one_whatever_its_types() {
    let branch = [(4, AES128), (5, AES256)].map(|(version, etype)| entry("a", BRANCH_7 | version, etype));
    let keys = with_krbtgt([entry("krbtgt", 1, AES128)].into_iter().chain(branch).collect()).unwrap();
    let branch = keys.branch(7).unwrap();
    let branch_slots: Vec<_> = branch.keys().iter().map(|key| branch.slot(key)).collect();
    let krbtgt_slots: Vec<_> = keys.krbtgt().map(|key| keys.slot(key)).collect();
    assert_eq!(branch_slots, [Slot::Current, Slot::Previous]);
    assert_eq!(krbtgt_slots, [Slot::Current, Slot::Previous]);
}

#[test]
fn the_key_of_the_hinted_version_is_tried_first_and_the_other_after_it() {
    let keys = with_krbtgt(vec![
        entry("a", BRANCH_7 | 3, AES256),
        entry("a", BRANCH_7 | 4, AES256),
        entry("a", BRANCH_7 | 4, AES128),
    ])
    .unwrap();
    let branch = keys.branch(7).unwrap();
    for (hint, order) in [(3, [3, 4]), (4, [4, 3]), (0, [4, 3]), (9, [4, 3])] {
        let tried = branch.candidates(EncryptionType::Aes256Sha1, hint);
        assert_eq!(tried.map(Key::version).collect::<Vec<_>>(), order, "hint {hint}");
    }
    assert_eq!(branch.candidates(EncryptionType::Aes128Sha1, 3).count(), 1);
}

#[test]
fn an_rc4_key_verifies_kdc_signatures_and_nothing_else() {
    let keys = with_krbtgt(vec![entry("a", BRANCH_7 | 3, AES256), entry("a", BRANCH_7 | 3, RC4_HMAC)]);
    let keys = keys.unwrap();
    let branch = keys.branch(7).unwrap();
    assert_eq!(branch.keys().len(), 1);
    assert_eq!(branch.kdc_signature_keys(SignatureType::HmacMd5).count(), 1);
    assert_eq!(branch.kdc_signature_keys(SignatureType::HmacSha1Aes256).count(), 1);
    assert_eq!(branch.kdc_signature_keys(SignatureType::HmacSha1Aes128).count(), 0);
}

#[test]
fn entries_of_no_use_are_skipped_with_a_reason() {
    let with = |change: &dyn Fn(&mut Entry)| {
        let mut changed = entry("krbtgt", 3, AES256);
        change(&mut changed);
        changed
    };
    let cases = [
        (with(&|entry| entry.realm = b"OTHER.EXAMPLE".to_vec()), SkipReason::AnotherRealm),
        (entry("krbtgt/OTHER.EXAMPLE", 3, AES256), SkipReason::NotKrbtgt),
        (entry("host/dc1", 3, AES256), SkipReason::NotKrbtgt),
        (entry("krbtgt", 3, RC4_HMAC), SkipReason::EncryptionType),
        (entry("krbtgt", 3, 0), SkipReason::EncryptionType),
        (entry("krbtgt", 3, 16), SkipReason::EncryptionType),
        (with(&|entry| entry.key.truncate(31)), SkipReason::KeyLength),
        (with(&|entry| entry.key.fill(0)), SkipReason::AllZero),
        (entry("krbtgt", 2, AES256), SkipReason::Duplicate),
    ];
    for (unused, reason) in cases {
        let keys = domain(vec![entry("krbtgt", 2, AES256), unused]).unwrap();
        assert_eq!(reasons(&keys), [reason]);
        assert_eq!(keys.issuing().kvno(), 2, "{reason}");
    }
}

#[test]
fn a_skipped_entry_says_which_and_why_in_one_line() {
    let keys = with_krbtgt(vec![entry("host/dc1", 3, AES256)]).unwrap();
    assert_eq!(
        keys.skipped()[0].to_string(),
        "the.keytab: host/dc1@LAB.EXAMPLE kvno 3 etype 18: neither krbtgt nor a branch key"
    );
}

#[test]
fn what_is_missing_is_said_with_its_mend() {
    let mut conflicting = entry("krbtgt", 2, AES256);
    conflicting.key.fill(9);
    let cases = [
        (
            domain(vec![entry("a", BRANCH_7 | 3, AES256)]),
            "no key of krbtgt/LAB.EXAMPLE@LAB.EXAMPLE in the.keytab: export the domain's krbtgt account, its kvno \
             without a branch number, into one of the domain's `keytabs`",
        ),
        (
            domain(vec![entry("krbtgt", 3, RC4_HMAC)]),
            "the domain's krbtgt has entries in the.keytab but no usable AES key: export its \
             aes256-cts-hmac-sha1-96 key (etype 18), or remove the entries",
        ),
        (
            with_krbtgt(vec![entry("a", BRANCH_7 | 3, RC4_HMAC)]),
            "branch 7 has entries in the.keytab but no usable AES key: export its aes256-cts-hmac-sha1-96 key \
             (etype 18), or remove the entries",
        ),
        (
            with_krbtgt(vec![conflicting]),
            "the domain's krbtgt, kvno 2, etype 18 has two different keys in the.keytab: remove the wrong one",
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(keys.unwrap_err().to_string(), expected);
    }
}

#[test]
fn debug_shows_no_key() {
    let keys = with_krbtgt(vec![entry("a", BRANCH_7 | 3, RC4_HMAC), entry("a", BRANCH_7 | 3, AES256)]);
    let shown = format!("{:?}", keys.unwrap());
    assert!(shown.contains("Key(kvno 458755, redacted)"), "{shown}");
    assert!(!shown.contains("18, 18"), "{shown}");
}

macro_rules! vector {
    ($path:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/", $path)).as_slice()
    };
}

/// The key of this name in a capture's `keys.json`.
fn captured_key(json: &str, name: &str) -> Vec<u8> {
    let keys: serde_json::Value = serde_json::from_str(json).unwrap();
    hex(keys[name].as_str().unwrap())
}

fn lab_key(octets: &[u8]) -> Key<Lab> {
    let etype = EncryptionType::ALL.into_iter().find(|etype| etype.key_len() == octets.len()).unwrap();
    Key::new(0, &EncryptionKey::from_bytes(etype, octets).unwrap())
}

/// Every octet string of a message that is long enough to be a ticket's cipher.
fn octet_strings(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..message.len()).filter_map(|at| match &message[at..] {
        [0x04, 0x82, high, low, rest @ ..] => rest.get(..u16::from_be_bytes([*high, *low]).into()),
        _ => None,
    })
}

/// Whether this key opens a ticket in `message`, and the PAC lies in it.
fn opens_to_pac<R: Opens>(key: &Key<R>, message: &[u8], pac: &[u8]) -> bool {
    octet_strings(message)
        .filter_map(|cipher| key.open_ticket(cipher).ok())
        .any(|plain| plain.windows(pac.len()).any(|window| window == pac))
}

#[test]
fn the_tickets_of_a_windows_server_2022_open_and_their_pacs_verify() {
    let keytab = Keytab::parse(vector!("windows-server-2022/keytab")).unwrap();
    let octets = |name: &str, kvno: u32| {
        let mut entries = keytab.entries().iter();
        let wanted =
            |entry: &&Entry| (entry.kvno, entry.etype) == (kvno, AES256) && entry.principal() == name;
        entries.find(wanted).unwrap().key.to_vec()
    };
    let krbtgt = lab_key(&octets("krbtgt@AFOREST.AD", 2));
    let pac = vector!("windows-server-2022/tgt-pac.bin");
    for message in [
        vector!("windows-server-2022/as-rep.bin"),
        vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin"),
        vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin"),
        vector!("windows-server-2022/tgs-req-cifs.bin"),
    ] {
        assert!(opens_to_pac(&krbtgt, message, pac));
    }
    let pac = Pac::parse(pac).unwrap();
    let server = pac.server_signature().unwrap();
    let kdc = pac.kdc_signature().unwrap();
    assert_eq!([server.kind, kdc.kind], [krbtgt.pac_signature_type(); 2]);
    assert!(krbtgt.pac_verifier().verify(&pac.unsigned(), server.mac));
    assert!(krbtgt.pac_verifier().verify(server.mac, kdc.mac));

    let server = lab_key(&octets("WIN2K22-1$@AFOREST.AD", 6));
    let service_ticket = vector!("windows-server-2022/tgs-rep-cifs.bin");
    assert!(octet_strings(service_ticket).any(|cipher| server.open_ticket(cipher).is_ok()));

    let keys = DomainKeys::from_keytabs("AFOREST.AD", &[("keytab", keytab)], Rc4::Refused).unwrap();
    assert_eq!(keys.issuing().kvno(), 2);
    assert_eq!(keys.issuing().etype(), EncryptionType::Aes256Sha1);
}

#[test]
fn the_tickets_of_windows_in_2019_open() {
    let json = include_str!("../../../../tests/vectors/windows-2019/keys.json");
    let krbtgt = lab_key(&captured_key(json, "krbtgt/CORP.IDENTITYINTERVENTION.COM aes256 kvno 2"));
    for (message, pac) in [
        (vector!("windows-2019/msg-as-rep.bin"), vector!("windows-2019/as-rep.pac.bin")),
        (
            vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"),
            vector!("windows-2019/tgs-rep-testuser-krbtgt-renew.pac.bin"),
        ),
    ] {
        assert!(opens_to_pac(&krbtgt, message, pac));
        let pac = Pac::parse(pac).unwrap();
        let server = pac.server_signature().unwrap();
        assert!(krbtgt.pac_verifier().verify(&pac.unsigned(), server.mac));
    }
}

const RODC_KEYS: &str = include_str!("../../../../tests/vectors/windows-rodc-2021/keys.json");

/// The branch of the captured RODC, from a keytab as an operator would write it.
fn rodc_branch() -> DomainKeys {
    let with_key = |kvno, etype, name| {
        let mut entry = entry("krbtgt_46673", kvno, etype);
        entry.key = Zeroizing::new(captured_key(RODC_KEYS, name));
        entry
    };
    with_krbtgt(vec![
        with_key(46673 << 16 | 1, AES256, "rodc_tgt_key"),
        with_key(46673 << 16 | 1, RC4_HMAC, "rodc_tgt_pac_key"),
    ])
    .unwrap()
}

#[test]
fn the_ticket_of_a_windows_rodc_opens_and_both_its_signature_types_verify() {
    let keys = rodc_branch();
    let branch = keys.branch(46673).unwrap();
    let key = branch.candidates(EncryptionType::Aes256Sha1, 1).next().unwrap();
    let octets = vector!("windows-rodc-2021/tgt_rodc.pac.bin");
    assert!(opens_to_pac(key, vector!("windows-rodc-2021/tgt_rodc.bin"), octets));

    let pac = Pac::parse(octets).unwrap();
    let server = pac.server_signature().unwrap();
    let kdc = pac.kdc_signature().unwrap();
    assert_eq!(kdc.kind, SignatureType::HmacMd5);
    assert_eq!(kdc.rodc_identifier, Some(46673));
    assert!(branch.kdc_signature_keys(server.kind).any(|key| key.verify(&pac.unsigned(), server.mac)));
    assert!(branch.kdc_signature_keys(kdc.kind).any(|key| key.verify(server.mac, kdc.mac)));
    let mut forged = kdc.mac.to_vec();
    forged[0] ^= 1;
    assert!(!branch.kdc_signature_keys(kdc.kind).any(|key| key.verify(server.mac, &forged)));
}

#[test]
fn the_ticket_of_its_read_write_partner_opens_and_verifies() {
    let key = lab_key(&captured_key(RODC_KEYS, "rwdc_tgt_key"));
    let octets = vector!("windows-rodc-2021/tgt_ticket.pac.bin");
    assert!(opens_to_pac(&key, vector!("windows-rodc-2021/tgt_ticket.bin"), octets));
    let pac = Pac::parse(octets).unwrap();
    let server = pac.server_signature().unwrap();
    let kdc = pac.kdc_signature().unwrap();
    assert!(key.pac_verifier().verify(&pac.unsigned(), server.mac));
    let rc4: [u8; 16] = captured_key(RODC_KEYS, "rwdc_tgt_pac_key").try_into().unwrap();
    assert!(MacKey::rc4_hmac(&rc4, KeyUsage::PacSignature).verify(server.mac, kdc.mac));
}
