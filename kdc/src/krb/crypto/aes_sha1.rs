//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962, in the simplified profile of RFC 3961
//! §5.3).
//!
//! ```text
//! encrypted data = AES-CBC-CTS(Ke, confounder | plaintext) | HMAC-SHA1(Ki, confounder | plaintext)[0..12]
//! checksum       = HMAC-SHA1(Kc, data)[0..12]
//! ```

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser,
    InOut, Key, KeyInit, KeySizeUser,
};
use aes::{Aes128, Aes128Enc, Aes256, Aes256Enc};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::hmac_sha1::{HmacSha1, MAC_LEN};
use super::usage::{Constants, KeyUsage, n_fold};
use super::{cts, same_mac};
use crate::krb::Wiped;

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

    /// DK of RFC 3961 §5.1, for each of some folded constants.
    pub(super) fn derive<const N: usize>(&self, folded: [&[u8; 16]; N]) -> [Wiped<Key<C>>; N] {
        let mut keys = folded.map(|_| Wiped::new(Key::<C>::default()));
        self.schedule.encrypt_with_backend(Derivation { folded, keys: &mut keys });
        keys
    }

    /// With Kc of a usage, for checksums outside encrypted data.
    pub(super) fn checksum(&self, usage: KeyUsage) -> HmacSha1 {
        let [key] = self.derive([&usage.constants().checksum]);
        HmacSha1::new(&key)
    }
}

/// Fills each key with its constant, encrypted over and over. In one call of the cipher: with each it makes its round
/// keys ready anew, and one key does not wait for the other.
struct Derivation<'k, K: AsMut<[u8]>, const N: usize> {
    folded: [&'k [u8; 16]; N],
    keys: &'k mut [Wiped<K>; N],
}

impl<K: AsMut<[u8]>, const N: usize> BlockSizeUser for Derivation<'_, K, N> {
    type BlockSize = U16;
}

impl<K: AsMut<[u8]>, const N: usize> BlockCipherEncClosure for Derivation<'_, K, N> {
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, cipher: &B) {
        for (key, folded) in self.keys.iter_mut().zip(self.folded) {
            let mut block = Wiped::new(Array(*folded));
            let (parts, _) = Array::slice_as_chunks_mut(key.as_mut());
            for part in parts {
                cipher.encrypt_block(InOut::from(&mut *block));
                *part = *block;
            }
        }
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
        let [encryption, integrity] = base.derive([encryption, integrity]);
        Self { encryption: C::new(&encryption), integrity: HmacSha1::new(&integrity) }
    }

    /// Turns confounder and plaintext into the encrypted part, and returns its MAC.
    pub(super) fn encrypt(&self, message: &mut [u8]) -> [u8; MAC_LEN] {
        let mut mac = self.integrity.begin(message);
        cts::encrypt(&self.encryption, message, |plain| mac.absorb(plain));
        mac.finish()
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
    let [prf_key] = base.derive([const { &n_fold(b"prf") }]);
    let (block, _) = Sha1::digest(input).split::<U16>();
    let mut block = Zeroizing::new(block);
    C::Encryption::new(&prf_key).encrypt_block(&mut block);
    Zeroizing::new(block.to_vec())
}
