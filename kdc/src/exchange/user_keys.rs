//! Long-term keys of a domain's users: what the key list is answered from ([MS-KILE] 3.3.5.7.8).
//!
//! A key is found by the sAMAccountName that the directory has for the account, never by a name that a client
//! brought. Where the keys are from is the shell's business: keytabs today, and whatever reads them elsewhere
//! (directory replication) makes the same value.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use subtle::ConstantTimeEq;

use crate::directory::folded_name;
use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::keytab::{Entry, Keytab};
use crate::krb::messages::EncryptionKeyView;

/// Keys of the users of one domain, of the types that may be released and of no other.
pub struct UserKeys {
    /// By folded sAMAccountName; never an empty list.
    accounts: HashMap<String, Box<[UserKey]>>,
    unused: BTreeMap<Unused, usize>,
}

/// One key of a user. Its octets go into a sealed reply and nowhere else; wiped when dropped.
pub struct UserKey {
    kvno: u32,
    key: EncryptionKey,
}

impl UserKeys {
    /// The users' keys among the entries of keytabs, as `samba-tool domain exportkeytab`, `ktutil` and `ktpass` write
    /// them: `user@REALM`. Of an account, only the newest version counts, whatever types it has: a key that is
    /// no longer the account's is worth nothing to it, and something to others.
    #[must_use]
    pub fn from_keytabs<'k>(
        realm: &str,
        keytabs: impl IntoIterator<Item = &'k Keytab>,
        etypes: &[EncryptionType],
    ) -> Self {
        let mut unused = BTreeMap::new();
        let mut by_name: HashMap<String, Vec<&Entry>> = HashMap::new();
        for entry in keytabs.into_iter().flat_map(Keytab::entries) {
            match user_name(entry, realm) {
                Ok(name) => by_name.entry(name).or_default().push(entry),
                Err(why) => count(&mut unused, why, 1),
            }
        }
        let accounts = by_name
            .into_iter()
            .map(|(name, entries)| (name, newest_keys(&entries, etypes, &mut unused)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        Self { accounts, unused }
    }

    /// The keys of the account with this sAMAccountName: at most one of each type, all of one version.
    pub(super) fn of(&self, sam_account_name: &str) -> &[UserKey] {
        self.accounts.get(&folded_name(sam_account_name)).map_or(&[], AsRef::as_ref)
    }

    /// How many accounts have keys.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The types there are keys of.
    pub fn etypes(&self) -> impl Iterator<Item = EncryptionType> {
        let held = |etype: &EncryptionType| self.accounts.values().flatten().any(|key| key.etype() == *etype);
        EncryptionType::ALL.into_iter().filter(held)
    }

    /// How many entries are not used, by reason.
    pub fn unused(&self) -> impl Iterator<Item = (Unused, usize)> {
        self.unused.iter().map(|(why, entries)| (*why, *entries))
    }
}

impl UserKey {
    pub(super) const fn kvno(&self) -> u32 {
        self.kvno
    }

    pub(super) const fn etype(&self) -> EncryptionType {
        self.key.etype()
    }

    /// As the client gets it. Of type 23, the NT hash (RFC 4757 §2).
    pub(super) fn to_wire(&self) -> EncryptionKeyView<'_> {
        EncryptionKeyView { etype: self.etype().as_i32(), value: self.key.as_bytes() }
    }
}

impl fmt::Debug for UserKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKeys({} accounts, redacted)", self.accounts())
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKey(kvno {}, {}, redacted)", self.kvno, self.etype())
    }
}

/// Why an entry of a keytab is no user's key to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unused {
    /// Its realm is not this domain's.
    #[error("of another realm")]
    AnotherRealm,
    /// Its principal is a computer, a service, a krbtgt, or is named by a user principal name.
    #[error("not of a user by sAMAccountName")]
    NotAUser,
    /// The account has a newer key.
    #[error("older than the account's newest")]
    Older,
    /// Not among the types to be released.
    #[error("of a type that is not released")]
    EncryptionType,
    /// Its key is all zeros or has the wrong length for its type.
    #[error("unusable as a key")]
    Unusable,
    /// Another entry of the same account, version and type has another key: neither is believed.
    #[error("contradicted by another entry")]
    Contradicted,
    /// Another entry says the same.
    #[error("a duplicate")]
    Duplicate,
}

fn count(unused: &mut BTreeMap<Unused, usize>, why: Unused, entries: usize) {
    if entries > 0 {
        let counted: &mut usize = unused.entry(why).or_default();
        *counted = counted.saturating_add(entries);
    }
}

/// The folded sAMAccountName of the user whose key an entry is.
fn user_name(entry: &Entry, realm: &str) -> Result<String, Unused> {
    if !entry.realm.eq_ignore_ascii_case(realm.as_bytes()) {
        return Err(Unused::AnotherRealm);
    }
    let [name] = entry.components.as_slice() else { return Err(Unused::NotAUser) };
    // A kvno with a high word is that of a branch's krbtgt.
    let is_user = entry.kvno <= u32::from(u16::MAX)
        && !name.eq_ignore_ascii_case(b"krbtgt")
        && !name.ends_with(b"$")
        && !name.contains(&b'@');
    match str::from_utf8(name) {
        Ok(name) if is_user => Ok(folded_name(name)),
        _ => Err(Unused::NotAUser),
    }
}

/// The keys to release of one account's entries.
fn newest_keys(
    entries: &[&Entry],
    etypes: &[EncryptionType],
    unused: &mut BTreeMap<Unused, usize>,
) -> Box<[UserKey]> {
    let newest = entries.iter().map(|entry| entry.kvno).max().unwrap_or_default();
    let mut of_type: HashMap<EncryptionType, Vec<&Entry>> = HashMap::new();
    for &entry in entries {
        match EncryptionType::from_i32(entry.etype) {
            _ if entry.kvno != newest => count(unused, Unused::Older, 1),
            Some(etype) if etypes.contains(&etype) => of_type.entry(etype).or_default().push(entry),
            _ => count(unused, Unused::EncryptionType, 1),
        }
    }
    let keys = EncryptionType::ALL.into_iter().filter_map(|etype| {
        let key = agreed_key(etype, of_type.get(&etype)?, unused)?;
        Some(UserKey { kvno: newest, key })
    });
    keys.collect()
}

/// The key that all of these entries of one account, version and type have.
fn agreed_key(
    etype: EncryptionType,
    entries: &[&Entry],
    unused: &mut BTreeMap<Unused, usize>,
) -> Option<EncryptionKey> {
    let (first, others) = entries.split_first()?;
    if !others.iter().all(|other| bool::from(other.key.ct_eq(&first.key))) {
        count(unused, Unused::Contradicted, entries.len());
        return None;
    }
    let key = EncryptionKey::from_bytes(etype, &first.key).ok().filter(|key| !key.is_all_zero());
    match key {
        Some(_) => count(unused, Unused::Duplicate, others.len()),
        None => count(unused, Unused::Unusable, entries.len()),
    }
    key
}

#[cfg(test)]
mod tests;
