//! Long-term keys of the client's side, out of keytabs.

use std::cmp::Reverse;

use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::keys::{Key, Lab};
use crate::krb::keytab::{Entry, Keytab};

/// A branch key that may seal and sign: Entra's role, played in a lab.
pub type BranchKey = Key<Lab>;

/// The newest branch key, and of that the preferred AES type, of a realm: an entry whose kvno has a branch number in its high word,
/// whatever its name. With `branch`, only that number counts.
///
/// # Errors
/// [`BranchKeyError`] says what is missing, or which numbers there are to choose from.
pub fn branch_key(keytab: &Keytab, realm: &str, branch: Option<u16>) -> Result<BranchKey, BranchKeyError> {
    let of_realm = |entry: &&Entry| entry.realm.eq_ignore_ascii_case(realm.as_bytes());
    let mut candidates: Vec<(&Entry, EncryptionType)> = keytab
        .entries()
        .iter()
        .filter(of_realm)
        .filter_map(|entry| Some((entry, EncryptionType::from_i32(entry.etype)?)))
        .filter(|(_, etype)| etype.is_aes())
        .filter(|(entry, _)| match branch {
            Some(number) => branch_number(entry) == number,
            None => branch_number(entry) != 0,
        })
        .collect();
    candidates.sort_by_key(|(entry, etype)| (entry.kvno, Reverse(etype.rank())));

    let mut numbers: Vec<u16> = candidates.iter().map(|(entry, _)| branch_number(entry)).collect();
    numbers.dedup();
    match (numbers.as_slice(), candidates.last()) {
        ([_], Some((entry, etype))) => ready(entry, *etype).ok_or(BranchKeyError::Length),
        ([], _) | (_, None) => Err(BranchKeyError::None),
        (several, _) => Err(BranchKeyError::Several(several.to_vec())),
    }
}

/// Every key of a keytab, to try on tickets.
#[must_use]
pub fn all_keys(keytab: &Keytab) -> Vec<Key<Lab>> {
    keytab.entries().iter().filter_map(|entry| ready(entry, EncryptionType::from_i32(entry.etype)?)).collect()
}

fn ready(entry: &Entry, etype: EncryptionType) -> Option<Key<Lab>> {
    let key = EncryptionKey::from_bytes(etype, &entry.key).ok()?;
    Some(Key::new(entry.kvno, &key))
}

fn branch_number(entry: &Entry) -> u16 {
    let [high, low, _, _] = entry.kvno.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Why a keytab gives no branch key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BranchKeyError {
    /// No AES entry of the realm has the branch number, or any.
    #[error(
        "no AES key of that realm with a branch number in its kvno; export krbtgt_AzureAD's with its whole kvno"
    )]
    None,
    /// Several branches, and none was chosen.
    #[error("keys of the branches {0:?}; choose one")]
    Several(Vec<u16>),
    /// The key is not as long as its encryption type asks for.
    #[error("the branch key has the wrong length for its encryption type")]
    Length,
}
