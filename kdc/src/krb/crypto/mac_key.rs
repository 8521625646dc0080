//! A key made ready to sign and verify for one usage.

use std::fmt;

use super::aes_sha2::{self, Aes128Sha256, Aes256Sha384};
use super::encryption_key::{EncryptionKey, EncryptionType, Material};
use super::hmac_md5::HmacMd5;
use super::hmac_sha1::HmacSha1;
use super::same_mac;
use super::usage::KeyUsage;

/// One key for the checksums of one usage, with its HMAC state ready. Not [`Clone`]; wiped when dropped.
pub struct MacKey(State);

enum State {
    /// hmac-sha1-96-aes128 (15) or -aes256 (16): they differ in the derivation only.
    HmacSha1 { checksum_type: i32, state: HmacSha1 },
    /// hmac-sha256-128-aes128 (19)
    HmacSha256(aes_sha2::Checksum<Aes128Sha256>),
    /// hmac-sha384-192-aes256 (20)
    HmacSha384(aes_sha2::Checksum<Aes256Sha384>),
    /// HMAC-MD5 (-138)
    HmacMd5(HmacMd5),
}

impl MacKey {
    /// Derives what `usage` needs.
    #[must_use]
    pub fn new(key: &EncryptionKey, usage: KeyUsage) -> Self {
        let hmac_sha1 = |state| State::HmacSha1 { checksum_type: key.etype().checksum_type(), state };
        Self(match key.material() {
            Material::Aes128Sha1(base) => hmac_sha1(base.checksum(usage)),
            Material::Aes256Sha1(base) => hmac_sha1(base.checksum(usage)),
            Material::Aes128Sha256(bytes) => {
                State::HmacSha256(aes_sha2::Checksum::new(bytes.as_slice(), usage))
            }
            Material::Aes256Sha384(bytes) => {
                State::HmacSha384(aes_sha2::Checksum::new(bytes.as_slice(), usage))
            }
            Material::Rc4Hmac(bytes) => State::HmacMd5(HmacMd5::new(bytes, usage)),
        })
    }

    /// Makes an rc4-hmac key ready (RFC 4757 §4), to verify what others have signed.
    #[must_use]
    pub fn rc4_hmac(key: &[u8; 16], usage: KeyUsage) -> Self {
        Self(State::HmacMd5(HmacMd5::new(key, usage)))
    }

    /// The number of the checksums it makes: 15 or 16 (RFC 3962 §7), 19 or 20 (RFC 8009 §6), -138 (RFC 4757
    /// §4).
    #[must_use]
    pub const fn checksum_type(&self) -> i32 {
        match self.0 {
            State::HmacSha1 { checksum_type, .. } => checksum_type,
            State::HmacSha256(_) => EncryptionType::Aes128Sha256.checksum_type(),
            State::HmacSha384(_) => EncryptionType::Aes256Sha384.checksum_type(),
            State::HmacMd5(_) => EncryptionType::Rc4Hmac.checksum_type(),
        }
    }

    /// The checksum of `data`.
    #[must_use]
    pub fn mac(&self, data: &[u8]) -> pac::Mac {
        match &self.0 {
            State::HmacSha1 { state, .. } => pac::Mac::from(state.mac(data)),
            State::HmacSha256(state) => state.mac(data),
            State::HmacSha384(state) => state.mac(data),
            State::HmacMd5(state) => pac::Mac::from(state.mac(data)),
        }
    }

    /// Whether `mac` is the checksum of `data`, in constant time. One of another length never is.
    #[must_use]
    pub fn verify(&self, data: &[u8], mac: &[u8]) -> bool {
        same_mac(self.mac(data).as_bytes(), mac)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacKey(checksum type {}, redacted)", self.checksum_type())
    }
}
