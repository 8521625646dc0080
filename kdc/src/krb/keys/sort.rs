//! Which keytab entry is for what: role, branch, version, and why an entry is left out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use subtle::ConstantTimeEq;

use super::Rc4;
use crate::krb::crypto::EncryptionType;
use crate::krb::keytab::{Entry, Keytab};

/// Versions kept of each role and encryption type: the current one and the one before it.
const VERSIONS_KEPT: usize = 2;

/// What a keytab entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The domain's own krbtgt key.
    Krbtgt,
    /// The krbtgt key of the branch of this number.
    Branch(u16),
}

impl Role {
    /// A kvno with a high word is a branch key whatever its name; without one, the name decides.
    fn of(entry: &Entry, realm: &str) -> Result<Self, SkipReason> {
        if !entry.realm.eq_ignore_ascii_case(realm.as_bytes()) {
            return Err(SkipReason::AnotherRealm);
        }
        let [high, low, _, _] = entry.kvno.to_be_bytes();
        match (u16::from_be_bytes([high, low]), entry.components.as_slice()) {
            (0, [name]) if name.eq_ignore_ascii_case(b"krbtgt") => Ok(Self::Krbtgt),
            (0, [name, instance])
                if name.eq_ignore_ascii_case(b"krbtgt")
                    && instance.eq_ignore_ascii_case(realm.as_bytes()) =>
            {
                Ok(Self::Krbtgt)
            }
            (0, _) => Err(SkipReason::NotKrbtgt),
            (number, _) => Ok(Self::Branch(number)),
        }
    }

    /// Octets of a key of this encryption type in this role, if the role has a use for it. Where RC4 is not
    /// allowed, RC4 keys of a branch verify the KDC signature in PACs of Windows RODCs, and do nothing else.
    fn key_len(self, etype: i32, rc4: Rc4) -> Option<usize> {
        let etype = EncryptionType::from_i32(etype)?;
        let useful = etype.is_aes() || rc4 == Rc4::Allowed || matches!(self, Self::Branch(_));
        useful.then_some(etype.key_len())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Krbtgt => f.write_str("the domain's krbtgt"),
            Self::Branch(number) => write!(f, "branch {number}"),
        }
    }
}

/// The entries worth keeping, by role and encryption type, newest first, and the others.
pub(super) struct Sorted<'k> {
    pub(super) kept: BTreeMap<(Role, i32), Vec<&'k Entry>>,
    /// Every role that has an entry, even if none of its entries is kept, and the keytabs that have them.
    pub(super) roles: BTreeMap<Role, BTreeSet<&'k str>>,
    pub(super) skipped: Vec<Skipped>,
}

/// Entries of one role and encryption type by kvno, each with the name of its keytab.
type NewestFirst<'k> = BTreeMap<Reverse<u32>, (&'k str, &'k Entry)>;

/// Sorts the entries of a realm's keytabs.
pub(super) fn sort<'k>(
    realm: &str,
    keytabs: &'k [(impl AsRef<str>, Keytab)],
    rc4: Rc4,
) -> Result<Sorted<'k>, KeysError> {
    let mut sorted = Sorted { kept: BTreeMap::new(), roles: BTreeMap::new(), skipped: Vec::new() };
    let mut versions: BTreeMap<(Role, i32), NewestFirst<'k>> = BTreeMap::new();
    let entries = keytabs
        .iter()
        .flat_map(|(keytab, entries)| entries.entries().iter().map(move |entry| (keytab.as_ref(), entry)));
    for (keytab, entry) in entries {
        let role = match Role::of(entry, realm) {
            Ok(role) => role,
            Err(reason) => {
                sorted.skipped.push(Skipped::new(keytab, entry, reason));
                continue;
            }
        };
        sorted.roles.entry(role).or_default().insert(keytab);
        if let Some(reason) = unusable(role, entry, rc4) {
            sorted.skipped.push(Skipped::new(keytab, entry, reason));
            continue;
        }
        let same_kind = versions.entry((role, entry.etype)).or_default();
        if let Some((other_keytab, other)) = same_kind.get(&Reverse(entry.kvno)) {
            if !bool::from(entry.key.ct_eq(&other.key)) {
                return Err(KeysError::Conflict {
                    role,
                    kvno: entry.kvno,
                    etype: entry.etype,
                    keytabs: join([*other_keytab, keytab]),
                });
            }
            sorted.skipped.push(Skipped::new(keytab, entry, SkipReason::Duplicate));
            continue;
        }
        same_kind.insert(Reverse(entry.kvno), (keytab, entry));
    }
    for (kind, newest_first) in versions {
        let mut newest_first = newest_first.into_values();
        let kept = newest_first.by_ref().take(VERSIONS_KEPT).map(|(_, entry)| entry).collect();
        sorted.kept.insert(kind, kept);
        sorted
            .skipped
            .extend(newest_first.map(|(keytab, entry)| Skipped::new(keytab, entry, SkipReason::Older)));
    }
    Ok(sorted)
}

