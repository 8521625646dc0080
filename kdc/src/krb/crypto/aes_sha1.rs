//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962, in the simplified profile of RFC 3961
//! §5.3).
//!
//! ```text
//! encrypted data = AES-CBC-CTS(Ke, confounder | plaintext) | HMAC-SHA1(Ki, confounder | plaintext)[0..12]
//! checksum       = HMAC-SHA1(Kc, data)[0..12]
//! ```

use aes::cipher::array::Array;
use aes::cipher::consts::{U12, U16};
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, Key, KeyInit, KeySizeUser};
use aes::{Aes128, Aes128Enc, Aes256, Aes256Enc};
use hmac::{Hmac, Mac as _};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::usage::{Constants, KeyUsage, n_fold};
use super::{cts, same_mac};
use crate::krb::Wiped;

/// Octets of the truncated HMAC.
pub(super) const MAC_LEN: usize = 12;

/// AES with either key length.
pub(super) trait Aes:
    BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit
{
    /// The half of it that encrypts, which is all that derivations take.
    type Encryption: BlockCipherEncrypt
        + BlockSizeUser<BlockSize = U16>
        + KeyInit
        + KeySizeUser<KeySize = Self::KeySize>;
}

impl Aes for Aes128 {
    type Encryption = Aes128Enc;
}

impl Aes for Aes256 {
    type Encryption = Aes256Enc;
}

/// A key as it stands in a key block, with the schedule that everything is derived with: once for all its usages.
pub(super) struct BaseKey<C: Aes> {
    octets: Wiped<Key<C>>,
    schedule: C::Encryption,
}

impl<C: Aes> BaseKey<C> {
    /// The key that `fill` makes of zeros.
    pub(super) fn made(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut octets = Wiped::new(Key::<C>::default());
        fill(octets.as_mut_slice());
        let schedule = C::Encryption::new(&octets);
        Self { octets, schedule }
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// DK of RFC 3961 §5.1: the folded constant, encrypted over and over until it fills a key.
    pub(super) fn derive(&self, folded: &[u8; 16]) -> Wiped<Key<C>> {
        let mut key = Wiped::new(Key::<C>::default());
        let mut block: Wiped<Block<C>> = Wiped::new(Array(*folded));
        for part in key.chunks_mut(block.len()) {
            self.schedule.encrypt_block(&mut block);
            part.iter_mut().zip(block.iter()).for_each(|(octet, derived)| *octet = *derived);
        }
        key
    }
}

/// Ke and Ki of one key and usage, ready.
pub(super) struct Cipher<C> {
    encryption: C,
    integrity: HmacSha1,
}

impl<C: Aes> Cipher<C> {
    pub(super) fn new(base: &BaseKey<C>, usage: KeyUsage) -> Self {
        let Constants { encryption, integrity, .. } = usage.constants();
        Self {
            encryption: C::new(&base.derive(encryption)),
            integrity: HmacSha1::new(&base.derive(integrity)),
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
        same_mac(&self.integrity.mac(message), mac)
    }
}

/// PRF (RFC 3961 §5.3, RFC 3962 §6): one block, `AES(DK(K, "prf"), SHA-1(input)[0..16])`.
pub(super) fn prf<C: Aes>(base: &BaseKey<C>, input: &[u8]) -> Zeroizing<Vec<u8>> {
    let prf_key = C::Encryption::new(&base.derive(const { &n_fold(b"prf") }));
    let (block, _) = Sha1::digest(input).split::<U16>();
    let mut block = Zeroizing::new(block);
    prf_key.encrypt_block(&mut block);
    Zeroizing::new(block.to_vec())
}

/// HMAC-SHA1-96 with the key already absorbed: its two key blocks cost as much as a hundred octets of data.
pub(super) struct HmacSha1(Hmac<Sha1>);

impl HmacSha1 {
    /// With Kc of a key and usage, for checksums outside encrypted data.
    pub(super) fn for_checksum<C: Aes>(base: &BaseKey<C>, usage: KeyUsage) -> Self {
        Self::new(&base.derive(&usage.constants().checksum))
    }

    fn new(key: &[u8]) -> Self {
        // RFC 2104 §2: a key shorter than a block is padded with zeros.
        let mut block = Wiped::new(Key::<Hmac<Sha1>>::default());
        block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
        Self(Hmac::new(&block))
    }

    pub(super) fn mac(&self, data: &[u8]) -> [u8; MAC_LEN] {
        let whole = self.0.clone().chain_update(data).finalize().into_bytes();
        let (truncated, _) = whole.split::<U12>();
        truncated.into()
    }
}
