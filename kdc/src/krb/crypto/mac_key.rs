//! A key made ready to sign and verify for one usage.

use std::fmt;

use aes::{Aes128, Aes256};
use subtle::ConstantTimeEq;

use super::aes_sha1::HmacSha1;
use super::encryption_key::{EncryptionKey, Material};
use super::hmac_md5::HmacMd5;
use super::usage::KeyUsage;

/// One key for the checksums of one usage, with its HMAC state ready. Not [`Clone`]; wiped when dropped.
pub struct MacKey(State);

enum State {
    /// hmac-sha1-96-aes128 (15) or -aes256 (16): they differ in the derivation only.
    HmacSha1 { checksum_type: i32, state: HmacSha1 },
    /// HMAC-MD5 (-138)
    HmacMd5(HmacMd5),
}

impl MacKey {
    /// Derives what `usage` needs.
    #[must_use]
    pub fn new(key: &EncryptionKey, usage: KeyUsage) -> Self {
        Self(State::HmacSha1 {
            checksum_type: key.etype().checksum_type(),
            state: match key.material() {
                Material::Aes128Sha1(bytes) => HmacSha1::for_checksum::<Aes128>((&**bytes).into(), usage),
                Material::Aes256Sha1(bytes) => HmacSha1::for_checksum::<Aes256>((&**bytes).into(), usage),
            },
        })
    }

    /// Makes an rc4-hmac key ready (RFC 4757 §4), to verify what others have signed.
    #[must_use]
    pub fn rc4_hmac(key: &[u8; 16], usage: KeyUsage) -> Self {
        Self(State::HmacMd5(HmacMd5::new(key, usage)))
    }

    /// The number of the checksums it makes: 15 or 16 (RFC 3962 §7), -138 (RFC 4757 §4).
    #[must_use]
    pub const fn checksum_type(&self) -> i32 {
        match self.0 {
            State::HmacSha1 { checksum_type, .. } => checksum_type,
            State::HmacMd5(_) => -138,
        }
    }

    /// The checksum of `data`.
    #[must_use]
    pub fn mac(&self, data: &[u8]) -> pac::Mac {
        match &self.0 {
            State::HmacSha1 { state, .. } => pac::Mac::from(state.mac(data)),
            State::HmacMd5(state) => pac::Mac::from(state.mac(data)),
        }
    }

    /// Whether `mac` is the checksum of `data`, in constant time. One of another length never is.
    #[must_use]
    pub fn verify(&self, data: &[u8], mac: &[u8]) -> bool {
        self.mac(data).as_bytes().ct_eq(mac).into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacKey(checksum type {}, redacted)", self.checksum_type())
    }
}
