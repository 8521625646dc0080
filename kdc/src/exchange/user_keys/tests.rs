//! Which entries of a keytab are users' keys to release.

use super::*;
use EncryptionType::{Aes128Sha1, Aes256Sha1, Aes256Sha384, Rc4Hmac};
use zeroize::Zeroizing;

const REALM: &str = "LAB.EXAMPLE";

/// An entry whose key is all of one octet.
fn entry(name: &[&str], kvno: u32, etype: i32, octet: u8) -> Entry {
    let length = EncryptionType::from_i32(etype).map_or(8, EncryptionType::key_len);
    Entry {
        realm: REALM.into(),
        components: name.iter().map(|component| component.as_bytes().to_vec()).collect(),
        name_type: 1,
        timestamp: 0,
        kvno,
        etype,
        key: Zeroizing::new(vec![octet; length]),
    }
}

fn keys(entries: Vec<Entry>, etypes: &[EncryptionType]) -> UserKeys {
    UserKeys::from_keytabs(REALM, &[Keytab::new(entries)], etypes)
}

/// kvno, type and first octet of each key of the account.
fn held(keys: &UserKeys, name: &str) -> Vec<(u32, i32, u8)> {
    keys.of(name).iter().map(|key| (key.kvno(), key.etype().as_i32(), key.to_wire().value[0])).collect()
}

fn unused(keys: &UserKeys) -> Vec<(Unused, usize)> {
    keys.unused().collect()
}

#[test]
fn an_account_is_found_by_its_name_whatever_the_letter_case() {
    let keys = keys(vec![entry(&["Zoë"], 3, 23, 1), entry(&["bob"], 1, 23, 2)], &[Rc4Hmac]);
    assert_eq!(keys.accounts(), 2);
    for (name, expected) in [("zoë", 1), ("ZOË", 1), ("BOB", 1), ("zoe", 0), ("bob ", 0), ("bo", 0), ("", 0)]
    {
        assert_eq!(held(&keys, name).len(), expected, "{name}");
    }
}

#[test]
fn only_users_of_the_realm_named_by_their_samaccountname_have_keys() {
    let another_realm = Entry { realm: b"OTHER.EXAMPLE".to_vec(), ..entry(&["alice"], 9, 23, 9) };
    let lower_case = Entry { realm: b"lab.example".to_vec(), ..entry(&["alice"], 1, 23, 1) };
    let nobody = Entry { components: vec![vec![0xff]], ..entry(&["x"], 1, 23, 9) };
    let keys = keys(
        vec![
            another_realm,
            lower_case,
            nobody,
            entry(&["krbtgt"], 1, 23, 9),
            entry(&["KRBTGT"], 1, 23, 9),
            entry(&["krbtgt_30775"], 30775 << 16 | 1, 23, 9),
            entry(&["WS1$"], 1, 23, 9),
            entry(&["cifs", "dc1.lab.example"], 1, 23, 9),
            entry(&["alice@lab.example"], 9, 23, 9),
        ],
        &[Rc4Hmac],
    );
    assert_eq!((keys.accounts(), held(&keys, "alice")), (1, vec![(1, 23, 1)]));
    assert_eq!(unused(&keys), [(Unused::AnotherRealm, 1), (Unused::NotAUser, 7)]);
}

#[test]
fn the_newest_version_of_an_account_counts_whatever_its_types() {
    let entries = || {
        vec![
            entry(&["alice"], 2, 23, 2),
            entry(&["alice"], 3, 23, 3),
            entry(&["alice"], 1, 23, 1),
            entry(&["bob"], 4, 23, 4),
            entry(&["bob"], 5, 18, 5),
        ]
    };
    let found = keys(entries(), &[Rc4Hmac]);
    assert_eq!(held(&found, "alice"), [(3, 23, 3)]);
    assert_eq!(held(&found, "bob"), [], "his hash is that of the password before");
    assert_eq!(unused(&found), [(Unused::Older, 3), (Unused::EncryptionType, 1)]);
    assert_eq!(held(&keys(entries(), &[Aes256Sha1, Rc4Hmac]), "bob"), [(5, 18, 5)]);
    // Over several keytabs as in one.
    let [one, other] =
        [vec![entry(&["alice"], 2, 23, 2)], vec![entry(&["alice"], 7, 23, 7)]].map(Keytab::new);
    assert_eq!(held(&UserKeys::from_keytabs(REALM, [&one, &other], &[Rc4Hmac]), "alice"), [(7, 23, 7)]);
}

#[test]
fn keys_of_other_types_are_not_even_held() {
    let entries = || [18, 17, 23, 3, 20].map(|etype| entry(&["alice"], 1, etype, 1)).into();
    let cases: [(&[EncryptionType], &[i32]); 3] =
        [(&[Rc4Hmac], &[23]), (&[Aes128Sha1, Aes256Sha1], &[18, 17]), (&[Aes256Sha384], &[20])];
    for (etypes, expected) in cases {
        let keys = keys(entries(), etypes);
        let held: Vec<i32> = held(&keys, "alice").into_iter().map(|(_, etype, _)| etype).collect();
        assert_eq!(held, expected);
        let told: Vec<i32> = keys.etypes().map(EncryptionType::as_i32).collect();
        assert_eq!(told, expected);
        assert_eq!(unused(&keys), [(Unused::EncryptionType, 5 - expected.len())]);
    }
}

#[test]
fn a_contradiction_leaves_no_key_and_a_repetition_one() {
    let keys = keys(
        vec![
            entry(&["alice"], 1, 23, 1),
            entry(&["ALICE"], 1, 23, 2),
            entry(&["alice"], 1, 18, 3),
            entry(&["alice"], 1, 18, 3),
            entry(&["bob"], 1, 23, 0),
            Entry { key: Zeroizing::new(vec![1; 15]), ..entry(&["carol"], 1, 23, 1) },
        ],
        &[Rc4Hmac, Aes256Sha1],
    );
    assert_eq!(held(&keys, "alice"), [(1, 18, 3)]);
    assert_eq!(keys.accounts(), 1);
    assert_eq!(unused(&keys), [(Unused::Unusable, 2), (Unused::Contradicted, 2), (Unused::Duplicate, 1)]);
}

#[test]
fn debug_shows_no_key() {
    let keys = keys(vec![entry(&["alice"], 1, 23, 0x5a)], &[Rc4Hmac]);
    assert_eq!(format!("{keys:?}"), "UserKeys(1 accounts, redacted)");
    assert_eq!(format!("{:?}", keys.of("alice")), "[UserKey(kvno 1, rc4-hmac, redacted)]");
}
