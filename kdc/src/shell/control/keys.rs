//! Which keys are loaded, and which entries of the keytabs are not used. Nothing here is a key, or made from one.

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use crate::exchange::Timestamp;
use crate::krb::keys::{LoadedKey, Role, Skipped};
use crate::shell::generation::Generation;

/// Answer to `tgtx keys list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Version of this.
    pub schema: u32,
    /// Those loaded, by domain.
    pub keys: Vec<KeyLine>,
    /// Entries that are not used.
    pub skipped: Vec<SkippedLine>,
}

/// A loaded key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    /// The domain.
    pub realm: String,
    /// `krbtgt` or `branch`.
    pub role: String,
    /// The branch's number; none of the domain's own.
    pub branch: Option<u16>,
    /// The key version number as keytabs and tickets have it, with the branch's number in the high word.
    pub kvno: u32,
    /// The name of its encryption type.
    pub etype: String,
    /// What it does: `issues`, `stands_by`, `opens` or `verifies`.
    pub employment: String,
    /// For how long it has been loaded.
    pub loaded_seconds: u64,
}

/// An entry of a keytab that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedLine {
    /// The domain.
    pub realm: String,
    /// The keytab.
    pub keytab: String,
    /// The principal.
    pub principal: String,
    /// Its key version number.
    pub kvno: u32,
    /// The number of its encryption type.
    pub etype: i32,
    /// Why it is not used.
    pub reason: String,
}

impl Keys {
    /// Of all domains.
    #[must_use]
    pub fn of(generation: &Generation, now: Timestamp) -> Self {
        let domains = generation.domains();
        let keys = domains.iter().flat_map(|domain| KeyLine::of_realm(generation, &domain.realm, now));
        let skipped = domains.iter().flat_map(|domain| {
            domain.keys.skipped().iter().map(|skipped| SkippedLine::new(&domain.realm, skipped))
        });
        Self { schema: SCHEMA, keys: keys.collect(), skipped: skipped.collect() }
    }
}

impl KeyLine {
    /// Of one domain.
    pub(super) fn of_realm(generation: &Generation, realm: &str, now: Timestamp) -> Vec<Self> {
        let keys = generation.keys_since(realm);
        keys.map(|(key, since)| Self::new(realm, key, since, now)).collect()
    }

    fn new(realm: &str, key: &LoadedKey, since: Timestamp, now: Timestamp) -> Self {
        let (role, branch) = match key.role {
            Role::Krbtgt => ("krbtgt", None),
            Role::Branch(number) => ("branch", Some(number)),
        };
        let loaded = now.seconds.unix_seconds().saturating_sub(since.seconds.unix_seconds());
        Self {
            realm: realm.to_owned(),
            role: role.to_owned(),
            branch,
            kvno: key.kvno,
            etype: key.etype.to_string(),
            employment: key.employment.label().to_owned(),
            loaded_seconds: u64::try_from(loaded).unwrap_or_default(),
        }
    }
}

impl SkippedLine {
    fn new(realm: &str, skipped: &Skipped) -> Self {
        Self {
            realm: realm.to_owned(),
            keytab: skipped.keytab.clone(),
            principal: skipped.principal.clone(),
            kvno: skipped.kvno,
            etype: skipped.etype,
            reason: skipped.reason.to_string(),
        }
    }
}
