//! The keys of a scene, all of them known: the domain's, its branch's and its users'.

use std::sync::LazyLock;

use kdc::client::BranchKey;
use kdc::krb::crypto::{EncryptionKey, EncryptionType, KeyUsage, MacKey};
use kdc::krb::keytab::Entry;
use kdc::krb::messages::name_type;
use zeroize::Zeroizing;

/// kvno of the branch's current and previous key: [`BRANCH`](super::BRANCH) above the version.
pub const BRANCH_KVNO: u32 = 30_775 << 16 | 5;
/// See [`BRANCH_KVNO`].
pub const OLD_BRANCH_KVNO: u32 = 30_775 << 16 | 4;
/// kvno of the domain's krbtgt key.
pub const KRBTGT_KVNO: u32 = 2;

/// The branch's current key.
pub static BRANCH_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(BRANCH_KVNO, 0xb5));
/// The branch's previous key.
pub static OLD_BRANCH_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(OLD_BRANCH_KVNO, 0xb4));
/// The branch's current AES128 key.
pub static BRANCH_KEY_128: LazyLock<BranchKey> = LazyLock::new(|| aes128(BRANCH_KVNO, 0xb1));
/// A key that nobody else has, under the branch's kvno.
pub static STRAY_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(BRANCH_KVNO, 0xee));
/// The branch's RC4 key, for signatures. No keytab of a scene has it unless [`with_rc4`](super::Scene::with_rc4) adds it.
pub static RC4_KEY: LazyLock<MacKey> =
    LazyLock::new(|| MacKey::rc4_hmac(&RC4_OCTETS, KeyUsage::PacSignature));
pub(super) const RC4_OCTETS: [u8; 16] = [0xb3; 16];
/// The domain's krbtgt keys, as a domain controller has them.
pub static KRBTGT_KEYS: LazyLock<[BranchKey; 2]> =
    LazyLock::new(|| [aes256(KRBTGT_KVNO, 0xd2), aes128(KRBTGT_KVNO, 0xd1)]);

fn aes256(kvno: u32, octet: u8) -> BranchKey {
    BranchKey::new(kvno, &EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[octet; 32]).unwrap())
}

fn aes128(kvno: u32, octet: u8) -> BranchKey {
    BranchKey::new(kvno, &EncryptionKey::from_bytes(EncryptionType::Aes128Sha1, &[octet; 16]).unwrap())
}

/// An entry of a keytab.
#[must_use]
pub fn keytab_entry(realm: &str, name: &[&str], kvno: u32, etype: i32, key: &[u8]) -> Entry {
    Entry {
        realm: realm.into(),
        components: name.iter().map(|component| component.as_bytes().to_vec()).collect(),
        name_type: name_type::PRINCIPAL.unsigned_abs(),
        timestamp: 0,
        kvno,
        etype,
        key: Zeroizing::new(key.to_vec()),
    }
}

/// kvno of every user's keys.
pub const USER_KVNO: u32 = 3;
/// Users that the keytab of user keys has keys of, one of each type: paula is a Protected User, dora may not be revealed.
pub(super) const USERS_WITH_KEYS: [&str; 4] = ["alice", "paula", "dora", "nina"];

/// A user's key in the keytab of user keys. Nobody else has it.
#[must_use]
pub fn user_key(user: &str, etype: EncryptionType) -> Vec<u8> {
    let mut key = format!("{}-{user}", etype.as_i32()).into_bytes();
    key.resize(etype.key_len(), b'*');
    key
}

/// An entry once more, which keys do not offer by themselves.
pub(super) fn copied(entry: &Entry) -> Entry {
    Entry {
        realm: entry.realm.clone(),
        components: entry.components.clone(),
        name_type: entry.name_type,
        timestamp: entry.timestamp,
        kvno: entry.kvno,
        etype: entry.etype,
        key: entry.key.clone(),
    }
}
