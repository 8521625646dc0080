//! The pseudo-random functions of the encryption types (RFC 3961 §3), and KRB-FX-CF2 (RFC 6113 §5.1), which
//! makes one key of two.

use zeroize::Zeroizing;

use super::aes_sha2::{self, Aes128Sha256, Aes256Sha384};
use super::encryption_key::{EncryptionKey, Material};
use super::{aes_sha1, rc4_hmac};

/// PRF: as many octets as the encryption type gives, 16 to 48, that nobody without the key can tell from
/// random ones.
#[must_use]
pub fn prf(key: &EncryptionKey, input: &[u8]) -> Zeroizing<Vec<u8>> {
    match key.material() {
        Material::Aes128Sha1(key) => aes_sha1::prf(key, input),
        Material::Aes256Sha1(key) => aes_sha1::prf(key, input),
        Material::Aes128Sha256(key) => aes_sha2::prf::<Aes128Sha256>(key.as_slice(), input),
        Material::Aes256Sha384(key) => aes_sha2::prf::<Aes256Sha384>(key.as_slice(), input),
        Material::Rc4Hmac(key) => rc4_hmac::prf(key, input),
    }
}

/// KRB-FX-CF2 (RFC 6113 §5.1): a key of `first`'s type that takes both keys to make, `PRF+(first, pepper) XOR
/// PRF+(second, pepper)`. The keys may be of different types. random-to-key is the identity for all of ours.
#[must_use]
pub fn fx_cf2(
    first: &EncryptionKey,
    second: &EncryptionKey,
    first_pepper: &[u8],
    second_pepper: &[u8],
) -> EncryptionKey {
    EncryptionKey::made(first.etype(), |octets| {
        xor_prf_plus(first, first_pepper, octets);
        xor_prf_plus(second, second_pepper, octets);
    })
}

/// Adds PRF+ to `octets`: `PRF(K, 01 | pepper) | PRF(K, 02 | pepper) | …`, as much as there is room for.
fn xor_prf_plus(key: &EncryptionKey, pepper: &[u8], octets: &mut [u8]) {
    let mut input = vec![0];
    input.extend_from_slice(pepper);
    let mut rest = octets;
    for counter in 1..=u8::MAX {
        if let Some(first) = input.first_mut() {
            *first = counter;
        }
        let block = prf(key, &input);
        let (filled, after) = rest.split_at_mut(block.len().min(rest.len()));
        filled.iter_mut().zip(block.iter()).for_each(|(octet, random)| *octet ^= *random);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
}
