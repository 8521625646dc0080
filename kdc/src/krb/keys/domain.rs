//! The keys of one domain: its own krbtgt, and the branches it trades partial TGTs of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use pac::SignatureType;

use super::sort::{self, KeysError, Role, Skipped, Sorted};
use super::{Key, KeyAge, Krbtgt, KrbtgtAzureAd, Rc4, Slot, Verifier};
use crate::krb::crypto::{EncryptionKey, EncryptionType, KeyUsage, MacKey};
use crate::krb::keytab::{Entry, Keytab};

/// The keys of one domain, as its keytabs have them.
#[derive(Debug)]
pub struct DomainKeys {
    issuing: Key<Krbtgt>,
    other_krbtgt: Vec<Key<Krbtgt>>,
    branches: BTreeMap<u16, BranchKeys>,
    skipped: Vec<Skipped>,
    rc4: Rc4,
}

impl DomainKeys {
    /// Sorts the entries of the domain's keytabs, each with the name that messages call it by, into roles. A
    /// domain without a branch key is none of this function's errors: it can serve discovery.
    ///
    /// # Errors
    /// [`KeysError`] if the domain's krbtgt key is missing, if the domain or a branch has entries but no AES
    /// key, or if one key stands there twice with different octets.
    pub fn from_keytabs(
        realm: &str,
        keytabs: &[(impl AsRef<str>, Keytab)],
        rc4: Rc4,
    ) -> Result<Self, KeysError> {
        let sorted = sort::sort(realm, keytabs, rc4)?;
        let no_aes_key =
            |role, with: &BTreeSet<&str>| KeysError::NoAesKey { role, keytabs: sort::join(with.clone()) };

        let Some(with) = sorted.roles.get(&Role::Krbtgt) else {
            let keytabs = sort::join(keytabs.iter().map(|(name, _)| name.as_ref()));
            return Err(KeysError::NoKrbtgt { realm: realm.to_owned(), keytabs });
        };
        let mut krbtgt = ready(&sorted, Role::Krbtgt, rc4).into_iter().flatten();
        let issuing = krbtgt.next().ok_or_else(|| no_aes_key(Role::Krbtgt, with))?;
        let mut branches = BTreeMap::new();
        for (role, with) in &sorted.roles {
            if let Role::Branch(number) = *role {
                let keys = ready(&sorted, *role, rc4).ok_or_else(|| no_aes_key(*role, with))?;
                let rc4_macs = rc4_macs(&sorted, *role);
                branches.insert(number, BranchKeys { number, keys, rc4_macs });
            }
        }
        Ok(Self { issuing, other_krbtgt: krbtgt.collect(), branches, skipped: sorted.skipped, rc4 })
    }

    /// The newest version of the domain's krbtgt key, and of that the preferred type ([`EncryptionType::ALL`]): one that
    /// every domain controller can read.
    #[must_use]
    pub const fn issuing(&self) -> &Key<Krbtgt> {
        &self.issuing
    }

    /// The key that full TGTs are issued under while the directory's version of krbtgt is `current`: the newest that the
    /// directory has heard of, since a domain controller that has not replicated a change cannot read what a newer
    /// one sealed. Where all are newer, the newest.
    #[must_use]
    pub fn issuing_at(&self, current: Option<u32>) -> &Key<Krbtgt> {
        let known = |key: &&Key<Krbtgt>| current.is_none_or(|current| key.kvno() <= current);
        self.krbtgt().find(known).unwrap_or(&self.issuing)
    }

    /// All loaded keys of the domain's krbtgt, the newest first.
    pub fn krbtgt(&self) -> impl Iterator<Item = &Key<Krbtgt>> {
        iter::once(&self.issuing).chain(&self.other_krbtgt)
    }

    /// Which of the loaded versions of the domain's krbtgt this is.
    #[must_use]
    pub const fn slot(&self, key: &Key<Krbtgt>) -> Slot {
        Slot::of(key, &self.issuing)
    }

    /// Whether RC4 is used at all.
    #[must_use]
    pub const fn rc4(&self) -> Rc4 {
        self.rc4
    }

    /// Whether the domain takes session keys and subkeys of this type.
    #[must_use]
    pub fn accepts(&self, etype: EncryptionType) -> bool {
        etype.is_aes() || self.rc4 == Rc4::Allowed
    }

    /// The types of session keys that the domain's full TGTs may have, the preferred one first. Those of RFC
    /// 8009 only where its krbtgt has such a key: elsewhere no domain controller might take them.
    pub fn session_etypes(&self) -> impl Iterator<Item = EncryptionType> {
        let has_sha2_key = self.krbtgt().any(|key| key.etype().is_sha2());
        EncryptionType::ALL
            .into_iter()
            .filter(move |etype| self.accepts(*etype) && (has_sha2_key || !etype.is_sha2()))
    }

    /// The encryption types of the loaded krbtgt keys, and RC4 where it is allowed, as bits of
    /// PA-SUPPORTED-ENCTYPES ([MS-KILE] 2.2.7).
    #[must_use]
    pub fn supported_enctypes(&self) -> u32 {
        let rc4 = match self.rc4 {
            Rc4::Refused => 0,
            Rc4::Allowed => EncryptionType::Rc4Hmac.supported_bit(),
        };
        self.krbtgt().fold(rc4, |bits, key| bits | key.etype().supported_bit())
    }

