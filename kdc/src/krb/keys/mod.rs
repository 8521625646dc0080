//! Long-lived keys, typed by what they may do.
//!
//! `Key<KrbtgtAzureAd>` opens partial TGTs and verifies their PACs, `Key<Krbtgt>` seals full TGTs and signs
//! theirs. The wrong one does not compile:
//!
//! ```compile_fail
//! use kdc::krb::keys::{Key, KrbtgtAzureAd};
//! fn issue_under_the_branch_key(key: &Key<KrbtgtAzureAd>, plain: &[u8], out: &mut Vec<u8>) {
//!     key.seal_ticket(&[0; 16], plain, out);
//! }
//! ```
//!
//! `Key<Lab>` does both, for the client side (mint, exchange, demo); the pipeline does not take it.
//! [`DomainKeys`] sorts the entries of a domain's keytabs into roles, and is the only source of the two
//! others.

mod age;
mod domain;
mod inventory;
mod sort;

use std::fmt;
use std::marker::PhantomData;

use pac::SignatureType;

use super::crypto::{
    CONFOUNDER_LEN, CipherKey, EncryptionKey, EncryptionType, IntegrityError, KeyUsage, MacKey, Opened,
};
use super::messages::{Sealing, WireInt};

pub use age::KeyAge;
pub use domain::{BranchKeys, DomainKeys};
pub use inventory::{Employment, LoadedKey, Slot};
pub use sort::{KeysError, Role, SkipReason, Skipped};

/// Role of the key that Entra ID issues partial TGTs with: open and verify.
pub enum KrbtgtAzureAd {}
/// Role of the domain's own krbtgt key: seal and sign.
pub enum Krbtgt {}
/// Role of any key on the client side: everything.
pub enum Lab {}

/// Whether a domain does with RC4 what it does with AES: tickets, session keys, subkeys and PAC signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rc4 {
    /// Never (CVE-2022-37966, CVE-2022-37967).
    #[default]
    Refused,
    /// Where nothing better is common to both sides.
    Allowed,
}

/// Roles whose keys open tickets and verify PACs.
pub trait Opens {}
impl Opens for KrbtgtAzureAd {}
impl Opens for Lab {}

/// Roles whose keys seal tickets and sign PACs.
pub trait Seals {}
impl Seals for Krbtgt {}
impl Seals for Lab {}

/// One version of one long-lived key in a role, ready to use. Not [`Clone`]; wiped when dropped.
pub struct Key<Role> {
    kvno: u32,
    /// Boxed, so that moving the key about leaves no copy of it behind.
    ready: Box<Ready>,
    role: PhantomData<Role>,
}

struct Ready {
    ticket: CipherKey,
    pac: MacKey,
}

impl<Role> Key<Role> {
    /// Derives what tickets and PAC signatures need.
    fn derive(kvno: u32, key: &EncryptionKey) -> Self {
        let ready = Ready {
            ticket: CipherKey::new(key, KeyUsage::Ticket),
            pac: MacKey::new(key, KeyUsage::PacSignature),
        };
        Self { kvno, ready: Box::new(ready), role: PhantomData }
    }

    /// The key version number: branch number in the high word (0 for the domain's own krbtgt), version in the
    /// low.
    #[must_use]
    pub const fn kvno(&self) -> u32 {
        self.kvno
    }

    /// The low word of the kvno.
    #[must_use]
    pub const fn version(&self) -> u16 {
        let [_, _, high, low] = self.kvno.to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    /// The encryption type.
    #[must_use]
    pub const fn etype(&self) -> EncryptionType {
        self.ready.ticket.etype()
    }

    /// The type of this key's PAC signatures ([MS-PAC] 2.8.1).
    #[must_use]
    pub const fn pac_signature_type(&self) -> SignatureType {
        match self.etype() {
            EncryptionType::Aes128Sha1 => SignatureType::HmacSha1Aes128,
            EncryptionType::Aes256Sha1 => SignatureType::HmacSha1Aes256,
            EncryptionType::Aes128Sha256 => SignatureType::HmacSha256Aes128,
            EncryptionType::Aes256Sha384 => SignatureType::HmacSha384Aes256,
            EncryptionType::Rc4Hmac => SignatureType::HmacMd5,
        }
    }
}

impl Key<Lab> {
    /// A key of the client side.
    #[must_use]
    pub fn new(kvno: u32, key: &EncryptionKey) -> Self {
        Self::derive(kvno, key)
    }
}

impl<Role: Opens> Key<Role> {
    /// Opens the encrypted part of a ticket into a copy that is wiped when dropped.
    ///
    /// # Errors
    /// [`IntegrityError`] if the ticket was not sealed with this key.
    pub fn open_ticket(&self, cipher: &[u8]) -> Result<Opened, IntegrityError> {
        self.ready.ticket.open(cipher)
    }

    /// What this key's PAC signatures are verified with.
    #[must_use]
    pub const fn pac_verifier(&self) -> Verifier<'_> {
        Verifier(&self.ready.pac)
    }
}

impl<Role: Seals> Key<Role> {
    /// What seals the encrypted part of a ticket where it is written. `confounder` must be fresh random octets.
    #[must_use]
    pub fn sealing<'k>(&'k self, confounder: &'k [u8; CONFOUNDER_LEN]) -> Sealing<'k> {
        Sealing { key: &self.ready.ticket, kvno: Some(WireInt::unsigned(self.kvno)), confounder }
    }

    /// Appends the encrypted part of a ticket to `out`. `confounder` must be fresh random octets.
    pub fn seal_ticket(&self, confounder: &[u8; CONFOUNDER_LEN], plain: &[u8], out: &mut Vec<u8>) {
        self.ready.ticket.seal(confounder, plain, out);
    }

    /// What this key signs PACs with.
    #[must_use]
    pub const fn pac_key(&self) -> &MacKey {
        &self.ready.pac
    }
}

/// A key that verifies signatures and makes none.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'k>(&'k MacKey);

impl Verifier<'_> {
    /// Whether this key made `mac` over `data`, in constant time.
    #[must_use]
    pub fn verify(self, data: &[u8], mac: &[u8]) -> bool {
        self.0.verify(data, mac)
    }
}

impl<Role> fmt::Debug for Key<Role> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(kvno {}, redacted)", self.kvno)
    }
}

#[cfg(test)]
mod tests;
