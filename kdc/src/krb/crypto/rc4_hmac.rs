//! rc4-hmac (RFC 4757), for domains that cannot do without.
//!
//! ```text
//! K1             = HMAC-MD5(K, T)                       T: the usage, renumbered, in little-endian order
//! encrypted data = MAC | RC4(HMAC-MD5(K1, MAC), confounder | plaintext)
//! MAC            = HMAC-MD5(K1, confounder | plaintext)
//! ```
//!
//! MACs are compared in constant time. RC4 itself looks its state up by secret indices, as any RC4 does: who
//! measures the host's caches may learn of the key.

use hmac::{Hmac, KeyInit, Mac as _};
use md5::Md5;
use rc4::{Rc4, StreamCipher};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::hmac_md5::hmac;
use super::same_mac;
use super::usage::KeyUsage;

/// Octets of the MAC in front.
pub(super) const MAC_LEN: usize = 16;
/// Octets of the confounder after it.
pub(super) const CONFOUNDER_LEN: usize = 8;

/// K1 of one key and usage, ready.
pub(super) struct Cipher(Hmac<Md5>);

impl Cipher {
    pub(super) fn new(key: &[u8; 16], usage: KeyUsage) -> Self {
        let usage_key: Zeroizing<[u8; 16]> =
            Zeroizing::new(hmac(key).chain_update(usage.rc4_salt()).finalize().into_bytes().into());
        Self(hmac(&usage_key))
    }

    /// Turns confounder and plaintext into the encrypted part, and returns the MAC that goes before it.
    pub(super) fn encrypt(&self, message: &mut [u8]) -> [u8; MAC_LEN] {
        let mac = self.mac(message);
        self.apply_keystream(&mac, message);
        mac
    }

    /// Turns the encrypted part back into confounder and plaintext. The result must not be read where this
    /// returns `false`: it has been decrypted, but it is not what the holder of the key sealed.
    pub(super) fn decrypt(&self, message: &mut [u8], mac: &[u8]) -> bool {
        self.apply_keystream(mac, message);
        same_mac(&self.mac(message), mac)
    }

    fn mac(&self, message: &[u8]) -> [u8; MAC_LEN] {
        self.0.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// With K3, the key that the MAC makes fresh for each message.
    fn apply_keystream(&self, mac: &[u8], message: &mut [u8]) {
        let message_key: Zeroizing<[u8; 16]> = Zeroizing::new(self.mac(mac));
        // RC4 goes round its key until it has 256 octets, so the key twice over is the same key, and of the
        // length that the cipher's infallible constructor takes.
        let mut twice = Zeroizing::new(rc4::cipher::Key::<Rc4>::default());
        twice.iter_mut().zip(message_key.iter().cycle()).for_each(|(octet, of_key)| *octet = *of_key);
        Rc4::new(&twice).apply_keystream(message);
    }
}

/// PRF: HMAC-SHA1 of the whole input, 20 octets. RFC 4757 has none; this is what every implementation does
/// (the vectors of MIT krb5).
pub(super) fn prf(key: &[u8; 16], input: &[u8]) -> Zeroizing<Vec<u8>> {
    // RFC 2104 §2: a key shorter than a block is padded with zeros.
    let mut block = Zeroizing::new(hmac::digest::Key::<Hmac<Sha1>>::default());
    block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
    let output = Zeroizing::new(Hmac::<Sha1>::new(&block).chain_update(input).finalize().into_bytes());
    Zeroizing::new(output.to_vec())
}