    /// How old the issuing key is, `current` being the version in the directory, if it may be read there.
    #[must_use]
    pub fn age(&self, current: Option<u32>) -> KeyAge {
        KeyAge::of(self.issuing_at(current).kvno(), current)
    }

    /// The keys of the branch of this number, the high word of its tickets' kvno.
    #[must_use]
    pub fn branch(&self, number: u16) -> Option<&BranchKeys> {
        self.branches.get(&number)
    }

    /// All branches that a key is loaded for, by number.
    pub fn branches(&self) -> impl Iterator<Item = &BranchKeys> {
        self.branches.values()
    }

    /// The keytab entries that are not used, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// The keys of one branch account, krbtgt_AzureAD as a rule: at most two versions of each encryption type.
#[derive(Debug)]
pub struct BranchKeys {
    number: u16,
    keys: Vec<Key<KrbtgtAzureAd>>,
    /// With their kvno; loaded also where RC4 is refused.
    rc4_macs: Vec<(u32, MacKey)>,
}

impl BranchKeys {
    /// The branch number (msDS-SecondaryKrbTgtNumber).
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// All keys of the branch that open tickets, newest first.
    #[must_use]
    pub fn keys(&self) -> &[Key<KrbtgtAzureAd>] {
        &self.keys
    }

    /// Which of the loaded versions of the branch's key this is.
    #[must_use]
    pub fn slot(&self, key: &Key<KrbtgtAzureAd>) -> Slot {
        Slot::of(key, self.keys.first().unwrap_or(key))
    }

    /// How many versions the newest of them is behind the one in the directory.
    #[must_use]
    pub fn versions_behind(&self, current: u16) -> u16 {
        current.saturating_sub(self.keys.iter().map(Key::version).max().unwrap_or(0))
    }

    /// The keys to try on a ticket of this encryption type, at most two. The low word of the ticket's kvno is
    /// a hint and not a selector, because issuers send 0 or a number of their own: the key of that version
    /// comes first.
    pub fn candidates(
        &self,
        etype: EncryptionType,
        low_word: u16,
    ) -> impl Iterator<Item = &Key<KrbtgtAzureAd>> {
        let of_type = move |key: &&Key<KrbtgtAzureAd>| key.etype() == etype;
        let hinted = self.keys.iter().filter(of_type).filter(move |key| key.version() == low_word);
        let others = self.keys.iter().filter(of_type).filter(move |key| key.version() != low_word);
        hinted.chain(others)
    }

    /// The keys that verify a PAC's KDC signature of this type. It is made by the branch's own KDC, and not
    /// always with the type of the server signature: a Windows RODC signs with HMAC-MD5 under its RC4 key
    /// beside an AES server signature (`windows-rodc-2021/tgt_rodc.pac.bin`).
    pub fn kdc_signature_keys(&self, kind: SignatureType) -> impl Iterator<Item = Verifier<'_>> {
        let aes =
            self.keys.iter().filter(move |key| key.etype().is_aes() && key.pac_signature_type() == kind);
        let rc4 = self.rc4_macs.iter().filter(move |_| kind == SignatureType::HmacMd5);
        aes.map(Key::pac_verifier).chain(rc4.map(|(_, mac)| Verifier(mac)))
    }

    pub(super) fn rc4_macs(&self) -> &[(u32, MacKey)] {
        &self.rc4_macs
    }
}

/// The keys of a role, newest version first and of that the preferred type first; `None` if there is no AES
/// key among them.
fn ready<R>(sorted: &Sorted<'_>, role: Role, rc4: Rc4) -> Option<Vec<Key<R>>> {
    let mut keys: Vec<Key<R>> = EncryptionType::ALL
        .into_iter()
        .filter(|etype| etype.is_aes() || rc4 == Rc4::Allowed)
        .flat_map(|etype| kept(sorted, role, etype.as_i32()).map(move |entry| (etype, entry)))
        // Sorting has left out every key of another length.
        .filter_map(|(etype, entry)| Some((entry.kvno, EncryptionKey::from_bytes(etype, &entry.key).ok()?)))
        .map(|(kvno, key)| Key::derive(kvno, &key))
        .collect();
    // Stable, so that the types of one version stay in order of preference.
    keys.sort_by_key(|key| Reverse(key.kvno()));
    keys.iter().any(|key| key.etype().is_aes()).then_some(keys)
}

fn rc4_macs(sorted: &Sorted<'_>, role: Role) -> Vec<(u32, MacKey)> {
    kept(sorted, role, EncryptionType::Rc4Hmac.as_i32())
        .filter_map(|entry| Some((entry.kvno, <&[u8; 16]>::try_from(entry.key.as_slice()).ok()?)))
        .map(|(kvno, key)| (kvno, MacKey::rc4_hmac(key, KeyUsage::PacSignature)))
        .collect()
}

fn kept<'k>(sorted: &Sorted<'k>, role: Role, etype: i32) -> impl Iterator<Item = &'k Entry> {
    sorted.kept.get(&(role, etype)).into_iter().flatten().copied()
}
