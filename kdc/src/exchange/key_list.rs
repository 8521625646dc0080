//! The key list: with the full TGT, an admitted client gets long-term keys of its own account, for what takes no
//! ticket: NTLM wants the NT hash, which is the key of type 23 ([MS-KILE] 2.2.11, 2.2.12, 3.3.5.7.8).
//!
//! Only an [`AdmittedClient`] has keys released, and only one that came with a partial TGT can be one: a full TGT is
//! none of ours (`claim`), so there is no way from it to here.

use pac::Sid;

use super::admission::AdmittedClient;
use super::user_keys::{UserKey, UserKeys};
use crate::directory::Principal;
use crate::krb::Secret;
use crate::krb::crypto::EncryptionType;
use crate::krb::der::Der;
use crate::krb::messages::KerbKeyListRep;

/// The keys that an account which is allowed a full TGT may have with it. A Protected User has none: NTLM is
/// closed to it, and its long-term keys stay where they are.
#[must_use]
pub fn releasable<'k>(keys: Option<&'k UserKeys>, account: &Principal, domain_sid: &Sid) -> &'k [UserKey] {
    match keys {
        Some(keys) if !account.account.is_protected_user(domain_sid) => keys.of(&account.sam_account_name),
        _ => &[],
    }
}

impl AdmittedClient<'_, '_, '_> {
    /// The keys asked for that the account has and may have, in the request's order.
    pub(super) fn released_keys(&self) -> impl Iterator<Item = &UserKey> {
        let client = &self.0.client;
        client.wishes.key_list.into_iter().flat_map(|requested| {
            let keys = client.domain.user_keys.as_deref();
            let held = releasable(keys, self.0.account, &self.0.view.domain_sid);
            requested.iter().filter_map(|etype| held.iter().find(|key| key.etype() == etype))
        })
    }
}

/// The KERB-KEY-LIST-REP, for the encrypted part of the reply. Without a key there is none, and the exchange goes on.
pub(super) fn key_list(released: &[&UserKey]) -> Option<Secret> {
    let keys: Vec<_> = released.iter().map(|key| key.to_wire()).collect();
    (!keys.is_empty()).then(|| KerbKeyListRep::of(&keys).to_der())
}

/// What was released of an account's keys, for the record: no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedKeys {
    /// Their version.
    pub kvno: u32,
    /// Their types, at least one.
    pub etypes: Vec<EncryptionType>,
}

impl ReleasedKeys {
    /// `None` where there is none.
    #[must_use]
    pub fn of<'k>(keys: impl IntoIterator<Item = &'k UserKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let first = keys.next()?;
        let etypes = std::iter::once(first).chain(keys).map(UserKey::etype).collect();
        Some(Self { kvno: first.kvno(), etypes })
    }
}
