//! The keys of a keytab, tried on whatever is sealed or signed.

use ::pac::SignatureType;

use super::document::{Fields, Value};
use super::names;
use crate::client::keys::all_keys;
use crate::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, Opened};
use crate::krb::keys::{Key, Lab};
use crate::krb::keytab::Keytab;
use crate::krb::messages::EncryptedData;

/// Every usable key of a keytab, and whether keys may be shown.
pub(super) struct Keyring {
    keys: Vec<Key<Lab>>,
    /// The same, for what is sealed under another usage than a ticket.
    raw: Vec<EncryptionKey>,
    show: bool,
}

/// What the keys at hand say of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The key of this kvno made it.
    Holds(u32),
    /// The key that opened the ticket should have made it, and did not.
    Broken,
    /// There are keys of its type, and none made it.
    NoKeyFits,
    /// There is no key of its type.
    NotChecked,
}

impl Keyring {
    pub(super) fn new(keytab: Option<&Keytab>, show: bool) -> Self {
        let entries = || keytab.into_iter().flat_map(Keytab::entries);
        let raw = entries().filter_map(|entry| {
            EncryptionKey::from_bytes(EncryptionType::from_i32(entry.etype)?, &entry.key).ok()
        });
        Self { keys: keytab.map(all_keys).unwrap_or_default(), raw: raw.collect(), show }
    }

    /// Opens a ticket with whichever key fits, those of its own kvno first.
    pub(super) fn open_ticket(&self, sealed: &EncryptedData<'_>) -> Option<(&Key<Lab>, Opened)> {
        let kvno = sealed.kvno.map(|kvno| kvno.as_u32());
        let named = |key: &&Key<Lab>| Some(key.kvno()) == kvno;
        self.keys
            .iter()
            .filter(named)
            .chain(self.keys.iter().filter(|key| !named(key)))
            .filter(|key| key.etype().as_i32() == sealed.etype)
            .find_map(|key| Some((key, key.open_ticket(sealed.cipher).ok()?)))
    }

    /// Opens what is sealed under a long-lived key for `usage`.
    pub(super) fn open(&self, sealed: &EncryptedData<'_>, usage: KeyUsage) -> Option<Opened> {
        self.raw
            .iter()
            .filter(|key| key.etype().as_i32() == sealed.etype)
            .find_map(|key| CipherKey::new(key, usage).open(sealed.cipher).ok())
    }

    /// Why something stays closed.
    pub(super) fn why_closed(&self) -> &'static str {
        if self.keys.is_empty() {
            "no keytab with a usable key was given"
        } else {
            "no key of the keytab opens it"
        }
    }

    /// Who made a signature. `maker` is the key that must have, where that is known and of its type.
    pub(super) fn judge(
        &self,
        kind: SignatureType,
        data: &[u8],
        mac: &[u8],
        maker: Option<&Key<Lab>>,
    ) -> Verdict {
        if let Some(maker) = maker.filter(|maker| maker.pac_signature_type() == kind) {
            return if maker.pac_verifier().verify(data, mac) {
                Verdict::Holds(maker.kvno())
            } else {
                Verdict::Broken
            };
        }
        let of_type = || self.keys.iter().filter(|key| key.pac_signature_type() == kind);
        match of_type().find(|key| key.pac_verifier().verify(data, mac)) {
            Some(key) => Verdict::Holds(key.kvno()),
            None if of_type().next().is_none() => Verdict::NotChecked,
            None => Verdict::NoKeyFits,
        }
    }

    /// A key by its type and length; itself only where that was asked for.
    pub(super) fn key(&self, etype: i32, octets: &[u8]) -> Value {
        let shown = self.show.then(|| names::hexadecimal(octets));
        let text = format!(
            "{}, {} octets{}",
            names::etype_text(etype),
            octets.len(),
            match &shown {
                Some(key) => format!(", {key}"),
                None => String::new(),
            }
        );
        let fields = Fields::new().with("etype", names::etype(etype)).with("octets", octets.len());
        let fields = if shown.is_some() { fields.with("key", shown) } else { fields };
        Value::Shown(text, Box::new(fields.into()))
    }

    /// Octets that are a key without a type.
    pub(super) fn secret(&self, octets: &[u8]) -> Value {
        let is_zero = octets.iter().all(|&octet| octet == 0);
        if is_zero {
            "zero".into()
        } else if self.show {
            names::hexadecimal(octets).into()
        } else {
            "not shown".into()
        }
    }
}

impl From<Verdict> for Fields {
    fn from(verdict: Verdict) -> Self {
        let (name, kvno) = match verdict {
            Verdict::Holds(kvno) => ("holds", Some(kvno)),
            Verdict::Broken => ("broken", None),
            Verdict::NoKeyFits => ("no_key_fits", None),
            Verdict::NotChecked => ("not_checked", None),
        };
        Self::new().with("verdict", name).with("key", kvno.map(names::kvno))
    }
}
