//! RFC 3962 encryption and checksums by `kerberos_crypto`.

use kerberos_crypto::{AesSizes, checksum_sha_aes, new_kerberos_cipher};

use crate::OracleError;

/// An encryption key: etype 17 or 18 and its 16 or 32 octets. The library panics on any other length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// RFC 3962's number.
    pub etype: i32,
    /// The key itself.
    pub value: Vec<u8>,
}

impl Key {
    /// A key of etype 18.
    pub fn aes256(value: &[u8; 32]) -> Self {
        Self { etype: 18, value: value.to_vec() }
    }
}

/// Encrypts with a confounder that the library draws itself.
///
/// # Errors
/// [`OracleError::Crypto`] for an etype that the library does not know.
pub fn seal(key: &Key, usage: i32, plain: &[u8]) -> Result<Vec<u8>, OracleError> {
    Ok(new_kerberos_cipher(key.etype).map_err(crypto)?.encrypt(&key.value, usage, plain))
}

/// Decrypts and checks.
///
/// # Errors
/// [`OracleError::Crypto`] for an unknown etype, or a ciphertext that this key and usage did not make.
pub fn open(key: &Key, usage: i32, cipher: &[u8]) -> Result<Vec<u8>, OracleError> {
    new_kerberos_cipher(key.etype).map_err(crypto)?.decrypt(&key.value, usage, cipher).map_err(crypto)
}

/// The 12 octets of HMAC-SHA1-96 under the key's checksum key (checksum type 15 or 16).
pub fn mac(key: &Key, usage: i32, data: &[u8]) -> Vec<u8> {
    let sizes = if key.etype == 17 { AesSizes::Aes128 } else { AesSizes::Aes256 };
    checksum_sha_aes(&key.value, usage, data, &sizes)
}

fn crypto(error: kerberos_crypto::Error) -> OracleError {
    OracleError::Crypto(format!("{error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_seals_and_nothing_else() {
        let key = Key::aes256(&[7; 32]);
        let mut cipher = seal(&key, 2, b"a ticket").unwrap();
        assert_eq!(open(&key, 2, &cipher).unwrap(), b"a ticket");
        assert!(open(&key, 3, &cipher).is_err());
        cipher[0] ^= 1;
        assert!(open(&key, 2, &cipher).is_err());
    }
}
