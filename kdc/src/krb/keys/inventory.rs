//! Which keys are loaded, and which of them another set of keys would no longer have. No key is in any of this.

use std::fmt;

use super::domain::{BranchKeys, DomainKeys};
use super::{Key, Role};
use crate::krb::crypto::{EncryptionType, MacKey};

/// What is signed under two keys to see whether they are one.
const PROBE: &[u8] = b"one key or two";

/// Newer versions that take the place of an older one, which then is displaced and not removed.
const DISPLACING: usize = 2;

/// A loaded key, as far as it may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadedKey {
    /// Whose it is.
    pub role: Role,
    /// The 32-bit key version number.
    pub kvno: u32,
    /// Its encryption type.
    pub etype: EncryptionType,
    /// What is done with it.
    pub employment: Employment,
}

/// What a loaded key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Employment {
    /// Full TGTs are issued under it, unless the directory knows an older version only.
    Issues,
    /// It is of the domain's krbtgt, and another one issues.
    StandsBy,
    /// It opens partial TGTs.
    Opens,
    /// It verifies signatures in PACs and does nothing else.
    Verifies,
}

impl Employment {
    /// The stable word for it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::StandsBy => "stands_by",
            Self::Opens => "opens",
            Self::Verifies => "verifies",
        }
    }
}

/// Which of the versions that are loaded a key is of: there are at most two of each encryption type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The newest.
    Current,
    /// The one before it.
    Previous,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Current, Self::Previous];

    /// Of a key, and the newest that is loaded of its role.
    pub(super) const fn of<R>(key: &Key<R>, newest: &Key<R>) -> Self {
        if key.kvno() < newest.kvno() { Self::Previous } else { Self::Current }
    }

    /// The stable word for it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

impl fmt::Display for LoadedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, kvno {}, {}", self.role, self.kvno, self.etype)
    }
}

impl DomainKeys {
    /// All loaded keys: the domain's krbtgt first, then the branches by number, of each the newest first.
    pub fn loaded(&self) -> impl Iterator<Item = LoadedKey> {
        self.krbtgt_entries().chain(self.branches().flat_map(branch_entries)).map(|(key, _)| key)
    }

    /// The loaded keys that `next` would do without: those that it does not have, or has with other octets. One that is
    /// merely older than two newer versions in `next`, or of a type that `next` has no use for, is not among them.
    #[must_use]
    pub fn lost_to(&self, next: &Self) -> Vec<LoadedKey> {
        let theirs: Vec<_> = next.krbtgt_entries().chain(next.branches().flat_map(branch_entries)).collect();
        let ours = self.krbtgt_entries().chain(self.branches().flat_map(branch_entries));
        ours.filter(|(key, mac)| {
            let of_kind =
                || theirs.iter().filter(|(other, _)| (other.role, other.etype) == (key.role, key.etype));
            let is_kept =
                of_kind().any(|(other, other_mac)| other.kvno == key.kvno && is_same(mac, other_mac));
            let is_displaced = of_kind().filter(|(other, _)| other.kvno > key.kvno).count() >= DISPLACING;
            let is_useless = !next.accepts(key.etype) && matches!(key.role, Role::Krbtgt);
            !(is_kept || is_displaced || is_useless)
        })
        .map(|(key, _)| key)
        .collect()
    }

    fn krbtgt_entries(&self) -> impl Iterator<Item = (LoadedKey, &MacKey)> {
        let issuing = std::ptr::from_ref(self.issuing());
        self.krbtgt().map(move |key| {
            let issues = std::ptr::eq(key, issuing);
            let employment = if issues { Employment::Issues } else { Employment::StandsBy };
            entry(Role::Krbtgt, key, employment)
        })
    }
}

fn branch_entries(branch: &BranchKeys) -> impl Iterator<Item = (LoadedKey, &MacKey)> {
    let role = Role::Branch(branch.number());
    let opening = branch.keys().iter().map(move |key| entry(role, key, Employment::Opens));
    let opens_rc4 = branch.keys().iter().any(|key| !key.etype().is_aes());
    let verifying = branch.rc4_macs().iter().filter(move |_| !opens_rc4).map(move |(kvno, mac)| {
        let etype = EncryptionType::Rc4Hmac;
        (LoadedKey { role, kvno: *kvno, etype, employment: Employment::Verifies }, mac)
    });
    opening.chain(verifying)
}

fn entry<R>(role: Role, key: &Key<R>, employment: Employment) -> (LoadedKey, &MacKey) {
    (LoadedKey { role, kvno: key.kvno(), etype: key.etype(), employment }, &key.ready.pac)
}

fn is_same(one: &MacKey, other: &MacKey) -> bool {
    one.verify(PROBE, other.mac(PROBE).as_bytes())
}
