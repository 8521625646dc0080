//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962, in the simplified profile of RFC 3961
//! §5.3).
//!
//! ```text
//! encrypted data = AES-CBC-CTS(Ke, confounder | plaintext) | HMAC-SHA1(Ki, confounder | plaintext)[0..12]
//! checksum       = HMAC-SHA1(Kc, data)[0..12]
//! ```

use aes::cipher::array::Array;
use aes::cipher::consts::{U12, U16};
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, Key, KeyInit};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac as _};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cts;
use super::usage::{Constants, KeyUsage, n_fold};

/// Octets of the truncated HMAC.
pub(super) const MAC_LEN: usize = 12;

/// AES with either key length.
pub(super) trait Aes:
    BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit
{
}
impl Aes for Aes128 {}
impl Aes for Aes256 {}

/// Ke and Ki of one key and usage, ready.
pub(super) struct Cipher<C> {
    encryption: C,
    integrity: HmacSha1,
}

impl<C: Aes> Cipher<C> {
    pub(super) fn new(key: &Key<C>, usage: KeyUsage) -> Self {
        let base = C::new(key);
        let Constants { encryption, integrity, .. } = usage.constants();
        Self {
            encryption: C::new(&derive(&base, encryption)),
            integrity: HmacSha1::new(&derive(&base, integrity)),
        }
    }

    /// Turns confounder and plaintext into the encrypted part, and returns its MAC.
    pub(super) fn encrypt(&self, message: &mut [u8]) -> [u8; MAC_LEN] {
        let mac = self.integrity.mac(message);
        cts::encrypt(&self.encryption, message);
        mac
    }

    /// Turns the encrypted part back into confounder and plaintext. The result must not be read where this
    /// returns `false`: it has been decrypted, but it is not what the holder of the key sealed.
    pub(super) fn decrypt(&self, message: &mut [u8], mac: &[u8]) -> bool {
        cts::decrypt(&self.encryption, message);
        self.integrity.mac(message).ct_eq(mac).into()
    }
}

/// PRF (RFC 3961 §5.3, RFC 3962 §6): one block, `AES(DK(K, "prf"), SHA-1(input)[0..16])`.
pub(super) fn prf<C: Aes>(key: &Key<C>, input: &[u8]) -> Zeroizing<Vec<u8>> {
    let prf_key = C::new(&derive(&C::new(key), const { &n_fold(b"prf") }));
    let (block, _) = Sha1::digest(input).split::<U16>();
    let mut block = Zeroizing::new(block);
    prf_key.encrypt_block(&mut block);
    Zeroizing::new(block.to_vec())
}

/// HMAC-SHA1-96 with the key already absorbed: its two key blocks cost as much as a hundred octets of data.
pub(super) struct HmacSha1(Hmac<Sha1>);

impl HmacSha1 {
    /// With Kc of a key and usage, for checksums outside encrypted data.
    pub(super) fn for_checksum<C: Aes>(key: &Key<C>, usage: KeyUsage) -> Self {
        Self::new(&derive(&C::new(key), &usage.constants().checksum))
    }

    fn new(key: &[u8]) -> Self {
        // RFC 2104 §2: a key shorter than a block is padded with zeros.
        let mut block = Zeroizing::new(Key::<Hmac<Sha1>>::default());
        block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
        Self(Hmac::new(&block))
    }

    pub(super) fn mac(&self, data: &[u8]) -> [u8; MAC_LEN] {
        let whole = self.0.clone().chain_update(data).finalize().into_bytes();
        let (truncated, _) = whole.split::<U12>();
        truncated.into()
    }
}

/// DK of RFC 3961 §5.1: the folded constant, encrypted over and over until it fills a key.
pub(super) fn derive<C: Aes>(base: &C, folded: &[u8; 16]) -> Zeroizing<Key<C>> {
    let mut key = Zeroizing::new(Key::<C>::default());
    let mut block: Zeroizing<Block<C>> = Zeroizing::new(Array(*folded));
    for part in key.chunks_mut(block.len()) {
        base.encrypt_block(&mut block);
        part.iter_mut().zip(block.iter()).for_each(|(octet, derived)| *octet = *derived);
    }
    key
}