/// Why an entry of this role is of no use, if it is not.
fn unusable(role: Role, entry: &Entry, rc4: Rc4) -> Option<SkipReason> {
    match role.key_len(entry.etype, rc4) {
        None => Some(SkipReason::EncryptionType),
        Some(length) if length != entry.key.len() => Some(SkipReason::KeyLength),
        Some(_) if entry.key.iter().all(|octet| *octet == 0) => Some(SkipReason::AllZero),
        Some(_) => None,
    }
}

/// A keytab entry that is not used. It holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The keytab, as the configuration calls it.
    pub keytab: String,
    /// The principal, printable.
    pub principal: String,
    /// The 32-bit key version number.
    pub kvno: u32,
    /// The encryption type's number.
    pub etype: i32,
    /// Why.
    pub reason: SkipReason,
}

impl Skipped {
    fn new(keytab: &str, entry: &Entry, reason: SkipReason) -> Self {
        Self {
            keytab: keytab.to_owned(),
            principal: entry.principal(),
            kvno: entry.kvno,
            etype: entry.etype,
            reason,
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keytab, principal, kvno, etype, reason } = self;
        write!(f, "{keytab}: {principal} kvno {kvno} etype {etype}: {reason}")
    }
}

/// Why a keytab entry is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum SkipReason {
    /// Its realm is not this domain's.
    #[error("of another realm")]
    AnotherRealm,
    /// Its kvno has no branch number and its principal is not the domain's krbtgt.
    #[error("neither krbtgt nor a branch key")]
    NotKrbtgt,
    /// Nothing is done with keys of this encryption type in this role.
    #[error("encryption type not used")]
    EncryptionType,
    /// The key has not the length of its encryption type.
    #[error("wrong key length")]
    KeyLength,
    /// The key is all zeros.
    #[error("key is all zeros")]
    AllZero,
    /// The same key stands in an entry before it.
    #[error("a duplicate")]
    Duplicate,
    /// Two newer versions are there.
    #[error("older than the two newest versions")]
    Older,
}

/// Why a domain's keytabs cannot be used. Each says what is missing and the mend, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No entry at all for the domain's krbtgt.
    #[error(
        "no key of krbtgt/{realm}@{realm} in {keytabs}: export the domain's krbtgt account, its kvno \
         without a branch number, into one of the domain's `keytabs`"
    )]
    NoKrbtgt {
        /// The domain's realm.
        realm: String,
        /// The keytabs that were read.
        keytabs: String,
    },
    /// Entries for a role, but none with an AES key.
    #[error(
        "{role} has entries in {keytabs} but no usable AES key: export its aes256-cts-hmac-sha1-96 \
         key (etype 18), or remove the entries"
    )]
    NoAesKey {
        /// Whose key.
        role: Role,
        /// The keytabs with the entries.
        keytabs: String,
    },
    /// Two different keys that claim to be the same one.
    #[error("{role}, kvno {kvno}, etype {etype} has two different keys in {keytabs}: remove the wrong one")]
    Conflict {
        /// Whose key.
        role: Role,
        /// The 32-bit key version number.
        kvno: u32,
        /// The encryption type's number.
        etype: i32,
        /// The two keytabs.
        keytabs: String,
    },
}

/// The names of keytabs for a message.
pub(super) fn join<'n>(keytabs: impl IntoIterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = keytabs.into_iter().collect();
    match names.len() {
        0 => "no keytab".to_owned(),
        _ => names.into_iter().collect::<Vec<_>>().join(" and "),
    }
}
