//! aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009).
//!
//! ```text
//! encrypted data = C | HMAC(Ki, zero IV | C)[0..16 or 24]        C = AES-CBC-CTS(Ke, confounder | plaintext)
//! checksum       = HMAC(Kc, data)[0..16 or 24]
//! derived key    = HMAC(K, 00000001 | label | 00 | [context] | bits)[0..bits / 8]
//! ```
//!
//! Unlike in RFC 3962, the MAC covers what was encrypted, so that it is checked before anything is decrypted.

use aes::cipher::array::Array;
use aes::cipher::consts::{U16, U24};
use aes::cipher::{Key, KeyInit};
use aes::{Aes128, Aes256};
use hmac::digest::Output;
use hmac::{Hmac, Mac as _};
use pac::Mac;
use sha2::{Sha256, Sha384};
use zeroize::{Zeroize, Zeroizing};

use super::aes_sha1::Aes;
use super::usage::KeyUsage;
use super::{cts, same_mac};

/// What the two encryption types differ in.
pub(super) trait Profile {
    /// The block cipher; its key is as long as the protocol key.
    type Aes: Aes;
    /// The keyed hash.
    type Hmac: hmac::Mac + KeyInit + Clone;
    /// Octets of a MAC, and of the keys Ki and Kc that it is made with (RFC 8009 §5).
    const MAC_LEN: usize;
    /// The first [`MAC_LEN`](Self::MAC_LEN) octets of a whole hash.
    fn truncate(whole: Output<Self::Hmac>) -> Mac;
}

/// aes128-cts-hmac-sha256-128
pub(super) enum Aes128Sha256 {}

impl Profile for Aes128Sha256 {
    type Aes = Aes128;
    type Hmac = Hmac<Sha256>;
    const MAC_LEN: usize = 16;

    fn truncate(whole: Output<Self::Hmac>) -> Mac {
        let (truncated, _) = whole.split::<U16>();
        Mac::from(<[u8; Self::MAC_LEN]>::from(truncated))
    }
}

/// aes256-cts-hmac-sha384-192
pub(super) enum Aes256Sha384 {}

impl Profile for Aes256Sha384 {
    type Aes = Aes256;
    type Hmac = Hmac<Sha384>;
    const MAC_LEN: usize = 24;

    fn truncate(whole: Output<Self::Hmac>) -> Mac {
        let (truncated, _) = whole.split::<U24>();
        Mac::from(<[u8; Self::MAC_LEN]>::from(truncated))
    }
}

/// The last octet of the label of a derived key (RFC 8009 §5).
#[derive(Clone, Copy)]
enum Purpose {
    /// Kc
    Checksum = 0x99,
    /// Ke
    Encryption = 0xAA,
    /// Ki
    Integrity = 0x55,
}

/// Ke and Ki of one key and usage, ready.
pub(super) struct Cipher<P: Profile> {
    encryption: P::Aes,
    /// With the zero initial vector absorbed, which every MAC begins with.
    integrity: P::Hmac,
}

impl<P: Profile> Cipher<P> {
    pub(super) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let base = hmac::<P>(key);
        let mut encryption_key = Zeroizing::new(Key::<P::Aes>::default());
        derive_usage_key::<P>(&base, usage, Purpose::Encryption, &mut encryption_key);
        let integrity = mac_key::<P>(&base, usage, Purpose::Integrity);
        Self { encryption: P::Aes::new(&encryption_key), integrity: integrity.chain_update([0; 16]) }
    }

    /// Turns confounder and plaintext into the encrypted part, and returns its MAC.
    pub(super) fn encrypt(&self, message: &mut [u8]) -> Mac {
        cts::encrypt(&self.encryption, message, |_| ());
        self.mac(message)
    }

    /// Turns the encrypted part back into confounder and plaintext, if the MAC says that the holder of the key
    /// made it; else leaves it as it is and returns `false`.
    pub(super) fn decrypt(&self, message: &mut [u8], mac: &[u8]) -> bool {
        let genuine = same_mac(self.mac(message).as_bytes(), mac);
        if genuine {
            cts::decrypt(&self.encryption, message);
        }
        genuine
    }

    fn mac(&self, encrypted: &[u8]) -> Mac {
        P::truncate(self.integrity.clone().chain_update(encrypted).finalize().into_bytes())
    }
}

/// Kc of one key and usage, ready.
pub(super) struct Checksum<P: Profile>(P::Hmac);

impl<P: Profile> Checksum<P> {
    pub(super) fn new(key: &[u8], usage: KeyUsage) -> Self {
        Self(mac_key::<P>(&hmac::<P>(key), usage, Purpose::Checksum))
    }

    pub(super) fn mac(&self, data: &[u8]) -> Mac {
        P::truncate(self.0.clone().chain_update(data).finalize().into_bytes())
    }
}

/// PRF (RFC 8009 §5): one whole hash, 32 or 48 octets.
pub(super) fn prf<P: Profile>(key: &[u8], input: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut output = Zeroizing::new(vec![0; Output::<P::Hmac>::default().len()]);
    kdf::<P>(&hmac::<P>(key), &[b"prf"], input, &mut output);
    output
}

/// KDF-HMAC-SHA2 (RFC 8009 §3): fills `derived`, which is no longer than a hash.
pub(super) fn kdf<P: Profile>(base: &P::Hmac, label: &[&[u8]], context: &[u8], derived: &mut [u8]) {
    let bits = u32::try_from(derived.len()).unwrap_or(u32::MAX).saturating_mul(8);
    let mut hash = base.clone().chain_update(1_u32.to_be_bytes());
    for part in label {
        hash.update(part);
    }
    let mut whole =
        hash.chain_update([0]).chain_update(context).chain_update(bits.to_be_bytes()).finalize().into_bytes();
    derived.iter_mut().zip(&whole).for_each(|(octet, hashed)| *octet = *hashed);
    whole.as_mut_slice().zeroize();
}

fn derive_usage_key<P: Profile>(base: &P::Hmac, usage: KeyUsage, purpose: Purpose, derived: &mut [u8]) {
    kdf::<P>(base, &[&(usage as u32).to_be_bytes(), &[purpose as u8]], &[], derived);
}

/// Ki or Kc, which are as long as the MACs made with them.
fn mac_key<P: Profile>(base: &P::Hmac, usage: KeyUsage, purpose: Purpose) -> P::Hmac {
    let mut derived = Zeroizing::new(vec![0; P::MAC_LEN]);
    derive_usage_key::<P>(base, usage, purpose, &mut derived);
    hmac::<P>(&derived)
}

/// The HMAC of `key`, which is shorter than a block of the hash.
pub(super) fn hmac<P: Profile>(key: &[u8]) -> P::Hmac {
    // RFC 2104 §2: such a key is padded with zeros.
    let mut block: Zeroizing<Key<P::Hmac>> = Zeroizing::new(Array::default());
    block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
    P::Hmac::new(&block)
}
