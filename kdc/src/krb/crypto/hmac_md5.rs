//! The checksums made of MD5: HMAC-MD5 of rc4-hmac keys (RFC 4757 §4, type -138) and plain rsa-md5 (RFC 3961
//! §6.1.1, type 7).
//!
//! Neither protects anything we issue. A Windows RODC signs a PAC's KDC signature with the former, and
//! Windows clients put the latter, unkeyed, over the request body inside their encrypted authenticator.

use ::md5::{Digest, Md5};
use hmac::{Hmac, KeyInit, Mac as _};
use zeroize::Zeroizing;

use super::same_mac;
use super::usage::KeyUsage;

/// HMAC-MD5 with Ksign ready: `HMAC(HMAC(K, "signaturekey\0"), MD5(T | data))` (RFC 4757 §4).
pub(super) struct HmacMd5 {
    signature_key: Hmac<Md5>,
    /// T, the usage.
    salt: [u8; 4],
}

impl HmacMd5 {
    pub(super) fn new(key: &[u8; 16], usage: KeyUsage) -> Self {
        let signature_key: Zeroizing<[u8; 16]> =
            Zeroizing::new(hmac(key).chain_update(b"signaturekey\0").finalize().into_bytes().into());
        Self { signature_key: hmac(&signature_key), salt: usage.rc4_salt() }
    }

    pub(super) fn mac(&self, data: &[u8]) -> [u8; 16] {
        let digest = Md5::new().chain_update(self.salt).chain_update(data).finalize();
        self.signature_key.clone().chain_update(digest).finalize().into_bytes().into()
    }
}

/// HMAC-MD5 with the key absorbed.
pub(super) fn hmac(key: &[u8; 16]) -> Hmac<Md5> {
    // RFC 2104 §2: a key shorter than a block is padded with zeros.
    let mut block = Zeroizing::new(hmac::digest::Key::<Hmac<Md5>>::default());
    block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
    Hmac::new(&block)
}

/// The rsa-md5 checksum of `data`, which takes no key.
#[must_use]
pub fn md5(data: &[u8]) -> [u8; 16] {
    Md5::digest(data).into()
}

/// Whether `checksum` is the rsa-md5 checksum of `data`, in constant time.
#[must_use]
pub fn md5_matches(data: &[u8], checksum: &[u8]) -> bool {
    same_mac(&md5(data), checksum)
}
